"""A finished layout in the forms of other trades: package tools, mechanics, mask shops, those who get no inside.

Everything is read from the layout file (`reading.read_package`), never from the spec; heights come from a table of the
process. `export.export` writes the files.
"""

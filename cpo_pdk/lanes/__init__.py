"""The lane map: which serial lane of the switch leaves by which fibre, read back from the layout alone."""

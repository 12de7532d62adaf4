"""The same rules in KLayout itself: a generated DRC deck, the technology package around it, and the table of the rules."""

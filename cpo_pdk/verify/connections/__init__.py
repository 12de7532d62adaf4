"""Whether light and current get from part to part as drawn."""

"""Design rules: distances, areas, angles and what must lie inside what, on the polygons of a layout file."""

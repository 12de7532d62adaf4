"""Crosstalk census: everything that disturbs a lane, found in the drawing and in the solved circuit, with its place."""

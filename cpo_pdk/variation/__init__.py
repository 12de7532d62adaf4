"""Process variation over the real coordinates of the wafer, and the random streams that it is drawn from."""

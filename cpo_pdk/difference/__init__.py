"""What is different between two builds: polygons, circuit, and what the lanes lose."""

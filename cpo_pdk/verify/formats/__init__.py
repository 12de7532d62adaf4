"""The outcome of a check in the formats that people, KLayout and CI read."""

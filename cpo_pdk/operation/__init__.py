"""The working package: temperature, tuning, power and margin that hold together, at every load."""

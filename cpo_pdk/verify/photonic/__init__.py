"""Rules that only waveguides have, measured on the drawn curves."""

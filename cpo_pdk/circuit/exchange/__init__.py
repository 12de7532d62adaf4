"""Circuits and spectra in the forms of other tools, and layouts that other tools drew."""

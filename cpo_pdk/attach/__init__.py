"""Fibres, engines and connectors as they are mounted: misalignment, its loss, the accuracy that a yield needs."""

"""Many samples of one engine at once: every device tabulated over its deviations, one plan for all."""

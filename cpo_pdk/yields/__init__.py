"""From spread devices to working lanes, engines and packages: yield, what kills, spares, life and cost."""

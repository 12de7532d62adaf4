"""Rules of the package: what stands next to what, where fibres run, which connector takes them."""

"""What all tests share: random examples that are the same whatever else is imported."""

from __future__ import annotations

from hypothesis.internal.conjecture import providers

# Hypothesis takes constants of the modules that happen to be loaded for examples, which makes even derandomised tests
# draw others in another order of the tests. There is no setting for it.
if hasattr(providers, "_get_local_constants"):
    _NONE = providers._get_local_constants.__globals__["Constants"]()
    providers._get_local_constants = lambda: _NONE

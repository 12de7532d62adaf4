"""Packages of Mach-Zehnder engines: what was published comes out of the drawing, and no check finds anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

#: engines, lanes each way, fibres (transmit, receive, laser), data connectors
PUBLISHED = {
    "switch_25t6": (4, 128, (32, 32, 8), 16),  # TH4-Humboldt: 4 engines of 32 lanes of 100G, 16 MPO
    "switch_51t2_cwdm4": (8, 512, (128, 128, 32), 16),  # TH5-Bailly: 8 engines of 64 lanes, 128 x 400G-FR4
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_is_clean_and_counts_as_published(name: str, built: Callable[[str], Any]) -> None:
    made = built(name)
    engines, lanes, fibres, connectors = PUBLISHED[name]
    assert {r.group: len(r.violations) for r in made.verdict.results} == dict.fromkeys(
        ("drc", "photonic", "connectivity", "lvs", "assembly"), 0
    )
    assert made.verdict.clean and all(result.looked_at for result in made.verdict.results)
    assert made.lanes.closed, made.lanes.problems
    assert len(made.lanes.engines) == engines
    assert Counter(lane.direction for lane in made.lanes.lanes) == {"tx": lanes, "rx": lanes}
    uses = Counter(fibre.use for fibre in made.lanes.fibres if fibre.connector)
    assert (uses["tx"], uses["rx"], uses["laser"]) == fibres
    assert sum(connector.level > 0 for connector in made.lanes.connectors) == connectors
    assert {lane.device_cell for lane in made.lanes.lanes if lane.direction == "tx"} == {"mach_zehnder_modulator"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_wavelengths_stay_apart(name: str, built: Callable[[str], Any]) -> None:
    made = built(name)
    solved = {(lane.engine, lane.direction, lane.port, lane.channel): lane for lane in made.simulated.lanes}
    assert set(solved) == {lane.key for lane in made.lanes.lanes}
    assert max(lane.crosstalk_dB for lane in solved.values()) < -20
    assert Counter(round(lane.wl_um, 3) for lane in solved.values()) == dict.fromkeys(
        (1.271, 1.291, 1.311, 1.331), 2 * PUBLISHED[name][1] // 4
    )
    assert {len(lane.aggressors) for lane in solved.values()} == {3}

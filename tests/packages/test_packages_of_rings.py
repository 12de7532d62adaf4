"""Packages of ring engines: what was published of them comes out of the drawing, and no check finds anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

#: engines in use, spares, lanes each way, fibres (transmit, receive, laser), laser modules, GDS below MB
PUBLISHED = {
    "switch_28t8": (18, 0, 144, (144, 144, 36), 5, 5),  # Quantum-X: 18 fibres an engine, 324; 4.5 modules of 8
    "switch_102t4": (32, 4, 512, (512, 512, 128), 16, 60),  # Spectrum-X: 36 fibres an engine, 1,152; 16 modules
    "switch_102t4_dr": (16, 0, 512, (512, 512, 128), 16, 60),  # Davisson: 32 lanes of 200G an engine
    "optical_io_ucie": (1, 0, 64, (8, 8, 2), 1, 5),  # 8 pairs x 8 wavelengths
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_is_clean_and_counts_as_published(name: str, built: Callable[[str], Any]) -> None:
    made = built(name)
    engines, spares, lanes, fibres, modules, megabytes = PUBLISHED[name]
    assert {r.group: len(r.violations) for r in made.verdict.results} == dict.fromkeys(
        ("drc", "photonic", "connectivity", "lvs", "assembly"), 0
    )
    assert made.verdict.clean and all(result.looked_at for result in made.verdict.results)
    assert made.lanes.closed, made.lanes.problems
    assert (len(made.lanes.engines), len(made.lanes.spares)) == (engines, spares)
    assert Counter(lane.direction for lane in made.lanes.lanes) == {"tx": lanes, "rx": lanes}
    uses = Counter(fibre.use for fibre in made.lanes.fibres if fibre.connector)
    assert (uses["tx"], uses["rx"], uses["laser"]) == fibres
    assert sum(connector.level == 0 for connector in made.lanes.connectors) == modules
    assert made.gds.stat().st_size < megabytes * 1e6


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_lane_has_its_loss(name: str, built: Callable[[str], Any]) -> None:
    made = built(name)
    solved = {(lane.engine, lane.direction, lane.port, lane.channel): lane for lane in made.simulated.lanes}
    assert set(solved) == {lane.key for lane in made.lanes.lanes}
    assert all(0 < lane.insertion_loss_dB < 20 for lane in solved.values())
    # lanes that are alone on their fibre have nobody to disturb them
    alone = made.spec.engine.grid.channels == 1
    assert all(bool(lane.aggressors) != alone for lane in solved.values())


def test_half_a_module_stays_empty(built: Callable[[str], Any]) -> None:
    modules = [connector for connector in built("switch_28t8").lanes.connectors if connector.level == 0]
    assert sorted(len(module.positions) for module in modules) == [4, 8, 8, 8, 8]
    assert {module.size for module in modules} == {8}

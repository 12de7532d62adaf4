"""Drawings turned, mirrored, moved, placed or flattened have the same faults."""

from __future__ import annotations

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify.photonic.contour_set import ContourSet, right_of
from cpo_pdk.verify.photonic.rays import RayGrid
from cpo_pdk.verify.photonic.run import photonic_layout

SLOW = settings(derandomize=True, deadline=None, max_examples=25)


def _faulty(along, quarter) -> list[tuple[str, kdb.DBox | kdb.DPolygon]]:
    """One fault of most kinds, far from each other."""

    def at(x: float, *shapes):
        return [(layer, shape.moved(x, 0.0)) for layer, shape in shapes]

    def wg(*box: float):
        return ("WG", kdb.DBox(*box))

    taper = kdb.DPolygon(
        [kdb.DPoint(x, y) for x, y in [(0, -0.2), (0, 0.2), (2, 0.9), (12, 0.9), (12, -0.9), (2, -0.9)]]
    )
    cross = kdb.DPolygon([kdb.DPoint(x, y) for x, y in [
        (-9, -0.2), (-9, 0.2), (-0.2, 0.2), (-0.2, 9), (0.2, 9), (0.2, 0.2),
        (9, 0.2), (9, -0.2), (0.2, -0.2), (0.2, -9), (-0.2, -9), (-0.2, -0.2)]])  # fmt: skip
    return [
        *at(0, wg(-10, -0.2, 0, 0.2), wg(0, -0.25, 10, 0.25)),
        *at(100, wg(-10, -0.2, 0, 0.2), ("WG", taper)),
        *at(200, along(np.vstack([[-10, 0], quarter(4.0)]))),
        *at(300, along(np.vstack([[-10, 0], quarter(10.0, 9)]))),
        *at(400, ("WG", cross)),
        *at(500, wg(-30, -0.2, 30, 0.2), wg(-30, 0.7, 30, 1.1)),
        *at(600, along([[-10, 0], [0, 0], [8, 2]])),
        *at(700, wg(-10, -0.2, 10, 0.2), ("BUMP", kdb.DBox(-10, 1, 10, 21))),
        *at(800, wg(-30, -0.2, 30, 0.2), ("HEATER", kdb.DBox(-9, -1, 9, 1)), wg(-30, 2, 30, 2.4)),
    ]


def _counts(look, shapes, **how) -> dict[str, int]:
    found = photonic_layout(look.file(shapes, **how), load_rules(group="photonic"), leaves=())
    counts: dict[str, int] = {}
    for violation in found.violations:
        counts[violation.rule] = counts.get(violation.rule, 0) + violation.places
    return counts


@pytest.fixture(scope="module")
def faulty(along, quarter):
    return _faulty(along, quarter)


@pytest.fixture(scope="module")
def expected(look, faulty):
    counts = _counts(look, faulty)
    for name in (
        "WG.BEND",
        "PH.JUMP",
        "PH.END",
        "PH.CROSSING",
        "PH.TAPER",
        "PH.CHORD",
        "PH.KINK",
        "PH.NEAR",
        "PH.BUMP",
        "PH.HEATER",
    ):
        assert counts.get(name), f"no {name} in {counts}"
    return counts


@SLOW
@given(
    turn=st.sampled_from([0.0, 90.0, 180.0, 270.0]),
    mirror=st.booleans(),
    x=st.integers(-100_000, 100_000),
    y=st.integers(-100_000, 100_000),
)
def test_turned_mirrored_and_moved(look, faulty, expected, turn, mirror, x, y):
    assert _counts(look, faulty, turn=turn, mirror=mirror, shift=(x / 1000, y / 1000)) == expected


@pytest.mark.parametrize("turn", [0.0, 90.0])
def test_three_places_have_three_times_the_faults(look, faulty, expected, turn):
    assert _counts(look, faulty, turn=turn, placed=True) == {name: 3 * n for name, n in expected.items()}


def test_flattened_is_the_same(look, faulty, expected):
    file = look.file(faulty, placed=True)
    file.top.flatten(True)
    found = photonic_layout(file, load_rules(group="photonic"), leaves=())
    assert found.by_rule == {name: 3 * n for name, n in expected.items()}


@SLOW
@given(st.lists(st.tuples(st.integers(-4000, 4000), st.integers(-4000, 4000)), min_size=3, max_size=30, unique=True))
def test_rays_meet_the_first_of_all_walls(points):
    region = kdb.Region(kdb.Polygon([kdb.Point(x, y) for x, y in points])).merged()
    walls = ContourSet.of(((polygon, 1) for polygon in region.each()), 0.001)
    if not walls.count:
        return
    start = walls.points + walls.edge / 2
    direction = right_of(walls.direction)
    distance, edge = RayGrid(walls).meet(start, direction, walls.polygon, 20.0)
    for i in range(walls.count):
        hits = []
        for j in range(walls.count):
            if walls.polygon[i] != walls.polygon[j]:
                continue
            det = direction[i, 0] * walls.edge[j, 1] - direction[i, 1] * walls.edge[j, 0]
            if abs(det) < 1e-12:
                continue
            dx, dy = walls.points[j] - start[i]
            far = (dx * walls.edge[j, 1] - dy * walls.edge[j, 0]) / det
            share = (dx * direction[i, 1] - dy * direction[i, 0]) / det
            if far > 1e-4 and -1e-9 <= share <= 1 + 1e-9 and far <= 20:
                hits.append(far)
        assert distance[i] == pytest.approx(min(hits, default=np.inf), abs=1e-9)
        assert (edge[i] >= 0) == bool(hits)


@pytest.mark.parametrize("seed", range(8))
def test_random_shapes_never_fail(look, seed):
    rng = np.random.default_rng(seed)
    shapes = []
    for _ in range(30):
        n = int(rng.integers(3, 40))
        points = np.round(rng.normal(scale=rng.choice([0.01, 0.3, 5.0]), size=(n, 2)) + rng.uniform(-20, 20, 2), 3)
        layer = str(rng.choice(["WG", "WG", "WG", "SLAB90", "HEATER", "BUMP", "DEEPTRENCH", "DEVREC", "GE"]))
        shapes.append((layer, kdb.DPolygon([kdb.DPoint(x, y) for x, y in points])))
    result = photonic_layout(look.file(shapes), load_rules(group="photonic"), leaves=())
    assert result.looked_at > 0
    assert all("\n" not in v.message and "limit" in v.message for v in result.violations)


def test_shapes_without_area_and_slivers(look):
    shapes = [
        ("WG", kdb.DBox(0, 0, 0, 10)),
        ("WG", kdb.DBox(5, 0, 5.001, 10)),
        ("WG", kdb.DPolygon([kdb.DPoint(0, 0), kdb.DPoint(1, 1), kdb.DPoint(2, 2)])),
    ]
    assert photonic_layout(look.file(shapes), load_rules(group="photonic"), leaves=()).looked_at == 1


def test_a_long_guide_costs_no_memory(look):
    far = kdb.DPolygon([kdb.DPoint(x, y) for x, y in [(-1e6, -1e6), (-1e6, -1e6 + 0.6), (1e6, 1e6), (1e6, 1e6 - 0.6)]])
    result = photonic_layout(look.file([("WG", far)]), load_rules(group="photonic"), leaves=())
    assert result.looked_at == 1

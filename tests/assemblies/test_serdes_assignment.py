"""Lanes to engines: no other assignment has a shorter longest trace; what is drawn is what was assigned."""

from __future__ import annotations

import itertools
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from cpo_pdk.assemblies import write_package
from cpo_pdk.assemblies.serdes import assign_lanes, lengths, placed_bump, shortest_longest
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.spec.package import Side
from cpo_pdk.spec.placement import EnginePlace, place_engines
from cpo_pdk.tech.layers import layer_of

costs = st.integers(1, 5).flatmap(
    lambda n: st.integers(n, 6).flatmap(
        lambda m: st.lists(st.lists(st.integers(0, 30), min_size=m, max_size=m), min_size=n, max_size=n)
    )
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(costs)
def test_longest_is_shortest_and_of_those_the_squares_are_least(table: list[list[int]]) -> None:
    cost = np.array(table, dtype=float)
    chosen = shortest_longest(cost)
    assert len(set(chosen)) == len(chosen) == len(cost)
    every = [
        [cost[i, k] for i, k in enumerate(columns)]
        for columns in itertools.permutations(range(cost.shape[1]), cost.shape[0])
    ]
    longest = min(max(row) for row in every)
    taken = [cost[i, k] for i, k in enumerate(chosen)]
    assert max(taken) == longest
    assert sum(v**2 for v in taken) == min(sum(v**2 for v in row) for row in every if max(row) == longest)


def test_a_thousand_lanes_are_assigned_with_the_shortest_longest_too() -> None:
    at = np.linspace(-20_000, 20_000, 1100)
    ends = [(x + 31.0 * (k % 7), 3000.0 + 50.0 * (k % 9)) for k, x in enumerate(np.linspace(-9000, 9000, 1100))]
    cost = lengths([(float(x), 0.0) for x in at], ends)
    chosen = shortest_longest(cost)
    assert sorted(chosen) == list(range(1100))
    longest = max(cost[i, k] for i, k in enumerate(chosen))
    matched = maximum_bipartite_matching(csr_matrix(cost < longest), perm_type="column")
    assert (np.asarray(matched) < 0).any(), "all could be shorter"


def test_more_rows_than_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="3 rows for 2 columns"):
        shortest_longest(np.zeros((3, 2)))
    assert shortest_longest(np.zeros((0, 4))) == []


def test_lengths_are_manhattan() -> None:
    assert lengths([(0.0, 0.0), (1.0, 2.0)], [(3.0, -4.0)]).tolist() == [[7.0], [8.0]]


@pytest.mark.parametrize(
    ("side", "expected"),
    [("east", (1010.0, 2020.0)), ("north", (980.0, 2010.0)), ("west", (990.0, 1980.0)), ("south", (1020.0, 1990.0))],
)
def test_points_of_an_engine_turn_with_it(side: str, expected: tuple[float, float]) -> None:
    place = EnginePlace("X1", side, 1, 1000.0, 2000.0)
    assert placed_bump(place, (200.0, 100.0), 110.0, 70.0) == expected


def _bumps(tx: int, rx: int) -> list[list[str | float]]:
    return [
        [f"{d}_{k + 1}/1", 300.0 + 10 * k, 60.0 + 100 * k + 20] for d, n in (("tx", tx), ("rx", rx)) for k in range(n)
    ]


@pytest.mark.parametrize("name", ["switch_102t4", "switch_28t8", "switch_102t4_dr"])
def test_every_lane_of_every_engine_in_use_is_served_once_from_its_own_side(name: str) -> None:
    spec, size = load_spec(name), (1000.0, 4772.0)
    places = place_engines(spec, size)
    wires = assign_lanes(spec, places, size, _bumps(spec.engine.tx_fibres, spec.engine.rx_fibres))
    assert len(wires) == 2 * spec.lanes_per_direction
    assert len({(w.engine, w.port) for w in wires}) == len(wires) == len({w.lane.name for w in wires})
    by_name = {p.name: p for p in places}
    assert not any(by_name[w.engine].spare for w in wires)
    assert all(by_name[w.engine].side == w.lane.side for w in wires)
    assert all(w.port.startswith(w.lane.direction) for w in wires)
    for w in wires:
        assert w.length == pytest.approx(abs(w.start[0] - w.end[0]) + abs(w.start[1] - w.end[1]), abs=2e-3)


def test_what_is_drawn_is_what_was_assigned(tmp_path: Path) -> None:
    spec = load_spec("switch_51t2")
    files = write_package(spec, tmp_path, load_sheets())
    layout = kdb.Layout()
    layout.read(str(files.package_gds))
    top = layout.top_cell()
    paths = [shape.dpath for shape in top.shapes(layout.layer(*layer_of("AIRWIRE"))).each()]
    ends = [tuple((round(p.x, 3), round(p.y, 3)) for p in path.each_point()) for path in paths]
    assert len(ends) == len(set(ends)) == 2 * spec.lanes_per_direction == 1024
    bumps = kdb.Region(top.begin_shapes_rec(layout.layer(*layer_of("ASIC_BUMP"))))
    landed = kdb.Region(top.begin_shapes_rec(layout.layer(*layer_of("BUMP"))))

    def on(region: kdb.Region, points: list[tuple[float, float]]) -> int:
        dots = kdb.Region()
        for x, y in points:
            dots.insert(kdb.DBox(x - 0.01, y - 0.01, x + 0.01, y + 0.01).to_itype(layout.dbu))
        return dots.interacting(region).count()

    assert on(bumps, [start for start, _ in ends]) == 1024
    assert on(landed, [end for _, end in ends]) == 1024


@pytest.mark.parametrize("side", ["north", "east", "south", "west"])
def test_traces_end_on_the_bumps_of_engines_whose_size_is_odd_in_nanometres(side: Side) -> None:
    """The middle of such an engine lies between two points of the grid, its bumps do not."""
    place, size = EnginePlace("N1", side, 1, 35_000.0, -0.001), (2001.0, 2710.001)
    left, bottom = place.corner(size)
    turned = kdb.DCplxTrans(1, place.rotation, False, left, bottom)
    for x, y in ((0.0, 0.0), (400.0, 1200.0), (1999.999, 2710.0)):
        point = turned * kdb.DPoint(x, y)
        assert placed_bump(place, size, x, y) == (round(point.x, 3), round(point.y, 3))
    drawn = turned * kdb.DBox(0, 0, *size)
    assert place.box(size) == tuple(round(v, 3) for v in (drawn.left, drawn.bottom, drawn.right, drawn.top))

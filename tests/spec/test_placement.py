"""Where engines stand: rows, given positions, sub-assemblies, spares, keep-outs; properties that hold for any spec."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.spec import PackageSpec, list_specs, load_spec
from cpo_pdk.spec.carriers import place_carriers
from cpo_pdk.spec.keep_outs import kept_out, overlap_of, space_of
from cpo_pdk.spec.placement import (
    BOARD_GAP,
    EnginePlace,
    pitch_of,
    place_engines,
    share_of,
    shoreline_of,
    spares_of,
)
from cpo_pdk.spec.placement_checks import engine_problems
from cpo_pdk.spec.port_plan import active_names

BASE = load_spec("switch_51t2")
SIZE = (2000.0, 3000.0)


def spec_with(**sections: Any) -> PackageSpec:
    """The shipped 51.2 Tb/s spec with values replaced, section by section; not asked to close."""
    data = BASE.model_dump(mode="python")
    for section, values in sections.items():
        data[section] = {**data[section], **values} if isinstance(values, dict) and data[section] else values
    return PackageSpec.model_validate(data)


def free(**engines: Any) -> PackageSpec:
    """Engines shared out and spread by themselves, on a large substrate."""
    values = {"per_side": None, "pitch_mm": None, **engines}
    return spec_with(engines=values, substrate={"size_mm": (200.0, 200.0)})


def offsets(places: tuple[EnginePlace, ...], side: str) -> list[float]:
    return [p.along for p in places if p.side == side]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, (0, 1, 0, 0)), (2, (0, 1, 0, 1)), (4, (1, 1, 1, 1)), (5, (1, 2, 1, 1)), (8, (2, 2, 2, 2)), (9, (2, 3, 2, 2))],
)
def test_engines_are_shared_out_by_the_length_of_the_edges(count: int, expected: tuple[int, ...]) -> None:
    share = share_of(free(count=count))
    assert (share.north, share.east, share.south, share.west) == expected


def test_where_edges_are_equal_the_side_of_the_faceplate_comes_first() -> None:
    square = spec_with(engines={"per_side": None, "count": 5}, asic={"size_mm": (30.0, 30.0)})
    assert share_of(square).north == 2


def test_sub_assemblies_are_shared_out_as_a_whole() -> None:
    share = share_of(free(count=18, mount="socket", carrier={"engines": 3}))
    assert all(share.of(side) % 3 == 0 for side in ("north", "east", "south", "west"))
    assert sum(share.of(side) for side in ("north", "east", "south", "west")) == 18


def test_spares_are_the_last_of_the_sides_in_turn() -> None:
    spec = load_spec("switch_102t4")
    assert spares_of(spec) == {"N9", "E9", "S9", "W9"}
    places = place_engines(spec, (1000.0, 4772.0))
    assert [p.name for p in places if p.spare] == ["N9", "E9", "S9", "W9"]
    assert len(active_names(spec)) == 32 and not set(active_names(spec)) & spares_of(spec)


def test_second_row_stands_behind_the_gaps_of_the_first() -> None:
    spec = spec_with(
        engines={"per_side": {"north": 5}, "count": 5, "rows": 2, "pitch_mm": None},
        asic={"size_mm": (40.0, 40.0)},
        substrate={"size_mm": (120.0, 120.0)},
    )
    assert engine_problems(spec, SIZE) == []
    north = place_engines(spec, SIZE)
    assert [p.row for p in north] == [1, 2, 1, 2, 1]
    assert [p.name for p in north] == ["N1", "N2", "N3", "N4", "N5"]
    for left, middle, right in zip(north, north[1:], north[2:], strict=False):
        assert middle.x == pytest.approx((left.x + right.x) / 2)
    inner, outer = north[0].box(SIZE), north[1].box(SIZE)
    assert outer[1] - inner[3] == pytest.approx(spec.engines.gap_mm * 1e3)
    # between two outer engines and their keep-outs there is room for the fibre array of the inner one
    first, second = (p.box(SIZE) for p in north if p.row == 2)
    room = second[0] - first[2] - 2 * spec.engines.keepout_um
    assert room >= spec.engine.fibre_counts["total"] * spec.engine.fibre_pitch_um


def test_given_positions_are_honoured_and_numbered_along_their_sides() -> None:
    at = [("north", 8.0, 21.0), ("north", -8.0, 20.5), ("east", 18.0, 3.0), ("east", 18.0, -6.0)]
    positions = [{"side": s, "x_mm": x, "y_mm": y} for s, x, y in at]
    spec = spec_with(engines={"count": 3, "spares": 1, "per_side": None, "pitch_mm": None, "positions": positions})
    places = {p.name: (p.x, p.y, p.spare) for p in place_engines(spec, SIZE)}
    assert places == {
        "N1": (-8000.0, 20500.0, False),
        "N2": (8000.0, 21000.0, False),
        "E1": (18000.0, 3000.0, False),
        "E2": (18000.0, -6000.0, True),
    }
    assert engine_problems(spec, SIZE) == []
    assert active_names(spec) == ("N1", "N2", "E1")


def test_sub_assemblies_hold_neighbours_and_keep_apart() -> None:
    spec, size = load_spec("switch_28t8"), (940.0, 2486.0)
    boards = place_carriers(spec, place_engines(spec, size), size)
    assert [b.engines for b in boards] == [
        ("N1", "N2", "N3"), ("N4", "N5", "N6"), ("E1", "E2", "E3"),
        ("S1", "S2", "S3"), ("S4", "S5", "S6"), ("W1", "W2", "W3"),
    ]  # fmt: skip
    for a, b in itertools.combinations(boards, 2):
        assert space_of(a.box, b.box) >= BOARD_GAP - 1e-3
    assert engine_problems(spec, size) == []


def test_engines_move_aside_of_a_keep_out_by_as_little_as_they_must() -> None:
    wall = {"kind": "stiffener", "box_mm": (-1.0, 20.0, 1.0, 22.0)}
    bare = spec_with(
        engines={"per_side": {"north": 3}, "count": 3, "pitch_mm": None}, substrate={"size_mm": (120.0, 120.0)}
    )
    spec = spec_with(
        engines={"per_side": {"north": 3}, "count": 3, "pitch_mm": None},
        substrate={"size_mm": (120.0, 120.0)},
        keepouts=(wall,),
    )
    before, after = place_engines(bare, SIZE), place_engines(spec, SIZE)
    assert any(kept_out(spec, place, SIZE) for place in before)
    assert engine_problems(spec, SIZE) == []
    moves = [abs(a.x - b.x) for a, b in zip(before, after, strict=True)]
    # only the middle one is in the way: half the wall, half the die, 400 um of fibre block and 250 um of clearance
    assert moves[0] == moves[2] == 0
    assert 1000 + 1500 + 400 + 250 <= moves[1] <= 1000 + 1500 + 400 + 250 + 50  # on a grid of 50 um


def test_a_given_pitch_is_not_changed_for_a_keep_out() -> None:
    wall = {"kind": "capacitors", "box_mm": (5.0, 19.0, 7.0, 21.0), "fibres": "over"}
    spec = spec_with(keepouts=(wall,))
    assert place_engines(spec, SIZE) == place_engines(BASE, SIZE)
    [problem] = engine_problems(spec, SIZE)
    assert "room that the engine N2 needs" in problem.message


def test_a_cold_plate_may_lie_on_dies_but_not_on_fibre_blocks() -> None:
    facet = 15.5 + 3.0 + 2.0
    inside = spec_with(keepouts=({"kind": "cold_plate", "box_mm": (-13.0, -15.5, 13.0, facet - 0.6)},))
    assert engine_problems(inside, SIZE) == []
    over = spec_with(keepouts=({"kind": "cold_plate", "box_mm": (-13.0, -15.5, 13.0, facet + 0.6)},))
    [problem] = engine_problems(over, SIZE)
    assert "fibre block of engine N" in problem.message


sides = st.fixed_dictionaries({s: st.integers(0, 5) for s in ("north", "east", "south", "west")})


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    per_side=sides,
    rows=st.integers(1, 2),
    width=st.floats(20, 60),
    height=st.floats(20, 60),
    gap=st.floats(0.6, 6),
    size=st.tuples(st.floats(800, 8000), st.floats(1500, 6000)),
    spares=st.integers(0, 3),
)
def test_what_is_not_refused_stands_apart_and_within_its_bounds(
    per_side: dict[str, int],
    rows: int,
    width: float,
    height: float,
    gap: float,
    size: tuple[float, float],
    spares: int,
) -> None:
    total = sum(per_side.values())
    if total <= spares:
        return
    spec = spec_with(
        asic={"size_mm": (width, height)},
        engines={"per_side": per_side, "count": total - spares, "spares": spares, "rows": rows, "gap_mm": gap,
                 "pitch_mm": None},
        substrate={"size_mm": (150.0, 150.0)},
    )  # fmt: skip
    places = place_engines(spec, size)
    assert len(places) == total == len({p.name for p in places})
    assert sum(p.spare for p in places) == spares
    for side in ("north", "east", "south", "west"):
        along = offsets(places, side)
        assert along == sorted(along)
        assert sum(along) == pytest.approx(0.0, abs=0.01 * total + 0.01)
    if engine_problems(spec, size):
        return
    asic = (-width * 500, -height * 500, width * 500, height * 500)
    for a in places:
        assert space_of(a.box(size), asic) == pytest.approx(
            gap * 1e3 if a.row == 1 else 2 * gap * 1e3 + size[0], abs=0.01
        )
        assert abs(a.along) + size[1] / 2 <= shoreline_of(spec, a.side) * 500 + 0.01
        assert max(map(abs, a.box(size))) <= 75_000 - 200 + 0.01
    for a, b in itertools.combinations(places, 2):
        assert space_of(a.box(size), b.box(size)) >= spec.engines.keepout_um - 0.01


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    count=st.integers(1, 5),
    walls=st.lists(
        st.tuples(st.floats(-15, 15), st.floats(0.5, 8), st.sampled_from(["stiffener", "capacitors", "lid"])),
        min_size=1,
        max_size=3,
    ),
)
def test_automatic_places_are_free_or_refused(count: int, walls: list[tuple[float, float, str]]) -> None:
    keepouts = tuple({"kind": kind, "box_mm": (x, 19.0, x + w, 24.0)} for x, w, kind in walls)
    spec = spec_with(
        asic={"size_mm": (36.0, 31.0)},
        engines={"per_side": {"north": count}, "count": count, "pitch_mm": None},
        substrate={"size_mm": (120.0, 120.0)},
        keepouts=keepouts,
    )
    places = place_engines(spec, SIZE)
    problems = engine_problems(spec, SIZE)
    assert bool(problems) == any(kept_out(spec, place, SIZE) for place in places)
    for a, b in itertools.combinations(places, 2):
        assert space_of(a.box(SIZE), b.box(SIZE)) >= spec.engines.keepout_um - 0.01
    for problem in problems:
        assert "\n" not in problem.message and " mm less) or move it" in problem.message


@pytest.mark.parametrize("name", sorted(list_specs()))
def test_shipped_specs_have_their_published_engines(name: str) -> None:
    spec = load_spec(name)
    expected = {
        "optical_io_ucie": (1, 0), "switch_25t6": (4, 0), "switch_28t8": (18, 0), "switch_51t2": (8, 0),
        "switch_51t2_cwdm4": (8, 0), "switch_102t4_dr": (16, 0), "switch_102t4": (32, 4),
    }  # fmt: skip
    assert (spec.engines.count, spec.engines.spares) == expected[name]
    places = place_engines(spec, SIZE)
    assert len(places) == sum(expected[name])
    assert math.isfinite(pitch_of(spec, SIZE))
    assert all(min(overlap_of(a.box((1.0, 1.0)), b.box((1.0, 1.0)))) < 0 for a, b in itertools.combinations(places, 2))

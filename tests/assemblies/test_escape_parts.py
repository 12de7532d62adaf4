"""The parts of the fibre planner: moves sideways, places side by side, layers of ribbons that cross, relaxations."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.assemblies.escape import plan_escape
from cpo_pdk.assemblies.escape.bundle import bundle_of
from cpo_pdk.assemblies.escape.clearance import centre_line
from cpo_pdk.assemblies.escape.crossings import colours_of, crossing_pairs, longest_fall
from cpo_pdk.assemblies.escape.ground import Box, Heading, beyond
from cpo_pdk.assemblies.escape.jogs import jog
from cpo_pdk.assemblies.escape.plan import outline_escape
from cpo_pdk.assemblies.escape.relaxing import relaxations
from cpo_pdk.assemblies.escape.slots import spread
from cpo_pdk.assemblies.escape.spreading import Move, move_all
from cpo_pdk.assemblies.planning import plan
from cpo_pdk.components.fibers import trace
from cpo_pdk.errors import SpecError
from cpo_pdk.spec import load_spec
from cpo_pdk.spec.package import KeepOut, PackageSpec, Position
from cpo_pdk.spec.placement import place_engines

FEW = settings(max_examples=60, derandomize=True, deadline=None)
SIZE = (1986.852, 2994.0)


@FEW
@given(
    shift=st.one_of(st.integers(-100_000_000, 100_000_000), st.integers(-400_000, 400_000)).map(lambda nm: nm / 1e3),
    angle=st.integers(10, 80),
    aside=st.sampled_from([-1875.0, -125.0, 0.0, 1875.0]),
)
def test_a_move_sideways_ends_where_it_should_and_never_bends_tighter(shift: float, angle: int, aside: float) -> None:
    radius = 16_875.0
    move = jog(shift, math.radians(angle), radius)
    steps = move.steps(aside)
    if not shift:
        assert steps == []
        return
    pieces, (x, y), heading = trace(tuple(steps))
    assert (x, y, heading) == pytest.approx((move.length, -shift, 0.0), abs=1e-9)
    assert min(p.radius_min for p in pieces) >= radius - 1875.0 - 1e-6
    assert move.angle <= math.radians(angle) + 1e-9
    # where it says to be between is where its fibre is drawn
    line = centre_line(move.steps(0.0), (0.0, 0.0), 0.0)
    assert np.max(np.abs(move.shift_at(line[:, 0]) + line[:, 1])) < 2.0


@FEW
@given(
    starts=st.lists(st.integers(0, 60_000), min_size=2, max_size=8),
    ends=st.lists(st.integers(0, 60_000), min_size=8, max_size=8),
)
def test_ribbons_that_move_together_keep_their_distance(starts: list[int], ends: list[int]) -> None:
    each, radius = 4_000.0, 17_000.0
    a = spread([float(s) for s in sorted(starts)], each)
    b = spread([float(e) for e in sorted(ends[: len(a)])], each)
    made = move_all([Move(x, y, each / 2, 0.0) for x, y in zip(a, b, strict=True)], radius, 400_000.0)
    lines = []
    for x, begin, move in zip(a, made.begins, made.jogs, strict=True):
        steps = [("line", begin, 0.0), *move.steps(0.0), ("line", made.reach + 5_000.0 - begin - move.length, 0.0)]
        lines.append(centre_line(steps, (x, 0.0), 90.0, sample=200.0))
    for left, right in itertools.pairwise(lines):
        apart = np.hypot(*(left[:, None, :] - right[None, :, :]).transpose(2, 0, 1)).min()
        assert apart >= each - 5.0


def test_places_side_by_side_move_as_little_as_they_must() -> None:
    assert spread([0.0, 100.0], 10.0) == [0.0, 100.0]
    assert spread([-1.0, 1.0], 10.0) == [-5.0, 5.0]
    assert spread([0.0, 0.0, 0.0], 2.0) == [-2.0, 0.0, 2.0]
    assert spread([0.0, 0.0, 0.0], 2.0, low=0.0) == [0.0, 2.0, 4.0]
    assert spread([0.0, 0.0, 0.0], [1.0, 3.0], high=0.0) == [-4.0, -3.0, 0.0]
    assert spread([], 1.0) == []


@FEW
@given(st.permutations(range(7)))
def test_ribbons_that_cross_have_layers_of_their_own_and_no_more_than_needed(target: list[int]) -> None:
    colours = colours_of(target)
    pairs = crossing_pairs(target)
    assert all(colours[a] != colours[b] for a, b in pairs)
    assert len(pairs) == sum(target[a] > target[b] for a, b in itertools.combinations(range(7), 2))
    fall = longest_fall(target)
    assert all((a, b) in pairs for a, b in itertools.combinations(fall, 2))
    assert len(fall) == len(set(colours))  # so many must cross one another: fewer layers can't do


def test_a_run_lies_behind_what_it_would_touch_and_turns_behind_what_lies_beside_it() -> None:
    north = Heading(0, 1)
    part = Box(10_000.0, 20_000.0, 14_000.0, 25_000.0, "a part", "keepouts")
    # a run to the right, from far away and from close by; to the left it never comes there
    assert beyond(22_000.0, (30_000.0, -50_000.0), [part], north, 2_000.0, 17_000.0) == 27_000.0
    assert beyond(22_000.0, (-5_000.0, -50_000.0), [part], north, 2_000.0, 17_000.0) == 42_000.0
    assert beyond(22_000.0, (30_000.0, 50_000.0), [part], north, 2_000.0, 17_000.0) == 22_000.0
    assert beyond(17_000.0, (30_000.0, -50_000.0), [part], north, 2_000.0, 17_000.0) == 17_000.0


def nearer(spec: PackageSpec, **faceplate: float) -> PackageSpec:
    return spec.model_copy(update={"faceplate": spec.faceplate.model_copy(update=faceplate)})


@pytest.mark.parametrize(
    ("name", "key", "low"), [("switch_51t2", "distance_mm", 60.0), ("switch_51t2", "width_mm", 110.0)]
)
def test_the_change_that_is_told_does_and_a_smaller_one_does_not(name: str, key: str, low: float) -> None:
    spec = nearer(load_spec(name), **{key: low})
    with pytest.raises(SpecError, match="alone would do: faceplate") as caught:
        plan(spec, SIZE)
    found = {r.path: r for r in relaxations(spec, SIZE)}
    told = found[f"faceplate.{key}"]
    assert str(told) in caught.value.problems[0].message
    assert told.value > told.now == low
    assert plan(nearer(spec, **{key: told.value}), SIZE).escape.fibres
    smaller = nearer(spec, **{key: round(told.value - 0.1, 6)})
    with pytest.raises(SpecError):
        outline_escape(smaller, SIZE, place_engines(smaller, SIZE))


def test_a_tighter_bend_is_proposed_only_as_far_as_fibre_is_made_for() -> None:
    spec = load_spec("switch_51t2")
    wide = spec.model_copy(update={"fibres": spec.fibres.model_copy(update={"bend_radius_mm": 60.0})})
    found = {r.path: r.value for r in relaxations(wide, SIZE)}
    assert 15.0 <= found["fibres.bend_radius_mm"] < 60.0
    assert all(value >= 10.0 for path, value in found.items() if path == "fibres.bend_radius_mm")


@pytest.mark.parametrize(("left", "bottom", "right"), [(-9.0, 35.0, 9.0), (-3.0, 34.0, 8.0), (-20.0, 30.0, -2.0)])
def test_a_part_in_the_way_is_moved_out_by_what_is_told_and_no_less(left: float, bottom: float, right: float) -> None:
    base = nearer(load_spec("switch_51t2"), distance_mm=220.0)

    def with_part(out: float) -> PackageSpec:
        part = KeepOut(kind="stiffener", box_mm=(left, bottom + out, right, bottom + out + 2.0))
        return base.model_copy(update={"keepouts": (part,)})

    def fits(spec: PackageSpec) -> bool:
        try:
            plan_escape(spec, SIZE, place_engines(spec, SIZE))
        except SpecError:
            return False
        return True

    with pytest.raises(SpecError, match="can't get round the stiffener") as caught:
        plan_escape(with_part(0.0), SIZE, place_engines(base, SIZE))
    told = re.search(r"out by ([\d.]+) mm", str(caught.value))
    assert told is not None
    assert fits(with_part(float(told[1])))
    assert not fits(with_part(float(told[1]) - 0.2))


def test_an_engine_behind_another_is_told_how_far_aside_it_must_stand() -> None:
    base = load_spec("switch_51t2")

    def with_second(x: float) -> PackageSpec:
        positions = (Position(side="north", x_mm=0.0, y_mm=20.0), Position(side="north", x_mm=x, y_mm=27.0))
        engines = base.engines.model_copy(update={"count": 2, "per_side": None, "positions": positions})
        return nearer(base.model_copy(update={"engines": engines}), distance_mm=220.0)

    spec = with_second(2.0)
    with pytest.raises(SpecError, match="engine N1 runs into engine N2, which stands in front of it") as caught:
        plan_escape(spec, SIZE, place_engines(spec, SIZE))
    told = re.search(r"set them ([\d.]+) mm further apart", str(caught.value))
    assert told is not None
    spec = with_second(2.0 + float(told[1]))
    try:
        plan_escape(spec, SIZE, place_engines(spec, SIZE))
    except SpecError as other:
        assert "runs into" not in str(other)


@pytest.mark.parametrize("pitch", [127.0, 165.0, 250.0])
@pytest.mark.parametrize(("tx", "connector"), [(1, "MPO-8"), (2, "MPO-8"), (4, "MPO-12"), (8, "MPO-8"), (8, "MPO-32")])
@pytest.mark.parametrize("loopbacks", [1, 2])
def test_fibres_of_one_layer_keep_apart_in_array_and_ribbon(
    pitch: float, tx: int, connector: str, loopbacks: int
) -> None:
    """Alignment fibres too, where the array is wider than the ribbon, but not by as much as they need."""
    spec = load_spec("switch_51t2")
    engine = spec.engine.model_copy(
        update={"tx_fibres": tx, "rx_fibres": tx, "laser_fibres": 1, "loopbacks": loopbacks}
    )
    fibres = spec.fibres.model_copy(update={"ribbon_pitch_um": pitch, "levels": 8, "loopback_length_mm": None})
    for each in (n for n in range(1, tx + 1) if tx % n == 0 and 2 * n <= int(connector[4:])):
        plate = spec.faceplate.model_copy(update={"connector": connector, "tx_per_connector": each})
        bundle = bundle_of(spec.model_copy(update={"engine": engine, "fibres": fibres, "faceplate": plate}))
        for row in {strand.row for strand in bundle.strands}:
            asides = [strand.aside for strand in bundle.strands if strand.row == row]
            assert all(b - a >= 126.999 for a, b in itertools.pairwise(asides)), (each, row, asides)

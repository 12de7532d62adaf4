"""The way of the fibres to the faceplate: ends meet, bends are wide enough, fibres of a layer lie side by side."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from cpo_pdk.assemblies.escape import EscapePlan, plan_escape
from cpo_pdk.assemblies.escape.clearance import centre_line
from cpo_pdk.assemblies.escape.plan import outline_escape
from cpo_pdk.assemblies.escape.trunks import facet_of
from cpo_pdk.components.fibers import trace
from cpo_pdk.errors import SpecError
from cpo_pdk.spec import load_spec
from cpo_pdk.spec.package import KeepOut, PackageSpec, PerSide
from cpo_pdk.spec.placement import place_engines
from cpo_pdk.spec.port_plan import port_plan

SPECS = (
    "switch_25t6",
    "switch_28t8",
    "switch_51t2",
    "switch_51t2_cwdm4",
    "switch_102t4_dr",
    "switch_102t4",
    "optical_io_ucie",
)
CLADDING = 125.0


def size_of(spec: PackageSpec) -> tuple[float, float]:
    """An engine as long as those of rings, as wide as its array."""
    return 1986.852, round(spec.engine.fibre_counts["total"] * spec.engine.fibre_pitch_um + 200.0, 3)


def planned(spec: PackageSpec) -> EscapePlan:
    size = size_of(spec)
    return plan_escape(spec, size, place_engines(spec, size))


def lines_of(spec: PackageSpec, plan: EscapePlan) -> dict[tuple[str, int], list[np.ndarray]]:
    """(kind, layer) -> the centre line of each fibre on it, from facet to connector."""
    size = size_of(spec)
    places = {e.name: e for e in place_engines(spec, size)}
    found: dict[tuple[str, int], list[np.ndarray]] = {}
    for fibre in plan.fibres:
        engine, strand = places[fibre.engine], plan.bundle.strand(fibre.port)
        (x, y), (dx, dy) = facet_of(engine, size), engine.outward
        origin = (x - dy * strand.facet, y + dx * strand.facet)
        line = centre_line(fibre.steps, origin, engine.rotation, sample=60.0)
        found.setdefault((fibre.kind, 0 if fibre.kind == "PM" else fibre.level), []).append(line)
    return found


def nearest(lines: list[np.ndarray]) -> float:
    """Smallest distance of the centre lines of two fibres, um; infinite where none comes near another."""
    points = np.concatenate(lines)
    owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    pairs = KDTree(points).query_pairs(math.hypot(CLADDING, 31.0), output_type="ndarray")
    pairs = pairs[owner[pairs[:, 0]] != owner[pairs[:, 1]]]
    best = math.inf
    for i, j in (pairs.T, pairs.T[::-1]):
        for step in (-1, 1):
            # from a point of one to the stretches of the other before and behind its point
            k = np.clip(j + step, 0, len(points) - 1)
            k = np.where(owner[k] == owner[j], k, j)
            d = points[k] - points[j]
            t = ((points[i] - points[j]) * d).sum(axis=1) / np.maximum((d * d).sum(axis=1), 1e-9)
            apart = np.hypot(*(points[i] - points[j] - np.clip(t, 0.0, 1.0)[:, None] * d).T)
            best = min(best, float(apart.min(initial=math.inf)))
    return best


def must_be_sound(spec: PackageSpec, plan: EscapePlan) -> None:
    """What every plan keeps, whatever was asked."""
    plate = spec.faceplate.distance_mm * 1e3
    size = size_of(spec)
    places = {e.name: e for e in place_engines(spec, size)}
    connectors = {c.plan.name: c for c in plan.connectors}
    wanted = {(key, p.name, k) for p in port_plan(spec) for k, key in p.fibres.items()}
    assert {((f.engine, f.port), f.connector, f.position) for f in plan.fibres if f.connector} == wanted
    limit = spec.fibres.bend_radius_mm * 1e3
    for fibre in plan.fibres:
        pieces, (x, y), heading = trace(fibre.steps)
        assert min(p.radius_min for p in pieces) >= limit - 0.001
        if not fibre.connector:
            continue
        engine = places[fibre.engine]
        assert (heading + engine.rotation) % 360 == 90
        (fx, fy), (dx, dy) = facet_of(engine, size), engine.outward
        aside = plan.bundle.strand(fibre.port).facet
        end = (fx + dx * x - dy * (y + aside), fy + dy * x + dx * (y + aside))
        there = connectors[fibre.connector].position_x(fibre.position)
        assert end == pytest.approx((there, plate), abs=1e-6), fibre.port
    for key, lines in lines_of(spec, plan).items():
        assert nearest(lines) >= CLADDING, key
    for row in {c.plan.level for c in plan.connectors}:
        mine = sorted((c for c in plan.connectors if c.plan.level == row), key=lambda c: c.x)
        for a, b in itertools.pairwise(mine):
            assert b.x - a.x >= (a.body + b.body) / 2
    top = spec.substrate.size_mm[1] * 500
    inside = [c for c in plan.crossings if c.y < top and abs(c.x) < spec.substrate.size_mm[0] * 500]
    assert not inside or spec.fibres.crossings_in_package


@pytest.mark.parametrize("name", SPECS)
def test_every_fibre_of_the_shipped_packages_reaches_its_position(name: str) -> None:
    spec = load_spec(name)
    plan = planned(spec)
    must_be_sound(spec, plan)
    assert sum(f.connector != "" for f in plan.fibres) == spec.fibre_counts["total"] - spec.fibre_counts["loopback"]
    assert {f.level for f in plan.fibres if f.kind == "SMF"} <= set(range(1, spec.fibres.levels + 1))


@pytest.mark.parametrize(("name", "least"), [("switch_102t4", 0), ("switch_51t2", 4), ("switch_28t8", 8)])
def test_only_laser_fibres_cross_and_no_oftener_than_their_modules_make_them(name: str, least: int) -> None:
    # a module between two engines is reached without crossing; of four, the outer two cross the inner two
    plan = planned(load_spec(name))
    assert len(plan.crossings) == least
    assert all(0 in c.levels for c in plan.crossings)


@settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sides=st.tuples(*[st.integers(0, 3)] * 4),
    tx=st.integers(1, 8),
    lasers=st.sampled_from([1, 2, 3]),
    radius=st.sampled_from([10.0, 15.0, 25.0]),
    pitch=st.sampled_from([140.0, 250.0]),
    order=st.randoms(use_true_random=False),
    shuffled=st.booleans(),
)
def test_whatever_is_planned_is_sound(sides, tx, lasers, radius, pitch, order, shuffled) -> None:
    assume(sum(sides) > 0)
    base = load_spec("switch_51t2")
    spec = changed(base, sides, tx, lasers, radius, pitch)
    if shuffled:
        names = [f"{s[0].upper()}{k + 1}" for s, n in zip(SIDES, sides, strict=True) for k in range(n)]
        order.shuffle(names)
        plate = spec.faceplate.model_copy(update={"order": tuple(names)})
        spec = spec.model_copy(update={"faceplate": plate})
    try:
        plan = planned(spec)
    except SpecError as refused:
        assert all("\n" not in p.message and len(p.message) > 40 for p in refused.problems)
        return
    must_be_sound(spec, plan)


SIDES = ("north", "east", "south", "west")


def changed(base: PackageSpec, sides, tx: int, lasers: int, radius: float, pitch: float) -> PackageSpec:
    """The spec with other counts; on a large die, so that the engines have room."""
    engine = base.engine.model_copy(update={"tx_fibres": tx, "rx_fibres": tx, "laser_fibres": lasers})
    per_side = PerSide(**dict(zip(SIDES, sides, strict=True)))
    return base.model_copy(
        update={
            "engine": engine,
            "engines": base.engines.model_copy(update={"count": sum(sides), "per_side": per_side}),
            "asic": base.asic.model_copy(update={"size_mm": (45.0, 45.0)}),
            "fibres": base.fibres.model_copy(
                update={"bend_radius_mm": radius, "ribbon_pitch_um": pitch, "levels": 8, "loopback_length_mm": None}
            ),
            "faceplate": base.faceplate.model_copy(update={"distance_mm": 260.0}),
        }
    )


def test_asked_order_is_kept_and_crosses_as_seldom_as_can_be() -> None:
    base = load_spec("switch_51t2")
    names = ("S1", "W2", "W1", "N1", "N2", "E1", "E2", "S2")
    assert [t.engine.name for t in planned(base).trunks] == list(names)
    swapped = ("S1", "W1", "W2", "N1", "N2", "E1", "S2", "E2")
    spec = base.model_copy(
        update={
            "faceplate": base.faceplate.model_copy(update={"order": swapped, "distance_mm": 200.0}),
            "fibres": base.fibres.model_copy(update={"levels": 2}),
        }
    )
    plan = planned(spec)
    must_be_sound(spec, plan)
    assert [c.plan.name for c in plan.connectors if c.plan.level] == [f"MPO-{n}" for n in swapped]
    data = [c for c in plan.crossings if 0 not in c.levels]
    assert {(c.first, c.second) for c in data} == {("W2", "W1"), ("E2", "S2")}
    assert len(data) == 2
    assert {f.level for f in plan.fibres if f.engine in ("W1", "S2") and f.port == "tx_1"} == {2}


def test_ribbons_pass_around_parts_or_over_them() -> None:
    base = load_spec("switch_51t2")
    plate = base.faceplate.model_copy(update={"distance_mm": 180.0})
    around = KeepOut(kind="stiffener", box_mm=(-9.0, 54.0, 9.0, 58.0), fibres="around")
    spec = base.model_copy(update={"faceplate": plate, "keepouts": (around,)})
    plan = planned(spec)
    must_be_sound(spec, plan)
    for lines in lines_of(spec, plan).values():
        for line in lines:
            x, y = line.T
            assert not np.any((abs(x) < 9_000 + CLADDING / 2) & (y > 54_000) & (y < 58_000))
    over = spec.model_copy(update={"keepouts": (around.model_copy(update={"fibres": "over"}),)})
    straight = planned(over)
    assert [t.x for t in straight.trunks if t.engine.side == "north"] == [-6_000.0, 6_000.0]


def test_ribbons_of_an_inner_row_pass_between_the_outer_engines() -> None:
    base = load_spec("switch_51t2")
    per_side = PerSide(north=3, east=2, south=3, west=0)
    engines = base.engines.model_copy(update={"rows": 2, "per_side": per_side, "pitch_mm": 14.0})
    asic = base.asic.model_copy(update={"size_mm": (40.0, 31.0)})
    spec = base.model_copy(update={"engines": engines, "asic": asic})
    rows = {e.y for e in place_engines(spec, size_of(spec)) if e.side == "north"}
    assert len(rows) == 2
    must_be_sound(spec, planned(spec))


def test_spares_have_no_fibres_and_lasers_are_shared() -> None:
    spec = load_spec("switch_102t4")
    plan = planned(spec)
    assert not {f.engine for f in plan.fibres} & {"N9", "E9", "S9", "W9"}
    modules = [c for c in plan.connectors if c.plan.level == 0]
    assert len(modules) == 16
    assert all(len({engine for engine, _ in c.plan.fibres.values()}) == 2 for c in modules)
    assert {c.plan.level for c in plan.connectors} == {0, 1, 2}


def test_a_fibre_is_the_same_whichever_engine_was_planned_first() -> None:
    spec = load_spec("switch_28t8")
    size = size_of(spec)
    engines = place_engines(spec, size)
    again = plan_escape(spec, size, tuple(reversed(engines)))
    assert again.fibres == plan_escape(spec, size, engines).fibres


def test_ribbons_cross_above_the_package_only_where_that_is_allowed() -> None:
    base = load_spec("switch_51t2")
    order = ("S1", "W1", "W2", "N1", "N2", "E1", "S2", "E2")
    spec = base.model_copy(
        update={
            "faceplate": base.faceplate.model_copy(update={"order": order, "distance_mm": 200.0}),
            "fibres": base.fibres.model_copy(update={"levels": 2}),
        }
    )
    top = spec.substrate.size_mm[1] * 500
    assert all(c.y >= top for c in planned(spec).crossings)
    allowed = spec.model_copy(update={"fibres": spec.fibres.model_copy(update={"crossings_in_package": True})})
    assert any(c.y < top for c in planned(allowed).crossings)
    must_be_sound(allowed, planned(allowed))


def test_lasers_go_over_the_connectors_of_others_outside_of_the_package_only() -> None:
    """One module for the three engines stands over the ribbon of the middle one, in the order west, east, south."""
    base = load_spec("switch_51t2")
    changes = {
        "bandwidth_Tbps": 19.2,
        "engines": base.engines.model_copy(
            update={"count": 3, "per_side": PerSide(east=1, south=1, west=1), "pitch_mm": None, "gap_mm": 0.5}
        ),
        "substrate": base.substrate.model_copy(update={"size_mm": (120.0, 140.0)}),
        "fibres": base.fibres.model_copy(update={"ribbon_pitch_um": 165.0, "ribbon_gap_mm": 0.5}),
        "faceplate": base.faceplate.model_copy(update={"distance_mm": 400.0, "order": ("W1", "E1", "S1")}),
    }
    spec = base.model_copy(update=changes)
    size = (1986.852, 2994.0)
    outline = outline_escape(spec, size, place_engines(spec, size))
    data = {s.engine: s for s in outline.stretches if not s.module}
    y = np.arange(outline.ready, 70_000.0, 250.0)
    half = outline.bundle.half
    for laser in (s for s in outline.stretches if s.module):
        for other in (s for name, s in data.items() if name != laser.engine):
            assert np.min(np.abs(laser.at(y) - other.at(y))) > half, (laser.engine, other.engine)

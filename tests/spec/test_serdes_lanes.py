"""SerDes lanes at the ASIC's bumps, reach classes and edge density."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import SpecError
from cpo_pdk.spec import PackageSpec, find_spec, list_specs, load_spec, parse_spec
from cpo_pdk.spec.package import SIDES
from cpo_pdk.spec.reach import REACH, longest_mm, nyquist_GHz, trace_loss_dB, trace_problems
from cpo_pdk.spec.serdes import (
    bump_grid,
    lanes_of_sides,
    reserved_of_sides,
    serdes_lanes,
    serdes_problems,
    shoreline_bumps,
    spread_lanes,
)
from cpo_pdk.spec.shoreline import OIF_MODULE_TBPS_MM, side_densities

TEXT = find_spec("switch_51t2").read_text(encoding="utf-8")


class Wire:
    engine, port = "S2", "tx_3/5"

    def __init__(self, length: float) -> None:
        self.length = length


def changed(*pairs: tuple[str, str]) -> PackageSpec:
    text = TEXT
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return parse_spec(text, Path("p.yaml"))


@pytest.mark.parametrize("name", sorted(list_specs()))
def test_every_lane_of_an_engine_in_use_has_a_bump_of_its_own(name: str) -> None:
    spec = load_spec(name)
    lanes = serdes_lanes(spec)
    expected = spec.engines.count * spec.engine.tx_fibres * spec.engine.grid.channels
    for direction in ("tx", "rx"):
        names = [lane.name for lane in lanes if lane.direction == direction]
        assert names == [f"{direction}_{k + 1}" for k in range(expected)]
    assert len({(lane.x, lane.y) for lane in lanes}) == 2 * expected
    x, y = (s * 500 for s in spec.asic.size_mm)
    for lane in lanes:
        to_edge = {"north": y - lane.y, "south": y + lane.y, "east": x - lane.x, "west": x + lane.x}
        assert spec.asic.bump_margin_um <= to_edge[lane.side] <= spec.asic.shoreline_um
        assert min(to_edge.values()) >= spec.asic.bump_margin_um - 1e-6
    by_side = [sum(lane.side == side for lane in lanes) // 2 for side in SIDES]
    assert tuple(by_side) == lanes_of_sides(spec)


def test_numbers_run_clockwise_from_the_north_west_corner() -> None:
    lanes = [lane for lane in serdes_lanes(load_spec("switch_51t2")) if lane.direction == "tx"]
    assert [lane.side for lane in lanes] == [side for side in SIDES for _ in range(128)]
    assert lanes[0].x < -12_500 and lanes[0].y > 14_000

    def angle(x: float, y: float) -> float:
        return (math.atan2(15_500, -13_000) - math.atan2(y / 1.0, x / 1.0)) % (2 * math.pi)

    # lanes of different columns: the rows of one column are as deep as the shoreline
    quarter = [angle(lane.x, lane.y) for lane in lanes[::8]]
    assert quarter == sorted(quarter)


def test_room_for_the_links_of_spares_is_kept_in_front_of_them() -> None:
    spec = load_spec("switch_102t4")
    assert reserved_of_sides(spec) == (16, 16, 16, 16)
    lanes = serdes_lanes(spec)
    assert len(lanes) == 2 * 512
    free = 2 * 16 / (2 * 144) * 47_500  # um of each edge; the spares are the eastern- and southernmost
    for side, along in (("north", 0), ("south", 0), ("east", 1), ("west", 1)):
        at = [(lane.x, -lane.y)[along] for lane in lanes if lane.side == side]
        ends = 23_750 - 1200 * along  # the corners belong to north and south
        assert min(at) == pytest.approx(-ends, abs=600)
        assert max(at) == pytest.approx(ends - free, abs=600)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    size=st.tuples(st.floats(4e3, 60e3), st.floats(4e3, 60e3)),
    pitch=st.sampled_from([45.0, 110.0, 130.0, 250.0]),
    depth=st.floats(300, 1900),
    share=st.floats(0.1, 1.0),
    each=st.integers(1, 6),
)
def test_bumps_of_the_sides_are_disjoint_and_shared_out_evenly(
    size: tuple[float, float], pitch: float, depth: float, share: float, each: int
) -> None:
    grid = bump_grid(size, pitch, 200.0)
    lengths = tuple(share * size[0 if side in ("north", "south") else 1] for side in SIDES)
    rows = [shoreline_bumps(size, grid, depth, length, side) for side, length in zip(SIDES, lengths, strict=True)]
    together = [bump for row in rows for bump in row]
    assert len(set(together)) == len(together)
    for x, y in together:
        assert abs(x) <= size[0] / 2 - 200 + 1e-3 and abs(y) <= size[1] / 2 - 200 + 1e-3
    counts = tuple(len(row) // each // 2 for row in rows)
    lanes = spread_lanes(size, grid, depth, lengths, counts, each)  # pyright: ignore[reportArgumentType]
    assert len({(lane.x, lane.y) for lane in lanes}) == 2 * sum(counts)
    assert {(lane.x, lane.y) for lane in lanes} <= set(together)
    with pytest.raises(ValueError, match="bumps there"):
        spread_lanes(size, grid, depth, lengths, (counts[0] + each, *counts[1:]), each * 2)  # pyright: ignore[reportArgumentType]


def test_too_few_bumps_are_refused_when_the_spec_is_read_and_each_cure_cures() -> None:
    with pytest.raises(SpecError) as caught:
        changed(("shoreline_um: 1100", "shoreline_um: 800"))
    [north, *others] = caught.value.problems
    assert len(others) == 3
    assert north.message == (
        "too few SerDes bumps in the north: 128 lanes x 2 directions x 4 bumps = 1024, the shoreline of 26 mm x 800 um "
        "has 784; use shoreline_um 1010 or asic.size_mm[0] longer by 7.8 mm or bumps_per_lane 3"
    )
    assert "shoreline_um" in TEXT.splitlines()[north.line - 1]
    changed(("shoreline_um: 1100", "shoreline_um: 1010"))
    changed(("shoreline_um: 1100", "shoreline_um: 800"), ("[26, 31]", "[33.8, 34.9]"))
    changed(("shoreline_um: 1100", "shoreline_um: 800"), ("substrate:", "electrical: {bumps_per_lane: 3}\nsubstrate:"))


def test_a_serdes_lane_is_as_fast_as_its_optical_lane() -> None:
    fast = changed(("substrate:", "electrical: {rate_Gbps: 106.25}\nsubstrate:"))
    assert nyquist_GHz(fast) == pytest.approx(106.25 / 4)
    with pytest.raises(SpecError, match=r"200 Gb/s for 100 Gb/s, 100 to 120 allowed"):
        changed(("substrate:", "electrical: {rate_Gbps: 200}\nsubstrate:"))
    assert nyquist_GHz(load_spec("optical_io_ucie")) == 16.0


def test_a_trace_beyond_the_reach_of_its_class_is_refused() -> None:
    spec = changed(("substrate:", "electrical: {reach: UCIe-S}\nsubstrate:"))
    assert trace_problems(spec, [Wire(25_000.0), Wire(1000.0)]) == []
    [problem] = trace_problems(spec, [Wire(26_500.0), Wire(1000.0)])
    assert problem.message == (
        "the longest trace, to tx_3/5 of engine S2, is 26.50 mm long, UCIe-S reaches 25 mm; use gap_mm 1.5 or reach XSR"
    )
    assert trace_problems(spec, []) == []


def test_a_trace_that_loses_too_much_is_refused() -> None:
    spec = changed(("substrate:", "electrical: {reach: XSR, loss_dB_mm: 0.4}\nsubstrate:"))
    assert longest_mm(spec) == pytest.approx(25.0)
    assert trace_loss_dB(spec, 10_000.0) == pytest.approx(4.0)
    [problem] = trace_problems(spec, [Wire(26_000.0)])
    assert problem.message == (
        "the longest trace, to tx_3/5 of engine S2, loses 26.00 mm x 0.4 dB/mm = 10.40 dB at 25 GHz, XSR allows 10 dB; "
        "use gap_mm 2 or loss_dB_mm 0.3846 or reach XSR+"
    )
    assert 26.0 * 0.3846 <= 10.0
    both = trace_problems(spec, [Wire(60_000.0)])
    assert [p.message.partition("; ")[2] for p in both] == ["use reach XSR+", "use loss_dB_mm 0.1666"]


def test_every_class_states_a_length_or_a_loss_with_its_source() -> None:
    for name, reach in REACH.items():
        assert reach.length_mm is not None or reach.loss_dB is not None, name
        assert reach.source
    assert REACH["XSR+"].loss_dB == 13.0  # OIF CEI-112G-XSR+ (2024)


def test_edge_density_against_the_oif_module() -> None:
    assert pytest.approx(3.2 / 22.9, abs=0.001) == OIF_MODULE_TBPS_MM  # 3.2 Tb/s on 22.9 mm
    north, east, south, west = side_densities(load_spec("switch_51t2"))
    assert (north.engines, north.Tbps, north.length_mm) == (2, 12.8, 26.0)
    assert north.Tbps_mm == pytest.approx(0.4923, abs=1e-4)
    assert north.of_oif == pytest.approx(3.516, abs=1e-3)
    assert (east, south.Tbps_mm, west.Tbps_mm) == (
        side_densities(load_spec("switch_51t2"))[1],
        north.Tbps_mm,
        east.Tbps_mm,
    )
    spared = side_densities(load_spec("switch_102t4"))
    assert [(d.engines, d.spares) for d in spared] == [(8, 1)] * 4
    assert sum(d.Tbps for d in spared) == pytest.approx(102.4)
    assert serdes_problems(load_spec("switch_102t4")) == []

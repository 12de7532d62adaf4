"""Margins of many samples against the full budget of lanes put together by hand."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

from cpo_pdk.circuit.results import Aggressor, DeviceFacts, Lane, LossItem, SimulationResult
from cpo_pdk.errors import LayoutError, ParameterError
from cpo_pdk.link.budget import link_budget
from cpo_pdk.link.even_splines import EvenSpline
from cpo_pdk.link.light_path import losses_outside
from cpo_pdk.link.many import MarginKernel
from cpo_pdk.link.own_light import OwnLight
from cpo_pdk.link.room import other_ring
from cpo_pdk.models.operating import operating_point
from cpo_pdk.spec import PackageSpec, load_sheets, parse_spec
from cpo_pdk.spec.part_choice import load_parts, parts_of

SHEETS = load_sheets()
TEXT = (Path(__file__).parents[1] / "bench.yaml").read_text("utf-8")
SPEC = parse_spec(TEXT)
PARTS = parts_of(SPEC, load_parts())
CHANNELS = 3


def facts(name: str) -> DeviceFacts:
    sheet = SHEETS[name]
    return DeviceFacts(sheet.cell, sheet.model or "", name, {**sheet.geometry, **sheet.values}, sheet.operating_values)


def lane(direction: str, channel: int, loss: float, **more: object) -> Lane:
    """Lane of a port with three channels, its neighbours -20 dB and less."""
    unit = f"engine_E1/{direction}_1/unit_{channel}"
    others = [c for c in range(1, CHANNELS + 1) if c != channel]
    levels = tuple(Aggressor(f"channel {c}", -20.0 - 2.0 * c - abs(c - channel)) for c in others)
    fields: dict[str, object] = {"aggressors": levels, "detector": f"{unit}/detector"}
    if direction == "tx":
        fields |= {"extinction_dB": 5.0, "laser": "ELS-1.1", "modulator": f"{unit}/modulator", "detector": ""}
        fields["items"] = (
            LossItem("engine_E1/coupler", "edge_coupler", "edge_coupler", 0.0, 0.0, "o1>o2", 1.5),
            LossItem("engine_E1/run", "straight", "straight", 0.0, 0.0, "o1>o2", 0.5),
            LossItem(f"{unit}/modulator", "ring_modulator", "ring_modulator", 0.0, 0.0, "o1>o2", loss - 2.0),
        )
    wl = 1.29 + 0.00112 * channel
    return Lane("engine_E1", direction, 1, channel, wl, "MPO-1.1", loss, -20.0, **{**fields, **more})  # type: ignore[arg-type]


def simulated(*lanes: Lane, modulator: DeviceFacts | None = None) -> SimulationResult:
    """Lanes with rings, or another modulator in all of them."""
    devices = {one.modulator: modulator or facts("ring_modulator") for one in lanes if one.modulator}
    devices |= {one.detector: facts("photodetector_dual") for one in lanes if one.detector}
    return SimulationResult(lanes=lanes, spectra=(), crosstalk={}, devices=devices)


DRAWN = tuple(lane(d, c, 14.0 + 0.3 * c if d == "tx" else 4.0 + 0.1 * c) for d in ("tx", "rx") for c in (1, 2, 3))
NAMES = [(one.direction, one.port, one.channel) for one in DRAWN]


def full(lanes: tuple[Lane, ...] = DRAWN, spec: PackageSpec = SPEC, modulator: DeviceFacts | None = None) -> np.ndarray:
    """Margin of each channel by the full budget."""
    found = link_budget(spec, PARTS, SHEETS, simulated(*lanes, modulator=modulator))
    return np.array([one.margin_dB for one in found.lanes])


def kernel_of(modulator: DeviceFacts | None = None, **more: object) -> MarginKernel:
    return MarginKernel.of(SPEC, PARTS, SHEETS, simulated(*DRAWN, modulator=modulator), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def kernel() -> MarginKernel:
    """Made once: a score of eyes of ring modulators."""
    return kernel_of()


def aggressors_of(lanes: tuple[Lane, ...]) -> np.ndarray:
    found = np.zeros((1, len(lanes), CHANNELS))
    for row, one in enumerate(lanes):
        for aggressor in one.aggressors:
            found[0, row, int(aggressor.name.split()[1]) - 1] = 10 ** (aggressor.level_dB / 10)
    return found


def test_nominal_margins_are_those_of_the_budget(kernel: MarginKernel):
    assert list(kernel.lanes) == NAMES
    found = kernel.margins(np.zeros((2, 6)))
    np.testing.assert_allclose(found[0], np.tile(full(), 2), atol=1e-3)
    np.testing.assert_allclose(found[0], kernel.nominal_dB, atol=1e-9)
    given = kernel.margins(
        np.zeros((1, 6)),
        extinction_dB=np.full((1, 3), 5.0),
        aggressors=aggressors_of(DRAWN),
        linewidth=np.ones((1, 3)),
        linewidth_bus=np.ones((1, 3)),
        swing=np.ones((1, 3)),
        responsivity=np.ones((1, 3)),
        entering_dB=np.zeros((1, 3)),
    )
    np.testing.assert_allclose(given, found[:1], atol=0.005)


def test_light_is_margin_dB_by_dB(kernel: MarginKernel):
    rng = np.random.default_rng(2)
    change = np.tile(rng.normal(0, 2, (20, 1)), (1, 6))  # all lanes alike, so that neighbours stay as strong
    np.testing.assert_allclose(kernel.margins(change) - change, np.tile(kernel.nominal_dB, (20, 1)), atol=1e-9)


def test_transmit_lanes_at_random_points_are_those_of_the_budget(kernel: MarginKernel):
    """Loss, extinction and crosstalk of every lane drawn; receivers as they are."""
    rng = np.random.default_rng(3)
    for _ in range(6):
        less, ratio, louder = rng.normal(0, 1.0, 3), rng.uniform(3.0, 8.0, 3), rng.uniform(-6, 6, 3)
        sent = tuple(
            dataclasses.replace(
                one,
                insertion_loss_dB=one.insertion_loss_dB + float(less[k]),
                extinction_dB=float(ratio[k]),
                aggressors=tuple(Aggressor(a.name, a.level_dB + float(louder[k])) for a in one.aggressors),
            )
            for k, one in enumerate(DRAWN[:3])
        )
        lanes = (*sent, *DRAWN[3:])
        change = np.concatenate([-less, np.zeros(3)])[None]
        found = kernel.margins(change, extinction_dB=ratio[None], aggressors=aggressors_of(lanes))
        np.testing.assert_allclose(found[0, :3], full(lanes), atol=0.02)
        np.testing.assert_allclose(found[0, 3:], kernel.nominal_dB[3:], atol=0.02)  # judged with nominal transmitters


def test_receive_lanes_at_random_points_are_those_of_the_budget(kernel: MarginKernel):
    rng = np.random.default_rng(4)
    for _ in range(6):
        less, louder = rng.normal(0, 1.0, 3), rng.uniform(-6, 6, 3)
        got = tuple(
            dataclasses.replace(
                one,
                insertion_loss_dB=one.insertion_loss_dB + float(less[k]),
                aggressors=tuple(Aggressor(a.name, a.level_dB + float(louder[k])) for a in one.aggressors),
            )
            for k, one in enumerate(DRAWN[3:])
        )
        lanes = (*DRAWN[:3], *got)
        found = kernel.margins(np.concatenate([np.zeros(3), -less])[None], aggressors=aggressors_of(lanes))
        np.testing.assert_allclose(found[0, 3:], full(lanes), atol=0.02)
        np.testing.assert_allclose(found[0, :3], kernel.nominal_dB[:3], atol=0.02)


def test_a_ring_with_another_gap_is_what_the_budget_of_such_rings_says(kernel: MarginKernel):
    """Its linewidths from the model; all that its light does otherwise is given to both."""
    drawn = facts("ring_modulator")
    wider = dataclasses.replace(drawn, params={**drawn.params, "gap": drawn.params["gap"] - 0.004})
    points = []
    for one in (drawn, wider):
        known = {k: v for k, v in one.params.items() if k in ("radius", "gap", "width_core", "doping", "V_bias")}
        points.append(
            operating_point(
                one.operating["V_one"], one.operating["V_zero"], detuning_nm=one.operating["detuning_nm"], **known
            )
        )
    width = points[1].linewidth_GHz / points[0].linewidth_GHz
    bus = points[1].linewidth_bus_GHz / points[0].linewidth_bus_GHz
    assert 1.02 < width < bus < 1.15
    one = np.ones((1, 3))
    found = kernel.margins(np.zeros((1, 6)), linewidth=one * width, linewidth_bus=one * bus)
    np.testing.assert_allclose(found[0, :3], full(modulator=wider), atol=0.03)
    assert (found[0, :3] > kernel.nominal_dB[:3] + 0.1).all()  # a faster ring closes the eye less


def test_responsivity_and_laser_light_that_absorbs_itself(kernel: MarginKernel):
    weak = kernel.margins(np.zeros((1, 6)), responsivity=np.full((1, 3), 0.5))
    np.testing.assert_allclose(weak[0, 3:] - kernel.nominal_dB[3:], 10 * np.log10(0.5))
    np.testing.assert_allclose(weak[0, :3], kernel.nominal_dB[:3])
    change = np.zeros((1, 6))
    change[0, :3] = 2.3
    strong = kernel.margins(change, entering_dB=change[:, :3])
    own = OwnLight(SPEC, SHEETS, losses_outside(SPEC, PARTS, SHEETS))
    more = [own.lost_dB(one, 17.0 + 2.3) - own.lost_dB(one) for one in DRAWN[:3]]
    assert min(more) > 0.1
    np.testing.assert_allclose(strong[0, :3], kernel.nominal_dB[:3] + 2.3 - more, atol=0.02)


def test_less_light_beside_is_less_crosstalk_in_the_nominal_detector(kernel: MarginKernel):
    """Channel 2 fades by 6 dB: its neighbours gain, it loses more than 6 dB."""
    change = np.zeros((1, 6))
    change[0, 1] = -6.0
    found = kernel.margins(change)[0] - kernel.nominal_dB
    assert found[0] > 0 and found[2] > 0 and found[1] < -6.0
    np.testing.assert_allclose(found[3:], 0.0, atol=1e-9)


def test_a_closed_eye_has_no_margin_at_all_and_shapes_are_kept(kernel: MarginKernel):
    loud = aggressors_of(DRAWN)
    loud[0, 0] = 0.5
    found = kernel.margins(np.zeros((1, 6)), aggressors=loud)
    assert found[0, 0] == -np.inf and np.isfinite(found[0, 1:]).all()
    assert kernel.margins(np.zeros((1, 6)), extinction_dB=np.zeros((1, 3)))[0, :3].max() < -15.0
    assert kernel.margins(np.zeros((0, 6))).shape == (0, 6)


def test_samples_do_not_feel_each_other_and_another_process_says_the_same(kernel: MarginKernel):
    rng = np.random.default_rng(6)
    change, ratio = rng.normal(0, 1, (300, 6)), rng.uniform(4, 6, (300, 3))
    whole = kernel.margins(change, extinction_dB=ratio)
    there = pickle.loads(pickle.dumps(kernel))
    parts = [there.margins(change[rows], extinction_dB=ratio[rows]) for rows in (slice(0, 7), slice(7, 300))]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_the_error_of_the_tables_is_known(kernel: MarginKernel):
    (mean, most), (_, received) = kernel.errors["transmit lanes"], kernel.errors["receive lanes"]
    assert 0 < mean < most < 0.06 and mean < 0.03 and received < 0.01
    assert any("transmit lanes come from tables: 0.0" in line for line in kernel.notes)


def test_another_engine_may_use_the_same_tables(kernel: MarginKernel):
    weaker = tuple(dataclasses.replace(one, insertion_loss_dB=one.insertion_loss_dB + 1.0) for one in DRAWN)
    again = MarginKernel.of(SPEC, PARTS, SHEETS, simulated(*weaker), like=kernel)
    assert again.tables[0] is kernel.tables[0]
    np.testing.assert_allclose(again.nominal_dB[:3], full(weaker), atol=1e-3)


def test_interferometers_have_no_linewidth():
    kernel = kernel_of(facts("mach_zehnder_modulator"))
    change = np.random.default_rng(1).normal(0, 1, (4, 6))
    found = kernel.margins(change, linewidth=np.full((4, 3), 1.3))
    np.testing.assert_array_equal(found, kernel.margins(change))
    np.testing.assert_allclose(kernel.margins(np.zeros((1, 6)))[0, :3], full(modulator=facts("mach_zehnder_modulator")))
    assert kernel.errors["transmit lanes"][1] < 0.001


def test_what_does_not_fit_is_refused_in_one_line(kernel: MarginKernel):
    with pytest.raises(ParameterError, match=r"change_dB has the shape \(1, 5\); \(samples, 6 lanes\) needed"):
        kernel.margins(np.zeros((1, 5)))
    with pytest.raises(ParameterError, match=r"aggressors has the shape \(1, 6, 2\); \(1, 6, 3\) needed"):
        kernel.margins(np.zeros((1, 6)), aggressors=np.zeros((1, 6, 2)))
    with pytest.raises(LayoutError, match='no lanes on engine "E9"; engines with lanes: engine_E1'):
        kernel_of(engine="E9")


def test_another_ring_keeps_the_middle_of_its_swing():
    from cpo_pdk.link.responses import Ring

    ring = Ring(30.0, 18.0, 10.0, 50.0, 14.0, 6.0)
    other = other_ring(ring, bus=1.5, lost=0.5, swing=0.5)
    assert (other.linewidth_GHz, other.linewidth_bus_GHz) == (33.0, 27.0)
    assert (other.one_GHz, other.zero_GHz, other.detuning_GHz) == (12.0, 8.0, 10.0)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_splines_keep_cubics_and_end_at_their_ends(axes: int):
    ends = [(-1.0, 2.0), (0.0, 3.0), (2.0, 4.0)][:axes]
    grid = np.meshgrid(*(np.linspace(*end, 5 + k) for k, end in enumerate(ends)), indexing="ij")

    def cubic(*at: np.ndarray) -> np.ndarray:
        return sum(((-0.3) ** k * x**3 + x**2 - x for k, x in enumerate(at)), np.asarray(at[0] * at[-1]))

    spline = EvenSpline.of(ends, cubic(*grid))
    points = [np.random.default_rng(k).uniform(*end, (7, 3)) for k, end in enumerate(ends)]
    np.testing.assert_allclose(spline(*points), cubic(*points), rtol=1e-9, atol=1e-9)
    beyond = spline(*(np.full(1, high + 5.0) for _, high in ends))
    np.testing.assert_allclose(beyond, cubic(*(np.full(1, high) for _, high in ends)))


def test_a_spline_needs_four_finite_nodes():
    with pytest.raises(ParameterError, match="finite ones at 4 or more nodes"):
        EvenSpline.of([(0.0, 1.0)], np.zeros(3))
    with pytest.raises(ParameterError, match="finite ones"):
        EvenSpline.of([(0.0, 1.0)], np.array([0.0, np.inf, 0.0, 0.0]))

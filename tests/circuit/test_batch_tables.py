"""Devices over their deviations: tables against the models that they were made from."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.batch.device_table import DirectTable, direct_table, table_of
from cpo_pdk.circuit.batch.polynomials import Axis, Bases, Surface
from cpo_pdk.circuit.batch.ring_table import RingTable
from cpo_pdk.circuit.batch.smooth_table import SmoothTable
from cpo_pdk.circuit.measured import Curves
from cpo_pdk.errors import ModelError
from cpo_pdk.models import MODELS
from cpo_pdk.models.model import TWO, Model

CHANNELS = np.array([1.2961, 1.3006, 1.3051])
REACH = {"dw": 30.0, "dh": 15.0, "dslab": 10.0, "doping": 0.12, "guide_loss": 0.5, "coupling": 0.3}
RINGS = ("add_drop_ring", "all_pass_ring", "double_ring", "wide_ring", "ring_modulator")
PARAMS: dict[str, dict[str, Any]] = {
    "double_ring": {"detuning_nm": 0.05},
    "ring_modulator": {"doping": 2e18},
    "mach_zehnder_modulator": {"doping": 3e17},
}
LEVELS = {"ring_modulator": (0.0, 3.0), "mach_zehnder_modulator": (-2.0, 2.0)}
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """Tables by model, each made once."""
    return {}


def table(made: dict[str, Any], name: str) -> Any:
    if name not in made:
        model = MODELS[name]
        made[name] = table_of(name, model, PARAMS.get(name, {}), CHANNELS, REACH, levels=LEVELS.get(name, (0.0,)))
    return made[name]


def deviations(axes: tuple[str, ...], count: int, but: tuple[str, ...] = ()) -> dict[str, Any]:
    return {a: RNG.uniform(-1, 1, count) * REACH[a] for a in axes if a in REACH and a not in but}


@pytest.mark.parametrize("name", RINGS)
def test_a_ring_is_what_its_model_says(made: dict[str, Any], name: str) -> None:
    ring = table(made, name)
    assert isinstance(ring, RingTable)
    assert ring.error < 1e-3
    assert ring.error_pm < 1.0
    direct = direct_table(name, MODELS[name], PARAMS.get(name, {}), REACH)
    values = deviations(ring.axes, 6, but=("coupling",))
    operation: dict[str, Any] = {"tuning_nm": RNG.uniform(0, 12, 6)}
    if name == "ring_modulator":
        operation["V"] = 3.0
    wl = CHANNELS + RNG.uniform(-1e-3, 1e-3, (6, 3))
    ours, theirs = (kind.matrix(values, wl, **operation) for kind in (ring, direct))
    assert set(ours) == set(theirs)
    for pair, value in theirs.items():
        np.testing.assert_allclose(ours[pair], value, atol=1e-4)


@pytest.mark.parametrize("name", RINGS)
def test_resonances_cover_the_same_window_in_every_sample(made: dict[str, Any], name: str) -> None:
    ring = table(made, name)
    values = deviations(ring.axes, 40)
    found = ring.resonances_nm(values)
    assert found.shape == (40, ring.count)
    assert np.all(np.diff(found, axis=1) > 0)
    assert np.all(found[:, 0] >= ring.low_um * 1e3 - 1e-6)
    assert np.all(found[:, 0] < (ring.low_um + 1.05 * ring.fsr_um) * 1e3)
    assert np.all(found[:, -1] > CHANNELS.max() * 1e3)
    resonances = MODELS[name].resonances
    assert resonances
    given_ = {a: float(values[a][7]) for a in ("dw", "dh", "dslab") if a in values}
    exact = resonances(ring.low_um, found[7, -1] * 1e-3 + 1e-4, **{**PARAMS.get(name, {}), **given_})
    np.testing.assert_allclose(found[7], exact[: ring.count] * 1e3, atol=1e-4)


@pytest.mark.parametrize("name", ["add_drop_ring", "all_pass_ring", "ring_modulator"])
def test_the_linewidth_is_that_of_the_line(made: dict[str, Any], name: str) -> None:
    ring = table(made, name)
    values = deviations(ring.axes, 3)
    middle = ring.resonances_nm(values)[:, 2]
    wl = middle[:, None] * 1e-3 + np.linspace(-0.5, 0.5, 20001) * ring.fsr_um
    through = np.abs(ring.matrix(values, wl)["o1", "o4" if name == "add_drop_ring" else "o2"]) ** 2
    half = (through.max(axis=1) + through.min(axis=1)) / 2
    width = np.sum(through < half[:, None], axis=1) / 20000 * ring.fsr_um * 1e3
    for k in range(3):
        said = ring.linewidth_nm({a: v[k] for a, v in values.items()}, float(middle[k]) * 1e-3)
        assert float(said) == pytest.approx(float(width[k]), rel=0.01)


def test_coupling_scales_the_power_that_a_bus_couples(made: dict[str, Any]) -> None:
    """On resonance and without loss a symmetric filter drops everything; its width goes with the coupled power."""
    ring = table(made, "add_drop_ring")
    widths = [float(ring.linewidth_nm({"coupling": x, "guide_loss": -0.5})) for x in (-0.2, 0.0, 0.2)]
    assert widths[2] - widths[1] == pytest.approx(widths[1] - widths[0], rel=0.1)
    assert widths[2] / widths[0] == pytest.approx(1.2 / 0.8, rel=0.05)
    same = ring.matrix({"coupling": np.zeros(2)}, CHANNELS)["o1", "o2"]
    np.testing.assert_allclose(same[0], ring.matrix({}, CHANNELS)["o1", "o2"], rtol=1e-12)
    most = ring.matrix({"coupling": np.array([1e9])}, CHANNELS)["o1", "o4"]
    assert np.all(np.abs(most) < 1e-6), "a coupler hands over all light at most"


@pytest.mark.parametrize(
    "name",
    ["straight", "bend_euler", "taper_strip_rib", "directional_coupler", "mmi1x2", "photodetector_dual", "terminator"],
)
def test_a_smooth_device_is_what_its_model_says(made: dict[str, Any], name: str) -> None:
    smooth = table(made, name)
    assert isinstance(smooth, SmoothTable)
    values = deviations(smooth.axes, 8)
    wl = CHANNELS + RNG.uniform(-1e-3, 1e-3, (8, 3))
    theirs = direct_table(name, MODELS[name], {}, REACH).matrix(values, wl)
    ours = smooth.matrix(values, wl)
    assert set(ours) == set(theirs)
    for pair, value in theirs.items():
        np.testing.assert_allclose(ours[pair], value, atol=1e-3)
        assert ours[pair].shape == (8, 3)


def test_straight_guides_of_any_length_share_a_table(made: dict[str, Any]) -> None:
    smooth = table(made, "straight")
    assert "length" in smooth.axes
    values = deviations(smooth.axes, 5)
    lengths = RNG.uniform(1, 5000, 5)
    ours = smooth.matrix({**values, "length": lengths}, CHANNELS)["o1@TM", "o2@TM"]
    for k in range(5):
        one = {a: v[k : k + 1] for a, v in values.items()}
        exact = direct_table("straight", MODELS["straight"], {"length": lengths[k]}, REACH).matrix(one, CHANNELS)
        np.testing.assert_allclose(ours[k], exact["o1@TM", "o2@TM"][0], atol=1e-4)


def test_guide_loss_is_relative_to_the_propagation_loss_alone(made: dict[str, Any]) -> None:
    smooth = table(made, "bend_euler")
    as_drawn, more = (np.abs(smooth.matrix({"guide_loss": x}, CHANNELS)["o1", "o2"]) for x in (0.0, 0.5))
    length_cm = 10 * np.pi / 2 * 1.5 * 1e-4
    np.testing.assert_allclose(-20 * np.log10(more / as_drawn), 0.5 * 3.0 * length_cm, rtol=1e-6)


def test_a_driven_interferometer_is_what_its_model_says(made: dict[str, Any]) -> None:
    smooth = table(made, "mach_zehnder_modulator")
    assert isinstance(smooth, SmoothTable)
    values = deviations(smooth.axes, 3)
    power = np.array([0.0, 13.0, 31.0])
    direct = direct_table("mzm", MODELS["mach_zehnder_modulator"], PARAMS["mach_zehnder_modulator"], REACH)
    for volt in (-2.0, 2.0):
        ours, theirs = (kind.matrix(values, CHANNELS, V=volt, heater_mW=power) for kind in (smooth, direct))
        for pair, value in theirs.items():
            np.testing.assert_allclose(ours[pair], value, atol=1e-3)


def test_voltages_may_differ_from_sample_to_sample(made: dict[str, Any]) -> None:
    ring = table(made, "ring_modulator")
    volts = np.array([0.0, 3.0])
    both = ring.matrix({"dw": np.array([1.0, 1.0])}, CHANNELS, V=volts, tuning_nm=1.0)["o1", "o2"]
    for k, volt in enumerate(volts):
        one = ring.matrix({"dw": 1.0}, CHANNELS, V=float(volt), tuning_nm=1.0)["o1", "o2"]
        np.testing.assert_allclose(both[k], one, rtol=1e-12)


def test_samples_may_have_any_shape(made: dict[str, Any]) -> None:
    ring = table(made, "ring_modulator")
    values = {a: v.reshape(2, 3) for a, v in deviations(ring.axes, 6).items()}
    found = ring.matrix(values, CHANNELS, tuning_nm=np.full((2, 3), 2.0))["o1", "i1"]
    assert found.shape == (2, 3, 3)
    flat = ring.matrix({a: v.ravel() for a, v in values.items()}, CHANNELS, tuning_nm=2.0)["o1", "i1"]
    np.testing.assert_allclose(found.reshape(6, 3), flat, rtol=1e-12)
    assert ring.resonances_nm(values).shape == (2, 3, ring.count)
    assert ring.linewidth_nm(values).shape == (2, 3)


def test_beyond_the_reach_the_end_is_taken_and_said(made: dict[str, Any]) -> None:
    ring = table(made, "add_drop_ring")
    values = {"dw": np.array([0.0, 31.0, -50.0]), "dh": np.array([0.0, 16.0, 0.0])}
    np.testing.assert_array_equal(ring.outside(values), [0, 2, 1])
    np.testing.assert_array_equal(
        ring.resonances_nm({"dw": np.array([31.0])}), ring.resonances_nm({"dw": np.array([30.0])})
    )


@pytest.mark.parametrize("name", ["ring_modulator", "straight", "mach_zehnder_modulator"])
def test_tables_travel(made: dict[str, Any], name: str) -> None:
    first = table(made, name)
    again = pickle.loads(pickle.dumps(first))
    values = deviations(first.axes, 2)
    ours, theirs = first.matrix(values, CHANNELS), again.matrix(values, CHANNELS)
    for pair, value in ours.items():
        np.testing.assert_array_equal(value, theirs[pair])


def test_what_is_none_is_refused(made: dict[str, Any]) -> None:
    ring = table(made, "ring_modulator")
    with pytest.raises(ModelError, match="deviation 'dwl' is none"):
        ring.matrix({"dwl": 0.0}, CHANNELS)
    with pytest.raises(ModelError, match=r"V is 2.5 V; tabulated are 0, 3 V"):
        ring.matrix({}, CHANNELS, V=2.5)
    with pytest.raises(ModelError, match="not operated by 'loss_dB'"):
        ring.matrix({}, CHANNELS, loss_dB=2.5)
    with pytest.raises(ModelError, match="not operated by 'V'"):
        table(made, "straight").matrix({}, CHANNELS, V=1.0)
    with pytest.raises(ModelError, match=r"x: gap with dw is .* smaller reach"):
        table_of("x", MODELS["add_drop_ring"], {"gap": 0.12}, CHANNELS, {"dw": 90.0})
    with pytest.raises(ModelError, match="reach of dw is 0"):
        table_of("x", MODELS["straight"], {}, CHANNELS, {"dw": 0.0})


def jumpy(wl: Any, *, dw: Any = 0.0) -> dict[tuple[str, str], Any]:
    """No polynomial follows this."""
    value = np.where(np.sin(np.asarray(dw) * 2.1) > 0.3, 0.9, 0.2) * np.exp(1j * np.asarray(wl))
    return {("o1", "o2"): value, ("o2", "o1"): value}


def test_a_device_that_a_table_misses_is_asked_itself() -> None:
    model = Model("jumpy", jumpy, TWO)
    found = table_of("jumpy", model, {}, CHANNELS, {"dw": 10.0})
    assert isinstance(found, DirectTable)
    exact = jumpy(CHANNELS, dw=np.array([[0.5], [2.0]]))
    np.testing.assert_array_equal(found.matrix({"dw": np.array([0.5, 2.0])}, CHANNELS)["o1", "o2"], exact["o1", "o2"])


@settings(derandomize=True, deadline=None, max_examples=15)
@given(
    st.lists(st.floats(-1, 1), min_size=6, max_size=6),
    st.lists(st.floats(-9, 9), max_size=2),
    st.integers(1, 3),
)
def test_a_surface_gives_polynomials_back(c: list[float], knots: list[float], degree: int) -> None:
    """Whatever the pieces, a polynomial of the degree is reproduced; what doesn't vary along an axis drops it."""

    def functions(wl: Any, dev: Any, _axes: Any) -> dict[str, Any]:
        x, y = dev.get("dw", 0.0), dev.get("dh", 0.0)
        return {"f": c[0] + c[1] * x + c[2] * x**degree * wl + c[3] * y, "g": c[4] * y + c[5] * wl}

    axes = [Axis.of("dw", 10.0, degree, knots), Axis.of("dh", 5.0, 1)]
    surface = Surface.fit(functions, axes, (1.29, 1.30, 1.32), 1)
    values = {"dw": RNG.uniform(-10, 10, 9), "dh": RNG.uniform(-5, 5, 9)}
    wl = RNG.uniform(1.29, 1.32, (9, 4))
    at = surface.at(Bases(values, (9,)))
    exact = functions(wl, {a: v[:, None] for a, v in values.items()}, ())
    for name, value in exact.items():
        np.testing.assert_allclose(surface.evaluate(at[name], wl) + 0 * wl, value + 0 * wl, atol=1e-9 * 10**degree)
    assert all("dw" not in {a.name for a in g.axes} for g in surface.groups if "g" in g.names)


def test_measured_data_is_asked_itself_and_travels() -> None:
    f_Hz = np.linspace(2.2e14, 2.4e14, 5)
    curves = Curves("x.s2p", f_Hz, np.full((5, 2, 2), 0.5 + 0j), 1e-14, ("o1", "o2"))
    found = table_of("measured", Model("measured x.s2p", curves, TWO), {}, CHANNELS, REACH)
    assert isinstance(found, DirectTable)
    assert found.axes == ()
    again = pickle.loads(pickle.dumps(found)).matrix({"dw": np.array([1.0, 2.0])}, CHANNELS)
    assert again["o1", "o2"].shape == (2, 3)
    np.testing.assert_array_equal(again["o1", "o2"][0], curves(CHANNELS)["o1", "o2"])

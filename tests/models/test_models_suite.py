"""What every model owes: ports, shape, reciprocity, passivity, over its whole range and in batches."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS, Model, SDict

WL = np.linspace(1.28, 1.32, 7)
ALL = pytest.mark.parametrize("model", MODELS.values(), ids=lambda m: m.name)


def optical(model: Model) -> list[str]:
    """Port names with modes, as they stand in the keys."""
    return [*model.ports, *(f"{p}@{mode}" for p, modes in model.modes.items() for mode in modes)]


def matrix(model: Model, sdict: SDict) -> np.ndarray:
    """S[..., out, in]; outputs are the optical ports and the detectors."""
    inputs, outputs = optical(model), [*optical(model), *model.detectors]
    shape = next(iter(sdict.values())).shape
    out = np.zeros((*shape, len(outputs), len(inputs)), dtype=complex)
    for (a, b), value in sdict.items():
        out[..., outputs.index(b), inputs.index(a)] = value
    return out


def largest_singular_value(model: Model, sdict: SDict) -> float:
    return float(np.max(np.linalg.svd(matrix(model, sdict), compute_uv=False)))


def assert_sound(model: Model, sdict: SDict) -> None:
    assert all(np.all(np.isfinite(v)) for v in sdict.values())
    assert largest_singular_value(model, sdict) <= 1 + 1e-9
    ports = optical(model)
    for (a, b), value in sdict.items():
        if a in ports and b in ports and model.reciprocal:
            np.testing.assert_array_equal(value, sdict[b, a])


@ALL
def test_default_call_is_sound_and_complex_of_the_shape_of_wl(model: Model) -> None:
    sdict = model.function(WL)
    assert sdict
    assert {v.shape for v in sdict.values()} == {WL.shape}
    assert {v.dtype for v in sdict.values()} == {np.dtype(complex)}
    assert_sound(model, sdict)


@ALL
def test_keys_use_every_declared_port_and_no_other(model: Model) -> None:
    used = {p for key in model.function(WL) for p in key}
    assert used == {*optical(model), *model.detectors}


@ALL
def test_scalar_wavelength_gives_scalars(model: Model) -> None:
    assert {v.shape for v in model.function(1.3).values()} == {()}


@ALL
def test_every_numeric_parameter_broadcasts_as_a_leading_batch(model: Model) -> None:
    for name, (low, high, _) in model.ranges.items():
        if name == "wl":
            continue
        values = np.array([[0.7 * low + 0.3 * high], [0.4 * low + 0.6 * high]])
        try:
            batched = model.function(WL, **{name: values})
        except ParameterError:
            # the middle of one range can contradict the default of another (an S-bend without room)
            continue
        for row, value in enumerate(values[:, 0]):
            single = model.function(WL, **{name: float(value)})
            for key, expected in single.items():
                assert batched[key].shape == (2, len(WL)), (name, key)
                np.testing.assert_allclose(batched[key][row], expected, rtol=1e-9, atol=1e-14, err_msg=f"{name} {key}")


@ALL
def test_signature_is_keyword_only_with_defaults_and_covers_the_ranges(model: Model) -> None:
    wl, *rest = inspect.signature(model.function).parameters.values()
    assert wl.name == "wl"
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in rest)
    assert set(model.ranges) <= {"wl", *model.parameters}
    assert {p.name for p in rest if not isinstance(p.default, str)} == set(model.ranges) - {"wl"}
    assert (model.tuning in model.parameters) == (model.resonances is not None)


@ALL
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])
@given(draw=st.data())
def test_passive_and_reciprocal_anywhere_in_its_ranges(model: Model, draw: Any) -> None:
    chosen = {}
    for name, (low, high, _) in model.ranges.items():
        if low > 0 and high / low > 1e3:
            chosen[name] = float(10 ** draw.draw(st.floats(np.log10(low), np.log10(high)), label=name))
            chosen[name] = min(max(chosen[name], low), high)
        else:
            chosen[name] = draw.draw(st.floats(low, high), label=name)
    if model.name == "bend_s":
        assume(abs(chosen["offset"]) * 12 < chosen["length"] ** 2)
    wl = np.array([chosen.pop("wl"), 1.3])
    assert_sound(model, model.function(wl, **chosen))


@ALL
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused_by_name(model: Model, bad: float) -> None:
    for name in model.ranges:
        with pytest.raises(ParameterError, match=name.split("_")[0]):
            if name == "wl":
                model.function(np.array([1.3, bad]))
            else:
                model.function(WL, **{name: bad})


@ALL
@pytest.mark.parametrize("bad", ["abc", [1.0, "x"], {}])
def test_what_is_no_number_is_refused_in_one_line(model: Model, bad: Any) -> None:
    for name in set(model.ranges) - {"wl"}:
        with pytest.raises(ParameterError, match="not a number; give it in"):
            model.function(WL, **{name: bad})


@ALL
def test_a_wavelength_in_nanometres_is_refused(model: Model) -> None:
    with pytest.raises(ParameterError, match="wl is 1310 um"):
        model.function(1310.0)


def test_registry_names_are_the_functions_names() -> None:
    assert all(name == model.name == model.function.__name__ for name, model in MODELS.items())


def test_a_crossing_that_would_gain_is_refused_with_the_loss_that_was_given() -> None:
    with pytest.raises(ParameterError, match="loss_dB is 0 dB, too low for a passive crossing"):
        MODELS["crossing"].function(WL, loss_dB=0.0)

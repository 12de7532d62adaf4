"""Edge coupler and spot-size converter: what the fibre in the wrong place, and another tip, cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import ParameterError
from cpo_pdk.models import MODELS
from cpo_pdk.models.fibre_coupling import tip_growth
from cpo_pdk.models.mode_overlap import offset_tolerance
from cpo_pdk.models.modes import tip_mode_field

KINDS = ("edge_coupler", "spot_size_converter")


def loss(kind: str, key: tuple[str, str] = ("o1", "o2"), wl: Any = 1.31, **parameters: Any) -> np.ndarray:
    return -20 * np.log10(np.abs(MODELS[kind].function(wl, **parameters)[key]))


@pytest.mark.parametrize(("kind", "spot"), [("edge_coupler", 4.0), ("spot_size_converter", 9.2)])
@pytest.mark.parametrize("axis", ["dx", "dy"])
def test_one_more_dB_at_the_tolerance_to_either_side_and_for_both_polarisations(
    kind: str, spot: float, axis: str
) -> None:
    side = float(offset_tolerance(1.31, spot, spot))
    assert side == pytest.approx(0.48 * spot / 2, rel=0.01), "matched spots: 0.48 of their radius"
    for key in (("o1", "o2"), ("o2@TM", "o1@TM")):
        for offset in (side, -side):
            assert loss(kind, key, **{axis: offset}) - loss(kind, key) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.floats(-4, 4), st.floats(-4, 4), st.floats(0, 40), st.floats(-4, 4), st.floats(-4, 4), st.floats(-8, 8))
def test_nothing_is_gained_by_misplacing_and_a_mirror_image_loses_the_same(
    kind: str, dx: float, dy: float, dz: float, tilt_x: float, tilt_y: float, dw: float
) -> None:
    place = {"dx": dx, "dy": dy, "dz": dz, "tilt_x_deg": tilt_x, "tilt_y_deg": tilt_y, "dw": dw}
    found = loss(kind, **place)
    assert found >= loss(kind) - 1e-9, "the default is the best that the sheet promises"
    mirrored = {**place, "dx": -dx, "tilt_x_deg": -tilt_x}
    np.testing.assert_allclose(found, loss(kind, **mirrored), rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_facet_gives_back_what_it_says_on_both_sides_and_adds_no_power(kind: str) -> None:
    s = MODELS[kind].function(1.31, loss_dB=0.1, loss_TM_dB=0.1, reflection_dB=20.0)
    for suffix in ("", "@TM"):
        a, b = "o1" + suffix, "o2" + suffix
        np.testing.assert_allclose(np.abs([s[a, a], s[b, b]]), 0.1, rtol=1e-12)
        matrix = np.array([[s[a, a], s[a, b]], [s[b, a], s[b, b]]])
        both = 10 ** (-0.1 / 10) + 10 ** (-20 / 10)
        np.testing.assert_allclose(np.linalg.svd(matrix, compute_uv=False) ** 2, both, rtol=1e-12)
    with pytest.raises(ParameterError, match="gives back more than it gets"):
        MODELS[kind].function(1.31, loss_dB=0.01, reflection_dB=10.0)


def test_the_spot_of_another_tip_grows_as_that_of_a_bare_tip() -> None:
    assert tip_growth(0.15, 0.15, "TE") == (1.0, 1.0)
    x, y = tip_growth(0.13, 0.15, "TE")
    wide, high = tip_mode_field(0.13)
    wide0, high0 = tip_mode_field(0.15)
    assert (x, y) == (pytest.approx(wide / wide0), pytest.approx(high / high0))
    np.testing.assert_allclose(tip_growth(0.14, 0.15, "TM", dw=10.0), (1.0, 1.0))


def test_a_tip_that_came_out_of_the_process_wider_or_narrower_loses_more() -> None:
    widths = np.array([-10.0, 0.0, 10.0, 20.0])
    te, tm = (loss("edge_coupler", key, dw=widths) for key in (("o1", "o2"), ("o1@TM", "o2@TM")))
    assert np.argmin(te) == np.argmin(tm) == 1
    assert te[2] - te[1] > tm[2] - tm[1] > 0, "TE is guided weaker and its spot changes faster"
    np.testing.assert_allclose(loss("edge_coupler", tip_width=0.16), te[2], rtol=1e-9)


def test_a_standard_fibre_before_a_coupler_for_a_lensed_one_costs_the_mismatch_of_the_spots() -> None:
    mismatch = -20 * np.log10(2 * 4 * 9.2 / (4**2 + 9.2**2))
    assert loss("edge_coupler", fiber_mfd_um=9.2) - loss("edge_coupler") == pytest.approx(mismatch)


def test_misalignments_broadcast_over_a_batch_for_monte_carlo() -> None:
    rng = np.random.default_rng(7)
    place = {k: rng.normal(0, 0.5, (6, 1)) for k in ("dx", "dy", "tilt_x_deg", "dw")}
    found = loss("edge_coupler", wl=np.linspace(1.29, 1.31, 4), **place)
    assert found.shape == (6, 4)
    one = loss("edge_coupler", wl=1.29, **{k: v[3, 0] for k, v in place.items()})
    assert found[3, 0] == pytest.approx(float(one))

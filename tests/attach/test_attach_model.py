"""Loss of attached fibres: closed forms, what fibres share and what they don't, streams."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cpo_pdk.attach.facet import Coupler, Facet, FacetPort
from cpo_pdk.attach.model import AttachModel
from cpo_pdk.attach.rigid import Pose, Stand, stand
from cpo_pdk.attach.sensitivity import excess_for, sensitivity
from cpo_pdk.errors import ModelError, ParameterError
from cpo_pdk.models.mode_overlap import DB
from cpo_pdk.spec.part import Part
from cpo_pdk.variation.samples import Draw

Make = Callable[..., AttachModel]
SOME = Draw(7, np.arange(2000))


def at(model: AttachModel, **pose: float) -> np.ndarray:
    return model.loss_dB(stand(Pose(**pose), model.facet.x_um, model.gap_um))


def test_an_offset_costs_its_square_over_that_of_the_spot(array: Make) -> None:
    """Marcuse 1977: exp(-d^2 / w^2) between equal spots."""
    for offset in (0.3, 1.0, 2.0):
        np.testing.assert_allclose(at(array(), x_um=offset), DB * offset**2 / 2.0**2)
        np.testing.assert_allclose(at(array(), y_um=offset), DB * offset**2 / 2.0**2)


def test_a_tilt_costs_as_marcuse_says(array: Make) -> None:
    """exp(-(pi n w theta / wl)^2), theta small: tilt of one fibre, so that none of them moves."""
    for tilt in (0.5, 2.0):
        lost = at(array(count=1), pitch_deg=tilt)
        assert lost == pytest.approx(DB * (np.pi * 1.45 * 2.0 * np.sin(np.radians(tilt)) / 1.31) ** 2)
        assert at(array(count=1), yaw_deg=tilt) == pytest.approx(lost)


def test_a_gap_between_equal_round_spots_costs_as_a_beam_spreads(array: Make) -> None:
    """1 / (1 + (z / 2 z_R)^2) with z_R = pi n w^2 / wl (Joyce, DeLoach 1984)."""
    reach = np.pi * 1.45 * 2.0**2 / 1.31
    np.testing.assert_allclose(at(array(), z_um=10.0), 10 * np.log10(1 + (10.0 / (2 * reach)) ** 2))
    np.testing.assert_allclose(array(gap_um=10.0).nominal_dB, at(array(), z_um=10.0))


def test_elliptical_spots_lose_along_their_short_axis(array: Make) -> None:
    model = array(spots={"TE": (4.0, 8.0), "TM": (4.0, 8.0)}, fiber_mfd_um=4.0)
    across, along = at(model, y_um=1.0), at(model, x_um=1.0)
    # matched in x: d^2 / w^2; in y 2 d^2 / (w1^2 + w2^2)
    np.testing.assert_allclose(along, DB * 1.0 / 4.0)
    np.testing.assert_allclose(across, DB * 2.0 / (4.0 + 16.0))


def test_losses_are_counted_from_the_mismatch_that_the_circuit_has(array: Make) -> None:
    model = array(fiber_mfd_um=6.0)
    np.testing.assert_allclose(at(model), 0.0, atol=1e-12)
    fits = model.loss_dB(stand(Pose(), model.facet.x_um, 0.0), mode_field=4.0 / 6.0)
    ratio = 2 * 2.0 * 3.0 / (2.0**2 + 3.0**2)
    np.testing.assert_allclose(
        fits, 20 * np.log10(ratio), err_msg="a fibre that fits gives back what the mismatch took"
    )


def test_the_coupler_may_mean_a_fibre_out_of_place_already(array: Make) -> None:
    coupler = Coupler("off", 1.31, {"TE": (4.0, 4.0), "TM": (4.0, 4.0)}, 4.0, dx=0.5)
    base = array(count=2)
    model = AttachModel(
        Facet.of([FacetPort("tx_1", "tx", 0.0, coupler)]),
        base.sigma,
        0.0,
        1.45,
        _reference={"TE": np.array([coupler.reference_dB("TE")]), "TM": np.array([coupler.reference_dB("TM")])},
    )
    np.testing.assert_allclose(at(model), 0.0, atol=1e-12)
    np.testing.assert_allclose(at(model, x_um=0.5), DB * (1.0 - 0.25) / 4.0)


def test_roll_costs_the_square_of_the_distance_from_the_middle(array: Make) -> None:
    model = array(count=21)
    lost, x = at(model, roll_deg=0.02), model.facet.x_um
    away = np.abs(x) > 1
    np.testing.assert_allclose(lost[away] / x[away] ** 2, DB * np.sin(np.radians(0.02)) ** 2 / 4.0, rtol=1e-6)
    assert lost[10] == 0.0
    assert np.argmax(lost) in (0, 20)


def test_where_the_array_lies_on_the_chip_does_not_matter(array: Make) -> None:
    here, there = array(x_um=0.3, roll_deg=0.02), array(start=-4321.5, x_um=0.3, roll_deg=0.02)
    np.testing.assert_allclose(here.excess_dB(SOME, 2), there.excess_dB(SOME, 2), atol=1e-12)


def test_fixed_causes_leave_the_mean_gap_alone(array: Make) -> None:
    model = array(gap_um=5.0, x_um=0.3, roll_deg=0.02, core_um=0.2, mode_field_pct=3.0, run_out_um=1.0)
    both = Draw(7, np.arange(5), fixed=frozenset({"attach", "fibre"}))
    np.testing.assert_allclose(model.excess_dB(both, 3), np.broadcast_to(model.nominal_dB, (5, 3, 9)))
    assert model.nominal_dB.min() > 0.05
    without = model.excess_dB(Draw(7, np.arange(5), fixed=frozenset({"fibre"})), 3)
    own = array(gap_um=5.0, x_um=0.3, roll_deg=0.02).excess_dB(Draw(7, np.arange(5)), 3)
    np.testing.assert_allclose(without, own)


def test_a_sample_and_an_engine_have_their_numbers_whoever_else_is_asked(array: Make) -> None:
    model = array(x_um=0.3, core_um=0.2, mode_field_pct=3.0, run_out_um=1.0, gap_um=3.0, yaw_deg=0.2)
    whole = model.excess_dB(Draw(7, np.arange(40)), 6)
    part = model.excess_dB(Draw(7, np.array([31, 4])), [5, 2])
    np.testing.assert_array_equal(part, whole[np.ix_([31, 4], [5, 2])])
    other = model.excess_dB(Draw(7, np.arange(40), swapped={"attach": 8, "fibre": 8}), 6)
    np.testing.assert_array_equal(other, model.excess_dB(Draw(8, np.arange(40)), 6))


def test_fibres_of_a_shifted_array_lose_together_and_those_with_own_errors_each_alone(array: Make) -> None:
    together = array(y_um=0.3).excess_dB(SOME, 2)
    np.testing.assert_allclose(together, together[..., :1] * np.ones(9), atol=1e-12)
    assert abs(np.corrcoef(together[:, 0, 0], together[:, 1, 0])[0, 1]) < 0.08, "arrays of two engines"
    alone = np.corrcoef(array(core_um=0.3).excess_dB(SOME, 1)[:, 0].T)
    assert np.abs(alone - np.eye(9)).max() < 0.1


def test_the_mean_loss_of_normal_offsets_is_that_of_their_variance(array: Make) -> None:
    """E[d^2] = sigma^2 for each of x, y, and groove and core in both directions."""
    errors = {"x_um": 0.3, "y_um": 0.2, "pitch_error_um": 0.15, "core_um": 0.1}
    found = array(**errors).excess_dB(Draw(3, np.arange(20_000)), 1).mean()
    variance = 0.3**2 + 0.2**2 + 2 * (0.15**2 + 0.1**2)
    assert found == pytest.approx(DB * variance / 4.0, rel=0.03)


def test_run_out_stretches_the_array_about_its_middle(array: Make) -> None:
    model = array(run_out_um=1.0)
    errors = model.errors(model.draws(Draw(1, np.arange(3)), 1))
    place = model.stand(errors)
    np.testing.assert_allclose(place.dx[..., -1] - place.dx[..., 0], errors.run_out_um)
    np.testing.assert_allclose(place.dx[..., 4], 0.0, atol=1e-12)


def test_a_mode_field_stays_positive_and_has_the_spread_that_is_asked(array: Make) -> None:
    model = array(mode_field_pct=20.0)
    drawn = model.errors(model.draws(SOME, 1)).mode_field
    assert drawn.min() > 0
    assert drawn.std() / drawn.mean() == pytest.approx(0.2, rel=0.03)
    assert np.median(drawn) == pytest.approx(1.0, abs=0.01)


def test_receive_fibres_count_the_worse_polarisation(array: Make) -> None:
    spots = {"TE": (4.0, 4.0), "TM": (3.0, 3.0)}
    sent, received = array(use="tx", spots=spots, fiber_mfd_um=4.0), array(use="rx", spots=spots, fiber_mfd_um=4.0)
    np.testing.assert_allclose(at(sent, x_um=1.0), DB / 4.0)
    np.testing.assert_allclose(at(received, x_um=1.0), DB * 2.0 / (1.5**2 + 2.0**2))


def test_light_far_out_is_gone_and_no_fault(array: Make) -> None:
    far = array().loss_dB(Stand(*(np.full(9, value) for value in (900.0, 0.0, 5.0, 0.0, 0.0))))
    assert far.min() > 100.0
    wild = array(x_um=20.0, roll_deg=5.0, yaw_deg=5.0, pitch_deg=5.0, gap_um=200.0, mode_field_pct=50.0)
    assert np.isfinite(wild.excess_dB(SOME, 1)).all()


def test_sensitivities_are_those_of_the_closed_forms(array: Make) -> None:
    found = {axis.name: axis for axis in sensitivity(array(count=11, x_um=0.2)).axes}
    assert found["x_um"].at_sigma_dB[0] == pytest.approx(DB * 0.2**2 / 4.0)
    assert found["x_um"].for_1dB == pytest.approx(2.0 / np.sqrt(DB))
    outer = 5 * 127.0
    assert found["roll_deg"].for_1dB == pytest.approx(np.degrees(2.0 / np.sqrt(DB) / outer), rel=1e-3)
    errors, lost = found["y_um"].curve
    np.testing.assert_allclose(lost, DB * errors[:, None] ** 2 / 4.0 * np.ones(11), atol=1e-9)
    none = excess_for(array(), "mode_field_pct", np.array([0.0]))
    np.testing.assert_allclose(none, 0.0, atol=1e-12)


def test_what_is_no_error_or_no_factor_is_refused(array: Make) -> None:
    with pytest.raises(ParameterError, match="bend_deg is no error of a fibre array; there are: x_um"):
        array().scaled({"bend_deg": 1.0})
    with pytest.raises(ParameterError, match=r"factor of x_um is -1, 0 or more needed"):
        array().scaled({"x_um": -1.0})


def test_a_facet_has_its_fibres_side_by_side(sheets: dict[str, Part]) -> None:
    coupler = Coupler("edge_coupler", 1.31, {"TE": (4.0, 4.0), "TM": (4.0, 4.0)}, 4.0)
    port = FacetPort("tx_1", "tx", 0.0, coupler)
    with pytest.raises(ModelError, match="without ports has no fibre array"):
        Facet.of([])
    with pytest.raises(ModelError, match=r"tx_1 and tx_2 are 0\.5 um apart"):
        Facet.of([port, FacetPort("tx_2", "tx", 0.5, coupler)])
    with pytest.raises(ModelError, match="tx_1 is there twice"):
        Facet.of([port, FacetPort("tx_1", "tx", 127.0, coupler)])
    with pytest.raises(ModelError, match="grating: no mfd_x_um, mfd_y_um, fiber_mfd_um"):
        Coupler.of("grating", {"loss_dB": 3.0}, 1.31)
    lone = AttachModel.of(sheets["attach_active"], Facet.of([port]))
    with pytest.raises(ModelError, match="made without a connector"):
        lone.connectors_dB(SOME, 3, 1)
    assert lone.excess_dB(Draw(1, np.arange(3)), 1).shape == (3, 1, 1), "one fibre has no run-out and no distance"


def test_another_tip_has_another_spot_for_each_polarisation() -> None:
    params = {"mfd_x_um": 4.0, "mfd_y_um": 4.0, "fiber_mfd_um": 4.0, "tip_width": 0.17, "tip_reference_um": 0.15}
    wide = Coupler.of("edge_coupler", params, 1.31)
    assert wide.spots["TE"] != wide.spots["TM"]
    assert wide.spots["TE"][0] < 4.0, "a wider tip holds the light tighter"
    assert wide.reference_dB("TE") > 0

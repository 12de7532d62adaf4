"""Waveguides: the sign of the phase, indices as published, losses as measured, paths as drawn."""

from __future__ import annotations

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.sdict import number
from cpo_pdk.models.validation import Case
from cpo_pdk.models.validation.waveguides import CASES, NEFF, NG
from cpo_pdk.models.waveguide import (
    bend_euler,
    bend_mismatch_dB,
    bend_phase,
    bend_s,
    neff,
    ng,
    s_curve,
    straight,
    taper_strip_rib,
)
from cpo_pdk.tech.materials import MATERIALS, material
from cpo_pdk.tech.waveguides import cross_section, cross_sections


def dB(amplitude: np.ndarray) -> np.ndarray:
    return -20 * np.log10(np.abs(amplitude))


def test_phase_grows_as_exp_plus_j() -> None:
    s = straight(1.31, length=0.1, loss_dB_cm=0.0)["o1", "o2"]
    assert s == pytest.approx(np.exp(1j * 2 * np.pi * float(neff(1.31)) * 0.1 / 1.31), abs=1e-12)
    assert np.angle(s) > 0


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.device}: {c.quantity}, {c.source[:20]}")
def test_published_numbers_are_met(case: Case) -> None:
    bound = case.tolerance * (abs(case.published) if case.relative else 1.0)
    assert case.ours() == pytest.approx(case.published, abs=bound)


def test_indices_keep_the_promised_bounds_wherever_the_sources_agree() -> None:
    promised = [c for c in CASES if c.device == "straight" and c.tolerance in (NEFF, NG)]
    assert len(promised) > 100
    assert {c.tolerance for c in promised} == {0.005, 0.015}


@pytest.mark.parametrize(
    ("width", "height", "wl", "section", "mode", "solved"),
    [
        # solved for this test with the mesh of the tables, between their nodes
        (0.262, 0.21, 1.27, "strip", "TE", 2.07462),
        (0.337, 0.213, 1.30, "strip", "TE", 2.38134),
        (0.387, 0.23, 1.36, "strip", "TE", 2.49537),
        (0.52, 0.21, 1.31, "strip", "TE", 2.70308),
        (1.15, 0.235, 1.26, "strip", "TE", 3.01653),
        (0.262, 0.23, 1.50, "strip", "TE", 1.73470),
        (0.75, 0.205, 1.55, "strip", "TE", 2.61323),
        (0.262, 0.21, 1.50, "strip", "TM", 1.55473),
        (0.262, 0.21, 1.30, "strip", "TM", 1.79061),
        (0.41, 0.225, 1.30, "strip", "TM", 2.15128),
        (0.52, 0.205, 1.60, "strip", "TM", 1.63855),
    ],
)
def test_between_its_nodes_the_table_is_right(
    width: float, height: float, wl: float, section: str, mode: str, solved: float
) -> None:
    assert neff(wl, width, height, cross_section=section, mode=mode) == pytest.approx(solved, abs=2e-4)


@pytest.mark.parametrize(("section", "mode"), [("strip", "TE"), ("strip", "TM"), ("rib", "TE")])
@pytest.mark.parametrize("wl", [1.297, 1.55])
def test_group_index_is_the_derivative_of_the_index(section: str, mode: str, wl: float) -> None:
    h = 1e-5
    how = {"dT": 20.0, "cross_section": section, "mode": mode, "dw": 3.0, "dh": -2.0}
    slope = (neff(wl + h, **how) - neff(wl - h, **how)) / (2 * h)  # pyright: ignore[reportArgumentType]
    assert neff(wl, **how) - wl * slope == pytest.approx(float(ng(wl, **how)), rel=1e-8)  # pyright: ignore[reportArgumentType]


def test_deviations_are_widths_and_heights() -> None:
    assert neff(1.3, 0.4, dw=10.0) == pytest.approx(float(neff(1.3, 0.41)), rel=1e-12)
    assert neff(1.3, 0.4, dh=-7.0) == pytest.approx(float(neff(1.3, 0.4, 0.213)), rel=1e-12)
    assert neff(1.3, dw=5.0, cross_section="rib") > neff(1.3, cross_section="rib")


def test_index_rises_with_width_height_and_temperature_and_falls_with_wavelength() -> None:
    wl, width = np.linspace(1.24, 1.38, 57), np.linspace(0.25, 1.2, 96)[:, None]
    for section, mode in (("strip", "TE"), ("strip", "TM"), ("rib", "TE")):
        at = {"cross_section": section, "mode": mode}
        index = neff(wl, width, **at)  # pyright: ignore[reportArgumentType]
        assert index.shape == (96, 57)
        assert np.all(np.diff(index, axis=0) > 0)
        assert np.all(np.diff(index, axis=1) < 0)
        heights = np.linspace(0.2, 0.24, 41)
        assert np.all(np.diff(neff(1.31, 0.4, heights, **at)) > 0)  # pyright: ignore[reportArgumentType]
        assert np.all(neff(wl, dT=1.0, **at) > neff(wl, **at))  # pyright: ignore[reportArgumentType]
        assert np.all((index > 1.44) & (index < 3.6))


def test_arguments_broadcast_over_both_bands_at_once() -> None:
    rng = np.random.default_rng(5)
    dw, dh, dT = rng.normal(0, 3, (4, 1)), rng.normal(0, 2, (4, 1)), rng.uniform(-20, 60, (4, 1))
    wl = np.array([1.26, 1.31, 1.5, 1.6])
    batch = neff(wl, dw=dw, dh=dh, dT=dT)
    assert batch.shape == (4, 4)
    for i, j in np.ndindex(4, 4):
        one = neff(float(wl[j]), dw=float(dw[i, 0]), dh=float(dh[i, 0]), dT=float(dT[i, 0]))
        assert batch[i, j] == pytest.approx(float(one), rel=1e-12)


def test_modes_are_those_of_the_cross_section() -> None:
    assert ("o1@TM", "o2@TM") in straight(1.3, cross_section="strip")
    assert set(straight(1.3, cross_section="rib")) == {("o1", "o2"), ("o2", "o1")}


def test_loss_of_a_centimetre_is_the_loss_per_centimetre() -> None:
    assert dB(straight(1.3, length=1e4)["o1", "o2"]) == pytest.approx(3.0)
    assert dB(straight(1.3, length=1e4, cross_section="rib")["o1", "o2"]) == pytest.approx(2.0)
    assert dB(straight(1.3, length=5e3, loss_dB_cm=1.0)["o1@TM", "o2@TM"]) == pytest.approx(0.5)


def test_temperature_moves_the_index_as_reported_for_o_band_rings() -> None:
    for section in ("strip", "rib"):
        rise = neff(1.31, dT=1.0, cross_section=section) - neff(1.31, cross_section=section)
        assert 0.060 < 1310 * rise / ng(1.31, cross_section=section) < 0.070


def test_euler_bend_has_the_measured_loss_and_the_path_of_the_clothoid() -> None:
    s = bend_euler(1.3, radius=5.0, loss_dB_cm=0.0)["o1", "o2"]
    assert dB(s) == pytest.approx(0.0106)
    assert dB(bend_euler(1.3, radius=5.0, angle=180.0, loss_dB_cm=0.0)["o1", "o2"]) == pytest.approx(2 * 0.0106)
    assert dB(bend_euler(1.3, radius=4.5, loss_dB_cm=0.0)["o1", "o2"]) > 0.0106
    path = 10 * np.pi / 2 * 1.5
    straightened = straight(1.3, length=path, loss_dB_cm=0.0)["o1", "o2"]
    bent = bend_euler(1.3, radius=10.0, loss_dB_cm=0.0)["o1", "o2"]
    # the index of the bend is higher than that of the straight guide, by a part in a thousand
    assert 0 < np.angle(bent / straightened) < 0.08


def test_bent_mode_loses_at_a_junction_as_the_square_of_the_curvature() -> None:
    for section in ("strip", "rib"):
        radii = np.array([12.0, 24.0, 48.0, 96.0])
        loss = bend_mismatch_dB(radii, cross_section=section)
        np.testing.assert_allclose(loss[:-1] / loss[1:], 4, rtol=0.08)
    assert bend_mismatch_dB(5.0) == pytest.approx(0.011, abs=0.001)
    assert bend_mismatch_dB(5.0, cross_section="rib") > bend_mismatch_dB(5.0, width=0.6)
    assert bend_phase(1.31, 5.0, 10.0) == pytest.approx(4 * float(bend_phase(1.31, 10.0, 10.0)), rel=0.02)


def test_rib_bend_reproduces_both_measured_radii() -> None:
    for radius, loss in ((25.0, 0.030998), (10.0, 0.10059)):
        s = bend_euler(1.3, radius=radius, cross_section="rib", loss_dB_cm=0.0)
        assert dB(s["o1", "o2"]) == pytest.approx(loss, rel=0.01)


def test_s_curve_matches_a_fine_polyline() -> None:
    t = np.linspace(0, 1, 200_001)
    x, y = 20 * t, 5 * (t - np.sin(2 * np.pi * t) / (2 * np.pi))
    path, radius, turn = s_curve(20.0, 5.0)
    assert path == pytest.approx(np.sum(np.hypot(np.diff(x), np.diff(y))), rel=1e-9)
    heading = np.unwrap(np.arctan2(np.diff(y), np.diff(x)))
    ds = np.hypot(np.diff(x), np.diff(y))
    assert radius == pytest.approx(1 / np.max(np.abs(np.diff(heading)) / ds[1:]), rel=1e-3)
    assert turn == pytest.approx(np.degrees(np.sum(np.abs(np.diff(heading)))), rel=1e-4)


def test_s_bend_without_offset_is_a_straight() -> None:
    for key, value in straight(1.3, length=20.0).items():
        assert bend_s(1.3, length=20.0, offset=0.0)[key] == pytest.approx(complex(value))


@pytest.mark.parametrize(("length", "loss"), [(10, 0.11916), (20, 0.09023), (50, 0.068069)])
def test_taper_has_the_measured_loss_at_the_measured_lengths(length: float, loss: float) -> None:
    assert dB(taper_strip_rib(1.3, length=length)["o1", "o2"]) == pytest.approx(loss, rel=1e-9)


def test_taper_loss_falls_with_length() -> None:
    assert np.all(np.diff(dB(taper_strip_rib(1.3, length=np.linspace(5, 100, 40))["o1", "o2"])) < 0)


def test_faults_name_value_and_what_is_available() -> None:
    with pytest.raises(ParameterError, match=r"cross_section is 'slot'; available: strip, rib"):
        straight(1.3, cross_section="slot")
    with pytest.raises(ParameterError, match=r"mode is 'TM'; rib has TE"):
        neff(1.3, cross_section="rib", mode="TM")
    with pytest.raises(ParameterError, match=r"width is 1.3 um; allowed is 0.25 to 1.2 um"):
        straight(1.3, width=1.3)
    with pytest.raises(ParameterError, match=r"width with dw is 0.23 um; allowed is 0.25"):
        neff(1.3, 0.26, dw=-30.0)
    with pytest.raises(
        ParameterError, match=r"wl is 1.4 um; the computed modes cover 1.24 to 1.38 and 1.48 to 1.62 um"
    ):
        neff([1.3, 1.4])
    with pytest.raises(ParameterError, match="length is 'ten', not a number"):
        number("length", "ten", 0, 1)
    with pytest.raises(ParameterError, match="material is 'Unobtainium'; available: Si"):
        material("Unobtainium")


def test_cross_sections_are_read_once_and_frozen() -> None:
    assert cross_sections() is cross_sections()
    with pytest.raises(AttributeError):
        cross_section("strip").width = 1.0  # type: ignore[misc]
    with pytest.raises(TypeError):
        cross_sections()["new"] = cross_section("strip")  # type: ignore[index]


def test_materials_follow_their_dispersion_equations() -> None:
    for name, index, group in (("Si", 3.5039, 3.694), ("SiO2", 1.4468, 1.4620)):
        one, h = MATERIALS[name], 1e-5
        assert one.n == pytest.approx(float(one.index(1.31)), abs=1e-4)
        assert one.index(1.31) == pytest.approx(index, abs=1e-4)
        slope = float(one.index(1.31 + h) - one.index(1.31 - h)) / (2 * h)
        assert index - 1.31 * slope == pytest.approx(group, abs=1e-3)
        assert one.index(1.31, dT=10.0) - one.index(1.31) == pytest.approx(10 * (one.dn_dT or 0))
    for one in MATERIALS.values():
        assert one.k_W_mK > 0
        assert set(one.sources) == {f for f in ("n", "dn_dT", "k_W_mK") if getattr(one, f) is not None}
    with pytest.raises(ParameterError, match="TiN has no dispersion equation; Si and SiO2 have one"):
        MATERIALS["TiN"].index(1.31)


@pytest.mark.parametrize("length", [1.0, np.array([[20.0], [1.0]])])
def test_an_s_bend_too_short_for_its_offset_is_refused_by_its_own_words(length: float | np.ndarray) -> None:
    with pytest.raises(ParameterError, match=r"length 1 um over an offset of 5 um bends at 0\.101 um"):
        bend_s(1.31, length=length, offset=5.0)


def test_a_limit_that_lost_its_last_decimal_in_a_file_is_still_within() -> None:
    assert number("width", np.nextafter(1.2, 2.0), 0.25, 1.2) == 1.2
    with pytest.raises(ParameterError, match=r"width is 1\.2001 um; allowed is 0\.25 to 1\.2 um"):
        number("width", 1.2001, 0.25, 1.2)

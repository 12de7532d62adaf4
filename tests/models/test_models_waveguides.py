"""Waveguides: the sign of the phase, indices as published, losses as measured, paths as drawn."""

from __future__ import annotations

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.sdict import number
from cpo_pdk.models.waveguide import bend_euler, bend_s, neff, ng, s_curve, straight, taper_strip_rib
from cpo_pdk.tech.materials import MATERIALS, material
from cpo_pdk.tech.waveguides import cross_section, cross_sections


def dB(amplitude: np.ndarray) -> np.ndarray:
    return -20 * np.log10(np.abs(amplitude))


def test_phase_grows_as_exp_plus_j() -> None:
    s = straight(1.31, length=0.1, loss_dB_cm=0.0)["o1", "o2"]
    assert s == pytest.approx(np.exp(1j * 2 * np.pi * 2.5611 * 0.1 / 1.31), abs=1e-12)
    assert np.angle(s) > 0


@pytest.mark.parametrize(
    ("section", "mode", "width", "index", "group"),
    [
        ("strip", "TE", 0.40, 2.5611, 4.3154),
        ("strip", "TE", 0.50, 2.7179, 4.1241),
        ("strip", "TM", 0.40, 2.0751, 4.6432),
        ("rib", "TE", 0.40, 2.7033, 3.9788),
        ("rib", "TE", 0.60, 2.8452, 3.9235),
    ],
)
def test_indices_are_those_of_the_published_table(
    section: str, mode: str, width: float, index: float, group: float
) -> None:
    assert neff(1.31, width, cross_section=section, mode=mode) == pytest.approx(index, rel=1e-9)
    assert ng(1.31, width, cross_section=section, mode=mode) == pytest.approx(group, rel=1e-9)


def test_strip_agrees_with_the_other_published_solver_within_a_percent() -> None:
    # SiEPIC compact-model file, 410 x 220 nm, 1310 nm: neff 2.5804, ng 4.3353 (TE); 2.0848, 4.6756 (TM)
    assert neff(1.31, width=0.41) == pytest.approx(2.580393, rel=0.005)
    assert ng(1.31, width=0.41) == pytest.approx(4.335297, rel=0.015)
    assert neff(1.31, width=0.41, mode="TM") == pytest.approx(2.084761, rel=0.005)


def test_group_index_is_the_derivative_of_the_index() -> None:
    wl, h = 1.297, 1e-5
    slope = (neff(wl + h) - neff(wl - h)) / (2 * h)
    assert neff(wl) - wl * slope == pytest.approx(float(ng(wl)), rel=1e-9)


def test_modes_are_those_of_the_cross_section() -> None:
    assert ("o1@TM", "o2@TM") in straight(1.3, cross_section="strip")
    assert set(straight(1.3, cross_section="rib")) == {("o1", "o2"), ("o2", "o1")}


def test_loss_of_a_centimetre_is_the_loss_per_centimetre() -> None:
    assert dB(straight(1.3, length=1e4)["o1", "o2"]) == pytest.approx(3.0)
    assert dB(straight(1.3, length=1e4, cross_section="rib")["o1", "o2"]) == pytest.approx(2.0)
    assert dB(straight(1.3, length=5e3, loss_dB_cm=1.0)["o1@TM", "o2@TM"]) == pytest.approx(0.5)


def test_temperature_moves_the_index_as_reported_for_o_band_rings() -> None:
    for section, nm_per_K in (("strip", 0.062), ("rib", 0.067)):
        rise = neff(1.31, dT=1.0, cross_section=section) - neff(1.31, cross_section=section)
        assert 1310 * rise / ng(1.31, cross_section=section) == pytest.approx(nm_per_K, abs=0.001)


def test_euler_bend_has_the_measured_loss_and_the_path_of_the_clothoid() -> None:
    s = bend_euler(1.3, radius=5.0, loss_dB_cm=0.0)["o1", "o2"]
    assert dB(s) == pytest.approx(0.0106)
    assert dB(bend_euler(1.3, radius=5.0, angle=180.0, loss_dB_cm=0.0)["o1", "o2"]) == pytest.approx(2 * 0.0106)
    assert dB(bend_euler(1.3, radius=4.5, loss_dB_cm=0.0)["o1", "o2"]) > 0.0106
    path = 10 * np.pi / 2 * 1.5
    straightened = straight(1.3, length=path, loss_dB_cm=0.0)["o1", "o2"]
    assert np.angle(bend_euler(1.3, radius=10.0)["o1", "o2"] / straightened) == pytest.approx(0, abs=1e-9)


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
    with pytest.raises(ParameterError, match=r"width is 0.9 um; allowed is 0.3 to 0.6 um"):
        straight(1.3, width=0.9)
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
    # Malitson 1965 and Salzberg and Villa 1957 at 1.31 um
    w2 = 1.31**2
    sio2 = 0.6961663 * w2 / (w2 - 0.0684043**2) + 0.4079426 * w2 / (w2 - 0.1162414**2)
    sio2 += 0.8974794 * w2 / (w2 - 9.896161**2)
    si = 10.6684293 * w2 / (w2 - 0.301516485**2) + 0.0030434748 * w2 / (w2 - 1.13475115**2)
    si += 1.54133408 * w2 / (w2 - 1104.0**2)
    assert MATERIALS["SiO2"].n == pytest.approx(np.sqrt(1 + sio2), abs=1e-4)
    assert MATERIALS["Si"].n == pytest.approx(np.sqrt(1 + si), abs=1e-4)
    for one in MATERIALS.values():
        assert one.k_W_mK > 0
        assert set(one.sources) == {f for f in ("n", "dn_dT", "k_W_mK") if getattr(one, f) is not None}

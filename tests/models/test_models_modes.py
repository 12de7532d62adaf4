"""Tables of computed modes: where they come from, and whether they agree with one another."""

from __future__ import annotations

import numpy as np
import pytest

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.coupler import ring_coupler
from cpo_pdk.models.modes import (
    band_start,
    bend_index_rise,
    junction_weight,
    table,
    tip_gaussian_overlap,
    tip_mode_field,
)
from cpo_pdk.models.sdict import DATA
from cpo_pdk.models.waveguide import neff

FILES = ("strip_modes", "rib_modes", "rib_etch", "pair_modes", "bend_modes", "rib_overlap", "tip_modes")


@pytest.mark.parametrize("name", FILES)
def test_every_table_says_how_it_was_made(name: str) -> None:
    made = table(name)["provenance"]
    assert made["command"].startswith("cpo characterize --only ")
    assert "--quick" not in made["command"]
    assert set(made["versions"]) == {"femwell", "scikit-fem", "scipy", "numpy"}
    assert made["order"] == 2
    assert all(made[key] for key in ("date", "solver", "mesh", "domain"))
    assert set(made["materials"]) == {"Si", "SiO2"}


def test_tables_are_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in DATA.glob("*.json")) < 300_000


def test_bands_start_where_their_tables_do() -> None:
    np.testing.assert_array_equal(band_start([1.24, 1.31, 1.38, 1.48, 1.6, 1.2]), [1.24, 1.24, 1.24, 1.48, 1.48, 1.24])


@pytest.mark.parametrize("wl", [1.31, 1.55])
@pytest.mark.parametrize("width", [0.4, 0.5])
def test_weight_of_the_junction_adds_up_to_what_a_warmer_silicon_does(wl: float, width: float) -> None:
    x, weight = junction_weight(wl, width)
    total = weight.sum() * (x[1] - x[0])
    # two tables that were computed apart: silicon's 1.86e-4/K with this weight, oxide's 1e-5/K with a tenth or so
    slope = float(neff(wl, width, dT=1.0, cross_section="rib") - neff(wl, width, cross_section="rib"))
    assert 1.86e-4 * total < slope < 1.86e-4 * total + 0.3 * 1e-5


def test_weight_is_symmetric_and_densest_in_the_core() -> None:
    for wl, width in ((1.26, 0.33), (1.31, 0.4), (1.6, 0.57)):
        x, weight = junction_weight(wl, width)
        np.testing.assert_allclose(x, -x[::-1], atol=1e-12)
        np.testing.assert_allclose(weight, weight[::-1])
        assert np.all(weight >= 0)
        assert weight[np.abs(x) < width / 2].sum() > 2 * weight[np.abs(x) > width / 2].sum()


def test_weight_of_a_width_between_two_nodes_lies_between_theirs() -> None:
    low, middle, high = (junction_weight(1.31, w)[1].max() for w in (0.4, 0.45, 0.5))
    assert high < middle < low


@pytest.mark.parametrize(("arguments", "message"), [((1.2, 0.4), "wl is 1.2 um"), ((1.31, 0.7), "width is 0.7 um")])
def test_weight_outside_the_table_is_refused(arguments: tuple[float, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        junction_weight(*arguments)


@pytest.mark.parametrize("mode", ["TE", "TM"])
def test_tips_spread_their_field_as_they_narrow(mode: str) -> None:
    fields = np.array([tip_mode_field(w, mode) for w in np.linspace(0.11, 0.25, 29)])
    assert np.all(np.diff(fields, axis=0) < 0)
    assert 0.85 < tip_gaussian_overlap(0.15, mode) < 0.95


def test_tips_outside_the_table_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"tip_width is 0.1 um; allowed is 0.11 to 0.25 um"):
        tip_mode_field(0.1)
    with pytest.raises(ParameterError, match="mode is 'TE1'; tips have TE, TM"):
        tip_mode_field(0.2, "TE1")


def test_a_bend_raises_the_index_as_the_square_of_its_curvature() -> None:
    rise = bend_index_rise([3.0, 30.0, 60.0], 1.31, 0.4)
    assert rise[1] / rise[2] == pytest.approx(4)
    assert rise[0] > 80 * rise[1]


def test_a_thicker_slab_raises_the_index_of_a_rib_and_opens_its_couplers() -> None:
    steps = np.array([-10.0, -4.0, 0.0, 4.0, 10.0])
    index = neff(1.31, cross_section="rib", dslab=steps)
    assert np.all(np.diff(index) > 0)
    assert index[2] == float(neff(1.31, cross_section="rib"))
    # first order: 10 nm of the 90 nm slab, of which a rib sees less than its core of 400 nm by 220 nm
    assert 0.001 < (index[4] - index[0]) / 20 < 0.003
    _t, k = ring_coupler(1.31, gap=0.18, radius=6.4, cross_section="rib", dslab=steps)
    assert np.all(np.diff(k) > 0)


def test_another_slab_is_what_was_computed_at_the_nodes() -> None:
    raw = table("rib_etch")
    for i, j, n, s in ((3, 1, 1, 0), (5, 0, 0, 2), (1, 2, 2, 2)):
        width, height, wl, step = raw["width"][i], raw["height"][j], raw["wl"][0][n], raw["step_nm"][s]
        rib = {"cross_section": "rib", "width": width, "height": height}
        found = float(neff(wl, dslab=step, **rib) - neff(wl, **rib))
        assert found == pytest.approx(raw["dneff"][i][j][0][n][s], abs=1e-9)


def test_a_slab_far_from_the_table_is_refused_and_a_strip_has_none() -> None:
    with pytest.raises(ParameterError, match="dslab is 11 nm; allowed is -10 to 10 nm"):
        neff(1.31, cross_section="rib", dslab=11.0)
    np.testing.assert_array_equal(neff(1.31, dslab=np.array([-5.0, 5.0])), np.full(2, float(neff(1.31))))


def test_a_table_of_slabs_agrees_with_the_table_of_ribs() -> None:
    """Two tables computed apart: a rib without slab would be a strip; half way there is well within a parabola."""
    raw = table("rib_etch")
    slope = (np.asarray(raw["dneff"])[..., 2] - np.asarray(raw["dneff"])[..., 0]) / 20
    rib, strip = (float(neff(1.31, cross_section=name)) for name in ("rib", "strip"))
    mean = (rib - strip) / 90
    assert 0.5 < mean / slope[3, 1, 0, 1] < 1.2

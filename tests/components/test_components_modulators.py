"""Modulators and phase shifters as drawn: junctions, contacts, fingers, electrodes, and what models take from them."""

from __future__ import annotations

import itertools

import klayout.db as kdb
import numpy as np
import pytest
import yaml

from cpo_pdk.components import CELLS
from cpo_pdk.components.phase_shifters import CONTACT_GAP
from cpo_pdk.models import MODELS
from cpo_pdk.models.modulator import finger_period
from cpo_pdk.models.sdict import DATA
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of

JUNCTION = yaml.safe_load((DATA / "junction.yaml").read_text(encoding="utf-8"))


def region(component: gf.Component, layer: str) -> kdb.Region:
    return kdb.Region(component.kdb_cell.begin_shapes_rec(component.kcl.layout.layer(*layer_of(layer)))).merged()


def across(component: gf.Component, layer: str, x_um: float) -> list[tuple[float, float]]:
    """Where a layer lies along y at one x, um."""
    slit = kdb.Region(kdb.Box(round(x_um * 1000) - 1, -(10**7), round(x_um * 1000) + 1, 10**7))
    boxes = [p.bbox() for p in (region(component, layer) & slit).merged().each()]
    return sorted((b.bottom / 1000, b.top / 1000) for b in boxes)


@pytest.mark.parametrize("width", [None, 0.5])
@pytest.mark.parametrize("offset", [0.0, 0.08])
def test_junction_lies_where_the_model_has_it(width: float | None, offset: float) -> None:
    component = CELLS["phase_shifter_pn"](width=width, junction_offset=offset)
    core = width or 0.4
    assert across(component, "WG", 250.0) == [(-core / 2, core / 2)]
    ((p_low, p_high),) = across(component, "P", 250.0)
    ((n_low, n_high),) = across(component, "N", 250.0)
    assert p_high == n_low == offset
    (contact_n,), (contact_p,) = across(component, "NPP", 250.0), across(component, "PPP", 250.0)
    gap = JUNCTION["contacts"]["gap"]["value"]
    assert gap == CONTACT_GAP
    assert contact_n[0] == pytest.approx(core / 2 + gap) and contact_p[1] == pytest.approx(-core / 2 - gap)
    # no undoped silicon between implants and contacts
    assert n_high > contact_n[0] and p_low < contact_p[1]


@pytest.mark.parametrize("arguments", [{"junction_fill": 0.7}, {"junction_fill": 0.33, "length_x": 2.0, "period": 2.5}])
def test_fingers_are_as_many_as_the_model_counts_and_fill_the_arcs(arguments: dict[str, float]) -> None:
    component = CELLS["ring_modulator"](junction="interleaved", **arguments)
    drawn = finger_period(6.4, arguments.get("length_x", 0.0), arguments["junction_fill"], arguments.get("period", 1.1))
    assert component.info["period"] == pytest.approx(float(drawn), abs=1e-5)
    # along the axis of the ring half is p and half is n
    yc = round(0.4 + 0.18 + 6.4, 3)
    centers = [arguments.get("length_x", 0.0) / 2 * s for s in (1, -1)]
    axis = kdb.Region()
    for center in centers:
        circle = [
            kdb.DPoint(center + r * np.cos(a), yc + r * np.sin(a))
            for r, way in ((6.41, 1), (6.39, -1))
            for a in np.linspace(0, 2 * np.pi, 2000)[::way]
        ]
        axis.insert(kdb.DPolygon(circle).to_itype(0.001))
    p, n = (region(component, layer) & axis for layer in ("P", "N"))
    assert (p & n).area() < 0.01 * p.area()
    assert p.area() == pytest.approx(n.area(), rel=0.03)
    length = 2 * np.pi * 6.4 + 2 * arguments.get("length_x", 0.0)
    assert (p + n).area() / 1e6 / 0.02 == pytest.approx(arguments["junction_fill"] * length, rel=0.03)
    count = arguments["junction_fill"] * length / 2 / float(drawn)
    assert p.merged().count() in (2 * round(count), 2 * round(count) + 1)


def test_neither_implant_of_a_modulator_reaches_its_bus() -> None:
    for junction in ("lateral", "interleaved"):
        component = CELLS["ring_modulator"](junction=junction, junction_fill=0.7)
        bus = kdb.Region(kdb.Box(-(10**6), -400, 10**6, 400))
        for layer in ("P", "N", "PPP", "NPP"):
            assert (region(component, layer) & bus).is_empty()


def test_arms_of_the_modulator_are_equal_and_mirror_each_other() -> None:
    component = CELLS["mach_zehnder_modulator"](length=300.0)
    for layer in ("WG", "SLAB90", "P", "N", "PPP", "NPP", "VIAC", "M1", "VIA1"):
        shapes = region(component, layer)
        if layer == "VIA1":
            shapes &= kdb.Region(kdb.Box(0, -(10**6), 300_000, 10**6))  # less the heater's pads
        assert (shapes ^ shapes.transformed(kdb.Trans(kdb.Trans.M0))).is_empty(), layer
    # n towards the signals, so that a positive signal is reverse bias
    (south_n, north_n), (south_p, north_p) = across(component, "N", 150.0), across(component, "P", 150.0)
    assert north_n[0] == north_p[1] == 21.0
    assert south_n[1] == south_p[0] == -21.0


def test_electrode_is_five_strips_with_the_junctions_below_the_inner_gaps() -> None:
    component = CELLS["mach_zehnder_modulator"](length=300.0, gap_electrode=10.0, width_signal=7.0, width_ground=24.0)
    strips = across(component, "M2", 150.0)
    assert [round(b - a, 3) for a, b in strips] == [24.0, 7.0, 24.0, 7.0, 24.0]
    gaps = [(a[1], b[0]) for a, b in itertools.pairwise(strips)]
    assert all(round(b - a, 3) == 10.0 for a, b in gaps)
    cores = across(component, "WG", 150.0)
    assert [round((a + b) / 2, 3) for a, b in cores] == [round((a + b) / 2, 3) for a, b in gaps[1:3]]
    # every contact rail is joined to the strip above it, and to no other
    vias = region(component, "VIA1")
    for rail in region(component, "M1").each():
        if rail.bbox().width() < 200_000:
            continue
        above = region(component, "M2").interacting(vias & kdb.Region(rail))
        assert above.count() == 1


def test_electrode_runs_unbroken_from_pad_to_pad() -> None:
    component = CELLS["mach_zehnder_modulator"](length=300.0)
    lines = [m for m in region(component, "M2").each() if m.bbox().width() > 300_000]
    assert len(lines) == 5
    assert region(component, "PADOPEN").count() == 10


@pytest.mark.parametrize("arguments", [{}, {"delta_length": 40.0}, {"width_ground": 80.0, "length": 555.0}])
def test_strips_of_the_modulator_are_as_long_as_the_model_takes_them(arguments: dict[str, float]) -> None:
    component = CELLS["mach_zehnder_modulator"](**arguments)
    # all that is neither junction nor taper nor splitter is strip; the lower arm gives the length
    drawn = component.info["length"] - arguments.get("length", 1800.0) - 2 * 20.0 - 2 * 93.5
    model = MODELS["mach_zehnder_modulator"].function
    arms = {**arguments, "delta_length": 0.0, "heater_mW": 0.0}
    if arguments.get("delta_length"):
        arms["delta_length"] = 1e-9  # the detour without the difference
    low, high = (np.abs(model(1.31, loss_dB_cm=loss, loss_rib_dB_cm=0.0, **arms)["o1", "o3"]) for loss in (0.0, 10.0))
    assert -20 * np.log10(high / low) / 10.0 * 1e4 == pytest.approx(drawn, abs=0.05)


def test_switch_is_as_long_as_the_model_takes_it() -> None:
    component = CELLS["switch_2x2"](length=333.0, spacing=50.0)
    low, high = (
        np.abs(MODELS["switch_2x2"].function(1.31, length=333.0, spacing=50.0, loss_dB_cm=loss)["o1", "o3"])
        for loss in (0.0, 10.0)
    )
    drawn = component.info["length"] - 2 * 93.5
    assert -20 * np.log10(high / low) / 10.0 * 1e4 == pytest.approx(drawn, abs=0.05)


def test_arm_lengths_differ_by_what_was_asked_for() -> None:
    plain, longer = (CELLS["mach_zehnder_modulator"](length=300.0, delta_length=d) for d in (0.002, 60.0))
    more = (region(longer, "WG").area() - region(plain, "WG").area()) / 1e6 / 0.4
    assert more == pytest.approx(60.0 - 0.002, abs=0.01)
    wl = np.linspace(1.295, 1.325, 30001)
    s = MODELS["mach_zehnder_modulator"].function(wl, length=300.0, delta_length=60.0)
    dips = np.flatnonzero(np.diff(np.sign(np.diff(np.abs(s["o1", "o3"])))) > 0)
    fsr = np.diff(wl[dips + 1]).mean()
    assert 1.31**2 / fsr / 60.0 == pytest.approx(4.33, rel=0.03)


@pytest.mark.parametrize(
    ("name", "heaters"), [("phase_shifter_thermal", 1), ("switch_2x2", 2), ("mach_zehnder_modulator", 1)]
)
def test_heaters_cover_their_guide_and_touch_nothing_else(name: str, heaters: int) -> None:
    component = CELLS[name]()
    drawn = region(component, "HEATER")
    assert drawn.count() == heaters
    assert (drawn & region(component, "M1")).is_empty()
    covered = (drawn & region(component, "WG")).area() / 1e6 / 0.4
    assert covered == pytest.approx(200.0 * heaters, rel=1e-6)

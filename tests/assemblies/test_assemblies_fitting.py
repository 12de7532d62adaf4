"""Devices that do not fit their place in an engine, and ribbons that do not fit theirs, are errors with a cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cpo_pdk.assemblies import kit_of, rx_unit, tx_macro, tx_unit, write_gds, write_package
from cpo_pdk.assemblies.kit import Kit
from cpo_pdk.components import ring_modulator
from cpo_pdk.components.cell import CELLS
from cpo_pdk.components.drawing import rectangle
from cpo_pdk.errors import AssemblyError, CpoError, SpecError
from cpo_pdk.spec import find_spec, load_sheets, load_spec
from cpo_pdk.spec.loading import parse_spec
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.verify import check, drc

TEXT = find_spec("switch_51t2").read_text(encoding="utf-8")
SHEETS = load_sheets()
KIT = kit_of(load_spec("switch_51t2"), SHEETS)
#: one engine of the shipped package, to be quick
ONE = (
    TEXT.replace("count: 8 ", "count: 1 ")
    .replace("bandwidth_Tbps: 51.2", "bandwidth_Tbps: 6.4")
    .replace("{north: 2, east: 2, south: 2, west: 2}", "{north: 1, east: 0, south: 0, west: 0}")
)


def with_device(role: str, cell: str, **geometry: Any) -> Kit:
    return tuple((r, cell, tuple(geometry.items())) if r == role else (r, c, g) for r, c, g in KIT)


def own(monkeypatch: pytest.MonkeyPatch, spoil: Any) -> Kit:
    """A kit whose modulator is the shipped one with something wrong."""

    def cell(radius: float = 6.4) -> gf.Component:
        c = gf.Component()
        ref = c << ring_modulator(radius=radius)
        spoil(c, ref)
        return c

    monkeypatch.setitem(CELLS, "own_modulator", cell)
    return with_device("modulator", "own_modulator")


def test_a_modulator_longer_than_its_unit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def long(c: gf.Component, ref: gf.ComponentReference) -> None:
        c.add_ports(p for p in ref.ports if p.name != "o2")
        c.add_port("o2", center=(90, 0), width=0.4, layer=(1, 0), orientation=0, port_type="optical")

    with pytest.raises(AssemblyError, match=r"reaches 90.000 um .* raise engine.bump_pitch_um\[0\] to at least 60.2"):
        tx_unit(kit=own(monkeypatch, long), radius=6.37)


def test_a_modulator_off_its_axis_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def high(c: gf.Component, ref: gf.ComponentReference) -> None:
        ref.movey(3)
        c.add_ports(ref.ports)

    with pytest.raises(AssemblyError, match="y = 0"):
        tx_unit(kit=own(monkeypatch, high), radius=6.371)


def test_terminals_joined_by_metal_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def shorted(c: gf.Component, ref: gf.ComponentReference) -> None:
        c.add_ports(ref.ports)
        rectangle(c, "M2", -2.4, -10, 2.4, -8)

    with pytest.raises(AssemblyError, match="metal 2 joins terminals e3 and e4"):
        tx_unit(kit=own(monkeypatch, shorted), radius=6.372)


def test_wires_too_near_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def near(c: gf.Component, ref: gf.ComponentReference) -> None:
        c.add_ports(ref.ports)
        rectangle(c, "M2", -0.3, -10, 0.3, -8)

    with pytest.raises(AssemblyError, match="nearer than 1 um"):
        tx_unit(kit=own(monkeypatch, near), radius=6.373)


def test_a_waveguide_on_the_bus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def crossed(c: gf.Component, ref: gf.ComponentReference) -> None:
        c.add_ports(ref.ports)
        rectangle(c, "WG", 40.0, -5, 40.4, 5)

    with pytest.raises(AssemblyError, match="cover each other"):
        tx_unit(kit=own(monkeypatch, crossed), radius=6.374)


def test_a_device_that_stands_in_the_next_row_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def tall(c: gf.Component, ref: gf.ComponentReference) -> None:
        c.add_ports(ref.ports)
        rectangle(c, "SLAB90", 30, 40, 34, 70)

    with pytest.raises(AssemblyError, match=r"SLAB90 reaches 6\.500 um beyond its unit in y"):
        tx_unit(kit=own(monkeypatch, tall), radius=6.375)


def test_a_detector_too_long_for_its_unit_is_refused() -> None:
    with pytest.raises(AssemblyError):
        rx_unit(kit=with_device("detector", "photodetector_dual", length=60.0, width_ge=2.0), radius=4.9)


@pytest.mark.parametrize(
    ("role", "sheet"),
    [
        ("detector", "photodetector"),
        ("monitor", "photodetector_dual"),
        ("edge_coupler", "straight"),
        ("edge_coupler", "grating_coupler"),
        ("psr", "mmi1x2"),
        ("terminator", "fiber_smf"),
        ("waveguide", "bend_s"),
        ("modulator", "add_drop_ring"),
    ],
)
def test_a_sheet_in_the_wrong_role_is_an_error_never_a_traceback(role: str, sheet: str, tmp_path: Path) -> None:
    old = f"{role}: {getattr(load_spec('switch_51t2').engine.devices, role)}"
    assert old in ONE
    with pytest.raises(CpoError) as caught:
        write_package(parse_spec(ONE.replace(old, f"{role}: {sheet}"), tmp_path / "s.yaml"), tmp_path, SHEETS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bump_x", [47.0, 55.0, 60.0, 80.0, 160.0])
def test_rows_keep_the_metal_rules_at_any_bump_pitch(bump_x: float, tmp_path: Path) -> None:
    row = tx_macro(kit=KIT, radii=(6.39, 6.41), length=9 * bump_x + 140, bump_x=bump_x, bump_y=63.5)
    assert drc(write_gds(row, tmp_path / "row.gds")).violations == ()


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        ((("{north: 2, east: 2, south: 2, west: 2}", "{north: 0, east: 0, south: 8, west: 0}"),
          ("size_mm: [26, 31]", "size_mm: [40, 31]"), ("pitch_mm: 12.0", "pitch_mm: 4.0"),
          ("shoreline_um: 1100", "shoreline_um: 2100"), ("die_mm: [7, 6]", "die_mm: [2, 3]")),
         "pitch_mm", "ribbon + gap"),
        ((("ribbon_pitch_um: 250", "ribbon_pitch_um: 900"), ("loopback_length_mm: 13", "loopback_length_mm: 60"),
          ("distance_mm: 130", "distance_mm: 300"), ("pitch_mm: 12.0", "pitch_mm: 22.0"),
          ("size_mm: [26, 31]", "size_mm: [50, 50]"), ("width_mm: 440", "width_mm: 600"),
          ("size_mm: [100, 100]", "size_mm: [120, 120]")), "ribbon_pitch_um", "walls take"),
        ((("ribbon_pitch_um: 250", "ribbon_pitch_um: 125"),), "ribbon_pitch_um", "126 um"),
        ((("distance_mm: 130", "distance_mm: 70"),), "distance_mm", "alone would do: faceplate.distance_mm"),
        ((("width_mm: 440", "width_mm: 120"),), "width_mm", "alone would do: faceplate.width_mm"),
    ],
)  # fmt: skip
def test_ribbons_that_would_touch_are_refused_at_their_line(
    changes: tuple[tuple[str, str], ...], line: str, words: str, tmp_path: Path
) -> None:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "s.yaml"
    with pytest.raises(SpecError) as caught:
        write_package(parse_spec(text, file), tmp_path / "out", SHEETS)
    hits = [p for p in caught.value.problems if words in p.message]
    assert hits and all(line in text.splitlines()[p.line - 1] for p in hits), str(caught.value)


def test_slanting_fibres_of_a_narrow_ribbon_do_not_touch(tmp_path: Path) -> None:
    text = ONE.replace("ribbon_pitch_um: 250", "ribbon_pitch_um: 140").replace("distance_mm: 130", "distance_mm: 250")
    files = write_package(parse_spec(text, tmp_path / "s.yaml"), tmp_path / "out", SHEETS)
    assert [v for v in check(files.package_gds).violations if v.rule.startswith("FIBER")] == []

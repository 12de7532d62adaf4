"""Metal from the silicon to the bump: shorts, opens, polarity, bumps; each named, in the cell that it is in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import klayout.db as kdb
import pytest

from cpo_pdk.verify.findings import CheckResult

Says = Callable[[CheckResult, str, str], bool]
Change = Callable[[Any], None]
_UNIT = "tx_3/unit_2"
_MODULATOR = "tx_3/unit_2/modulator"


def _wire_cut(bench: Any) -> None:
    bench.cut(bench.inside(_UNIT), "M2", 29.5, 5, 30.5, 9)


def _wire_cut_at_the_terminal(bench: Any) -> None:
    cell = bench.inside(_MODULATOR)
    bench.cut(cell, "M2", -2, 15, 2, 30)


def _bridge_in_unit(bench: Any) -> None:
    bench.box(bench.inside(_UNIT), "M2", 0, 24, 50, 26)


def _bridge_between_units(bench: Any) -> None:
    row = bench.own(bench.engine(), "tx_3")
    unit = bench.child(row, "unit_2").dtrans.disp
    bench.box(row, "M2", unit.x + 50, 31, unit.x + 100, 33)


def _heater_bridged(bench: Any) -> None:
    bench.box(bench.inside(_MODULATOR), "M2", -2.4, -9, 2.4, -7)


def _heater_bridged_from_outside(bench: Any) -> None:
    bench.box(bench.inside(_UNIT), "HEATER", -2, -8.6, 2, -7.4)


def _heater_closed(bench: Any) -> None:
    cell = bench.inside(_MODULATOR)
    box = bench.polygons(cell, "HEATER")[0].dbbox()
    bench.box(cell, "HEATER", -3, box.bottom + 5, 3, box.bottom + 6.2)


def _heater_cut(bench: Any) -> None:
    cell = bench.inside(_MODULATOR)
    box = bench.polygons(cell, "HEATER")[0].dbbox()
    bench.cut(cell, "HEATER", -0.5, box.top - 3, 0.5, box.top + 1)


def _no_vias(bench: Any) -> None:
    cell = bench.inside(_MODULATOR)
    stack = min((i for i in cell.each_inst() if "HEATER" in i.cell.name), key=lambda i: i.dtrans.disp.x)
    copy = stack.cell.dup()
    for meta in stack.cell.each_meta_info():
        copy.add_meta_info(meta)
    copy.shapes(bench.layer("VIA1")).clear()
    stack.cell_index = copy.cell_index()


def _no_contact(bench: Any) -> None:
    cell = bench.inside(_MODULATOR)
    inner = kdb.Region(cell.begin_shapes_rec(bench.layer("PPP"))).merged()
    shapes = cell.shapes(bench.layer("VIAC"))
    rest = kdb.Region(shapes).not_interacting(inner)
    shapes.clear()
    shapes.insert(rest)


def _half_a_contact(bench: Any) -> None:
    """One of the two halves of the n side loses its way to the terminal."""
    cell = bench.inside(_MODULATOR)
    bench.cut(cell, "M1", -10.8, 4, -10.2, 10)


def _detector_via(bench: Any) -> None:
    cell = bench.inside("rx_1/unit_1/detector")
    via = max(cell.shapes(bench.layer("VIA1")).each(), key=lambda s: s.dbbox().top)
    via.delete()


def _implants_exchanged(bench: Any) -> None:
    cell = bench.inside(_MODULATOR)
    for one, two in (("P", "N"), ("PPP", "NPP")):
        first, second = cell.shapes(bench.layer(one)), cell.shapes(bench.layer(two))
        a, b = kdb.Region(first).merged(), kdb.Region(second).merged()
        first.clear()
        second.clear()
        first.insert(b)
        second.insert(a)


def _bump_aside(bench: Any) -> None:
    bench.child(bench.inside(_UNIT), "bump_e2").transform(kdb.DTrans(3.0, 0.0))


def _bump_away(bench: Any) -> None:
    bench.child(bench.inside(_UNIT), "bump_e2").transform(kdb.DTrans(20.0, 20.0))


def _bump_gone(bench: Any) -> None:
    bench.child(bench.inside("rx_2/unit_3"), "bump_e5").delete()


def _bump_more(bench: Any) -> None:
    bump = bench.child(bench.inside(_UNIT), "bump_e2").cell_index
    bench.engine().insert(kdb.DCellInstArray(bump, kdb.DTrans(60.0, 1000.0)))


def _opening_gone(bench: Any) -> None:
    unit = bench.inside(_UNIT)
    bench.own(unit, "bump_e2").shapes(bench.layer("PADOPEN")).clear()


def _polarity_flipped(bench: Any) -> None:
    """Anode and cathode of a detector led to each other's bump: the anode up, the cathode round it and down."""
    unit = bench.inside("rx_1/unit_1")
    for end in ("e5", "e6"):
        _wire_to(bench, unit, f"bump_{end}").delete()
    low, high = (bench.child(unit, f"bump_{end}").dtrans.disp for end in ("e5", "e6"))
    anode, cathode = (_terminal(bench.child(unit, "detector"), end) for end in ("e1", "e2"))
    west = bench.child(unit, "detector").dbbox().left - 4.0
    for path in (
        [anode, kdb.DPoint(high.x, anode.y), kdb.DPoint(high.x, high.y)],
        [cathode, kdb.DPoint(west, cathode.y), kdb.DPoint(west, low.y), kdb.DPoint(low.x, low.y)],
    ):
        unit.shapes(bench.layer("M2")).insert(kdb.DPath(path, 2.0).polygon())


def _wire_to(bench: Any, unit: kdb.Cell, name: str) -> kdb.Shape:
    at = bench.child(unit, name).dtrans.disp
    return next(s for s in unit.shapes(bench.layer("M2")).each() if s.dbbox().contains(kdb.DPoint(at.x, at.y)))


def _terminal(inst: kdb.Instance, name: str) -> kdb.DPoint:
    """Where a terminal of an instance lies in the cell that holds it."""
    ports = (item.value for item in inst.cell.each_meta_info() if item.name.startswith("kfactory:ports:"))
    at = next(port["trans"].to_dtype(0.001).disp for port in ports if port["name"] == name)
    return inst.dcplx_trans * kdb.DPoint(at.x, at.y)


@pytest.mark.parametrize(
    ("change", "rule", "pattern", "cell"),
    [
        (_wire_cut, "LVS.open", r"ring_modulator\.e2 \(cathode\) reaches no bump", "cpo_tx_unit"),
        (_wire_cut_at_the_terminal, "LVS.open", r"terminal e1 \(anode\) of ring_modulator|no metal 2", "cpo_ring_mod"),
        (_bridge_in_unit, "LVS.short", r"ring_modulator: e1 \(anode\) and e2 \(cathode\) on one net", "cpo_tx_unit"),
        (_bridge_between_units, "LVS.short", r"e2 \(cathode\) and .*e6 .*on one net with 2 bumps", "cpo_tx_macro"),
        (_heater_bridged, "LVS.short", r"the heater of ring_modulator is shorted: e3 .* and e4", "cpo_ring_mod"),
        (_heater_bridged_from_outside, "LVS.short", r"a strip on HEATER joins what the devices", "cpo_tx_unit"),
        (_heater_closed, "LVS.short", r"heater of ring_modulator is shorted: its filament", "cpo_ring_mod"),
        (_heater_cut, "LVS.open", r"terminal e3 \(heater\).*does not reach its heater", "cpo_ring_mod"),
        (_no_vias, "LVS.open", r"terminal e3 \(heater\).*a via is missing", "cpo_ring_mod"),
        (_no_contact, "LVS.open", r"terminal e1 \(anode\) .*reaches no silicon, a p contact needed", "cpo_ring_mod"),
        (_half_a_contact, "LVS.open", r"n contact of ring_modulator that no terminal reaches", "cpo_ring_mod"),
        (_detector_via, "LVS.open", r"p contact of photodetector_dual that no terminal reaches", "cpo_photodet"),
        (_implants_exchanged, "LVS.POLARITY", r"polarity_e1 is n as drawn, p as recorded", "cpo_ring_mod"),
        (_bump_aside, "LVS.BUMP_GRID", r"a bump lies \+3\.000, \+0\.000 um off the grid of 50 x 63\.5 um", ""),
        (_bump_away, "LVS.open", r"ring_modulator\.e2 \(cathode\) reaches no bump", "cpo_tx_unit"),
        (_bump_gone, "LVS.bumps", r"199 bumps on the engine, 200 asked", "small_engine"),
        (_bump_more, "LVS.open", r"a bump that no device is on", "small_engine"),
        (_opening_gone, "LVS.open", r"the bump does not reach metal 2", "cpo_bump"),
        (_polarity_flipped, "LVS.POLARITY", r"anode and cathode of the detector of channel 1 .* exchanged", ""),
    ],
)
def test_every_fault_is_found_and_named(
    planted: Callable[..., CheckResult], change: Change, rule: str, pattern: str, cell: str, says: Says
) -> None:
    result = planted(change)
    assert says(result, rule, pattern), result.violations
    assert any(v.cell.startswith(cell) for v in result.violations if v.rule == rule)


def test_fault_in_a_shared_cell_is_told_once(planted: Callable[..., CheckResult]) -> None:
    def cut(bench: Any) -> None:
        unit = bench.child(bench.child(bench.engine(), "tx_1").cell, "unit_2").cell
        bench.cut(unit, "M2", 29.5, 5, 30.5, 9)

    result = planted(cut, "package")
    assert result.by_rule == {"LVS.open": 2}
    assert all(v.places == 8 and "; in 8 places" in v.message for v in result.violations)


def test_heater_bridged_from_outside_is_no_fault_of_the_device(planted: Callable[..., CheckResult]) -> None:
    assert planted(_heater_bridged_from_outside).by_rule == {"LVS.short": 1}


def test_metal_is_followed_without_a_spec(planted: Callable[..., CheckResult], says: Says) -> None:
    assert says(planted(_bridge_in_unit, spec=None), "LVS.short", "on one net")
    assert says(planted(_no_contact, spec=None), "LVS.open", "reaches no silicon")
    assert planted(_bump_aside, spec=None).clean

"""Shorts and opens between terminals and bumps, planted in the shipped engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify import connectivity

pytest.importorskip("gdsfactory")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cpo_pdk.assemblies import write_package
    from cpo_pdk.spec import load_sheets, load_spec

    folder = tmp_path_factory.mktemp("engine")
    return write_package(load_spec("switch_51t2"), folder, load_sheets()).engine_gds


@pytest.fixture
def planted(engine: Path, tmp_path: Path) -> Callable[..., dict[str, int]]:
    """Electrical violations by rule after `change(layout, cell, metal 2)` of the first cell that begins with `stem`."""

    def run(stem: str, change: Callable[[kdb.Layout, kdb.Cell, int], None]) -> dict[str, int]:
        layout = kdb.Layout()
        layout.read(str(engine))
        names = sorted(cell.name for cell in layout.each_cell() if cell.name.startswith(stem))
        change(layout, layout.cell(names[0]), layout.layer(*layer_of("M2")))
        options = kdb.SaveLayoutOptions()
        options.write_context_info = True
        layout.write(str(tmp_path / "planted.gds"), options)
        # where a polygon was changed the cell is flagged as edited besides, which has tests of its own
        found = connectivity(tmp_path / "planted.gds").by_rule
        return {rule: count for rule, count in found.items() if rule != "CONN.edited"}

    return run


def test_the_shipped_engine_has_none(engine: Path) -> None:
    assert connectivity(engine).violations == ()


def test_bridge_between_the_bumps_of_a_device(planted: Callable[..., dict[str, int]]) -> None:
    def bridge(layout: kdb.Layout, cell: kdb.Cell, metal: int) -> None:
        cell.shapes(metal).insert(kdb.Box(0, 31_000, 50_000, 33_000))

    assert planted("cpo_tx_unit", bridge) == {"CONN.short": 2}


def test_bridge_between_two_units(planted: Callable[..., dict[str, int]]) -> None:
    def bridge(layout: kdb.Layout, cell: kdb.Cell, metal: int) -> None:
        unit = next(i for i in cell.each_inst() if i.property(0) == "unit_1").trans.disp
        cell.shapes(metal).insert(kdb.Box(unit.x + 50_000, 31_000, unit.x + 100_000, 33_000))

    assert planted("cpo_tx_macro", bridge)["CONN.short"] == 1


def test_heater_bridged_in_the_device(planted: Callable[..., dict[str, int]]) -> None:
    def bridge(layout: kdb.Layout, cell: kdb.Cell, metal: int) -> None:
        cell.shapes(metal).insert(kdb.Box(-2_400, -9_000, 2_400, -7_000))

    assert planted("cpo_ring_modulator", bridge) == {"CONN.short": 2}


def test_wire_gone_and_bump_gone(planted: Callable[..., dict[str, int]]) -> None:
    def cut(layout: kdb.Layout, cell: kdb.Cell, metal: int) -> None:
        next(cell.shapes(metal).each()).delete()

    def remove(layout: kdb.Layout, cell: kdb.Cell, metal: int) -> None:
        next(i for i in cell.each_inst() if i.property(0) == "bump_e2").delete()

    assert planted("cpo_tx_unit", cut) == {"CONN.open": 2}
    assert planted("cpo_rx_unit", remove) == {"CONN.open": 1}

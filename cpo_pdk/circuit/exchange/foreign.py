"""The circuit of a layout that another PDK drew, with models by a mapping file.

Ports come from kfactory's meta information where a cell has it (every gdsfactory PDK), else from pins as the SiEPIC
family draws them. A cell that the mapping names becomes one device: its ports get the model's names, its settings are
the model's parameters, what it was drawn with stays in its info as `drawn_settings`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import klayout.db as kdb

from cpo_pdk.circuit.binding import ModelLike, SheetLike
from cpo_pdk.circuit.exchange.mapping import FACTORY, CellMapping
from cpo_pdk.circuit.exchange.pins import read_pins
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.meta import CellMeta, PortMeta, is_optical
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import LayoutError
from cpo_pdk.spec.suggestions import did_you_mean


class _Describer:
    """Says of a cell what the mapping makes of it."""

    def __init__(self, mapping: CellMapping) -> None:
        self.mapping = mapping
        self.used: set[str] = set()

    def __call__(self, cell: kdb.Cell, meta: CellMeta) -> CellMeta:
        labels: tuple[str, ...] = ()
        if not meta.ports:
            pins = read_pins(cell, self.mapping.layers)
            labels = pins.labels
            meta = replace(meta, ports=pins.ports, settings={**(pins.settings or {}), **meta.settings})
        name = self.mapping.entry_of((cell.name, meta.function, meta.factory, *labels))
        if name is None:
            return meta
        self.used.add(name)
        entry = self.mapping.file.cells[name]
        drawn = {port.name for port in meta.ports}
        for port in entry.ports if drawn else ():  # without any, a better message follows
            if port not in drawn:
                text = f"cells.{name}: cell {cell.name!r} has no port {port!r}{_known(port, drawn)}"
                raise self.mapping.problem(("cells", name, "ports", port), text, of_key=True)
        ports = tuple(replace(port, name=entry.ports.get(port.name, port.name)) for port in meta.ports)
        twice = sorted({p.name for p in ports if sum(q.name == p.name for q in ports) > 1})
        if twice:
            text = f"cells.{name}: two ports of cell {cell.name!r} are {twice[0]!r}; map both by name"
            raise self.mapping.problem(("cells", name, "ports"), text)
        if entry.measured is None and entry.model is None:
            settings: dict[str, Any] = {}
        else:
            settings = self.parameters(cell, meta, name)
        info = {"drawn_settings": meta.settings}
        if "open_ports" in meta.info:
            info["open_ports"] = meta.info["open_ports"]
        return replace(meta, ports=ports, factory=FACTORY + name, settings=settings, info=info)

    def parameters(self, cell: kdb.Cell, meta: CellMeta, name: str) -> dict[str, Any]:
        entry = self.mapping.file.cells[name]
        values: dict[str, Any] = dict(entry.parameters)
        for key, setting in entry.settings.items():
            if meta.settings.get(setting) is None:
                text = f"cells.{name}: cell {cell.name!r} has no setting {setting!r}{_known(setting, meta.settings)}"
                raise self.mapping.problem(("cells", name, "settings", key), text)
            values[key] = meta.settings[setting]
        if entry.length_from is not None and meta.ports:
            values["length"] = _core_length(cell, meta.ports)
        return values


def _core_length(cell: kdb.Cell, ports: tuple[PortMeta, ...]) -> float:
    """Area of the core that is drawn in a cell over the width of its ports, um."""
    layout = cell.layout()
    guided = [port for port in ports if port.port_type == "optical" and port.width > 0]
    number = layout.find_layer(*guided[0].layer) if guided else None
    if number is None:
        raise LayoutError(f"cell {cell.name!r}: no core to measure its length on; give `length` in the mapping")
    if len({port.width for port in guided}) > 1:
        raise LayoutError(f"cell {cell.name!r}: its ports are of several widths; give `length` in the mapping")
    area = kdb.Region(cell.begin_shapes_rec(number)).merged().area()
    return round(area / guided[0].width * layout.dbu, 6)


def _known(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known) or f"; there are: {', '.join(sorted(known)) or 'none'}"


def extract_foreign(
    file: LayoutFile, mapping: CellMapping, leaves: Collection[str] = ()
) -> tuple[Netlists, tuple[str, ...]]:
    """Extract the circuit of a layout that a mapping file speaks of.

    Args:
        file: see `read_layout`.
        mapping: see `load_mapping`.
        leaves: factories of further cells that are one device, those with a sheet.

    Returns:
        the netlist, and a line for every entry of the mapping that no cell of the layout fits.

    Raises:
        LayoutError: pins that can't be understood, nothing optical in the layout.
        SpecError: the mapping names a port or setting that a cell doesn't have.
    """
    describe = _Describer(mapping)
    factories = {FACTORY + name for name in mapping.file.cells}
    netlists = extract(file, {*leaves, *factories}, describe)
    if not any(is_optical(port.port_type) for cell in netlists.cells.values() for port in cell.ports):
        number, datatype = mapping.layers.pins
        raise LayoutError(
            f"{file.path}: 0 optical ports, neither in meta information nor as pins on layer {number}/{datatype}; "
            "give the layers in the mapping"
        )
    spare = (
        f"{mapping.source.file}: cells.{name} fits no cell of {file.path.name}"
        for name in mapping.file.cells
        if name not in describe.used
    )
    return netlists, tuple(spare)


def sheets_with(
    mapping: CellMapping, sheets: Mapping[str, SheetLike], models: Mapping[str, ModelLike]
) -> dict[str, SheetLike]:
    """The sheets, and the entries of the mapping in the form of sheets."""
    return {**sheets, **mapping.sheets(models)}

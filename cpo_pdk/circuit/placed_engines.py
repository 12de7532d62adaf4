"""Where the engines of a layout stand, which of them are in use, and on which wavelengths they work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.flattening import FlatCircuit, Placement, walk
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import ENGINE
from cpo_pdk.circuit.netlist import CellNetlist, Netlists
from cpo_pdk.errors import LayoutError

#: wavelengths that can be meant in um
WL_UM = (0.5, 3.0)


@dataclass(frozen=True)
class PlacedEngine:
    """An engine: path of its instance from the top cell (name of the top cell where it is one itself), cell, place."""

    name: str
    cell: str
    place: Placement


def engines_of(netlists: Netlists) -> list[PlacedEngine]:
    """All engines of a layout, by name; the top cell itself where it is one."""
    top = netlists.cells[netlists.top]
    if top.function == ENGINE:
        return [PlacedEngine(top.name, top.name, Placement())]
    found = [
        PlacedEngine(prefix.rstrip("/"), cell.name, place)
        for prefix, cell, place in walk(netlists, netlists.top, Placement(), stop=(ENGINE,))
        if cell.function == ENGINE
    ]
    return sorted(found, key=lambda engine: engine.name)


def in_use(engines: Sequence[PlacedEngine], circuit: FlatCircuit) -> list[PlacedEngine]:
    """The engines with a fibre; all of them where none has one. Those without stand by as spares and have no lanes.

    Args:
        engines: of the layout.
        circuit: the layout, flattened with engines as leaves.
    """
    fed = {path for link in circuit.connections for path, _ in (link.a, link.b)}
    return [engine for engine in engines if engine.name in fed] or list(engines)


def channels_of(cell: CellNetlist, file: LayoutFile) -> NDArray[np.float64]:
    """Wavelengths of an engine cell, um, as its info has them.

    Raises:
        LayoutError: not a list of distinct wavelengths.
    """
    value: Any = cell.info.get("wl_um")
    low, high = WL_UM
    good = isinstance(value, list) and value and all(isinstance(x, int | float) and low < x < high for x in value)
    if not good or len(set(value)) != len(value):
        raise LayoutError(
            f"{file.path}: engine {cell.name} has wl_um = {value!r} in its info, a list of distinct wavelengths in um "
            "needed; draw it again"
        )
    return np.asarray(value, np.float64)

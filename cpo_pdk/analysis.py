"""From a spec, or a layout and its spec, to what the budget, the energy and the heat are computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.circuit.simulation import simulate
from cpo_pdk.handover.parts import Package
from cpo_pdk.handover.reading import read_package
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts

Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before any budget is made.

    Attributes:
        spec: what was asked for.
        parts: what is bought.
        sheets: of all devices.
        file, netlists: the layout.
        package: its dies and bodies.
        simulation: its lanes, cold: every device at the temperature that it is drawn for.
    """

    spec: PackageSpec
    parts: Parts
    sheets: dict[str, Sheet]
    file: LayoutFile
    netlists: Netlists
    package: Package
    simulation: SimulationResult

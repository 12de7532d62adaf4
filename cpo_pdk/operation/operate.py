"""The closed loop: temperature, wavelengths, heaters and power of a package that agree with one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.handover.parts import Package
from cpo_pdk.operation.results import Operation
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts

Resimulate = Callable[[Mapping[str, Any]], SimulationResult]
"""Engine -> its condition; to the lanes as they are there."""

Say = Callable[[str], None]


def operate(
    spec: PackageSpec,
    parts: Parts,
    sheets: Mapping[str, Sheet],
    simulation: SimulationResult,
    package: Package,
    resimulate: Resimulate,
    *,
    states: tuple[str, ...] = ("idle", "typical", "full"),
    transient: bool = True,
    say: Say = lambda _line: None,
) -> Operation:
    """The package at its loads.

    Args:
        spec: the package.
        parts: what is bought.
        sheets: of the devices.
        simulation: lanes, rings and trimmers of the layout, every device at the temperature that it is drawn for.
        package: dies and bodies of the layout.
        resimulate: lanes at given temperatures, tunings and channels of the engines.
        states: which of idle, typical, full.
        transient: whether the load step from idle to full is computed.
        say: told what is being done.

    Raises:
        SpecError, LayoutError, ModelError: of the budget, the energy, the heat.
    """
    raise NotImplementedError

"""Everything that one report is made of, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.lanes.rows import LaneMap
from cpo_pdk.lanes.traces import TraceReport
from cpo_pdk.operation.results import Operation
from cpo_pdk.verify.findings import Verdict


@dataclass(frozen=True)
class Choice:
    """A number that somebody chose: where it stands, what it is, and the reason given."""

    where: str
    value: str
    reason: str = ""


@dataclass(frozen=True)
class RuleLine:
    """One design rule for the table: name, what it says, value in um (um2 for areas, degrees for angles), source."""

    name: str
    says: str
    value: str
    source: str
    choice: bool = False


@dataclass(frozen=True)
class ReportData:
    """What a report shows.

    Attributes:
        name: of the package.
        description: one line under the title.
        package_gds: the file that the pictures are drawn from.
        engine_cell: name of the engine cell in that file.
        bandwidth_Tbps, engines, fibres: of the package, fibres by kind and `total`.
        arithmetic: how bandwidth and fibre count close, one line an equation.
        choices: numbers without a published source.
        rules: the design rules that were run.
        verdict: outcome of the checks.
        simulation: lanes, spectra, crosstalk.
        warnings: what the designer should know, one line each.
        models: cell factory -> compact model that it was bound to.
        lane_map: serial lanes, fibres and connectors as drawn; None where none was made.
        traces: its traces against the reach class of the spec.
        operation: margin, temperatures and energy at work; None where nobody asked for them.
    """

    name: str
    description: str
    package_gds: Path
    engine_cell: str
    bandwidth_Tbps: float
    engines: int
    fibres: dict[str, int]
    arithmetic: tuple[str, ...]
    choices: tuple[Choice, ...]
    rules: tuple[RuleLine, ...]
    verdict: Verdict
    simulation: SimulationResult
    warnings: tuple[str, ...] = ()
    models: dict[str, str] = field(default_factory=dict)
    lane_map: LaneMap | None = None
    traces: TraceReport | None = None
    operation: Operation | None = None

    @property
    def clean(self) -> bool:
        """True when every check looked at something and found nothing."""
        return self.verdict.clean

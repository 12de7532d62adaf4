"""What a build made and found out, and the documents that `--json` prints of it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpo_pdk.circuit.results import Lane, SimulationResult
from cpo_pdk.operation.document import summary
from cpo_pdk.verify.findings import Verdict

if TYPE_CHECKING:
    from cpo_pdk.lanes.rows import LaneMap
    from cpo_pdk.operation.results import Operation


@dataclass(frozen=True)
class BuildResult:
    """What a build made and found out; paths are those of the files in the output folder.

    Attributes:
        name: of the package.
        gds, engine_gds, netlist, lanes, report: the files.
        bandwidth_Tbps, engines, fibres: of the spec; fibres by kind and `total`, of the whole package.
        drc, connectivity: the checks on the package GDS.
        simulation: lanes, spectra, crosstalk.
        lane_map: serial lanes, fibres, connectors as drawn; None where the layout is too wrong to be followed.
        operation: margins, energy, heat at every load; None likewise.
        warnings: of drawing and simulation.
        seconds: wall time by stage.
    """

    name: str
    gds: Path
    engine_gds: Path
    netlist: Path
    lanes: Path
    report: Path
    bandwidth_Tbps: float
    engines: int
    fibres: dict[str, int]
    verdict: Verdict
    simulation: SimulationResult
    lane_map: LaneMap | None = None
    operation: Operation | None = None
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """True when every check looked at something and found nothing, and every limit of the spec holds."""
        return self.verdict.clean and (self.operation is None or self.operation.holds)

    def as_json(self) -> dict[str, Any]:
        """The `--json` document of `cpo build`."""
        lanes = self.simulation.lanes
        return {
            "name": self.name,
            "gds": self.gds.as_posix(),
            "netlist": self.netlist.as_posix(),
            "report": self.report.as_posix(),
            "bandwidth_Tbps": self.bandwidth_Tbps,
            "engines": self.engines,
            "lanes_per_direction": sum(lane.direction == "tx" for lane in lanes),
            "fibres": self.fibres,
            "checks": {result.group: result.as_json() for result in self.verdict.results},
            "insertion_loss_dB": {d: spread_of(lanes, d) for d in ("tx", "rx")},
            "crosstalk_dB": {"worst": worst_crosstalk_of(lanes)},
            "lanes": self.lanes.as_posix(),
            "oasis": self.gds.with_suffix(".oas").as_posix(),
            "lane_map": None if self.lane_map is None else map_facts(self.lane_map),
            "operation": None if self.operation is None else summary(self.operation),
            "seconds": {stage: round(s, 3) for stage, s in self.seconds.items()},
        }


def map_facts(lane_map: LaneMap) -> dict[str, Any]:
    """The lane map in a few numbers: how many of each, the longest trace and fibre, and whether it is a bijection."""
    traces = [lane.trace_mm for lane in lane_map.lanes if lane.serdes]
    lengths = [fibre.length_mm for fibre in lane_map.fibres if fibre.connector]
    lasers = [connector for connector in lane_map.connectors if connector.level == 0]
    return {
        "lanes": len(lane_map.lanes),
        "fibres": len(lengths),
        "connectors": len(lane_map.connectors) - len(lasers),
        "laser_modules": len(lasers),
        "spares": len(lane_map.spares),
        "longest_trace_mm": round(max(traces), 3) if traces else None,
        "longest_fibre_mm": round(max(lengths), 3) if lengths else None,
        "bijection": lane_map.closed,
    }


def spread_of(lanes: tuple[Lane, ...], direction: str) -> dict[str, float | None]:
    """Smallest, median and largest insertion loss of one direction, dB; None where there is no lane, or no light."""
    losses = [lane.insertion_loss_dB for lane in lanes if lane.direction == direction]
    if not losses:
        return {"min": None, "median": None, "max": None}
    return {
        "min": _level(min(losses)),
        "median": _level(statistics.median(losses)),
        "max": _level(max(losses)),
    }


def worst_crosstalk_of(lanes: tuple[Lane, ...]) -> float | None:
    """Highest crosstalk of all lanes, dB; None where no lane has a neighbour on its fibre."""
    return _level(max((lane.crosstalk_dB for lane in lanes if lane.aggressors), default=math.nan))


def _level(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None


def simulation_json(result: SimulationResult, gds: str | Path) -> dict[str, Any]:
    """The `--json` document of `cpo simulate`."""
    lanes = result.lanes
    directions = [d for d in ("tx", "rx") if any(lane.direction == d for lane in lanes)]
    from cpo_pdk.report.tables import lane_json

    return {
        "gds": Path(gds).as_posix(),
        "lanes_per_direction": {d: sum(lane.direction == d for lane in lanes) for d in directions},
        "insertion_loss_dB": {d: spread_of(lanes, d) for d in directions},
        "crosstalk_dB": {"worst": worst_crosstalk_of(lanes)} if lanes else {},
        "counts": result.counts,
        "modulator": result.modulator,
        "warnings": list(result.warnings),
        "lanes": [lane_json(lane) for lane in lanes],
    }

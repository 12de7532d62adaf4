"""The traces of a package against the reach class of their interface, with the numbers of its spec.

Lengths come from the layout; what a millimetre loses and what the class allows come from the spec.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cpo_pdk.lanes.rows import LaneMap, LaneRow
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.reach import longest_mm, nyquist_GHz, trace_loss_dB


@dataclass(frozen=True)
class EngineTraces:
    """The traces of one engine.

    Attributes:
        engine: its name.
        count: number of traces, both directions.
        shortest_mm, mean_mm, longest_mm: lengths along x and y.
        loss_dB: of the longest, at the Nyquist frequency.
        worst: the lane with the longest trace.
    """

    engine: str
    count: int
    shortest_mm: float
    mean_mm: float
    longest_mm: float
    loss_dB: float
    worst: LaneRow


@dataclass(frozen=True)
class TraceReport:
    """All traces of a package.

    Attributes:
        reach: class of the interface.
        nyquist_GHz: half the symbol rate of a serial lane.
        loss_dB_mm: what a millimetre loses there.
        allowed_mm: longest trace that the class allows.
        engines: in the order of the lane map; those without any trace are left out.
        over: lanes whose trace is longer, the longest first.
    """

    reach: str
    nyquist_GHz: float
    loss_dB_mm: float
    allowed_mm: float
    engines: tuple[EngineTraces, ...]
    over: tuple[LaneRow, ...]

    @property
    def worst(self) -> EngineTraces | None:
        """The engine with the longest trace."""
        return max(self.engines, key=lambda entry: entry.longest_mm, default=None)


def trace_report(lane_map: LaneMap, spec: PackageSpec) -> TraceReport:
    """Compare the drawn traces with what their interface allows.

    Args:
        lane_map: of the package.
        spec: what it was asked to be.
    """
    allowed = longest_mm(spec)
    joined = [row for row in lane_map.lanes if row.serdes]
    over = sorted((row for row in joined if row.trace_mm > allowed), key=lambda row: -row.trace_mm)
    return TraceReport(
        reach=spec.electrical.reach,
        nyquist_GHz=nyquist_GHz(spec),
        loss_dB_mm=spec.electrical.loss_dB_mm,
        allowed_mm=allowed,
        engines=tuple(_by_engine(lane_map.engines, joined, spec)),
        over=tuple(over),
    )


def _by_engine(engines: tuple[str, ...], joined: list[LaneRow], spec: PackageSpec) -> Iterator[EngineTraces]:
    for engine in engines:
        rows = [row for row in joined if row.engine == engine]
        if rows:
            worst = max(rows, key=lambda row: row.trace_mm)
            yield EngineTraces(
                engine=engine,
                count=len(rows),
                shortest_mm=min(row.trace_mm for row in rows),
                mean_mm=sum(row.trace_mm for row in rows) / len(rows),
                longest_mm=worst.trace_mm,
                loss_dB=trace_loss_dB(spec, worst.trace_mm * 1e3),
                worst=worst,
            )


def trace_json(report: TraceReport) -> dict[str, Any]:
    """The traces as one JSON object; lengths in mm."""
    return {
        "reach": report.reach,
        "nyquist_GHz": round(report.nyquist_GHz, 6),
        "loss_dB_mm": report.loss_dB_mm,
        "allowed_mm": round(report.allowed_mm, 4),
        "engines": [
            {
                "engine": entry.engine,
                "traces": entry.count,
                "shortest_mm": round(entry.shortest_mm, 4),
                "mean_mm": round(entry.mean_mm, 4),
                "longest_mm": round(entry.longest_mm, 4),
                "loss_dB": round(entry.loss_dB, 4),
                "worst": entry.worst.name,
            }
            for entry in report.engines
        ],
        "over": [{"lane": row.name, "serdes": row.serdes, "trace_mm": round(row.trace_mm, 4)} for row in report.over],
    }

"""Lanes as rows: the CSV and JSON tables, the worst of them, and their spread."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cpo_pdk.circuit.results import Lane

COLUMNS = ("engine", "direction", "port", "channel", "wl_um", "fibre", "insertion_loss_dB", "crosstalk_dB")


def lane_row(lane: Lane) -> tuple[str, ...]:
    """One lane as texts in the order of `COLUMNS`; wavelength to 1 pm, levels to 0.1 mdB."""
    return (
        lane.engine,
        lane.direction,
        str(lane.port),
        str(lane.channel),
        f"{lane.wl_um:.6f}",
        lane.fibre,
        f"{lane.insertion_loss_dB:.4f}",
        f"{lane.crosstalk_dB:.4f}",
    )


def shown_row(lane: Lane) -> tuple[str, ...]:
    """As `lane_row`, for people: a lane that nothing disturbs has no crosstalk in place of a floor in dB."""
    row = lane_row(lane)
    return row if lane.aggressors else (*row[:-1], "none")


def lane_csv(lanes: Iterable[Lane]) -> str:
    """The lane table: one header line, one line a lane."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lane_row(lane) for lane in lanes)
    return text.getvalue()


def lane_json(lane: Lane) -> dict[str, Any]:
    """One lane with everything that is known of it; a level of minus infinity (nothing arrives) is None."""
    return {
        "engine": lane.engine,
        "direction": lane.direction,
        "port": lane.port,
        "channel": lane.channel,
        "wl_um": round(lane.wl_um, 9),
        "fibre": lane.fibre,
        "laser": lane.laser,
        "insertion_loss_dB": _level(lane.insertion_loss_dB),
        "crosstalk_dB": _level(lane.crosstalk_dB),
        "polarization": lane.polarization,
        "tuning_nm": round(lane.tuning_nm, 6),
        "heater_mW": round(lane.heater_mW, 6),
        "extinction_dB": None if lane.extinction_dB is None else _level(lane.extinction_dB),
        "items": [
            {
                "instance": item.instance,
                "cell": item.cell,
                "model": item.model,
                "x": round(item.x, 3),
                "y": round(item.y, 3),
                "path": item.path,
                "loss_dB": _level(item.loss_dB),
            }
            for item in lane.items
        ],
        "aggressors": [{"name": a.name, "level_dB": _level(a.level_dB)} for a in lane.aggressors],
    }


def lanes_json(lanes: Iterable[Lane]) -> str:
    """Every lane with its items as one JSON document, one line a lane."""
    lines = ",\n".join(json.dumps(lane_json(lane), allow_nan=False, ensure_ascii=False) for lane in lanes)
    return f'{{"lanes": [\n{lines}\n]}}\n'


def worst_lanes(lanes: Iterable[Lane], count: int) -> list[Lane]:
    """The `count` lanes of largest insertion loss, worst first."""
    return sorted(
        lanes, key=lambda lane: (-lane.insertion_loss_dB, lane.engine, lane.direction, lane.port, lane.channel)
    )[:count]


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of a quantity."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Spread of at least one value."""
        return cls(min(values), statistics.median(values), max(values))


def loss_spread(lanes: Iterable[Lane], direction: str) -> Spread | None:
    """Spread of the insertion loss in one direction, dB; None without such lanes."""
    losses = [lane.insertion_loss_dB for lane in lanes if lane.direction == direction]
    return Spread.of(losses) if losses else None


def _level(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None

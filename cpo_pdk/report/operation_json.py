"""The package at work as the JSON that the page's scripts read, small enough for thousands of lanes.

Texts stand once and are named by their number. A waterfall is a shape, which lanes of equal engines share (what its
steps are, and what they cost in one of these lanes), and a list of what differs from it. dB and dBm are whole
thousandths, lengths whole um. In names of instances, `MARK` stands for the engine.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cpo_pdk.link.results import LinkLane, Step
from cpo_pdk.operation.results import Operation, RingState, State
from cpo_pdk.report.scales import NONE, margin_scale, power_scale, spread_scale, temperature_scale
from cpo_pdk.thermal.results import TemperatureMap

#: stands for the engine in the name of an instance
MARK = "\x01"
KINDS = ("source", "loss", "modulation", "penalty")
#: attributes of a lane that are shown, in this order, each times 1000
NUMBERS = (
    *("margin_dB", "margin_peak_dB", "laser_dBm", "launch_dBm", "extinction_dB", "oma_tx_dBm", "oma_rx_dBm"),
    *("received_dBm", "tdecq_dB", "eye_opening", "q", "needed_oma_dBm", "needed_laser_dBm"),
)
#: cells of a map; a finer one is averaged
CELLS = 250_000


def operation_json(operation: Operation) -> dict[str, Any]:
    """The whole document; it holds no number that is not finite."""
    book = _Book()
    states = operation.states
    first = states[0].budget.lanes if states else ()
    lanes = [_lane(book, lane) for lane in first]
    order = {lane.name: index for index, lane in enumerate(first)}
    celsius = {name: [] for name in ("package", "engine")}
    for state in states:
        for plane in state.temperatures.maps:
            celsius["package" if plane.name == "package" else "engine"] += [np.nanmin(plane.T_C), np.nanmax(plane.T_C)]
    margins = [lane.margin_dB for state in states for lane in state.budget.lanes]
    rings = {ring.instance: index for index, ring in enumerate(states[0].rings if states else ())}
    return {
        "states": [_state(book, state, order, rings) for state in states],
        "lanes": lanes,
        "numbers": list(NUMBERS),
        "kinds": list(KINDS),
        "shapes": book.shapes,
        "ways": book.ways,
        "rings": [_ring(book, ring) for ring in (states[0].rings if states else ())],
        "scales": {
            "margin": margin_scale(margins).as_json(),
            "spread": spread_scale(margins).as_json(),
            "package": temperature_scale(celsius["package"]).as_json(),
            "none": NONE,
            "heater": power_scale(ring.heater_mW for s in states for ring in s.rings).as_json(),
        },
        "texts": list(book.texts),
    }


class _Book:
    """Texts, shapes and ways, each by its number."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.shapes: list[dict[str, Any]] = []
        self.ways: list[list[Any]] = []
        self._shapes: dict[tuple[Any, ...], int] = {}
        self._ways: dict[tuple[str, int], int] = {}
        self._marked: dict[tuple[str, str], int] = {}

    def text(self, text: str) -> int:
        """Number of a text."""
        return self.texts.setdefault(text, len(self.texts))

    def way(self, lane: LinkLane) -> tuple[int, list[int | None]]:
        """Number of a lane's way through shape and layout, and what its levels differ from the shape's.

        The second is pairs: number of the step and its change of level.
        """
        levels = [_milli(step.level_dBm) for step in lane.steps]
        changes = [_difference(level, before) for before, level in zip([0, *levels], levels, strict=False)]
        key = tuple(self._step(step, lane) for step in lane.steps)
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = len(self.shapes)
            self.shapes.append({"steps": [list(entry) for entry in key], "base": changes})
        base = self.shapes[shape]["base"]
        other = [value for k, change in enumerate(changes) if change != base[k] for value in (k, change)]
        number = self._ways.get((lane.name, shape))
        if number is None:
            number = self._ways[lane.name, shape] = len(self.ways)
            self.ways.append([shape, _places(lane.steps)])
        return number, other

    def _step(self, step: Step, lane: LinkLane) -> tuple[int, ...]:
        known = (step.instance, lane.far_engine if step.far else lane.engine)
        if known not in self._marked:
            self._marked[known] = self.text(marked(*known))
        return (
            self.text(step.name),
            KINDS.index(step.kind),
            self._marked[known],
            self.text(step.source),
            int(step.far),
            int(step.x is not None and step.y is not None),
        )


def marked(instance: str, engine: str) -> str:
    """The name of an instance with `MARK` for its engine's `mark_word`, where that stands as a word."""
    return re.sub(rf"(?<![A-Za-z0-9]){re.escape(mark_word(engine))}(?![A-Za-z0-9])", MARK, instance)


def mark_word(engine: str) -> str:
    """The short name of an engine; the whole one where that is a number, which may count anything."""
    short = short_name(engine)
    return engine if re.fullmatch("[0-9]+", short) else short


def short_name(engine: str) -> str:
    """`N1` of `engine_N1`."""
    return engine.rpartition("_")[2] or engine


def raster(plane: TemperatureMap) -> dict[str, Any]:
    """A map: edges in um, coldest and hottest cell in C, and in Base64 the cells between them as 0 to 65534.

    Two bytes each, low first, row by row from the bottom; 65535 is no temperature.
    """
    x, y, celsius = plane.x, plane.y, plane.T_C
    while celsius.size > CELLS:
        x, y, celsius = _halved(x), _halved(y), _averaged(celsius)
    there = np.isfinite(celsius)
    low, high = (float(celsius[there].min()), float(celsius[there].max())) if there.any() else (0.0, 0.0)
    steps = (np.where(there, celsius, low) - low) / ((high - low) or 1.0) * 65534
    cells = np.where(there, np.rint(steps), 65535).astype("<u2")
    return {
        "x": [round(float(v)) for v in x],
        "y": [round(float(v)) for v in y],
        "low": round(low, 4),
        "high": round(high, 4),
        "cells": base64.b64encode(cells.tobytes()).decode(),
    }


def _halved(edges: np.ndarray) -> np.ndarray:
    """Every second edge, and the last."""
    kept = edges[::2]
    return kept if (len(edges) - 1) % 2 == 0 else np.append(kept, edges[-1])


def _averaged(cells: np.ndarray) -> np.ndarray:
    """Means of two by two cells; a cell without a temperature does not count."""
    rows, columns = cells.shape
    padded = np.full((rows + rows % 2, columns + columns % 2), np.nan)
    padded[:rows, :columns] = cells
    fours = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2)
    number = np.isfinite(fours).sum(axis=(1, 3))
    return np.where(number, np.nansum(fours, axis=(1, 3)) / np.maximum(number, 1), np.nan)


def _lane(book: _Book, lane: LinkLane) -> list[Any]:
    place = _modulator(lane)
    return [
        book.text(lane.engine),
        lane.port,
        lane.channel,
        book.text(lane.far_engine),
        lane.far_port,
        round(lane.wl_um * 1e6),
        book.text(lane.laser),
        *((_um(place.x), _um(place.y)) if place else (None, None)),
        [
            book.text(step.instance)
            for step in lane.steps
            if not step.far and step.instance and "/" not in step.instance
        ],
    ]


def _modulator(lane: LinkLane) -> Step | None:
    """The step at the modulator, where light becomes data; else the one in the engine that costs most."""
    near = [step for step in lane.steps if not step.far and step.x is not None]
    named = [step for step in near if step.kind == "modulation"] or [s for s in near if "/" in s.instance] or near
    return min(named, key=lambda step: step.change_dB, default=None)


def _state(book: _Book, state: State, order: dict[str, int], rings: dict[str, int]) -> dict[str, Any]:
    budget = state.budget
    noise = sorted({key for lane in budget.lanes for key in lane.noise_uA})
    penalties = sorted({key for lane in budget.lanes for key in lane.penalties_dB})
    lanes: list[list[Any] | None] = [None] * len(order)
    for lane in budget.lanes:
        if lane.name not in order:
            continue
        way, other = book.way(lane)
        lanes[order[lane.name]] = [
            [_milli(getattr(lane, name)) for name in NUMBERS],
            _milli(math.log10(lane.ber)) if lane.ber > 0 else None,
            [_milli(lane.noise_uA.get(key)) for key in noise],
            [_milli(lane.penalties_dB.get(key)) for key in penalties],
            way,
            other,
            _milli(state.energy.lanes_pJ_bit.get((lane.engine, lane.port, lane.channel))),
        ]
    held: list[list[Any] | None] = [None] * len(rings)
    for ring in state.rings:
        if ring.instance in rings:
            held[rings[ring.instance]] = _held(ring)
    return {
        "name": state.name,
        "lanes": lanes,
        "noise": noise,
        "penalties": penalties,
        "rings": held,
        "maps": {plane.name: raster(plane) for plane in state.temperatures.maps},
        "threshold": budget.threshold_ber,
    }


def _ring(book: _Book, ring: RingState) -> list[Any]:
    return [
        book.text(ring.engine),
        book.text(marked(ring.instance, ring.engine)),
        book.text(f"{ring.direction}_{ring.port}{ring.mode}"),
        _um(ring.x),
        _um(ring.y),
        ring.drawn_channel,
    ]


def _held(ring: RingState) -> list[Any]:
    """Channel, C, shift in nm, heater in mW, what it may rise and fall by, each times 1000; whether it is locked."""
    numbers = (ring.temperature_C, ring.shift_nm, ring.heater_mW, ring.free_up_mW, ring.free_down_mW)
    return [ring.channel, *(_milli(value) for value in numbers), int(ring.locked)]


def _places(steps: Iterable[Step]) -> list[int]:
    """Places of the drawn steps, um: the first, then from one to the next."""
    found: list[int] = []
    at = (0, 0)
    for step in steps:
        if step.x is None or step.y is None:
            continue
        x, y = _um(step.x), _um(step.y)
        found += (x - at[0], y - at[1])
        at = (x, y)
    return found


def _um(value: float | None) -> int:
    return round(value) if value is not None and math.isfinite(value) else 0


def _milli(value: float | None) -> int | None:
    return round(value * 1000) if value is not None and math.isfinite(value) else None


def _difference(level: int | None, before: int | None) -> int | None:
    return None if level is None or before is None else level - before


def engine_names(lanes: Sequence[LinkLane]) -> list[str]:
    """Engines in the order of the lanes."""
    return list(dict.fromkeys(lane.engine for lane in lanes))

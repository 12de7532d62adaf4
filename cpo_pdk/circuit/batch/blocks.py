"""Many samples a few at a time: what is computed on the way then stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cpo_pdk.circuit.batch.deviations import Real

#: numbers that an array has in one pass: only speed depends on it
POINTS = 12288

#: deviations, their shape L, wavelengths and what else goes along with them -> arrays of shape (*L, any)
Part = Callable[[Mapping[str, Real], tuple[int, ...], Real, Mapping[str, Real]], Mapping[Any, Any]]


def in_blocks(
    part: Part, given: Mapping[str, Real], lead: tuple[int, ...], wl: Real, along: Mapping[str, Real]
) -> dict[Any, Any]:
    """What `part` gives for all samples.

    Args:
        part: called with some samples at a time.
        given: axis -> deviations, shape L each.
        lead: shape L.
        wl: um, shape (C,) or (*L, C).
        along: numbers, or arrays of shape (*L, 1) or (*L, C).

    Returns:
        Name -> array, shape (*L, C) or what `part` gives in its place; names that `part` gave one array share one.
    """
    rows, width = int(np.prod(lead, dtype=np.int64)), wl.shape[-1]
    if rows * width <= POINTS or not lead:
        got = part(given, lead, wl, along)
        return {name: np.broadcast_to(v, (*lead, np.shape(v)[-1] if np.ndim(v) else width)) for name, v in got.items()}
    flat = {axis: value.reshape(rows) for axis, value in given.items()}
    lines = wl if wl.ndim == 1 else np.broadcast_to(wl, (*lead, width)).reshape(rows, width)
    others = {
        name: v if v.ndim <= 1 else np.broadcast_to(v, (*lead, v.shape[-1])).reshape(rows, v.shape[-1])
        for name, v in along.items()
    }
    step = max(1, POINTS // width)
    found: dict[Any, Any] = {}
    for start in range(0, rows, step):
        stop = min(rows, start + step)
        here = slice(start, stop)
        got = part(
            {axis: value[here] for axis, value in flat.items()},
            (stop - start,),
            lines if lines.ndim == 1 else lines[here],
            {name: v if v.ndim <= 1 else v[here] for name, v in others.items()},
        )
        if not start:
            found = _places(got, rows, width)
        done: set[int] = set()
        for name, value in got.items():
            if id(found[name]) not in done:
                done.add(id(found[name]))
                found[name][here] = value
    return {name: value.reshape(*lead, value.shape[-1]) for name, value in found.items()}


def _places(got: Mapping[Any, Any], rows: int, width: int) -> dict[Any, Any]:
    """Arrays for all rows; one for names whose values are the same memory."""
    by_memory: dict[tuple[int, ...], Any] = {}
    found: dict[Any, Any] = {}
    for name, value in got.items():
        array = np.asarray(value)
        key = (array.__array_interface__["data"][0], *array.strides, *array.shape)
        if key not in by_memory:
            by_memory[key] = np.empty((rows, array.shape[-1] if array.ndim else width), array.dtype)
        found[name] = by_memory[key]
    return found

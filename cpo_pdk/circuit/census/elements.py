"""Places where light goes astray: weak elements of devices, and parallel runs, each as one small S-matrix element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.census.neighbours import PlacedRun
from cpo_pdk.circuit.census.results import Kind
from cpo_pdk.circuit.census.waves import Waves
from cpo_pdk.circuit.flattening import FlatCircuit

Complex = NDArray[np.complex128]

#: an element is where light goes astray when it is this much below the strongest of the same port, dB
WEAK_DB = 12.0


@dataclass(frozen=True)
class Element:
    """Light that enters `into` leaves at `out`, with `strength` at every channel.

    Attributes:
        into, out: numbers of the waves, see `Waves`.
        kind, instance, x, y, what: see `Entry`.
        solved: True when it is part of the solved circuit.
    """

    kind: Kind
    into: int
    out: int
    strength: Complex
    instance: str
    x: float
    y: float
    what: str
    solved: bool = True


def weak_elements(waves: Waves, circuit: FlatCircuit, bound: Mapping[str, Bound]) -> list[Element]:
    """Reflections and weak paths of every device that is no ring."""
    entering = {number: ref for ref, number in waves.entering.items()}
    leaving = {number: ref for ref, number in waves.leaving.items()}
    size = np.abs(waves.strengths).max(axis=1) if len(waves.strengths) else np.empty(0)
    strongest = np.zeros(len(entering))
    np.maximum.at(strongest, waves.columns, size)
    found: list[Element] = []
    for index, (row, column) in enumerate(zip(waves.rows, waves.columns, strict=True)):
        path, port_in = entering[int(column)]
        port_out = leaving[int(row)][1]
        model = bound[circuit.leaves[path].cell].model
        if model is None or model.resonances is not None:
            continue
        back = port_in.partition("@")[0] == port_out.partition("@")[0]
        weak = size[index] < 10 ** (-WEAK_DB / 20) * strongest[column]
        if not (back or weak):
            continue
        leaf = circuit.leaves[path]
        kind: Kind = "reflection" if back else "crossing" if model.name == "crossing" else "stray"
        level = 20 * np.log10(size[index])
        what = f"{leaf.function} {port_in} > {port_out}, {level:.1f} dB"
        found.append(Element(kind, int(column), int(row), waves.element(index), path, leaf.x, leaf.y, what))
    return found


def run_elements(waves: Waves, runs: Sequence[PlacedRun]) -> tuple[list[Element], list[str]]:
    """Both guides of a run as aggressors, in both directions; and a line for each kind of run that can't be weighed."""
    found: list[Element] = []
    silent: dict[str, int] = {}
    for placed in runs:
        run = placed.run
        x, y = placed.place
        weighed = False
        for (path_a, a), (path_b, b) in (
            ((placed.a, run.a), (placed.b, run.b)),
            ((placed.b, run.b), (placed.a, run.a)),
        ):
            for into, out, before, after in (
                (a.backward, b.forward, a.fraction, 1 - b.fraction),
                (a.forward, b.backward, 1 - a.fraction, b.fraction),
            ):
                start, end = waves.entering.get((path_a, into)), waves.leaving.get((path_b, out))
                if start is None or end is None:
                    continue
                weighed = True
                loss = _through(waves, path_a, a.backward, a.forward) ** before
                loss = loss * _through(waves, path_b, b.backward, b.forward) ** after
                strength = 1j * np.sin(np.abs(run.kappa)) * np.exp(1j * np.angle(run.kappa)) * loss
                what = f"{path_a} beside {path_b}: gap {run.gap:.3f} um, as {run.length:.2f} um at that gap"
                found.append(Element("parallel", start, end, strength, f"{path_a} | {path_b}", x, y, what, False))
        if not weighed:
            key = "a ring" if not (run.a.forward and run.b.forward) else "a device without a model"
            silent[key] = silent.get(key, 0) + 1
    lines = [
        f"{n} parallel runs with {what} are listed, but not weighed: no port leads there" for what, n in silent.items()
    ]
    return found, lines


def _through(waves: Waves, path: str, port_in: str, port_out: str) -> NDArray[np.float64]:
    """Amplitude that passes a device, 1 where it has no such path."""
    column, row = waves.entering.get((path, port_in), -1), waves.leaving.get((path, port_out), -1)
    index = np.flatnonzero((waves.columns == column) & (waves.rows == row))
    return np.abs(waves.element(int(index[0]))) if index.size else np.ones(waves.count)

"""Places where light goes astray: weak elements of devices, and parallel runs, each as one small S-matrix element."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.census.facing import End, LocalRun
from cpo_pdk.circuit.census.neighbours import PlacedRun
from cpo_pdk.circuit.census.results import Kind
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.waves import Waves

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]

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


@dataclass(frozen=True)
class _Guide:
    """One guide of a run as the circuit sees it, for light that moves in one direction along the run.

    Attributes:
        into, out: ports that such light comes from, and leaves by, each with its amplitude at every channel.
    """

    into: tuple[tuple[str, Real], ...]
    out: tuple[tuple[str, Real], ...]


def run_elements(
    waves: Waves, runs: Sequence[PlacedRun], own_runs: Callable[[str], Sequence[LocalRun]]
) -> tuple[list[Element], list[str]]:
    """Both guides of a run as aggressors, in both directions; and a line when runs can't be weighed.

    Args:
        waves: the solved circuit.
        runs: in the circuit's cell, `kappa` at its channels.
        own_runs: path of a device -> runs between its own guides, `kappa` at the channels; for rings, which no port
            lies on.
    """
    found: list[Element] = []
    silent = 0
    for placed in runs:
        run = placed.run
        x, y = placed.place
        before = len(found)
        for forward in (True, False):
            a = _guide(waves, placed.a, run.a, forward, own_runs, forward)
            b = _guide(waves, placed.b, run.b, forward, own_runs, not forward)
            for path_a, aggressor, path_b, victim in ((placed.a, a, placed.b, b), (placed.b, b, placed.a, a)):
                for (into, sent), (out, kept) in itertools.product(aggressor.into, victim.out):
                    start, end = waves.entering.get((path_a, into)), waves.leaving.get((path_b, out))
                    if start is None or end is None:
                        continue
                    strength = 1j * np.sin(np.abs(run.kappa)) * np.exp(1j * np.angle(run.kappa)) * sent * kept
                    what = f"{path_a} beside {path_b}: gap {run.gap:.3f} um, as {run.length:.2f} um at that gap"
                    if not (run.a.forward and run.b.forward):
                        what += "; the ring is taken as lossless and resonant"
                    found.append(Element("parallel", start, end, strength, f"{path_a} | {path_b}", x, y, what, False))
        silent += len(found) == before
    lines = [f"{silent} parallel runs are listed, but not weighed: no port of a model leads there"] if silent else []
    return found, lines


def _guide(
    waves: Waves,
    path: str,
    end: End,
    forward: bool,
    own_runs: Callable[[str], Sequence[LocalRun]],
    with_outline: bool,
) -> _Guide:
    """How the light of one guide of a run comes from, and goes to, the ports of its device.

    `with_outline`: it moves in the sense of the outline of the guide, which is how the sense of a ring is told.
    """
    if end.forward or end.backward:
        tail, head = (end.backward, end.forward) if forward else (end.forward, end.backward)
        behind = end.fraction if forward else 1 - end.fraction
        passed = _through(waves, path, tail, head)
        return _Guide(((tail, passed**behind),), ((head, passed ** (1 - behind)),))
    couplers = [own for own in own_runs(path) if bool(own.a.forward) != bool(own.b.forward)]
    angles = [np.minimum(np.abs(own.kappa), np.pi / 2) for own in couplers]
    round_trip = np.prod([np.cos(angle) for angle in angles], axis=0) if angles else np.zeros(waves.count)
    into: list[tuple[str, Real]] = []
    out: list[tuple[str, Real]] = []
    for own, angle in zip(couplers, angles, strict=True):
        # along such a run the first guide moves with its outline, the second one against it
        ring_first = not own.a.forward
        bus = own.b if ring_first else own.a
        along = ring_first == with_outline
        most = np.sin(angle) / np.maximum(1 - round_trip, 1e-12)
        into.append((bus.backward if along else bus.forward, most))
        out.append((bus.forward if along else bus.backward, most))
    return _Guide(tuple(into), tuple(out))


def _through(waves: Waves, path: str, port_in: str, port_out: str) -> NDArray[np.float64]:
    """Amplitude that passes a device, 1 where it has no such path."""
    column, row = waves.entering.get((path, port_in), -1), waves.leaving.get((path, port_out), -1)
    index = np.flatnonzero((waves.columns == column) & (waves.rows == row))
    return np.abs(waves.element(int(index[0]))) if index.size else np.ones(waves.count)

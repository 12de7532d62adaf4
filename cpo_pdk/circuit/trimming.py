"""Heaters within interferometers: what they take to keep the fringes where they are as drawn.

A heated guide lies in one of two arms between the same two couplers. The phase of either arm is that of its devices,
one after the other, as their models have it, so that nothing is assumed of how the arms are drawn. Warmth turns the two
by different angles; the heater, which can only add phase to its own arm, makes up for the difference, where need be by
going on to the next fringe.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound, accepted
from cpo_pdk.circuit.driving import HEATER
from cpo_pdk.circuit.evaluation import Evaluator
from cpo_pdk.circuit.flattening import FlatCircuit
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.warming import warmed

#: steps of wavelength, temperature and power that slopes are taken over: um, K, mW
STEP_UM, STEP_K, STEP_MW = 1e-4, 1.0, 1.0
#: fringes further apart than this many nm: the arms are equal
FARTHEST_NM = 1e4

Real = NDArray[np.float64]
#: cell (or path), port in, port out
Step = tuple[str, str, str]


@dataclass(frozen=True)
class Trimmer:
    """A heater in one arm of an interferometer.

    Attributes:
        path: of the heated guide.
        arm, other: devices along its own arm and the other one.
        wl_um: where phases are taken.
        mW_per_pi: power of half a turn.
        mW: power as drawn.
        mW_per_K: what warmth changes of the power that keeps the fringes, before whole turns are added or taken away.
        nm_per_K: drift of the fringes with temperature.
        fsr_nm: their distance; infinite for equal arms.
    """

    path: str
    arm: tuple[Step, ...]
    other: tuple[Step, ...]
    wl_um: float
    mW_per_pi: float
    mW: float = 0.0
    mW_per_K: float = 0.0
    nm_per_K: float = 0.0
    fsr_nm: float = float("inf")

    @property
    def period_mW(self) -> float:
        """Powers this far apart do the same."""
        return 2 * self.mW_per_pi

    def power_mW(self, warm: Mapping[str, Bound], drawn: Mapping[str, Bound]) -> float:
        """Least power that puts the fringes of a warm interferometer where they are as drawn."""
        wl = np.array([self.wl_um])
        drift = difference(self.arm, self.other, warm, wl) - difference(self.arm, self.other, drawn, wl)
        return float((self.mW - drift[0] / np.pi * self.mW_per_pi) % self.period_mW)


def difference(arm: tuple[Step, ...], other: tuple[Step, ...], bound: Mapping[str, Bound], wl: Real) -> Real:
    """Phase of an arm less that of the other, rad, within half a turn of 0; heaters at rest."""
    evaluator = Evaluator(wl)
    ratio = _along(arm, bound, evaluator) * np.conj(_along(other, bound, evaluator))
    return np.angle(ratio)


def _along(arm: tuple[Step, ...], bound: Mapping[str, Bound], evaluator: Evaluator) -> NDArray[np.complex128]:
    whole = np.ones(evaluator.wl.shape, np.complex128)
    for cell, port_in, port_out in arm:
        entry = bound[cell]
        assert entry.model is not None, "light passes devices with a model only"
        whole = whole * evaluator.matrix(cell, entry.model, entry.params)[port_in, port_out]
    return whole


def trimmers_of(
    circuit: FlatCircuit, bound: Mapping[str, Bound], channels_um: Real, others: Collection[str]
) -> dict[str, Trimmer]:
    """Heated guides in an arm of an interferometer, by path.

    Args:
        circuit: the flat engine.
        bound: see `bind`.
        channels_um: um, shape (C,).
        others: devices whose heaters have another purpose, rings and modulators.
    """
    warm = [path for path, leaf in circuit.leaves.items() if path not in others and _heated(bound.get(leaf.cell))]
    if not warm:
        return {}
    partner: dict[PortRef, PortRef] = {}
    for link in circuit.connections:
        partner[link.a], partner[link.b] = link.b, link.a
    wl = float(np.mean(channels_um))
    known: dict[tuple[object, ...], Trimmer] = {}
    found: dict[str, Trimmer] = {}
    for path in warm:
        arms = _arms(path, circuit, bound, partner)
        if arms is None:
            continue
        if arms not in known:
            known[arms] = _trimmer(path, *arms, bound, wl)
        made = known[arms]
        found[path] = Trimmer(path, *(getattr(made, name) for name in list(Trimmer.__dataclass_fields__)[1:]))
    return found


def _heated(entry: Bound | None) -> bool:
    return bool(
        entry
        and entry.model
        and len(entry.model.ports) == 2
        and not entry.model.resonances
        and HEATER in accepted(entry.model.function)
    )


def _arms(
    path: str, circuit: FlatCircuit, bound: Mapping[str, Bound], partner: Mapping[PortRef, PortRef]
) -> tuple[tuple[Step, ...], tuple[Step, ...]] | None:
    """Both arms between the couplers at either end of a heated guide, by cell; None where it lies in no such place."""
    placed = arms_of(path, circuit, bound, partner)
    if placed is None:
        return None
    arm, other = (tuple((circuit.leaves[at].cell, a, b) for at, a, b in steps) for steps in placed)
    return arm, other


def arms_of(
    path: str, circuit: FlatCircuit, bound: Mapping[str, Bound], partner: Mapping[PortRef, PortRef]
) -> tuple[tuple[Step, ...], tuple[Step, ...]] | None:
    """Both arms between the couplers at either end of a heated guide, by path; None where it lies in no such place.

    Args:
        path: of the guide.
        circuit: the flat engine.
        bound: see `bind`.
        partner: port -> the one that it is connected to.
    """

    def two_ports(at: str) -> tuple[str, ...] | None:
        entry = bound.get(circuit.leaves[at].cell)
        return entry.model.ports if entry and entry.model and len(entry.model.ports) == 2 else None

    def follow(at: str, out: str) -> tuple[list[Step], PortRef | None]:
        """Devices from a port on, and the port of the coupler that they lead to."""
        steps: list[Step] = []
        to = partner.get((at, out))
        while to is not None and (ports := two_ports(to[0])) is not None and to[0] != path:
            leave = ports[1] if to[1] == ports[0] else ports[0]
            steps.append((to[0], to[1], leave))
            to = partner.get((to[0], leave))
        return steps, to

    ports = two_ports(path)
    assert ports is not None, "a heated guide has two ports"
    west, east = ports
    before, start = follow(path, west)
    after, end = follow(path, east)
    if start is None or end is None or start[0] == end[0] or path in (start[0], end[0]):
        return None
    entry = bound.get(circuit.leaves[start[0]].cell)
    for port in entry.model.ports if entry and entry.model else ():
        if port == start[1]:
            continue
        other, to = follow(start[0], port)
        if to is not None and to[0] == end[0]:
            back = [(at, port_out, port_in) for at, port_in, port_out in reversed(before)]
            return (*back, (path, west, east), *after), tuple(other)
    return None


def _trimmer(
    path: str, arm: tuple[Step, ...], other: tuple[Step, ...], bound: Mapping[str, Bound], wl: float
) -> Trimmer:
    """Slopes of an interferometer's phase with power, wavelength and temperature."""
    cell, port_in, port_out = next(step for step in arm if _heated(bound[step[0]]))
    entry = bound[cell]
    assert entry.model is not None, "a heated guide has a model"
    at = np.array([wl])
    evaluator = Evaluator(at)
    pushed, rest = (
        evaluator.matrix(cell, entry.model, {**entry.params, HEATER: mW})[port_in, port_out] for mW in (STEP_MW, 0.0)
    )
    per_mW = float(np.angle(np.atleast_1d(pushed / rest)[0])) / STEP_MW
    here = difference(arm, other, bound, np.array([wl, wl + STEP_UM]))
    hot = difference(arm, other, warmed(bound, STEP_K), at)
    per_nm = _turned(here[1] - here[0]) / (STEP_UM * 1e3)
    per_K = _turned(hot[0] - here[0]) / STEP_K
    equal = abs(per_nm) * FARTHEST_NM < 2 * np.pi
    return Trimmer(
        path,
        arm,
        other,
        wl,
        mW_per_pi=np.pi / per_mW,
        mW_per_K=-per_K / per_mW,
        nm_per_K=0.0 if equal else -per_K / per_nm,
        fsr_nm=float("inf") if equal else 2 * np.pi / abs(per_nm),
    )


def _turned(angle: float) -> float:
    """An angle within half a turn of 0, rad."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)

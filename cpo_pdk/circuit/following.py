"""Which modulator sends, and which detector receives, a channel: by the waves of the solved circuit.

A (de)multiplexer is an interferometer: by single ways its outputs look alike at every wavelength, and only the sum of
all ways tells where a channel goes. So the circuit is solved at the channels. What a modulator has to do with a
transmit port is the product of the wave that enters it and of what a wave that leaves it brings to the port.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.circuit.waves import Waves, Whole

#: a modulator sends a channel when the light that passes it is at least this share (amplitude) of what arrives
OWN_SHARE = 0.5
#: power below which nothing is said to arrive
NOTHING = 1e-12


@dataclass(frozen=True)
class Passage:
    """A device and the ports by which light enters and leaves it."""

    path: str
    port_in: str
    port_out: str


def senders(
    waves: Waves, modulators: Sequence[str], ways: Sequence[tuple[PortRef, PortRef]]
) -> list[dict[int, Passage]]:
    """For every way the modulator that each channel passes.

    Args:
        waves: the circuit at the channels.
        modulators: paths of the modulators that are no rings.
        ways: (port that the laser enters, port that the fibre is at).

    Returns:
        for every way, channel (from 0) -> modulator; without the channels that pass none.
    """
    known = set(modulators)
    entering = [(ref, number) for ref, number in waves.entering.items() if ref[0] in known]
    leaving: dict[str, list[tuple[str, int]]] = {}
    for (path, port), number in waves.leaving.items():
        if path in known:
            leaving.setdefault(path, []).append((port, number))
    passages = [
        (Passage(path, port, out), number, to)
        for (path, port), number in entering
        for out, to in leaving.get(path, ())
        if out != port
    ]
    found: list[dict[int, Passage]] = [{} for _ in ways]
    if not passages:
        return found
    into = np.array([number for _, number, _ in passages], np.int64)
    out = np.array([number for _, _, number in passages], np.int64)
    starts, row_of = _distinct([waves.entering[start] for start, _ in ways])
    ends, column_of = _distinct([waves.leaving[end] for _, end in ways])
    for channel in range(waves.count):
        forward = waves.forward(starts, channel)
        arrived = np.abs(waves.received(forward, ends, channel))
        sent = np.abs(forward[:, into])
        brought = np.abs(waves.backward(ends, channel)[:, out])
        for way, (row, column) in enumerate(zip(row_of, column_of, strict=True)):
            strength = sent[row] * brought[column]
            best = int(np.argmax(strength))
            if strength[best] > OWN_SHARE * arrived[row, column] and strength[best] ** 2 > NOTHING:
                found[way][channel] = passages[best][0]
    return found


def receptions(
    waves: Waves, receivers: Mapping[str, tuple[str, ...]], starts: Sequence[PortRef]
) -> list[dict[int, str]]:
    """For every start the detector that each channel reaches best.

    Args:
        waves: the circuit at the channels.
        receivers: path of a detector -> its detector ports.
        starts: (path, port with mode) that light enters.

    Returns:
        for every start, channel (from 0) -> detector; without the channels that reach none.
    """
    columns = [
        (path, waves.leaving[path, port])
        for path, ports in receivers.items()
        for port in ports
        if (path, port) in waves.leaving
    ]
    found: list[dict[int, str]] = [{} for _ in starts]
    if not columns or not starts:
        return found
    names = list(dict.fromkeys(path for path, _ in columns))
    row = {path: index for index, path in enumerate(names)}
    owner = [row[path] for path, _ in columns]
    ends = np.array([number for _, number in columns], np.int64)
    into = np.array([waves.entering[start] for start in starts], np.int64)
    for channel in range(waves.count):
        received = np.abs(waves.received(waves.forward(into, channel), ends, channel)) ** 2
        power = np.zeros((len(starts), len(names)))
        for column, detector in enumerate(owner):
            power[:, detector] += received[:, column]
        for number, best in enumerate(np.argmax(power, axis=1)):
            if power[number, best] > NOTHING:
                found[number][channel] = names[int(best)]
    return found


def _distinct(numbers: Sequence[int]) -> tuple[Whole, list[int]]:
    """The numbers, each once, and where in them each of the given ones is."""
    found = list(dict.fromkeys(numbers))
    place = {number: index for index, number in enumerate(found)}
    return np.array(found, np.int64), [place[number] for number in numbers]

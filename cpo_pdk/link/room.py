"""What lanes with other rings, extinction and crosstalk need, computed in full: the nodes of `needed_light`.

Room is one over the square of the needed current, over that of the nominal lane: 1 there, 0 where no light would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.link.eye import Eye, eye_of
from cpo_pdk.link.penalties import extinction_penalty_dB
from cpo_pdk.link.receiver import Receiver, Signal, margins_dB
from cpo_pdk.link.responses import Chain, Ring

Real = NDArray[np.float64]

#: a ring's width by its bus, by its losses, and its swing, over the nominal ones: ends of the grid
BUS, LOST, SWING = (0.6, 1.7), (0.7, 1 / 0.7), (0.7, 1.3)
#: nodes over losses and swing
LOST_NODES, SWING_NODES = 5, 5
#: degrees of polynomials: over the widths by bus and by losses; over the swing
DEGREES_LOST, DEGREE_SWING = (3, 2), 2
#: changes of bus and swing that their product is taken at
STEP = 0.15
#: the grid of crosstalk ends where it leaves this share of the room
LEFT = 0.3
#: mean power that margins are computed at, dBm: what is needed does not depend on it
PROBE_DBM = -5.0
#: extinction that stands for mean power over half the amplitude of 1, dB
PERFECT_DB = 60.0


def other_ring(ring: Ring, bus: float = 1.0, lost: float = 1.0, swing: float = 1.0) -> Ring:
    """A ring with other linewidths and another swing.

    Args:
        ring: with a swing.
        bus, lost: linewidth that its bus and its losses give, over that of `ring`.
        swing: of its resonance, about the middle between the levels, over that of `ring`.
    """
    by_bus = ring.linewidth_bus_GHz * bus
    by_loss = (ring.linewidth_GHz - ring.linewidth_bus_GHz) * lost
    middle, half = (ring.one_GHz + ring.zero_GHz) / 2, (ring.one_GHz - ring.zero_GHz) / 2 * swing
    return replace(
        ring,
        linewidth_GHz=by_bus + by_loss,
        linewidth_bus_GHz=by_bus,
        one_GHz=middle + half,
        zero_GHz=middle - half,
    )


def amplitude_dBA(received_dBm: ArrayLike, extinction_dB: ArrayLike, responsivity_A_W: ArrayLike) -> Real:
    """Outer amplitude of the photocurrent, dB of 1 A.

    Args:
        received_dBm: mean power.
        extinction_dB: level one over level zero.
        responsivity_A_W: of the detector.
    """
    depth_dB = 10 * np.log10(2) - extinction_penalty_dB(extinction_dB)
    return np.asarray(received_dBm, np.float64) - 30 + depth_dB + 10 * np.log10(np.asarray(responsivity_A_W))


@dataclass(frozen=True)
class Room:
    """Nodes of one chain.

    Attributes:
        signal: nominal light of a lane with this chain.
        receiver: its receiver.
        chain: its responses.
        threshold_ber: largest bit error ratio before correction.
    """

    signal: Signal
    receiver: Receiver
    chain: Chain
    threshold_ber: float

    def eye(self, **change: float) -> Eye:
        """Eye of the chain with another ring, see `other_ring`."""
        assert isinstance(self.chain.modulator, Ring)
        eye = self.receiver.eye
        other = replace(self.chain, modulator=other_ring(self.chain.modulator, **change))
        return eye_of(other, eye.modulation, eye.baud_GBd, transmitter=False)

    def needed_dBA(self, eye: Eye, extinction_dB: Sequence[float] | Real, crosstalk: Sequence[float] | Real) -> Real:
        """Needed amplitude for pairs of extinction and crosstalk, shape as either; infinite where none would do."""
        signals = [
            replace(
                self.signal,
                received_dBm=PROBE_DBM,
                extinction_dB=float(one),
                crosstalk_dB=(float(5 * np.log10(other)),) if other > 0 else (),
            )
            for one, other in zip(extinction_dB, crosstalk, strict=True)
        ]
        margin = margins_dB(signals, [replace(self.receiver, eye=eye)] * len(signals), self.threshold_ber)
        return amplitude_dBA(PROBE_DBM, extinction_dB, self.receiver.responsivity_A_W) - margin

    def nominal_dBA(self, eye: Eye | None = None) -> float:
        """Needed amplitude at the nominal extinction and crosstalk, with the chain's eye or another one."""
        crosstalk = float(np.sum(10 ** (np.array(self.signal.crosstalk_dB, np.float64) / 5)))
        return float(self.needed_dBA(eye or self.receiver.eye, [self.signal.extinction_dB], [crosstalk])[0])

    def of(self, needed_dBA: ArrayLike) -> Real:
        """Room of a needed amplitude."""
        return 10 ** ((self.nominal_dBA() - np.asarray(needed_dBA, np.float64)) / 5)

    def grid(self, eye: Eye, mean: Real, crosstalk: Real) -> Real:
        """Room over mean power (over half the amplitude) and crosstalk, shape (means, crosstalks)."""
        over = (mean + 1) / np.maximum(mean - 1, 1e-9)
        extinction = np.minimum(10 * np.log10(over), PERFECT_DB)
        one, other = (value.ravel() for value in np.meshgrid(extinction, crosstalk, indexing="ij"))
        return self.of(self.needed_dBA(eye, one, other)).reshape(mean.size, crosstalk.size)

    def most_crosstalk(self) -> float:
        """Crosstalk that leaves the share `LEFT` of the room."""
        eye, extinction = self.receiver.eye, [self.signal.extinction_dB]
        first = float(self.needed_dBA(eye, extinction, [0.0])[0])
        low, high = 1e-8, 1.0
        for _ in range(30):
            middle = float(np.sqrt(low * high))
            left = 10 ** ((first - float(self.needed_dBA(eye, extinction, [middle])[0])) / 5)
            low, high = (middle, high) if left > LEFT else (low, middle)
        return low

    def lost(self, buses: Real, eyes: Sequence[Eye]) -> Real:
        """Room that rings with other losses have more than those with the nominal ones, shape (buses, losses).

        Args:
            buses: nodes of the bus's share.
            eyes: with nominal losses there.
        """
        losses = np.exp(np.linspace(np.log(LOST[0]), np.log(LOST[1]), LOST_NODES))
        middle = LOST_NODES // 2
        found = np.empty((buses.size, losses.size))
        for row, (bus, eye) in enumerate(zip(buses, eyes, strict=True)):
            for column, loss in enumerate(losses):
                other = eye if column == middle else self.eye(bus=float(bus), lost=float(loss))
                found[row, column] = self.of(self.nominal_dBA(other))
        found = smooth(smooth(found, 0, DEGREES_LOST[0]), 1, DEGREES_LOST[1])
        return found - found[:, middle, None]

    def swing(self) -> Real:
        """Room that rings with another swing have more than the nominal one, shape (nodes,)."""
        needed = [self.nominal_dBA(self.eye(swing=float(share))) for share in np.linspace(*SWING, SWING_NODES)]
        found = smooth(self.of(np.array(needed)), 0, DEGREE_SWING)
        return found - found[SWING_NODES // 2]

    def together(self) -> float:
        """Mixed second difference of room over bus and swing."""
        signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
        needed = [self.nominal_dBA(self.eye(bus=1 + a * STEP, swing=1 + b * STEP)) for a, b in signs]
        first, second, third, fourth = self.of(np.array(needed))
        return float(first - second - third + fourth) / (4 * STEP**2)


def continued(room: Real) -> Real:
    """Where no light would do, on from the nodes where some does, below nothing: a spline needs it smooth.

    Over mean power as a parabola; where too few nodes are left for one, straight on over crosstalk or from wider buses.

    Args:
        room: shape (means, crosstalks, buses).
    """
    found = room.copy()
    for n in range(found.shape[2] - 1, -1, -1):
        for k in range(found.shape[1]):
            line = found[:, k, n]
            good = int(np.argmin(np.append(line, 0.0) > 0))  # nodes from the first on that have room
            if good == line.size:
                continue
            if good >= 3:
                for at in range(good, line.size):
                    line[at] = min(3 * line[at - 1] - 3 * line[at - 2] + line[at - 3], line[at - 1], 0.0)
            elif k >= 2:
                line[good:] = np.minimum(2 * found[good:, k - 1, n] - found[good:, k - 2, n], 0.0)
            elif n + 2 < found.shape[2]:
                line[good:] = np.minimum(2 * found[good:, k, n + 1] - found[good:, k, n + 2], 0.0)
    return found


def smooth(values: Real, axis: int, degree: int) -> Real:
    """A polynomial laid through values at even nodes along an axis (least squares), at the nodes."""
    powers = np.vander(np.linspace(-1.0, 1.0, values.shape[axis]), degree + 1)
    kept = powers @ np.linalg.pinv(powers)
    return np.moveaxis(np.tensordot(kept, values, axes=([1], [axis])), 0, axis)

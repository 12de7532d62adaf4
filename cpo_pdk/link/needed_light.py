"""Light that a receiver needs, tabulated over what differs from lane to lane and from package to package.

Method
    Needed is an outer modulation amplitude; what is beyond it is margin. Margins come from `receiver` and `eye` at the
    nodes of a grid over extinction, crosstalk and the width that the bus gives a ring modulator. Tabulated is one over
    the square of the needed current: over crosstalk, a noise that grows with the signal, that is very nearly a straight
    line, which falls to nothing where no light would do. Between nodes: cubic splines.
    What a ring loses inside changes the eye little, and otherwise for narrow rings than for wide ones: a surface over
    both widths, in dB, is added. How far the resonance swings: a curve, and the product of its change with the bus's.

Validity
    Beyond the grid its edge is taken; for crosstalk the straight line goes on. Late light is as it is nominally.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.even_splines import EvenSpline
from cpo_pdk.link.eye import Eye, eye_of
from cpo_pdk.link.penalties import extinction_penalty_dB
from cpo_pdk.link.receiver import Receiver, Signal, margins_dB
from cpo_pdk.link.responses import Chain, Ring

Real = NDArray[np.float64]

#: ends of the grid: extinction, dB
EXTINCTION_DB = (1.0, 21.0)
#: a ring's width by its bus, by its losses, and its swing, over the nominal ones
BUS, LOST, SWING = (0.6, 1.7), (0.7, 1 / 0.7), (0.7, 1.3)
_LOG_BUS = (float(np.log(BUS[0])), float(np.log(BUS[1])))
_LOG_LOST = (float(np.log(LOST[0])), float(np.log(LOST[1])))
#: nodes of the grid: extinction, crosstalk, the logarithm of the bus's share; of losses, with every other one of the
#: bus; of the swing
NODES = (21, 9, 11)
LOST_NODES, SWING_NODES = 5, 5
#: the grid ends where crosstalk has taken all but this share of what is tabulated
LEFT = 0.3
#: mean power that margins are computed at, dBm: what is needed does not depend on it
PROBE_DBM = -5.0


@dataclass(frozen=True)
class NeededLight:
    """What one chain needs, as an amplitude of the photocurrent in dB of 1 A; can be pickled.

    Attributes:
        reference_GHz: linewidth of a ring that `bus` 1 and `lost` 1 stand for; zeros for what is no ring.
        most_crosstalk: end of the grid of crosstalk.
        squares: one over the square of the needed current, 1/A^2, over extinction, crosstalk and the
            logarithm of `bus`.
        lost: what is added, dB, over the logarithms of `bus` and of `lost`; None where the chain has no ring.
        swing: what is added, dB, over `swing`; None likewise.
        swing_together_dB: what is added besides for the product of its change with the bus's.
    """

    reference_GHz: tuple[float, float]
    most_crosstalk: float
    squares: EvenSpline
    lost: EvenSpline | None
    swing: EvenSpline | None
    swing_together_dB: float = 0.0

    def needed_dBA(
        self,
        extinction_dB: ArrayLike,
        crosstalk: ArrayLike,
        bus: ArrayLike = 1.0,
        lost: ArrayLike | None = None,
        swing: ArrayLike | None = None,
    ) -> Real:
        """Amplitude that just does, infinite where none would; arguments broadcast.

        Args:
            extinction_dB: level one over level zero.
            crosstalk: sum of the squares of all aggressors' amplitudes over the wanted one.
            bus, lost: linewidth that the bus and the losses of a ring give, over `reference_GHz`.
            swing: of a ring's resonance over the nominal one.
        """
        ring = len(self.squares.ends) == 3
        given = (extinction_dB, crosstalk, np.log(np.clip(bus, *BUS))) if ring else (extinction_dB, crosstalk)
        at = np.broadcast_arrays(*(np.asarray(value, np.float64) for value in given))
        square = self.squares(*at)
        far = at[1] > self.most_crosstalk
        if far.any():
            end, back = self.most_crosstalk, 0.9 * self.most_crosstalk
            inner = self.squares(at[0][far], back, *(value[far] for value in at[2:]))
            square[far] += (square[far] - inner) / (end - back) * (at[1][far] - end)
        needed = np.where(square > 0, -5.0 * np.log10(np.maximum(square, 1e-300)), np.inf)
        if self.lost is not None and lost is not None:
            needed = needed + self.lost(np.log(np.clip(bus, *BUS)), np.log(np.clip(lost, *LOST)))
        if self.swing is not None and swing is not None:
            change = np.clip(swing, *SWING) - 1
            needed = needed + self.swing(swing) + self.swing_together_dB * (np.clip(bus, *BUS) - 1) * change
        return needed


def needed_light(signal: Signal, receiver: Receiver, chain: Chain, threshold_ber: float) -> NeededLight:
    """Tabulate what a chain needs.

    Args:
        signal: nominal light of a lane with this chain.
        receiver: its receiver.
        chain: its responses.
        threshold_ber: largest bit error ratio before correction.

    Raises:
        ParameterError: the chain as it is nominally can't be received with any light.
    """
    needs = _Needs(signal, receiver, chain, threshold_ber)
    most = _most_crosstalk(needs, receiver.eye, signal.extinction_dB)
    extinction, crosstalk = np.linspace(*EXTINCTION_DB, NODES[0]), np.linspace(0.0, most, NODES[1])
    ends = (EXTINCTION_DB, (0.0, most))
    ring = chain.modulator
    if not (isinstance(ring, Ring) and ring.swings):
        squares = needs.squares(receiver.eye, extinction, crosstalk)
        return NeededLight((0.0, 0.0), most, EvenSpline.of(ends, squares), None, None)
    buses = np.exp(np.linspace(*_LOG_BUS, NODES[2]))
    eyes = [needs.eye(bus=float(bus)) for bus in buses]
    squares = _continued(np.stack([needs.squares(eye, extinction, crosstalk) for eye in eyes], axis=2))
    return NeededLight(
        reference_GHz=(ring.linewidth_bus_GHz, ring.linewidth_GHz - ring.linewidth_bus_GHz),
        most_crosstalk=most,
        squares=EvenSpline.of((*ends, _LOG_BUS), squares),
        lost=needs.lost(buses[::2], eyes[::2]),
        swing=needs.swing(),
        swing_together_dB=needs.together(),
    )


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


@dataclass(frozen=True)
class _Needs:
    """What a chain needs, computed in full."""

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
        receivers = [replace(self.receiver, eye=eye)] * len(signals)
        margin = margins_dB(signals, receivers, self.threshold_ber)
        return amplitude_dBA(PROBE_DBM, extinction_dB, self.receiver.responsivity_A_W) - margin

    def together(self, step: float = 0.15) -> float:
        """Mixed second difference of needed light over bus and swing, dB; 0 where no light would do."""
        signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
        needed = [self.at_nominal_dBA(self.eye(bus=1 + a * step, swing=1 + b * step)) for a, b in signs]
        total = needed[0] - needed[1] - needed[2] + needed[3]
        return float(total / (4 * step**2)) if np.isfinite(needed).all() else 0.0

    def squares(self, eye: Eye, extinction_dB: Real, crosstalk: Real) -> Real:
        """One over the square of the needed current, 0 where none would do, shape (extinctions, crosstalks)."""
        one, other = (value.ravel() for value in np.meshgrid(extinction_dB, crosstalk, indexing="ij"))
        needed = self.needed_dBA(eye, one, other)
        return (10 ** (-needed / 5)).reshape(extinction_dB.size, crosstalk.size)

    def at_nominal_dBA(self, eye: Eye) -> float:
        """Needed amplitude at the nominal extinction and crosstalk."""
        return float(self.needed_dBA(eye, [self.signal.extinction_dB], [_crosstalk(self.signal)])[0])

    def lost(self, buses: Real, eyes: Sequence[Eye]) -> EvenSpline:
        """What rings with other losses need more than those with the nominal ones, dB.

        Args:
            buses: nodes of the bus's share.
            eyes: with nominal losses there.
        """
        losses = np.exp(np.linspace(*_LOG_LOST, LOST_NODES))
        more = np.zeros((buses.size, losses.size))
        for row, (bus, eye) in enumerate(zip(buses, eyes, strict=True)):
            nominal = self.at_nominal_dBA(eye)
            for column in (3, 4, 1, 0):  # from the middle, so that what no light would do goes straight on
                found = self.at_nominal_dBA(self.eye(bus=float(bus), lost=float(losses[column]))) - nominal
                inner = 2 * more[row, 1] - more[row, 2] if column == 0 else more[row, column]
                more[row, column] = found if np.isfinite(found) else inner
        return EvenSpline.of([_LOG_BUS, _LOG_LOST], more)

    def swing(self) -> EvenSpline:
        """What rings with another swing need more than the nominal one, dB."""
        nominal, reach = self.at_nominal_dBA(self.eye()), 1.0
        while True:  # nearer to the nominal ring where no light would do at an end
            near = (1 - reach * (1 - SWING[0]), 1 + reach * (SWING[1] - 1))
            needed = [self.at_nominal_dBA(self.eye(swing=float(share))) for share in np.linspace(*near, SWING_NODES)]
            if np.isfinite(needed).all():
                return EvenSpline.of([near], np.array(needed) - nominal)
            if reach < 0.1:
                raise ParameterError(
                    f"no light would do for a ring whose swing differs by {100 * (near[1] - 1):.2g} % from the nominal "
                    "one; give the lane a faster driver or modulator"
                )
            reach /= 2


def _crosstalk(signal: Signal) -> float:
    """Sum of the squares of all aggressors' amplitudes over the wanted one."""
    return float(np.sum(10 ** (np.array(signal.crosstalk_dB, np.float64) / 5)))


def amplitude_dBA(received_dBm: ArrayLike, extinction_dB: ArrayLike, responsivity_A_W: ArrayLike) -> Real:
    """Outer amplitude of the photocurrent, dB of 1 A.

    Args:
        received_dBm: mean power.
        extinction_dB: level one over level zero.
        responsivity_A_W: of the detector.
    """
    depth_dB = 10 * np.log10(2) - extinction_penalty_dB(extinction_dB)
    return np.asarray(received_dBm, np.float64) - 30 + depth_dB + 10 * np.log10(np.asarray(responsivity_A_W))


def _most_crosstalk(needs: _Needs, eye: Eye, extinction_dB: float) -> float:
    """Crosstalk that leaves the share `LEFT` of one over the square of the needed current."""
    first = needs.squares(eye, np.array([extinction_dB]), np.array([0.0]))[0, 0]
    if first <= 0:
        raise ParameterError(
            "no light would do for the nominal lane: its eye is closed; give it a faster driver, modulator or amplifier"
        )
    low, high = 1e-8, 1.0
    for _ in range(30):
        middle = float(np.sqrt(low * high))
        left = needs.squares(eye, np.array([extinction_dB]), np.array([middle]))[0, 0] / first
        low, high = (middle, high) if left > LEFT else (low, middle)
    return low


def _continued(squares: Real) -> Real:
    """Where no light would do, straight on from the last nodes where some does: smooth, and below nothing.

    Args:
        squares: shape (extinctions, crosstalks, buses); wide buses need less light than narrow ones.
    """
    found = squares.copy()
    for k in range(found.shape[1]):
        for n in range(found.shape[2] - 1, -1, -1):
            bad = found[:, k, n] <= 0
            if not bad.any():
                continue
            if k >= 2:
                line = 2 * found[bad, k - 1, n] - found[bad, k - 2, n]
            elif n + 2 < found.shape[2]:
                line = 2 * found[bad, k, n + 1] - found[bad, k, n + 2]
            else:
                continue
            found[bad, k, n] = np.minimum(line, 0.0)
    return found

"""Light that a receiver needs, tabulated over what differs from lane to lane and from package to package.

Method
    Needed is an outer modulation amplitude; what is beyond it is margin. Margins come from `receiver` and `eye` at the
    nodes of a grid over extinction, crosstalk and the width that the bus gives a ring modulator. Tabulated is one over
    the square of the needed current, over that of the nominal lane ("room"): noise that grows with the signal takes off
    it what its variance is, so that it is very nearly a straight line over crosstalk, a parabola over mean power per
    amplitude (intensity noise), and nothing where no light would do. Between nodes: cubic splines.
    What a ring loses inside changes the eye little, and otherwise for narrow rings than for wide ones: a surface over
    both widths is added. How far the resonance swings: a curve, and the product of its change with the bus's.
    The decision's instant of an eye is found in steps of 1/30 UI, from which needed light jumps by some hundredths of a
    dB between rings that are nearly alike (NRZ at 1e-12: by a tenth). Polynomials of low degree are laid through the
    nodes over the widths, so that tables do not follow these steps.

Validity
    Beyond the grid its edge is taken; for crosstalk the straight line goes on. Late light is as it is nominally.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError
from cpo_pdk.link.even_splines import EvenSpline
from cpo_pdk.link.penalties import extinction_penalty_dB
from cpo_pdk.link.receiver import Receiver, Signal
from cpo_pdk.link.responses import Chain, Ring
from cpo_pdk.link.room import BUS, LOST, SWING, Room, continued, smooth

Real = NDArray[np.float64]

#: ends of the grid: mean power over half the amplitude, 1 with infinite extinction; 1.016 is 21 dB, 7.8 is 1.1 dB
MEAN = (1.0, 7.8)
_LOG_BUS = (float(np.log(BUS[0])), float(np.log(BUS[1])))
_LOG_LOST = (float(np.log(LOST[0])), float(np.log(LOST[1])))
#: nodes of the grid: mean power, crosstalk, the logarithm of the bus's share; of losses with every other one of the bus
NODES = (15, 9, 11)
#: degree of the polynomial over the bus's share
DEGREE_BUS = 4


@dataclass(frozen=True)
class NeededLight:
    """What one chain needs, as an amplitude of the photocurrent in dB of 1 A; can be pickled.

    Attributes:
        reference_GHz: linewidth of a ring that `bus` 1 and `lost` 1 stand for; zeros for what is no ring.
        nominal_dBA: needed amplitude that room is counted from.
        most_crosstalk: end of the grid of crosstalk.
        room: over mean power, crosstalk and, of a ring, the logarithm of `bus`.
        lost: room that is added, over the logarithms of `bus` and of `lost`; None where the chain has no ring.
        swing: room that is added, over `swing`; None likewise.
        together: room that is added besides for the product of the changes of swing and bus.
    """

    reference_GHz: tuple[float, float]
    nominal_dBA: float
    most_crosstalk: float
    room: EvenSpline
    lost: EvenSpline | None = None
    swing: EvenSpline | None = None
    together: float = 0.0

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
        mean = 10 ** (extinction_penalty_dB(extinction_dB) / 10)
        share, width = np.clip(bus, *BUS), np.log(np.clip(bus, *BUS))
        given = (mean, crosstalk, width) if len(self.room.ends) == 3 else (mean, crosstalk)
        at = np.broadcast_arrays(*(np.asarray(value, np.float64) for value in given))
        room = self.room(*at)
        far = at[1] > self.most_crosstalk
        if far.any():
            end, back = self.most_crosstalk, 0.9 * self.most_crosstalk
            inner = self.room(at[0][far], back, *(value[far] for value in at[2:]))
            room[far] += (room[far] - inner) / (end - back) * (at[1][far] - end)
        if self.lost is not None and lost is not None:
            room = room + self.lost(width, np.log(np.clip(lost, *LOST)))
        if self.swing is not None and swing is not None:
            room = room + self.swing(swing) + self.together * (share - 1) * (np.clip(swing, *SWING) - 1)
        return np.where(room > 0, self.nominal_dBA - 5.0 * np.log10(np.maximum(room, 1e-300)), np.inf)


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
    room = Room(signal, receiver, chain, threshold_ber)
    nominal = room.nominal_dBA()
    if not np.isfinite(nominal):
        raise ParameterError(
            "no light would do for the nominal lane: its eye is closed; give it a faster driver, modulator or amplifier"
        )
    most = room.most_crosstalk()
    mean, crosstalk = np.linspace(*MEAN, NODES[0]), np.linspace(0.0, most, NODES[1])
    ends = (MEAN, (0.0, most))
    ring = chain.modulator
    if not (isinstance(ring, Ring) and ring.swings):
        alone = continued(room.grid(receiver.eye, mean, crosstalk)[:, :, None])[:, :, 0]
        return NeededLight((0.0, 0.0), nominal, most, EvenSpline.of(ends, alone))
    buses = np.exp(np.linspace(*_LOG_BUS, NODES[2]))
    eyes = [room.eye(bus=float(bus)) for bus in buses]
    grid = continued(np.stack([room.grid(eye, mean, crosstalk) for eye in eyes], axis=2))
    return NeededLight(
        reference_GHz=(ring.linewidth_bus_GHz, ring.linewidth_GHz - ring.linewidth_bus_GHz),
        nominal_dBA=nominal,
        most_crosstalk=most,
        room=EvenSpline.of((*ends, _LOG_BUS), smooth(grid, 2, DEGREE_BUS)),
        lost=EvenSpline.of((_LOG_BUS, _LOG_LOST), room.lost(buses[::2], eyes[::2])),
        swing=EvenSpline.of([SWING], room.swing()),
        together=room.together(),
    )

"""Interferometers that their heaters hold where they work, for many samples.

What a heater does to its arm is a turn of the phase: every element of a modulator is `A + B exp(1j phi)`, `A`
and `B` known from the heater at rest and at half a turn. Quadrature between two ports is where the part that turns,
`2 Re(conj(A) B exp(1j phi))`, is zero: the least `phi` that makes it so is what `driving.working_points`
finds by search.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from cpo_pdk.circuit.batch.kinds import Kind
from cpo_pdk.circuit.driving import HEATER, VOLTAGE
from cpo_pdk.circuit.signal_flow import PortPair
from cpo_pdk.circuit.solver import Complex

Real = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class HeldModulator:
    """A Mach-Zehnder modulator at quadrature.

    Attributes:
        table: of the modulator, at no swing and at either end of it.
        swing: V.
        port_in, port_out: between which it is held.
        mW_per_pi: power of half a turn.
        axes, reach, error, outside: as those of the table.
    """

    table: Any
    swing: float
    port_in: str
    port_out: str
    mW_per_pi: float

    @property
    def axes(self) -> tuple[str, ...]:
        return self.table.axes

    @property
    def reach(self) -> dict[str, float]:
        return self.table.reach

    @property
    def error(self) -> float:
        return self.table.error

    def outside(self, values: Mapping[str, ArrayLike]) -> Real:
        return self.table.outside(values)

    def matrix(self, values: Mapping[str, ArrayLike], wl_um: ArrayLike, **_: ArrayLike) -> dict[PortPair, Complex]:
        """S-matrix with the heater at half a turn, at the end of the swing; arguments as those of the table.

        There, as at the levels, elements differ that are equal at rest.
        """
        return self._parts(values, wl_um, self.swing)[1]

    def _parts(
        self, values: Mapping[str, ArrayLike], wl_um: ArrayLike, volts: float
    ) -> tuple[dict[PortPair, Complex], dict[PortPair, Complex]]:
        """S-matrix with the heater at rest, and with half a turn."""
        cold, turned = (
            self.table.matrix(values, wl_um, **{VOLTAGE: volts, HEATER: power}) for power in (0.0, self.mW_per_pi)
        )
        return cold, turned

    def levels(
        self, values: Mapping[str, ArrayLike], wl_um: Real, channel: Whole
    ) -> tuple[dict[PortPair, Complex], dict[PortPair, Complex], Real]:
        """S-matrices at level one and at level zero, and the power of the heater, mW.

        Args:
            values: axis -> deviations, shape (n, S).
            wl_um: um, shape (n, S, C).
            channel: that each modulator is held for, from 0, shape (n,).

        Returns:
            (port in, port out) -> amplitude, shape (n, S, C), twice; power of shape (n, S).
        """
        pair = self.port_in, self.port_out
        own = channel[:, None, None]
        cold, turned = self._parts(values, wl_um, 0.0)
        still, turning = (cold[pair] + turned[pair]) / 2, (cold[pair] - turned[pair]) / 2
        still, turning = (np.take_along_axis(part, own, axis=2)[:, :, 0] for part in (still, turning))
        phase = (np.pi / 2 - np.angle(np.conj(still) * turning)) % np.pi
        turn = np.exp(1j * phase)[:, :, None]

        def at(volts: float) -> dict[PortPair, Complex]:
            cold, turned = self._parts(values, wl_um, volts)
            return {p: (cold[p] + turned[p]) / 2 + (cold[p] - turned[p]) / 2 * turn for p in cold}

        up, down = at(self.swing), at(-self.swing)
        more = np.take_along_axis(np.abs(up[pair]) >= np.abs(down[pair]), own, axis=2)
        one = {p: np.where(more, up[p], down[p]) for p in up}
        zero = {p: np.where(more, down[p], up[p]) for p in up}
        return one, zero, phase / np.pi * self.mW_per_pi


@dataclass(frozen=True)
class HeldArms:
    """A heated guide in an arm of an interferometer that is held where it is drawn, see `trimming.Trimmer`.

    Attributes:
        path: of the guide.
        mW: power as drawn.
        mW_per_pi: power of half a turn.
    """

    path: str
    mW: float
    mW_per_pi: float

    def power_mW(self, drift: Real) -> Real:
        """Least power that puts the fringes where they are as drawn, mW, shape (S,).

        Args:
            drift: by which the phase of its arm less that of the other differs from that as drawn, at the nominal
                channels with the heater at rest, rad, shape (S, C).
        """
        first = drift[:, :1]
        mean = first[:, 0] + np.mean(_turned(drift - first), axis=1)
        return (self.mW - mean / np.pi * self.mW_per_pi) % (2 * self.mW_per_pi)


@dataclass(frozen=True)
class Arms:
    """Interferometers with a heated guide in one arm.

    Attributes:
        held: by heater.
        kinds: of the devices along the arms, computed at the nominal channels; rows of one set of values.
        rows: how many.
        signs: 1 for an element of an interferometer's own arm, -1 for one of the other, shape (T, rows).
        drawn: phase of each arm less that of the other as drawn, at each channel, rad, shape (T, C).
    """

    held: tuple[HeldArms, ...]
    kinds: tuple[Kind, ...]
    rows: int
    signs: csr_array
    drawn: Real

    def power_mW(self, dev: Mapping[str, Real], part: slice, channels_um: Real) -> Real:
        """Least powers that put the fringes where they are as drawn, mW, shape (S, T).

        Args:
            dev: see `Kind.deviations`.
            part: samples.
            channels_um: um, shape (C,).
        """
        samples = next((a[part].shape[0] for a in dev.values()), 1)
        angles = np.empty((self.rows, samples, channels_um.size))
        for kind in self.kinds:
            matrix = kind.table.matrix(kind.deviations(dev, part), channels_um)
            for number, pair in enumerate(kind.pairs):
                many = len(kind.paths)
                row = kind.targets[0].row + number * many
                angle = np.angle(matrix[pair])
                angles[row : row + many] = angle if angle.ndim == 3 else angle[None, None]
        phase = (self.signs @ angles.reshape(self.rows, -1)).reshape(-1, samples, channels_um.size)
        drift = phase - self.drawn[:, None, :]
        return np.stack([arm.power_mW(drift[number]) for number, arm in enumerate(self.held)], axis=1)


def _turned(angle: Real) -> Real:
    """Angles within half a turn of 0, rad."""
    return (angle + np.pi) % (2 * np.pi) - np.pi

"""From the powers that many samples of an engine pass to loss, crosstalk and extinction of their lanes.

The same figures as `transmit` and `receive` give for one sample; the ring that serves a channel may be another one in
every sample.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.crosstalk import FLOOR_DB

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

#: power that stands for none at all, and the loss of a lane whose channel no ring serves, dB
NOTHING = 1e-20
LOST_DB = -10.0 * float(np.log10(NOTHING))
#: most that another wavelength is taken to disturb one, relative to its own signal
MOST = 1e12


@dataclass(frozen=True)
class BatchLanes:
    """Lanes of many samples of an engine cell; L lanes in the order of `EngineBatch.lane_keys`.

    Attributes:
        loss_dB: of level one of a transmit lane, from the laser port to the transmit port; of a receive lane, of the
            worse polarisation, from the port to the detector; shape (S, L).
        crosstalk_dB: of all other wavelengths together, powers added, shape (S, L).
        aggressors: power of each wavelength relative to the wanted one, shape (S, L, C), 0 for the lane's own:
            modulation of the channel by the modulators of others for a transmit lane, light of others in the detector
            for a receive lane.
        extinction_dB: of the transmit lanes, shape (S, Ltx).
        trim_mW: power of the heaters that hold interferometers, shape (S, T).
        outside: devices with a deviation beyond what their table holds for, shape (S,).
    """

    loss_dB: Real
    crosstalk_dB: Real
    aggressors: NDArray[np.float32]
    extinction_dB: Real
    trim_mW: Real
    outside: Whole

    @staticmethod
    def together(parts: list[BatchLanes]) -> BatchLanes:
        """Samples one after the other."""
        if len(parts) == 1:
            return parts[0]
        joined: dict[str, Any] = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(BatchLanes)
        }
        return BatchLanes(**joined)


def places_of(channel: Whole, count: int) -> Whole:
    """Which of some rings serves each channel, -1 where none does.

    Args:
        channel: of each ring, from 0, -1 for none, shape (S, M).
        count: of channels, C.

    Returns:
        Shape (S, C).
    """
    found = np.full((channel.shape[0], count + 1), -1, np.int64)
    at = np.where((channel >= 0) & (channel < count), channel, count)
    np.put_along_axis(found, at, np.broadcast_to(np.arange(channel.shape[1]), channel.shape), axis=1)
    return found[:, :count]


def _dB(power: Real) -> Real:
    return 10.0 * np.log10(np.maximum(power, NOTHING))


def _summed(aggressors: Real) -> Real:
    return np.maximum(_dB(aggressors.sum(axis=-1)), FLOOR_DB)


def transmitted(one: Real, zero: Real, place: Whole) -> tuple[Real, Real, Real, Real]:
    """Lanes of one transmit port.

    Args:
        one: power of every channel with all modulators at level one, shape (S, C).
        zero: with one modulator at level zero, shape (S, M, C); M is 0 where there is none.
        place: modulator of each channel, -1 for none, shape (S, C).

    Returns:
        loss in dB, crosstalk in dB, extinction in dB, shapes (S, C), and aggressors, shape (S, C, C).
    """
    samples, count = one.shape
    loss = -_dB(one)
    if not zero.shape[1]:
        nothing = np.zeros((samples, count, count))
        return loss, np.full((samples, count), FLOOR_DB), np.zeros((samples, count)), nothing
    there = place >= 0
    toggled = np.take_along_axis(zero, np.maximum(place, 0)[:, :, None], axis=1)
    change = np.abs(one[:, None, :] - toggled) * there[:, :, None]
    channels = np.arange(count)
    own = change[:, channels, channels]
    aggressors = np.minimum(change.transpose(0, 2, 1) / np.maximum(own, NOTHING)[:, :, None], MOST)
    aggressors[:, channels, channels] = 0.0
    aggressors *= there[:, :, None]
    ratio = _dB(one) - _dB(toggled[:, channels, channels])
    return np.where(there, loss, LOST_DB), _summed(aggressors), np.where(there, ratio, 0.0), aggressors


def received(power: Real, place: Whole) -> tuple[Real, Real, Real]:
    """Lanes of one receive port.

    Args:
        power: in every detector, by polarisation, shape (P, S, D, C).
        place: detector of each channel, -1 for none, shape (S, C).

    Returns:
        loss in dB of the worse polarisation, crosstalk in dB of the worse, shapes (S, C), and its aggressors, shape
        (S, C, C).
    """
    count = power.shape[-1]
    channels = np.arange(count)
    there = place >= 0
    mine = np.take_along_axis(power, np.maximum(place, 0)[None, :, :, None], axis=2)
    wanted = mine[:, :, channels, channels]
    relative = np.minimum(mine / np.maximum(wanted, NOTHING)[..., None], MOST)
    relative[:, :, channels, channels] = 0.0
    worst = np.argmax(relative.sum(axis=-1), axis=0)
    aggressors = np.take_along_axis(relative, worst[None, :, :, None], axis=0)[0] * there[:, :, None]
    loss = np.where(there, -_dB(wanted.min(axis=0)), LOST_DB)
    return loss, _summed(aggressors), aggressors

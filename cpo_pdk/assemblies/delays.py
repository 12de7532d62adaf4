"""Arm lengths that put the interferometers of a (de)multiplexer on their channels, asked of the compact models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.errors import AssemblyError
from cpo_pdk.models import MODELS
from cpo_pdk.models.sdict import SDict
from cpo_pdk.models.waveguide import ng
from cpo_pdk.spec.sheet import Sheet

STEP = 0.002  # um: both legs of the longer arm are drawn on the mask grid of 1 nm
REACH = 0.4  # um to either side of the nominal difference: more than half a wavelength in the guide, 0.26 um
LEAST = 0.8  # of the light of a channel must leave a lossless stage where it should; else the coupler does not serve


def channel_lists(channels: int) -> tuple[tuple[int, ...], ...]:
    """Channels (from 0) that pass each stage of a demultiplexer, breadth first, north before south.

    Stage k sends every second channel of its list, beginning with the first, north to stage 2 k, the others south to
    stage 2 k + 1: 4 channels make (0, 1, 2, 3), (0, 2), (1, 3).

    Args:
        channels: number of wavelengths, a power of two, at least 2.
    """
    lists = [tuple(range(channels))]
    for k in range(channels // 2 - 1):
        lists += [lists[k][0::2], lists[k][1::2]]
    return tuple(lists)


def output_order(channels: int) -> tuple[int, ...]:
    """Channels (from 0) at the outputs of a demultiplexer from north to south: 0, 2, 1, 3 for four.

    Args:
        channels: number of wavelengths, a power of two, at least 2.
    """
    return tuple(channel for pair in channel_lists(channels)[channels // 2 - 1 :] for channel in pair)


def stage_delays(devices: Mapping[str, Sheet], wl_um: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
    """What the longer arm of each stage is longer, um, so that all its channels leave where they should, untrimmed.

    Nominal: `wl^2 / (ng FSR)` with a free spectral range of twice the distance of the stage's channels. Around it the
    length is chosen for which the channel that fares worst fares best.

    Args:
        devices: sheets of the roles filter_coupler, phase_shifter and waveguide.
        wl_um: wavelengths of the channels in um, rising; a power of two, at least 2.

    Returns:
        One difference a stage, breadth first, on a grid of 2 nm (two legs of 1 nm).

    Raises:
        AssemblyError: a sheet without a model that knows the ports, or a coupler too uneven for the channels.
    """
    return tuple(_delay(devices, np.array([wl_um[i] for i in chosen])) for chosen in channel_lists(len(wl_um)))


def stage_powers(devices: Mapping[str, Sheet], delay: float, wl: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Power that a stage sends north and south of what enters at o1 of its first coupler, without bends and leads.

    Args:
        devices: sheets of the roles filter_coupler, phase_shifter and waveguide.
        delay: what the upper arm is longer in um; may be an array that broadcasts with `wl`.
        wl: wavelengths in um.
    """
    coupler, shifter = _ask(devices["filter_coupler"], wl), _ask(devices["phase_shifter"], wl)
    length = float(devices["phase_shifter"].geometry.get("length", 0.0))
    upper = shifter["o1", "o2"] * _ask(devices["waveguide"], wl, length=delay)["o1", "o2"]
    lower = _ask(devices["waveguide"], wl, length=length)["o1", "o2"]
    north = coupler["o1", "o3"] * upper * coupler["o2", "o3"] + coupler["o1", "o4"] * lower * coupler["o1", "o3"]
    south = coupler["o1", "o3"] * upper * coupler["o2", "o4"] + coupler["o1", "o4"] * lower * coupler["o1", "o4"]
    return np.abs(north) ** 2, np.abs(south) ** 2


def _delay(devices: Mapping[str, Sheet], wl: NDArray[np.float64]) -> float:
    middle = float(np.mean(wl))
    spectral_range = 2 * float(np.ptp(wl)) / (len(wl) - 1)
    nominal = round(middle**2 / (float(ng(middle)) * spectral_range) / STEP) * STEP
    steps = round(REACH / STEP)
    tried = np.round(nominal + STEP * np.arange(-steps, steps + 1), 3)[:, None]
    north, south = stage_powers(devices, tried, wl)  # pyright: ignore[reportArgumentType]
    wanted = np.where(np.arange(len(wl)) % 2 == 0, north, south)
    unwanted = np.where(np.arange(len(wl)) % 2 == 0, south, north)
    share = (wanted / (wanted + unwanted)).min(axis=1)
    best = int(np.argmax(share))
    if share[best] < LEAST:
        raise AssemblyError(
            f"{devices['filter_coupler'].origin}: a stage of two such couplers sends only {100 * share[best]:.0f} % of "
            f"the worst channel from {wl[0] * 1e3:.1f} to {wl[-1] * 1e3:.1f} nm where it should go, at least "
            f"{100 * LEAST:.0f} % are needed; name a coupler nearer to even halves in engine.devices.filter_coupler"
        )
    return float(tried[best, 0])


def _ask(sheet: Sheet, wl: NDArray[np.float64], **changed: object) -> SDict:
    """What the model of a sheet says, with the sheet's numbers and some changed."""
    model = MODELS.get(sheet.model or "")
    if model is None:
        raise AssemblyError(f"{sheet.origin}: has no model, so no arm can be laid out by it; use a sheet with a model")
    values = {k: v for k, v in {**sheet.values, **sheet.geometry}.items() if k in model.parameters}
    return model.function(wl, **{**values, **changed})

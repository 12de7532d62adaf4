"""Light power along the lanes, and how far it heats the ring modulators that it passes.

What free carriers absorb heats a ring; the ring moves to the red, by itself stable only while that is less than about
its line: beyond it, a ring has two states at one laser wavelength, and which one it is in depends on how it got there
(`models.operating`: method and what is left out).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cpo_pdk.circuit.binding import accepted
from cpo_pdk.circuit.results import DeviceFacts, Lane, SimulationResult
from cpo_pdk.models.modulator import ring_modulator
from cpo_pdk.models.operating import absorbed_share

#: share of its line that a ring may be moved by its own light before it is said. Two states begin where the move at the
#: peak of a Lorentzian line is 4 / (3 sqrt(3)) = 0.77 of its full width (derived here: the steepest flank has the slope
#: 3 sqrt(3) / 4 a width); on its flank, where it works, a ring absorbs less than at the peak
SAID = 0.5


@dataclass(frozen=True)
class SelfHeating:
    """A ring modulator under light.

    Attributes:
        ring: path from the top cell.
        input_dBm: power of its channel where it enters the ring's cell.
        absorbed_mW: light that heats it, mean of both levels.
        shift_nm: red shift that this makes; the heater can give as much less.
        linewidth_nm: full width of its line.
    """

    ring: str
    input_dBm: float
    absorbed_mW: float
    shift_nm: float
    linewidth_nm: float


def levels_dBm(lane: Lane, launch_dBm: float) -> tuple[float, ...]:
    """Power that enters each item of a lane, and last what leaves it, dBm.

    Args:
        lane: from its first item to its last.
        launch_dBm: power of its wavelength before the first item. A modulator counts at level one.
    """
    losses = np.cumsum([0.0, *(item.loss_dB for item in lane.items)])
    return tuple(float(x) for x in launch_dBm - losses)


def self_heating(result: SimulationResult, launch_dBm: float) -> tuple[SelfHeating, ...]:
    """Self-heating of all ring modulators, in the order of the lanes.

    Args:
        result: lanes with their devices.
        launch_dBm: power of every wavelength before the first item of a transmit lane.

    Raises:
        ParameterError: a ring that can't be computed.
    """
    width = {ring.instance: ring.linewidth_nm for ring in result.rings}
    shares: dict[int, float] = {}
    found: list[SelfHeating] = []
    for lane in result.lanes:
        device = result.devices.get(lane.modulator)
        if device is None or not lane.ring or device.model != ring_modulator.__name__:
            continue
        if id(device) not in shares:
            shares[id(device)] = _share(device)
        powers = levels_dBm(lane, launch_dBm)
        level = next((p for item, p in zip(lane.items, powers, strict=False) if item.instance == lane.ring), None)
        if level is None:
            continue
        absorbed = 10 ** (level / 10) * shares[id(device)]
        shift = absorbed * float(device.params.get("heater_nm_mW", 0.0))
        found.append(SelfHeating(lane.ring, level, absorbed, shift, width.get(lane.ring, 0.0)))
    return tuple(found)


def self_heating_warnings(result: SimulationResult, launch_dBm: float) -> list[str]:
    """One line where rings move by a good part of their line; arguments and errors as `self_heating`."""
    hot = [ring for ring in self_heating(result, launch_dBm) if ring.shift_nm > SAID * ring.linewidth_nm]
    if not hot:
        return []
    worst = max(hot, key=lambda ring: ring.shift_nm / ring.linewidth_nm)
    return [
        f"{len(hot)} ring modulators are moved by their own light by more than {SAID:g} of their line; {worst.ring} "
        f"has {worst.input_dBm:.1f} dBm, absorbs {worst.absorbed_mW:.2f} mW and moves {worst.shift_nm:.3f} of "
        f"{worst.linewidth_nm:.3f} nm: near two states at one wavelength; launch less"
    ]


def _share(device: DeviceFacts) -> float:
    """Share of the light at its input that heats a ring, mean of the levels, held where it is operated."""
    operating: Mapping[str, float] = device.operating
    names = accepted(ring_modulator) - {"V", "tuning_nm", "heater_mW"}
    params = {name: value for name, value in device.params.items() if name in names}
    levels = np.array([operating["V_one"], operating["V_zero"]])
    wl = float(operating["wl_um"])
    share = absorbed_share(operating.get("detuning_nm", 0.0), levels[:, None], wl_center=wl, **params)
    return float(np.mean(share))

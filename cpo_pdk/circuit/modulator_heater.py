"""The heater of a Mach-Zehnder modulator: power of half a turn, and how its working point drifts.

Told from what the modulator passes, not from how it is made: the light goes up and down with the power of the heater,
half a turn from most to least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound
from cpo_pdk.circuit.driving import HEATER, VOLTAGE, working_points
from cpo_pdk.circuit.evaluation import Evaluator
from cpo_pdk.circuit.results import TrimmerFacts
from cpo_pdk.circuit.warming import feels_heat, warmed

#: steps that slopes are taken over: um and K; powers that the fringe is sampled at, mW
STEP_UM, STEP_K = 1e-4, 1.0
#: fringes further apart than this, nm: the arms are equal
FARTHEST_NM = 1e4

Real = NDArray[np.float64]


@dataclass(frozen=True)
class _Fringe:
    """Working power at two wavelengths, mW, and the power of half a turn."""

    power: Real
    half_mW: float


def heater_facts(entry: Bound, wl_um: float, channel: int, port_in: str, port_out: str) -> TrimmerFacts:
    """The heater of a modulator at a wavelength; path and place are left open.

    Args:
        entry: the modulator.
        wl_um: um.
        channel: it serves, from 0.
        port_in, port_out: where light enters and leaves.
    """
    here = _fringe(entry, np.array([wl_um, wl_um + STEP_UM]), port_in, port_out)
    half = here.half_mW
    per_nm = _nearest(float(here.power[1] - here.power[0]), half) / (STEP_UM * 1e3)
    per_K = 0.0
    if feels_heat(entry):
        warm = _fringe(warmed({entry.cell: entry}, STEP_K)[entry.cell], np.array([wl_um]), port_in, port_out)
        per_K = _nearest(float(warm.power[0] - here.power[0]), half) / STEP_K
    equal = abs(per_nm) * FARTHEST_NM < 2 * half
    return TrimmerFacts(
        instance="",
        path="",
        engine="",
        channel=channel,
        x=0.0,
        y=0.0,
        mW=float(here.power[0]),
        mW_per_pi=half,
        nm_per_K=0.0 if equal else -per_K / per_nm,
        fsr_nm=float("inf") if equal else 2 * half / abs(per_nm),
        mW_per_K=0.0 if equal else per_K,
        period_mW=half,
        sheet=entry.sheet.name,
    )


def _fringe(entry: Bound, wl: Real, port_in: str, port_out: str) -> _Fringe:
    """Working points at some wavelengths, and half a turn: a cosine through three samples about the first of them."""
    drives, _ = working_points(entry, wl, port_in, port_out)
    model = entry.model
    assert model is not None, "a modulator has a model"
    power = np.array([drive.heater_mW for drive in drives])
    evaluator = Evaluator(wl[:1])

    def passed(mW: Real) -> Real:
        matrix = evaluator.matrix(entry.cell, model, {**entry.params, HEATER: mW[:, None], VOLTAGE: 0.0})
        return (np.abs(matrix[port_in, port_out]) ** 2)[:, 0]

    step = 1.0
    low, mid, high = passed(power[0] + step * np.array([1.0, 2.0, 3.0]))
    # samples of m + a cos(k h + c): with a fourth one the mean drops out
    last = passed(power[:1] + 4 * step)[0]
    # (y4 - y1) / (y3 - y2) = sin(1.5 k) / sin(0.5 k) = 3 - 4 sin^2(k / 2)
    squared = (3.0 - (last - low) / (high - mid)) / 4.0
    turn = 2 * np.arcsin(np.sqrt(np.clip(squared, 1e-12, 1.0)))
    return _Fringe(power, float(np.pi * step / turn))


def _nearest(power: float, period: float) -> float:
    """A difference of powers within half a period of 0."""
    return (power + period / 2) % period - period / 2

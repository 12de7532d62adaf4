"""How a device answers to what it is driven or disturbed by: voltage, heater, misplaced fibre, heat, process."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.models.model import Model
from cpo_pdk.report.gallery_data import Figure, Sweep, Trace

Floats = NDArray[np.float64]

#: what is swept by other means: wavelength stands for temperature and process, heater power for the tuning
_NOT_SWEPT = frozenset({"dT", "dw", "dh", "dslab", "tuning_nm"})
_POINTS = 161
#: a sweep that changes no path by as much is not shown: dB, half turns
_LEAST_dB, _LEAST_PHASE = 0.05, 0.02
#: paths weaker than that are not shown, dB
_WEAKEST_dB = 45.0
#: parameter -> one unit of it in words, and the unit of the shift of a resonance that it makes
_SHIFTS = {
    "dT": ("kelvin", "nm/K"),
    "heater_mW": ("milliwatt", "nm/mW"),
    "V": ("volt", "nm/V"),
    "dw": ("nm of width", "nm/nm"),
    "dh": ("nm of height", "nm/nm"),
    "dslab": ("nm of slab", "nm/nm"),
}


def sweeps_of(model: Model, params: Mapping[str, Any], wl: float) -> tuple[Sweep, ...]:
    """The answer of a model at one wavelength to each parameter that it is operated with.

    Args:
        model: of the device.
        params: that it is bound with.
        wl: um.

    Returns:
        One sweep a parameter, over the range that the model holds for; those that change nothing are left out.
    """
    found = []
    for name in model.parameters:
        if name not in model.operated or name in _NOT_SWEPT or name not in model.ranges:
            continue
        low, high, unit = model.ranges[name]
        values = np.linspace(low, high, _POINTS)
        matrix = model.function(np.array([wl]), **{**params, name: values[:, None]})
        paths = {
            (a, b): np.broadcast_to(s, (_POINTS, 1))[:, 0]
            for (a, b), s in matrix.items()
            if a != b and a == "o1" and "@" not in b
        }
        traces = tuple(
            Trace(f"{a} → {b}", loss) for (a, b), s in paths.items() if (loss := _loss(s)).min() < _WEAKEST_dB
        )
        if not traces:
            continue
        main = max(paths, key=lambda pair: float(np.max(np.abs(paths[pair]))))
        phase = np.unwrap(np.angle(paths[main])) / np.pi
        rest = float(params.get(name, _default(model, name)))
        phase = phase - float(np.interp(rest, values, phase))
        swing = max(float(np.ptp(trace.loss_dB)) for trace in traces)
        if swing > _LEAST_dB or float(np.ptp(phase)) > _LEAST_PHASE:
            found.append(Sweep(name, unit, wl, values, traces, phase, f"{main[0]} → {main[1]}", rest))
    return tuple(found)


def _loss(amplitude: NDArray[np.complex128]) -> Floats:
    return -20 * np.log10(np.maximum(np.abs(amplitude), 1e-6))


def _default(model: Model, name: str) -> Any:
    return inspect.signature(model.function).parameters[name].default


def sweep_figures(sweeps: Sequence[Sweep]) -> list[Figure]:
    """The numbers that one asks for: half-turn drive, swing of a path, offset that costs one dB."""
    figures = []
    for sweep in sweeps:
        main = next((t for t in sweep.traces if t.label == sweep.main), sweep.traces[0])
        swing = float(np.ptp(main.loss_dB))
        if sweep.unit in ("um", "degrees"):
            figures += _tolerance(sweep, main)
        elif swing < 1:
            figures += _half_turn(sweep)
        else:
            low, high = int(np.argmin(main.loss_dB)), int(np.argmax(main.loss_dB))
            figures += [
                Figure(f"{main.label} at {sweep.name} = {sweep.values[low]:.3g}", float(main.loss_dB[low]), "dB"),
                Figure(f"{main.label} at {sweep.name} = {sweep.values[high]:.3g}", float(main.loss_dB[high]), "dB"),
            ]
    return figures


def _tolerance(sweep: Sweep, main: Trace) -> list[Figure]:
    """How far to the positive side of the best value the loss grows by one dB."""
    best = int(np.argmin(main.loss_dB))
    beyond = np.flatnonzero(main.loss_dB[best:] > main.loss_dB[best] + 1.0)
    if not len(beyond):
        return []
    return [
        Figure(f"1 dB more at {sweep.name}", float(sweep.values[best + beyond[0]] - sweep.values[best]), sweep.unit)
    ]


def _half_turn(sweep: Sweep) -> list[Figure]:
    """The drive that turns the phase by pi, or the turn of the largest drive."""
    turn = np.abs(sweep.phase)
    if turn.max() < 0.1:
        return []
    if turn.max() < 1:
        at = int(np.argmax(turn))
        return [Figure(f"phase at {sweep.name} = {sweep.values[at]:.3g}", float(turn[at]), "half turns")]
    first = int(np.argmax(turn >= 1))
    share = (1 - turn[first - 1]) / (turn[first] - turn[first - 1]) if first else 0.0
    drive = (
        sweep.values[first - 1] + share * (sweep.values[first] - sweep.values[first - 1]) if first else sweep.values[0]
    )
    return [Figure(f"half turn at {sweep.name}", float(drive - sweep.rest), sweep.unit)]


def resonance_shifts(model: Model, params: Mapping[str, Any], wl: float) -> list[Figure]:
    """How far the resonance nearest to `wl` (um) moves for one unit of each disturbance."""
    if model.resonances is None:
        return []
    window = (wl - 0.02, wl + 0.02)
    known = inspect.signature(model.resonances).parameters
    if not set(_SHIFTS) & set(known) and not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        return []
    at_rest = model.resonances(*window, **params)
    if not len(at_rest):
        return []
    one = float(at_rest[np.argmin(np.abs(at_rest - wl))])
    figures = []
    for name, (step, unit) in _SHIFTS.items():
        if name not in model.parameters or (name in model.ranges and model.ranges[name][1] < 1):
            continue
        rest = float(params.get(name, _default(model, name)))
        moved = model.resonances(*window, **{**params, name: rest + 1.0})
        if len(moved):
            shift = float(moved[np.argmin(np.abs(moved - one))] - one) * 1e3
            if abs(shift) > 1e-5:
                figures.append(Figure(f"resonance, per {step}", shift, unit))
    return figures

"""How a modulator is driven: the levels that its sheet gives, and the working point of an interferometer.

A ring is driven between two reverse biases (`V_one`, `V_zero`) at a distance of the laser from the resonance. A
Mach-Zehnder is driven in push-pull by two lines of a swing of their own (`V_swing`, peak to peak): its models take half
of `V` on either junction, so that `V` goes from minus to plus that swing. Its heater takes it to quadrature first: to
half way between the most and the least light that it passes, at the least power that does so. Level one is then the end
of the swing at which more light passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound, accepted
from cpo_pdk.circuit.evaluation import Evaluator
from cpo_pdk.errors import ModelError

#: parameters of a model that a drive acts on
VOLTAGE, HEATER = "V", "heater_mW"
#: steps of heater power in which quadrature is looked for, and what is looked through where no model says, mW
STEPS, REACH_MW = 1501, (0.0, 150.0)
#: share of the light that a heater must switch for there to be a working point
LEAST_CONTRAST = 1e-3

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Drive:
    """Operating point of a modulator.

    Attributes:
        v_one, v_zero: voltage at level one and at level zero, V.
        detuning_nm: laser minus resonance at 0 V, for a ring.
        heater_mW: what its heater takes, for an interferometer.
    """

    v_one: float
    v_zero: float
    detuning_nm: float = 0.0
    heater_mW: float = 0.0


def is_driven(bound: Bound) -> bool:
    """True for a modulator: a device whose sheet says between which voltages it is driven."""
    return bound.model is not None and bool({"V_one", "V_zero", "V_swing"} & _said(bound).keys())


def drive_of(bound: Bound) -> Drive | None:
    """The levels that the sheet of a modulator gives, None for a device that is not driven between two levels.

    Raises:
        ModelError: a sheet with one level but not the other.
    """
    values = _said(bound)
    if "V_one" not in values and "V_zero" not in values:
        return None
    lacking = [name for name in ("V_one", "V_zero") if name not in values]
    if lacking:
        raise ModelError(
            f"sheet {bound.sheet.name} has no {lacking[0]} under `operating`; a modulator needs V_one and V_zero"
        )
    return Drive(values["V_one"], values["V_zero"], values.get("detuning_nm", 0.0))


def working_points(bound: Bound, channels_um: Real, port_in: str, port_out: str) -> tuple[tuple[Drive, ...], str]:
    """The operating point of a modulator that is no ring at every channel.

    Args:
        bound: the modulator.
        channels_um: um, shape (C,).
        port_in, port_out: where the light enters and leaves it.

    Returns:
        one drive a channel, and what has to be said about it (empty: nothing).

    Raises:
        ModelError: a model without the voltage or the heater that the sheet's drive needs, or one that passes the same
            light whatever the heater does.
    """
    given = drive_of(bound)
    if given is not None:
        return (given,) * channels_um.size, ""
    swing = _said(bound)["V_swing"]
    if not swing > 0:
        raise ModelError(f"sheet {bound.sheet.name} has V_swing = {swing:g} V, more than 0 needed; correct it")
    model = bound.model
    assert model is not None, "only a device with a model is driven"
    lacking = sorted({VOLTAGE, HEATER} - accepted(model.function))
    if lacking:
        raise ModelError(
            f"sheet {bound.sheet.name} gives V_swing, but its model {model.name} has no {', '.join(lacking)}; give "
            "V_one and V_zero, or another model"
        )
    low, high = bound.sheet.ranges.get(HEATER) or model.ranges.get(HEATER, (*REACH_MW, "mW"))[:2]
    heater = np.linspace(low, high, STEPS)
    evaluator = Evaluator(channels_um)

    def power(**operation: Real | float) -> Real:
        matrix = evaluator.matrix(bound.cell, model, {**bound.params, **operation})
        if (port_in, port_out) not in matrix:
            raise ModelError(f"{bound.cell}: model {model.name} passes nothing from {port_in} to {port_out}")
        return np.abs(matrix[port_in, port_out]) ** 2

    passed = np.broadcast_to(power(**{HEATER: heater[:, None], VOLTAGE: 0.0}), (STEPS, channels_um.size))
    most, least = passed.max(axis=0), passed.min(axis=0)
    if np.any(most - least < LEAST_CONTRAST * most):
        raise ModelError(
            f"{bound.cell}: from {port_in} to {port_out} it passes the same light whatever its heater does between "
            f"{low:g} and {high:g} mW; a swing needs an interferometer"
        )
    above = passed >= (most + least) / 2
    step = np.argmax(above[1:] != above[:-1], axis=0)
    columns = np.arange(channels_um.size)
    before, after = passed[step, columns], passed[step + 1, columns]
    share = ((most + least) / 2 - before) / (after - before)
    found = heater[step] + share * (heater[step + 1] - heater[step])
    up, down = (power(**{HEATER: found, VOLTAGE: side * swing}) for side in (1, -1))
    levels = np.where(np.broadcast_to(up >= down, channels_um.shape), swing, -swing)
    drives = tuple(Drive(float(v), -float(v), heater_mW=float(h)) for v, h in zip(levels, found, strict=True))
    rising = np.diff(passed, axis=0) > 0
    if np.any(np.all(rising, axis=0) | np.all(~rising, axis=0)):
        return drives, (
            f"{bound.cell}: its heater turns the phase by less than half a turn from {low:g} to {high:g} mW; its "
            "working point is the middle of what it reaches"
        )
    return drives, ""


def _said(bound: Bound) -> dict[str, float]:
    return {**bound.sheet.values, **bound.sheet.operating_values}

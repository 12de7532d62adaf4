"""What each error of a fibre array costs by itself, fibre by fibre: the derivative side of the tolerance analysis."""

from __future__ import annotations

import numpy as np

from cpo_pdk.attach.model import AXES, AttachModel, Errors
from cpo_pdk.attach.results import AxisSensitivity, Sensitivity
from cpo_pdk.models.sdict import Array

#: standard deviations that curves reach to
_SIGMAS = 5.0
#: error that they reach to at most, and where the sheet has none, in its unit
_REACH = {
    "x_um": 5.0,
    "y_um": 5.0,
    "z_um": 40.0,
    "roll_deg": 0.5,
    "pitch_deg": 5.0,
    "yaw_deg": 5.0,
    "pitch_error_um": 5.0,
    "run_out_um": 10.0,
    "core_um": 5.0,
    "mode_field_pct": 40.0,
}
_CURVE = 81
#: errors that a cost of 1 dB is looked for among, in reaches; then halved
_FURTHEST, _HALVINGS = 8.0, 40


def excess_for(model: AttachModel, name: str, values: Array) -> Array:
    """Loss beyond that of the mean gap when one error has these values and all others are zero, dB, shape (U, P).

    An error of each fibre (groove, core, mode field) is taken for all of them at once, off along the facet.
    """
    count, ports = len(values), len(model.facet.ports)
    none, each = np.zeros((count, 1)), np.zeros((count, 1, ports))
    body = {axis: none for axis in ("x_um", "y_um", "z_um", "roll_deg", "pitch_deg", "yaw_deg")}
    given = np.asarray(values, np.float64)[:, None]
    if name in body:
        errors = Errors({**body, name: given}, none, each, each, each + 1.0)
    elif name == "run_out_um":
        errors = Errors(body, given, each, each, each + 1.0)
    elif name == "mode_field_pct":
        errors = Errors(body, none, each, each, np.maximum(1 + given[..., None] / 100, 0.05) + each)
    else:
        errors = Errors(body, none, given[..., None] + each, each, each + 1.0)
    return model.loss_dB(model.stand(errors), errors.mode_field)[:, 0] - model.nominal_dB


def sensitivity(model: AttachModel) -> Sensitivity:
    """Loss at one unit and at one standard deviation, the error that costs 1 dB, and curves, of every error."""
    return Sensitivity(model.ports, model.facet.x_um, tuple(_axis(model, name) for name in AXES))


def _axis(model: AttachModel, name: str) -> AxisSensitivity:
    sigma = model.sigma[name]

    def worse(error: float) -> Array:
        return excess_for(model, name, np.array([error, -error])).max(0)

    reach = min(_REACH[name], _SIGMAS * sigma) if sigma > 0 else _REACH[name]
    grid = np.linspace(-reach, reach, _CURVE)
    low, high = 0.0, _FURTHEST * _REACH[name]
    found = None
    if worse(high).max() >= 1.0:
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if worse(middle).max() < 1.0 else (low, middle)
        found = high
    return AxisSensitivity(
        name=name,
        words=AXES[name],
        unit=name.rsplit("_", 1)[1].replace("pct", "%"),
        sigma=sigma,
        at_unit_dB=worse(1.0),
        at_sigma_dB=worse(sigma),
        for_1dB=found,
        curve=(grid, excess_for(model, name, grid)),
    )

"""S-matrices of devices that came out otherwise than drawn, for many samples at once.

`table_of` gives a table for one bound model; where the model's smooth quantities are known (see `ring_table`,
`smooth_table`) it is evaluated from polynomials, else the model itself is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.circuit.batch.checking import checked, smooth_error
from cpo_pdk.circuit.batch.deviations import (
    AXES,
    LENGTHS,
    RELATIVE,
    Complex,
    Real,
    axes_of,
    known,
    loss_modes,
    outside,
    own_default,
)
from cpo_pdk.circuit.batch.ring_table import RingTable, fit_ring
from cpo_pdk.circuit.batch.smooth_table import SmoothTable, fit_smooth
from cpo_pdk.circuit.binding import ModelLike, accepted
from cpo_pdk.errors import CpoError, ModelError, ParameterError

Pair = tuple[str, str]

#: a table that is further from its model than this (of an amplitude) is not used
ERROR_LIMIT = 1e-3


@dataclass(frozen=True)
class DirectTable:
    """A device computed by its model at every sample: exact, and slow.

    Attributes:
        name: of the device, for messages.
        model: name of the model.
        function: of the model.
        params: bound ones.
        axes: deviations that the model feels.
        reach: half of the range of each axis.
        losses: parameters of its propagation loss, TE then TM.
        error: largest difference from the model, per unit of amplitude.
    """

    name: str
    model: str
    function: Callable[..., Mapping[Pair, Complex]]
    params: dict[str, Any]
    axes: tuple[str, ...]
    reach: dict[str, float] = field(default_factory=dict)
    losses: tuple[dict[str, Any], ...] = ({}, {})
    error: float = 0.0

    def matrix(
        self,
        values: Mapping[str, ArrayLike],
        wl_um: ArrayLike,
        *,
        pairs: Collection[Pair] | None = None,
        **operation: ArrayLike,
    ) -> dict[Pair, Complex]:
        """S-matrix of every sample.

        Args:
            values: axis -> deviations, shape L (any, the samples first); nm, or relative. Axes that are left out are as
                drawn; those that the device doesn't feel are ignored.
            wl_um: um, shape (C,) or (*L, C).
            pairs: elements that are wanted; None: all.
            operation: how it is operated (`V`, `tuning_nm`, `heater_mW`): numbers, or arrays of shape L or (*L, C).

        Returns:
            (port in, port out) -> amplitude, shape (*L, C).

        Raises:
            ModelError: an unknown axis, or values that the model refuses.
        """
        known(values)
        wl = np.asarray(wl_um, np.float64)
        lead = np.broadcast_shapes(*(np.shape(v) for v in values.values()), wl.shape[:-1])
        params: dict[str, Any] = dict(self.params)
        for axis in self.axes:
            if axis not in values or (axis in RELATIVE and axis != "doping"):
                continue
            value = np.broadcast_to(np.asarray(values[axis], np.float64), lead)[..., None]
            if axis in LENGTHS:
                params[axis] = np.asarray(params.get(axis, 0.0)) + value
            else:
                params[axis] = np.asarray(params[axis]) * (1 + value)
        for key, value in operation.items():
            array = np.asarray(value, np.float64)
            params[key] = array[..., None] if array.ndim and array.ndim == len(lead) else array
        try:
            if "guide_loss" in values and "guide_loss" in self.axes:
                more = 1 + np.broadcast_to(np.asarray(values["guide_loss"], np.float64), lead)[..., None]
                found: dict[Pair, Complex] = {}
                for mode, said in enumerate(self.losses):
                    raw = (
                        self.function(wl, **params, **{})
                        if not said
                        else self.function(wl, **{**params, **{key: value * more for key, value in said.items()}})
                    )
                    found |= {p: v for p, v in raw.items() if any(port.endswith("@TM") for port in p) == bool(mode)}
            else:
                found = dict(self.function(wl, **params))
        except CpoError as error:
            raise ModelError(f"{self.name}: {error}") from error
        shape = (*lead, wl.shape[-1])
        kept = {pair: np.asarray(v, np.complex128) for pair, v in found.items() if pairs is None or pair in pairs}
        return {pair: np.broadcast_to(value, shape) for pair, value in kept.items()}

    def outside(self, values: Mapping[str, ArrayLike]) -> Real:
        """How many axes of each sample lie beyond the reach, shape L."""
        return outside(self.reach, values)


def table_of(
    name: str,
    model: ModelLike,
    params: Mapping[str, Any],
    channels_um: Real,
    reach: Mapping[str, float],
    *,
    levels: Sequence[float] = (0.0,),
) -> DirectTable | RingTable | SmoothTable:
    """Table of one device.

    Args:
        name: of the device, for messages.
        model, params: see `Bound`; what the device is operated with (voltage, heater) may be left out.
        channels_um: wavelengths that it will be asked at, or near to, um, shape (C,).
        reach: axis -> half of the range that is tabulated, nm or relative; see `AXES`.
        levels: voltages that it will be asked at, V.

    Raises:
        ModelError: an unknown axis, or one whose reach isn't positive; a model that refuses its parameters.
    """
    known(reach)
    for axis, half in reach.items():
        if not half > 0:
            raise ModelError(f"{name}: reach of {axis} is {half:g}, more than 0 needed; leave the axis out instead")
    direct = direct_table(name, model, params, reach)
    if not accepted(model.function):  # measured: nothing deviates, and curves between its points are its own
        return direct
    try:
        ring = getattr(model, "ring", None)
        if ring is not None:
            table = fit_ring(name, model, ring, params, channels_um, reach, levels)
            return checked(table, direct, model, params, channels_um)
        smooth = fit_smooth(name, model, params, channels_um, reach, levels)
        error = smooth_error(smooth, direct, channels_um)
    except ParameterError as problem:
        said = ", ".join(f"{axis} +/- {half:g}" for axis, half in reach.items() if axis in direct.axes)
        raise ModelError(f"{name}: {problem}; at the ends of {said}: ask for a smaller reach") from problem
    return replace(smooth, error=error) if error < ERROR_LIMIT else direct


def direct_table(name: str, model: ModelLike, params: Mapping[str, Any], reach: Mapping[str, float]) -> DirectTable:
    """The model itself, asked at every sample; arguments as `table_of`."""
    axes = axes_of(model)
    return DirectTable(
        name=name,
        model=model.name,
        function=model.function,
        params={**({"doping": own_default(model)["doping"]} if "doping" in axes else {}), **params},
        axes=axes,
        reach={axis: float(reach[axis]) for axis in AXES if axis in axes and axis in reach},
        losses=loss_modes(model, params),
    )

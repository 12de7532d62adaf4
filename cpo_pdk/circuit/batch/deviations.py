"""Deviations of devices from how they are drawn: the axes that device tables know, and how a model is given them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.circuit.binding import ModelLike, accepted
from cpo_pdk.errors import ModelError
from cpo_pdk.models.modes import knots_um
from cpo_pdk.tech.waveguides import cross_section

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]

#: nm: what silicon is wider, higher, and what the slab is thicker than drawn; parameters of the models
LENGTHS = ("dw", "dh", "dslab")
#: relative, 0 as drawn: doping, propagation loss, coupled power of the buses of a ring
RELATIVE = ("doping", "guide_loss", "coupling")
AXES = (*LENGTHS, *RELATIVE)
#: distance of the knots of a device that has many widths, nm
CLOSE_NM = 5.0
#: parameters of models that propagation loss stands in, and the cross-section whose loss they have by default
LOSSES = {"loss_dB_cm": "strip", "loss_rib_dB_cm": "rib"}


def axes_of(model: ModelLike, coupled: bool = False) -> tuple[str, ...]:
    """The axes that a model feels, in the order of `AXES`; `coupled`: it has buses whose coupling can deviate."""
    names = accepted(model.function)
    felt = {name for name in (*LENGTHS, "doping") if name in names}
    felt |= {"guide_loss"} if names & LOSSES.keys() else set()
    felt |= {"coupling"} if coupled else set()
    return tuple(name for name in AXES if name in felt)


def known(values: Mapping[str, Any]) -> None:
    """Refuse axes that there are not.

    Raises:
        ModelError: naming the axis.
    """
    stray = sorted(set(values) - set(AXES))
    if stray:
        raise ModelError(f"deviation {stray[0]!r} is none; there are {', '.join(AXES)}")


def loss_modes(model: ModelLike, params: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """What to give a model for its propagation loss to be said in numbers: one set of parameters a mode, TE then TM.

    A model that is not told its loss takes that of its cross-section, which differs between modes.
    """
    names = accepted(model.function) & LOSSES.keys()
    said: list[dict[str, Any]] = []
    for mode in ("TE", "TM"):
        found: dict[str, Any] = {}
        for name in names:
            section = cross_section(str(params.get("cross_section", LOSSES[name])))
            value = params.get(name, own_default(model).get(name))
            number = section.loss_dB_cm.get(mode, section.loss_dB_cm["TE"]).value if value is None else value
            found[name] = np.asarray(number, np.float64)
        said.append(found)
    return tuple(said)


def own_default(model: ModelLike) -> dict[str, Any]:
    """Defaults of a model's parameters."""
    parameters = inspect.signature(model.function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}


def knots_nm(model: ModelLike, params: Mapping[str, Any]) -> tuple[float, ...]:
    """Deviations of the width, nm, that take a device's core to a knot of the computed modes.

    A ring that is wider between its couplers passes many: it gets close ones.
    """
    if "width_wide" in params:
        return tuple(CLOSE_NM * k for k in range(-12, 13))
    width = params.get("width")
    if width is None:
        rib = params.get("cross_section") == "rib" or "junction" in accepted(model.function)
        width = cross_section("rib" if rib else "strip").width
    return tuple((knot - float(width)) * 1e3 for knot in knots_um())


def outside(reach: Mapping[str, float], values: Mapping[str, ArrayLike]) -> Real:
    """Number of deviations of each sample that lie beyond their reach."""
    lead = np.broadcast_shapes(*(np.shape(v) for v in values.values()))
    found = np.zeros(lead)
    for axis, value in values.items():
        if axis in reach:
            found = found + (np.abs(np.asarray(value)) > reach[axis] * (1 + 1e-9))
    return found


def given_values(
    values: Mapping[str, ArrayLike], wl_um: ArrayLike, *others: ArrayLike
) -> tuple[dict[str, Real], tuple[int, ...], Real]:
    """Deviations as arrays of one shape L, that shape, and the wavelengths.

    Args:
        values: axis -> deviations, shapes that broadcast to L.
        wl_um: um, shape (C,) or (*L, C).
        others: what else has shape L.

    Raises:
        ModelError: an unknown axis.
    """
    known(values)
    wl = np.asarray(wl_um, np.float64)
    arrays = {axis: np.asarray(value, np.float64) for axis, value in values.items()}
    lead = np.broadcast_shapes(*(a.shape for a in arrays.values()), wl.shape[:-1], *(np.shape(o) for o in others))
    return {axis: np.broadcast_to(array, lead) for axis, array in arrays.items()}, lead, wl


def spread(value: ArrayLike, lead: tuple[int, ...]) -> Real:
    """A number as it is; shape L as (*L, 1); shape (*L, C) as it is."""
    array = np.asarray(value, np.float64)
    return array[..., None] if array.ndim and array.ndim == len(lead) else array

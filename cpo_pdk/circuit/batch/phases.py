"""Elements of a device as amplitudes and optical paths, their phases made continuous.

A long guide turns the phase by many turns from one node of a table to the next. What as much strip, rib and slab would
do as explains how the phase moves with width, height, slab and wavelength is taken out first; the rest moves slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from cpo_pdk.circuit.batch.deviations import Complex, Real
from cpo_pdk.circuit.batch.polynomials import Axis
from cpo_pdk.models.waveguide import neff

Guide = tuple[str, str, float | None]

#: an amplitude below this is none
NOTHING = 1e-12
#: guides that phases are compared with: cross-section, mode, width (um) where it is not the one for routing: a slab
TE_GUIDES: tuple[Guide, ...] = (("strip", "TE", None), ("rib", "TE", None), ("strip", "TE", 1.2))
TM_GUIDES: tuple[Guide, ...] = (("strip", "TM", None), ("strip", "TM", 1.2))
#: steps that the slopes of the phase are taken over (nm; wl in um), and how much of each counts alike
STEPS = {"dw": (1e-3, 10.0), "dh": (1e-3, 10.0), "dslab": (1e-3, 10.0), "wl": (1e-7, 0.005)}
#: deviations at which elements are compared with each other, nm
PROBES = {"dw": (0.0, 3.3, -7.1), "dh": (0.0, -2.1, 3.7), "dslab": (0.0, 1.7, -4.2)}


def is_TM(key: Any) -> bool:
    """Whether an element begins or ends in a TM mode."""
    return isinstance(key, tuple) and any(port.endswith("@TM") for port in key)


class Elements:
    """The elements of a device at one voltage.

    Args:
        call: `(wl, {axis: deviations})` -> element -> amplitude.
        channels_um: um, shape (C,).
        axes: deviations that `call` takes.

    Attributes:
        keys: elements that differ from each other.
        entries: every element -> its number in `keys`, -1 for none.
    """

    def __init__(
        self,
        call: Callable[[Real, Mapping[str, Real]], Mapping[Any, Complex]],
        channels_um: Real,
        axes: Sequence[str],
    ) -> None:
        self.call = call
        self.axes = tuple(axes)
        self.middle = np.array([float(channels_um.mean())])
        looked = call(channels_um, {a: np.array(PROBES[a])[:, None] for a in PROBES if a in self.axes})
        self.entries: dict[Any, int] = {}
        self.keys: list[Any] = []
        distinct: list[Complex] = []
        for key, raw in looked.items():
            value = np.asarray(raw, np.complex128)
            if np.max(np.abs(value)) < NOTHING:
                self.entries[key] = -1
                continue
            equal = [
                is_TM(key) == is_TM(old) and np.array_equal(value, it)
                for it, old in zip(distinct, self.keys, strict=True)
            ]
            if any(equal):
                self.entries[key] = equal.index(True)
                continue
            self.entries[key] = len(distinct)
            distinct.append(value)
            self.keys.append(key)

    def functions(
        self, edges: Sequence[float], degree: int
    ) -> Callable[[Real, Mapping[str, Real], Sequence[Axis]], dict[str, Real]]:
        """Amplitudes `a0`, ... and paths `p0`, ... (um) at the nodes of some axes, see `Surface.fit`."""
        wave = Axis("wl", tuple(edges), degree)

        def at(wl: Real, given: Mapping[str, Real], axes: Sequence[Axis]) -> dict[str, Real]:
            whole = (*axes, wave)
            shape = tuple(axis.nodes.size for axis in whole)
            order = [np.argsort(axis.nodes.ravel()) for axis in whole]
            back = [np.argsort(o) for o in order]
            raw = self.call(wl, given)
            turns = {guide: _per_um(guide, wl, given) for guide in TE_GUIDES + TM_GUIDES}
            found: dict[str, Real] = {}
            rows = int(np.prod(shape[:-1], dtype=np.int64))
            for k, key in enumerate(self.keys):
                value = np.broadcast_to(np.asarray(raw[key], np.complex128), (rows, wl.size))
                explained = sum((um * turns[guide] for guide, um in self.lengths[key].items()), np.zeros(()))
                reference = np.broadcast_to(explained, value.shape)
                left = np.angle(value * np.exp(-1j * reference)).reshape(shape)[np.ix_(*order)]
                for axis in range(left.ndim - 1, -1, -1):
                    left = np.unwrap(left, axis=axis)
                found[f"a{k}"] = np.log(np.abs(value))
                found[f"p{k}"] = (reference + left[np.ix_(*back)].reshape(value.shape)) * wl / (2 * np.pi)
            return found

        return at

    @cached_property
    def lengths(self) -> dict[Any, dict[Guide, float]]:
        """Element -> um of each guide that explain how its phase moves."""
        base = self.call(self.middle, {})
        steps = {axis: pair for axis, pair in STEPS.items() if axis == "wl" or axis in self.axes}
        places = {
            axis: (self.middle + step, {}) if axis == "wl" else (self.middle, {axis: np.array([step])})
            for axis, (step, _) in steps.items()
        }
        moved = {axis: self.call(*place) for axis, place in places.items()}
        found: dict[Any, dict[Guide, float]] = {}
        for key in self.keys:
            guides = TM_GUIDES if is_TM(key) else TE_GUIDES
            slopes, columns = np.empty(len(steps)), np.empty((len(steps), len(guides)))
            for row, (axis, (step, weight)) in enumerate(steps.items()):
                turned = np.angle(_first(moved[axis][key]) / _first(base[key]))
                slopes[row] = turned / step * weight
                for column, guide in enumerate(guides):
                    change = _per_um(guide, *places[axis]) - _per_um(guide, self.middle, {})
                    columns[row, column] = float(change[0]) / step * weight
            lengths, *_ = np.linalg.lstsq(columns, slopes, rcond=1e-6)
            found[key] = {guide: float(um) for guide, um in zip(guides, lengths, strict=True)}
        return found


def _first(value: Any) -> complex:
    return complex(np.asarray(value).ravel()[0])


def _per_um(guide: Guide, wl: Real, given: Mapping[str, Real]) -> Real:
    """Phase of a micrometre of guide, rad; a slab has no width."""
    section, mode, width = guide
    felt = ("dh",) if width is not None else ("dw", "dh", "dslab")
    moved = {axis: value for axis, value in given.items() if axis in felt}
    return 2 * np.pi * neff(wl, width, cross_section=section, mode=mode, **moved) / wl

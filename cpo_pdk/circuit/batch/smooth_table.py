"""Devices without resonance that came out otherwise than drawn: amplitude and optical path as polynomials.

Every element of the S-matrix (of an interferometer, of its parts) is written as `exp(amplitude + 2 pi i path / wl)`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.circuit.batch.blocks import in_blocks
from cpo_pdk.circuit.batch.deviations import (
    AXES,
    LENGTHS,
    LOSSES,
    Complex,
    Real,
    given_values,
    knots_nm,
    loss_modes,
    outside,
    own_default,
    spread,
)
from cpo_pdk.circuit.batch.phases import Elements, is_TM
from cpo_pdk.circuit.batch.polynomials import Axis, Bases, Surface, wl_edges
from cpo_pdk.circuit.binding import ModelLike, accepted
from cpo_pdk.circuit.driving import HEATER, VOLTAGE
from cpo_pdk.errors import ModelError
from cpo_pdk.models.model import HeatedParts

Pair = tuple[str, str]

#: degree over each deviation in a piece; TM bends at the height as drawn
DEGREES = {"dw": 3, "dh": 3, "dslab": 2, "doping": 3}
#: degree over the wavelength; channels further apart than this (um) have a piece each
DEGREE_WL, APART_UM = 3, 0.005
#: what a line may lie off its channel, um
OFF_UM = 2e-3
#: of a model whose amplitude and path are in proportion to a length
IN_PROPORTION = "straight"


@dataclass(frozen=True)
class SmoothTable:
    """A device over its deviations. `matrix` and `outside` as `device_table.DirectTable`.

    Attributes:
        name, model: for messages.
        axes: deviations that are felt; `length` (um) for straight guides.
        reach: half of the range of each.
        levels: voltages that it can be asked at.
        surfaces: amplitudes `a0`, `a1`, ... and paths `p0`, `p1`, ...; one surface a level.
        entries: element (or part) -> number of amplitude and path; -1 for none.
        guide_dB: what propagation loss takes from each of them as drawn.
        heated: how parts become elements; None: they are the elements.
        turn_per_mW: of the heater, rad.
        heater_mW: as bound.
        length_um: as bound, of a straight guide.
        error: largest difference of an amplitude from the model's, at random points within the reach.
    """

    name: str
    model: str
    axes: tuple[str, ...]
    reach: dict[str, float]
    levels: tuple[float, ...]
    surfaces: tuple[Surface, ...]
    entries: dict[Any, int]
    guide_dB: tuple[float, ...]
    heated: HeatedParts | None = None
    turn_per_mW: float = 0.0
    heater_mW: float = 0.0
    length_um: float = 0.0
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
            values: axis -> deviations, shape L; `length` (um) of straight guides, where it is another than drawn.
            wl_um: um, shape (C,) or (*L, C).
            pairs: elements that are wanted; None: all.
            operation: `V` (one of the levels), `heater_mW`: numbers, or arrays of shape L or (*L, C).

        Raises:
            ModelError: an unknown axis or operation, a voltage that is none of the levels.
        """
        lengths = {} if "length" not in self.axes else {"length": values.get("length", self.length_um)}
        given, lead, wl = given_values({k: v for k, v in values.items() if k != "length"}, wl_um, *lengths.values())
        known = ({VOLTAGE} if len(self.levels) > 1 else set()) | ({HEATER} if self.heated else set())
        stray = sorted(operation.keys() - known)
        if stray:
            raise ModelError(f"{self.name}: model {self.model} is not operated by {stray[0]!r}")
        along = {VOLTAGE: np.zeros(()), HEATER: np.asarray(self.heater_mW), "factor": np.ones(())}
        along |= {key: spread(value, lead) for key, value in operation.items()}
        if lengths:
            along["factor"] = spread(lengths["length"], lead) / self.length_um

        def part(given: Mapping[str, Real], lead: tuple[int, ...], wl: Real, along: Mapping[str, Real]) -> Any:
            return self._matrix(given, lead, wl, along, pairs)

        return in_blocks(part, given, lead, wl, along)

    def _matrix(
        self,
        given: Mapping[str, Real],
        lead: tuple[int, ...],
        wl: Real,
        along: Mapping[str, Real],
        pairs: Collection[Pair] | None,
    ) -> Mapping[Pair, Complex]:
        wanted = None if pairs is None or self.heated is not None else pairs
        found: dict[Any, Complex] = {}
        for volt in np.unique(along[VOLTAGE]):
            near = [k for k, level in enumerate(self.levels) if abs(level - volt) < 1e-9]
            if not near:
                there = ", ".join(f"{level:g}" for level in self.levels)
                raise ModelError(f"{self.name}: V is {volt:g} V; tabulated are {there} V; ask for a table with it")
            at = self._entries(self.surfaces[near[0]], given, lead, wl, along["factor"], wanted)
            found = {k: np.where(along[VOLTAGE] == volt, v, found[k]) for k, v in at.items()} if found else at
        if self.heated is None:
            return found
        made = self.heated.response(found, along[HEATER] * self.turn_per_mW)
        return made if pairs is None else {pair: value for pair, value in made.items() if pair in pairs}

    def outside(self, values: Mapping[str, ArrayLike]) -> Real:
        """How many axes of each sample lie beyond the reach, shape L."""
        return outside(self.reach, values)

    def _entries(
        self,
        surface: Surface,
        given: Mapping[str, Real],
        lead: tuple[int, ...],
        wl: Real,
        factor: Real,
        wanted: Collection[Any] | None,
    ) -> dict[Any, Complex]:
        kept = {key: k for key, k in self.entries.items() if wanted is None or key in wanted}
        coefficients = surface.at(Bases(given, lead))
        more = given["guide_loss"][..., None] if "guide_loss" in given else None
        done: dict[int, Complex] = {-1: np.zeros((), np.complex128)}
        for k in set(kept.values()) - {-1}:
            log = surface.evaluate(coefficients[f"a{k}"], wl)
            if more is not None and self.guide_dB[k]:
                log = log - np.log(10) / 20 * self.guide_dB[k] * more
            path = surface.evaluate(coefficients[f"p{k}"], wl)
            made = np.exp(1j * (2 * np.pi * factor * path / wl))
            done[k] = made * np.exp(factor * log)
        return {key: done[k] for key, k in kept.items()}


def fit_smooth(
    name: str,
    model: ModelLike,
    params: Mapping[str, Any],
    channels_um: Real,
    reach: Mapping[str, float],
    levels: Sequence[float],
) -> SmoothTable:
    """Tabulate a device without resonance; arguments as `device_table.table_of`.

    Raises:
        ModelError: a phase that jumps from node to node.
    """
    names = accepted(model.function)
    heated: HeatedParts | None = getattr(model, "heated", None)
    full = {**own_default(model), **params}
    power = float(full.pop(HEATER, 0.0)) if heated else 0.0
    full.pop(VOLTAGE, None)
    function = heated.parts if heated else model.function
    low, high = float(channels_um.min()) - OFF_UM, float(channels_um.max()) + OFF_UM
    felt = tuple(a for a in AXES if a in reach and (a in names or (a == "guide_loss" and names & LOSSES.keys())))
    knots = {"dw": knots_nm(model, full), "dh": (0.0,)}
    axes = [Axis.of(a, reach[a], DEGREES[a], knots.get(a, ())) for a in felt if a in DEGREES]
    asked = tuple(dict.fromkeys((0.0, *map(float, levels)))) if VOLTAGE in names else (0.0,)

    def call(wl: Real, given: Mapping[str, Real], **more: Any) -> dict[Any, Complex]:
        made = {**full, **more}
        for axis, value in given.items():
            base = np.asarray(made.get(axis, 0.0), np.float64)
            made[axis] = base + value if axis in LENGTHS else base * (1 + value)
        return dict(function(wl, **made))

    drive = ({VOLTAGE: v} for v in asked) if VOLTAGE in names else ({} for _ in asked)
    lengths = tuple(axis for axis in LENGTHS if axis in names)
    runs = [Elements(lambda wl, given, d=d: call(wl, given, **d), channels_um, lengths) for d in drive]
    for run in runs[:-1]:  # arms that are alike at rest differ when driven
        run.keys, run.entries = runs[-1].keys, runs[-1].entries
    entries = runs[-1].entries
    edges, degree = wl_edges(low, high, *_windows(channels_um)), DEGREE_WL
    surfaces = tuple(Surface.fit(run.functions(edges, degree), axes, edges, degree) for run in runs)
    felt = tuple(a for a in felt if a not in DEGREES or any(a in surface.axes for surface in surfaces))
    return SmoothTable(
        name=name,
        model=model.name,
        axes=felt + (("length",) if model.name == IN_PROPORTION else ()),
        reach={a: float(reach[a]) for a in felt},
        levels=asked,
        surfaces=surfaces,
        entries=entries,
        guide_dB=_guide_dB(model, params, call, channels_um, entries)
        if "guide_loss" in felt
        else (0.0,) * len(runs[-1].keys),
        heated=heated,
        turn_per_mW=float(heated.turn(1.0, **full)) if heated else 0.0,
        heater_mW=power,
        length_um=float(full["length"]) if model.name == IN_PROPORTION else 0.0,
    )


def _windows(channels_um: Real) -> tuple[float, ...]:
    """Ends of the pieces of channels that lie far apart, um; what is between them nobody asks for."""
    if channels_um.size < 2 or np.min(np.diff(np.sort(channels_um))) < APART_UM:
        return ()
    return tuple(float(wl + side * OFF_UM) for wl in channels_um for side in (-1, 1))


def _guide_dB(
    model: ModelLike,
    params: Mapping[str, Any],
    call: Callable[..., Mapping[Any, Complex]],
    channels_um: Real,
    entries: Mapping[Any, int],
) -> tuple[float, ...]:
    """What propagation loss takes from each distinct element, dB, at the middle of the channels."""
    wl = np.array([channels_um.mean()])
    found = [0.0] * (max(entries.values()) + 1)
    for mode, said in enumerate(loss_modes(model, params)):
        once, twice = (call(wl, {}, **{key: share * value for key, value in said.items()}) for share in (1.0, 2.0))
        for key, k in entries.items():
            if k >= 0 and is_TM(key) == bool(mode):
                ratio = np.abs(np.asarray(twice[key]).ravel()[0] / np.asarray(once[key]).ravel()[0])
                found[k] = -20 * float(np.log10(ratio))
    return tuple(found)

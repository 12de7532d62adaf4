"""Rings that came out otherwise than drawn: their smooth terms tabulated, their response computed exactly.

Couplers, losses and the optical path once round are polynomials in the deviations (`polynomials`); the closed form of
`models.ring_response`, which the models use themselves, takes them to resonances and S-matrices.
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
    Complex,
    Real,
    given_values,
    knots_nm,
    outside,
    own_default,
    spread,
)
from cpo_pdk.circuit.batch.polynomials import Axis, Bases, Surface, wl_edges
from cpo_pdk.circuit.binding import ModelLike, accepted
from cpo_pdk.circuit.driving import HEATER, VOLTAGE
from cpo_pdk.errors import ModelError
from cpo_pdk.models.modes import band_start
from cpo_pdk.models.ring import shifted
from cpo_pdk.models.ring_response import RingTerms

Pair = tuple[str, str]

#: free spectral ranges below the lowest channel, and above the highest, in which resonances are found
BELOW, ABOVE = 2.2, 1.1
#: what a line may lie off its channel, um; and what a heater shifts at most, um
OFF_UM, SHIFT_UM = 2e-3, 0.022
#: degree over each deviation and over the wavelength, in a piece
DEGREES = {"dw": 3, "dh": 2, "dslab": 2, "doping": 3}
DEGREE_WL = 3
NEWTON_STEPS = 5


@dataclass(frozen=True)
class RingTable:
    """A ring over its deviations. `matrix` and `outside` as `device_table.DirectTable`.

    Attributes:
        name, model: for messages.
        axes: deviations that are felt.
        reach: half of the range of each.
        levels: voltages that it can be asked at.
        hot: all terms but the path, one surface a level.
        cold: the path.
        ring: how terms become a response.
        channels_um: um, shape (C,).
        rest: tuning_nm, heater_mW and heater_nm_mW as bound.
        low_um: where resonances begin, um.
        count: number of resonances.
        error: largest difference of an amplitude from the model's, at random points within the reach.
        error_pm: largest difference of a resonance.
    """

    name: str
    model: str
    axes: tuple[str, ...]
    reach: dict[str, float]
    levels: tuple[float, ...]
    hot: tuple[Surface, ...]
    cold: Surface
    ring: RingTerms
    channels_um: Real
    rest: dict[str, float]
    low_um: float
    count: int
    fsr_um: float
    error: float = 0.0
    error_pm: float = 0.0

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
            values: axis -> deviations, shape L; see `device_table`.
            wl_um: um, shape (C,) or (*L, C).
            pairs: elements that are wanted; None: all.
            operation: `V` (one of the levels), `tuning_nm`, `heater_mW` and what else moves the ring: numbers, or
                arrays of shape L or (*L, C).

        Raises:
            ModelError: an unknown axis or operation, a voltage that is none of the levels.
        """
        given, lead, wl = given_values(values, wl_um)
        stray = sorted(operation.keys() - {VOLTAGE, HEATER, "tuning_nm", "heater_nm_mW", self.ring.split})
        if stray:
            raise ModelError(f"{self.name}: a ring is not operated by {stray[0]!r}; there are V, tuning_nm, heater_mW")
        along = {key: np.asarray(value) for key, value in self.rest.items()} | {VOLTAGE: np.zeros(())}
        along |= {key: spread(value, lead) for key, value in operation.items()}

        def part(given: Mapping[str, Real], lead: tuple[int, ...], wl: Real, along: Mapping[str, Real]) -> Any:
            found = self._matrix(given, lead, wl, along)
            return found if pairs is None else {pair: value for pair, value in found.items() if pair in pairs}

        return in_blocks(part, given, lead, wl, along)

    def _matrix(
        self, given: Mapping[str, Real], lead: tuple[int, ...], wl: Real, along: Mapping[str, Real]
    ) -> Mapping[Pair, Complex]:
        bases = Bases(given, lead)
        terms = self._terms(given, bases, wl, along[VOLTAGE])
        shift = along["tuning_nm"] + along[HEATER] * along["heater_nm_mW"]
        shifts = (shift, shift + along[self.ring.split]) if self.ring.split else (shift,)
        path = self.cold.at(bases)["path_um"]
        rise = terms.get("rise_um", np.zeros(()))
        turns = tuple(self._turn(path, wl, red, rise) for red in shifts)
        coupling = spread(given["coupling"], lead) if "coupling" in given else 0.0
        return self.ring.response(wl, terms, turns, coupling)

    def resonances_nm(self, values: Mapping[str, ArrayLike]) -> Real:
        """Resonances without tuning and voltage, in nm, rising, shape (*L, K); of two rings the middles of their pairs.

        The first is the lowest above `low_um`, whichever order that is, so that all samples cover the same window.
        """
        given, lead, _ = given_values(values, self.channels_um)

        def part(given: Mapping[str, Real], lead: tuple[int, ...], _wl: Real, _: Mapping[str, Real]) -> Any:
            return {"nm": self._resonances_nm(given, lead)}

        return in_blocks(part, given, lead, np.zeros(self.count), {})["nm"]

    def _resonances_nm(self, given: Mapping[str, Real], lead: tuple[int, ...]) -> Real:
        bases = Bases(given, lead)
        path = self.cold.at(bases)["path_um"]
        red = self.rest[HEATER] * self.rest["heater_nm_mW"] + self.rest.get(self.ring.split, 0.0) / 2
        low = np.full((*(1 for _ in lead), 1), self.low_um - red * 1e-3)
        middle = np.array([self.channels_um.mean()])
        terms = self._terms(given, bases, middle, np.zeros(()))
        coupling = spread(given["coupling"], lead) if "coupling" in given else 0.0
        offset = np.where(self.ring.kept(terms, coupling) < 0, 0.5, 0.0)
        start = self.cold.evaluate(path, low) / low
        first = np.floor(start - offset + 1e-12)
        order = first + offset - np.arange(self.count)
        steps = start - order
        wl = low + self.fsr_um * steps
        for _ in range(NEWTON_STEPS):
            value, slope = self.cold.evaluate(path, wl), self.cold.slope(path, wl)
            # path / wl = order
            wl = wl - (value / wl - order) / (slope / wl - value / wl**2)
        return np.broadcast_to(wl * 1e3 + red, (*lead, self.count))

    def linewidth_nm(self, values: Mapping[str, ArrayLike], wl_um: float | None = None) -> Real:
        """Full width at half maximum of the ring's line at rest, in nm, shape L; of two rings, of either.

        Args:
            values: as `matrix`.
            wl_um: where; None: the middle of the channels.
        """
        given, lead, _ = given_values(values, self.channels_um)
        wl = np.array([float(self.channels_um.mean()) if wl_um is None else wl_um])
        bases = Bases(given, lead)
        terms = self._terms(given, bases, wl, np.zeros(()))
        coupling = spread(given["coupling"], lead) if "coupling" in given else 0.0
        kept = np.abs(self.ring.kept(terms, coupling)) * 10 ** (-(terms["guide_dB"] + terms["loss_dB"]) / 20)
        # Airy: 1 / |1 - kept exp(i turn)|^2 falls to half at this turn
        half = np.arccos(np.clip(1 - (1 - kept) ** 2 / (2 * kept), -1.0, 1.0))
        path = self.cold.at(bases)["path_um"]
        value, slope = self.cold.evaluate(path, wl), self.cold.slope(path, wl)
        per_um = 2 * np.pi * (value - wl * slope) / wl**2
        return np.broadcast_to((2 * half / per_um * 1e3)[..., 0], lead)

    def outside(self, values: Mapping[str, ArrayLike]) -> Real:
        """How many axes of each sample lie beyond the reach (there the end of the reach is taken), shape L."""
        return outside(self.reach, values)

    def _turn(self, path: Real, wl: Real, shift_nm: Real, rise: Real) -> Real:
        def phase(cold: Real) -> Real:
            return 2 * np.pi * (self.cold.evaluate(path, cold) + rise) / cold

        cold = wl - shift_nm * 1e-3
        return phase(cold) if np.min(cold) >= self.cold.edges_um[0] else shifted(phase, wl, shift_nm)

    def _terms(self, given: Mapping[str, Real], bases: Bases, wl: Real, volts: Real) -> dict[str, Real]:
        """All terms but the path at wavelengths, shape (*L, C)."""
        used = np.unique(volts)
        found: dict[str, Real] = {}
        for volt in used:
            near = [k for k, level in enumerate(self.levels) if abs(level - volt) < 1e-9]
            if not near:
                there = ", ".join(f"{level:g}" for level in self.levels)
                raise ModelError(f"{self.name}: V is {volt:g} V; tabulated are {there} V; ask for a table with it")
            surface = self.hot[near[0]]
            at = {name: surface.evaluate(c, wl) for name, c in surface.at(bases).items()}
            found = {name: np.where(volts == volt, v, found[name]) for name, v in at.items()} if found else at
        if "guide_loss" in given:
            more = np.maximum(1 + given["guide_loss"][..., None], 0.0)
            found |= {name: value * more for name, value in found.items() if name.endswith("guide_dB")}
        return found


def fit_ring(
    name: str,
    model: ModelLike,
    ring: RingTerms,
    params: Mapping[str, Any],
    channels_um: Real,
    reach: Mapping[str, float],
    levels: Sequence[float],
) -> RingTable:
    """Tabulate a ring; arguments as `device_table.table_of`."""
    names = accepted(model.function)
    full = {**own_default(model), **params}
    rest = {key: float(full.pop(key, 0.0)) for key in ("tuning_nm", HEATER, "heater_nm_mW", ring.split) if key}
    for key in (VOLTAGE,):
        full.pop(key, None)
    felt = tuple(a for a in AXES if a in reach and (a in names or a in ("guide_loss", "coupling")))
    knots = knots_nm(model, full)
    axes = [Axis.of(a, reach[a], DEGREES[a], knots if a == "dw" else ()) for a in felt if a in DEGREES]

    def wanted(function: Callable[..., Any], **more: Any) -> Callable[[Real, Mapping[str, Real]], Any]:
        def call(wl: Real, given: Mapping[str, Real], _axes: object = ()) -> Any:
            made = {**full, **more}
            for axis, value in given.items():
                base = np.asarray(made.get(axis, 0.0), np.float64)
                made[axis] = base + value if axis in LENGTHS else base * (1 + value)
            return function(wl, **made)

        return call

    low, high = float(channels_um.min()), float(channels_um.max())
    hot_edges = wl_edges(low - OFF_UM, high + OFF_UM)
    asked = (tuple(dict.fromkeys((0.0, *map(float, levels))))) if VOLTAGE in names else (0.0,)
    hot = tuple(
        Surface.fit(wanted(ring.terms, **({VOLTAGE: v} if VOLTAGE in names else {})), axes, hot_edges, DEGREE_WL)
        for v in asked
    )
    path = wanted(ring.path_um)
    at = np.array([low, low + 1e-4])
    value = np.broadcast_to(path(at, {}), at.shape)
    fsr = float(low**2 / (value[0] - low * (value[1] - value[0]) / 1e-4))
    start = float(band_start(low))
    bottom = max(low - BELOW * fsr, start + 1e-4)
    count = int(np.floor((high + ABOVE * fsr - bottom) / fsr)) + 1
    cold_edges = wl_edges(max(min(bottom, low - SHIFT_UM) - OFF_UM, start), high + (ABOVE + 1.3) * fsr)
    cold = Surface.fit(lambda wl, given, _: {"path_um": path(wl, given)}, axes, cold_edges, DEGREE_WL)
    return RingTable(
        name=name,
        model=model.name,
        axes=tuple(a for a in AXES if a in felt),
        reach={a: float(reach[a]) for a in felt},
        levels=asked,
        hot=hot,
        cold=cold,
        ring=ring,
        channels_um=np.asarray(channels_um, np.float64),
        rest=rest,
        low_um=bottom,
        count=count,
        fsr_um=fsr,
    )

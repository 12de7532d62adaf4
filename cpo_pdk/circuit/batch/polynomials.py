"""Smooth functions of deviations and wavelength, as Chebyshev polynomials in pieces.

The tables of computed modes are splines over the width and polynomials over height and wavelength (`models.modes`):
between two knots a low degree is exact, so the range of an axis is cut at its knots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike

from cpo_pdk.circuit.batch.deviations import Real
from cpo_pdk.models.modes import BEND_WL_UM

#: what counts as no dependence on an axis, relative to the largest value
FLAT = 1e-13


@dataclass(frozen=True)
class Axis:
    """The range of one deviation, cut into pieces.

    Attributes:
        name: of the deviation.
        edges: first to last, rising; pieces lie between them.
        degree: of the polynomial in a piece.
    """

    name: str
    edges: tuple[float, ...]
    degree: int

    @staticmethod
    def of(name: str, half: float, degree: int, knots: Sequence[float] = ()) -> Axis:
        """Axis from -half to half, cut at the knots between."""
        inside = [k for k in sorted(knots) if abs(k) < half * (1 - 1e-6)]
        return Axis(name, (-half, *inside, half), degree)

    @property
    def nodes(self) -> Real:
        """Chebyshev nodes of all pieces, shape (pieces, degree + 1)."""
        count = self.degree + 1
        unit = np.cos(np.pi * (np.arange(count) + 0.5) / count)
        low, high = np.array(self.edges[:-1])[:, None], np.array(self.edges[1:])[:, None]
        return (low + high) / 2 + (high - low) / 2 * unit

    def place(self, value: Real) -> tuple[Any, Real]:
        """Piece of each value and where in it, -1 to 1; beyond the range the end of it."""
        edges = np.asarray(self.edges)
        at = np.clip(value, edges[0], edges[-1])
        if edges.size == 2:
            return 0, (2 * at - edges[0] - edges[1]) / (edges[1] - edges[0])
        piece = np.searchsorted(edges[1:-1], at, side="right")
        low, high = edges[piece], edges[piece + 1]
        return piece, (2 * at - low - high) / (high - low)


def _to_coefficients(values: Real, axis: int) -> Real:
    """Values at Chebyshev nodes -> coefficients, along one axis."""
    count = values.shape[axis]
    unit = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    inverse = np.linalg.inv(chebyshev.chebvander(unit, count - 1))
    return np.moveaxis(np.tensordot(inverse, values, axes=(1, axis)), 0, axis)


@dataclass(frozen=True)
class Group:
    """Functions that depend on the same deviations.

    Attributes:
        names: of the functions.
        axes: deviations.
        coefficients: shape (pieces of all axes, basis functions, functions, pieces of wl, coefficients over wl), the
            last in rising powers.
        orders: coefficients over wl that each function has, the rest being zero.
    """

    names: tuple[str, ...]
    axes: tuple[Axis, ...]
    coefficients: Real
    orders: tuple[int, ...]

    def at(self, bases: Bases) -> Real:
        """Coefficients over the wavelength, shape (*L or (), functions, pieces of wl, coefficients)."""
        table = self.coefficients
        if not self.axes:
            return table[0, 0]
        flat = table.reshape(*table.shape[:2], -1)
        parts = bases.of(self.axes)
        if len(parts) == 1:
            (piece, _, basis), *_ = parts
            return (basis @ flat[piece]).reshape(*bases.lead, *table.shape[2:])
        out = np.empty((bases.rows, flat.shape[-1]))
        for piece, here, basis in parts:
            out[here] = basis @ flat[piece]
        return out.reshape(*bases.lead, *table.shape[2:])


class Bases:
    """Basis functions at the deviations of some samples; those of the same axes are computed once.

    Args:
        values: axis -> deviations, shape L.
        lead: shape L.
    """

    def __init__(self, values: Mapping[str, Real], lead: tuple[int, ...]) -> None:
        self.values = values
        self.lead = lead
        self.rows = int(np.prod(lead, dtype=np.int64))
        self._known: dict[tuple[Axis, ...], list[tuple[int, Any, Real]]] = {}

    def of(self, axes: tuple[Axis, ...]) -> list[tuple[int, Any, Real]]:
        """Number of a piece, which samples are in it, their basis functions (samples, functions); for all pieces."""
        if axes in self._known:
            return self._known[axes]
        number: Any = 0
        basis = np.ones((self.rows, 1))
        for axis in axes:
            value = np.broadcast_to(self.values.get(axis.name, np.zeros(())), self.lead).reshape(self.rows)
            piece, x = axis.place(value)
            number = number * (len(axis.edges) - 1) + piece
            along = _chebyshev(x, axis.degree)
            basis = (basis[:, :, None] * along[:, None, :]).reshape(self.rows, -1) if basis.shape[1] > 1 else along
        present = np.flatnonzero(np.bincount(number)) if np.ndim(number) else np.array([number])
        if present.size == 1:
            found: list[tuple[int, Any, Real]] = [(int(present[0]), slice(None), basis)]
        else:
            where = [np.flatnonzero(number == piece) for piece in present]
            found = [(int(piece), here, basis[here]) for piece, here in zip(present, where, strict=True)]
        self._known[axes] = found
        return found


def _chebyshev(x: Real, degree: int) -> Real:
    """Values of the Chebyshev polynomials up to a degree, shape (..., degree + 1)."""
    out = np.empty((*x.shape, degree + 1))
    out[..., 0] = 1.0
    if degree:
        out[..., 1] = x
    for k in range(2, degree + 1):
        out[..., k] = 2 * x * out[..., k - 1] - out[..., k - 2]
    return out


@dataclass(frozen=True)
class Surface:
    """Several functions of deviations and wavelength.

    Attributes:
        edges_um: first and last wavelength, and where pieces meet.
        groups: functions by what they depend on.
    """

    edges_um: tuple[float, ...]
    groups: tuple[Group, ...]

    @property
    def axes(self) -> frozenset[str]:
        """Deviations that a function depends on."""
        return frozenset(axis.name for group in self.groups for axis in group.axes)

    @staticmethod
    def fit(
        functions: Callable[..., Mapping[str, ArrayLike]],
        axes: Sequence[Axis],
        edges_um: Sequence[float],
        degree_wl: int,
    ) -> Surface:
        """Interpolate at the nodes.

        Args:
            functions: `(wl, {axis: deviations}, axes)` -> name -> values, at the tensor grid of the nodes of some axes;
                the deviations have shape (nodes, 1), wl (W,).
            axes: that they may depend on; each is kept by those that do.
            edges_um: ends of the pieces of wavelength, um.
            degree_wl: over the wavelength, in a piece.
        """
        wave = Axis("wl", tuple(edges_um), degree_wl)
        wl = wave.nodes.ravel()
        rng = np.random.default_rng(len(axes))
        aside = {a.name: np.full((1, 1), a.edges[-1] * rng.uniform(0.3, 0.7)) for a in axes}
        felt: dict[str, list[int]] = {}
        for number, axis in enumerate(axes):
            along = functions(wl, {**aside, axis.name: axis.nodes.reshape(-1, 1)}, (axis,))
            for name, raw in along.items():
                if _varies(np.broadcast_to(np.asarray(raw, np.float64), (axis.nodes.size, wl.size))):
                    felt.setdefault(name, []).append(number)
        names = functions(wl, {}, ()) if not axes else along
        sets: dict[tuple[int, ...], list[str]] = {}
        for name in names:
            sets.setdefault(tuple(felt.get(name, ())), []).append(name)
        groups = [_group(functions, [axes[k] for k in kept], members, wave) for kept, members in sets.items()]
        return Surface(tuple(edges_um), tuple(groups))

    def at(self, bases: Bases) -> dict[str, Real]:
        """Coefficients over the wavelength of every function, shape (*L or (), pieces, coefficients)."""
        found: dict[str, Real] = {}
        for group in self.groups:
            all_of = group.at(bases)
            found |= {
                name: all_of[..., k, :, :order]
                for k, (name, order) in enumerate(zip(group.names, group.orders, strict=True))
            }
        return found

    def evaluate(self, coefficients: Real, wl_um: Real) -> Real:
        """Values of one function at wavelengths, shape (*lead, C), from what `at` gave."""
        return self._sum(coefficients, wl_um, _horner)

    def slope(self, coefficients: Real, wl_um: Real) -> Real:
        """Derivative with the wavelength in 1/um, as `evaluate`."""
        return self._sum(coefficients, wl_um, _horner_slope)

    def _sum(self, coefficients: Real, wl_um: Real, rule: Callable[[Real, Real], Real]) -> Real:
        edges = np.asarray(self.edges_um)
        columns = wl_um.reshape(-1, wl_um.shape[-1])
        first, last = (np.searchsorted(edges[1:-1], at(columns, axis=0), side="right") for at in (np.min, np.max))
        low, half = edges[:-1], np.diff(edges) / 2

        def of(piece: int, part: Any = slice(None)) -> Real:
            x = (wl_um[..., part] - low[piece]) / half[piece] - 1
            value = rule(coefficients[..., piece, :], x)
            return value / half[piece] if rule is _horner_slope else value

        least, most = int(first.min()), int(last.max())
        if least == most:
            return of(least)
        if np.array_equal(first, last):  # each column is in a piece of its own
            out = np.empty(np.broadcast_shapes((*coefficients.shape[:-2], 1), wl_um.shape))
            for piece in np.unique(first):
                part = np.flatnonzero(first == piece)
                out[..., part] = of(int(piece), part)
            return out
        found = of(least)
        for piece in range(least + 1, most + 1):
            found = np.where(wl_um < low[piece], found, of(piece))
        return found


def _horner(coefficients: Real, x: Real) -> Real:
    found = coefficients[..., -1:]
    for k in range(coefficients.shape[-1] - 2, -1, -1):
        found = found * x + coefficients[..., k : k + 1]
    return found


def _horner_slope(coefficients: Real, x: Real) -> Real:
    degree = coefficients.shape[-1] - 1
    found = degree * coefficients[..., -1:]
    for k in range(degree - 1, 0, -1):
        found = found * x + k * coefficients[..., k : k + 1]
    return found


def _order(table: Real) -> int:
    """Number of leading powers of the wavelength that matter."""
    largest = np.max(np.abs(table), axis=tuple(range(table.ndim - 1)))
    return int(np.flatnonzero(largest > FLAT * largest.max())[-1]) + 1 if largest.max() > 0 else 1


def _varies(values: Real) -> bool:
    """Whether values differ along the first axis."""
    return bool(np.max(np.abs(values - values[:1])) > FLAT * np.max(np.abs(values)))


def _group(
    functions: Callable[..., Mapping[str, ArrayLike]], axes: Sequence[Axis], names: Sequence[str], wave: Axis
) -> Group:
    """Tabulate the functions that depend on the same axes."""
    nodes = [axis.nodes.ravel() for axis in axes]
    grid = np.meshgrid(*nodes, indexing="ij") if nodes else []
    given = {axis.name: at.reshape(-1, 1) for axis, at in zip(axes, grid, strict=True)}
    found = functions(wave.nodes.ravel(), given, tuple(axes))
    count = int(np.prod([n.size for n in nodes], dtype=np.int64))
    shape = (*(n for axis in axes for n in axis.nodes.shape), *wave.nodes.shape)
    tables = [
        _table(np.broadcast_to(np.asarray(found[n], np.float64), (count, wave.nodes.size)).reshape(shape), len(axes))
        for n in names
    ]
    return Group(tuple(names), tuple(axes), np.stack(tables, axis=2), tuple(_order(table) for table in tables))


def _table(full: Real, count: int) -> Real:
    """(piece, node, piece, node, ..., piece of wl, node) -> (pieces, basis, pieces of wl, powers of wl)."""
    for axis in range(count + 1):
        full = _to_coefficients(full, 2 * axis + 1)
    order = [*range(0, 2 * count, 2), *range(1, 2 * count, 2), 2 * count, 2 * count + 1]
    moved = np.transpose(full, order)
    pieces, basis = (int(np.prod(moved.shape[a:b], dtype=np.int64)) for a, b in ((0, count), (count, 2 * count)))
    flat = moved.reshape(pieces, basis, *moved.shape[2 * count :])
    degree = flat.shape[-1]
    return flat @ np.stack([_powers(k, degree) for k in range(degree)])


def _powers(k: int, count: int) -> Real:
    """Chebyshev polynomial k in rising powers, padded to `count`."""
    raw = chebyshev.cheb2poly([0.0] * k + [1.0])
    return np.asarray(np.pad(raw, (0, count - raw.size)), np.float64)


def wl_edges(low_um: float, high_um: float, *others_um: float) -> tuple[float, ...]:
    """A range of wavelengths, cut where the index of bends has a corner, and at others."""
    cuts = sorted({wl for wl in (*BEND_WL_UM, *others_um) if low_um + 1e-9 < wl < high_um - 1e-9})
    return (low_um, *cuts, high_um)

"""What each watt does: one solve a source, of which the planes with dies are kept, and temperatures from their sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cpo_pdk.thermal.floor_plan import FloorPlan, heat_of
from cpo_pdk.thermal.grid import Grid, Real
from cpo_pdk.thermal.layers import Stack
from cpo_pdk.thermal.painting import layer_at, plane_shares
from cpo_pdk.thermal.results import Response
from cpo_pdk.thermal.solving import Solver
from cpo_pdk.thermal.symmetry import Mirror, image_of, turned

#: probes of the ASIC's hot spots, at most
SPOTS = 400


@dataclass(frozen=True)
class Planes:
    """Layers of cells whose temperatures are kept.

    Attributes:
        layers: their numbers, rising.
        asic, substrate: number of the layer in which the ASIC's heat arises, and of the topmost of the substrate.
        pic, eic: the same of each engine's dies; an engine without an electronic die has none in `eic`.
    """

    layers: tuple[int, ...]
    asic: int
    substrate: int
    pic: dict[str, int]
    eic: dict[str, int]

    def row(self, layer: int) -> int:
        """Place of a layer among those kept."""
        return self.layers.index(layer)


@dataclass(frozen=True)
class Field:
    """Temperatures of the kept planes for one vector of heat, C, or their rise by one watt, K.

    Attributes:
        planes: shape (planes, ny, nx); NaN where nothing is.
        out_W: heat that leaves through the films.
        iterations: of the solver; 0 for a sum of others.
    """

    planes: Real
    out_W: float
    iterations: int = 0


def planes_of(stack: Stack, grid: Grid) -> Planes:
    """The layers that hold a heat source, and the top of the substrate."""
    pic = {engine.name: layer_at(grid, engine.pic_span) for engine in stack.engines}
    eic = {engine.name: layer_at(grid, engine.eic_span) for engine in stack.engines if engine.eic is not None}
    asic = layer_at(grid, stack.asic_span)
    substrate = layer_at(grid, (stack.floor - 2.0, stack.floor))
    return Planes(tuple(sorted({asic, substrate, *pic.values(), *eic.values()})), asic, substrate, pic, eic)


def base_field(solver: Solver, planes: Planes) -> Field:
    """Temperatures without heat: those of the fluids."""
    return solved(solver, planes, np.zeros(solver.conduction.grid.shape))


def solved(solver: Solver, planes: Planes, watts: Real) -> Field:
    """Temperatures for heat, W a cell."""
    T = solver.solve(watts)
    return Field(T[list(planes.layers)], solver.balance(T, watts).out_W, solver.iterations)


def source_fields(
    solver: Solver, planes: Planes, plan: FloorPlan, mirrors: Sequence[Mirror], say: Callable[[str], None]
) -> dict[str, Field]:
    """Rise by one watt at each source, K/W.

    Args:
        solver: of the package.
        planes: which layers are kept.
        plan: the sources.
        mirrors: that leave the package as it is: mirror images of sources are not solved again.
        say: told now and then.
    """
    found: dict[str, Field] = {}
    conduction = solver.conduction
    touched = conduction.film_W_K > 0
    solves = 0
    for source in plan.sources:
        if source.name in found:
            continue
        rise = solver.rise(heat_of(conduction.grid, source))
        out = float((rise[touched] * conduction.film_W_K[touched]).sum())
        found[source.name] = field = Field(rise[list(planes.layers)], out, solver.iterations)
        for mirror in mirrors:
            image = image_of(source, mirror, conduction.grid, plan.sources)
            if image is not None and image.name not in found:
                found[image.name] = Field(turned(field.planes, mirror), out, solver.iterations)
        solves += 1
        if solves % 16 == 0:
            say(f"heat: {len(found)} of {len(plan.sources)} sources")
    return {source.name: found[source.name] for source in plan.sources}


def superposed(base: Field, fields: Mapping[str, Field], watts: Mapping[str, float]) -> Field:
    """The sum of the rises of all sources on the base."""
    planes, out = base.planes.copy(), base.out_W
    for name, watt in watts.items():
        if watt:
            planes += watt * fields[name].planes
            out += watt * fields[name].out_W
    return Field(planes, out)


class Probes:
    """Temperatures that are asked for, as weights of the cells of the kept planes.

    Args:
        stack: bodies of the package.
        grid: cells.
        planes: which layers are kept.
        plan: for the rings.

    Attributes:
        names: of the probes.
        matrix: weights, shape (probes, planes x cells of a plane), CSR.
        on_asic: share of each column of cells that an ASIC covers, (ny, nx).
    """

    def __init__(self, stack: Stack, grid: Grid, planes: Planes, plan: FloorPlan) -> None:
        self.planes = planes
        self._shape = (len(planes.layers), *grid.shape[1:])
        self._rows: list[int] = []
        self._columns: list[int] = []
        self._weights: list[float] = []
        self.names: list[str] = []
        self._grid = grid
        on_asic = np.max([plane_shares(grid, box) for box in stack.asics], axis=0)
        self.on_asic: Real = on_asic
        dx, dy, _ = grid.widths
        area = dy[:, None] * dx
        self._mean("asic", planes.asic, on_asic * area)
        rows, columns = np.nonzero(on_asic > 0.5)
        step = max(1, -(-len(rows) // SPOTS))
        for number, (j, i) in enumerate(zip(rows[::step], columns[::step], strict=True)):
            self._put(f"asic@{number}", planes.asic, [j], [i], [1.0])
        for engine in stack.engines:
            self._mean(f"pic:{engine.name}", planes.pic[engine.name], plane_shares(grid, engine.pic) * area)
            if engine.eic is not None:
                self._mean(f"eic:{engine.name}", planes.eic[engine.name], plane_shares(grid, engine.eic) * area)
        boxes = {engine.name: plane_shares(grid, engine.pic) > 0.5 for engine in stack.engines}
        for path, (engine, x, y) in plan.rings.items():
            self._point(f"ring:{path}", planes.pic[engine], boxes[engine], x, y)
        size = int(np.prod(self._shape))
        self.matrix = sparse.csr_array((self._weights, (self._rows, self._columns)), shape=(len(self.names), size))

    def of(self, field: Field) -> Real:
        """Values of all probes, C (or K/W of a source's field)."""
        return np.asarray(self.matrix @ np.nan_to_num(field.planes).ravel())

    def _put(self, name: str, layer: int, rows: list[int], columns: list[int], weights: list[float]) -> None:
        number = len(self.names)
        self.names.append(name)
        _, ny, nx = self._shape
        at = self.planes.row(layer) * ny * nx
        self._rows += [number] * len(rows)
        self._columns += [at + j * nx + i for j, i in zip(rows, columns, strict=True)]
        self._weights += weights

    def _mean(self, name: str, layer: int, weights: Real) -> None:
        rows, columns = np.nonzero(weights)
        shares = weights[rows, columns] / weights.sum()
        self._put(name, layer, rows.tolist(), columns.tolist(), shares.tolist())

    def _point(self, name: str, layer: int, die: NDArray[np.bool_], x: float, y: float) -> None:
        """Linear between the middles of the die's cells, flat beyond the outermost."""
        rows, columns = np.flatnonzero(die.any(axis=1)), np.flatnonzero(die.any(axis=0))
        cx, cy, _ = self._grid.centres
        (j0, j1, v), (i0, i1, u) = _between(cy[rows], y), _between(cx[columns], x)
        j0, j1, i0, i1 = int(rows[j0]), int(rows[j1]), int(columns[i0]), int(columns[i1])
        self._put(name, layer, [j0, j0, j1, j1], [i0, i1, i0, i1], [(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u])


def _between(centres: Real, at: float) -> tuple[int, int, float]:
    """Two neighbouring centres and the share of the second one."""
    if len(centres) == 1 or at <= centres[0]:
        return 0, 0, 0.0
    if at >= centres[-1]:
        return len(centres) - 1, len(centres) - 1, 0.0
    i = int(np.searchsorted(centres, at, side="right")) - 1
    return i, i + 1, float((at - centres[i]) / (centres[i + 1] - centres[i]))


def response_of(probes: Probes, base: Field, fields: Mapping[str, Field], seconds: float) -> Response:
    """The matrix of all sources and probes."""
    columns = [probes.of(field) for field in fields.values()]
    return Response(tuple(fields), tuple(probes.names), np.stack(columns, axis=1), probes.of(base), seconds)

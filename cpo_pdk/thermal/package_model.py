"""The heat of a whole package: bodies from layout and spec, a grid, one solve a source, temperatures of every ring.

Left out, and why: the fibres and connectors (they carry next to no heat), radiation (2 K for a bare board), the flow of
the coolant along the plate (it is equally cold everywhere), and what depends on temperature: silicon conducts 20 % less
at 110 C than at 60 C. The local rise of a ring by its own heater is the business of `near_heater`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from cpo_pdk.errors import LayoutError
from cpo_pdk.handover.parts import Package
from cpo_pdk.spec import PackageSpec
from cpo_pdk.tech.thermal_materials import thermal_table
from cpo_pdk.thermal.conduction import Conduction, Film
from cpo_pdk.thermal.floor_plan import FloorPlan, RingPlaces, floor_plan, heat_of
from cpo_pdk.thermal.grid_lines import grid_of
from cpo_pdk.thermal.layers import Rect, Stack, stack_of
from cpo_pdk.thermal.load_step import stepped
from cpo_pdk.thermal.maps import temperatures_of
from cpo_pdk.thermal.painting import painted, plane_shares
from cpo_pdk.thermal.response import (
    Field,
    Probes,
    base_field,
    planes_of,
    response_of,
    solved,
    source_fields,
    superposed,
)
from cpo_pdk.thermal.results import Response, Temperatures, Transient
from cpo_pdk.thermal.solving import Solver
from cpo_pdk.thermal.symmetry import mirrors_of

#: cells where nothing else is said: engines within 1.5 % of their rise on finer grids
CELLS = 120_000
#: cells for a step in time, which takes as much work as a hundred steady states
STEP_CELLS = 40_000
#: iterations of the first solve beyond which the other multigrid is prepared, which takes 9 longer ones
SLOW = 15

Watts = Mapping[str, float]
"""Place of an energy ledger -> heat, W; see `FloorPlan.places`."""


def model_of(
    package: Package,
    spec: PackageSpec,
    rings: RingPlaces | None = None,
    *,
    cells: int = CELLS,
    say: Callable[[str], None] = lambda _line: None,
) -> PackageHeat:
    """The heat model of a package.

    Args:
        package: as read from its layout: where dies, substrate, lid and plate are.
        spec: of the same package: what cools it, where the ASIC's heat arises, what parts conduct.
        rings: path of each ring's instance -> path of its engine, x, y in the package, um.
        cells: about how many.
        say: told what takes time.

    Raises:
        LayoutError: no ASIC, engine or substrate; an engine on the ASIC or beside what carries it; a ring beside its
            engine; a power map beside the die.
        ParameterError: `cells` out of range.
    """
    stack = stack_of(package, spec)
    _same_asic(package, stack, spec)
    _engines_in_place(package, stack)
    return PackageHeat(stack, spec, floor_plan(stack, spec, rings or {}), cells, say)


class PackageHeat:
    """Heat of one package; made by `model_of`. Everything is linear in the watts.

    Attributes:
        spec: the package.
        stack: its bodies.
        plan: its sources and rings.
        grid: cells.
        conduction: the system.
    """

    def __init__(
        self, stack: Stack, spec: PackageSpec, plan: FloorPlan, cells: int, say: Callable[[str], None]
    ) -> None:
        self.stack, self.spec, self.plan = stack, spec, plan
        self._say = say
        self.grid = grid_of(stack, cells)
        paint = painted(self.grid, stack.bodies)
        self.conduction = Conduction(
            self.grid,
            (paint.lateral, paint.lateral, paint.vertical),
            self._films(),
            capacity_J_m3K=paint.capacity,
            void=paint.void,
        )
        self._mirrors = mirrors_of(self.grid, paint, self.conduction)
        self.cells = self.grid.cells - int(paint.void.sum())
        self.planes = planes_of(stack, self.grid)
        self.probes = Probes(stack, self.grid, self.planes, plan)
        self._fields: dict[str, Field] | None = None
        self._response: Response | None = None

    @property
    def engines(self) -> tuple[str, ...]:
        """Paths of all placed engines, spares too."""
        return tuple(self.plan.engines)

    @property
    def sources(self) -> tuple[str, ...]:
        """Places where heat can arise."""
        return tuple(source.name for source in self.plan.sources)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What had to be assumed, one line each."""
        return self.stack.warnings

    def places(self, watts: Watts) -> dict[str, float]:
        """Watts by source; see `FloorPlan.places`."""
        return self.plan.places(watts)

    def response(self) -> Response:
        """Temperatures as a linear function of the watts; solved once."""
        if self._response is None:
            base, solver = self._base, self._fitting_solver
            before = solver.solve_s
            self._fields = source_fields(solver, self.planes, self.plan, self._mirrors, self._say)
            seconds = solver.setup_s + solver.solve_s - before
            self._response = response_of(self.probes, base, self._fields, seconds)
        return self._response

    def temperatures(self, watts: Watts) -> Temperatures:
        """Temperatures and maps of a state; from the response where that is there, else by one solve.

        Spare engines, in which no heat arises, are on the maps, but not among the engines: they are cool, and would
        count in the spread.

        Args:
            watts: of a ledger, by place.

        Raises:
            ModelError: a place that the package has not, or no answer of the solver.
        """
        by_source = self.places(watts)
        if self._fields is not None:
            field = superposed(self._base, self._fields, by_source)
        else:
            field = solved(self._solver, self.planes, self.heat(by_source))
        lasers = {place.removeprefix("els:"): self.spec.thermal.laser_case_C for place in watts if place[:4] == "els:"}
        found = temperatures_of(
            self.stack,
            self.grid,
            self.planes,
            self.probes,
            field,
            in_W=float(sum(by_source.values())),
            cells=self.cells,
            lasers_C=lasers,
        )
        working = {source.partition(":")[2] for source, watt in by_source.items() if watt} & set(self.engines)
        if not working:
            return found
        return replace(
            found,
            engines_C={name: value for name, value in found.engines_C.items() if name in working},
            engines_max_C={name: value for name, value in found.engines_max_C.items() if name in working},
        )

    def load_step(
        self,
        idle: Watts,
        full: Watts,
        nm_per_K: float | Mapping[str, float],
        control_Hz: float,
    ) -> Transient:
        """The ASIC's power goes from idle to full at once; everything else, heaters too, stays as it was at idle.

        Followed on a grid of about `STEP_CELLS`; rises and their speed are those of a finer one to some percent.

        Args:
            idle, full: of the two ledgers, by place; of `full` only the ASIC's places count.
            nm_per_K: shift of a ring's resonances with temperature, of all or by path.
            control_Hz: bandwidth of the loops that hold the rings.

        Raises:
            ParameterError: a bandwidth that is not above 0.
            ModelError: a place that the package has not, or no answer of the solver.
        """
        if self.grid.cells > 2 * STEP_CELLS:
            coarse = PackageHeat(self.stack, self.spec, self.plan, STEP_CELLS, self._say)
            return coarse.load_step(idle, full, nm_per_K, control_Hz)
        before, after = self.places(idle), self.places(full)
        step = {name: after[name] if name in self.plan.asic_shares else before[name] for name in before}
        drift = nm_per_K if isinstance(nm_per_K, Mapping) else dict.fromkeys(self.plan.rings, nm_per_K)
        start = self._solver.solve(self.heat(before))
        return stepped(self.conduction, self.probes, start, self.heat(step), drift, control_Hz)

    def heat(self, by_source: Watts) -> np.ndarray:
        """W a cell, (nz, ny, nx), of watts by source."""
        cells = np.zeros(self.grid.shape)
        for source in self.plan.sources:
            if by_source.get(source.name):
                cells += heat_of(self.grid, source, by_source[source.name])
        return cells

    @cached_property
    def _solver(self) -> Solver:
        self._say(f"heat: {self.cells} cells, {len(self.plan.sources)} sources")
        return Solver(self.conduction)

    @cached_property
    def _fitting_solver(self) -> Solver:
        """What needs least for many solves: the multigrid for layered stacks is slow where small dies stand apart."""
        return self._solver if self._base.iterations <= SLOW else Solver(self.conduction, method="ruge_stuben")

    @cached_property
    def _base(self) -> Field:
        return base_field(self._solver, self.planes)

    def _films(self) -> list[Film]:
        """Coolant on the base, air on everything else."""
        thermal = self.spec.thermal
        htc = thermal.htc_W_m2K or thermal_table().films[thermal.kind]
        cooled = plane_shares(self.grid, self.stack.base) > 0.5
        air = [
            Film(face, thermal.air_htc_W_m2K, thermal.air_C)
            for face in ("bottom", "west", "east", "south", "north", "void")
        ]
        return [*air, Film("top", htc, thermal.coolant_C, mask=cooled)]


def _same_asic(package: Package, stack: Stack, spec: PackageSpec) -> None:
    """The layout and the spec mean the same ASIC, to a hundredth of a millimetre, on either side."""
    left, low, right, high = stack.asics[0]
    drawn, asked = (right - left, high - low), [1e3 * side for side in spec.asic.size_mm]
    if len(stack.asics) == 1 and any(abs(a - b) > 10 for a, b in zip(drawn, asked, strict=True)):
        raise LayoutError(
            f"{package.name}: the ASIC is drawn as {drawn[0] / 1e3:g} x {drawn[1] / 1e3:g} mm, the spec has "
            f"{asked[0] / 1e3:g} x {asked[1] / 1e3:g} mm; give the spec that the layout was drawn from"
        )


def _engines_in_place(package: Package, stack: Stack) -> None:
    """Every engine lies on the substrate, an interposer or a sub-assembly, and on no ASIC: elsewhere it has no heat."""
    for engine in stack.engines:
        at = f"{package.name}: {engine.name} lies"
        if any(_shared_um(engine.pic, asic) > 1.0 for asic in stack.asics):
            raise LayoutError(f"{at} on the ASIC; move it beside it, cpo check says where dies touch")
        if not any(_shared_um(engine.pic, below) > 0 for below in (stack.substrate, *stack.carriers)):
            raise LayoutError(f"{at} beside the substrate; move it onto it, or use the layout as it was built")


def _shared_um(a: Rect, b: Rect) -> float:
    """The shorter side of what two outlines share, um; 0 or less where they share nothing."""
    return min(min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1]))

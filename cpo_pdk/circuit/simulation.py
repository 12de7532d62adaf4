"""From a layout file to lanes: loss by item, crosstalk, spectra. Equal engines are solved once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.circuit.binding import Bound, ModelLike, SheetLike, bind, range_warnings
from cpo_pdk.circuit.conditions import EngineCondition
from cpo_pdk.circuit.engine_lanes import EngineSolution, EngineSolver
from cpo_pdk.circuit.evaluation import Evaluator, structure_of
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.facts import placed_ring, placed_trimmer
from cpo_pdk.circuit.fibre_chains import ChainFinder
from cpo_pdk.circuit.flattening import flatten
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.leaves import CONNECTOR, ENGINE, leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.placed_engines import PlacedEngine, channels_of, engines_of, in_use
from cpo_pdk.circuit.placed_lanes import PlacedLanes
from cpo_pdk.circuit.results import DeviceFacts, Lane, RingFacts, SimulationResult, Spectrum, TrimmerFacts
from cpo_pdk.circuit.solver import Complex, compile_circuit
from cpo_pdk.errors import LayoutError, ModelError

#: problems of the netlist that are repeated as warnings
SHOWN_PROBLEMS = 20
#: most wavelengths in a spectrum
POINTS_LIMIT = 200_000


def _library(
    sheets: Mapping[str, SheetLike] | None, models: Mapping[str, ModelLike] | None
) -> tuple[Mapping[str, SheetLike], Mapping[str, ModelLike]]:
    """The given sheets and models, or those that ship."""
    if sheets is None:
        from cpo_pdk.spec import load_sheets

        sheets = cast(Mapping[str, SheetLike], load_sheets())
    if models is None:
        from cpo_pdk.models import MODELS

        models = cast(Mapping[str, ModelLike], MODELS)
    return sheets, models


def _layout(file: str | Path | LayoutFile) -> LayoutFile:
    return file if isinstance(file, LayoutFile) else read_layout(file)


def _problem_lines(netlists: Netlists) -> list[str]:
    problems = netlists.problems
    lines = [f"{p.cell} at ({p.x:g}, {p.y:g}): {p.message}" for p in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"{len(problems) - SHOWN_PROBLEMS} more problems in the netlist")
    return lines


def _engines(netlists: Netlists, file: LayoutFile) -> list[PlacedEngine]:
    found = engines_of(netlists)
    if not found:
        top = netlists.cells[netlists.top]
        what = f"top cell {top.name!r}" + (f" (function {top.function!r})" if top.function else "")
        raise LayoutError(
            f"{file.path}: {what} holds no engine, 1 needed for lanes; place a cell of function 'engine', "
            "or ask for the S-parameters of the cell"
        )
    return found


def _grid(
    channels: Sequence[NDArray[np.float64]],
    points: int,
    span_um: tuple[float, float] | None,
    held_um: tuple[float, float],
) -> NDArray[np.float64]:
    """Wavelengths of the spectra; one spacing beyond the channels at either side, as far as the sheets hold."""
    if not 2 <= points <= POINTS_LIMIT:
        raise LayoutError(f"points = {points}, 2 to {POINTS_LIMIT} allowed; give another number")
    if span_um is None:
        low, high = min(float(c.min()) for c in channels), max(float(c.max()) for c in channels)
        count = max(c.size for c in channels)
        margin = (high - low) / (count - 1) if count > 1 else 0.002
        span_um = (low - margin, high + margin)
        if held_um[0] < held_um[1]:
            span_um = (max(span_um[0], min(low, held_um[0])), min(span_um[1], max(high, held_um[1])))
    low, high = span_um
    if not 0.5 < low < high < 3.0:
        raise LayoutError(f"span = {low:g} to {high:g} um, rising and within 0.5 to 3 um needed; give it in um")
    return np.linspace(low, high, points)


def _held(bounds: Iterable[Mapping[str, Bound]]) -> tuple[float, float]:
    """Wavelengths that all sheets with a model hold for, um."""
    ranges = [entry.sheet.wl_range_um for bound in bounds for entry in bound.values() if entry.model is not None]
    return max((low for low, _ in ranges), default=0.0), min((high for _, high in ranges), default=np.inf)


class Simulator:
    """A layout that is asked for its lanes, once as drawn, then under as many conditions as wanted.

    Args:
        file: GDS or OASIS, or one that was read already.
        sheets, models: by name; those that ship when None.
        netlists: of the file, when extracted already with the functions of the sheets as leaves.

    Raises:
        LayoutError: the file can't be read, or holds no engine or one without ports or channels.
        ModelError: a cell without a model, a model out of bounds, light that reaches nothing.
    """

    def __init__(
        self,
        file: str | Path | LayoutFile,
        sheets: Mapping[str, SheetLike] | None = None,
        models: Mapping[str, ModelLike] | None = None,
        netlists: Netlists | None = None,
    ) -> None:
        self.file = file = _layout(file)
        sheets, models = _library(sheets, models)
        self.netlists = netlists = netlists if netlists is not None else extract(file, leaf_factories(sheets))
        self.placed = _engines(netlists, file)
        outer = flatten(netlists, netlists.top, stop=(ENGINE,))
        self.engines = in_use(self.placed, outer)
        self.warnings = [*file.warnings, *_problem_lines(netlists)]
        kinds = sorted({engine.cell for engine in self.engines})
        self.channels = {cell: channels_of(netlists.cells[cell], file) for cell in kinds}
        circuits = {cell: flatten(netlists, cell) for cell in kinds}
        self.bounds = {cell: bind(netlists, circuits[cell], sheets, models) for cell in kinds}
        self.solvers = {
            cell: EngineSolver(circuits[cell], self.bounds[cell], self.channels[cell], netlists) for cell in kinds
        }
        alone = netlists.cells[netlists.top].function == ENGINE
        outer_bound = {} if alone else bind(netlists, outer, sheets, models, skip=(ENGINE, CONNECTOR))
        if not alone:
            self.outer_warnings = range_warnings(outer, outer_bound, np.concatenate(list(self.channels.values())))
        else:
            self.outer_warnings = []
        self.finders = {cell: ChainFinder(netlists, outer, outer_bound, self.channels[cell]) for cell in kinds}
        self.lanes = {
            engine.name: PlacedLanes(engine, None if alone else self.finders[engine.cell]) for engine in self.engines
        }

    def as_drawn(self, points: int = 1001, span_um: tuple[float, float] | None = None) -> SimulationResult:
        """Every device at the temperature that it is drawn for; arguments as `simulate`."""
        grid = _grid(list(self.channels.values()), points, span_um, _held(self.bounds.values()))
        solved = {cell: solver.as_drawn(grid) for cell, solver in self.solvers.items()}
        result = self._result({engine.name: solved[engine.cell] for engine in self.engines})
        first = self.engines[0]
        spectra = _spectra(first.name, solved[first.cell], self.channels[first.cell])
        return replace(result, spectra=tuple(spectra))

    def under(self, conditions: Mapping[str, EngineCondition]) -> SimulationResult:
        """Engines at work; no spectra.

        Args:
            conditions: by name of the engine; one that is not named is as drawn.

        Raises:
            ModelError: an engine or a device that there is not, a device that can't be computed there.
        """
        known = [engine.name for engine in self.placed]
        stray = sorted(conditions.keys() - set(known))
        if stray:
            raise ModelError(f"condition for engine {stray[0]!r}, which is not placed; there are {', '.join(known)}")
        rest = EngineCondition()
        solved: dict[str, EngineSolution] = {}
        for engine in self.engines:
            try:
                solved[engine.name] = self.solvers[engine.cell].under(conditions.get(engine.name, rest))
            except ModelError as error:
                raise ModelError(f"{engine.name}: {error}") from error
        return self._result(solved)

    @cached_property
    def rings(self) -> tuple[RingFacts, ...]:
        """All rings on a bus, as drawn."""
        return tuple(
            placed_ring(ring, engine, self.lanes[engine.name].prefix)
            for engine in self.engines
            for ring in self.solvers[engine.cell].rings
        )

    @cached_property
    def trimmers(self) -> tuple[TrimmerFacts, ...]:
        """All heaters of interferometers, as drawn."""
        return tuple(
            placed_trimmer(trimmer, engine, self.lanes[engine.name].prefix)
            for engine in self.engines
            for trimmer in self.solvers[engine.cell].trimmers
        )

    def _result(self, solved: Mapping[str, EngineSolution]) -> SimulationResult:
        """Lanes and facts of all engines, each with its solution."""
        lanes: list[Lane] = []
        matrices: dict[tuple[str, int], NDArray[np.float64]] = {}
        trims: dict[str, float] = {}
        devices: dict[str, DeviceFacts] = {}
        for engine in self.engines:
            solution, maker = solved[engine.name], self.lanes[engine.name]
            lanes += [maker.lane(lane) for lane in solution.lanes]
            matrices |= {(engine.name, port): matrix for port, matrix in solution.crosstalk.items()}
            trims |= {maker.path(path): power for path, power in solution.trims.items()}
            devices |= {maker.path(path): device for path, device in solution.devices.items()}
        warnings = list(self.warnings)
        for solution in {id(solution): solution for solution in solved.values()}.values():
            warnings += solution.warnings
        counts = _counts(self.netlists, self.engines, solved)
        counts["spares"] = len(self.placed) - len(self.engines)
        counts["model_evaluations"] += sum(finder.evaluator.distinct for finder in self.finders.values())
        return SimulationResult(
            lanes=tuple(lanes),
            spectra=(),
            crosstalk=matrices,
            modulator=solved[self.engines[0].name].modulator,
            warnings=tuple(dict.fromkeys([*warnings, *self.outer_warnings])),
            counts=counts,
            rings=self.rings,
            trimmers=self.trimmers,
            trims=trims,
            devices=devices,
        )


def simulate(
    file: str | Path | LayoutFile,
    sheets: Mapping[str, SheetLike] | None = None,
    models: Mapping[str, ModelLike] | None = None,
    *,
    points: int = 1001,
    span_um: tuple[float, float] | None = None,
    netlists: Netlists | None = None,
    conditions: Mapping[str, EngineCondition] | None = None,
) -> SimulationResult:
    """Loss and crosstalk of every lane of a package or an engine. To ask under several conditions: `Simulator`.

    Args:
        file: GDS or OASIS, or one that was read already.
        sheets, models: by name; those that ship when None.
        points: wavelengths of a spectrum.
        span_um: first and last of them, um; when None, the channels and one spacing on either side, as far as the
            sheets hold.
        netlists: of the file, when extracted already with the functions of the sheets as leaves.
        conditions: what the engines work under, by name; as drawn, and with spectra, when None.

    Raises:
        LayoutError: the file can't be read, or holds no engine or one without ports or channels.
        ModelError: a cell without a model, a model out of bounds, light that reaches nothing; conditions of an engine
            or a device that there is not.
    """
    simulator = Simulator(file, sheets, models, netlists)
    return simulator.as_drawn(points, span_um) if conditions is None else simulator.under(conditions)


def _spectra(engine: str, solution: EngineSolution, channels: NDArray[np.float64]) -> list[Spectrum]:
    found: list[Spectrum] = []
    for direction in ("tx", "rx"):
        ports = sorted(port for kind, port in solution.spectra if kind == direction)
        if ports:
            traces = solution.spectra[direction, ports[0]]
            found.append(Spectrum(engine, direction, ports[0], solution.grid, channels, traces))
    return found


def _counts(netlists: Netlists, engines: list[PlacedEngine], solutions: Mapping[str, EngineSolution]) -> dict[str, int]:
    placed = netlists.counts()
    distinct = {id(solution): solution for solution in solutions.values()}
    per_solution = [solution.counts for solution in distinct.values()]
    return {
        "engines": len(engines),
        "engine_cells": len({engine.cell for engine in engines}),
        "instances": placed["leaves"],
        "connections": placed["connections"],
        "optical_ports": placed["optical_ports"],
        "electrical_ports": placed["electrical_ports"],
        "netlist_problems": placed["problems"],
        "rings": sum(solutions[engine.name].counts["rings"] for engine in engines),
        "modulators": sum(solutions[engine.name].counts["modulators"] for engine in engines),
        "model_evaluations": sum(c["model_evaluations"] for c in per_solution),
        "wavelengths": max(c["wavelengths"] for c in per_solution),
        "products": sum(c["products"] for c in per_solution),
    }


def s_parameters(
    file: str | Path | LayoutFile,
    wl: ArrayLike,
    sheets: Mapping[str, SheetLike] | None = None,
    models: Mapping[str, ModelLike] | None = None,
) -> dict[tuple[str, str], Complex]:
    """S-matrix of the top cell of a layout between its ports, heaters and voltages as in the sheets.

    Args:
        file: GDS or OASIS, or one that was read already.
        wl: um, shape (W,).
        sheets, models: by name; those that ship when None.

    Returns:
        (port in, port out) -> amplitude, shape (W,); pairs between which no light passes are left out. Ports are those
        of the top cell, with `@TM` for the TM mode; facets that are no port of it and positions of connectors appear as
        `instance.port`, detectors as `instance:i1`.

    Raises:
        LayoutError: the file can't be read, or holds nothing optical.
        ModelError: a cell without a model, a model out of bounds.
    """
    file = _layout(file)
    sheets, models = _library(sheets, models)
    grid = np.atleast_1d(np.asarray(wl, np.float64))
    netlists = extract(file, leaf_factories(sheets))
    circuit = flatten(netlists, netlists.top)
    bound = bind(netlists, circuit, sheets, models, skip=(CONNECTOR,))
    values = Evaluator(grid).circuit(circuit, bound)
    if not values:
        raise LayoutError(f"{file.path}: nothing optical in top cell {netlists.top!r}; give a layout with devices")
    exposed = {name: ref for name, ref in circuit.exposed.items() if ref[0] in values}
    exposed |= {f"{ref[0]}.{ref[1]}": ref for ref in circuit.outside if ref[0] in values}
    for link in circuit.connections:
        inner, outer = (link.a, link.b) if link.a[0] in values else (link.b, link.a)
        if inner[0] in values and outer[0] not in values and circuit.leaves[outer[0]].function == CONNECTOR:
            exposed[f"{outer[0]}.{outer[1]}"] = inner
    single = netlists.cells[netlists.top].leaf
    for path in values:
        model = bound[circuit.leaves[path].cell].model
        if model is not None:
            exposed |= {(port if single else f"{path}:{port}"): (path, port) for port in model.detectors}
    links = [(link.a, link.b) for link in circuit.connections if link.a[0] in values and link.b[0] in values]
    return compile_circuit(structure_of(values), links, exposed).solve(values, wl=grid)

"""From a layout file to lanes: loss by item, crosstalk, spectra. Equal engines are solved once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.circuit.binding import Bound, ModelLike, SheetLike, bind, range_warnings
from cpo_pdk.circuit.engine_lanes import EngineSolution, solve_engine
from cpo_pdk.circuit.engine_state import EngineLane
from cpo_pdk.circuit.evaluation import Evaluator, structure_of
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.fibre_chains import Chain, ChainFinder
from cpo_pdk.circuit.flattening import Placement, flatten
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.leaves import CONNECTOR, ENGINE, leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.placed_engines import PlacedEngine, channels_of, engines_of, in_use
from cpo_pdk.circuit.results import Lane, LossItem, SimulationResult, Spectrum
from cpo_pdk.circuit.solver import Complex, compile_circuit
from cpo_pdk.errors import LayoutError

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


def simulate(
    file: str | Path | LayoutFile,
    sheets: Mapping[str, SheetLike] | None = None,
    models: Mapping[str, ModelLike] | None = None,
    *,
    points: int = 1001,
    span_um: tuple[float, float] | None = None,
    netlists: Netlists | None = None,
) -> SimulationResult:
    """Loss and crosstalk of every lane of a package or an engine.

    Args:
        file: GDS or OASIS, or one that was read already.
        sheets, models: by name; those that ship when None.
        points: wavelengths of a spectrum.
        span_um: first and last of them, um; when None, the channels and one spacing on either side, as far as the
            sheets hold.
        netlists: of the file, when extracted already with the functions of the sheets as leaves.

    Raises:
        LayoutError: the file can't be read, or holds no engine or one without ports or channels.
        ModelError: a cell without a model, a model out of bounds, light that reaches nothing.
    """
    file = _layout(file)
    sheets, models = _library(sheets, models)
    netlists = netlists if netlists is not None else extract(file, leaf_factories(sheets))
    placed = _engines(netlists, file)
    outer = flatten(netlists, netlists.top, stop=(ENGINE,))
    engines = in_use(placed, outer)
    warnings = [*file.warnings, *_problem_lines(netlists)]
    kinds = sorted({engine.cell for engine in engines})
    channels = {cell: channels_of(netlists.cells[cell], file) for cell in kinds}
    circuits = {cell: flatten(netlists, cell) for cell in kinds}
    bounds = {cell: bind(netlists, circuits[cell], sheets, models) for cell in kinds}
    grid = _grid(list(channels.values()), points, span_um, _held(bounds.values()))
    solutions: dict[str, EngineSolution] = {}
    for cell in kinds:
        solutions[cell] = solve_engine(circuits[cell], bounds[cell], channels[cell], grid)
        warnings += solutions[cell].warnings
    lanes: list[Lane] = []
    matrices: dict[tuple[str, int], NDArray[np.float64]] = {}
    alone = netlists.cells[netlists.top].function == ENGINE
    outer_bound = {} if alone else bind(netlists, outer, sheets, models, skip=(ENGINE, CONNECTOR))
    if not alone:
        warnings += range_warnings(outer, outer_bound, np.concatenate(list(channels.values())))
    finders = {cell: ChainFinder(netlists, outer, outer_bound, channels[cell]) for cell in kinds}
    for engine in engines:
        solution = solutions[engine.cell]
        chains = _Chains(None if alone else finders[engine.cell], engine.name)
        lanes += [_lane(engine, lane, chains) for lane in solution.lanes]
        for port, matrix in solution.crosstalk.items():
            matrices[engine.name, port] = matrix
    first = engines[0]
    counts = _counts(netlists, engines, solutions)
    counts["spares"] = len(placed) - len(engines)
    counts["model_evaluations"] += sum(finder.evaluator.distinct for finder in finders.values())
    return SimulationResult(
        lanes=tuple(lanes),
        spectra=tuple(_spectra(first.name, solutions[first.cell], channels[first.cell])),
        crosstalk=matrices,
        modulator=solutions[first.cell].modulator,
        warnings=tuple(dict.fromkeys(warnings)),
        counts=counts,
    )


class _Chains:
    """Fibres of one engine by the name of the port; nothing when the engine is alone in the file."""

    def __init__(self, finder: ChainFinder | None, engine: str) -> None:
        self.finder = finder
        self.engine = engine
        self.known: dict[str, Chain] = {}

    def __getitem__(self, port: str) -> Chain | None:
        if self.finder is None:
            return None
        if port not in self.known:
            self.known[port] = self.finder.chain(self.engine, port)
        return self.known[port]


def _lane(engine: PlacedEngine, lane: EngineLane, chains: _Chains) -> Lane:
    """The lane of a placed engine: fibres added, coordinates of the top cell."""
    port = f"{lane.direction}_{lane.port}"
    channel = lane.channel - 1
    mode = "@TM" if lane.polarization == "TM" else ""
    signal = chains[port]
    items: list[LossItem] = []
    source = ""
    prefix = "" if engine.place == Placement() and chains.finder is None else engine.name + "/"
    for item in lane.items[:-1]:
        x, y = engine.place.point(item.x, item.y)
        items.append(replace(item, instance=prefix + item.instance, x=x, y=y))
    if signal is not None:
        outer = signal.of(mode, channel)
        if lane.direction == "rx":
            items = [*reversed(outer), *items]
        else:
            laser = chains[f"laser_{lane.laser}"]
            feed = laser.of("", channel) if laser is not None else ()
            source = laser.name if laser is not None else ""
            items = [*reversed(feed), *items, *outer]
    added = sum(item.loss_dB for item in items) - sum(item.loss_dB for item in lane.items[:-1])
    items += lane.items[-1:]
    return Lane(
        engine=engine.name,
        direction=lane.direction,
        port=lane.port,
        channel=lane.channel,
        wl_um=lane.wl_um,
        fibre=(signal.name if signal is not None else "") or port,
        insertion_loss_dB=lane.loss_dB + added,
        crosstalk_dB=lane.crosstalk_dB,
        polarization=lane.polarization,
        tuning_nm=lane.tuning_nm,
        items=tuple(items),
        aggressors=tuple(replace(a, name=prefix + a.name) if lane.direction == "tx" else a for a in lane.aggressors),
        heater_mW=lane.heater_mW,
        extinction_dB=lane.extinction_dB,
        laser=source or (f"laser_{lane.laser}" if lane.direction == "tx" else ""),
    )


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
    per_cell = [solution.counts for solution in solutions.values()]
    return {
        "engines": len(engines),
        "engine_cells": len(solutions),
        "instances": placed["leaves"],
        "connections": placed["connections"],
        "optical_ports": placed["optical_ports"],
        "electrical_ports": placed["electrical_ports"],
        "netlist_problems": placed["problems"],
        "rings": sum(solutions[engine.cell].counts["rings"] for engine in engines),
        "modulators": sum(solutions[engine.cell].counts["modulators"] for engine in engines),
        "model_evaluations": sum(c["model_evaluations"] for c in per_cell),
        "wavelengths": max(c["wavelengths"] for c in per_cell),
        "products": sum(c["products"] for c in per_cell),
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

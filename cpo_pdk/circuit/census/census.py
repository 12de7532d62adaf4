"""From a layout file to its census: runs of the layout, victims of every engine. Equal engines are worked on once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from cpo_pdk.circuit.binding import ModelLike, SheetLike, bind
from cpo_pdk.circuit.census.engine_census import Disturbed, EngineCensus
from cpo_pdk.circuit.census.facing import LocalRun
from cpo_pdk.circuit.census.neighbours import Neighbours, PlacedRun
from cpo_pdk.circuit.census.results import Census, Entry, Run, Victim
from cpo_pdk.circuit.crosstalk import FLOOR_DB
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.flattening import FlatCircuit, Placement, flatten
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.leaves import ENGINE, leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.placed_engines import channels_of, engines_of, in_use
from cpo_pdk.errors import InputError

#: weakest parallel run that is looked for, dB
RUN_LIMIT_DB = -80.0
#: wavelength for a layout without engines, um
WL_UM = 1.31
#: lowest limit that is accepted, dB
LOWEST_DB = -150.0


def census(
    file: str | Path | LayoutFile,
    sheets: Mapping[str, SheetLike],
    models: Mapping[str, ModelLike],
    *,
    limit_dB: float = -60.0,
    netlists: Netlists | None = None,
) -> Census:
    """Everything that disturbs the lanes of a layout, with its place.

    Args:
        file: GDS or OASIS, or one that was read already.
        sheets, models: by name.
        limit_dB: entries below it, relative to the wanted signal, are not listed.
        netlists: of the file, when extracted already with the functions of the sheets as leaves.

    Returns:
        without an engine in the layout, the parallel runs alone.

    Raises:
        InputError: a limit out of range.
        LayoutError: the file can't be read, an engine without ports or channels.
        ModelError: a cell without a model, a model out of bounds.
    """
    if not LOWEST_DB <= limit_dB <= 0.0:
        raise InputError(f"limit is {limit_dB:g} dB, {LOWEST_DB:g} to 0 allowed; give another")
    file = file if isinstance(file, LayoutFile) else read_layout(file)
    netlists = netlists if netlists is not None else extract(file, leaf_factories(sheets))
    engines = engines_of(netlists)
    alone = len(engines) == 1 and engines[0].cell == netlists.top
    engines = in_use(engines, flatten(netlists, netlists.top, stop=(ENGINE,)))
    kinds = sorted({engine.cell for engine in engines})
    channels = {cell: tuple(map(float, channels_of(netlists.cells[cell], file))) for cell in kinds}
    wl = tuple(sorted({x for values in channels.values() for x in values})) or (WL_UM,)
    neighbours = Neighbours(file, netlists, wl, min(RUN_LIMIT_DB, limit_dB))
    placed = neighbours.runs(netlists.top)
    warnings = list(file.warnings)
    disturbed: dict[str, list[Disturbed]] = {}
    weighed = 0
    for cell, values in sorted(channels.items()):
        circuit = flatten(netlists, cell)
        bound = bind(netlists, circuit, sheets, models)
        index = [wl.index(x) for x in values]
        runs = [replace(p, run=replace(p.run, kappa=p.run.kappa[index])) for p in neighbours.runs(cell)]

        def own_runs(path: str, circuit: FlatCircuit = circuit, index: list[int] = index) -> list[LocalRun]:
            leaf = circuit.leaves.get(path)
            inner = neighbours.inside(leaf.cell) if leaf is not None else []
            return [replace(run, kappa=run.kappa[index]) for run in inner]

        engine = EngineCensus(circuit, bound, np.asarray(values), runs, own_runs, limit_dB)
        disturbed[cell] = engine.victims()
        warnings += engine.warnings
        weighed += len(engine.elements)
    victims = [
        _victim(item, channels[engine.cell], engine.name, engine.place, "" if alone else f"{engine.name}/", limit_dB)
        for engine in engines
        for item in disturbed[engine.cell]
    ]
    counts = {
        "neighbours_met": neighbours.met,
        "neighbours_computed": neighbours.computed,
        "parallel_runs": len(placed),
        "elements_weighed": weighed,
        "engines": len(engines),
        "victims": len(victims),
        "entries": sum(len(victim.entries) for victim in victims),
    }
    runs = sorted((_run(run) for run in placed), key=lambda run: (-run.kappa, run.a, run.b, run.x, run.y))
    return Census(tuple(runs), tuple(victims), limit_dB, counts, tuple(dict.fromkeys(warnings)))


def _run(placed: PlacedRun) -> Run:
    run = placed.run
    x, y = placed.place
    kappa = float(np.abs(run.kappa).max())
    level = 20 * math.log10(max(abs(math.sin(kappa)), 10 ** (FLOOR_DB / 20)))
    (name_a, width_a), (name_b, width_b) = sorted(((placed.a, run.a.width), (placed.b, run.b.width)))
    return Run(
        a=name_a,
        b=name_b,
        x=x,
        y=y,
        gap_um=round(run.gap, 4),
        length_um=round(run.length, 3),
        width_a_um=round(width_a, 4),
        width_b_um=round(width_b, 4),
        cross_section=run.cross_section,
        kappa=kappa,
        level_dB=level,
    )


def _victim(
    item: Disturbed, wl: tuple[float, ...], engine: str, place: Placement, prefix: str, limit_dB: float
) -> Victim:
    receiver = item.receiver
    return Victim(
        engine=engine,
        direction=receiver.direction,
        port=receiver.port,
        channel=receiver.channel + 1,
        wl_um=wl[receiver.channel],
        polarization=receiver.mode,
        coherent_dB=_level(item.coherent),
        incoherent_dB=_level(item.incoherent),
        entries=tuple(_placed(entry, place, prefix) for entry in item.entries),
    )


def _placed(entry: Entry, place: Placement, prefix: str) -> Entry:
    """An entry in the coordinates, and with the paths, of the top cell."""
    x, y = place.point(entry.x, entry.y)
    instance = " | ".join(prefix + part for part in entry.instance.split(" | "))
    return replace(entry, x=x, y=y, instance=instance)


def _level(ratio: float) -> float:
    return max(FLOOR_DB, 10 * math.log10(ratio)) if ratio > 0 else FLOOR_DB

"""Pictures of the package at work: margin of all lanes, temperatures, energy beside others, the load step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from cpo_pdk.link.results import LinkLane
from cpo_pdk.operation.results import Operation, RingState, State
from cpo_pdk.report.figures import CHANNELS, FAINT, INK, TX, style
from cpo_pdk.report.operation_json import engine_names, short_name
from cpo_pdk.report.operation_section import KINDS
from cpo_pdk.report.scales import Scale, margin_scale, power_scale, temperature_scale
from cpo_pdk.report.scene import Scene
from cpo_pdk.thermal.results import TemperatureMap, Transient

#: outlines that are drawn below margins and temperatures: layer -> width of the line
_OUTLINES = {"SUBSTRATE": 0.8, "ASIC": 1.0, "FLOORPLAN": 0.7, "CONNECTOR": 0.4, "CONNECTOR_PM": 0.4}
#: kind of consumer -> colour of its part of the stack
_COLORS = dict(zip([kind for kind in KINDS if kind != "asic"], (*CHANNELS, "#8a6f5a"), strict=False))
#: engines that leave room for their names
_NAMED = 16
_OTHERS = "#9da7b1"


def margin_figure(operation: Operation, scene: Scene) -> Figure:
    """Margin of every lane: fibres of the package by their worst lane at full load, and every lane in every state."""
    states = operation.states
    scale = margin_scale(lane.margin_dB for state in states for lane in state.budget.lanes)
    engines = engine_names(states[0].budget.lanes)
    high = min(9.5, max(5.0, 1.4 + 0.16 * len(engines) * len(states)))
    with style():
        figure = Figure(figsize=(13.0, high), layout="constrained")
        grid = figure.add_gridspec(len(states), 2, width_ratios=[1.0, 1.1])
        plan = figure.add_subplot(grid[:, 0])
        _fibres(plan, operation[states[-1].name].budget.lanes, scene, scale)
        for row, state in enumerate(states):
            _lanes(figure.add_subplot(grid[row, 1]), state, engines, scale, last=row == len(states) - 1)
        colors = ScalarMappable(scale.normalize, scale.colormap)
        figure.colorbar(colors, ax=figure.axes, label="margin (dB)", fraction=0.03, pad=0.01, aspect=40)
    return figure


def _lanes(axes: Axes, state: State, engines: list[str], scale: Scale, last: bool) -> None:
    """One row an engine, one column a lane."""
    lanes = state.budget.lanes
    places = sorted({(lane.port, lane.channel) for lane in lanes})
    column = {place: index for index, place in enumerate(places)}
    cells = np.full((max(1, len(engines)), max(1, len(places))), np.nan)
    for lane in lanes:
        margin = lane.margin_dB if np.isfinite(lane.margin_dB) else scale.low
        cells[engines.index(lane.engine), column[lane.port, lane.channel]] = margin
    axes.imshow(cells, cmap=scale.colormap, norm=scale.normalize, aspect="auto", interpolation="nearest")
    step = 1 if len(engines) <= 16 else 4
    axes.set_yticks(range(0, len(engines), step), [short_name(engine) for engine in engines[::step]], fontsize=7)
    starts = [k for k, (port, _) in enumerate(places) if k == 0 or places[k - 1][0] != port]
    for start in starts[1:]:
        axes.axvline(start - 0.5, color="white", lw=0.8)
    if last:
        middles = [(a + b - 1) / 2 for a, b in zip(starts, [*starts[1:], len(places)], strict=False)]
        axes.set_xticks(middles, [str(places[start][0]) for start in starts], fontsize=7)
        axes.set_xlabel("transmit port, channels inside")
    else:
        axes.set_xticks([])
    worst = state.budget.worst
    said = ""
    if worst is not None:
        name = f"{short_name(worst.engine)}/tx_{worst.port}/{worst.channel}"
        said = (
            f", least {worst.margin_dB:.2f} dB ({name})"
            if np.isfinite(worst.margin_dB)
            else ", lanes that no power helps"
        )
    axes.set_title(f"{state.name}{said}", fontsize=9)
    axes.grid(visible=False)
    axes.tick_params(length=0)


def _fibres(axes: Axes, lanes: Sequence[LinkLane], scene: Scene, scale: Scale) -> None:
    """The package from above, its transmit fibres and engines coloured by the worst of their lanes."""
    worst: dict[str, float] = {}
    for lane in lanes:
        own = [s.instance for s in lane.steps if not s.far and s.instance and "/" not in s.instance]
        for name in (lane.engine, *own[-1:]):
            worst[name] = min(worst.get(name, np.inf), lane.margin_dB if np.isfinite(lane.margin_dB) else scale.low)
    engines = engine_names(lanes)
    top = scene.cells[scene.top]
    for name, outlines in top.outlines.items():
        if name in _OUTLINES:
            axes.add_collection(PolyCollection(outlines, facecolors="none", edgecolors=INK, linewidths=0.8))
    for placed in top.placements:
        layers = scene.layers_of(placed.cell)
        if placed.name in worst and "FLOORPLAN" not in layers:
            outlines = [scene.to_parent(placed, o) for _, o in scene.flat(placed.cell)]
            color = scale.colormap(scale.normalize(worst[placed.name]))
            axes.add_collection(PolyCollection(outlines, facecolors=[color], edgecolors=[color], linewidths=0.5))
        elif layers & set(_OUTLINES):
            wanted = [(n, scene.to_parent(placed, o)) for n, o in _shallow(scene, placed.cell) if n in _OUTLINES]
            fill = scale.colormap(scale.normalize(worst[placed.name])) if placed.name in worst else "none"
            shapes = [outline for _, outline in wanted]
            axes.add_collection(PolyCollection(shapes, facecolors=[fill], edgecolors=INK, linewidths=0.5))
            if shapes and "FLOORPLAN" in layers and len(engines) <= _NAMED:
                x, y = np.concatenate(shapes).mean(axis=0)
                axes.text(x, y, short_name(placed.name), ha="center", va="center", fontsize=6)
    _frame(axes, top.box)
    axes.set_title("Fibres and engines by their worst lane at full load", fontsize=9)


def _shallow(scene: Scene, cell: str) -> list[tuple[str, NDArray[np.float64]]]:
    """Outlines of a cell's own, without those of what is placed in it; of what is placed where it has none."""
    own = [(name, outline) for name, found in scene.cells[cell].outlines.items() for outline in found]
    return own if any(name in _OUTLINES for name, _ in own) else list(scene.flat(cell, skip_below=500.0))


def _frame(axes: Axes, box: tuple[float, float, float, float]) -> None:
    left, bottom, right, top = box
    axes.set_xlim(left - 0.01 * (right - left), right + 0.01 * (right - left))
    axes.set_ylim(bottom - 0.01 * (top - bottom), top + 0.01 * (top - bottom))
    axes.set_aspect("equal")
    axes.axis("off")


def temperature_figure(operation: Operation, scene: Scene) -> Figure:
    """Temperatures at full load: the package, and the hottest engine with its rings, where there are maps."""
    state = operation.states[-1]
    maps = {plane.name: plane for plane in state.temperatures.maps}
    means = state.temperatures.engines_C
    engine = max((name for name in maps if name in means), key=lambda name: means[name], default=None)
    shown = [plane for plane in (maps.get("package"), maps.get(engine or "")) if plane is not None]
    with style():
        figure = Figure(figsize=(6.2 * max(1, len(shown)) + 0.8, 5.4), layout="constrained")
        for number, plane in enumerate(shown, start=1):
            axes = figure.add_subplot(1, len(shown), number)
            rings = [ring for ring in state.rings if ring.engine == plane.name]
            _map(figure, axes, plane, scene, rings, f"{state.name}: {plane.name}")
        if not shown:
            axes = figure.add_subplot(1, 1, 1)
            axes.axis("off")
            axes.text(0.5, 0.5, "no temperature map", ha="center")
    return figure


def _map(figure: Figure, axes: Axes, plane: TemperatureMap, scene: Scene, rings: list[RingState], title: str) -> None:
    scale = temperature_scale(plane.T_C[np.isfinite(plane.T_C)].tolist())
    field = axes.pcolormesh(
        plane.x / 1000, plane.y / 1000, plane.T_C, cmap=scale.colormap, norm=scale.normalize, rasterized=True
    )
    figure.colorbar(field, ax=axes, label="°C", fraction=0.046, pad=0.02)
    for placed in scene.cells[scene.top].placements:
        if scene.layers_of(placed.cell) & {"ASIC", "FLOORPLAN"}:
            shapes = [
                scene.to_parent(placed, o) / 1000
                for name, o in _shallow(scene, placed.cell)
                if name in ("ASIC", "FLOORPLAN")
            ]
            axes.add_collection(PolyCollection(shapes, facecolors="none", edgecolors="white", linewidths=0.7))
    if rings:
        power = power_scale(ring.heater_mW for ring in rings)
        held = axes.scatter(
            [ring.x / 1000 for ring in rings],
            [ring.y / 1000 for ring in rings],
            c=[ring.heater_mW for ring in rings],
            s=9,
            cmap=power.colormap,
            norm=power.normalize,
            edgecolors=["#ff2d2d" if not ring.locked else "white" for ring in rings],
            linewidths=0.5,
        )
        figure.colorbar(held, ax=axes, label="heater (mW)", location="bottom", fraction=0.046, pad=0.02)
    axes.set(xlim=(plane.x[0] / 1000, plane.x[-1] / 1000), ylim=(plane.y[0] / 1000, plane.y[-1] / 1000))
    axes.set(xlabel="x (mm)", ylabel="y (mm)")
    axes.set_title(title)
    axes.set_aspect("equal")
    axes.grid(visible=False)


def energy_figure(operation: Operation) -> Figure:
    """Energy a bit of every state as a stack of its consumers, and that of others at the same bandwidth below."""
    states = operation.states
    comparisons = states[-1].energy.comparisons
    with style():
        figure = Figure(figsize=(10.0, 1.3 + 0.36 * (len(states) + len(comparisons))), layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        kinds = list(dict.fromkeys(kind for kind in KINDS for s in states if kind in s.energy.by_kind_pJ_bit))
        kinds += sorted({kind for s in states for kind in s.energy.by_kind_pJ_bit} - set(kinds))
        ends = [0.0] * len(states)
        for kind in kinds:
            parts = [state.energy.by_kind_pJ_bit.get(kind, 0.0) for state in states]
            color = _COLORS.get(kind, _OTHERS)
            axes.barh(range(len(states)), parts, left=ends, color=color, height=0.7, label=KINDS.get(kind, kind))
            ends = [end + part for end, part in zip(ends, parts, strict=True)]
        rows = range(len(states), len(states) + len(comparisons))
        bare, hosts = ([getattr(other, key) for other in comparisons] for key in ("pJ_bit", "host_pJ_bit"))
        axes.barh(rows, bare, color=FAINT, height=0.7, label="as published")
        if any(hosts):
            label = "serial links of its host, not in it"
            axes.barh(rows, hosts, left=bare, color="none", edgecolor=FAINT, hatch="////", height=0.7, label=label)
        totals = [other.total_pJ_bit for other in comparisons]
        widest = max([*ends, *totals], default=1.0)
        for row, value in enumerate([*ends, *totals]):
            axes.text(value + 0.008 * widest, row, f"{value:.2f}", va="center", fontsize=8)
        names = [*(f"this package, {state.name}" for state in states), *(other.name for other in comparisons)]
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.08 * (widest or 1.0))
        axes.set_xlabel("energy of the optics (pJ/bit)")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        if kinds:
            axes.legend(fontsize=8, loc="lower right", ncols=2)
    return figure


def transient_figure(step: Transient) -> Figure:
    """The load step: the ASIC's hottest spot and the ring that rises fastest, C over s."""
    with style():
        figure = Figure(figsize=(10.0, 3.2), layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        positive = step.t_s > 0
        axes.semilogx(step.t_s[positive], step.asic_C[positive], color=INK, label="ASIC, hottest spot")
        axes.semilogx(step.t_s[positive], step.ring_C[positive], color=TX, label="the ring that rises fastest")
        if step.tau_s > 0:
            axes.axvline(step.tau_s, color=FAINT, lw=1.0, ls=(0, (4, 3)))
        axes.set(xlabel="time after the step (s)", ylabel="temperature (°C)")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.legend(fontsize=8, loc="upper left")
    return figure

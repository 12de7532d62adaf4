"""Temperatures of dies, rings and planes from a field."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cpo_pdk.tech.thermal_materials import thermal_table
from cpo_pdk.thermal.grid import Grid, Real
from cpo_pdk.thermal.layers import Stack
from cpo_pdk.thermal.painting import overlap, plane_shares
from cpo_pdk.thermal.response import Field, Planes, Probes
from cpo_pdk.thermal.results import TemperatureMap, Temperatures


def temperatures_of(
    stack: Stack,
    grid: Grid,
    planes: Planes,
    probes: Probes,
    field: Field,
    *,
    in_W: float,
    cells: int,
    lasers_C: Mapping[str, float],
) -> Temperatures:
    """Temperatures of a state.

    Args:
        stack: bodies of the package.
        grid: cells.
        planes: which layers the field has.
        probes: what is asked for.
        field: temperatures, C.
        in_W: heat that arises in the package.
        cells: that are not empty.
        lasers_C: laser module -> C.
    """
    values = dict(zip(probes.names, probes.of(field).tolist(), strict=True))
    asic = np.nanmax([_within(grid, field, planes.row(planes.asic), box) for box in stack.asics])
    engines, hottest = {}, {}
    for engine in stack.engines:
        engines[engine.name] = values[f"pic:{engine.name}"]
        spots = [_within(grid, field, planes.row(planes.pic[engine.name]), engine.pic)]
        if engine.eic is not None:
            spots.append(_within(grid, field, planes.row(planes.eic[engine.name]), engine.eic))
        hottest[engine.name] = float(max(spots))
    rings = {name.removeprefix("ring:"): value for name, value in values.items() if name.startswith("ring:")}
    found = Temperatures(
        asic_max_C=float(asic),
        asic_mean_C=values["asic"],
        engines_C=engines,
        engines_max_C=hottest,
        rings=rings,
        lasers_C=dict(lasers_C),
        maps=maps_of(stack, grid, planes, field),
        in_W=in_W,
        out_W=field.out_W,
        cells=cells,
        iterations=field.iterations,
        warnings=tuple(_too_hot(float(asic), hottest, rings)),
    )
    return found


def maps_of(stack: Stack, grid: Grid, planes: Planes, field: Field) -> tuple[TemperatureMap, ...]:
    """The package in the layers of the dies' active faces (else the top of the substrate), and each engine's."""
    whole = field.planes[planes.row(planes.substrate)].copy()
    on = plane_shares(grid, stack.substrate) > 0.5
    whole[~on] = np.nan
    for box in stack.asics:
        inside = plane_shares(grid, box) > 0.5
        whole[inside] = field.planes[planes.row(planes.asic)][inside]
    found = []
    for engine in stack.engines:
        plane = field.planes[planes.row(planes.pic[engine.name])]
        inside = plane_shares(grid, engine.pic) > 0.5
        whole[inside] = plane[inside]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        j, i = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        found.append(
            TemperatureMap(engine.name, grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1], plane[j, i].copy())
        )
    rows, columns = np.flatnonzero(on.any(axis=1)), np.flatnonzero(on.any(axis=0))
    j, i = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    package = TemperatureMap("package", grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1], whole[j, i])
    return (package, *found)


def _within(grid: Grid, field: Field, row: int, box: tuple[float, float, float, float]) -> float:
    """Hottest cell of a plane of which at least half lies in a box."""
    (columns, _), (rows, _) = overlap(grid.x, box[0], box[2]), overlap(grid.y, box[1], box[3])
    part: Real = field.planes[row][rows, columns]
    return float(np.nanmax(part))


def _too_hot(asic: float, engines: Mapping[str, float], rings: Mapping[str, float]) -> list[str]:
    """What is beyond a limit, one line each."""
    limits = thermal_table().limits
    found = []
    if asic > limits["silicon"]:
        found.append(
            f"the ASIC reaches {asic:.1f} C, silicon is specified to {limits['silicon']:g} C: cool it better "
            "(thermal.htc_W_m2K, coolant_C) or take power off it"
        )
    name = max(engines, key=lambda key: engines[key])
    if engines[name] > limits["engine"]:
        many = sum(value > limits["engine"] for value in engines.values())
        found.append(
            f"{many} of {len(engines)} engines are hotter than {limits['engine']:g} C, {name} {engines[name]:.1f} C: "
            "cool them (thermal.covers: all, htc_W_m2K, coolant_C), or spread their heat over a larger die"
        )
    warm = [path for path, value in rings.items() if value > limits["rings"]]
    if warm:
        path = max(warm, key=lambda key: rings[key])
        found.append(
            f"{len(warm)} of {len(rings)} rings are hotter than {limits['rings']:g} C, {path} {rings[path]:.1f} C, "
            "where their models end: their shifts are some percent short"
        )
    top, low = max(asic, *engines.values()), min(asic, *engines.values())
    if top > limits["materials"]:
        found.append(
            f"{top:.0f} C is beyond {limits['materials']:g} C, where the conductivities of tech/data/thermal.yaml end: "
            "read the temperatures as too hot, no more"
        )
    if low < limits["cold"]:
        found.append(f"{low:.0f} C is below {limits['cold']:g} C, where the materials' numbers end; warm the coolant")
    return found

"""The arithmetic that must close, shown when it does not.

Each function takes a valid `PackageSpec` and yields `(dotted path, message)` for what does not add up. Only relations
between values of the spec are here; whatever needs a drawn engine or a device model is checked where it is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cpo_pdk.errors import Problem
from cpo_pdk.spec.grid import CW_WDM_POWER_DBM, CW_WDM_SPACINGS
from cpo_pdk.spec.package import SIDES, PackageSpec

TOLERANCE = 1e-6
"""Relative difference under which two bandwidths are equal (they are products of decimal numbers)."""

POWER_TOLERANCE_DB = 0.05
"""Powers are compared to the tenth of a dB that the agreement states."""

O_BAND_NM = (1260.0, 1360.0)
"""O-band of ITU-T G-series supplement 39, nm; the device models hold there."""

Fault = tuple[str, str]


def closure_problems(spec: PackageSpec) -> list[Problem]:
    """Every relation of the spec that does not hold, each with its numbers."""
    checks = (_bandwidth, _engine_count, _splitters, _fibre_array, _grid, _laser_power, _die, _substrate)
    return [spec.problem(path, message) for check in checks for path, message in check(spec)]


def _bandwidth(spec: PackageSpec) -> Iterator[Fault]:
    engine, count, channels = spec.engine, spec.engines.count, spec.engine.grid.channels
    rate, stated = engine.lane_rate_Gbps, engine.bandwidth_Tbps
    fibres = {"tx_fibres": engine.tx_fibres, "rx_fibres": engine.rx_fibres}
    for key, n in fibres.items():
        carried = n * channels * rate / 1000
        if not _equal(carried, stated):
            yield (
                f"engine.{key}",
                f"bandwidth of the engine does not close: {n} {key} x {channels} channels x {rate:g} Gb/s = "
                f"{carried:g} Tb/s, but engine.bandwidth_Tbps is {stated:g}; change one of the four",
            )
    for key, n in dict(sorted(fibres.items(), reverse=True)).items():
        total = count * n * channels * rate / 1000
        if not _equal(total, spec.bandwidth_Tbps) and (key == "tx_fibres" or n != engine.tx_fibres):
            yield (
                "bandwidth_Tbps",
                f"bandwidth does not close: {count} engines x {n} {key} x {channels} channels x {rate:g} Gb/s = "
                f"{total:g} Tb/s, but bandwidth_Tbps is {spec.bandwidth_Tbps:g}; change one of the five",
            )
    if not _equal(count * stated, spec.bandwidth_Tbps):
        yield (
            "engine.bandwidth_Tbps",
            f"bandwidth does not close: {count} engines x {stated:g} Tb/s = {count * stated:g} Tb/s, but "
            f"bandwidth_Tbps is {spec.bandwidth_Tbps:g}; change one of the three",
        )


def _equal(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=TOLERANCE)


def _engine_count(spec: PackageSpec) -> Iterator[Fault]:
    placed = spec.engines.per_side
    if placed.total != spec.engines.count:
        parts = " + ".join(f"{getattr(placed, side)} {side}" for side in SIDES)
        yield (
            "engines.per_side",
            f"engines do not add up: {parts} = {placed.total}, but engines.count is {spec.engines.count}; change one",
        )


def _splitters(spec: PackageSpec) -> Iterator[Fault]:
    tx, lasers = spec.engine.tx_fibres, spec.engine.laser_fibres
    ways, rest = divmod(tx, lasers)
    if rest or ways == 0 or ways & (ways - 1):
        good = [n for n in range(1, tx + 1) if tx % n == 0 and (tx // n) & (tx // n - 1) == 0]
        yield (
            "engine.laser_fibres",
            f"laser fibres do not share out: {tx} tx_fibres / {lasers} laser_fibres = {tx / lasers:g}, but a tree of "
            f"1x2 splitters feeds 1, 2, 4, 8...; for {tx} tx_fibres use laser_fibres: {', '.join(map(str, good))}",
        )


def _fibre_array(spec: PackageSpec) -> Iterator[Fault]:
    engine = spec.engine
    counts = engine.fibre_counts
    if engine.edge_mm is None:
        return
    needed = counts["total"] * engine.fibre_pitch_um / 1000
    if needed > engine.edge_mm * (1 + TOLERANCE):
        fits = int(engine.edge_mm * 1000 * (1 + TOLERANCE) // engine.fibre_pitch_um)
        yield (
            "engine.edge_mm",
            f"fibres do not fit the engine edge: ({counts['tx']} tx + {counts['rx']} rx + {counts['laser']} laser + "
            f"2 x {engine.loopbacks} loopback) x {engine.fibre_pitch_um:g} um = {counts['total']} x "
            f"{engine.fibre_pitch_um:g} um = {needed:g} mm, but edge_mm is {engine.edge_mm:g}, room for {fits}; "
            f"use fewer fibres, a smaller pitch or a longer edge",
        )


def _grid(spec: PackageSpec) -> Iterator[Fault]:
    grid = spec.engine.grid
    if grid.standard == "CW-WDM" and grid.comb is None:
        allowed = "; ".join(
            f"{'up to 8' if n == 8 else n} at {', '.join(map(str, spacings))} GHz"
            for n, spacings in CW_WDM_SPACINGS.items()
        )
        size = 8 if grid.channels <= 8 else grid.channels
        path = "engine.grid.spacing_GHz" if size in CW_WDM_SPACINGS else "engine.grid.channels"
        yield (
            path,
            f"{grid.channels} channels at {grid.spacing_GHz:g} GHz is no CW-WDM grid; allowed: {allowed}; "
            f"or set standard: custom",
        )
    low, high = O_BAND_NM
    if grid.frequencies_GHz[-1] <= 0:
        yield "engine.grid.spacing_GHz", "the grid reaches down to zero frequency; use fewer or closer channels"
        return
    first, last = (1000 * wl for wl in (grid.wl_um[0], grid.wl_um[-1]))
    if first < low or last > high:
        yield (
            "engine.grid.channels",
            f"the grid leaves the O-band: {grid.channels} channels at {grid.spacing_GHz:g} GHz around "
            f"{grid.center_nm:g} nm reach from {first:.2f} to {last:.2f} nm, the band from {low:g} to {high:g} nm; "
            f"use fewer or closer channels",
        )
    if grid.channels > 1 and spec.engine.heater_bias_nm >= grid.spacing_nm:
        yield (
            "engine.heater_bias_nm",
            f"heater_bias_nm = {spec.engine.heater_bias_nm:g} nm puts a ring on the channel below: the spacing is "
            f"{grid.spacing_GHz:g} GHz = {grid.spacing_nm:.3f} nm; use less",
        )


def _laser_power(spec: PackageSpec) -> Iterator[Fault]:
    grid, laser = spec.engine.grid, spec.laser
    if grid.standard != "CW-WDM" or grid.span_nm is None:
        return
    total = laser.per_wavelength_dBm + 10 * math.log10(grid.channels)
    limit = CW_WDM_POWER_DBM[grid.span_nm][laser.grid_class]
    if total > limit + POWER_TOLERANCE_DB:
        yield (
            "laser.per_wavelength_dBm",
            f"laser power exceeds CW-WDM {laser.grid_class}: {laser.per_wavelength_dBm:g} dBm + 10 "
            f"log10({grid.channels}) = {total:.2f} dBm, the limit for the {grid.span_nm} nm span is {limit:g} dBm; "
            f"lower the power or choose another class",
        )


def _die(spec: PackageSpec) -> Iterator[Fault]:
    asic = spec.asic
    short = min(asic.size_mm)
    border = 2 * (asic.shoreline_um + asic.bump_margin_um) / 1000
    if border >= short:
        yield (
            "asic.shoreline_um",
            f"shorelines of opposite edges meet: 2 x ({asic.shoreline_um:g} shoreline + {asic.bump_margin_um:g} "
            f"margin) um = {border:g} mm, the die's short side is {short:g} mm; use less (both are in micrometres)",
        )


def _substrate(spec: PackageSpec) -> Iterator[Fault]:
    gap, per_side = spec.engines.gap_mm, spec.engines.per_side
    width, height = spec.substrate.size_mm
    rows = (
        (0, "width", spec.asic.size_mm[0], width, (per_side.east > 0) + (per_side.west > 0)),
        (1, "height", spec.asic.size_mm[1], height, (per_side.north > 0) + (per_side.south > 0)),
    )
    for _, word, die, limit, gaps in rows:
        needed = die + gaps * gap
        if needed > limit:
            yield (
                "substrate.size_mm",
                f"ASIC and gaps are larger than the substrate's {word}: {die:g} + {gaps} x {gap:g} mm = {needed:g} mm "
                f"> {limit:g} mm, without any engine; enlarge the substrate (sizes are in millimetres)",
            )
    reach = spec.faceplate.distance_mm
    if reach <= max(width, height) / 2:
        yield (
            "faceplate.distance_mm",
            f"the faceplate stands on the package: distance_mm is {reach:g} from the centre, the substrate reaches to "
            f"{max(width, height) / 2:g} mm; move it away",
        )

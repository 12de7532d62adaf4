"""The arithmetic that must close, shown when it does not.

Each function takes a valid `PackageSpec` and yields `(dotted path, message)` for what does not add up. Only relations
between values of the spec are here; whatever needs a drawn engine or a device model is checked where it is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from cpo_pdk.errors import Problem
from cpo_pdk.spec.architecture import DEVICES
from cpo_pdk.spec.grid import CW_WDM_POWER_DBM, CW_WDM_SPACINGS
from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.placement import share_of
from cpo_pdk.spec.port_plan import active_names, tx_per_connector
from cpo_pdk.spec.reach import RATE_OVERHEAD
from cpo_pdk.spec.serdes import serdes_problems

TOLERANCE = 1e-6
"""Relative difference under which two bandwidths are equal (they are products of decimal numbers)."""

POWER_TOLERANCE_DB = 0.05
"""Powers are compared to the tenth of a dB that the agreement states."""

MOST_LEVELS = 8
"""Layers of ribbons that a spec may ask for."""

O_BAND_NM = (1260.0, 1360.0)
"""O-band of ITU-T G-series supplement 39, nm; the device models hold there."""

Fault = tuple[str, str]


def closure_problems(spec: PackageSpec) -> list[Problem]:
    """Every relation of the spec that does not hold, each with its numbers."""
    checks = (
        _architecture,
        _bandwidth,
        _engine_count,
        _ports,
        _splitters,
        _fibre_array,
        _grid,
        _laser_power,
        _spares,
        _die,
        _power_map,
        _electrical,
        _substrate,
    )
    found = [spec.problem(path, message) for check in checks for path, message in check(spec)]
    return [*found, *serdes_problems(spec)]


def _architecture(spec: PackageSpec) -> Iterator[Fault]:
    engine = spec.engine
    if engine.architecture == "ring_dr" and engine.grid.channels != 1:
        yield (
            "engine.grid.channels",
            f"{engine.grid.channels} wavelengths a fibre, architecture ring_dr sends 1; use ring_wdm or channels: 1",
        )
    if engine.architecture == "mzm_wdm" and engine.grid.channels not in (2, 4, 8):
        yield (
            "engine.grid.channels",
            f"{engine.grid.channels} wavelengths a fibre: the interferometer tree of mzm_wdm separates 2, 4 or 8; "
            "use one of them",
        )
    for role, name in engine.devices.by_role().items():
        if role not in DEVICES[engine.architecture]:
            yield (
                f"engine.devices.{role}",
                f"architecture {engine.architecture} has no {role} ({name}); remove it or use another architecture",
            )
    for role in DEVICES[engine.architecture]:
        if role not in engine.devices.by_role():
            yield "engine.devices", f"architecture {engine.architecture} needs a {role}; name its sheet"


def _ports(spec: PackageSpec) -> Iterator[Fault]:
    """The port plan must use up the fibres of an engine, within the positions of its connectors."""
    plate, engine = spec.faceplate, spec.engine
    held, each = plate.fibres_per_connector, tx_per_connector(spec)
    if plate.tx_per_connector is not None and 2 * each > held:
        yield (
            "faceplate.tx_per_connector",
            f"{each} transmit and {each} receive fibres do not fit the {held} positions of an {plate.connector}; use "
            f"at most {held // 2} or a larger connector",
        )
    elif plate.tx_per_connector is not None and engine.tx_fibres % each:
        yield (
            "faceplate.tx_per_connector",
            f"{engine.tx_fibres} transmit fibres of an engine do not share out to connectors of {each}; use a divisor "
            f"of {engine.tx_fibres}",
        )
    needed = -(-engine.tx_fibres // each)
    if needed > spec.fibres.levels:
        yield (
            "fibres.levels",
            f"connectors too many for one another: {engine.tx_fibres} + {engine.rx_fibres} data fibres of an engine "
            f"take {needed} connectors {plate.connector} of {each} + {each}, one a layer of ribbons, but levels is "
            f"{spec.fibres.levels}; use {f'levels: {needed} or ' if needed <= MOST_LEVELS else ''}a larger connector"
            f"{' or a larger tx_per_connector' if plate.tx_per_connector is not None else ''}",
        )
    if isinstance(plate.order, tuple):
        names = {p for p in active_names(spec)}
        given = list(plate.order)
        if sorted(given) != sorted(names):
            lacking, extra = sorted(names - set(given)), sorted(set(given) - names)
            twice = sorted({name for name in given if given.count(name) > 1})
            what = [
                f"{word} {', '.join(found)}"
                for word, found in (("lacks", lacking), ("has unknown", extra), ("repeats", twice))
                if found
            ]
            yield "faceplate.order", f"the order of the engines {'; '.join(what)}; name each engine in use once"


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
    engines, placed = spec.engines, spec.engines.per_side
    spares = f" + {engines.spares} spares" if engines.spares else ""
    if engines.spares > engines.count:
        yield (
            "engines.spares",
            f"{engines.spares} spares for {engines.count} engines in use: a spare takes over from an engine, at most "
            f"{engines.count} are of use; lower spares",
        )
    if placed is not None and placed.total != engines.placed:
        parts = " + ".join(f"{getattr(placed, side)} {side}" for side in SIDES)
        yield (
            "engines.per_side",
            f"engines do not add up: {parts} = {placed.total}, engines.count is {engines.count}{spares}; change one",
        )
    if engines.positions is not None and len(engines.positions) != engines.placed:
        yield (
            "engines.positions",
            f"{len(engines.positions)} positions given, {engines.count} engines{spares} need {engines.placed}; "
            "give one each, or none to have them placed",
        )
    if engines.positions is not None and placed is not None:
        yield "engines.per_side", "both per_side and positions are given; leave one of them out"
    if (engines.mount == "socket") != (engines.carrier is not None):
        yield (
            "engines.mount",
            f"mount is {engines.mount} and carrier is {'given' if engines.carrier else 'not given'}: sub-assemblies "
            "need both mount: socket and a carrier; change one",
        )
    if engines.carrier is not None and engines.placed % engines.carrier.engines:
        yield (
            "engines.carrier.engines",
            f"{engines.placed} engines do not fill sub-assemblies of {engines.carrier.engines}; change one",
        )
    if engines.mount == "interposer" and spec.interposer is None:
        yield "engines.mount", "mount is interposer, but the package has none; add interposer: {size_mm: [..., ...]}"


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
    if grid.standard == "CW-WDM" and spec.laser.grid_class is None:
        yield "laser", "a CW-WDM grid needs the class of its lasers; add grid_class: Type1, Type2 or Type3"
    if grid.standard == "CWDM4" and (grid.channels != 4 or grid.spacing_GHz is not None):
        yield (
            "engine.grid",
            f"CWDM4 has 4 channels 20 nm apart; {grid.channels} channels and spacing_GHz {grid.spacing_GHz} are given; "
            "remove spacing_GHz and use channels: 4",
        )
        return
    if grid.standard == "CW-WDM" and grid.comb is None:
        allowed = "; ".join(
            f"{'up to 8' if n == 8 else n} at {', '.join(map(str, spacings))} GHz"
            for n, spacings in CW_WDM_SPACINGS.items()
        )
        size = 8 if grid.channels <= 8 else grid.channels
        path = "engine.grid.spacing_GHz" if size in CW_WDM_SPACINGS else "engine.grid.channels"
        yield (
            path,
            f"{grid.channels} channels at {grid.spacing_GHz or 0:g} GHz is no CW-WDM grid; allowed: {allowed}; "
            f"or set standard: custom",
        )
    low, high = O_BAND_NM
    if grid.standard != "CWDM4" and grid.channels > 1 and grid.spacing_GHz is None:
        yield "engine.grid", f"{grid.channels} channels need their distance; add spacing_GHz"
        return
    if grid.frequencies_GHz[-1] <= 0:
        yield "engine.grid.spacing_GHz", "the grid reaches down to zero frequency; use fewer or closer channels"
        return
    first, last = (1000 * wl for wl in (grid.wl_um[0], grid.wl_um[-1]))
    if first < low or last > high:
        yield (
            "engine.grid.channels",
            f"the grid leaves the O-band: {grid.channels} channels {grid.spacing_nm:.3g} nm apart around "
            f"{grid.center_nm:g} nm reach from {first:.2f} to {last:.2f} nm, the band from {low:g} to {high:g} nm; "
            f"use fewer or closer channels",
        )
    if grid.channels > 1 and spec.engine.heater_bias_nm >= grid.spacing_nm:
        yield (
            "engine.heater_bias_nm",
            f"heater_bias_nm = {spec.engine.heater_bias_nm:g} nm puts a ring on the channel below: the spacing is "
            f"{grid.spacing_nm:.3f} nm; use less",
        )


def _laser_power(spec: PackageSpec) -> Iterator[Fault]:
    grid, laser = spec.engine.grid, spec.laser
    if grid.standard != "CW-WDM" or grid.span_nm is None or laser.grid_class is None:
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


def _spares(spec: PackageSpec) -> Iterator[Fault]:
    spare, channels = spec.production.spares.wavelengths, spec.engine.grid.channels
    if spare >= channels:
        yield (
            "production.spares.wavelengths",
            f"{spare} wavelengths of a fibre may be dead, and it has {channels}: it would work without light; use less",
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


def _power_map(spec: PackageSpec) -> Iterator[Fault]:
    """The blocks of the ASIC lie on it and add up to its heat."""
    blocks, asic = spec.asic.power_map, spec.asic
    if not blocks:
        return
    half = asic.size_mm[0] / 2, asic.size_mm[1] / 2
    for number, block in enumerate(blocks):
        left, bottom, right, top = block.box_mm
        if left >= right or bottom >= top:
            yield f"asic.power_map.{number}.box_mm", f"block {block.name} is empty; write [left, bottom, right, top]"
        elif max(-left, right) > half[0] + TOLERANCE or max(-bottom, top) > half[1] + TOLERANCE:
            yield (
                f"asic.power_map.{number}.box_mm",
                f"block {block.name} reaches beyond the die, which ends at +-{half[0]:g}, +-{half[1]:g} mm; shrink it",
            )
    total = sum(block.power_W for block in blocks)
    if not _equal(total, asic.power_W):
        yield (
            "asic.power_map",
            f"the blocks of the power map add up to {total:g} W, asic.power_W is {asic.power_W:g} W; change one",
        )


def _electrical(spec: PackageSpec) -> Iterator[Fault]:
    """A SerDes lane drives one modulator: it carries its bits, with some overhead."""
    rate, lane = spec.electrical.rate_Gbps, spec.engine.lane_rate_Gbps
    if rate is not None and not lane * (1 - TOLERANCE) <= rate <= RATE_OVERHEAD * lane * (1 + TOLERANCE):
        yield (
            "electrical.rate_Gbps",
            f"a SerDes lane drives one optical lane: {rate:g} Gb/s for {lane:g} Gb/s, {lane:g} to "
            f"{RATE_OVERHEAD * lane:g} allowed (overhead); use one of them or leave rate_Gbps out",
        )


def _substrate(spec: PackageSpec) -> Iterator[Fault]:
    gap, share = spec.engines.gap_mm, share_of(spec)
    width, height = spec.substrate.size_mm
    rows = (
        (0, "width", spec.asic.size_mm[0], width, (share.east > 0) + (share.west > 0)),
        (1, "height", spec.asic.size_mm[1], height, (share.north > 0) + (share.south > 0)),
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
            f"{max(width, height) / 2:g} mm; use more than {max(width, height) / 2:g}",
        )

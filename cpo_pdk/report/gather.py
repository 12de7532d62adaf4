"""What a report says about its inputs: the arithmetic of the spec, the choices in it, the rules with their sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cpo_pdk.report.data import Choice, RuleLine
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.port_plan import port_plan
from cpo_pdk.spec.serdes import bumps_of_sides, lanes_of_sides
from cpo_pdk.spec.shoreline import OIF_MODULE_TBPS_MM, side_densities
from cpo_pdk.tech.rules import KINDS, Rule

_UNITS = {"area": "µm²", "hole": "µm²", "angle": "°", "points": "corners"}
_SAYS = {
    "width": "{0} at least this wide",
    "space": "{0} at least this far from {0}",
    "separation": "{0} at least this far from {1}",
    "enclosure": "{0} lies this deep inside {1}",
    "overlap": "{0} overlaps {1} by this",
    "inside": "{0} is covered by {rest}",
    "area": "an island of {0} is at least this large",
    "grid": "all corners of {all} on this grid",
    "angle": "no sharper corner on {all}",
    "notch": "a notch in {0} is at least this wide",
    "isolation": "two shapes of {0} are at least this far apart",
    "extension": "{0} reaches this far beyond {1} where it leaves it",
    "exclusion": "{0} lies on no {rest}",
    "hole": "a hole in {0} is at least this large",
    "in_die": "nothing of {all} outside the die",
    "floating": "every island of {0} in a die touches {rest}",
    "density": "{0} fills no window of this size in a die too much or too little",
    "points": "no shape has more",
    "no_area": "no shape without area",
    "odd_path": "no path whose width is an odd number of grid points",
    "bend_radius": "{0} bends with at least this radius",
    "collision": "{all} keep this far from each other",
}


def description_of(spec: PackageSpec) -> str:
    """The package in one line: engines, spares, and the bandwidth of the ASIC with what of it has no optics."""
    count, spares = spec.engines.count, spec.engines.spares
    engines = f"{count} optical engine{'s' if count > 1 else ''} of {spec.engine.bandwidth_Tbps:g} Tb/s"
    if spares:
        engines += f" and {spares} spare{'s' if spares > 1 else ''}"
    whole = spec.bandwidth_Tbps + spec.electrical_Tbps
    electrical = f", {spec.electrical_Tbps:g} of them without optics" if spec.electrical_Tbps else ""
    return f"{engines} {'around' if count > 1 else 'beside'} an ASIC of {whole:g} Tb/s{electrical}"


def arithmetic_of(spec: PackageSpec) -> tuple[str, ...]:
    """How bandwidth, lanes, fibres and lasers of a package follow from each other, one equation a line."""
    engine, engines, laser = spec.engine, spec.engines, spec.laser
    count, channels = engines.count, engine.grid.channels
    those = f"{count} engine{'s' if count > 1 else ''}"
    per_engine, total = engine.fibre_counts, spec.fibre_counts
    kinds = [kind for kind in per_engine if kind != "total" and (per_engine[kind] or kind != "loopback")]
    ports = port_plan(spec)
    modules = sum(plan.level == 0 for plan in ports)
    data = len(ports) - modules
    colours = f"{channels} wavelength{'s' if channels > 1 else ''}"
    lasers, feeds, held = total["laser"] * channels, engine.splitter_ways, laser.fibres_per_module
    lines = [
        f"engine     {engine.tx_fibres} transmit fibres x {colours} x {engine.lane_rate_Gbps:g} Gb/s"
        f" = {engine.bandwidth_Tbps:g} Tb/s in each direction",
        f"package    {those} x {engine.bandwidth_Tbps:g} Tb/s = {spec.bandwidth_Tbps:g} Tb/s",
    ]
    if spec.electrical_Tbps:
        whole = spec.bandwidth_Tbps + spec.electrical_Tbps
        lines.append(f"           + {spec.electrical_Tbps:g} Tb/s without optics = {whole:g} Tb/s of the ASIC")
    if engines.spares:
        spare = f"{engines.spares} spare{'s' if engines.spares > 1 else ''} without fibres"
        lines.append(f"engines    {count} in use + {spare} = {engines.placed}")
    if engines.carrier is not None:
        each = engines.carrier.engines
        lines.append(f"boards     {engines.placed} engines / {each} = {engines.placed // each} sub-assemblies")
    lines += [
        f"lanes      {those} x {engine.tx_fibres} fibres x {colours} = {spec.lanes_per_direction} in each direction",
        "fibres     " + " + ".join(f"{per_engine[k]} {k}" for k in kinds) + f" = {per_engine['total']} an engine",
        f"           {those} x {per_engine['total']} fibres = {total['total']}",
        f"lasers     {total['laser']} laser fibres x {colours} = {lasers} lasers; each feeds {feeds} lanes:"
        f" {lasers} x {feeds} = {lasers * feeds}",
        f"modules    {total['laser']} laser fibres / {held} = {total['laser'] / held:g} {laser.connector} modules"
        f" ({modules} at the faceplate)",
        f"connectors {those} x {data // count} = {data} {spec.faceplate.connector}",
        *_edges_of(spec),
    ]
    return tuple(lines)


def _edges_of(spec: PackageSpec) -> Iterator[str]:
    """Bandwidth through each edge of the ASIC and bumps of its serial links; sides that are alike share a line."""
    alike: dict[tuple[str, str], list[str]] = {}
    each, bandwidth = spec.electrical.bumps_per_lane, spec.engine.bandwidth_Tbps
    for d, lanes, there in zip(side_densities(spec), lanes_of_sides(spec), bumps_of_sides(spec), strict=True):
        if not d.engines:
            continue
        density = (
            f"{d.engines} x {bandwidth:g} Tb/s / {d.length_mm:g} mm = {d.Tbps_mm:.3f} Tb/s per mm,"
            f" {d.of_oif:.2f} x the {OIF_MODULE_TBPS_MM:g} of the OIF 3.2T module"
        )
        bumps = f"{lanes} lanes x 2 directions x {each} bumps = {2 * lanes * each} of {there}"
        alike.setdefault((density, bumps), []).append(d.side)
    names = [", ".join(sides) for sides in alike.values()]
    for word, which in (("edges", 0), ("bumps", 1)):
        for name, texts in zip(names, alike, strict=True):
            yield f"{word:10} {name}: {texts[which]}"
            word = ""


def choices_of(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> tuple[Choice, ...]:
    """Every number of the spec, and of the sheets that it names, that has no published source."""
    found = [Choice(path, _shown(_value_at(spec, path)), "a choice of this package") for path in spec.choices]
    used = dict.fromkeys(spec.engine.devices.by_role().values())
    for name in used:
        sheet = sheets.get(name)
        for key, parameter in {**sheet.parameters, **sheet.operating}.items() if sheet else ():
            if parameter.choice:
                unit = "" if parameter.unit == "1" else f" {parameter.unit}"
                found.append(Choice(f"{name}: {key}", f"{parameter.value:g}{unit}", parameter.source))
    return tuple(found)


def rule_lines(rules: tuple[Rule, ...]) -> tuple[RuleLine, ...]:
    """The design rules in words."""
    lines = []
    for rule in rules:
        pair = [*rule.layers, *rule.layers][:2]
        says = _SAYS.get(rule.kind, rule.kind + " of {all}").format(
            *pair, rest=" or ".join(rule.layers[1:]), all=", ".join(rule.layers)
        )
        value = f"{rule.value:g} {_UNITS.get(rule.kind, 'µm')}" if "value" in KINDS[rule.kind].needs else ""
        lines.append(RuleLine(rule.name, says, value, rule.source, rule.choice))
    return tuple(lines)


def _value_at(spec: PackageSpec, path: str) -> Any:
    value: Any = spec
    for step in path.split("."):
        value = getattr(value, step)
    return value


def _shown(value: Any) -> str:
    if hasattr(value, "model_dump"):
        return ", ".join(f"{k} {_shown(v)}" for k, v in value.model_dump().items())
    if isinstance(value, tuple | list):
        return ", ".join(_shown(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)

"""What a rule asks for, in words, and where its number comes from: for the formats that explain themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from cpo_pdk.tech.rules import Rule, load_rules

#: unit of the value of a rule by its kind, where that isn't um
_UNITS = {
    "area": "um2",
    "hole": "um2",
    "angle": "degrees",
    "points": "corners",
    "guide_crossing": "arms",
    "taper_slope": "degrees",
    "kink": "degrees",
    "proximity": "dB",
    "part_limit": "parts",
    "shoreline_share": "",
    "fibre_angle": "degrees",
    "fibre_crossing": "degrees",
    "resonance": "nm",
    "interferometer": "turns",
}
_CONNECTIVITY = {
    "CONN.near_miss": "two ports that nearly meet: a connection is exact or it is none",
    "CONN.width_mismatch": "ports that meet have the same width",
    "CONN.layer_mismatch": "ports that meet lie on the same layer",
    "CONN.cross_section_mismatch": "ports that meet have the same cross-section",
    "CONN.angle_mismatch": "ports that meet face each other",
    "CONN.type_mismatch": "ports that meet are of one type",
    "CONN.several_ports": "not more than two ports meet in one place",
    "CONN.dangling": "a port leads somewhere or is declared open",
    "CONN.unbound_port": "a port of the cell lies on a port of an instance",
    "CONN.edited": "a drawn cell is as its settings say",
    "CONN.overlap": "waveguides of two instances don't lie on each other",
    "CONN.crossing": "waveguides cross in a crossing only",
    "CONN.not_drawn": "a waveguide is drawn up to its port, as wide as the port says",
    "CONN.loose_facet": "a facet in a package meets a fibre, a fibre ends at something",
    "CONN.length": "a straight is as long as it says",
    "CONN.no_ports": "a file with waveguides says where its optical ports are",
}
_LVS = {
    "LVS.short": "every net of the metal holds one terminal of a device and one bump",
    "LVS.open": "no waveguide and no metal is interrupted: every terminal reaches silicon or heater, and its bump",
    "LVS.device": "a device is of the kind that the spec asks for in its place",
    "LVS.missing": "every device that the spec asks for is drawn",
    "LVS.extra": "no device is drawn that the spec doesn't ask for",
    "LVS.connection": "every device is connected to the one that the spec asks for",
    "LVS.turned": "a device is the right way round",
    "LVS.array": "the fibre array has as many facets as the spec asks for, all on one side",
    "LVS.mirrored": "no fibre array, engine, connector or ribbon is mirrored",
    "LVS.swapped": "lanes, rings, fibres and connectors are in the order that the spec asks for",
    "LVS.facet_name": "the ports of an engine bear the names of their positions in the fibre array",
    "LVS.engines": "every engine stands on its side and looks out of it",
    "LVS.fibre": "every fibre ends at its own position of its connector",
    "LVS.fibre_kind": "laser fibres are polarisation-maintaining, data fibres single-mode, as the spec's sheets say",
    "LVS.connector": "every connector is there, of the kind that the spec asks for",
    "LVS.channel": "every ring rests below its own channel",
    "LVS.bumps": "an engine has one bump for every terminal of its devices",
    "LVS.bump_map": "every terminal has the bump that the die on top expects it at",
    "LVS.airwire": "each serial link of the ASIC goes to one lane of one engine, and each lane to one",
}
_GROUPS = {
    "drc": "design rule",
    "photonic": "waveguide rule",
    "connectivity": "connectivity check",
    "lvs": "comparison with what was asked for",
    "assembly": "package rule",
}


@dataclass(frozen=True)
class RuleWords:
    """One rule for readers.

    Attributes:
        name: as in a violation.
        text: what it asks for, in one line.
        source: where its number comes from; empty where it has none.
        choice: no publication gives the number.
    """

    name: str
    text: str
    source: str = ""
    choice: bool = False


def about(name: str, group: str = "") -> RuleWords:
    """What is known of a rule; for one that no data file names, what its group is for."""
    rule = _data_rules().get(name)
    if rule is not None:
        return RuleWords(name, rule_text(rule), rule.source, rule.choice)
    return RuleWords(name, _CONNECTIVITY.get(name) or _LVS.get(name) or _GROUPS.get(group, "check"))


def rule_text(rule: Rule) -> str:
    """`width of WG: 0.12 um`."""
    value = f": {rule.value:g} {unit_of(rule)}".rstrip() if rule.value else ""
    more = "".join(f", {k.replace('_', ' ')} {_shown(v)}" for k, v in sorted(rule.more.items()) if k != "unit")
    layers = f" of {'/'.join(rule.layers)}" if rule.layers else ""
    return f"{rule.kind.replace('_', ' ')}{layers}{value}{more}"


def unit_of(rule: Rule) -> str:
    """The unit of a rule's value; empty for a pure number."""
    unit = str(rule.more.get("unit") or _UNITS.get(rule.kind, "um"))
    return "" if unit == "1" else unit


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


@cache
def _data_rules() -> dict[str, Rule]:
    return {rule.name: rule for rule in load_rules()}

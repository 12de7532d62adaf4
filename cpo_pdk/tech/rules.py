"""The design rules of the process: data in `data/rules.yaml`, read and validated here.

This module is light on purpose: the checks read it without gdsfactory.

What the kinds of design rules (group `drc`) mean. `layer` stands for the merged polygons of a layer under the top cell
(touching shapes are one); KLayout's word for the same is given in brackets, options `euclidian`, `whole_edges`,
`angle_limit(60)`. Distances are Euclidian and between edges that face each other; a gap or width at a corner of 60
degrees or more is none. Slanted edges are rounded to the grid and are forgiven what that rounding can take, see
`verify/design_rules/edge_distance.py`.

- width: material of `layer` is nowhere narrower than `value`  [layer.width]
- space: no gap between edges of `layer`, of one polygon or of two, is narrower than `value`  [layer.space]
- notch: the same between edges of one polygon alone  [layer.notch]; isolation: of two polygons alone  [layer.isolated].
  They serve where the two limits differ; `space` is both at once.
- separation: `layer` and `other` keep `value` apart and don't overlap  [layer.separation(other), layer & other]
- enclosure: `inner` lies inside `layer`, `value` from its border  [layer.enclosing(inner), inner - layer]
- extension: where `inner` leaves `layer`, it reaches `value` beyond the border; it need not cover it all
  [inner.enclosing(layer)]
- overlap: where `layer` and `other` touch or overlap, what they share is `value` wide  [(layer & other).width,
  layer.overlap(other)]
- inside: `inner` is covered by the union of `layers`  [inner - (a + b)]
- exclusion: `layer` shares no area with any of `layers`  [layer & (a + b)]; to touch is allowed
- area: each polygon of `layer` has `value` um2 or more, its holes left out; 0.71 nm times the length of its slanted
  edges is forgiven  [layer.with_area(0, value)]
- hole: each hole in a polygon of `layer` has `value` um2 or more, forgiven as much  [layer.holes.with_area(0, value)]
- collision: no two shapes of `layers` as drawn cover each other by more than `value`  [merged(2).sized(-d).sized(d)]
- in_die: each of `layers` lies inside the union of the `die` layer; nothing is asked of a file without that layer
  [layer - die]
- floating: each polygon of `layer` that touches the `die` layer touches a shape of one of `layers`, unless it covers a
  whole polygon of `mark` (an alignment mark)  [layer.interacting(die).not_interacting(a + b).not_covering(mark)]
- density: `layer` covers at least the share `least` and at most the share `most` of every square window of side
  `value`. Windows start at the lower left corner of the box of each polygon of `die` (in the coordinates of the cell
  that holds the die) and go on in steps of `step` until one reaches the far side; only the part of a window inside the
  die counts; windows with less than half of their area inside it are passed over  [with_density, tile_size(value),
  tile_step(step), tile_origin]
- grid: corners of `layers` as drawn lie on multiples of `value`; no cell with shapes on them is turned by anything but
  multiples of 90 degrees or scaled  [layer.ongrid]
- angle: no corner of `layers`, of the material or of a notch, is sharper than `value` degrees
- points, no_area, odd_path: shapes as drawn, on every layer of the file, known or not: no polygon or path has more than
  `value` corners; none has no area; no path has an odd width (its border then falls between two grid points)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cpo_pdk.errors import InputError
from cpo_pdk.tech.layers import LAYERS

RULES_FILE = Path(__file__).parent / "data" / "rules.yaml"


class Kind(NamedTuple):
    """A kind of rule: the kind of check that runs it, the keys that it must have, and those that it may have.

    `name`, `kind` and `source` every rule has, `choice` every rule may have.
    """

    group: str
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    # distances between edges, um
    "width": Kind("drc", ("layer", "value")),
    "space": Kind("drc", ("layer", "value")),
    "notch": Kind("drc", ("layer", "value")),
    "isolation": Kind("drc", ("layer", "value")),
    "separation": Kind("drc", ("layer", "other", "value")),
    "enclosure": Kind("drc", ("inner", "layer", "value")),
    "extension": Kind("drc", ("inner", "layer", "value")),
    "overlap": Kind("drc", ("layer", "other", "value")),
    # areas
    "inside": Kind("drc", ("inner", "layers")),
    "exclusion": Kind("drc", ("layer", "layers")),
    "area": Kind("drc", ("layer", "value")),
    "hole": Kind("drc", ("layer", "value")),
    "collision": Kind("drc", ("layers", "value")),
    # a whole die
    "in_die": Kind("drc", ("layers", "die")),
    "floating": Kind("drc", ("layer", "layers", "die"), ("mark",)),
    "density": Kind("drc", ("layer", "value", "step", "die"), ("least", "most")),
    # corners
    "grid": Kind("drc", ("layers", "value")),
    "angle": Kind("drc", ("layers", "value")),
    # records of the file, on every layer of it
    "points": Kind("drc", ("value",)),
    "no_area": Kind("drc", ()),
    "odd_path": Kind("drc", ()),
    # waveguides
    "bend_radius": Kind("photonic", ("layer", "value", "half_width")),
    "width_jump": Kind("photonic", ("layer", "value", "within", "widest"), ("exempt",)),
    "guide_end": Kind("photonic", ("layer", "value", "widest", "facet"), ("exempt",)),
    "guide_crossing": Kind("photonic", ("layer", "value", "widest"), ("exempt",)),
    "taper_slope": Kind("photonic", ("layer", "value", "widest"), ("exempt",)),
    "chord_deviation": Kind("photonic", ("layer", "value", "widest"), ("exempt",)),
    "proximity": Kind("photonic", ("layer", "other", "value", "reach", "wl"), ("exempt",)),
    "port_grid": Kind("photonic", ("layer", "value", "angle")),
    "guide_under": Kind("photonic", ("layer", "layers", "value"), ("exempt",)),
    "foreign_heater": Kind("photonic", ("layer", "other", "value")),
    "kink": Kind("photonic", ("layer", "value", "widest"), ("exempt",)),
    # what a device is as drawn against its record; `parameter` lists names, `*` for any letters (verify/lvs/measure)
    # measured: numbers that may differ by `value` and the share `relative` of what is recorded; matched: words
    "measured": Kind("lvs", ("parameter", "value"), ("relative", "unit")),
    "matched": Kind("lvs", ("parameter",)),
    # against the spec: how far a cold resonance (nm), an interferometer (turns) or a bump (um) may be off the place
    # asked for
    "resonance": Kind("lvs", ("value",)),
    "interferometer": Kind("lvs", ("value", "share")),
    "bump_place": Kind("lvs", ("layer", "value")),
    # the package: what stands where; run by verify/assembly
    "part_limit": Kind("assembly", ("value",), ("fibres", "bumps")),
    "part_count": Kind("assembly", ("layers",)),
    "shoreline_share": Kind("assembly", ("layers", "value")),
    "shoreline_facing": Kind("assembly", ("layers", "value")),
    "engine_spacing": Kind("assembly", ("layer", "value")),
    "asic_spacing": Kind("assembly", ("layers", "value")),
    "asic_reach": Kind("assembly", ("layers", "value")),
    "asic_gap": Kind("assembly", ("layers", "value")),
    "trace_reach": Kind("assembly", ("layers", "value")),
    "engine_place": Kind("assembly", ("layers", "value")),
    "spare_bare": Kind("assembly", ("layers",)),
    "shoreline_length": Kind("assembly", ("layers", "value")),
    "keep_out_asked": Kind("assembly", ("layers", "value")),
    "substrate_margin": Kind("assembly", ("layers", "value")),
    "interposer_margin": Kind("assembly", ("layers", "value")),
    "carrier_margin": Kind("assembly", ("layers", "value")),
    "carrier_spacing": Kind("assembly", ("layers", "value")),
    "mirrored": Kind("assembly", ("layers",)),
    "engine_keepout": Kind("assembly", ("layer", "value")),
    "keep_out": Kind("assembly", ("layer", "value", "parts"), ("depth", "beside")),
    "array_footprint": Kind("assembly", ("layers", "value", "beside", "between")),
    "connector_swept": Kind("assembly", ("layers", "value")),
    "facet_edge": Kind("assembly", ("layers", "value")),
    "facet_clear": Kind("assembly", ("layers", "value", "start", "beside")),
    "fibre_pitch": Kind("assembly", ("layers", "value")),
    "fibre_missing": Kind("assembly", ("layers",)),
    "fibre_gap": Kind("assembly", ("layers", "value")),
    "fibre_angle": Kind("assembly", ("layers", "value")),
    "fibre_kind": Kind("assembly", ("layers",)),
    "fibre_ends": Kind("assembly", ("layers",)),
    "fibre_order": Kind("assembly", ("layers",)),
    "fibre_crossing": Kind("assembly", ("layers", "value", "outside")),
    "ribbon_spacing": Kind("assembly", ("layers", "value")),
    "ribbon_crossing": Kind("assembly", ("layers", "inside")),
    "connector_capacity": Kind("assembly", ("layers",)),
    "connector_position": Kind("assembly", ("layers", "value")),
    "connector_halves": Kind("assembly", ("layers",)),
    "connector_laser": Kind("assembly", ("layers",)),
    "connector_row": Kind("assembly", ("layers",)),
    "connector_spacing": Kind("assembly", ("layers", "value")),
    "connector_plate": Kind("assembly", ("layers", "value", "line")),
    "bump_grid": Kind("assembly", ("layer", "value")),
    "bump_pitch": Kind("assembly", ("layer", "value")),
    "bump_margin": Kind("assembly", ("layers", "value")),
    "top_die": Kind("assembly", ("inner", "layer", "value")),
    "top_die_margin": Kind("assembly", ("inner", "layer", "value")),
}
#: keys whose values are layer names, in the order in which they make `Rule.layers`
LAYER_KEYS = ("inner", "layer", "other", "layers")
#: keys whose values are layer names too, but not of what the rule measures: they are in `Rule.more`
LAYER_WORDS = ("die", "mark")
#: keys that are shares from 0 to 1
SHARES = ("least", "most")
#: keys that every rule may have
_COMMON = ("name", "kind", "source", "choice")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Rule:
    """One design rule.

    Attributes:
        name: unique, as it appears in a violation (`WG.W`).
        kind: one of `KINDS`.
        layers: every layer that the rule looks at; the first is `inner` or `layer`, then the others.
        value: limit: um; um2 for `area` and `hole`, degrees for `angle`, a number for `points`; the side of the window
            for `density`; 0 for kinds that have none.
        source: where the number comes from.
        half_width: `bend_radius` only: from the concave edge to the centre line, um.
        choice: no public rule set gives the number; `source` then says why it is what it is.
        more: what else the kind takes, by key: numbers and words.
    """

    name: str
    kind: str
    layers: tuple[str, ...]
    value: float
    source: str
    half_width: float = 0.0
    choice: bool = False
    more: Mapping[str, float | str] = field(default_factory=dict, hash=False)

    @property
    def group(self) -> str:
        """The kind of check that runs this rule: drc, photonic, lvs or assembly."""
        return KINDS[self.kind].group

    @property
    def layer_names(self) -> str:
        """Layers as they are shown in a violation, `VIAC/M1`; `-` where no layer is named."""
        return "/".join(self.layers) or "-"


def _number(entry: Mapping[str, Any], key: str) -> float | str:
    """The value of `key`, or what is wrong with it."""
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return f"{key} is {value!r}, must be a number above 0; correct it"
    return float(value)


def _rule(entry: Any, number: int, taken: set[str]) -> tuple[Rule | None, list[str]]:
    """One entry of the file as a rule, or None and what is wrong with it."""
    if not isinstance(entry, dict):
        return None, [f"rule {number}: {entry!r} is no mapping; give name, kind, layer, value, source"]
    name, kind = entry.get("name"), entry.get("kind")
    where = f"rule {number} ({name})"
    faults: list[str] = []
    if not isinstance(name, str) or not name:
        faults.append(f"{where}: no name; give one such as WG.W")
    elif name in taken:
        faults.append(f"{where}: the name is given twice; rename one")
    if kind not in KINDS:
        return None, [*faults, f"{where}: kind {kind!r} is not known; use one of {', '.join(KINDS)}"]
    required, optional = KINDS[str(kind)].needs, KINDS[str(kind)].may
    unknown = sorted(str(k) for k in set(entry) - {*_COMMON, *required, *optional})
    if unknown:
        faults.append(f"{where}: unknown key {', '.join(unknown)}; {kind} takes {', '.join((*required, *optional))}")
    missing = [key for key in required if key not in entry]
    if missing:
        faults.append(f"{where}: {', '.join(missing)} missing; {kind} needs {', '.join(required)}")
    source = entry.get("source")
    if not isinstance(source, str) or not source.strip():
        faults.append(f"{where}: no source; say where the number comes from")
    if not isinstance(entry.get("choice", False), bool):
        faults.append(f"{where}: choice is {entry['choice']!r}, must be true or false; correct it")
    layers: list[str] = []
    for key in LAYER_KEYS:
        given = entry.get(key, [])
        layers += given if isinstance(given, list) else [given]
        if given == [] and key in entry:
            faults.append(f"{where}: {key} is empty; name at least one layer")
    bad = [str(layer) for layer in layers if not isinstance(layer, str) or layer not in LAYERS]
    if bad or (not layers and set(LAYER_KEYS) & set(required)):
        faults.append(f"{where}: layer {', '.join(bad) or '(none)'} is not in tech/layers.py; correct the name")
    numbers: dict[str, float] = {}
    words: dict[str, str] = {}
    for key in (*required, *optional):
        if key in LAYER_KEYS or key not in entry:
            continue
        if key != "value" and isinstance(entry[key], str) and entry[key].strip():
            words[key] = entry[key].strip()
            continue
        found = _number(entry, key)
        if isinstance(found, str):
            faults.append(f"{where}: {found}")
        else:
            numbers[key] = found
    faults += [f"{where}: {fault}" for fault in _more_faults(numbers, words, entry)]
    if faults:
        return None, faults
    return (
        Rule(
            name=str(name),
            kind=str(kind),
            layers=tuple(layers),
            value=numbers.get("value", 0.0),
            source=str(source).strip(),
            half_width=numbers.get("half_width", 0.0),
            choice=entry.get("choice", False),
            more={**{k: v for k, v in numbers.items() if k not in ("value", "half_width")}, **words},
        ),
        [],
    )


def _more_faults(numbers: Mapping[str, float], words: Mapping[str, str], entry: Mapping[str, Any]) -> list[str]:
    """What is wrong with keys that mean more than a number or a word."""
    faults = [
        f"{key} is {entry[key]!r}, must be a layer of tech/layers.py; correct the name"
        for key in LAYER_WORDS
        if key in entry and words.get(key) not in LAYERS
    ]
    faults += [
        f"{key} is {entry[key]!r}, must be a share from 0 to 1; correct it"
        for key in SHARES
        if key in entry and not numbers.get(key, 2.0) <= 1.0
    ]
    if entry.get("kind") == "density" and {"value", "step"} <= set(numbers):
        if not {"least", "most"} & set(entry):
            faults.append("neither least nor most is given; give one of them or both")
        if numbers.get("least", 0.0) > numbers.get("most", 1.0):
            faults.append(f"least {numbers['least']:g} is above most {numbers['most']:g}; swap them")
        windows = numbers["value"] / numbers["step"]
        if windows < 1 or abs(windows - round(windows)) > 1e-9:
            faults.append(f"step {numbers['step']:g} does not divide the window of {numbers['value']:g} um; change one")
    return faults


def parse_rules(text: str, where: str = "<rules>") -> tuple[Rule, ...]:
    """Rules from YAML text, in the order of the file.

    Args:
        text: YAML with the one key `rules`, a list.
        where: what errors call the text.

    Raises:
        InputError: with every fault of the text, one line each.
    """
    try:
        data = yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise InputError(f"{where}: no valid YAML ({' '.join(str(error).split())}); correct it") from error
    if not isinstance(data, dict) or set(data) != {"rules"} or not isinstance(data["rules"], list) or not data["rules"]:
        raise InputError(f"{where}: must hold one key, `rules`, with a list of at least one rule")
    rules: list[Rule] = []
    faults: list[str] = []
    taken: set[str] = set()
    for number, entry in enumerate(data["rules"], start=1):
        rule, wrong = _rule(entry, number, taken)
        faults += wrong
        if rule is not None:
            rules.append(rule)
            taken.add(rule.name)
    if faults:
        raise InputError("\n".join(f"{where}: {fault}" for fault in faults))
    return tuple(rules)


@cache
def load_rules(path: Path = RULES_FILE, group: str = "") -> tuple[Rule, ...]:
    """Rules of a file, by default those of the process.

    Args:
        path: of the YAML file.
        group: only those of one kind of check (drc, photonic, lvs, assembly); empty: all.

    Raises:
        InputError: the file can't be read, or any rule in it is not valid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path}: can't be read ({error}); give a rule file") from error
    rules = parse_rules(text, str(path))
    return tuple(rule for rule in rules if group in ("", rule.group))

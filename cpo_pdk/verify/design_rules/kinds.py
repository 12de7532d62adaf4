"""The kinds of design rules: which function finds what violates one, what is measured, and what a rule looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.design_rules.areas import area, collision, exclusion, hole, inside
from cpo_pdk.verify.design_rules.corners import angle, grid
from cpo_pdk.verify.design_rules.density import density
from cpo_pdk.verify.design_rules.dies import floating, in_die
from cpo_pdk.verify.design_rules.distances import (
    enclosure,
    extension,
    isolation,
    notch,
    overlap,
    separation,
    space,
    width,
)
from cpo_pdk.verify.design_rules.records import no_area, odd_path, points
from cpo_pdk.verify.process_layers import Finding, ProcessLayers

RULE_KINDS: dict[str, Callable[[ProcessLayers, Rule], Iterable[Finding]]] = {
    "width": width,
    "space": space,
    "notch": notch,
    "isolation": isolation,
    "separation": separation,
    "enclosure": enclosure,
    "extension": extension,
    "overlap": overlap,
    "inside": inside,
    "exclusion": exclusion,
    "area": area,
    "hole": hole,
    "collision": collision,
    "in_die": in_die,
    "floating": floating,
    "density": density,
    "grid": grid,
    "angle": angle,
    "points": points,
    "no_area": no_area,
    "odd_path": odd_path,
}
#: kinds about the records of the file, whatever is drawn with them
OF_RECORDS = ("points", "no_area", "odd_path")
#: kinds that look at each of their layers by itself, or at all of them together
_OF_EACH = ("grid", "angle", "collision", "in_die")
#: kinds that look at nothing when one of two layers is missing
_OF_BOTH = ("separation", "extension", "overlap")

#: kind -> what is measured, its unit, what to do
_MEASURED: dict[str, tuple[str, str, str]] = {
    "width": ("width", " um", "widen it"),
    "space": ("space", " um", "move the edges apart or close the gap"),
    "notch": ("notch", " um", "widen the notch or close it"),
    "isolation": ("space between two shapes", " um", "move the shapes apart or join them"),
    "separation": ("distance", " um", "move the shapes apart"),
    "enclosure": ("enclosure", " um", "enlarge the outer shape or move the inner one"),
    "extension": ("extension", " um", "let the shape reach further out, or not at all"),
    "overlap": ("overlap", " um", "make the shapes overlap more, or not at all"),
    "area": ("area", " um2", "enlarge the shape or remove it"),
    "hole": ("area of the hole", " um2", "enlarge the hole or fill it"),
    "angle": ("corner", " degrees", "blunt the corner"),
    "points": ("corners in one shape:", "", "cut the shape in pieces"),
}


def looked_at(rule: Rule, counts: Mapping[str, int], shapes: int) -> int:
    """How many shapes a rule looks at, every instance counted; 0 where what it is about is not in the file.

    Args:
        rule: the rule.
        counts: shapes by layer.
        shapes: shapes on all layers of the file.
    """
    if rule.kind in OF_RECORDS:
        return shapes
    die = rule.more.get("die")
    if die and not counts.get(str(die)):
        return 0
    numbers = [counts.get(name, 0) for name in rule.layers]
    if rule.kind in _OF_EACH:
        return sum(numbers)
    if rule.kind in _OF_BOTH:
        return sum(numbers) if all(numbers) else 0
    if rule.kind == "exclusion":
        return numbers[0] + sum(numbers[1:]) if numbers[0] and any(numbers[1:]) else 0
    return numbers[0]


def message(rule: Rule, finding: Finding) -> str:
    """Value, limit and cure in one line."""
    note = f" ({finding.note})" if finding.note else ""
    places = f"; in {finding.places} places" if finding.places > 1 else ""
    if rule.kind in _MEASURED:
        what, unit, cure = _MEASURED[rule.kind]
        value = "unknown" if finding.value is None else f"{finding.value:.4g}"
        return f"{what} {value}{unit}{note}, limit {rule.value:g}{unit}; {cure}{places}"
    return _WORDS[rule.kind](rule, finding, note) + places


def _density(rule: Rule, finding: Finding, note: str) -> str:
    limits = [f"{key} {float(rule.more[key]):g}" for key in ("least", "most") if key in rule.more]
    value = "unknown" if finding.value is None else f"{finding.value:.4g}"
    cure = "fill the window" if finding.note == "below" else "slot or narrow the metal"
    return f"share {value} of a window of {rule.value:g} um, limit {' and '.join(limits)}; {cure}"


_WORDS: dict[str, Callable[[Rule, Finding, str], str]] = {
    "inside": lambda r, f, note: f"{r.layers[0]} not covered by {' or '.join(r.layers[1:])}{note}; cover or remove it",
    "exclusion": lambda r, f, note: f"{r.layers[0]} lies on {f.note}, no overlap allowed; move one of them away",
    "collision": lambda r, f, note: (
        f"two shapes in one place{note}, overlap allowed {r.value:g} um; route one of them around"
    ),
    "in_die": lambda r, f, note: (
        f"{f.note} outside {r.more['die']}, none allowed; move it into the die or enlarge that"
    ),
    "floating": lambda r, f, note: (
        f"{r.layers[0]} of {f.value or 0.0:.4g} um2 touches no {' or '.join(r.layers[1:])}, 1 needed; "
        "connect or remove it"
    ),
    "density": _density,
    "grid": lambda r, f, note: f"off the grid of {r.value:g} um{note}; snap it, or flatten what is turned",
    "no_area": lambda r, f, note: f"a shape without area on {f.note}, none allowed; remove it",
    "odd_path": lambda r, f, note: (
        f"path {f.value or 0.0:g} um wide on {f.note}, must be a multiple of 0.002 um; draw a polygon or widen it"
    ),
}

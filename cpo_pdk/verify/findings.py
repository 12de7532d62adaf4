"""What checks return: violations with an address, how much was looked at, and the verdict over all of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

#: the kinds of checks, in the order in which they are shown
Group = Literal["drc", "photonic", "connectivity", "lvs", "assembly"]


@dataclass(frozen=True, order=True)
class Violation:
    """One violation.

    Attributes:
        rule: name of the rule, as in `tech/data/rules.yaml`, or of the check (`CONN.near_miss`, `LVS.radius`).
        layer: layer name(s) that it concerns, `WG` or `M1/VIA1`; `-` where no layer applies.
        cell: name of the cell it was found in (coordinates are that cell's own).
        bbox: left, bottom, right, top in um, in the coordinates of `cell`.
        message: value, limit and cure in one line.
        places: in how many places of the top cell the same thing is found.
        asked_at: `file:line` of the spec that asks for something else; empty where no spec is concerned.
    """

    rule: str
    layer: str
    cell: str
    bbox: tuple[float, float, float, float]
    message: str
    places: int = 1
    asked_at: str = ""

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits that stay the same as long as rule, layer, cell and place (to 1 nm) do."""
        place = ",".join(f"{value:.3f}" for value in self.bbox)
        return hashlib.blake2b(f"{self.rule}|{self.layer}|{self.cell}|{place}".encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class RibbonCrossing:
    """Two ribbons of fibres of different engines, in layers above one another, that cross.

    Attributes:
        first, second: where each comes from and goes to, `engine_N1 to MPO-N1`.
        x, y: the middle of the crossing in the top cell, um.
        angle: between the two, the smallest of any two fibres, up to 90 degrees.
        over: a substrate lies below.
        fibres: crossings of single fibres that it is made of.
        layers: that the two are drawn on, lowest first.
    """

    first: str
    second: str
    x: float
    y: float
    angle: float
    over: bool
    fibres: int
    layers: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """One entry of `crossings` in the `--json` document."""
        return {
            "ribbons": [self.first, self.second],
            "x_um": self.x,
            "y_um": self.y,
            "angle_degrees": self.angle,
            "over_package": self.over,
            "fibre_crossings": self.fibres,
            "layers": list(self.layers),
        }


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one kind of check; one with `looked_at == 0` is never clean, unless it says why it need not be.

    Attributes:
        violations: sorted, so that two runs of one file print the same.
        rules: names of the rules that ran.
        looked_at: number of things examined.
        seconds: wall time by stage.
        shapes_by_layer: `drc` only: number of shapes on each layer of the process, every instance counted.
        group: kind of check.
        what: what `looked_at` counts, in the plural: shapes, ports, parameters.
        counted: further counts by name: devices, nets, parameters.
        not_applicable: why there is nothing to look at in this file, and that this is in order; empty otherwise.
        looked_at_by_rule: how many things each rule examined, where the check knows.
        crossings: `assembly` only: where ribbons of fibres cross, whether that is allowed there or not.
    """

    violations: tuple[Violation, ...]
    rules: tuple[str, ...]
    looked_at: int
    seconds: dict[str, float] = field(default_factory=dict)
    shapes_by_layer: dict[str, int] = field(default_factory=dict)
    group: Group = "drc"
    what: str = "shapes"
    counted: dict[str, int] = field(default_factory=dict)
    not_applicable: str = ""
    looked_at_by_rule: dict[str, int] = field(default_factory=dict)
    crossings: tuple[RibbonCrossing, ...] = ()

    @property
    def clean(self) -> bool:
        """True when something was looked at, or need not be, and nothing was found."""
        return (self.looked_at > 0 or bool(self.not_applicable)) and not self.violations

    @property
    def by_rule(self) -> dict[str, int]:
        """Number of violations by rule, only the rules that were violated."""
        return by_rule(self.violations)

    def as_json(self) -> dict[str, Any]:
        """This part of the `--json` document of `cpo check`."""
        document: dict[str, Any] = {
            "violations": len(self.violations),
            "by_rule": self.by_rule,
            "rules": len(self.rules),
            self.what: self.looked_at,
            "clean": self.clean,
        }
        if self.not_applicable:
            document["not_applicable"] = self.not_applicable
        if self.shapes_by_layer:
            document["shapes_by_layer"] = self.shapes_by_layer
        if self.counted:
            document["counted"] = self.counted
        if self.looked_at_by_rule:
            document["looked_at_by_rule"] = self.looked_at_by_rule
        if self.crossings:
            document["crossings"] = [crossing.as_json() for crossing in self.crossings]
        return document


@dataclass(frozen=True)
class Waived:
    """A violation that somebody answers for: why, until when, where that is written (`file:line`), and who."""

    violation: Violation
    reason: str
    expires: date | None = None
    written_at: str = ""
    by: str = ""


@dataclass(frozen=True)
class Comparison:
    """Violations against those of an earlier run.

    Attributes:
        new, unchanged: fingerprints of violations of this run, each as often as there are such violations.
        fixed: fingerprints that the earlier run had and this one, with the same rules, doesn't.
        moved: those of `unchanged` that were found at a place nearby.
        gone: the violations behind `fixed`, as the earlier run had them.
    """

    new: tuple[str, ...]
    fixed: tuple[str, ...]
    unchanged: tuple[str, ...]
    moved: tuple[str, ...] = ()
    gone: tuple[Violation, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Everything that was found out about one file.

    Attributes:
        file: its name, without folders.
        results: one for each kind of check that ran.
        waived: violations taken out of `results` by waivers.
        notices: what the reader should know: waivers that are expired or unused, checks that were not asked for.
        comparison: with an earlier run, if one was given.
        top: name of the top cell.
    """

    file: str
    results: tuple[CheckResult, ...]
    waived: tuple[Waived, ...] = ()
    notices: tuple[str, ...] = ()
    comparison: Comparison | None = None
    top: str = ""

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Of all checks, sorted; waived ones left out."""
        return tuple(sorted(v for result in self.results for v in result.violations))

    @property
    def by_rule(self) -> dict[str, int]:
        """Number of violations by rule, only the rules that were violated."""
        return by_rule(self.violations)

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of all rules that ran."""
        return tuple(name for result in self.results for name in result.rules)

    @property
    def looked_at(self) -> int:
        """Things examined, of whatever kind."""
        return sum(result.looked_at for result in self.results)

    @property
    def blind(self) -> tuple[CheckResult, ...]:
        """Checks that had something to look at and looked at nothing."""
        return tuple(r for r in self.results if r.looked_at == 0 and not r.not_applicable)

    @property
    def clean(self) -> bool:
        """True when nothing was found and no check was blind."""
        return bool(self.results) and not self.blind and not self.violations

    @property
    def passed(self) -> bool:
        """What the exit code says: clean, or, against an earlier run, without anything new and not blind."""
        if self.comparison is None:
            return self.clean
        return bool(self.results) and not self.blind and not self.comparison.new

    @property
    def words(self) -> str:
        """The verdict in a few words."""
        if self.blind:
            return f"nothing looked at by {', '.join(r.group for r in self.blind)}"
        number = len(self.violations)
        text = "clean" if number == 0 else f"{number} violation{'s' if number > 1 else ''}"
        return f"{text}, {len(self.waived)} waived" if self.waived else text

    def of(self, group: Group) -> CheckResult | None:
        """The result of one kind of check, if it ran."""
        return next((result for result in self.results if result.group == group), None)

    def as_json(self) -> dict[str, Any]:
        """The `--json` document of `cpo check`, as `schema` in `formats/json_document.py` describes it."""
        document: dict[str, Any] = {
            "format": "cpo check 1",
            "file": self.file,
            "top": self.top,
            "clean": self.clean,
            "passed": self.passed,
            "verdict": self.words,
            "violations": len(self.violations),
            "by_rule": self.by_rule,
            "rules": len(self.rules),
            **{result.what: result.looked_at for result in self.results},
            "shapes_by_layer": {k: n for result in self.results for k, n in result.shapes_by_layer.items()},
            "checks": {result.group: result.as_json() for result in self.results},
            "markers": [_marker(v) for v in self.violations],
            "waived": [
                {
                    **_marker(w.violation),
                    "reason": w.reason,
                    "expires": w.expires.isoformat() if w.expires else None,
                    "written_at": w.written_at,
                    "by": w.by,
                }
                for w in self.waived
            ],
            "notices": list(self.notices),
        }
        if self.comparison is not None:
            c = self.comparison
            document["comparison"] = {
                "new": list(c.new),
                "fixed": list(c.fixed),
                "unchanged": list(c.unchanged),
                "moved": list(c.moved),
                "gone": [_marker(v) for v in c.gone],
            }
        return document


def _marker(violation: Violation) -> dict[str, Any]:
    return {**asdict(violation), "bbox": list(violation.bbox), "fingerprint": violation.fingerprint}


def by_rule(violations: Iterable[Violation]) -> dict[str, int]:
    """Number of violations by rule."""
    return dict(sorted(Counter(v.rule for v in violations).items()))

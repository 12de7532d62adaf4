"""What a check returns: violations with an address, and how much was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, order=True)
class Violation:
    """One violation.

    Attributes:
        rule: name of the rule, as in `tech/rules.yaml`, or of the connectivity check.
        layer: layer name(s) that it concerns, `WG` or `M1/VIA1`; `-` where no layer applies.
        cell: name of the cell it was found in (coordinates are that cell's own).
        bbox: left, bottom, right, top in um, in the coordinates of `cell`.
        message: value, limit and cure in one line.
    """

    rule: str
    layer: str
    cell: str
    bbox: tuple[float, float, float, float]
    message: str


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one run; a run with `looked_at == 0` is never clean.

    Attributes:
        violations: sorted, so that two runs of one file print the same.
        rules: names of the rules that ran.
        looked_at: number of things examined (shapes for DRC, optical ports for connectivity).
        seconds: wall time by stage.
        shapes_by_layer: number of shapes on each layer of the process, every instance counted.
    """

    violations: tuple[Violation, ...]
    rules: tuple[str, ...]
    looked_at: int
    seconds: dict[str, float] = field(default_factory=dict)
    shapes_by_layer: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """True when something was looked at and nothing was found."""
        return self.looked_at > 0 and not self.violations

    @property
    def shapes(self) -> int:
        """Shapes of the process layers among what was looked at; the rest are optical ports."""
        return sum(self.shapes_by_layer.values())

    @property
    def by_rule(self) -> dict[str, int]:
        """Number of violations by rule, only the rules that were violated."""
        return dict(sorted(Counter(v.rule for v in self.violations).items()))

    def as_json(self) -> dict[str, object]:
        """The `--json` document of `cpo check`."""
        return {
            "violations": len(self.violations),
            "by_rule": self.by_rule,
            "rules": len(self.rules),
            "shapes": self.shapes,
            "ports": self.looked_at - self.shapes,
            "shapes_by_layer": self.shapes_by_layer,
            "markers": [asdict(v) for v in self.violations],
        }


def merge(results: Iterable[CheckResult]) -> CheckResult:
    """One result out of several runs on the same file."""
    results = tuple(results)
    return CheckResult(
        violations=tuple(sorted(v for r in results for v in r.violations)),
        rules=tuple(name for r in results for name in r.rules),
        looked_at=sum(r.looked_at for r in results),
        seconds={k: s for r in results for k, s in r.seconds.items()},
        shapes_by_layer={k: n for r in results for k, n in r.shapes_by_layer.items()},
    )

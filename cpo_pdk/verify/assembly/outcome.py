"""What a rule of the package hands back, and how its violations are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import klayout.db as kdb

from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.assembly.parts import Package
from cpo_pdk.verify.findings import RibbonCrossing, Violation

#: lengths are on a grid of 1 nm: two that differ by less are equal, um
EQUAL = 5e-4


#: after so many violations a rule is given up: a file with more is not corrected one by one
MOST_VIOLATIONS = 500


class Enough(Exception):
    """A rule that has told `MOST_VIOLATIONS`; what it has found so far."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{len(outcome.violations)} violations")
        self.outcome = outcome


@dataclass
class Outcome:
    """What one rule found.

    Attributes:
        looked_at: number of things examined.
        violations: what is wrong with them.
        counted: counts worth knowing, by name.
        crossings: of ribbons, where the rule looks for them.
    """

    looked_at: int = 0
    violations: list[Violation] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    crossings: tuple[RibbonCrossing, ...] = ()

    def tell(self, violation: Violation) -> None:
        """Add a violation.

        Raises:
            Enough: it is the last one that is told.
        """
        self.violations.append(violation)
        if len(self.violations) >= MOST_VIOLATIONS:
            raise Enough(self)


@dataclass(frozen=True)
class Question:
    """One rule put to one package.

    Attributes:
        package: the parts of the file.
        rule: what is allowed.
        spec: what the package was asked to be, if that is known.
    """

    package: Package
    rule: Rule
    spec: PackageSpec | None = None

    def number(self, key: str, otherwise: float = 0.0) -> float:
        """A further number of the rule."""
        value = self.rule.more.get(key, otherwise)
        return float(value) if not isinstance(value, str) else otherwise

    def words(self, key: str) -> tuple[str, ...]:
        """Further words of the rule."""
        value = self.rule.more.get(key, "")
        return tuple(value.split()) if isinstance(value, str) else ()

    def line(self, path: str) -> str:
        """`file:line` of a value of the spec; empty without a spec."""
        if self.spec is None:
            return ""
        problem = self.spec.problem(path, "")
        return f"{problem.file}:{problem.line}"

    def stricter(self, path: str, asked: float | None) -> tuple[float, str]:
        """The larger of the rule's and the spec's limit, and where the spec asks for it."""
        if asked is None or asked <= self.rule.value:
            return self.rule.value, ""
        return asked, self.line(path)

    def violation(
        self,
        boxes: Iterable[kdb.DBox],
        message: str,
        *,
        asked_at: str = "",
        cell: kdb.Cell | None = None,
        layer: str = "",
    ) -> Violation:
        """A violation that marks all of the boxes.

        Args:
            boxes: of the parts concerned, um, in the coordinates of `cell`.
            message: value, limit and cure.
            asked_at: place in the spec.
            cell: where it is told; default: the top cell.
            layer: that it concerns; default: all those of the rule.
        """
        around = kdb.DBox()
        for box in boxes:
            around += box
        places = 1 if cell is None else self.package.places.times.get(cell.cell_index(), 1)
        return Violation(
            rule=self.rule.name,
            layer=layer or self.rule.layer_names or "-",
            cell=self.package.top if cell is None else cell.name,
            bbox=(round(around.left, 4), round(around.bottom, 4), round(around.right, 4), round(around.top, 4)),
            message=message + (f"; in {places} places" if places > 1 else ""),
            places=places,
            asked_at=asked_at,
        )


#: runs one kind of rule
Check = Callable[[Question], Outcome]


def um(value: float) -> str:
    """A length for a message: as many digits as matter, no exponent."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1e7 else f"{value:.6g}"


def spot(x: float, y: float, half: float = 0.5) -> kdb.DBox:
    """The box that marks a point, um."""
    return kdb.DBox(x - half, y - half, x + half, y + half)


def some(names: Iterable[str], most: int = 4) -> str:
    """A few names, in the order in which people count, and how many more there are."""
    ordered = sorted(names, key=lambda name: [(word, int(n or 0)) for word, n in re.findall(r"(\D*)(\d*)", name)])
    return ", ".join(ordered[:most]) + (f" and {len(ordered) - most} more" if len(ordered) > most else "")


def several(count: int, what: str) -> str:
    """`1 fibre`, `2 fibres`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"

"""A verdict sorted for readers: what is wrong whatever the violations say, one line a rule, and what is new."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from cpo_pdk.verify.findings import CheckResult, Verdict, Violation, Waived

State = Literal["", "new", "unchanged"]


@dataclass(frozen=True)
class RuleLine:
    """One rule of one kind of check.

    Attributes:
        group, rule: which.
        violations: those that count, with their state against an earlier run (empty where there is none).
        waived: those that somebody answers for.
        looked_at: how many things the rule examined; None where the check doesn't know.
        ran: the rule is among those that the check ran.
    """

    group: str
    rule: str
    violations: tuple[tuple[Violation, State], ...] = ()
    waived: tuple[Waived, ...] = ()
    looked_at: int | None = None
    ran: bool = True

    @property
    def new(self) -> int:
        """How many of the violations an earlier run didn't have."""
        return sum(state == "new" for _, state in self.violations)

    @property
    def fails(self) -> int:
        """How many of the violations keep the file from passing."""
        return sum(state != "unchanged" for _, state in self.violations)


def rule_lines(verdict: Verdict) -> tuple[RuleLine, ...]:
    """One line for each rule that ran or was violated, in the order of the checks."""
    states = iter(_states(verdict))
    state_of: dict[int, State] = {id(v): next(states) for v in verdict.violations}
    lines: list[RuleLine] = []
    left: dict[str, list[Waived]] = {}
    for waived in verdict.waived:
        left.setdefault(waived.violation.rule, []).append(waived)
    for result in verdict.results:
        found: dict[str, list[tuple[Violation, State]]] = {}
        for violation in sorted(result.violations):
            found.setdefault(violation.rule, []).append((violation, state_of[id(violation)]))
        names = [*dict.fromkeys(result.rules), *sorted(set(found) - set(result.rules))]
        lines += [
            RuleLine(
                result.group,
                name,
                tuple(found.get(name, ())),
                tuple(left.pop(name, ())),
                result.looked_at_by_rule.get(name),
                name in result.rules,
            )
            for name in names
        ]
    lines += [RuleLine("waived", name, waived=tuple(found), ran=False) for name, found in sorted(left.items())]
    return tuple(lines)


def _states(verdict: Verdict) -> list[State]:
    """New or unchanged, in the order of `verdict.violations`."""
    if verdict.comparison is None:
        return [""] * len(verdict.violations)
    known = Counter(verdict.comparison.unchanged)
    states: list[State] = []
    for violation in verdict.violations:
        print_ = violation.fingerprint
        states.append("unchanged" if known[print_] > 0 else "new")
        known[print_] -= 1
    return states


def looked(result: CheckResult) -> str:
    """How much a check looked at, or why it looked at nothing."""
    if result.not_applicable:
        return f"not applicable: {result.not_applicable}"
    further = {what: number for what, number in result.counted.items() if what != result.what}
    counted = "".join(f", {number:,} {what.replace('_', ' ')}" for what, number in further.items())
    return f"{result.looked_at:,} {result.what}{counted}"


def outcome(result: CheckResult) -> str:
    """What came out of a check, in a word or two."""
    if result.looked_at == 0 and not result.not_applicable:
        return "looked at nothing"
    number = len(result.violations)
    if number:
        return f"{number:,} violation{'s' if number > 1 else ''}"
    return "not applicable" if result.not_applicable else "clean"


def blind_message(result: CheckResult) -> str:
    """Why a check that looked at nothing fails."""
    return (
        f"{result.group} looked at 0 {result.what}, at least 1 needed: it says nothing about this file; "
        "give the layout with its meta information, or name the checks that you want with --only"
    )


def compared(verdict: Verdict) -> str:
    """`2 new, 1 fixed, 3 unchanged (1 moved)`, or nothing without an earlier run."""
    c = verdict.comparison
    if c is None:
        return ""
    moved = f" ({len(c.moved):,} moved)" if c.moved else ""
    return f"{len(c.new):,} new, {len(c.fixed):,} fixed, {len(c.unchanged):,} unchanged{moved}"

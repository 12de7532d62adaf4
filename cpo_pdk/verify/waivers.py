"""Waivers: violations that somebody answers for, in a file beside the design, each with a reason and a last day.

::

    waivers:
      - rule: WG.S
        cell: ring_modulator*
        region: [0.0, -1.0, 12.5, 1.0]
        reason: gap of the test ring, measured on the run before
        expires: 2026-12-31
        by: A. Name

A waiver takes a violation out of the verdict and keeps it in sight. It waives nothing after its last day, and nothing
of a check that looked at nothing; one that is not used or no longer valid is reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.name_rules import shown
from cpo_pdk.spec.suggestions import did_you_mean
from cpo_pdk.spec.validation import problems_of
from cpo_pdk.spec.yaml_source import Source, parse_yaml, read_yaml
from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify.connections.run import CONNECTIVITY_RULES
from cpo_pdk.verify.findings import CheckResult, Verdict, Violation, Waived
from cpo_pdk.verify.lvs.metal_faults import BUMPS_RULE, OPEN_RULE, SHORT_RULE

DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: how far a violation may stick out of a region, um: half a step of the grid
TOLERANCE = 0.0005
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "is empty; write it out, a reader of the report sees it")
    return text.strip()


def _day(text: str) -> str:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError(
            "day", "is {text}, a day such as 2026-12-31 is expected", {"text": shown(text)}
        ) from None
    return text


def _box(values: tuple[float, ...]) -> tuple[float, ...]:
    left, bottom, right, top = values
    if right < left or top < bottom:
        raise PydanticCustomError(
            "box", "is turned inside out: left, bottom, right, top in um, right not below left, top not below bottom"
        )
    return values


Text = Annotated[str, Field(strict=True), AfterValidator(_not_blank)]
Um = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Entry(BaseModel):
    """One waiver in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Text = Field(description="name of the rule, as the report has it, such as WG.S")
    cell: Text = Field(description="name of the cell, with * and ? for any characters or any one")
    region: Annotated[tuple[Um, Um, Um, Um], AfterValidator(_box)] | None = Field(
        default=None, description="left, bottom, right, top in um, in the coordinates of the cell; default: all of it"
    )
    reason: Text = Field(description="why the violation may stay")
    expires: Annotated[str, Field(strict=True, json_schema_extra={"format": "date"}), AfterValidator(_day)] = Field(
        description="last day on which it holds, as 2026-12-31"
    )
    by: Text = Field(description="who answers for it")


class _File(BaseModel):
    """The file as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    waivers: tuple[_Entry, ...] = Field(description="list of waivers; may be empty")


@dataclass(frozen=True)
class Waiver:
    """One waiver.

    Attributes:
        rule: name of the rule.
        cell: name of the cell, a pattern with `*`, `?` and `[...]`.
        region: left, bottom, right, top in um in the coordinates of the cell; None: all of it.
        reason, expires, by: why, last day, who.
        written_at: `file:line`.
    """

    rule: str
    cell: str
    region: tuple[float, float, float, float] | None
    reason: str
    expires: date
    by: str
    written_at: str = ""

    def covers(self, violation: Violation) -> bool:
        """True when the violation is of this rule, in such a cell and wholly inside the region."""
        if violation.rule != self.rule:
            return False
        if violation.cell != self.cell and not fnmatchcase(violation.cell, self.cell):
            return False
        if self.region is None:
            return True
        left, bottom, right, top = self.region
        return (
            violation.bbox[0] >= left - TOLERANCE
            and violation.bbox[1] >= bottom - TOLERANCE
            and violation.bbox[2] <= right + TOLERANCE
            and violation.bbox[3] <= top + TOLERANCE
        )


@cache
def known_rules() -> frozenset[str]:
    """Names that a waiver may give: of the rules in the data, and of the checks that have no numbers."""
    against = import_module("cpo_pdk.verify.lvs.against_spec")  # not needed where no name is asked for
    data = {rule.name for rule in load_rules()}
    return frozenset({*data, *CONNECTIVITY_RULES, SHORT_RULE, OPEN_RULE, BUMPS_RULE, *against.RULES})


def load_waivers(file: str | Path, rules: Collection[str] | None = None) -> tuple[Waiver, ...]:
    """Read a waiver file.

    Args:
        file: YAML.
        rules: names of rules that exist besides `known_rules()`.

    Raises:
        SpecError: every problem of the file, with line and column; a rule that doesn't exist is one.
    """
    return _waivers(read_yaml(Path(file)), rules)


def parse_waivers(
    text: str | bytes, file: Path = Path("<waivers>"), rules: Collection[str] | None = None
) -> tuple[Waiver, ...]:
    """`load_waivers` from memory; `file` is only named in messages."""
    return _waivers(parse_yaml(text, file), rules)


def _waivers(source: Source, rules: Collection[str] | None) -> tuple[Waiver, ...]:
    names = known_rules() | set(rules or ())
    problems = _rule_problems(source, names)
    try:
        entries = _File.model_validate(source.data).waivers
    except ValidationError as error:
        raise SpecError([*problems_of(error, source, _File), *problems]) from None
    if problems:
        raise SpecError(problems)
    return tuple(
        Waiver(
            rule=entry.rule,
            cell=entry.cell,
            region=entry.region,
            reason=entry.reason,
            expires=date.fromisoformat(entry.expires),
            by=entry.by,
            written_at=f"{source.file.name}:{source.position(('waivers', number))[0]}",
        )
        for number, entry in enumerate(entries)
    )


def _rule_problems(source: Source, names: Collection[str]) -> list[Problem]:
    """Entries whose rule doesn't exist: a waiver that can never match is a misspelt one."""
    entries = source.data.get("waivers")
    problems: list[Problem] = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        rule = entry.get("rule") if isinstance(entry, dict) else None
        if isinstance(rule, str) and rule.strip() and rule.strip() not in names:
            hint = did_you_mean(rule, names) or "; cpo rules and the report name them"
            problems.append(source.problem(("waivers", number, "rule"), f"no rule {shown(rule)}{hint}"))
    return problems


def apply_waivers(verdict: Verdict, waivers: Sequence[Waiver], today: date) -> Verdict:
    """Take out of a verdict what is waived, and say which waivers are expired or not used.

    Args:
        verdict: of all checks, before it is compared with an earlier run.
        waivers: of `load_waivers`.
        today: the day on which the waivers have to hold.
    """
    by_rule: dict[str, list[int]] = {}
    for number, waiver in enumerate(waivers):
        by_rule.setdefault(waiver.rule, []).append(number)
    matched = [0] * len(waivers)
    waived: list[Waived] = []
    results: list[CheckResult] = []
    blind_rules: set[str] = set()
    for result in verdict.results:
        if result in verdict.blind:
            blind_rules |= {*result.rules, *(v.rule for v in result.violations)}
            results.append(result)
            continue
        kept: list[Violation] = []
        for violation in result.violations:
            covering = [n for n in by_rule.get(violation.rule, ()) if waivers[n].covers(violation)]
            for n in covering:
                matched[n] += 1
            valid = next((waivers[n] for n in covering if waivers[n].expires >= today), None)
            if valid is None:
                kept.append(violation)
            else:
                waived.append(Waived(violation, valid.reason, valid.expires, valid.written_at, valid.by))
        results.append(replace(result, violations=tuple(kept)))
    notices = [
        notice
        for waiver, number in zip(waivers, matched, strict=True)
        if (notice := _notice(waiver, number, today, blind_rules, set(verdict.rules)))
    ]
    return replace(
        verdict,
        results=tuple(results),
        waived=(*verdict.waived, *sorted(waived, key=lambda w: (w.violation, w.written_at))),
        notices=(*verdict.notices, *notices),
    )


def _notice(waiver: Waiver, matched: int, today: date, blind_rules: set[str], rules: set[str]) -> str:
    """What a reader should know about a waiver; empty when it did its work."""
    head = f"{waiver.written_at}: waiver of {waiver.rule} in {waiver.cell}"
    if waiver.rule in blind_rules:
        return f"{head} waives nothing: the check looked at nothing, which can't be waived; remove the cause"
    if waiver.expires < today:
        counts = "1 violation that it covered counts" if matched == 1 else f"{matched:,} that it covered count"
        over = f"; {counts} again" if matched else ""
        return f"{head} expired on {waiver.expires}{over}; remove it, or find a new reason and day"
    if matched == 0 and waiver.rule in rules:
        return f"{head} covers no violation; remove it"
    if matched == 0:
        return f"{head}: the rule did not run, so nothing is known of it"
    return ""


def schema() -> dict[str, Any]:
    """JSON Schema of a waiver file, for editors that complete and check it."""
    made = _File.model_json_schema()
    entry = made["$defs"].pop("_Entry")
    entry["title"] = "waiver"
    entry["properties"]["rule"] |= {"examples": sorted(known_rules())}
    return {
        "$schema": DRAFT,
        **made,
        "$defs": {"waiver": entry},
        "properties": {"waivers": {**made["properties"]["waivers"], "items": {"$ref": "#/$defs/waiver"}}},
        "title": "waivers of cpo_pdk",
        "description": "violations that somebody answers for, each with a reason and a last day",
    }


def schema_text() -> str:
    """The schema as it is published: JSON, the same bytes each time."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"

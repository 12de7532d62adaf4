"""JUnit XML: one test suite a kind of check, one test case a rule, so that a CI lists rules beside tests.

What a rule found is one failure of its test case. A rule that looked at nothing is skipped, with the reason; a check
that looked at nothing is an error. Against an earlier run only new violations fail; a rule with none but known ones is
skipped, and says so.
"""

from __future__ import annotations

from cpo_pdk.verify.findings import CheckResult, Verdict
from cpo_pdk.verify.formats.plain import number, plain, xml
from cpo_pdk.verify.formats.summary import RuleLine, blind_message, looked, rule_lines

#: violations that are listed in one test case
SHOWN = 200


def text(verdict: Verdict, layout_file: str = "") -> str:
    """The document; `layout_file` is not used."""
    lines = rule_lines(verdict)
    suites = [
        _Suite(verdict, result, [line for line in lines if line.group == result.group]) for result in verdict.results
    ]
    head = (
        f'<testsuites name="{xml(f"cpo check {verdict.file}")}" tests="{sum(s.tests for s in suites)}" '
        f'failures="{sum(s.failures for s in suites)}" errors="{sum(s.errors for s in suites)}" '
        f'skipped="{sum(s.skipped for s in suites)}" time="{sum(s.seconds for s in suites):.3f}">'
    )
    body = "\n".join(suite.text() for suite in suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{body}\n</testsuites>\n'


class _Suite:
    """One kind of check as a test suite."""

    def __init__(self, verdict: Verdict, result: CheckResult, lines: list[RuleLine]) -> None:
        self.result = result
        self.seconds = sum(result.seconds.values())
        self.failures = self.errors = self.skipped = 0
        self.classname = xml(f"{verdict.file}.{result.group}")
        self.notices = verdict.notices if result is verdict.results[0] else ()
        self.blind = result.looked_at == 0 and not result.not_applicable
        cases = [self._looked_at_something()] + [self._case(line) for line in lines]
        self.tests = len(cases)
        self.cases = "\n".join(cases)

    def text(self) -> str:
        seen = f'<property name="looked_at" value="{xml(looked(self.result))}"/>'
        notices = "".join(f"{xml(notice)}\n" for notice in self.notices)
        out = f"\n<system-out>{notices}</system-out>" if notices else ""
        return (
            f'<testsuite name="{xml(self.result.group)}" tests="{self.tests}" failures="{self.failures}" '
            f'errors="{self.errors}" skipped="{self.skipped}" time="{self.seconds:.3f}">\n'
            f"<properties>{seen}</properties>\n{self.cases}{out}\n</testsuite>"
        )

    def _looked_at_something(self) -> str:
        """The first case of each suite: the check saw anything at all."""
        inside = ""
        if self.blind:
            self.errors += 1
            message = xml(blind_message(self.result))
            inside = f'<error type="blind" message="{message}">{message}</error>'
        elif self.result.not_applicable:
            self.skipped += 1
            inside = f'<skipped message="{xml(self.result.not_applicable)}"/>'
        return self._element("looks at something", self.seconds, inside)

    def _case(self, line: RuleLine) -> str:
        inside = ""
        found = line.violations
        listed = "".join(
            f"{xml(v.cell)} ({_at(v.bbox)}){f' [{state}]' if state else ''}: {xml(v.message)}\n"
            for v, state in found[:SHOWN]
        )
        if len(found) > SHOWN:
            listed += f"and {len(found) - SHOWN:,} more\n"
        if line.fails:
            self.failures += 1
            what = f"{number(line.fails, 'new violations' if line.new else 'violations')} in {_cells(line)}"
            first = next(v for v, state in found if state != "unchanged")
            message = f"{what}: {plain(first.message, 400)}"
            inside = f'<failure type="{xml(line.rule)}" message="{xml(message)}">{listed}</failure>'
        elif found:
            self.skipped += 1
            inside = f'<skipped message="{len(found):,} known from the earlier run, none new"/>'
            inside += f"<system-out>{listed}</system-out>"
        elif line.looked_at == 0 or self.result.looked_at == 0:
            self.skipped += 1
            why = self.result.not_applicable or f"looked at 0 {self.result.what}"
            inside = f'<skipped message="{xml(why)}"/>'
        if line.waived and not found:
            out = "".join(
                xml(f"waived until {w.expires}: {w.violation.cell} ({_at(w.violation.bbox)}): {w.reason} ({w.by})")
                + "\n"
                for w in line.waived[:SHOWN]
            )
            inside += f"<system-out>{out}</system-out>"
        return self._element(line.rule, 0.0, inside)

    def _element(self, name: str, seconds: float, inside: str) -> str:
        head = f'<testcase classname="{self.classname}" name="{xml(name)}" time="{seconds:.3f}"'
        return f"{head}>{inside}</testcase>" if inside else f"{head}/>"


def _cells(line: RuleLine) -> str:
    return number(len({v.cell for v, state in line.violations if state != "unchanged"}), "cells")


def _at(bbox: tuple[float, float, float, float]) -> str:
    return "{:.3f}, {:.3f}; {:.3f}, {:.3f}".format(*bbox)

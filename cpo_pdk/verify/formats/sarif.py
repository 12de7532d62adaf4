"""SARIF 2.1.0 (OASIS, errata 01): the format in which code hosting sites take up findings.

A layout is no text, so a result points at the file as a whole (line 1, which readers insist on) and says cell and box
in its logical location and properties; where a spec asks for something else, the result points at the line of the spec.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from cpo_pdk.verify.findings import Verdict, Violation, Waived
from cpo_pdk.verify.formats.plain import plain
from cpo_pdk.verify.formats.rule_words import RuleWords, about
from cpo_pdk.verify.formats.summary import RuleLine, State, blind_message, looked, rule_lines
from cpo_pdk.verify.formats.where import Where, asked_at, relative
from cpo_pdk.version import __version__

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "cpoViolation/v1"
#: results that are written; sites refuse more in one run
MOST_RESULTS = 25_000
_BLIND = "CHECK.blind"


def text(verdict: Verdict, layout_file: str = "") -> str:
    """The log file.

    Args:
        verdict: of `cpo check`.
        layout_file: path of the layout file as seen from the root of the repository; default: its name.
    """
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_Run(verdict, layout_file or verdict.file).run()]}
    return json.dumps(log, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


class _Run:
    """The one run of the log."""

    def __init__(self, verdict: Verdict, layout_file: str) -> None:
        self.verdict = verdict
        self.layout = Where(relative(layout_file))
        self.lines = rule_lines(verdict)
        self.rules: dict[str, tuple[RuleWords, str]] = {
            line.rule: (about(line.rule, line.group), line.group) for line in self.lines
        }
        if verdict.blind:
            self.rules[_BLIND] = (RuleWords(_BLIND, "a check looks at something"), "check")
        for gone in verdict.comparison.gone if verdict.comparison else ():
            self.rules.setdefault(gone.rule, (about(gone.rule), "check"))
        self.index = {name: number for number, name in enumerate(self.rules)}
        self.seen: Counter[str] = Counter()

    def run(self) -> dict[str, Any]:
        """The whole run."""
        results = self._results()
        left_out = len(results) - MOST_RESULTS
        notes = [_notification(notice, "warning") for notice in self.verdict.notices]
        notes += [_notification(blind_message(result), "error") for result in self.verdict.blind]
        if left_out > 0:
            notes.append(_notification(f"{left_out} results more than {MOST_RESULTS} are left out", "warning"))
        return {
            "tool": {
                "driver": {
                    "name": "cpo check",
                    "fullName": f"cpo check of cpo_pdk {__version__}",
                    "version": __version__,
                    "semanticVersion": __version__,
                    "rules": [_rule(words, group) for words, group in self.rules.values()],
                }
            },
            "automationDetails": {"id": f"cpo check/{plain(self.verdict.file, 200)}"},
            "artifacts": [{"location": {"uri": self.layout.uri}, "roles": ["analysisTarget"]}],
            "columnKind": "unicodeCodePoints",
            "invocations": [
                {"executionSuccessful": not self.verdict.blind, "toolExecutionNotifications": notes},
            ],
            "properties": {
                "verdict": self.verdict.words,
                "passed": self.verdict.passed,
                "looked_at": {result.group: looked(result) for result in self.verdict.results},
            },
            "results": results[:MOST_RESULTS],
        }

    def _results(self) -> list[dict[str, Any]]:
        results = [self._blind(blind_message(result), result.group) for result in self.verdict.blind]
        for line in self.lines:
            results += [self._result(v, line, state) for v, state in line.violations]
            results += [self._waived(waived, line) for waived in line.waived]
        if self.verdict.comparison:
            results += [self._located(gone, "absent", gone.rule) for gone in self.verdict.comparison.gone]
        return results

    def _blind(self, message: str, group: str) -> dict[str, Any]:
        return {
            "ruleId": _BLIND,
            "ruleIndex": self.index[_BLIND],
            "level": "error",
            "message": {"text": plain(message)},
            "locations": [{"physicalLocation": _physical(self.layout)}],
            "partialFingerprints": {FINGERPRINT: f"blind-{group}"},
            **({"baselineState": "new"} if self.verdict.comparison else {}),
        }

    def _result(self, violation: Violation, line: RuleLine, state: State) -> dict[str, Any]:
        return self._located(violation, state, line.rule)

    def _waived(self, waived: Waived, line: RuleLine) -> dict[str, Any]:
        # a waived violation counts for no comparison; a run that has states needs one on every result
        result = self._located(waived.violation, "unchanged" if self.verdict.comparison else "", line.rule)
        who = {"by": plain(waived.by)} if waived.by else {}
        until = {"expires": waived.expires.isoformat()} if waived.expires else {}
        written = {"written_at": _written(waived.written_at)} if waived.written_at else {}
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": plain(waived.reason),
                "properties": {**who, **until, **written},
            }
        ]
        return result

    def _located(self, v: Violation, state: str, rule: str) -> dict[str, Any]:
        asked = asked_at(v)
        layout = {"physicalLocation": _physical(self.layout)}
        cell = plain(v.cell)
        first = {
            "physicalLocation": _physical(asked or self.layout),
            "logicalLocations": [{"name": cell, "fullyQualifiedName": f"{self.layout.file}:{cell}", "kind": "cell"}],
        }
        self.seen[v.fingerprint] += 1
        again = f":{self.seen[v.fingerprint]}" if self.seen[v.fingerprint] > 1 else ""
        result: dict[str, Any] = {
            "ruleId": plain(rule),
            "ruleIndex": self.index[rule],
            "level": "note" if state == "absent" else "error",
            "message": {"text": f"{cell} at ({_um(v.bbox[:2])}) um: {plain(v.message)}"},
            "locations": [first],
            "partialFingerprints": {FINGERPRINT: v.fingerprint + again},
            "properties": {"cell": cell, "layer": plain(v.layer), "bbox_um": list(v.bbox), "places": v.places},
        }
        if asked:
            result["relatedLocations"] = [layout]
        if state:
            result["baselineState"] = state
        return result


def _physical(where: Where) -> dict[str, Any]:
    return {"artifactLocation": {"uri": where.uri}, "region": {"startLine": max(1, where.line)}}


def _rule(words: RuleWords, group: str) -> dict[str, Any]:
    source = f"; source: {words.source}{' (a choice)' if words.choice else ''}" if words.source else ""
    return {
        "id": plain(words.name),
        "shortDescription": {"text": plain(words.text)},
        "fullDescription": {"text": plain(words.text + source)},
        "help": {"text": plain(f"{words.name}: {words.text}{source}")},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": [group]},
    }


def _notification(message: str, level: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": plain(message)}}


def _written(place: str) -> str:
    file, colon, line = place.rpartition(":")
    return f"{relative(file)}:{line}" if colon and line.isdigit() else relative(place)


def _um(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)

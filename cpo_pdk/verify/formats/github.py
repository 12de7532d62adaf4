"""GitHub annotations: lines on the output of a job that GitHub shows beside the files of a pull request.

It shows ten of a level for each step and drops the rest without a word, so there is one a rule, and the last says what
is not shown.
"""

# `annotations` is what the module gives: no __future__ import of that name here

import secrets

from cpo_pdk.verify.findings import Verdict, Violation
from cpo_pdk.verify.formats.plain import number, plain
from cpo_pdk.verify.formats.summary import RuleLine, blind_message, compared, rule_lines
from cpo_pdk.verify.formats.where import Where, asked_at, relative

#: annotations of one level that GitHub shows for a step
SHOWN = 10
_LONGEST = 900


def annotations(verdict: Verdict, gds: str = "") -> list[str]:
    """Workflow commands, one a line: errors, then warnings, then a notice with the verdict.

    Args:
        verdict: of `cpo check`.
        gds: path of the layout file as seen from the root of the repository; default: its name.
    """
    file = Where(relative(str(gds) or verdict.file))
    lines = rule_lines(verdict)
    errors = [_command("error", file, f"{r.group}: blind", blind_message(r)) for r in verdict.blind]
    warnings: list[str] = []
    wrong = [line for line in lines if line.fails]
    known = [line for line in lines if line.violations and not line.fails]
    errors += [_of_rule("error", line, file) for line in wrong]
    warnings += [_command("warning", file, "cpo check", notice) for notice in verdict.notices]
    warnings += [_of_rule("warning", line, file) for line in known]
    told = ", ".join(filter(None, (verdict.words, compared(verdict))))
    return [
        *_at_most("error", errors, file),
        *_at_most("warning", warnings, file),
        _command("notice", file, "cpo check", f"{verdict.file}: {told}"),
    ]


def shield() -> tuple[str, str]:
    """Lines before and behind output that may hold names out of files: between the two nothing is a command."""
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}", f"::{token}::"


def _at_most(level: str, commands: list[str], file: Where) -> list[str]:
    if len(commands) <= SHOWN:
        return commands
    rest = len(commands) - SHOWN + 1
    text = f"and {number(rest, f'{level}s')} more, which GitHub does not show: see the report"
    return [*commands[: SHOWN - 1], _command(level, file, "cpo check", text)]


def _of_rule(level: str, line: RuleLine, file: Where) -> str:
    """One annotation for all that a rule found, at the first place that a spec is asked about."""
    counted = [v for v, state in line.violations if level == "warning" or state != "unchanged"]
    first = next((v for v in counted if v.asked_at), counted[0])
    more = f" (and {len(counted) - 1:,} more)" if len(counted) > 1 else ""
    known = ", known from the earlier run" if level == "warning" else ""
    text = f"{first.cell} at {_at(first)} um: {first.message}{more}{known}"
    return _command(level, asked_at(first) or file, f"{line.rule} ({line.group})", text)


def _at(v: Violation) -> str:
    return f"{v.bbox[0]:.3f}, {v.bbox[1]:.3f}"


def _command(level: str, where: Where, title: str, message: str) -> str:
    properties = {"file": where.file, **({"line": str(where.line)} if where.line else {}), "title": plain(title, 200)}
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {told}::{_data(plain(message, _LONGEST))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

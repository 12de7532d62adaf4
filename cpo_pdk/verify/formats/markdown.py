"""Markdown for a comment on a pull request: the verdict, a line a rule, the first violations, within GitHub's limit."""

from __future__ import annotations

from collections.abc import Iterable

from cpo_pdk.verify.findings import Verdict, Violation
from cpo_pdk.verify.formats.plain import markdown as escaped
from cpo_pdk.verify.formats.plain import markdown_code as code
from cpo_pdk.verify.formats.summary import RuleLine, blind_message, compared, looked, outcome, rule_lines

#: bytes; GitHub refuses a comment of more than 65,536 characters
LIMIT = 65_000
#: violations, waivers and notices that are listed
SHOWN = 50
_LONGEST = 600


def text(verdict: Verdict, layout_file: str = "") -> str:
    """The comment, less than `LIMIT` bytes; `layout_file` is not used."""
    page = _Page(LIMIT)
    told = ", ".join(filter(None, (verdict.words, compared(verdict))))
    sign = "✅" if verdict.passed else "❌"
    page.always(f"## {sign} cpo check: {code(_cut(verdict.file, 200))}", "", f"**{escaped(told)}**", "")
    if verdict.blind:
        page.always(*(f"- ❌ {escaped(blind_message(result))}" for result in verdict.blind), "")
    page.table(
        "",
        ("check", "looked at", "rules", "result"),
        (
            (escaped(r.group), escaped(_cut(looked(r))), f"{len(r.rules):,}", escaped(outcome(r)))
            for r in verdict.results
        ),
    )
    lines = [line for line in rule_lines(verdict) if line.violations or line.waived]
    many = verdict.comparison is not None
    page.table(
        "### By rule",
        ("rule", "violations", *(("new",) if many else ()), "waived", "first"),
        (
            (
                code(line.rule),
                f"{len(line.violations):,}",
                *((f"{line.new:,}",) if many else ()),
                f"{len(line.waived):,}",
                _first(line),
            )
            for line in lines
        ),
    )
    found = [(v, state) for line in lines for v, state in line.violations]
    found.sort(key=lambda entry: entry[1] == "unchanged")
    page.table(
        f"### Violations{_of(len(found))}",
        ("rule", *(("",) if many else ()), "cell", "at (µm)", "message"),
        (
            (code(v.rule), *((state,) if many else ()), code(_cut(v.cell, 200)), _at(v), escaped(_cut(v.message)))
            for v, state in found[:SHOWN]
        ),
    )
    if verdict.comparison and verdict.comparison.gone:
        gone = verdict.comparison.gone
        page.table(
            f"### Fixed{_of(len(gone))}",
            ("rule", "cell", "at (µm)"),
            ((code(v.rule), code(_cut(v.cell, 200)), _at(v)) for v in gone[:SHOWN]),
        )
    page.table(
        f"### Waived{_of(len(verdict.waived))}",
        ("rule", "cell", "at (µm)", "until", "by", "reason"),
        (
            (
                code(w.violation.rule),
                code(_cut(w.violation.cell, 200)),
                _at(w.violation),
                w.expires.isoformat() if w.expires else "",
                escaped(_cut(w.by)),
                escaped(_cut(w.reason)),
            )
            for w in verdict.waived[:SHOWN]
        ),
    )
    if verdict.notices:
        page.section(
            f"### Notices{_of(len(verdict.notices))}", (f"- {escaped(_cut(n))}" for n in verdict.notices[:SHOWN])
        )
    return page.text()


class _Page:
    """Lines up to a limit in bytes; a line that does not fit any more is counted, not cut."""

    def __init__(self, limit: int) -> None:
        self.room = limit - 200  # for the last line
        self.lines: list[str] = []
        self.left_out = 0

    def always(self, *lines: str) -> None:
        """Lines that are there whatever happens; few."""
        for line in lines:
            self.lines.append(line)
            self.room -= len(line.encode()) + 1

    def section(self, heading: str, lines: Iterable[str], *before: str) -> None:
        """A heading and what follows it, as far as there is room; nothing where there are no lines."""
        lines = list(lines)
        if not lines:
            return
        opening = [*([heading, ""] if heading else []), *before]
        size = sum(len(line.encode()) + 1 for line in opening)
        if self.room < size + len(lines[0].encode()) + 2:
            self.left_out += len(lines)
            return
        self.always(*opening)
        for number, line in enumerate(lines):
            if len(line.encode()) + 2 > self.room:
                self.left_out += len(lines) - number
                break
            self.always(line)
        self.always("")

    def table(self, heading: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        """A table, as `section`."""
        self.section(heading, (_row(row) for row in rows), _row(columns), _row(("---",) * len(columns)))

    def text(self) -> str:
        """What was taken up, and how much was not."""
        last = [f"{self.left_out:,} more lines did not fit; see the full report.", ""] if self.left_out else []
        return "\n".join([*self.lines, *last]).rstrip("\n") + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _first(line: RuleLine) -> str:
    worst = next((v for v, state in line.violations if state != "unchanged"), None)
    shown = worst or (line.violations[0][0] if line.violations else line.waived[0].violation)
    return f"{code(_cut(shown.cell, 80))} {escaped(_cut(shown.message, 160))}"


def _of(count: int) -> str:
    return f" (first {SHOWN} of {count:,})" if count > SHOWN else ""


def _at(v: Violation) -> str:
    return f"{v.bbox[0]:.3f}, {v.bbox[1]:.3f}"


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."

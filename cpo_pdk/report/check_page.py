"""The verdict on a layout as one HTML file that needs nothing else, with a picture of each kind of violation.

Names in it come out of layout files, so everything is escaped; there is no script, and a content policy allows none.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.output import write_bytes
from cpo_pdk.report.check_page_picture import Picture, picture
from cpo_pdk.tech.layers import LAYERS
from cpo_pdk.verify.findings import Verdict, Violation
from cpo_pdk.verify.formats.plain import number, plain
from cpo_pdk.verify.formats.rule_words import RuleWords, about
from cpo_pdk.verify.formats.summary import RuleLine, State, blind_message, compared, looked, outcome, rule_lines

#: violations that are listed of one rule; pictures on the page; waived and fixed ones that are listed
LISTED, PICTURES, OTHERS = 100, 60, 200
_LONGEST = 2000
_TEMPLATES = ("check_page.html", "page.css", "check_page.css")


@dataclass(frozen=True)
class RuleSection:
    """One rule that was violated, as the page shows it."""

    line: RuleLine
    words: RuleWords
    shown: Violation
    picture: Picture | None
    listed: tuple[tuple[Violation, State], ...]

    @property
    def places(self) -> int:
        """Places in the top cell."""
        return sum(v.places for v, _ in self.line.violations)


def write_check_page(verdict: Verdict, path: str | Path, layout_file: str | Path = "") -> Path:
    """Write the page; arguments as `check_page`.

    Raises:
        OutputError: it can't be written.
        LayoutError: the layout can't be read.
    """
    return write_bytes(Path(path), check_page(verdict, layout_file).encode("utf-8", "backslashreplace"))


def check_page(verdict: Verdict, layout_file: str | Path = "") -> str:
    """Render the page.

    Args:
        verdict: of `cpo check`.
        layout_file: the layout that was checked; without it the page has no pictures.

    Raises:
        LayoutError: the layout can't be read.
    """
    lines = rule_lines(verdict)
    violated = [line for line in lines if line.violations]
    layout = read_layout(layout_file) if layout_file and violated else None
    sections = []
    for count, line in enumerate(violated):
        # a new one rather than one that was there before, and of these the one that tells of a spec
        entries = sorted(line.violations, key=lambda entry: (entry[1] == "unchanged", not entry[0].asked_at))
        shown = entries[0][0]
        drawn = picture(layout.layout, shown, plain(_title(shown))) if layout and count < PICTURES else None
        sections.append(RuleSection(line, about(line.rule, line.group), shown, drawn, tuple(entries[:LISTED])))
    templates = {name: (files("cpo_pdk.report") / "templates" / name).read_text("utf-8") for name in _TEMPLATES}
    environment = Environment(
        loader=DictLoader(templates), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = lambda text: plain(str(text), _LONGEST)
    environment.filters["place"] = lambda v: f"{v.bbox[0]:,.3f}, {v.bbox[1]:,.3f}"
    environment.filters["number"] = number
    used = [name for name in LAYERS if any(s.picture and name in s.picture.layers for s in sections)]
    return environment.get_template("check_page.html").render(
        verdict=verdict,
        compared=compared(verdict),
        results=verdict.results,
        looked=looked,
        outcome=outcome,
        blind=[blind_message(result) for result in verdict.blind],
        sections=sections,
        pictures=[section for section in sections if section.picture],
        layers=[(name, LAYERS[name].color, LAYERS[name].purpose) for name in used],
        colors={name: info.color for name, info in LAYERS.items()},
        lines=lines,
        others=OTHERS,
        mark=Markup,
        css=Markup(templates["page.css"] + templates["check_page.css"]),
    )


def _title(violation: Violation) -> str:
    return f"{violation.rule} in {violation.cell}"

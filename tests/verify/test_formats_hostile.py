"""Whatever a layout file calls its cells and rules: every report can be read, and says the name or its escape."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import klayout.db  # noqa: F401  the values of the database are its
import klayout.rdb as rdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cpo_pdk.verify.findings import CheckResult, Verdict, Violation, Waived
from cpo_pdk.verify.formats import json_document, junit, lyrdb, markdown, sarif, text
from cpo_pdk.verify.formats.github import annotations
from cpo_pdk.verify.formats.plain import plain

PIECES = st.sampled_from(
    [
        *(
            "<b>",
            "</script>",
            "]]>",
            "&amp;",
            "'",
            '"',
            "`",
            "``",
            "|",
            "\\",
            "*x*",
            "[a](b)",
            "![",
            "\r\n",
            "\0",
            "~~",
        ),
        *("\x1b[2J", "\u2028", "\u202e", "\ufffe", "\ud800", "@team", "#1", "https://x.y", "www.x.y", "::error::"),
        *(
            "%0A",
            "::",
            ",",
            " ",
            "<!--",
            "# ",
            "- ",
            "1. ",
            "&#x",
            "::add-mask::",
            "a",
            "0",
            ".",
            "é",
            "日",
            "\U0001f600",
        ),
    ]
)
NAMES = st.one_of(st.lists(PIECES, min_size=1, max_size=6).map("".join), st.text(min_size=1, max_size=20))
SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)


def _verdict(rule: str, cell: str, message: str, file: str) -> Verdict:
    found = Violation(rule, "WG", cell, (0.0, 0.0, 1.0, 2.0), message, 1, f"{file}:3")
    waived = Waived(Violation("WG.S", "WG", cell, (0.0, 0.0, 1.0, 2.0), message), message, None, file, cell)
    return Verdict(file, (CheckResult((found,), (rule, "WG.S"), 1),), (waived,), (message,), top=cell)


class _Tags(HTMLParser):
    """Tags and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not attrs, attrs

    def handle_data(self, data):
        self.text += data


@SETTINGS
@given(NAMES, NAMES, NAMES, NAMES)
def test_xml_and_json_are_read_back(rule, cell, message, file):
    verdict = _verdict(rule, cell, message, file)
    raw = json_document.text(verdict).encode("utf-8", "backslashreplace")
    assert json.loads(raw)["markers"][0]["cell"] == cell
    results = json.loads(sarif.text(verdict).encode("utf-8"))["runs"][0]["results"]
    assert results[0]["ruleId"] == plain(rule) and results[0]["properties"]["cell"] == plain(cell)
    suite = ElementTree.fromstring(junit.text(verdict).encode("utf-8"))
    failure = next(suite.iter("failure"))
    assert plain(cell) in (failure.text or "") and failure.get("type") == plain(rule)


@SETTINGS
@given(NAMES, NAMES, NAMES)
def test_klayout_reads_every_name(tmp_path_factory, rule, cell, message):
    path = tmp_path_factory.mktemp("markers") / "r.lyrdb"
    path.write_text(lyrdb.text(_verdict(rule, cell, message, "x.gds")), "utf-8")
    database = rdb.ReportDatabase("back")
    database.load(str(path))
    item = next(iter(database.each_item()))
    values = [v.string() for v in item.each_value() if v.is_string()]
    assert database.cell_by_id(item.cell_id()).name() == plain(cell)
    assert database.category_by_id(item.category_id()).name() == plain(rule)
    assert values[0] == plain(message)


@SETTINGS
@given(NAMES, NAMES, NAMES, NAMES)
def test_markdown_stays_text(rule, cell, message, file):
    source = markdown.text(_verdict(rule, cell, message, file))
    assert len(source.encode("utf-8")) < 65_536
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(source)
    reader = _Tags()
    reader.feed(page)
    assert reader.tags <= {"h2", "h3", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code"}
    assert page.count("<tr>") == 2 + 3 + 2 + 2  # checks, by rule, violations, waived
    told = reader.text.replace("\u200b", "")
    assert " ".join(plain(message).split()) in " ".join(told.split())
    # nothing that a site would turn into a link or a call for somebody
    outside = re.sub(r"<code>.*?</code>", "", page)
    assert not re.search(r"[@#][A-Za-z0-9]", html.unescape(outside))
    assert not re.search(r"https?:|www\.[a-z]", source)


@SETTINGS
@given(NAMES, NAMES, NAMES, NAMES)
def test_annotations_are_commands_of_ours_only(rule, cell, message, file):
    verdict = _verdict(rule, cell, message, file)
    lines = annotations(verdict, file)
    assert len(lines) == 3
    for line in lines:
        assert line.isprintable() and re.fullmatch(r"::(error|warning|notice) [^:]*::.*", line)


@SETTINGS
@given(NAMES, NAMES, NAMES, NAMES)
def test_text_steers_no_terminal(rule, cell, message, file):
    written = text.text(_verdict(rule, cell, message, file))
    assert all(c.isprintable() or c == "\n" for c in written)
    assert plain(rule).strip() in written


@pytest.mark.parametrize(
    "start", ["- x", "+ x", "* x", "1. x", "12) x", "    x", "# x", "> x", "---", "```", "~~~", "<b>", "| x"]
)
def test_a_notice_starts_nothing_in_markdown(start):
    page = MarkdownIt("commonmark", {"html": True}).render(markdown.text(Verdict("x", (), notices=(start, start))))
    assert page.count("<li>") == 2 and page.count("<ul>") == 1
    assert not re.search(r"<(ol|pre|blockquote|b|hr|h1)\b", page)
    assert start in html.unescape(page).replace("\u200b", "")


def test_markdown_of_very_many_violations_fits_and_says_what_it_leaves_out():
    found = tuple(Violation(f"R{i}", "WG", f"cell_{'x' * 90}_{i}", (i, 0, i + 1, 1), "<&>" * 80) for i in range(3000))
    source = markdown.text(Verdict("x.gds", (CheckResult(found, (), 1),)))
    assert 40_000 < len(source.encode("utf-8")) < 65_536
    assert "more lines did not fit" in source


def test_annotations_and_markdown_of_a_name_of_a_megabyte():
    verdict = _verdict("R", "c" * 1_000_000, "m" * 1_000_000, "f.gds")
    assert max(len(line) for line in annotations(verdict)) < 5000
    assert len(markdown.text(verdict)) < 65_536

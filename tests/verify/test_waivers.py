"""Waivers: what the file may say, what they take out of a verdict, and what they can't."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk import flow
from cpo_pdk.errors import SpecError
from cpo_pdk.verify.findings import CheckResult, Verdict, Violation
from cpo_pdk.verify.waivers import Waiver, apply_waivers, known_rules, load_waivers, parse_waivers, schema, schema_text

TODAY = date(2026, 6, 15)
GOOD = """waivers:
  - rule: WG.S
    cell: ring_*
    region: [0, -1.5, 12.5, 1e1]
    reason: gap of the test ring
    expires: 2026-12-31
    by: A. Name
  - {rule: CONN.dangling, cell: top, reason: "a loop back, closed outside", expires: '2026-06-15', by: B}
"""


def _violation(rule="WG.S", cell="ring_1", bbox=(1.0, 0.0, 2.0, 1.0)):
    return Violation(rule, "WG", cell, bbox, "space 0.1 um, limit 0.12 um")


def _verdict(*violations, looked_at=5, rules=("WG.S", "WG.W")):
    return Verdict("x.gds", (CheckResult(tuple(sorted(violations)), rules, looked_at),), top="top")


def _waiver(**changed):
    whole = Waiver("WG.S", "ring_1", None, "agreed", date(2026, 12, 31), "A", "w.yaml:2")
    return replace(whole, **changed)


def test_a_file_is_read_as_it_is_meant(tmp_path):
    file = tmp_path / "waivers.yaml"
    file.write_text(GOOD, "utf-8")
    first, second = load_waivers(file)
    assert first == Waiver(
        "WG.S",
        "ring_*",
        (0.0, -1.5, 12.5, 10.0),
        "gap of the test ring",
        date(2026, 12, 31),
        "A. Name",
        "waivers.yaml:2",
    )
    assert (second.region, second.expires, second.written_at) == (None, date(2026, 6, 15), "waivers.yaml:8")


def test_a_file_without_a_waiver():
    assert parse_waivers("waivers: []") == ()


ENTRY = "waivers:\n  - {{rule: {rule}, cell: {cell}, reason: {reason}, expires: {expires}, by: me{more}}}\n"
PLAIN = {"rule": "WG.S", "cell": "a", "reason": "x", "expires": "2026-12-31", "more": ""}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"rule": "WG.SS"}, r'2:12: no rule "WG.SS"; did you mean "WG.S"\?'),
        ({"rule": "7"}, "waivers.0..rule is 7, text is expected"),
        ({"rule": "weather"}, 'no rule "weather"'),
        ({"rule": "'*'"}, r'no rule "\*"'),
        ({"reason": "' '"}, "waivers.0..reason: is empty"),
        ({"reason": ""}, "waivers.0..reason is empty, text is expected"),
        ({"cell": "''"}, "waivers.0..cell: is empty"),
        ({"expires": "31.12.2026"}, 'expires: is "31.12.2026", a day such as 2026-12-31 is expected'),
        ({"expires": "2026-02-30"}, 'expires: is "2026-02-30", a day such as'),
        ({"expires": "20261231"}, "expires is 20261231, text is expected"),
        ({"expires": "2026-W01-1"}, "a day such as"),
        ({"expires": "never"}, "a day such as"),
        ({"more": ", region: [1, 0, 0, 1]"}, "region: is turned inside out"),
        ({"more": ", region: [0, 0, 1]"}, "region has too few values"),
        ({"more": ", region: [0, 0, 1, .nan]"}, "a finite number is expected"),
        ({"more": ", reigon: [0, 0, 1, 1]"}, 'unknown key "reigon" in waivers.0.; did you mean "region"'),
        ({"more": ", by: you"}, 'key "by" appears twice'),
    ],
)
def test_each_fault_is_told_with_its_place(changed, told):
    with pytest.raises(SpecError, match=told) as caught:
        parse_waivers(ENTRY.format(**{**PLAIN, **changed}))
    assert caught.value.exit_code == 2
    assert all(problem.line == 2 for problem in caught.value.problems)


@pytest.mark.parametrize("missing", ["rule", "cell", "reason", "expires", "by"])
def test_nothing_that_matters_may_be_missing(missing):
    entry = {**{k: v for k, v in PLAIN.items() if k != "more"}, "by": "me"}
    del entry[missing]
    with pytest.raises(SpecError, match=f'missing key "{missing}"'):
        parse_waivers(yaml.safe_dump({"waivers": [entry]}))


@pytest.mark.parametrize(
    "text", ["", "[]", "waivers:", "waivers: {}", "waiver: []", "waivers: [1]", "waivers: []\n---\nx: 1"]
)
def test_a_file_that_is_none(text):
    with pytest.raises(SpecError):
        parse_waivers(text)


def test_all_faults_of_a_file_at_once():
    with pytest.raises(SpecError) as caught:
        parse_waivers("waivers:\n  - {rule: WG.Q, cell: a, reason: x, expires: 2026-13-01, by: me}\n  - {rule: WG.S}\n")
    assert len(caught.value.problems) == 6


@pytest.mark.parametrize(
    ("waiver", "violation", "covered"),
    [
        ({}, {}, True),
        ({"rule": "WG.W"}, {}, False),
        ({"cell": "ring_*"}, {}, True),
        ({"cell": "RING_1"}, {}, False),
        ({"cell": "ring"}, {}, False),
        ({"cell": "*"}, {"cell": "any <thing>"}, True),
        ({"cell": "a[1]"}, {"cell": "a[1]"}, True),  # the name itself wins over what its brackets would mean
        ({"region": (1.0, 0.0, 2.0, 1.0)}, {}, True),
        ({"region": (1.0004, 0.0, 2.0, 1.0)}, {}, True),
        ({"region": (1.001, 0.0, 2.0, 1.0)}, {}, False),
        ({"region": (0.0, 0.0, 1.5, 5.0)}, {}, False),
    ],
)
def test_what_a_waiver_covers(waiver, violation, covered):
    assert _waiver(**waiver).covers(_violation(**violation)) is covered


def test_a_waiver_takes_a_violation_out_and_keeps_it_in_sight():
    other = _violation("WG.W")
    after = apply_waivers(_verdict(_violation(), other), [_waiver()], TODAY)
    assert after.violations == (other,) and not after.clean
    (waived,) = after.waived
    assert (waived.violation, waived.reason, waived.by, waived.written_at) == (_violation(), "agreed", "A", "w.yaml:2")
    assert after.notices == () and "1 waived" in after.words
    assert apply_waivers(_verdict(_violation()), [_waiver()], TODAY).clean


def test_the_last_day_still_holds_and_the_day_after_does_not():
    violation = _violation()
    on_the_day = apply_waivers(_verdict(violation), [_waiver(expires=TODAY)], TODAY)
    assert on_the_day.clean and not on_the_day.notices
    after = apply_waivers(_verdict(violation), [_waiver(expires=date(2026, 6, 14))], TODAY)
    assert after.violations == (violation,) and not after.waived
    (notice,) = after.notices
    assert "w.yaml:2" in notice and "expired on 2026-06-14" in notice and "1 violation that it covered counts" in notice


def test_an_expired_waiver_beside_a_valid_one():
    after = apply_waivers(
        _verdict(_violation()), [_waiver(expires=date(2020, 1, 1)), _waiver(written_at="w.yaml:9")], TODAY
    )
    assert [w.written_at for w in after.waived] == ["w.yaml:9"]
    assert len(after.notices) == 1


def test_an_unused_waiver_is_told_and_one_of_a_rule_that_did_not_run_is_not_called_unused():
    after = apply_waivers(_verdict(), [_waiver(), _waiver(rule="M1.W")], TODAY)
    assert [("covers no violation" in n, "did not run" in n) for n in after.notices] == [(True, False), (False, True)]
    assert after.clean


def test_a_check_that_looked_at_nothing_cant_be_waived():
    violation = _violation("CONN.no_ports", "top")
    blind = CheckResult((violation,), ("CONN.no_ports",), 0, group="connectivity", what="ports")
    verdict = Verdict("x.gds", (blind,), top="top")
    after = apply_waivers(verdict, [_waiver(rule="CONN.no_ports", cell="*")], TODAY)
    assert after.violations == (violation,) and after.blind and not after.clean and not after.passed
    assert "looked at nothing, which can't be waived" in after.notices[0]
    empty = apply_waivers(_verdict(looked_at=0), [_waiver(cell="*")], TODAY)
    assert not empty.clean


CELLS = st.sampled_from(["a", "b", "ab"])
RULES = st.sampled_from(["WG.S", "WG.W"])
VIOLATIONS = st.lists(st.builds(_violation, RULES, CELLS), max_size=8)
WAIVERS = st.lists(
    st.builds(
        Waiver, RULES, st.sampled_from(["a", "?", "*b", "z"]), st.just(None), st.just("x"),
        st.sampled_from([date(2026, 1, 1), date(2027, 1, 1)]), st.just("me"), st.sampled_from(["f:1", "f:2"]),
    ),
    max_size=6,
)  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=80)
@given(VIOLATIONS, WAIVERS)
def test_nothing_is_lost_and_nothing_but_the_covered_is_waived(violations, waivers):
    after = apply_waivers(_verdict(*violations), waivers, TODAY)
    assert sorted([*after.violations, *(w.violation for w in after.waived)]) == sorted(violations)
    valid = [w for w in waivers if w.expires >= TODAY]
    assert all(any(w.covers(gone.violation) for w in valid) for gone in after.waived)
    assert not any(w.covers(v) for w in valid for v in after.violations)
    told = sum(w.expires < TODAY or not any(w.covers(v) for v in violations) for w in waivers)
    assert len(after.notices) == told


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_a_waiver_file_or_a_told_fault(text):
    try:
        parse_waivers(text)
    except SpecError as error:
        assert error.problems


def test_the_schema_says_the_same_as_the_loader():
    validator = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    jsonschema.Draft202012Validator.check_schema(schema())
    good = yaml.load(GOOD, Loader=yaml.BaseLoader)
    good["waivers"][0]["region"] = [0, -1.5, 12.5, 10]
    validator.validate(good)
    for key in ("rule", "cell", "reason", "expires", "by"):
        bad = {"waivers": [{k: v for k, v in good["waivers"][1].items() if k != key}]}
        assert not validator.is_valid(bad)
    for bad in (
        {"waivers": [{**good["waivers"][1], "foo": 1}]},
        {"waivers": [{**good["waivers"][0], "region": [0, 1]}]},
        {},
    ):
        assert not validator.is_valid(bad)
    assert schema_text() == schema_text() and "WG.S" in schema_text()


def test_every_rule_that_runs_may_be_waived(draw):
    import klayout.db as kdb

    verdict = flow.check(draw([("WG", kdb.DBox(0, 0, 10, 0.4))]))
    assert set(verdict.rules) <= known_rules()


def test_a_waiver_file_is_read_without_gdsfactory():
    code = "import sys, cpo_pdk.verify.waivers, cpo_pdk.verify.baseline; sys.exit('gdsfactory' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

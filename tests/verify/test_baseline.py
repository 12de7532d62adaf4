"""A verdict against an earlier one: new, fixed, unchanged, moved; and files that are no earlier verdict."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import InputError
from cpo_pdk.verify import baseline as baseline_module
from cpo_pdk.verify.baseline import NEARBY, Baseline, compare, read_baseline
from cpo_pdk.verify.findings import CheckResult, Verdict, Violation
from cpo_pdk.verify.formats import write_report
from cpo_pdk.verify.waivers import Waiver, apply_waivers


def _violation(x=0.0, rule="WG.S", cell="ring", size=0.2):
    return Violation(rule, "WG", cell, (x, 0.0, x + size, size), "space 0.1 um, limit 0.12 um")


def _verdict(*violations, rules=("WG.S", "WG.W"), looked_at=9):
    return Verdict("x.gds", (CheckResult(tuple(sorted(violations)), rules, looked_at),), top="top")


def _after(before, now):
    """`now` against `before`, through the file."""
    return compare(now, _read(before))


def _read(verdict):
    return Baseline(Path("base.json"), verdict.file, verdict.top, verdict.violations)


def test_what_was_written_is_read_back(tmp_path, verdict):
    base = read_baseline(write_report(verdict, tmp_path / "base.json"))
    assert base.violations == verdict.violations and (base.file, base.top) == (verdict.file, verdict.top)
    again = compare(verdict, base)
    assert again.comparison is not None and not again.comparison.new and not again.comparison.fixed
    assert len(again.comparison.unchanged) == len(verdict.violations)
    assert not again.passed  # one check is blind, whatever was known before


def test_new_fixed_unchanged():
    same, old, fresh = _violation(), _violation(50.0), _violation(90.0)
    after = _after(_verdict(same, old), _verdict(same, fresh))
    assert after.comparison is not None
    assert after.comparison.new == (fresh.fingerprint,) and after.comparison.unchanged == (same.fingerprint,)
    assert after.comparison.fixed == (old.fingerprint,) and after.comparison.gone == (old,)
    assert not after.passed and not after.clean
    assert _after(_verdict(same, old), _verdict(same)).passed


@pytest.mark.parametrize(("by", "moved"), [(0.005, True), (NEARBY - 0.01, True), (NEARBY + 0.01, False)])
def test_a_small_move_is_neither_new_nor_fixed(by, moved):
    after = _after(_verdict(_violation()), _verdict(_violation(by)))
    assert after.comparison is not None and after.passed is moved
    assert len(after.comparison.moved) == len(after.comparison.unchanged) == moved
    assert len(after.comparison.new) == len(after.comparison.fixed) == (not moved)


@pytest.mark.parametrize("changed", [{"rule": "WG.W"}, {"cell": "other"}, {"layer": "GE"}])
def test_what_differs_by_more_than_place_is_new(changed):
    after = _after(_verdict(_violation()), _verdict(replace(_violation(0.005), **changed)))
    assert after.comparison is not None and len(after.comparison.new) == 1 and len(after.comparison.fixed) == 1


def test_one_that_moved_stands_for_one_only():
    after = _after(_verdict(_violation()), _verdict(_violation(0.01), _violation(0.02)))
    assert after.comparison is not None
    assert after.comparison.moved == (_violation(0.01).fingerprint,)  # the nearest
    assert after.comparison.new == (_violation(0.02).fingerprint,)


def test_a_second_one_in_the_same_place_is_new():
    after = _after(_verdict(_violation()), _verdict(_violation(), _violation()))
    assert after.comparison is not None and len(after.comparison.new) == 1 and len(after.comparison.unchanged) == 1


def test_a_rule_that_did_not_run_fixed_nothing():
    before = _verdict(_violation(), _violation(5.0, "M1.W"))
    after = _after(before, _verdict(_violation()))
    assert after.comparison is not None and after.comparison.fixed == ()
    assert after.notices[0].startswith("base.json: 1 violation of rules that did not run")


def test_a_check_that_looked_at_nothing_fixed_nothing():
    after = _after(_verdict(_violation()), _verdict(looked_at=0))
    assert after.comparison is not None and after.comparison.fixed == () and not after.passed
    assert "looked at nothing" in after.notices[0]


def test_what_is_waived_is_neither_new_nor_fixed_and_counts_again_when_the_waiver_ends():
    violation = _violation()
    waiver = Waiver("WG.S", "*", None, "x", date(2026, 12, 31), "me", "w.yaml:1")
    waived = apply_waivers(_verdict(violation), [waiver], date(2026, 1, 1))
    after = _after(_verdict(violation), waived)
    assert after.comparison is not None and after.passed
    assert after.comparison.new == after.comparison.fixed == after.comparison.unchanged == ()
    later = _after(waived, apply_waivers(_verdict(violation), [waiver], date(2027, 1, 1)))
    assert later.comparison is not None and later.comparison.new == (violation.fingerprint,) and not later.passed


def test_another_top_cell_is_told():
    after = _after(replace(_verdict(), top="old_top"), _verdict())
    assert "old_top" in after.notices[0]


POOL = st.lists(
    st.builds(_violation, st.integers(0, 12).map(lambda n: n * 0.4), st.sampled_from(["WG.S", "WG.W"]),
              st.sampled_from(["a", "b"])),
    max_size=10,
)  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=80)
@given(POOL, POOL)
def test_every_violation_is_counted_once(before, now):
    found = _after(_verdict(*before), _verdict(*now)).comparison
    assert found is not None
    prints = Counter(v.fingerprint for v in now)
    assert Counter(found.new) + Counter(found.unchanged) == prints
    assert len(found.fixed) + len(found.unchanged) == len(before)
    assert Counter(found.fixed) <= Counter(v.fingerprint for v in before)
    assert not Counter(found.moved) - Counter(found.unchanged)
    assert Counter(v.fingerprint for v in found.gone) == Counter(found.fixed)
    mirrored = _after(_verdict(*now), _verdict(*before)).comparison
    assert mirrored is not None and len(mirrored.new) == len(found.fixed)


def test_very_many_in_one_place_end_in_time():
    before = _verdict(*(_violation(i * 1e-4) for i in range(4000)))
    now = _verdict(*(_violation(i * 1e-4, size=0.3) for i in range(4000)))
    found = _after(before, now).comparison
    assert found is not None and len(found.new) == len(found.fixed)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no JSON"),
        ("no", "is no JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "has no format"),
        ('{"format": "cpo check 9"}', 'format is "cpo check 9", "cpo check 1" is read'),
        ('{"format": 1}', "format is 1"),
        ('{"error": {"message": "x"}}', "is the error of a run"),
        ('{"format": "cpo check 1"}', "markers is no list"),
        ('{"format": "cpo check 1", "markers": {}}', "markers is no list"),
        ('{"format": "cpo check 1", "file": 3, "markers": []}', "file or top is no text"),
        ('{"format": "cpo check 1", "markers": [1]}', r"markers\[0\]: is no object"),
        ('{"format": "cpo check 1", "markers": [{"rule": 1, "cell": "a"}]}', "rule is 1, text is expected"),
        ('{"format": "cpo check 1", "markers": [{"rule": "r", "cell": "a"}]}', "bbox must be four numbers"),
        ('{"format": "cpo check 1", "markers": [{"rule": "r", "cell": "a", "bbox": [0, 0, 1, NaN]}]}', "is no JSON"),
        (
            '{"format": "cpo check 1", "markers": [{"rule": "r", "cell": "a", "bbox": [0, 0, 1, 1e999]}]}',
            "bbox must be",
        ),
        ('{"format": "cpo check 1", "markers": [{"rule": "r", "cell": "a", "bbox": [0, 0, 1, true]}]}', "bbox must be"),
        (
            '{"format": "cpo check 1", "markers": [{"rule": "r", "cell": "a", "bbox": [0, 0, 1, 1], "places": 0}]}',
            "places is 0",
        ),
        ('{"a":' * 100_000, "nested too deep|is no JSON"),
        ("[" * 100_000, "nested too deep|is no JSON"),
        ("9" * 10_000, "is no JSON"),
        ('{"format": "cpo check 1", "markers": [' + "{}," * 200_001 + "{}]}", "200000 are read"),
    ],
)
def test_a_file_that_is_no_earlier_result(tmp_path, text, told):
    file = tmp_path / "base.json"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match=told) as caught:
        read_baseline(file)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(str(file)) and len(str(caught.value)) < 600


def test_files_that_cant_be_read(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no such file"):
        read_baseline(tmp_path / "none.json")
    with pytest.raises(InputError, match="is no file"):
        read_baseline(tmp_path)
    with pytest.raises(InputError):
        read_baseline("a\0b")
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InputError, match="UTF-8"):
        read_baseline(tmp_path / "latin.json")
    monkeypatch.setattr(baseline_module, "SIZE_LIMIT", 10)
    (tmp_path / "large.json").write_text(" " * 11)
    with pytest.raises(InputError, match="larger than"):
        read_baseline(tmp_path / "large.json")


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
            st.sampled_from(["format", "markers", "rule", "cell", "bbox", "places", "top"]), inner, max_size=5
        ),
        max_leaves=12,
    )
)  # fmt: skip
def test_any_json_is_an_earlier_result_or_a_told_fault(tmp_path_factory, value):
    file = tmp_path_factory.getbasetemp() / "fuzz.json"
    if isinstance(value, dict):
        value["format"] = "cpo check 1"
    file.write_text(json.dumps(value), "utf-8")
    try:
        base = read_baseline(file)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        compare(_verdict(_violation()), base)

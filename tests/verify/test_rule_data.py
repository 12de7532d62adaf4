"""The rule file: every rule known, sourced and sane; a fault in it is told with its place."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cpo_pdk.errors import InputError
from cpo_pdk.tech.layers import LAYERS
from cpo_pdk.tech.rules import KINDS, RULES_FILE, load_rules, parse_rules
from cpo_pdk.verify.design_rules.kinds import RULE_KINDS


def test_the_rules_of_the_process():
    rules = load_rules()
    assert len(rules) >= 49
    assert {kind for kind, entry in KINDS.items() if entry.group == "drc"} == set(RULE_KINDS)
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.source
        assert set(rule.layers) <= set(LAYERS)
        assert rule.value > 0 or "value" not in KINDS[rule.kind].needs
    assert load_rules() is rules


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{name: A, kind: width, layer: WG, value: 0.1}", "no source"),
        ("{name: A, kind: width, layer: WG, value: 0.1, source: ' '}", "no source"),
        ("{name: A, kind: wdth, layer: WG, value: 0.1, source: x}", "kind 'wdth' is not known"),
        ("{name: A, kind: width, layer: GW, value: 0.1, source: x}", "GW is not in"),
        ("{name: A, kind: width, layer: WG, value: 0, source: x}", "must be a number above 0"),
        ("{name: A, kind: width, layer: WG, value: -1, source: x}", "must be a number above 0"),
        ("{name: A, kind: width, layer: WG, value: .nan, source: x}", "must be a number above 0"),
        ("{name: A, kind: width, layer: WG, value: true, source: x}", "must be a number above 0"),
        ("{name: A, kind: width, layer: WG, value: '1', source: x}", "must be a number above 0"),
        ("{name: A, kind: width, layer: WG, value: 1, vlaue: 2, source: x}", "unknown key vlaue"),
        ("{name: A, kind: width, layer: WG, source: x}", "value missing"),
        ("{name: A, kind: bend_radius, layer: WG, value: 1, source: x}", "half_width missing"),
        ("{name: A, kind: width, layer: WG, value: 1, other: M1, source: x}", "unknown key other"),
        ("{name: A, kind: width, layer: WG, value: 1, choice: yes please, source: x}", "choice"),
        ("{kind: width, layer: WG, value: 1, source: x}", "no name"),
        ("{name: A, kind: inside, inner: WG, layers: [], source: x}", "layers is empty"),
        ("WG.W", "no mapping"),
        ("{name: A, kind: in_die, layers: [WG], die: EDGE, source: x}", "die is 'EDGE', must be a layer"),
        ("{name: A, kind: in_die, layers: [WG], source: x}", "die missing"),
        (
            "{name: A, kind: floating, layer: M1, layers: [VIA1], die: FLOORPLAN, mark: 3, source: x}",
            "mark is 3, must be a layer",
        ),
        (
            "{name: A, kind: density, layer: M1, value: 100, step: 50, die: FLOORPLAN, source: x}",
            "neither least nor most",
        ),
        (
            "{name: A, kind: density, layer: M1, value: 100, step: 30, most: 0.8, die: FLOORPLAN, source: x}",
            "step 30 does not divide the window of 100 um",
        ),
        (
            "{name: A, kind: density, layer: M1, value: 100, step: 50, most: 80, die: FLOORPLAN, source: x}",
            "most is 80, must be a share from 0 to 1",
        ),
        (
            "{name: A, kind: density, layer: M1, value: 9, step: 9, most: 0.2, least: 0.4, die: FLOORPLAN, source: x}",
            "least 0.4 is above most 0.2",
        ),
        ("{name: A, kind: points, layer: WG, value: 10, source: x}", "unknown key layer"),
    ],
)
def test_a_faulty_rule_is_refused(entry, said):
    with pytest.raises(InputError, match="rule 1") as caught:
        parse_rules(f"rules:\n  - {entry}\n", "mine.yaml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("mine.yaml: ")


def test_all_faults_at_once_and_no_name_twice():
    good = "{name: A, kind: width, layer: WG, value: 1, source: x}"
    with pytest.raises(InputError, match="given twice"):
        parse_rules(f"rules: [{good}, {good}]")
    with pytest.raises(InputError) as caught:
        parse_rules("rules: [{name: A, kind: width, layer: Q, value: 0, source: x}, {name: B, kind: q, source: x}]")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("text", ["", "[]", "rules: []", "rules: 3", "rule: []", "rules: [", "rules: []\nmore: 1"])
def test_no_rule_file(text):
    with pytest.raises(InputError):
        parse_rules(text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="can't be read"):
        load_rules(tmp_path / "none.yaml")


def test_rules_and_checks_need_no_layout_framework():
    code = (
        "import sys, cpo_pdk.tech.rules, cpo_pdk.verify; "
        "sys.exit(any(name.split('.')[0] in ('gdsfactory', 'kfactory', 'matplotlib') for name in sys.modules))"
    )
    folder = RULES_FILE.parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False).returncode == 0

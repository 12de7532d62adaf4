"""What the report says about its inputs: arithmetic that holds, every choice, every rule."""

from __future__ import annotations

import re

from cpo_pdk.report.gather import arithmetic_of, choices_of, rule_lines
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.tech.rules import load_rules


def test_every_equation_holds() -> None:
    lines = arithmetic_of(load_spec("switch_51t2"))
    checked = 0
    for line in lines:
        left, equals, right = line.partition(" = ")
        if not equals:
            continue
        numbers = [float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", left)]
        product = 1.0
        for number in numbers:
            product *= number
        stated = float(re.findall(r"\d+(?:\.\d+)?", right)[0])
        value = sum(numbers) if " + " in left else product / (1000 if "Gb/s" in left else 1)
        assert abs(value - stated) < 1e-9, line
        checked += 1
    assert checked == 5


def test_every_choice_of_spec_and_sheets_is_listed() -> None:
    spec, sheets = load_spec("switch_51t2"), load_sheets()
    listed = {choice.where for choice in choices_of(spec, sheets)}
    assert set(spec.choices) <= listed
    ring = sheets[spec.engine.devices.modulator]
    chosen = {k for k, p in {**ring.parameters, **ring.operating}.items() if p.choice}
    assert chosen and {f"{ring.name}: {key}" for key in chosen} <= listed


def test_every_rule_is_said_in_words() -> None:
    rules = load_rules()
    lines = rule_lines(rules)
    assert [line.name for line in lines] == [rule.name for rule in rules]
    assert all(line.source and "{" not in line.says for line in lines)
    assert all(line.value for line, rule in zip(lines, rules, strict=True) if rule.value)

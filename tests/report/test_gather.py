"""What the report says about its inputs: arithmetic that holds, every choice, every rule."""

from __future__ import annotations

import re

import pytest

from cpo_pdk.report.gather import arithmetic_of, choices_of, description_of, rule_lines
from cpo_pdk.spec import list_specs, load_sheets, load_spec
from cpo_pdk.tech.rules import load_rules

NUMBER = r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])"


def value_of(side: str) -> float:
    """What one side of an equation comes to: sums of products and quotients, units and words left out."""
    total = 0.0
    for term in side.split(" + "):
        value = 1.0
        for operator, number in re.findall(rf"(^|[x/])[^x/]*?({NUMBER})", term.replace("Gb/s", "").replace("Tb/s", "")):
            value = value / float(number) if operator == "/" else value * float(number)
        total += value / (1000 if "Gb/s" in term else 1)
    return total


@pytest.mark.parametrize("name", sorted(list_specs()))
def test_every_equation_holds(name: str) -> None:
    checked, stated = 0, 0.0
    for line in arithmetic_of(load_spec(name)):
        for equation in re.split(r"; |: (?=\d)", line):
            left, *right = equation.split(" = ")
            if not right:
                continue
            if left.strip().startswith("+"):  # goes on from the line before
                left = f"{stated:g} {left.strip()}"
            stated = float(re.findall(r"\d+(?:\.\d+)?", right[0])[0])
            digits = len(right[0].split()[0].partition(".")[2])
            assert value_of(left) == pytest.approx(stated, abs=0.51 * 10**-digits if digits > 2 else 1e-9), equation
            checked += 1
    assert checked >= 9


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


def test_edges_and_bumps_are_counted_side_by_side() -> None:
    lines = [line for line in arithmetic_of(load_spec("switch_51t2")) if " mm = " in line or " bumps = " in line]
    assert lines == [
        "edges      north, south: 2 x 6.4 Tb/s / 26 mm = 0.492 Tb/s per mm, 3.52 x the 0.14 of the OIF 3.2T module",
        "           east, west: 2 x 6.4 Tb/s / 31 mm = 0.413 Tb/s per mm, 2.95 x the 0.14 of the OIF 3.2T module",
        "bumps      north, south: 128 lanes x 2 directions x 4 bumps = 1024 of 1176",
        "           east, west: 128 lanes x 2 directions x 4 bumps = 1024 of 1332",
    ]
    assert len([line for line in arithmetic_of(load_spec("optical_io_ucie")) if "north" in line]) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("switch_51t2", "8 optical engines of 6.4 Tb/s around an ASIC of 51.2 Tb/s"),
        ("switch_102t4", "32 optical engines of 3.2 Tb/s and 4 spares around an ASIC of 102.4 Tb/s"),
        ("switch_25t6", "4 optical engines of 3.2 Tb/s around an ASIC of 25.6 Tb/s, 12.8 of them without optics"),
        ("optical_io_ucie", "1 optical engine of 2.048 Tb/s beside an ASIC of 2.048 Tb/s"),
    ],
)
def test_a_package_is_described_in_one_line(name: str, said: str) -> None:
    assert description_of(load_spec(name)) == said

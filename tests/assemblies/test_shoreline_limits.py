"""One millimetre of shoreline less: packages near their limit become a named infeasibility, and its cure cures."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from cpo_pdk.assemblies.engines import measured_engine
from cpo_pdk.assemblies.planning import plan
from cpo_pdk.errors import SpecError
from cpo_pdk.spec import PackageSpec, list_specs, load_sheets, load_spec, parse_spec
from cpo_pdk.spec.package import SIDES
from cpo_pdk.spec.placement import shoreline_of

SHEETS = load_sheets()

#: shipped packages that were given no more shoreline than they need, and what binds them
TIGHT = {
    "optical_io_ucie": "too few SerDes bumps in the north",
    "switch_28t8": "the ribbons of engines",
    "switch_102t4": "9 engines do not fit the",
    "switch_102t4_dr": "4 engines do not fit the",
}


@cache
def asked(name: str) -> tuple[PackageSpec, tuple[float, float]]:
    """A shipped spec, and the length and width of its engine in um."""
    spec = load_spec(name)
    return spec, measured_engine(spec, SHEETS)[1]


class Trimmed:
    """A shipped spec with less shoreline on every side."""

    def __init__(self, name: str, less: float) -> None:
        spec, self.size = asked(name)
        self.data: dict[str, Any] = spec.model_dump(mode="json", exclude_none=True)
        self.data["asic"]["shoreline_mm"] = {side: round(shoreline_of(spec, side) - less, 3) for side in SIDES}

    def refusals(self) -> list[str]:
        try:
            plan(parse_spec(yaml.safe_dump(self.data), Path("p.yaml")), self.size)
        except SpecError as error:
            return [problem.message for problem in error.problems]
        return []


@pytest.mark.parametrize("name", sorted(list_specs()))
def test_shipped_packages_fit_and_the_tight_ones_do_not_with_less(name: str) -> None:
    assert Trimmed(name, 0.0).refusals() == []
    refused = Trimmed(name, 1.0).refusals()
    assert bool(refused) == (name in TIGHT)
    if refused:
        assert any(TIGHT[name] in message for message in refused), refused
        assert all(re.search(r"\d.*(raise|use|longer by|lower) ", message) for message in refused)


@pytest.mark.parametrize("name", sorted(TIGHT))
def test_giving_back_what_the_refusal_asks_for_is_enough(name: str) -> None:
    trimmed = Trimmed(name, 1.0)
    back = dict.fromkeys(SIDES, 0.0)
    for message in trimmed.refusals():
        found = re.findall(r"asic\.shoreline_mm\.(\w+) (?:longer )?by ([\d.]+) mm", message)
        assert found, message
        for side, more in found:
            back[side] = max(back[side], float(more))
    assert 0 < max(back.values()) <= 1.0
    for side, more in back.items():
        trimmed.data["asic"]["shoreline_mm"][side] += more
    assert trimmed.refusals() == []


@pytest.mark.parametrize("name", sorted(list_specs()))
def test_every_package_has_a_least_shoreline(name: str) -> None:
    """Whatever is taken away, it ends in a refusal with numbers, never in a fault."""
    shortest = min(shoreline_of(load_spec(name), side) for side in SIDES)
    for share in (0.7, 0.4, 0.1):
        refused = Trimmed(name, round(share * shortest, 2)).refusals()
        assert all("\n" not in message and any(c.isdigit() for c in message) for message in refused)
    assert Trimmed(name, shortest - 0.1).refusals()

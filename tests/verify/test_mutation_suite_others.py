"""Faults planted in the packages beside the one of rings: each found by the rule that has to, and named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from mutants import Mutant  # noqa: E402
from mutations import EVERY, base_file, run, spec_of, where_of  # noqa: E402

from cpo_pdk import flow  # noqa: E402
from cpo_pdk.assemblies import write_package  # noqa: E402
from cpo_pdk.spec import load_sheets, load_spec  # noqa: E402

TABLE = ROOT / "docs/mutations.md"
#: those in the 51.2 Tb/s package of rings stand in test_mutation_suite.py: two workers share them
MINE = tuple(mutant for mutant in EVERY if mutant.spec != "switch_51t2")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each shipped package that faults are planted in, drawn."""
    results = tmp_path_factory.mktemp("golden")
    for name in {mutant.spec for mutant in MINE}:
        (results / name).mkdir()
        write_package(load_spec(spec_of(name)), results / name, load_sheets())
    return results


@pytest.mark.parametrize(("name", "base"), sorted({(mutant.spec, mutant.base) for mutant in MINE}))
def test_the_good_layouts_are_clean_and_were_looked_at(results: Path, name: str, base: str) -> None:
    verdict = flow.check(base_file(results / name, base), spec=spec_of(name))
    assert verdict.clean, verdict.violations[:5]
    assert {result.group for result in verdict.results} == {"drc", "photonic", "connectivity", "lvs", "assembly"}
    assert all(result.looked_at > 0 for result in verdict.results)


@pytest.mark.parametrize("mutant", MINE, ids=[m.name.replace(" ", "_") for m in MINE])
def test_every_fault_is_found_and_named(mutant: Mutant, results: Path, tmp_path: Path) -> None:
    found = run(mutant, results / mutant.spec, spec_of(mutant.spec), tmp_path)
    assert found.named is not None, found.others
    row = next((line for line in TABLE.read_text().splitlines() if line.startswith(f"| {mutant.name} |")), "")
    assert f"| {mutant.name} | {where_of(mutant)} | {found.named.rule}" in row, (
        f"docs/mutations.md says {row!r}; make it anew with python benchmarks/mutations.py --out docs/mutations.md"
    )

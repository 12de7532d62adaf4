"""Every fault of `benchmarks/mutants.py` is found by the rule that has to, and named; the good layouts are clean."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from mutants import MUTANTS, Mutant  # noqa: E402
from mutations import base_file, run  # noqa: E402

from cpo_pdk import flow  # noqa: E402
from cpo_pdk.assemblies import write_package  # noqa: E402
from cpo_pdk.spec import load_sheets, load_spec  # noqa: E402

SPEC = ROOT / "assemblies/switch_51t2.yaml"
TABLE = ROOT / "docs/mutations.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped package, drawn."""
    folder = tmp_path_factory.mktemp("golden") / "switch_51t2"
    folder.mkdir()
    write_package(load_spec(SPEC), folder, load_sheets())
    return folder


@pytest.mark.parametrize("base", ["engine", "package"])
def test_the_good_layouts_are_clean_and_were_looked_at(folder: Path, base: str) -> None:
    verdict = flow.check(base_file(folder, base), spec=SPEC)
    assert verdict.clean, verdict.violations[:5]
    assert {result.group for result in verdict.results} == {"drc", "photonic", "connectivity", "lvs", "assembly"}
    assert all(result.looked_at > 0 for result in verdict.results)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[m.name.replace(" ", "_") for m in MUTANTS])
def test_every_fault_is_found_and_named(mutant: Mutant, folder: Path, tmp_path: Path) -> None:
    found = run(mutant, folder, str(SPEC), tmp_path)
    assert found.named is not None, found.others
    row = next((line for line in TABLE.read_text().splitlines() if line.startswith(f"| {mutant.name} |")), "")
    assert f"| {mutant.name} | {mutant.base} | {found.named.rule}" in row, (
        f"docs/mutations.md says {row!r}; make it anew with python benchmarks/mutations.py --out docs/mutations.md"
    )

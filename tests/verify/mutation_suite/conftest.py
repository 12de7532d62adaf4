"""What the two files of the mutation suite share: packages that faults are planted in, and what has to be found."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "benchmarks"))

from mutants import Mutant  # noqa: E402
from mutations import base_file, groups_of, run, spec_of, where_of  # noqa: E402

from cpo_pdk import flow  # noqa: E402
from cpo_pdk.assemblies import write_package  # noqa: E402
from cpo_pdk.spec import load_sheets, load_spec  # noqa: E402

TABLE = ROOT / "docs/mutations.md"


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each package that the module's faults (`MINE`) are planted in, drawn."""
    results = tmp_path_factory.mktemp("golden")
    for name in sorted({mutant.spec for mutant in request.module.MINE}):
        (results / name).mkdir()
        write_package(load_spec(spec_of(name)), results / name, load_sheets())
    return results


@pytest.fixture
def must_be_clean(results: Path) -> Callable[[str, str], None]:
    def judge(name: str, base: str) -> None:
        verdict = flow.check(base_file(results / name, base), spec=spec_of(name))
        assert verdict.clean, verdict.violations[:5]
        assert {result.group for result in verdict.results} == {"drc", "photonic", "connectivity", "lvs", "assembly"}
        assert all(result.looked_at > 0 for result in verdict.results)

    return judge


@pytest.fixture
def must_be_found(results: Path, tmp_path: Path) -> Callable[[Mutant], None]:
    def judge(mutant: Mutant) -> None:
        found = run(mutant, results / mutant.spec, spec_of(mutant.spec), tmp_path, groups_of(mutant))
        assert found.named is not None, found.others
        row = next((line for line in TABLE.read_text().splitlines() if line.startswith(f"| {mutant.name} |")), "")
        assert f"| {mutant.name} | {where_of(mutant)} | {found.named.rule}" in row, (
            f"docs/mutations.md says {row!r}; make it anew with python benchmarks/mutations.py --out docs/mutations.md"
        )

    return judge

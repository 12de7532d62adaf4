"""The benchmark scripts run and take `--json`; what they measure is reported, not asserted."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from cpo_pdk.spec import data_folder, parse_spec

FOLDER = Path(__file__).parent.parent / "benchmarks"


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_startup_prints_one_object() -> None:
    command = [sys.executable, str(FOLDER / "startup.py"), "--json", "--runs", "1"]
    document = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert set(document) == {"cpo --help", "cpo --version", "import cpo_pdk", "python alone"}


def test_the_doubled_package_is_a_spec_that_closes() -> None:
    text = (data_folder("assemblies") / "switch_51t2.yaml").read_text("utf-8")
    spec = parse_spec(module("build").doubled(text))
    assert (spec.bandwidth_Tbps, spec.engines.count) == (102.4, 16)


def test_the_case_of_the_heat_benchmark_gives_one_answer_by_every_method() -> None:
    thermal = module("thermal")
    runs = [thermal.solve(15, method, copies) for method, copies in (("columns", 1), ("ruge_stuben", 0), ("jacobi", 0))]
    assert len({run["hottest_C"] for run in runs}) == 1
    assert all(run["balance"] < 1e-6 for run in runs)
    assert set(runs[0]) >= {"cpu_s", "setup_s", "solve_s", "more_s_each"}
    printed = subprocess.run(
        [sys.executable, str(FOLDER / "thermal.py"), "--child", "10", "columns", "0"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(printed.stdout)["peak_MB"] > 0

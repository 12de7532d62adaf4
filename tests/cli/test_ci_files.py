"""The templates of docs/ci.md and the hooks for pre-commit: they parse, and what they name exists."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import klayout.db as kdb
import pytest
import yaml

from cpo_pdk.cli import hooks
from cpo_pdk.cli.app import app
from cpo_pdk.report.check_files import write_report
from cpo_pdk.spec import data_folder
from cpo_pdk.verify.findings import CheckResult, Verdict
from cpo_pdk.verify.waivers import parse_waivers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]
GITHUB, GITLAB, REMOTE, LOCAL, WAIVERS = BLOCKS
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))


@pytest.fixture
def layout(tmp_path):
    """A waveguide as wide as it should be, and one that is too thin."""

    def draw(width: float) -> Path:
        file = kdb.Layout()
        file.create_cell("top").shapes(file.layer(1, 0)).insert(kdb.DBox(0, 0, 20, width))
        path = tmp_path / f"w{width}.gds"
        file.write(str(path))
        return path

    return draw


def test_the_hooks_name_entry_points_that_exist():
    assert {hook["id"] for hook in HOOKS} == {"cpo-specs", "cpo-check"}
    for hook in HOOKS:
        assert {"id", "name", "entry", "language", "files"} <= set(hook)
        python, flag, module, what = shlex.split(hook["entry"])
        assert (python, flag) == ("python", "-m") and importlib.import_module(module) is hooks
        assert what in ("layouts", "specs")
        re.compile(hook["files"])
    assert {hook["id"] for hook in REMOTE["repos"][0]["hooks"]} == {hook["id"] for hook in HOOKS}
    shipped = next(hook for hook in HOOKS if hook["id"] == "cpo-specs")
    (local,) = LOCAL["repos"][0]["hooks"]
    assert all(local[key] == shipped[key] for key in ("entry", "files"))


@pytest.mark.parametrize(
    ("hook", "name", "meant"),
    [
        ("cpo-specs", "assemblies/switch.yaml", True),
        ("cpo-specs", "chips/a/components/ring.yaml", True),
        ("cpo-specs", "waivers.yaml", True),
        ("cpo-specs", "checks/waivers_2026.yaml", True),
        ("cpo-specs", "docs/switch.yaml", False),
        ("cpo-specs", "assemblies/README.md", False),
        ("cpo-check", "mask/chip.oas", True),
        ("cpo-check", "mask/chip.gds.txt", False),
    ],
)
def test_which_files_a_hook_gets(hook, name, meant):
    pattern = next(h["files"] for h in HOOKS if h["id"] == hook)
    assert bool(re.search(pattern, name)) is meant


def test_specs_and_sheets_that_ship_are_in_order(capfd):
    files = [*sorted(data_folder("assemblies").glob("*.yaml")), *sorted(data_folder("components").glob("*.yaml"))[:3]]
    assert hooks.main(["specs", *map(str, files)]) == 0
    assert capfd.readouterr().err == ""


def test_a_fault_is_told_with_its_line(tmp_path, capfd):
    (tmp_path / "assemblies").mkdir()
    spec = tmp_path / "assemblies" / "x.yaml"
    spec.write_text("nmae: x\n")
    sheet = tmp_path / "components" / "y.yaml"
    sheet.parent.mkdir()
    sheet.write_text("cell: [\n")
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text("waivers:\n  - {rule: WG.Q}\n")
    assert hooks.main(["specs", str(spec), str(sheet), str(waivers)]) == 2
    told = capfd.readouterr().err
    for file in (spec, sheet, waivers):
        assert re.search(rf"^{re.escape(str(file))}:\d+:\d+: ", told, re.M)


def test_layouts_one_by_one(layout, tmp_path, capfd):
    assert hooks.main(["layouts", str(layout(0.05)), str(tmp_path / "none.gds")]) == 2
    assert hooks.main(["layouts", str(layout(0.05))]) == 1
    assert hooks.main(["layouts"]) == 0
    assert hooks.main([]) == hooks.main(["weather"]) == 2
    assert "WG.W" in capfd.readouterr().out


def test_the_workflow_of_github_gives_no_rights_and_pins_everything():
    assert GITHUB["permissions"] == {"contents": "read"}
    (job,) = GITHUB["jobs"].values()
    assert job["permissions"] == {"contents": "read", "security-events": "write"} and job["timeout-minutes"] <= 30
    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert len(uses) == 4 and all(re.fullmatch(r"[\w/-]+@COMMIT-OF-[A-Z-]+", name) for name in uses)
    assert set(GITHUB[True]) == {"push", "pull_request"}  # YAML 1.1 reads `on` as true
    assert "secrets." not in PAGE and "pull_request_target:" not in PAGE


def _commands() -> list[list[str]]:
    (job,) = GITHUB["jobs"].values()
    lines = [line for step in job["steps"] for line in step.get("run", "").replace("\\\n", " ").splitlines()]
    lines += GITLAB["check"]["script"]
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.S)).splitlines()
    return [shlex.split(line) for line in [*lines, *shell] if line.startswith("cpo ")]


def test_the_templates_use_commands_and_options_that_exist():
    import typer

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found = _commands()
    assert len(found) == 5
    for _, name, *words in found:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, name


def test_the_templates_write_formats_that_exist(tmp_path):
    verdict = Verdict("chip.gds", (CheckResult((), ("WG.W",), 3),))
    for words in _commands():
        for option, value in pairwise(words):
            if option == "--report":
                assert write_report(verdict, tmp_path / Path(value).name).stat().st_size > 0
    suffixes = re.findall(r"^\| `(\.\w+)` \|", PAGE, re.M)
    assert len(suffixes) == 7
    for suffix in suffixes:
        write_report(verdict, tmp_path / f"r{suffix}")


def test_reports_of_the_gitlab_template_are_kept():
    job = GITLAB["check"]
    assert job["artifacts"]["when"] == "always" and job["artifacts"]["reports"]["junit"] in " ".join(job["script"])


def test_the_waiver_of_the_page_is_one():
    text = next(text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S) if "waivers:" in text)
    assert len(parse_waivers(text)) == len(WAIVERS["waivers"]) == 1


def test_the_python_of_the_page_runs(layout, tmp_path, monkeypatch, capfd):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    layout(0.05).rename(tmp_path / "chip.gds")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/ci.md", "exec"), {})
    assert "<svg" in (tmp_path / "check.html").read_text("utf-8")
    assert json.dumps("False")[1:-1] in capfd.readouterr().out

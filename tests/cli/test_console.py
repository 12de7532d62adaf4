"""Results on stdout, everything else on stderr, one JSON object, one exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import cpo_pdk
from cpo_pdk.cli import console
from cpo_pdk.cli.app import run
from cpo_pdk.cli.console import Outcome, Progress
from cpo_pdk.errors import InputError, Problem, SpecError

HEAVY = {"gdsfactory", "kfactory", "klayout", "numpy", "scipy", "matplotlib", "pydantic", "yaml", "jinja2"}


def cpo(*arguments: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(cpo_pdk.__file__).parent.parent), **more}
    command = [sys.executable, "-m", "cpo_pdk", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


def outcome_of(work, as_json: bool) -> int:
    with pytest.raises(typer.Exit) as stop:
        console.run(work, as_json)
    return stop.value.exit_code


def test_noise_of_a_library_never_reaches_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    def work(progress: Progress) -> Outcome:
        os.write(1, b"Warning: polygon with more than 4000 points\n")
        print("and a print")
        progress("looking")
        return Outcome({"name": "ä"}, ["never shown"])

    assert outcome_of(work, True) == 0
    out, err = capfd.readouterr()
    assert json.loads(out) == {"name": "ä"} and out.count("\n") == 1
    assert "polygon" in err and "and a print" in err
    os.write(1, b"afterwards\n")
    assert capfd.readouterr().out == "afterwards\n"


def test_text_goes_to_stdout_without_markup_of_names(capfd: pytest.CaptureFixture[str]) -> None:
    assert outcome_of(lambda _: Outcome({}, ["cell [red]x[/red]"], exit_code=1), False) == 1
    assert capfd.readouterr().out == "cell [red]x[/red]\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("x.gds: is empty; build it again"), 2, "cpo: x.gds: is empty; build it again"),
        (FileNotFoundError(2, "No such file or directory", "a.gds"), 2, "cpo: a.gds: No such file or directory"),
        (SystemExit(0), 2, "cpo: a Python file that --trust lets run ended the program"),
        (KeyboardInterrupt(), 130, "cpo: interrupted; earlier results are untouched"),
        (ZeroDivisionError("division by zero"), 3, "cpo: a fault of cpo itself: ZeroDivisionError: division by zero."),
    ],
)
def test_an_error_is_one_line_and_one_object(
    error: BaseException, code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def work(_: Progress) -> Outcome:
        raise error

    assert outcome_of(work, True) == code
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert list(document) == ["error"] and document["error"]["exit_code"] == code
    assert err.startswith(said) and err.count("\n") == 1


def test_all_problems_of_a_spec_are_printed(capfd: pytest.CaptureFixture[str]) -> None:
    problems = [Problem(Path("a.yaml"), 3, 1, "second"), Problem(Path("a.yaml"), 1, 5, "first")]

    def work(_: Progress) -> Outcome:
        raise SpecError(problems)

    assert outcome_of(work, True) == 2
    out, err = capfd.readouterr()
    assert err == "a.yaml:1:5: first\na.yaml:3:1: second\n"
    first = json.loads(out)["error"]["problems"][0]
    assert first == {"file": "a.yaml", "line": 1, "column": 5, "message": "first"}


@pytest.mark.parametrize(
    "arguments", [["build"], ["buidl", "x"], ["check", "a.gds", "--jsn"], ["simulate", "a", "--worst", "x"]]
)
def test_a_misspelt_command_line_is_one_line(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*arguments, "--json"]) == 2
    out, err = capfd.readouterr()
    assert json.loads(out)["error"]["type"] == "UsageError"
    assert err.startswith("cpo: ") and err.count("\n") == 1
    known = arguments[0] != "buidl"
    assert f"({'cpo ' + arguments[0] if known else 'cpo'} --help shows" in err, "the help that lists what was meant"


def test_help_and_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "check" in capfd.readouterr().out
    assert run(["--version"]) == 0
    assert capfd.readouterr().out == f"cpo_pdk {cpo_pdk.__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, cpo_pdk.cli.app; print(sorted({HEAVY} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_the_face_is_lazy_and_knows_its_names() -> None:
    code = f"import sys, cpo_pdk; print(sorted({HEAVY} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
    assert set(cpo_pdk.__all__) <= set(dir(cpo_pdk))
    with pytest.raises(AttributeError, match=r"no attribute 'bild'; it has PDK"):
        cpo_pdk.bild
    assert callable(cpo_pdk.build) and callable(cpo_pdk.check) and callable(cpo_pdk.simulate) and callable(cpo_pdk.load)


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m cpo_pdk list | head -1"
    environment = {**os.environ, "PYTHONPATH": str(Path(cpo_pdk.__file__).parent.parent)}
    result = subprocess.run(command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.stdout.startswith("sheets") and "Traceback" not in result.stderr


def test_a_module_in_the_working_folder_is_not_imported(tmp_path: Path) -> None:
    for name in ("yaml", "numpy", "rich", "klayout"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')\n")
    (tmp_path / ".env").write_text("KFACTORY_SHOW_FUNCTION=yaml.load\n")
    result = cpo("list", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["cells"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(os.name != "posix", reason="redirects of a shell")
@pytest.mark.parametrize(
    ("arguments", "redirect", "code", "said"),
    [
        ("list --json", ">&-", 0, ""),
        ("list --json", ">&- 2>&-", 0, ""),
        ("list --json", "<&- >&- 2>&-", 0, ""),
        ("check no.gds", ">&-", 2, "no such file"),
        ("check no.gds", "2>/dev/full", 2, ""),
        ("list", ">/dev/full", 2, "stdout: can't be written"),
        ("list --json", ">/dev/full", 2, "stdout: can't be written"),
        ("--help", ">/dev/full", 2, "stdout: can't be written"),
        ("nonsense --json", ">/dev/full", 2, "stdout: can't be written"),
        ("--help", "| true", 141, ""),
        ("nonsense --json", "| true", 141, "No such command"),
    ],
)
def test_closed_and_full_streams_give_the_right_exit_code(
    arguments: str, redirect: str, code: int, said: str, tmp_path: Path
) -> None:
    if "/dev/full" in redirect and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    environment = {**os.environ, "PYTHONPATH": str(Path(cpo_pdk.__file__).parent.parent)}
    script = f"{sys.executable} -m cpo_pdk {arguments} {redirect}; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == code, result.stderr
    assert said in result.stderr and "Traceback" not in result.stderr and result.stderr.count("\n") <= 2


@pytest.mark.skipif(os.name != "posix", reason="redirects of a shell")
def test_without_stderr_the_result_is_whole(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(cpo_pdk.__file__).parent.parent)}
    for redirect in ("2>&-", "2>/dev/full"):
        script = f"{sys.executable} -m cpo_pdk cells straight --json {redirect}"
        result = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0 and json.loads(result.stdout)["cell"] == "straight"


@pytest.mark.parametrize("arguments", [["--json", "list"], ["list", "--json"]])
def test_json_may_stand_before_the_command(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert set(json.loads(capfd.readouterr().out)) == {"sheets", "parts", "cells", "specs"}
    assert run(["--version", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"version": cpo_pdk.__version__}


def test_names_are_neither_markup_nor_control_sequences(capfd: pytest.CaptureFixture[str]) -> None:
    name = "x[/b].gds \x1b[31m :smile:"

    def work(progress: Progress) -> Outcome:
        progress(f"reading {name}")
        progress.warn(f"{name} is odd")
        progress("")
        raise InputError(f"{name}: no such file")

    assert outcome_of(work, False) == 2
    err = capfd.readouterr().err
    assert err.count(r"x[/b].gds \x1b[31m :smile:") == 3 and "\x1b" not in err


def test_a_file_name_that_is_no_text_is_still_one_json_object(capfd: pytest.CaptureFixture[str]) -> None:
    def work(_: Progress) -> Outcome:
        raise InputError("\udcff.yaml: is empty")

    assert outcome_of(work, True) == 2
    assert json.loads(capfd.readouterr().out)["error"]["message"] == "\udcff.yaml: is empty"


def test_a_long_path_stays_on_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert outcome_of(lambda _: Outcome({}, ["x" * 500]), False) == 0
    assert capfd.readouterr().out == "x" * 500 + "\n"

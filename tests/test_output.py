"""Nobody ever reads half of a result, whatever happens to the process that writes it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cpo_pdk import output
from cpo_pdk.errors import InputError, OutputError


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_replaces_its_predecessor_and_leaves_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    output.write_text(file, "old")
    output.write_text(file, "new\n")
    assert file.read_bytes() == b"new\n"
    assert names(tmp_path) == ["a.txt"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~output._umask()


def test_a_failed_rename_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    output.write_text(file, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match=r"a\.txt: can't be written \(No space left on device\); free space"):
        output.write_text(file, "new")
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        output.write_json(tmp_path / "a.json", {"loss_dB": float("nan")})
    assert names(tmp_path) == []


def test_a_file_never_takes_the_place_of_a_device_or_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="device, pipe or socket"):
        output.refuse_unwritable(pipe)
    with pytest.raises(OutputError, match="device, pipe or socket"):
        output.write_text(pipe, "x")
    assert pipe.is_fifo()


def test_results_are_never_written_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link.txt").symlink_to(target)
    with pytest.raises(OutputError, match="symbolic link"):
        output.write_text(tmp_path / "out" / "link.txt", "x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "package").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="symbolic link"):
        output.result_folder(tmp_path / "out", "package")
    folder = output.result_folder(tmp_path / "out", "other")
    (folder / "x.gds").symlink_to(target)
    with pytest.raises(OutputError, match="symbolic link"), output.staged(folder) as stage:
        (stage / "x.gds").write_text("evil")
    assert target.read_text() == "precious"


@pytest.mark.parametrize(
    "name", ["../up", "a/b", "a\\b", "..", "", ".hidden", "con", "LPT1", "a b", "x" * 65, "ä", "a\n"]
)
def test_a_name_that_leaves_the_output_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        output.result_folder(tmp_path / "out", name)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="can't be written"):
        output.result_folder(tmp_path / "out", "package")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_permission_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        output.result_folder(tmp_path / "out", "package")


def test_a_set_of_results_appears_as_a_whole(tmp_path: Path) -> None:
    folder = output.result_folder(tmp_path, "package")
    (folder / "notes.txt").write_text("mine")
    (folder / "x.gds").write_text("old")
    with output.staged(folder) as stage:
        (stage / "x.gds").write_text("new")
        (stage / "y.csv").write_text("new")
        assert (folder / "x.gds").read_text() == "old"
    assert names(folder) == ["notes.txt", "x.gds", "y.csv"]
    assert (folder / "x.gds").read_text() == "new"
    assert names(tmp_path) == ["package"]


def test_a_first_set_that_fails_leaves_no_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), output.staged(output.result_folder(tmp_path, "package")):
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_a_set_that_fails_changes_nothing(tmp_path: Path) -> None:
    folder = output.result_folder(tmp_path, "package")
    (folder / "x.gds").write_text("old")
    with pytest.raises(KeyboardInterrupt), output.staged(folder) as stage:
        (stage / "x.gds").write_text("half")
        raise KeyboardInterrupt
    assert (folder / "x.gds").read_text() == "old"
    assert names(tmp_path) == ["package"]


BUILDER = """
import sys, time
from pathlib import Path
from cpo_pdk import output
with output.staged(Path(sys.argv[1])) as stage:
    (stage / "x.gds").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_a_killed_build_leaves_the_old_results_and_is_cleaned_up_by_the_next(tmp_path: Path) -> None:
    folder = output.result_folder(tmp_path, "package")
    (folder / "x.gds").write_text("old")
    root = Path(output.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(folder)], stdout=subprocess.PIPE, env=environment
    ) as builder:
        assert builder.stdout is not None and builder.stdout.readline() == b"ready\n"
        with pytest.raises(OutputError, match="another process is building"), output.staged(folder):
            pass
        builder.send_signal(signal.SIGKILL)
    assert (folder / "x.gds").read_text() == "old"
    assert len(names(folder)) == 2
    with output.staged(folder) as stage:
        (stage / "x.gds").write_text("new")
    assert names(folder) == ["x.gds"] and (folder / "x.gds").read_text() == "new"
    assert names(tmp_path) == ["package"]


def test_a_folder_in_the_place_of_a_result_stops_all_of_them(tmp_path: Path) -> None:
    folder = output.result_folder(tmp_path, "package")
    (folder / "b.csv").mkdir()
    with pytest.raises(OutputError, match=r"b\.csv: is a folder"), output.staged(folder) as stage:
        (stage / "a.gds").write_text("new")
        (stage / "b.csv").write_text("new")
    assert names(folder) == ["b.csv"]


@pytest.mark.skipif(os.name != "posix", reason="locks of the system")
def test_of_builds_that_start_at_once_one_wins(tmp_path: Path) -> None:
    folder = output.result_folder(tmp_path, "package")
    environment = {**os.environ, "PYTHONPATH": str(Path(output.__file__).parent.parent)}
    code = BUILDER.replace("time.sleep(60)", "sys.stdin.read()")
    builders = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for _ in range(4)
    ]
    deadline = time.monotonic() + 60
    while sum(b.poll() is None for b in builders) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    ended = [b.communicate() for b in builders]
    assert sorted("another process" in err for _, err in ended) == [False, True, True, True]
    assert names(folder) == ["x.gds"]


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_an_interrupt_waits_until_all_files_are_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = output.result_folder(tmp_path, "package")
    replace = os.replace

    def interrupted(source: Path, target: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        replace(source, target)

    with pytest.raises(KeyboardInterrupt), output.staged(folder) as stage:
        for name in "abc":
            (stage / name).write_text("new")
        monkeypatch.setattr(os, "replace", interrupted)
    assert names(folder) == ["a", "b", "c"]

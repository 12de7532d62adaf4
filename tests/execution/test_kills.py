"""Processes are killed for real: what was done stays, nothing runs on, and going on gives the same numbers."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import execution_work
import numpy as np
import psutil
import pytest

from cpo_pdk.execution import Place, Work, read, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals are sent as on Unix")
SAMPLES, CHUNK = 200, 10


def task(wait_s: float = 0.0) -> Work:
    """As `execution_command` has it."""
    payload = {"wait_s": wait_s}
    return Work(execution_work.numbers, payload, samples=SAMPLES, inputs_digest="abc", name="test", chunk=CHUNK)


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the run that nothing happens to."""
    return run(task(), tmp_path_factory.mktemp("whole")).digest


class Command:
    """The run as a process of its own."""

    def __init__(
        self, folder: Path, workers: int = 2, *, resume: bool = False, wait_s: float = 0.0, limit: int = 0
    ) -> None:
        words = [folder, workers, "resume" if resume else "new", wait_s, limit]
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("execution_command.py")), *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def until(self, done: int) -> dict[str, Any]:
        """Wait until so many samples are done."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            if told["done"] >= done:
                return told
        raise AssertionError(self.process.communicate()[1])

    def end(self) -> tuple[int, dict[str, Any], str]:
        """Exit code, the last line of stdout, stderr."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, json.loads(out.splitlines()[-1]) if out else {}, err


def gone(pids: list[int]) -> bool:
    for _ in range(100):
        if not any(psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE for p in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("workers", [2, 4])
def test_any_number_of_workers_gives_the_same(tmp_path: Path, digest: str, workers: int) -> None:
    outcome = run(task(), tmp_path, Place(workers))
    assert outcome.digest == digest and outcome.complete and outcome.deaths == 0


def test_workers_that_are_killed_cost_their_chunks_only(tmp_path: Path, digest: str) -> None:
    killed: list[int] = []

    def kill(done: int, _total: int) -> None:
        if (done >= 20 and not killed) or (done >= 60 and len(killed) == 1):
            pid = next(child.pid for child in multiprocessing.active_children() if child.pid not in killed)
            assert pid is not None
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    outcome = run(task(0.05), tmp_path, Place(2), progress=kill)
    assert outcome.deaths == len(killed) == 2 and outcome.complete and outcome.digest == digest


def test_a_command_that_is_killed_loses_what_is_in_flight(tmp_path: Path, digest: str) -> None:
    command = Command(tmp_path, wait_s=0.1)
    told = command.until(50)
    command.process.kill()
    command.process.wait()
    assert gone(told["children"]), "workers outlived the command"
    held = len(read(tmp_path)["sample"])
    assert 50 <= held < SAMPLES
    code, outcome, err = Command(tmp_path, 1, resume=True).end()
    assert (code, err) == (0, "")
    assert outcome["resumed"] == held and outcome["digest"] == digest


@pytest.mark.parametrize(("workers", "number"), [(1, signal.SIGTERM), (2, signal.SIGINT)])
def test_an_interrupt_leaves_a_result(tmp_path: Path, digest: str, workers: int, number: signal.Signals) -> None:
    command = Command(tmp_path, workers, wait_s=0.1)
    told = command.until(30)
    os.killpg(command.process.pid, number)  # as a terminal, or a batch system, does: to all of them
    code, outcome, err = command.end()
    assert (code, err) == (130, "")
    assert outcome["interrupted"] and not outcome["complete"] and outcome["asked"] == SAMPLES
    assert gone(told["children"])
    columns = read(tmp_path)
    assert 30 <= outcome["samples"] == len(columns["sample"]) < SAMPLES
    np.testing.assert_array_equal(columns["count"], columns["sample"] ** 2)
    code, outcome, err = Command(tmp_path, 1, resume=True).end()
    assert (code, err, outcome["digest"]) == (0, "", digest)


def test_a_disk_that_is_full_is_one_line_and_what_is_done_stays(tmp_path: Path, digest: str) -> None:
    # the limit is on a file, and the journal of all chunks outgrows it in the middle
    code, _, err = Command(tmp_path, 1, limit=2600).end()
    assert code == 2 and err.count("\n") == 1, err
    assert "can't be written (File too large)" in err and "--resume goes on" in err
    held = len(read(tmp_path)["sample"])
    assert 0 < held < SAMPLES and f"{held} of {SAMPLES} samples" in err
    code, outcome, err = Command(tmp_path, 1, resume=True).end()
    assert (code, err, outcome["digest"], outcome["resumed"]) == (0, "", digest, held)

"""A command that reads a stranger's file survives what the file does to the process that reads it."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import Outcome, Progress
from cpo_pdk.cli.guard import Died, Limits, guarded

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
SMALL = Limits(cpu_s=1, memory_GB=0.5)


def crash(number: int) -> int:
    faulthandler.disable()  # the log of the tests is no place for this one
    os.kill(os.getpid(), number)
    return 0


def burn() -> int:
    faulthandler.disable()
    while True:
        pass


def hoard() -> int:
    return len(bytearray(4_000_000_000)) % 2


def test_what_the_work_returns_is_handed_on() -> None:
    assert [guarded(lambda code=code: code, SMALL) for code in (0, 1, 2, 3, 130)] == [0, 1, 2, 3, 130]


def test_a_crash_is_told_by_its_name() -> None:
    with pytest.raises(Died, match="SIGSEGV"):
        guarded(lambda: crash(signal.SIGSEGV), SMALL)
    with pytest.raises(Died, match="want of memory"):
        guarded(lambda: crash(signal.SIGKILL), SMALL)


def test_time_has_a_limit() -> None:
    with pytest.raises(Died, match="more than 1 s of processor time"):
        guarded(burn, SMALL)


def test_the_command_answers_in_one_line_and_one_document(capfd: pytest.CaptureFixture[str]) -> None:
    def work(_progress: Progress) -> Outcome:
        return Outcome({"n": crash(signal.SIGSEGV)})

    with pytest.raises(typer.Exit) as left:
        console.run(work, True, SMALL)
    out, err = capfd.readouterr()
    assert left.value.exit_code == 2
    assert "SIGSEGV" in json.loads(out)["error"]["message"] and out.count("\n") == 1
    assert err.count("\n") == 1 and "Traceback" not in err


def test_memory_has_a_limit(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left:
        console.run(lambda _progress: Outcome({"n": hoard()}), True, SMALL)
    assert left.value.exit_code == 2
    assert "memory" in json.loads(capfd.readouterr().out)["error"]["message"]


@pytest.mark.parametrize(
    ("number", "code", "deaf"),
    [
        (signal.SIGINT, 130, False),
        (signal.SIGTERM, 143, False),
        (signal.SIGINT, 130, True),
        (signal.SIGTERM, 130, True),
    ],
)
def test_an_interrupt_reaches_the_work_and_leaves_nothing_running(
    tmp_path: Path, number: int, code: int, deaf: bool
) -> None:
    script = tmp_path / "s.py"
    script.write_text(
        "import os, pathlib, signal, sys, time\n"
        "from cpo_pdk.cli import console\n"
        "from cpo_pdk.cli.guard import Limits\n"
        "def work(_):\n"
        f"    pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        f"    if {deaf}:\n"
        "        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])\n"
        "    time.sleep(60)\n"
        "import typer\n"
        "try:\n"
        "    console.run(work, True, Limits())\n"
        "except typer.Exit as stop:\n"
        "    sys.exit(stop.exit_code)\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pid = tmp_path / "pid"
    for _ in range(600):
        if pid.is_file() and pid.read_text():
            break
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(30) == code
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)

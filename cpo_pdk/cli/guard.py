"""Work on a file that may come from anywhere in a process of its own, with a limit on memory and on time.

A layout that makes a library crash, or that takes for ever, ends that process and not the command, which says so in one
line. Where the system can't fork (Windows) the work is done in place.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

try:
    import resource
except ImportError:  # Windows
    resource = None

_PR_SET_PDEATHSIG = 1
#: wall time allowed for every second of processor time: the machine may be busy, and a pipe that gives nothing ends
_WALL_PER_CPU = 4
#: how long work that was asked to end may take to do so, s
_GRACE_S = 2


@dataclass(frozen=True)
class Limits:
    """What the work may take: processor time in s, memory in GB on top of what the process has when it starts."""

    cpu_s: int = 300
    memory_GB: float = 6.0
    #: the command has --time-limit and --memory-limit
    options: bool = False

    def cure(self, option: str) -> str:
        """What to do when a limit was reached."""
        return f"give it more with {option}, or split the layout" if self.options else "split the layout"


class Died(Exception):
    """The process of the work ended without an answer; the text says why, in one line."""


def guarded(work: Callable[[], int], limits: Limits) -> int:
    """Run `work` in a process of its own and return what it returns, 0 to 255.

    Ctrl-C and a polite kill are handed on to it.

    Raises:
        Died: it crashed, or ran into a limit.
    """
    if not hasattr(os, "fork"):
        return work()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _be_the_child(work, limits)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)  # Ctrl-C at a terminal reaches this process alone, which hands it on once

    asked: list[int] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        signal.alarm(_GRACE_S)
        with contextlib.suppress(OSError):
            os.kill(child, number)

    def end(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):  # deep in a library, where Python's own handlers never get their turn
            os.kill(child, signal.SIGKILL)

    old = {}
    with contextlib.suppress(ValueError):  # not the main thread
        old = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
        old[signal.SIGALRM] = signal.signal(signal.SIGALRM, end)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        if asked:
            signal.alarm(0)
        for number, handler in old.items():
            signal.signal(number, handler)
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    if code == -signal.SIGKILL and asked:
        print("cpo: interrupted; earlier results are untouched", file=sys.stderr)
        return 130
    if code in (-signal.SIGTERM, -signal.SIGINT):
        return 128 - code
    raise Died(_why(-code, limits))


def _be_the_child(work: Callable[[], int], limits: Limits) -> None:
    code = 3
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        with contextlib.suppress(Exception):  # Linux: not to run on when the command itself is killed
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _limit(limits)
        code = work()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 3
    except KeyboardInterrupt:  # before or after the work
        code = 130
        with contextlib.suppress(Exception):
            print("cpo: interrupted; earlier results are untouched", file=sys.stderr)
    except BaseException as error:  # nothing may run on in the copy of the command
        with contextlib.suppress(Exception):
            print(f"cpo: a fault of cpo itself: {type(error).__name__}", file=sys.stderr)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _limit(limits: Limits) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(limits.cpu_s * _WALL_PER_CPU)
    if resource is None:
        return
    for what, value in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, _address_space() + int(limits.memory_GB * 1e9)),
    ):
        _, hard = resource.getrlimit(what)
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (soft, hard))


def _address_space() -> int:
    """Bytes of address space that this process has already; 0 where the system doesn't tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def _why(number: int, limits: Limits) -> str:
    if number == signal.SIGXCPU:
        return f"took more than {limits.cpu_s} s of processor time; {limits.cure('--time-limit')}"
    if number == signal.SIGALRM:
        return f"no answer within {limits.cpu_s * _WALL_PER_CPU} s; {limits.cure('--time-limit')}"
    if number == signal.SIGKILL:
        return "was killed, as a rule by the system for want of memory; split the layout"
    name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
    return f"a library crashed on it ({name}); the file is damaged, or please report it (CONTRIBUTING.md)"

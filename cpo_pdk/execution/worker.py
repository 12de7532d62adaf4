"""What happens inside a process that works: the payload is loaded once, an item at a time is worked on.

Loads neither numpy nor anything of the payload by itself, so that a fault in those is told as the fault of an item.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

#: sums in one order: linear algebra and compiled loops get one thread in each process
ONE_THREAD = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
    )
}


@dataclass(frozen=True)
class Failure:
    """An exception on its way to another process.

    Attributes:
        pickled: the exception, or None where it can't be pickled.
        text: type and message.
        trace: where it was raised.
    """

    pickled: bytes | None
    text: str
    trace: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Pack an exception."""
        pickled: bytes | None
        try:
            pickled = pickle.dumps(error)
            pickle.loads(pickled)
        except Exception:  # an exception may have any constructor
            pickled = None
        return cls(pickled, f"{type(error).__name__}: {error}", traceback.format_exc())

    def error(self) -> BaseException:
        """The exception again, with where it was raised as its cause."""
        error: BaseException = RuntimeError(self.text)
        if self.pickled is not None:
            error = pickle.loads(self.pickled)
        error.__cause__ = Elsewhere(self.trace)
        return error


class Elsewhere(Exception):
    """Cause of an exception that was raised in another process; its text is the traceback there."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def answer(function: Callable[[Any, Any], Any], payload: object, item: object) -> Any:
    """Result of an item, or the `Failure` that came in its place."""
    try:
        return function(payload, item)
    except Exception as error:
        return Failure.of(error)


def serve(tasks: Connection, answers: Connection, payload_file: str, sha256: str) -> None:
    """Work on what comes through `tasks` until it ends; the main function of a worker process.

    Args:
        tasks: gives `(number, item)`, or None at the end.
        answers: takes `(number, result)`.
        payload_file: pickle of the function and its payload, written by the process that started this one.
        sha256: of that file.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
    _end_with_parent()
    loaded: tuple[Callable[[Any, Any], Any], Any] | Failure | None = None
    while True:
        try:
            task = tasks.recv()
        except (EOFError, OSError):
            return
        if task is None:
            return
        number, item = task
        if loaded is None:
            loaded = _load(payload_file, sha256)
        result = loaded if isinstance(loaded, Failure) else answer(loaded[0], loaded[1], item)
        try:
            answers.send((number, result))
        except BrokenPipeError:
            return
        except Exception as error:  # a result that can't be pickled; nothing of it was sent
            answers.send((number, Failure.of(error)))


def _load(payload_file: str, sha256: str) -> tuple[Callable[[Any, Any], Any], Any] | Failure:
    try:
        data = Path(payload_file).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise RuntimeError(f"{payload_file} was changed on the way")
        return pickle.loads(data)
    except Exception as error:
        return Failure.of(error)


def _end_with_parent() -> None:
    """End this process at once when the one that started it ends, however it ended."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

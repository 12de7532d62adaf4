"""Standard streams that may be closed, full or gone: what that does to a command is decided here, once."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO, Any

BROKEN_PIPE = 141
"""Exit code when the reader of stdout went away, as the shell gives it for SIGPIPE."""


def open_standard_streams() -> None:
    """Lead stdin, stdout and stderr to the null device where the process was started with them closed.

    Otherwise the next file that is opened gets the number of the missing stream, and what a library prints goes
    into it. Messages that stderr can't take are dropped: they must not cost the result.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    sys.stderr = _Forgiving(sys.stderr)


def stdout_failed(error: OSError, number: int = 1) -> int:
    """Say that stdout took no results, lead it to the null device, and give the exit code.

    Args:
        error: what writing raised.
        number: the file descriptor that failed.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
    if isinstance(error, BrokenPipeError):  # nobody is left to tell
        return BROKEN_PIPE
    print(f"cpo: stdout: can't be written ({error.strerror or error}); results were lost", file=sys.stderr)
    return 2


class _Forgiving:
    """A stream for messages whose own failures are nobody's business."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

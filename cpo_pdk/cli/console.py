"""How every command talks: results on stdout, everything else on stderr, errors in one line, one exit code.

File descriptor 1 is kept aside while a command works, and points to stderr meanwhile: libraries in C++ print their
warnings to it, and a single one would spoil the JSON document.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Annotated, Any

import typer

from cpo_pdk.cli.guard import Died, Limits, guarded
from cpo_pdk.cli.streams import stdout_failed
from cpo_pdk.errors import CpoError, SpecError

JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
TrustOption = Annotated[
    bool, typer.Option("--trust", help="Run the Python files in the project's components/, its own cells.")
]


@dataclass
class Settings:
    """What the global options say."""

    debug: bool = False
    as_json: bool = False


settings = Settings()


@dataclass(frozen=True)
class Outcome:
    """What a command found out.

    Attributes:
        document: what `--json` prints.
        text: what a person reads, printed without it; each a plain line or something that rich can draw.
        exit_code: 0 clean, 1 a check failed.
        verbatim: a file's text that is printed as it is without `--json`, before `text`; in plain ASCII.
    """

    document: dict[str, Any]
    text: list[Any] = field(default_factory=list)
    exit_code: int = 0
    verbatim: str = ""


class Progress:
    """Says on stderr which stage runs and how long each took: a spinner on a terminal, plain lines elsewhere."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console

        self._console = Console(file=stream, highlight=False)
        self._status: Any = None
        self._stage = ""
        self._since = 0.0

    def __call__(self, stage: str) -> None:
        """Close the stage before and open this one; an empty name only closes."""
        from rich.text import Text

        stage = printable(stage)
        if self._stage:
            self._stop()
            words = Text(f"  {self._stage} ").append(f"{time.perf_counter() - self._since:.1f} s", "dim")
            self._console.print(words, soft_wrap=True)
        self._stage, self._since = stage, time.perf_counter()
        if stage and self._console.is_terminal:
            self._status = self._console.status(Text(f"{stage} ..."))
            self._status.start()

    def warn(self, message: str) -> None:
        """Print a warning."""
        from rich.text import Text

        self._console.print(Text("warning: ", "yellow").append(printable(message), "default"), soft_wrap=True)

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def close(self) -> None:
        """Stop the spinner without a word, whatever happened."""
        self._stop()
        self._stage = ""


def run(work: Callable[[Progress], Outcome], as_json: bool, limits: Limits | None = None) -> None:
    """Run `work`, print its outcome, and leave with its exit code (`typer.Exit`).

    Args:
        work: does what the command is for; gets the means to say what it is doing.
        as_json: print the document instead of the text.
        limits: given where `work` reads a file that may come from anywhere: it then runs in a process of its own.

    Raises:
        typer.Exit: always, with 0, 1, 2, 3 (a fault of cpo itself) or 130 (Ctrl-C).
    """
    if limits is None:
        raise typer.Exit(_answer(work, as_json))
    try:
        code = guarded(lambda: _answer(work, as_json, limits), limits)
    except Died as death:
        with _stdout_aside() as stdout:
            outcome = _refused("LayoutError", f"reading the layout: {death}", 2)
            _print(outcome, as_json or settings.as_json, stdout)
        code = 2
    raise typer.Exit(code)


def _answer(work: Callable[[Progress], Outcome], as_json: bool, limits: Limits | None = None) -> int:
    """Run `work`, print its outcome and return the exit code."""
    with _stdout_aside() as stdout:
        progress = Progress(sys.stderr)
        try:
            with contextlib.closing(progress):  # the spinner is gone before a message is printed
                outcome = work(progress)
        except KeyboardInterrupt:
            outcome = _refused("KeyboardInterrupt", "interrupted; earlier results are untouched", 130)
        except CpoError as error:
            outcome = _refused(type(error).__name__, str(error), error.exit_code, error)
        except SystemExit:
            outcome = _refused("SystemExit", "a Python file that --trust lets run ended the program; mend it", 2)
        except OSError as error:
            outcome = _refused(type(error).__name__, _about_file(error), 2)
        except MemoryError:
            cure = (limits or Limits()).cure("--memory-limit")
            outcome = _refused("MemoryError", f"more memory is needed than is allowed or there; {cure}", 2)
        except Exception as error:
            outcome = _refused(
                type(error).__name__,
                f"a fault of cpo itself: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else '-'}."
                " Run it again as 'cpo --debug ...' and report it with the output (CONTRIBUTING.md)",
                3,
            )
        code = outcome.exit_code
        try:
            _print(outcome, as_json or settings.as_json, stdout)
        except OSError as error:
            code = stdout_failed(error, stdout.fileno())
    return code


def _about_file(error: OSError) -> str:
    """What the system said, about which file; it gives no name when the working folder is gone."""
    if error.filename:
        return f"{error.filename}: {error.strerror or error}"
    try:
        os.getcwd()
    except OSError:
        return "the working folder was removed; change to one that exists"
    return str(error.strerror or error)


def _refused(kind: str, message: str, exit_code: int, error: CpoError | None = None) -> Outcome:
    """Say on stderr why nothing came out, and make the document that says the same."""
    if settings.debug:
        traceback.print_exc(file=sys.stderr)
    document: dict[str, Any] = {"type": kind, "message": message, "exit_code": exit_code}
    if isinstance(error, SpecError):
        document["problems"] = [
            {"file": str(p.file), "line": p.line, "column": p.column, "message": p.message} for p in error.problems
        ]
        lines = [printable(str(p)) for p in error.problems]
        print("\n".join(lines), file=sys.stderr)
    else:
        print(f"cpo: {printable(message)}", file=sys.stderr)
    return Outcome({"error": document}, exit_code=exit_code)


def printable(text: str) -> str:
    """One line that can't steer a terminal: file and cell names may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _print(outcome: Outcome, as_json: bool, stdout: IO[str]) -> None:
    if as_json:
        print(json.dumps(outcome.document, ensure_ascii=False, allow_nan=False), file=stdout)
        stdout.flush()
        return
    stdout.write(outcome.verbatim)
    if outcome.text:
        from rich.console import Console
        from rich.text import Text

        console = Console(file=stdout, highlight=False, width=None if stdout.isatty() else 200)
        for item in outcome.text:
            if isinstance(item, str):
                console.print(Text(printable(item)), soft_wrap=True)
            else:
                console.print(item)
    stdout.flush()


@contextlib.contextmanager
def _stdout_aside() -> Iterator[IO[str]]:
    """Give the real stdout; meanwhile file descriptor 1 and `sys.stdout` lead to stderr."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # started with stdout closed
        kept = os.open(os.devnull, os.O_WRONLY)
    os.dup2(2, 1)
    stream = os.fdopen(kept, "w", encoding="utf-8", errors="backslashreplace")
    previous, sys.stdout = sys.stdout, sys.stderr
    try:
        yield stream
    finally:
        sys.stdout = previous
        with contextlib.suppress(OSError):
            stream.flush()
        os.dup2(kept, 1)
        with contextlib.suppress(OSError):
            stream.close()

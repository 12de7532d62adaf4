"""A bar with the time left, for people at a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Bar:
    """Shows how far a run is and how long it will take; nothing where `stream` is no terminal.

    Used as a context manager and called with what is done and how much there is, as `run` does.
    """

    def __init__(self, stream: IO[str], words: str, unit: str = "samples") -> None:
        console = Console(file=stream, highlight=False)
        self._bar = Progress(
            TextColumn("  {task.description}", markup=False),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TextColumn(unit, markup=False),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._words = words
        self._task: Any = None

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Say that `done` of `total` are done; the first call tells what was there before."""
        if self._task is None:
            self._task = self._bar.add_task(self._words, total=total, completed=done)
        self._bar.update(self._task, completed=done, total=total)

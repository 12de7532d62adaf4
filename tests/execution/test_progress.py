"""The bar shows how far a run is to people, and nothing to files."""

from __future__ import annotations

import io
import re

import pytest

from cpo_pdk.execution import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with Bar(stream, "sampling", "packages") as bar:
        bar(64, 640)
        bar(128, 640)
        bar(640, 640)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "sampling" in shown and "640/640 packages" in shown


def test_a_file_sees_nothing() -> None:
    stream = io.StringIO()
    with Bar(stream, "sampling") as bar:
        bar(0, 10)
        bar(10, 10)
    assert stream.getvalue().strip() == ""


def test_a_bar_ends_with_an_error() -> None:
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt), Bar(stream, "sampling") as bar:
        bar(1, 10)
        raise KeyboardInterrupt
    assert bar._bar.live.is_started is False

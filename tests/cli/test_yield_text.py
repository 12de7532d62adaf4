"""What `cpo yield` prints of packages of which not one leaves its last test."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from cpo_pdk.cli.yields import _text
from cpo_pdk.yields.intervals import wilson
from cpo_pdk.yields.results import Interval, YieldResult


def test_without_a_shipped_package_there_is_no_share_of_escapes() -> None:
    none = wilson(0, 16)
    shares = dict.fromkeys(("ring", "lane", "die", "engine", "package", "tested", "shipped"), none)
    result = YieldResult(
        "p", 16, 16, 1, "d" * 64, "full", **shares, escapes=Interval(0.0, 0.0, 1.0), gate=95.0, holds=False
    )
    console = Console(width=160)
    with console.capture() as shown:
        for line in _text(result, Path("out")):
            console.print(line)
    lines = [" ".join(line.split()) for line in shown.get().splitlines()]
    assert "escapes among them - none shipped" in lines
    assert "shipped after spares, repair and test 0.00% 0.00% to 19.36% Wilson" in lines
    assert "require.yield_pct 95 is missed: lower end 0.00%" in lines

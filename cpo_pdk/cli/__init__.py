"""The command line `cpo`: one thin file a command group; what it calls is imported when a command runs."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Entry point of the `cpo` script: parse, run, exit with 0 clean, 1 a check failed, 2 bad input."""
    from cpo_pdk.cli.app import run

    raise SystemExit(run())

"""The command line `cpo`: one thin file a command group; what it calls is imported when a command runs."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Entry point of the `cpo` script: parse, run, exit with 0 clean, 1 a check failed, 2 bad input."""
    try:
        import signal

        from cpo_pdk.cli.streams import open_standard_streams

        open_standard_streams()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill cleans up like Ctrl-C
        from cpo_pdk.cli.app import run

        code = run()
    except KeyboardInterrupt:  # before or after the work of a command
        print("cpo: interrupted; earlier results are untouched", file=sys.stderr)
        code = 130
    raise SystemExit(code)

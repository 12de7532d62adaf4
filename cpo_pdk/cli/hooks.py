"""Several files at once, as pre-commit hands them over: `python -m cpo_pdk.cli.hooks layouts|specs FILE...`.

`layouts` runs `cpo check` on each file. `specs` reads each package spec, device sheet and waiver file as the other
commands would, and tells every fault with its line; nothing is drawn, so it takes about a second.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cpo_pdk.cli.app import run
from cpo_pdk.cli.console import printable
from cpo_pdk.errors import CpoError
from cpo_pdk.spec import check_devices, load_sheets, load_spec
from cpo_pdk.spec.sheet import load_sheet_file
from cpo_pdk.verify.waivers import load_waivers

_USAGE = "usage: python -m cpo_pdk.cli.hooks layouts|specs FILE..."


def main(arguments: Sequence[str]) -> int:
    """Run a hook.

    Args:
        arguments: `layouts` or `specs`, then the files.

    Returns:
        0 when all files are in order, else the largest exit code of one.
    """
    work = {"layouts": _layout, "specs": _spec}.get(arguments[0]) if arguments else None
    if work is None:
        print(_USAGE, file=sys.stderr)
        return 2
    return max((work(file) for file in arguments[1:]), default=0)


def _layout(file: str) -> int:
    print(printable(file), flush=True)
    # as a path: a file called --json is no option
    return run(["check", Path(file).resolve().as_posix()])


def _spec(file: str) -> int:
    path = Path(file)
    try:
        if path.parent.name == "assemblies":
            check_devices(load_spec(path), load_sheets(path.resolve().parent.parent))
        elif path.parent.name == "components":
            load_sheet_file(path)
        else:
            load_waivers(path)
    except CpoError as error:
        print("\n".join(printable(line) for line in str(error).splitlines()), file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

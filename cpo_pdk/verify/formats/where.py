"""Where a finding points to in the files of a repository."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import quote

from cpo_pdk.verify.findings import Violation
from cpo_pdk.verify.formats.plain import plain


class Where(NamedTuple):
    """A file, as seen from the working folder with `/` between its parts, and a line of it; 0: the file as a whole."""

    file: str
    line: int = 0

    @property
    def uri(self) -> str:
        """The path as a relative reference."""
        return quote(self.file, errors="replace")


def relative(file: str) -> str:
    """A path as seen from the working folder; of one that lies elsewhere the name alone: no path of the machine.

    Characters that can't be printed are escaped.
    """
    if not file:
        return ""
    path = Path(file.replace("\0", "?"))
    if path.is_absolute() or ".." in path.parts:
        try:
            path = path.resolve().relative_to(Path.cwd().resolve())
        except (OSError, ValueError, RuntimeError):
            path = Path(path.name)
    return plain(PurePosixPath(path.as_posix()).as_posix())


def asked_at(violation: Violation) -> Where | None:
    """The line of the spec that a violation is asked at, if it is."""
    file, _, line = violation.asked_at.rpartition(":")
    if not file or not line.isascii() or not line.isdigit() or len(line) > 9 or int(line) < 1:
        return None
    return Where(relative(file), int(line))

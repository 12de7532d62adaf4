"""Which program a process runs: results are mixed only when it is the same one."""

from __future__ import annotations

import functools
import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cpo_pdk.version import __version__

#: what computes: code and its tables. Sheets and specs are read by the first process alone.
_SUFFIXES = frozenset({".py", ".json", ".yaml"})
_DATA = "_data"


@dataclass(frozen=True)
class Fingerprint:
    """What a process runs.

    Attributes:
        version: of this package; `code` digest of its files, which tells two checkouts of one version apart.
        python, numpy: their versions.
    """

    version: str
    code: str
    python: str
    numpy: str

    def differs_from(self, other: Fingerprint) -> str:
        """In words what `self`, another process, runs that `other` doesn't; empty where they can work together."""
        if self.version != other.version:
            return f"runs cpo_pdk {self.version}, not {other.version}"
        if self.code != other.code:
            return f"runs another cpo_pdk {self.version}: its files differ ({self.code[:8]}, here {other.code[:8]})"
        if self.python.split(".")[:2] != other.python.split(".")[:2]:
            return f"runs Python {self.python}, not {other.python}"
        return ""


@functools.cache
def fingerprint() -> Fingerprint:
    """What this process runs, as its files were when it was first asked."""
    root = Path(__file__).resolve().parent.parent
    whole = hashlib.sha256()
    files = (path for path in root.rglob("*") if path.suffix in _SUFFIXES)
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in files):
        if not name.startswith(_DATA + "/"):
            whole.update(f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return Fingerprint(__version__, whole.hexdigest(), platform.python_version(), np.__version__)

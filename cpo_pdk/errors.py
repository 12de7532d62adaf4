"""Everything that cpo_pdk raises on purpose.

::

    CpoError                 exit code 2 unless a child says otherwise
    |-- InputError           a spec, sheet, layout or argument that can't be used (2)
    |   |-- SpecError        a YAML file: carries every problem of the file at once
    |   |-- ParameterError   an argument of a cell or model out of its declared range
    |   `-- LayoutError      a GDS/OASIS file that can't be read or holds nothing usable
    |-- OutputError          a result that can't be written (2)
    |-- ExecutionError       work over processes or a cluster that can't be done (2)
    |-- AssemblyError        a package or engine that can't be drawn as asked (2)
    `-- ModelError           a circuit with a cell that has no usable model (2)

The command line prints `str(error)` and exits with `error.exit_code`; a traceback is never for the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class CpoError(Exception):
    """Root of all errors that a user can cure."""

    exit_code: int = 2


class InputError(CpoError):
    """Input that can't be used: says what was given, what is allowed and what to do."""


@dataclass(frozen=True)
class Problem:
    """One fault in one place of a file: `where` is `line:column`, both counted from 1."""

    file: Path
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class SpecError(InputError):
    """A YAML file with at least one problem; `problems` holds all of them, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems, key=lambda p: (str(p.file), p.line, p.column)))
        super().__init__("\n".join(str(p) for p in self.problems))

    def __reduce__(self) -> tuple[type[SpecError], tuple[tuple[Problem, ...]]]:
        """Keep the problems when another process hands the error over."""
        return (type(self), (self.problems,))


class ParameterError(InputError):
    """An argument of a cell or a model that is out of range, of the wrong type, or not finite."""


class LayoutError(InputError):
    """A layout file that can't be read, is empty, or lacks what the question needs."""


class OutputError(CpoError):
    """A result that can't be written where it was asked for."""


class ExecutionError(CpoError):
    """Work that processes or a cluster can't do: no scheduler, another version, a chunk that kills its process."""


class AssemblyError(CpoError):
    """An engine or package that can't be drawn as the spec asks."""


class ModelError(CpoError):
    """A circuit that can't be simulated: a cell without a model, a port mismatch, a model out of bounds."""

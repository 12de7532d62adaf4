"""Parametric cells of a designer's own project: Python files beside the sheets in its `components/`.

They are run only for a project that the user trusts; opening someone else's project runs none of its code.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from cpo_pdk.components.cell import CELLS
from cpo_pdk.errors import CpoError, InputError


def own_cell_files(project: Path) -> list[Path]:
    """The Python files beside the sheets of a project, in the order in which they are run.

    Args:
        project: folder that holds `components/`.
    """
    return sorted((project / "components").glob("*.py"))


def load_own_cells(project: Path) -> tuple[str, ...]:
    """Run the Python files beside the sheets of a trusted project and register the cells they define.

    Args:
        project: folder that holds `components/`.

    Returns:
        Names of the cells that came with them.

    Raises:
        InputError: a file that fails to run, with its last line of error.
    """
    before = set(CELLS)
    for file in own_cell_files(project):
        name = f"cpo_pdk_own.{file.stem}"
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise InputError(f"{file}: can't be loaded as Python; rename it to a plain .py file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except CpoError:
            raise
        except Exception as error:
            raise InputError(
                f"{file}: {type(error).__name__}: {error}; mend the file or take it out of components/"
            ) from error
    return tuple(sorted(set(CELLS) - before))

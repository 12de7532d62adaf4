"""The one door to gdsfactory: imports it so that a stranger's folder can't run code.

kfactory reads a `.env` file at import, found by walking up from the working directory, and imports whatever
`KFACTORY_SHOW_FUNCTION` in it names. Importing from the file-system root leaves nothing of the project to be found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def _away_from_the_project() -> Iterator[None]:
    here = Path.cwd()
    try:
        os.chdir(here.anchor or os.sep)
        yield
    finally:
        os.chdir(here)


with _away_from_the_project():
    import gdsfactory as gf
    import kfactory as kf
    from gdsfactory.technology import LayerLevel, LayerStack, LogicalLayer

__all__ = ["LayerLevel", "LayerStack", "LogicalLayer", "gf", "kf"]

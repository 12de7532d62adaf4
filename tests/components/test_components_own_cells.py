"""Python files of a project: run when trusted, never otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpo_pdk.components import CELLS
from cpo_pdk.components.own_cells import load_own_cells, own_cell_files
from cpo_pdk.errors import InputError, ParameterError

GOOD = """
from typing import Annotated
from cpo_pdk.components import cell
from cpo_pdk.components.cell import Um
from cpo_pdk.components.drawing import square
from cpo_pdk.tech.gdsfactory_safe import gf

@cell
def {name}(size: Annotated[float, Um(1, 10)] = 2.0) -> gf.Component:
    c = gf.Component()
    square(c, "WG", 0, 0, size)
    return c
"""


def project(folder: Path, **files: str) -> Path:
    (folder / "components").mkdir()
    for name, text in files.items():
        (folder / "components" / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def test_own_cells_are_registered(tmp_path: Path) -> None:
    where = project(tmp_path, own_square=GOOD.format(name="own_square"))
    assert load_own_cells(where) == ("own_square",)
    assert CELLS["own_square"](size=3.0).dbbox().width() == 3.0


def test_loading_twice_is_the_same(tmp_path: Path) -> None:
    where = project(tmp_path, own_twice=GOOD.format(name="own_twice"))
    load_own_cells(where)
    assert load_own_cells(where) == ()


def test_a_shipped_name_is_refused(tmp_path: Path) -> None:
    where = project(tmp_path, clash=GOOD.format(name="straight"))
    with pytest.raises(ParameterError, match="straight"):
        load_own_cells(where)


@pytest.mark.parametrize("text", ["this is not python", "raise ValueError('no')", "import does_not_exist"])
def test_a_file_that_fails_names_itself(text: str, tmp_path: Path) -> None:
    where = project(tmp_path, broken=text)
    with pytest.raises(InputError, match=r"broken\.py"):
        load_own_cells(where)


def test_files_are_listed_without_being_run(tmp_path: Path) -> None:
    where = project(tmp_path, marker=f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert [f.name for f in own_cell_files(where)] == ["marker.py"]
    assert not (tmp_path / "ran").exists()

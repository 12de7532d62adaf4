"""Sheets of a project are checked whether the package uses them or not, and none is passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpo_pdk.assemblies.kit import kit_of
from cpo_pdk.errors import InputError, SpecError
from cpo_pdk.spec import list_sheets, load_sheets, load_spec


def project_with(folder: Path, name: str, text: str) -> Path:
    (folder / "components").mkdir()
    (folder / "components" / name).write_text(text, encoding="utf-8")
    return folder


def test_a_wrong_sheet_that_the_package_does_not_use_is_refused(tmp_path: Path) -> None:
    text = list_sheets()["crossing"].read_text(encoding="utf-8").replace("reflection_dB:", "nonsense_dB:")
    project = project_with(tmp_path, "crossing.yaml", text)
    spec = load_spec("switch_51t2")
    assert "crossing" not in spec.engine.devices.model_dump().values()
    with pytest.raises(SpecError, match="nonsense_dB"):
        kit_of(spec, load_sheets(project))


def test_a_sheet_of_a_cell_that_is_not_trusted_does_not_stop_others(tmp_path: Path) -> None:
    text = list_sheets()["crossing"].read_text(encoding="utf-8")
    text = text.replace("name: crossing", "name: mine").replace("cell: crossing", "cell: my_own_cell")
    kit_of(load_spec("switch_51t2"), load_sheets(project_with(tmp_path, "mine.yaml", text)))


def test_a_file_that_ends_in_yml_is_not_passed_over(tmp_path: Path) -> None:
    project = project_with(tmp_path, "crossing.yml", "name: crossing")
    with pytest.raises(InputError, match=r"crossing\.yml: would be passed over.*rename it"):
        load_sheets(project)

"""Where specs are found, what a wrong name answers, and which names may become files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cpo_pdk.errors import InputError, SpecError
from cpo_pdk.spec import check_devices, check_name, data_folder, find_spec, list_specs, load_spec
from cpo_pdk.spec import loading as loading_module
from cpo_pdk.spec.name_rules import shown
from cpo_pdk.spec.suggestions import closest

SHIPPED = data_folder("assemblies") / "switch_51t2.yaml"


def test_shipped_spec_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_spec("switch_51t2") == SHIPPED
    assert find_spec(SHIPPED) == SHIPPED
    assert find_spec(str(SHIPPED)) == SHIPPED
    assert load_spec("switch_51t2").origin == SHIPPED


def test_spec_of_the_project_or_working_folder_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "assemblies" / "switch_51t2.yaml"
    mine.parent.mkdir()
    mine.write_text(SHIPPED.read_text())
    assert find_spec("switch_51t2", project=tmp_path) == mine
    monkeypatch.chdir(tmp_path)
    assert find_spec("switch_51t2") == mine
    assert list_specs()["switch_51t2"] == mine
    assert find_spec("assemblies/switch_51t2.yaml") == Path("assemblies/switch_51t2.yaml")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("switch_51t", 'did you mean "switch_51t2"?'),
        ("zzz", "known specs: "),
        ("assemblies/switch.yaml", "no such file"),
        ("no/such/file.yaml", "known specs: "),
        (".", "is a folder"),
        ("", "is a folder"),
        ("CON", "Windows"),
        ("a b", "start with a letter"),
    ],
)
def test_wrong_names(name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        load_spec(name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_data_of_a_wheel_comes_before_folders_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "cpo_pdk"
    (package / "_data" / "assemblies").mkdir(parents=True)
    (tmp_path / "assemblies").mkdir()  # of some other distribution
    (tmp_path / "components").mkdir()
    monkeypatch.setattr(loading_module, "_PACKAGE", package)
    assert data_folder("assemblies") == package / "_data" / "assemblies"
    assert data_folder("components") == tmp_path / "components"


def test_missing_data_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading_module, "_PACKAGE", tmp_path / "cpo_pdk")
    with pytest.raises(InputError, match="install it again"):
        data_folder("components")


def test_unknown_device_sheets_are_found_at_their_line() -> None:
    spec = load_spec(SHIPPED)
    devices = spec.engine.devices.by_role().values()
    check_devices(spec, set(devices))
    with pytest.raises(SpecError) as caught:
        check_devices(spec, set(devices) - {"psr"} | {"psr_1310"})
    [problem] = caught.value.problems
    assert problem.line == SHIPPED.read_text().split("psr: psr")[0].count("\n") + 1
    assert problem.message == 'unknown device sheet "psr"; did you mean "psr_1310"?'


@pytest.mark.parametrize("name", ["a", "switch_51t2", "A" * 64, "CONE", "com10"])
def test_good_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "1a", "_a", "a-b", "a b", "a.b", "a/b", "a\\b", "..", "../x", "/etc/passwd", "C:x", "con", "NUL", "Com1",
     "LPT0", "a" * 65, "\u00e4", "a\n", "a\x00", "$a", "a" + "\u0661"],
)  # fmt: skip
def test_bad_names(name: str) -> None:
    with pytest.raises(InputError) as caught:
        check_name(name, "spec")
    assert "\n" not in str(caught.value)
    assert "\x00" not in str(caught.value)


def test_labels_may_have_hyphens() -> None:
    assert check_name("MPO-E1", hyphen=True) == "MPO-E1"
    with pytest.raises(InputError):
        check_name("-E1", hyphen=True)


def test_values_are_shown_on_one_printable_line() -> None:
    assert shown("a\nb\x1b[0m") == '"a\\nb\\x1b[0m"'
    assert shown(True) == "true"
    assert shown(None) == "null"
    assert len(shown("x" * 1000)) < 70


@pytest.mark.parametrize(
    ("name", "meant"),
    [("pich", "pitch_um"), ("pitch", "pitch_um"), ("Width_mm", "width_mm"), ("qqq", None), ("", None)],
)
def test_suggestions(name: str, meant: str | None) -> None:
    assert closest(name, ["pitch_um", "width_mm", "center_nm"]) == meant
    assert closest(name, []) is None


def test_the_room_loads_without_gdsfactory_or_numpy() -> None:
    code = "import sys, cpo_pdk.spec; print({'gdsfactory', 'kfactory', 'numpy', 'klayout'} & set(sys.modules))"
    root = Path(loading_module.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "set()"

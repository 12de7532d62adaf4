"""`cpo cells`: what it writes and says of one device, of a test block, and of all of them."""

from __future__ import annotations

import json
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.circuit.simulation import s_parameters
from cpo_pdk.cli.app import run
from cpo_pdk.models.readout import extract
from cpo_pdk.spec import data_folder


def document_of(arguments: list[str], capfd: pytest.CaptureFixture[str], code: int = 0) -> dict:
    capfd.readouterr()
    assert run([*arguments, "--json"]) == code, capfd.readouterr().err
    return json.loads(capfd.readouterr().out)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_changed_gap_changes_the_drawing_and_the_physics(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = {}
    for gap in ("0.15", "0.2"):
        document = document_of(["cells", "add_drop_ring", "--set", f"gap={gap}", "--out", "own"], capfd)
        assert (here / document["spectrum"]).read_bytes().startswith(b"\x89PNG")
        assert document["warnings"] == []
        found[gap] = {name: one["value"] for name, one in document["figures"].items()}, document["size_um"][1]
    (near, low), (far, high) = found["0.15"], found["0.2"]
    assert far["full width at half maximum"] < near["full width at half maximum"]
    assert far["loaded Q"] > near["loaded Q"]
    assert high - low == pytest.approx(0.1, abs=1e-9)  # two gaps


def test_an_argument_beyond_what_the_sheet_holds_for_is_said(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = document_of(["cells", "add_drop_ring", "--set", "gap=0.6", "--out", "own"], capfd)
    assert any("gap = 0.6" in warning and "0.12 to 0.4" in warning for warning in document["warnings"])


def test_a_cell_without_a_model_has_no_figures(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = document_of(["cells", "pad", "--out", "own"], capfd)
    assert "figures" not in document and "spectrum" not in document


def test_the_manifest_of_a_block_leads_from_the_file_to_the_number(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    document = document_of(["cells", "cutback_block", "--set", "count=3", "--out", "own"], capfd)
    manifest = json.loads((here / document["measurements"]).read_text(encoding="utf-8"))
    layout = kdb.Layout()
    layout.read(str(here / document["gds"]))
    assert manifest["gds"] == Path(document["gds"]).name and manifest["cell"] == layout.top_cell().name
    labels = {
        s.text_string: (s.text_dpos.x, s.text_dpos.y)
        for s in layout.top_cell().shapes(layout.find_layer(66, 0)).each()
        if s.is_text()
    }
    assert [g["label"] for g in manifest["gratings"]] == sorted(labels, key=lambda label: int(label[1:]))
    for grating in manifest["gratings"]:
        x, y = labels[grating["label"]]
        assert abs(x - grating["x_um"]) < 1 and 0 < y - grating["y_um"] < 60  # the label stands above its grating
    assert {m["formula"] for m in manifest["measurements"]} == set(manifest["formulas"])
    wl = np.linspace(1.30, 1.32, 401)
    s = s_parameters(here / document["gds"], wl)
    loss = {m["name"]: -20 * np.log10(np.abs(s[m["input"], m["output"]])) for m in manifest["measurements"]}
    found = {e.name: e.value for e in extract(manifest["measurements"], wl, loss)}
    assert found["loss_dB_cm_strip"] == pytest.approx(
        document["figures"]["read out: loss_dB_cm_strip"]["value"], rel=0.02
    )


def test_a_sheet_of_ones_own_is_said_where_one_device_is_drawn(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "components").mkdir()
    shipped = (data_folder("components") / "pad.yaml").read_text(encoding="utf-8")
    (here / "components" / "pad.yaml").write_text(shipped, encoding="utf-8")
    said = document_of(["cells", "pad", "--out", "own"], capfd)["warnings"]
    assert said == ["components/pad.yaml of the project is used in place of the sheet of that name that ships"]
    assert document_of(["cells", "bump", "--out", "own"], capfd)["warnings"] == []


def test_the_gallery_is_written_into_a_folder_of_ones_own(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = document_of(["cells", "--gallery", "--out", "all"], capfd)
    assert document["problems"] == {} and document["devices"] > 40 and document["computed"] > 25
    assert sorted(p.name for p in (here / "all").iterdir()) == ["gallery.html", "gallery.png"]
    assert "connector" in document["without_sheet"]


@pytest.mark.parametrize("arguments", [[], ["pad", "--gallery"], ["--gallery", "--set", "gap=0.2"]])
def test_name_and_gallery_exclude_each_other(
    arguments: list[str], here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "--gallery" in document_of(["cells", *arguments], capfd, code=2)["error"]["message"]
    assert list(here.iterdir()) == []


OWN_CELL = """
from typing import Annotated
from cpo_pdk.components import cell
from cpo_pdk.components.cell import Um
from cpo_pdk.components.drawing import square
from cpo_pdk.tech.gdsfactory_safe import gf

@cell
def gallery_square(size: Annotated[float, Um(1, 10)] = 2.0) -> gf.Component:
    \"\"\"A square.\"\"\"
    c = gf.Component()
    square(c, "WG", 0, 0, size)
    return c
"""
OWN_SHEET = """name: gallery_square
cell: gallery_square
model: null
no_model: a square
description: A square of one's own.
geometry: {size: 3.0}
parameters: {}
wl_range_um: [1.26, 1.36]
"""


def test_a_cell_of_ones_own_is_drawn_only_when_trusted(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "components").mkdir()
    (here / "components/gallery_square.py").write_text(OWN_CELL, encoding="utf-8")
    (here / "components/gallery_square.yaml").write_text(OWN_SHEET, encoding="utf-8")
    refused = document_of(["cells", "gallery_square", "--out", "own"], capfd, code=2)
    assert "--trust" in refused["error"]["message"]
    document = document_of(["cells", "gallery_square", "--trust", "--out", "own"], capfd)
    assert document["size_um"] == [3.0, 3.0]

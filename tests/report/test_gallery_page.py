"""The gallery: every device is there, complete, computed from what is drawn, in one file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from cpo_pdk.catalog import devices
from cpo_pdk.components import CELLS, limits_of
from cpo_pdk.models import MODELS
from cpo_pdk.report.gallery import gallery_page, write_gallery
from cpo_pdk.report.gallery_data import Device
from cpo_pdk.spec import load_sheets
from cpo_pdk.tech.layers import LAYERS

#: other tests of the session define cells of their own
SHIPPED = {name for name, cell in CELLS.items() if inspect.unwrap(cell).__module__.startswith("cpo_pdk.")}
_VOID = {"meta", "input", "br", "img", "link", "hr"}


class _Balance(HTMLParser):
    """Collects ids, and tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        self._note(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(attrs)

    def _note(self, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for key, value in attrs if key in ("href", "src", "xlink:href") and value]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def shown() -> tuple[Device, ...]:
    return tuple(d for d in devices() if d.cell in SHIPPED)


@pytest.fixture(scope="module")
def page(shown: tuple[Device, ...]) -> str:
    return gallery_page(shown)


def test_every_sheet_and_every_cell_without_one_is_there_once(shown: tuple[Device, ...]) -> None:
    sheets = load_sheets()
    names = [d.name for d in shown]
    assert len(names) == len(set(names))
    assert set(sheets) <= set(names)
    assert {d.cell for d in shown} == SHIPPED
    assert {d.name for d in shown if not d.origin} == SHIPPED - {s.cell for s in sheets.values()}


def test_every_device_is_drawn_and_every_model_computed(shown: tuple[Device, ...]) -> None:
    assert {d.name: d.problem for d in shown if d.problem} == {}
    for device in shown:
        assert device.scene is not None and device.layers and min(device.size) > 0, device.name
        assert (device.physics is not None) >= bool(device.model), device.name
        assert [a.name for a in device.arguments] == list(limits_of(CELLS[device.cell])), device.name
        assert all(a.about and a.allowed for a in device.arguments), device.name
        if device.physics:
            assert all(np.isfinite(t.loss_dB).all() for t in device.physics.traces), device.name
            assert device.physics.warnings == (), device.name


def test_models_bring_their_conventions_and_reasons(shown: tuple[Device, ...]) -> None:
    with_model = [d for d in shown if d.model]
    assert len(with_model) > 15
    for device in with_model:
        assert device.validity and device.formula, device.name
        roles = {a.name: a.model for a in device.arguments}
        for name, role in roles.items():
            assert role == "parameter" or role.partition(": ")[2] == MODELS[device.model].drawn_only[name], name


def test_layers_are_those_that_hold_something(shown: tuple[Device, ...]) -> None:
    ring = next(d for d in shown if d.name == "add_drop_ring")
    assert {layer.name for layer in ring.layers} == {"WG", "HEATER", "VIA1", "M2"}
    assert ring.layers[0].purpose == LAYERS["WG"].purpose
    assert [p.name for p in ring.ports] == ["o1", "o2", "o3", "o4", "e1", "e2"]


def test_the_page_is_one_well_formed_file_of_a_few_megabytes(page: str, shown: tuple[Device, ...]) -> None:
    parsed = _Balance()
    parsed.feed(page)
    assert parsed.wrong == [] and parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {d.name for d in shown} <= set(parsed.ids)
    assert {link.removeprefix("#") for link in parsed.links} <= set(parsed.ids)
    assert len(page.encode()) < 6_000_000
    assert set(re.findall(r"https?://[^\"' )<]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_the_one_script_is_the_one_that_the_policy_allows(page: str) -> None:
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_numbers_stand_with_unit_source_and_the_mark_of_a_choice(page: str) -> None:
    section = page[page.index('<section class="device" id="add_drop_ring"') :].partition("</section>")[0]
    sheet = load_sheets()["add_drop_ring"]
    for name, number in sheet.parameters.items():
        row = section[section.index(f"<code>{name}</code>") :].partition("</tr>")[0]
        assert f"{number.value:.6g}" in row and number.unit in row
        assert ("choice</span>" in row) == number.choice
    assert "cpo cells add_drop_ring --set radius=" in section


def test_a_ring_shows_the_spacing_of_its_resonances(shown: tuple[Device, ...]) -> None:
    ring = next(d for d in shown if d.name == "add_drop_ring")
    assert ring.physics is not None
    figures = {f.name: f.value for f in ring.physics.figures}
    model, sheet = MODELS["add_drop_ring"], load_sheets()["add_drop_ring"]
    assert model.resonances is not None
    known = {k: v for k, v in {**sheet.geometry, **sheet.values}.items() if k in model.parameters and v is not None}
    found = model.resonances(*sheet.wl_range_um, **known)
    middle = np.argmin(np.abs(found - np.mean(sheet.wl_range_um)))
    assert figures["resonance"] == pytest.approx(found[middle] * 1e3, abs=0.02)
    assert figures["free spectral range"] == pytest.approx(np.diff(found)[middle] * 1e3, rel=0.02)


def figures_of(shown: tuple[Device, ...], name: str) -> dict[str, float]:
    device = next(d for d in shown if d.name == name)
    assert device.physics is not None
    return {f.name: f.value for f in device.physics.figures}


def test_no_two_figures_of_a_device_share_a_name(shown: tuple[Device, ...]) -> None:
    for device in shown:
        if device.physics:
            names = [f.name for f in device.physics.figures]
            assert len(names) == len(set(names)), device.name


def test_a_heater_moves_a_ring_as_its_sheet_says(shown: tuple[Device, ...]) -> None:
    found = figures_of(shown, "add_drop_ring")
    sheet = load_sheets()["add_drop_ring"]
    assert found["resonance, per milliwatt"] == pytest.approx(sheet.values["heater_nm_mW"], rel=1e-3)
    assert 0.04 < found["resonance, per kelvin"] < 0.12
    assert 0.2 < figures_of(shown, "ring_modulator")["resonance, per nm of width"] < 1.5


def test_couplers_say_what_a_misplaced_fibre_costs(shown: tuple[Device, ...]) -> None:
    for name in ("edge_coupler", "grating_coupler"):
        found = figures_of(shown, name)
        assert 0.3 < found["1 dB more at dx"] < 4 and 0.3 < found["1 dB more at dy"] < 4, name


def test_a_sweep_starts_at_rest_where_the_spectrum_is(shown: tuple[Device, ...]) -> None:
    looked = 0
    for device in shown:
        for sweep in device.physics.sweeps if device.physics else ():
            assert np.isfinite(sweep.phase).all() and sweep.values[0] <= sweep.rest <= sweep.values[-1]
            assert abs(np.interp(sweep.rest, sweep.values, sweep.phase)) < 1e-9
            looked += 1
    assert looked >= 8


OWN = """name: {name}
cell: straight
model: straight
description: '{text}'
geometry: {{length: 33.0, cross_section: strip, width: null}}
parameters: {{}}
wl_range_um: [1.27, 1.35]
"""


def test_a_sheet_of_ones_own_is_shown_with_its_file_and_what_is_in_it_is_text(tmp_path: Path) -> None:
    (tmp_path / "components").mkdir()
    text = OWN.format(name="my_guide", text="<script>alert(1)</script> & more")
    (tmp_path / "components/my_guide.yaml").write_text(text, encoding="utf-8")
    everything = devices(tmp_path)
    mine = next(d for d in everything if d.name == "my_guide")
    assert mine.origin == "my_guide.yaml" and mine.problem == "" and mine.size[0] == 33.0
    page = gallery_page([mine])
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "own sheet: my_guide.yaml" in page


def test_a_device_that_cant_be_drawn_says_why_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "components").mkdir()
    text = OWN.format(name="my_guide", text="x").replace("33.0", "-1.0")
    (tmp_path / "components/my_guide.yaml").write_text(text, encoding="utf-8")
    found = {d.name: d for d in devices(tmp_path)}
    assert "length" in found["my_guide"].problem and found["my_guide"].scene is None
    assert found["straight"].problem == ""
    assert found["my_guide"].problem.partition(":")[2][:10] in gallery_page([found["my_guide"]])


def test_equal_devices_give_equal_bytes(shown: tuple[Device, ...], tmp_path: Path) -> None:
    few = [d for d in shown if d.name in ("straight", "add_drop_ring", "pad")]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_gallery(few, tmp_path / folder)
    for name in ("gallery.html", "gallery.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()

"""Layers, stack, cross-sections and layer views agree with each other and with gdsfactory's generic PDK."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest

from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layer_views import LYP, lyp_text
from cpo_pdk.tech.layers import LAYERS, NAMES, layer_of
from cpo_pdk.tech.process import CROSS_SECTIONS, LAYER, ensure_active
from cpo_pdk.tech.stack import layer_stack
from cpo_pdk.tech.waveguides import cross_section

#: process layers of the generic PDK; ours of the same name must have its number
_GENERIC = (
    "WG",
    "SLAB150",
    "SLAB90",
    "DEEPTRENCH",
    "GE",
    "N",
    "P",
    "NPP",
    "PPP",
    "VIAC",
    "M1",
    "M2",
    "VIA1",
    "HEATER",
    "PADOPEN",
)


def test_layer_numbers_are_those_of_the_generic_pdk() -> None:
    from gdsfactory.gpdk.layer_map import LAYER as GENERIC

    for name in _GENERIC:
        theirs = GENERIC[name]
        assert layer_of(name) == (theirs.layer, theirs.datatype), name


def test_no_two_layers_share_a_number() -> None:
    assert len(NAMES) == len(LAYERS)


def test_the_enumeration_has_every_layer() -> None:
    assert {member.name for member in LAYER} == set(LAYERS)


def test_the_shipped_layer_properties_are_up_to_date_and_load() -> None:
    assert LYP.read_text(encoding="utf-8") == lyp_text(), "run python -m cpo_pdk.tech.layer_views"
    assert lyp_text().count("<properties>") == len(LAYERS)


def test_every_level_of_the_stack_lies_on_a_layer_and_has_a_thickness() -> None:
    levels = layer_stack().layers
    drawn = {tuple(level.layer.layer) for level in levels.values()}
    assert drawn <= set(NAMES)
    assert all(level.thickness > 0 for level in levels.values())
    assert levels["slab90"].thickness < levels["core"].thickness


@pytest.mark.parametrize("name", sorted(CROSS_SECTIONS))
def test_cross_sections_extrude(name: str) -> None:
    ensure_active()
    section = CROSS_SECTIONS[name]()
    component = gf.path.straight(length=10).extrude(section)
    assert component.dbbox().width() == pytest.approx(10)


@pytest.mark.parametrize("name", ["strip", "rib"])
def test_cross_sections_and_data_have_one_width(name: str) -> None:
    assert CROSS_SECTIONS[name]().width == cross_section(name).width


def test_importing_gdsfactory_does_not_run_a_strangers_dotenv(tmp_path: Path) -> None:
    """kfactory imports the module that `KFACTORY_SHOW_FUNCTION` in a `.env` of the working folder names."""
    (tmp_path / ".env").write_text("KFACTORY_SHOW_FUNCTION=evil.marker\n")
    (tmp_path / "evil.py").write_text("open('marker.txt', 'w').write('ran')\ndef marker(*a, **k): pass\n")
    root = str(Path(__file__).parents[2])
    code = f"import sys; sys.path[:0] = [{root!r}]; import cpo_pdk.pdk; cpo_pdk.pdk.PDK.activate()"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    assert not (tmp_path / "marker.txt").exists()


def test_the_process_serves_klayout_alone() -> None:
    """Layer numbers are readable without gdsfactory: a bare KLayout script can use them."""
    code = (
        "import sys, cpo_pdk.tech.layers as t; assert t.layer_of('WG') == (1, 0);assert 'gdsfactory' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert kdb.LayerInfo(*layer_of("FIBER")).layer == 310


def test_layer_views_show_every_layer_in_its_colour_and_in_3d() -> None:
    import cpo_pdk
    from cpo_pdk.tech.layers import LAYERS

    views: Any = cpo_pdk.PDK.layer_views
    shown = {name: (tuple(view.layer), view.fill_color.as_hex("long")) for name, view in views.layer_views.items()}
    assert shown == {name: ((info.layer, info.datatype), info.color) for name, info in LAYERS.items()}
    cpo_pdk.PDK.activate()
    assert len(cpo_pdk.components.ring_modulator().to_3d().geometry) > 10

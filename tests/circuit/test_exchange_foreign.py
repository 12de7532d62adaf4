"""Layouts that other PDKs drew: pins in the conventions of the SiEPIC family, gdsfactory's generic PDK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.circuit.binding import ModelLike
from cpo_pdk.circuit.exchange.foreign import extract_foreign
from cpo_pdk.circuit.exchange.mapping import load_mapping
from cpo_pdk.circuit.exchange.pins import spice_settings
from cpo_pdk.circuit.exchange.spectra import spectrum
from cpo_pdk.circuit.exchange.spectrum_files import SpectrumTable
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.errors import CpoError, InputError, LayoutError, SpecError
from cpo_pdk.models import MODELS
from cpo_pdk.models.waveguide import propagation

LIBRARY = cast("dict[str, ModelLike]", dict(MODELS))
WL = np.linspace(1.30, 1.32, 21)
SI, PIN, DEV, FIBRE = (1, 0), (1, 10), (68, 0), (81, 0)
ARM = """
  {name}:
    model: straight
    parameters: {{cross_section: strip, width: 0.4, loss_dB_cm: 2.0}}
    length_from: path
    ports: {{opt1: o1, opt2: o2}}
"""


class Foreign:
    """A drawing without meta information; um."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.layout = kdb.Layout()
        self.top = self.layout.create_cell("chip")

    def shapes(self, cell: kdb.Cell, layer: tuple[int, int]) -> kdb.Shapes:
        return cell.shapes(self.layout.layer(*layer))

    def pin(
        self, cell: kdb.Cell, name: str, x: float, y: float, dx: float, dy: float = 0.0, width: float = 0.4
    ) -> None:
        points = [kdb.DPoint(x - dx * 0.05, y - dy * 0.05), kdb.DPoint(x + dx * 0.05, y + dy * 0.05)]
        self.shapes(cell, PIN).insert(kdb.DPath(points, width).to_itype(0.001))
        if name:
            self.shapes(cell, PIN).insert(kdb.Text(name, round(x * 1000), round(y * 1000)))

    def waveguide(self, name: str, length: float, text: str = "") -> kdb.Cell:
        cell = self.layout.create_cell(name)
        self.shapes(cell, SI).insert(kdb.DBox(0, -0.2, length, 0.2).to_itype(0.001))
        self.pin(cell, "opt1", 0.0, 0.0, -1)
        self.pin(cell, "opt2", length, 0.0, 1)
        if text:
            self.shapes(cell, DEV).insert(kdb.Text(text, 0, 0))
            self.shapes(cell, DEV).insert(kdb.Text(f"Spice_param:wg_length={length}u wg_width=0.400u", 0, 0))
        return cell

    def place(self, cell: kdb.Cell, x: float, y: float = 0.0, angle: int = 0, mirror: bool = False) -> None:
        trans = kdb.Trans(angle // 90, mirror, round(x * 1000), round(y * 1000))
        self.top.insert(kdb.CellInstArray(cell.cell_index(), trans))

    def write(self) -> Path:
        path = self.folder / "foreign.gds"
        self.layout.write(str(path))
        return path


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    return Foreign(tmp_path)


@pytest.fixture
def mapped(tmp_path: Path) -> Callable[[Path, str], SpectrumTable]:
    def run(gds: Path, text: str) -> SpectrumTable:
        file = tmp_path / "map.yaml"
        file.write_text(text, encoding="utf-8")
        return spectrum(read_layout(gds), WL, {}, LIBRARY, mapping=load_mapping(file, LIBRARY))

    return run


def between(table: SpectrumTable, a: str, b: str) -> Any:
    """Amplitude from `a` to `b` over rising wavelengths."""
    return table.S[::-1, table.ports.index(b), table.ports.index(a)]


def test_a_chain_is_as_long_as_it_is_drawn(foreign: Foreign, mapped: Any) -> None:
    foreign.place(foreign.waveguide("ROUND_PATH", 30.0), 0.0)
    foreign.place(foreign.waveguide("ROUND_PATH$1", 70.0), 100.0, 0.0, 180, True)
    table = mapped(foreign.write(), "cells:" + ARM.format(name='"ROUND_PATH*"'))
    te = ("ROUND_PATH$1~1.o1", "ROUND_PATH~1.o1")
    assert {port for port in table.ports if "@" not in port} == set(te)
    exact = propagation(WL, 100.0, width=0.4, loss_dB_cm=2.0)
    assert np.allclose(between(table, *te), exact, atol=1e-9)
    assert sum("leads nowhere" in note for note in table.notes) == 2


def test_labels_and_their_settings_bind_cells(foreign: Foreign, mapped: Any) -> None:
    foreign.place(foreign.waveguide("cell_0001", 30.0, "Component=ebeam_wg"), 0.0)
    text = """
cells:
  ebeam_wg:
    model: straight
    parameters: {cross_section: strip, loss_dB_cm: 2.0}
    settings: {length: wg_length, width: wg_width}
    ports: {opt1: o1, opt2: o2}
  never_used: {model: null, no_model: not in this layout}
"""
    table = mapped(foreign.write(), text)
    assert np.allclose(
        between(table, "cell_0001~1.o1", "cell_0001~1.o2"), propagation(WL, 30.0, width=0.4, loss_dB_cm=2.0), atol=1e-9
    )
    assert any("cells.never_used fits no cell" in note for note in table.notes)


def test_settings_in_spice_form() -> None:
    found = spice_settings('wg_length=12.5u gap=200n n=3 model="strip" points="[[0,0],[1,0]]"')
    assert found == {
        "wg_length": 12.5,
        "gap": pytest.approx(0.2),
        "n": 3.0,
        "model": "strip",
        "points": "[[0,0],[1,0]]",
    }


def test_measured_data_and_a_fibre_make_a_link(foreign: Foreign, mapped: Any, tmp_path: Path) -> None:
    coupler = foreign.layout.create_cell("gc_1310")
    foreign.pin(coupler, "opt1", 0.0, 0.0, 1)
    foreign.shapes(coupler, SI).insert(kdb.Box(-20_000, -5_000, 0, 5_000))
    foreign.shapes(coupler, FIBRE).insert(kdb.Box(-15_000, -5_000, -5_000, 5_000))
    foreign.place(coupler, 0.0)
    foreign.place(foreign.waveguide("wg", 50.0), 0.0)
    foreign.place(coupler, 50.0, 0.0, 180)
    f = np.linspace(2.99792458e14 / 1.33, 2.99792458e14 / 1.29, 41)
    rows = "\n".join(f"{hz:.9e} 0.5 {2 * np.pi * hz * 1e-13:.9f}" for hz in f)
    blocks = [f'("port {b}","TE",1,"port {a}",1,"transmission")\n({f.size},3)\n{rows}' for a, b in ((1, 2), (2, 1))]
    (tmp_path / "gc.sparam").write_text("\n".join(blocks), encoding="utf-8")
    text = """
cells:
  gc_*:
    measured: {file: gc.sparam, ports: {port 1: o1, port 2: fibre}, source: a test}
    ports: {opt1: o1}
""" + ARM.format(name="wg")
    table = mapped(foreign.write(), text.replace("  gc_*:", '  "gc_*":'))
    assert table.ports == ("gc_1310~1.fibre", "gc_1310~2.fibre") and not table.notes
    assert np.allclose(np.abs(table.S[:, 1, 0]), 0.25 * 10 ** (-2.0 * 0.005 / 20), rtol=1e-6)


def test_a_cell_without_an_entry_is_named_with_the_mapping(foreign: Foreign, mapped: Any) -> None:
    foreign.place(foreign.waveguide("wg", 30.0), 0.0)
    foreign.place(foreign.waveguide("strange", 30.0), 30.0)
    with pytest.raises(CpoError, match=r"strange.*has no sheet.*or give it an entry in .*map\.yaml") as caught:
        mapped(foreign.write(), "cells:" + ARM.format(name="wg"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda f, c: f.pin(c, "", 5.0, 0.0, 0, 1), "has 0 names"),
        (lambda f, c: f.pin(c, "opt1", 5.0, 9.0, 0, 1), "two pins are called 'opt1'"),
        (
            lambda f, c: f.shapes(c, PIN).insert(kdb.Path([kdb.Point(0, 0), kdb.Point(9, 0), kdb.Point(9, 9)], 400)),
            "3 points",
        ),
    ],
)
def test_pins_that_can_not_be_understood(foreign: Foreign, mapped: Any, draw: Any, said: str) -> None:
    cell = foreign.waveguide("wg", 30.0)
    draw(foreign, cell)
    foreign.place(cell, 0.0)
    with pytest.raises(LayoutError, match=said):
        mapped(foreign.write(), "cells:" + ARM.format(name="wg"))


def test_nothing_optical_says_where_it_looked(foreign: Foreign, mapped: Any) -> None:
    foreign.place(foreign.waveguide("wg", 30.0), 0.0)
    with pytest.raises(LayoutError, match=r"0 optical ports.*layer 7/7"):
        mapped(foreign.write(), "layers: {pins: 7/7}\ncells:" + ARM.format(name="wg"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cells: {wg: {model: strait}}", "map.yaml:1:21: cells.wg: unknown model 'strait'; did you mean \"straight\"?"),
        ("cells: {wg: {model: straight, parameters: {lenght: 3}}}", "no parameter 'lenght'; did you mean \"length\"?"),
        ("cells: {wg: {model: straight, ports: {opt1: o9}}}", "no port 'o9'"),
        ("cells: {wg: {model: straight, ports: {opt9: o1}}}", "cell 'wg' has no port 'opt9'; did you mean"),
        ("cells: {wg: {model: straight, ports: {opt1: o1, opt2: o1}}}", "two drawn ports are 'o1'"),
        ("cells: {wg: {model: straight, settings: {length: size}}}", "cell 'wg' has no setting 'size'"),
        ("cells: {wg: {}}", "neither model, measured nor no_model"),
        ("cells: {wg: {model: straight, no_model: why}}", "has model and no_model"),
        ("cells: {wg: {no_model: why, parameters: {a: 1}}}", "belongs to a model"),
        ("cells: {wg: {modell: straight}}", 'unknown key "modell"'),
        ("cells: {wg: {model: straight, length_from: area}}", "length_from"),
        ("cells: {wg: {model: straight, length_from: path, parameters: {length: 3}}}", "1 allowed"),
        ("cells: {wg: {model: straight, wl_range_um: [1310, 1360]}}", "give it in um"),
        ("layers: {pins: 1-10}\ncells: {wg: {model: straight}}", "is no layer"),
        ("cells: {}", "cells"),
        ('cells: {"w*": {model: straight}, "*g": {model: straight}}', "'wg' fits 'w*' and '*g'"),
    ],
)
def test_faults_of_a_mapping_have_their_line(foreign: Foreign, mapped: Any, text: str, said: str) -> None:
    foreign.place(foreign.waveguide("wg", 30.0), 0.0)
    gds = foreign.write()
    with pytest.raises(SpecError) as caught:
        mapped(gds, text)
    assert said in str(caught.value) and "map.yaml:" in str(caught.value) and "\n" not in str(caught.value)


def test_parameters_that_nobody_gives_are_asked_for(foreign: Foreign, mapped: Any) -> None:
    foreign.place(foreign.waveguide("wg", 30.0), 0.0)
    text = "cells: {wg: {model: straight, ports: {opt1: o1, opt2: o2}}}"
    with pytest.raises(CpoError, match="length comes from neither drawing nor sheet"):
        mapped(foreign.write(), text)


def test_wavelengths_that_no_model_holds_for(foreign: Foreign, tmp_path: Path) -> None:
    foreign.place(foreign.waveguide("wg", 30.0), 0.0)
    file = tmp_path / "map.yaml"
    file.write_text("cells:" + ARM.format(name="wg"), encoding="utf-8")
    with pytest.raises(InputError, match=r"wl = 2 to 2\.1 um, the models of cell 'chip' hold for"):
        spectrum(read_layout(foreign.write()), np.array([2.0, 2.1]), {}, LIBRARY, mapping=load_mapping(file, LIBRARY))


GENERIC = """
import sys
import gdsfactory as gf
gf.gpdk.PDK.activate()
top = gf.Component("generic_mzi")
mzi = top << gf.components.mzi(delta_length=40.0)
top.add_port("o1", port=mzi.ports["o1"])
top.add_port("o2", port=mzi.ports["o2"])
top.write_gds(sys.argv[1])
"""


def test_a_layout_of_gdsfactorys_generic_pdk(tmp_path: Path, mapped: Any) -> None:
    import subprocess
    import sys

    gds = tmp_path / "generic.gds"
    subprocess.run([sys.executable, "-c", GENERIC, str(gds)], check=True, capture_output=True)
    guide = "{cross_section: strip, width: 0.5, loss_dB_cm: 0.0}"
    text = f"""
cells:
  straight: {{model: straight, parameters: {guide}, settings: {{length: length}}}}
  bend_euler: {{model: straight, parameters: {guide}, length_from: path}}
  mmi1x2: {{model: y_branch, parameters: SPLIT}}
"""
    file = tmp_path / "map.yaml"
    split = _defaults("y_branch")
    text = text.replace("SPLIT", "{" + ", ".join(f"{key}: {value}" for key, value in split.items()) + "}")
    table = mapped(gds, text)
    assert table.ports == ("o1", "o2") and file.is_file()
    power = np.abs(table.S[:, 1, 0]) ** 2
    assert power.max() < 1.0 and power.max() - power.min() > 0.05  # the arms differ by 40 um, twice 20
    netlists, _ = extract_foreign(read_layout(gds), load_mapping(file, LIBRARY))
    assert not netlists.problems


def _defaults(model: str) -> dict[str, Any]:
    from cpo_pdk.circuit.contract import parameters_with_own_default

    found = parameters_with_own_default(MODELS[model].function)
    return {k: v for k, v in found.items() if v is not None and k not in MODELS[model].operated}

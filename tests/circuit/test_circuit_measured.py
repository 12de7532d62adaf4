"""Measured S-parameters in place of a model: read as they were written; what can't be believed is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skrf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.measured import measured_model
from cpo_pdk.circuit.passivity import largest_singular_value
from cpo_pdk.circuit.simulation import s_parameters
from cpo_pdk.circuit.sparameter_files import C_UM_HZ, read_sparameters
from cpo_pdk.errors import CpoError, InputError, ModelError, ParameterError
from cpo_pdk.models import MODELS
from cpo_pdk.spec.sheet import Measured, parse_sheet

WL = np.linspace(1.27, 1.35, 161)
PORTS = ("o1", "o2", "o3", "o4")


def crossing(wl: Any) -> np.ndarray:
    """S of the crossing's model, indices [wavelength, out, in]."""
    sdict = MODELS["crossing"].function(wl)
    S = np.zeros((np.size(wl), 4, 4), complex)
    for (a, b), value in sdict.items():
        S[:, PORTS.index(b), PORTS.index(a)] = value
    return S


def touchstone(path: Path, wl: np.ndarray, S: np.ndarray) -> Path:
    """An instrument's file: rising frequency, exp(+jwt)."""
    order = np.argsort(C_UM_HZ / wl)
    network = skrf.Network(f=(C_UM_HZ / wl)[order], s=np.conj(S[order]), f_unit="Hz", z0=50)
    network.write_touchstone(filename=path.stem, dir=str(path.parent), form="ri")
    return path


def lumerical(path: Path, wl: np.ndarray, S: np.ndarray) -> Path:
    """A simulator's file, in the order in which SiEPIC's models list frequencies (rising wavelength)."""
    lines = []
    for b in range(S.shape[1]):
        for a in range(S.shape[2]):
            lines += [f'("port {b + 1}","mode 1",1,"port {a + 1}",1,"transmission")', f"({wl.size},3)"]
            lines += [
                f"{C_UM_HZ / w:.12e} {abs(v):.12e} {np.unwrap([np.angle(v)])[0]:.12e}"
                for w, v in zip(wl, S[:, b, a], strict=True)
            ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def sheet_data(file: str, ports: dict[str, str], **more: Any) -> Measured:
    return Measured(file=file, ports=ports, source="made by this test", **more)


NUMBERS = {str(n + 1): port for n, port in enumerate(PORTS)}
NAMES = {f"port {n + 1}": port for n, port in enumerate(PORTS)}


@pytest.mark.parametrize(("write", "name", "ports"), [(touchstone, "x.s4p", NUMBERS), (lumerical, "x.sparam", NAMES)])
def test_what_is_read_is_what_the_model_wrote(tmp_path: Path, write: Any, name: str, ports: dict[str, str]) -> None:
    write(tmp_path / name, WL, crossing(WL))
    model, notes = measured_model("x", sheet_data(name, ports), tmp_path / "x.yaml")
    between = np.linspace(1.2701, 1.3499, 333)
    found = model.function(between)
    for pair, value in MODELS["crossing"].function(between).items():
        np.testing.assert_allclose(found[pair], value, atol=2e-4)
    assert model.ports == PORTS
    assert notes == ()


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_between_the_points_of_a_passive_file_it_stays_passive(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    base = np.linalg.qr(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))[0]
    wiggle = 1 - 0.2 * rng.random((WL.size, 1, 1))
    S = base * wiggle * np.exp(2j * np.pi * 30.0 * 2.5 / WL)[:, None, None]
    touchstone(tmp_path / "x.s3p", WL, S)
    model, _ = measured_model(f"x{seed}", sheet_data("x.s3p", {"1": "o1", "2": "o2", "3": "o3"}), tmp_path / "x.yaml")
    assert largest_singular_value(model.function(np.linspace(1.27, 1.35, 1000))).max() <= 1 + 1e-9


def gaining(folder: Path, gain: float) -> Measured:
    S = np.zeros((WL.size, 2, 2), complex)
    S[:, 0, 1] = S[:, 1, 0] = gain * np.exp(2j * np.pi * 25 / WL)
    lumerical(folder / "x.dat", WL, S)
    return sheet_data("x.dat", {"port 1": "o1", "port 2": "o2"})


def test_gain_is_refused_or_brought_down_and_said(tmp_path: Path) -> None:
    sheet = gaining(tmp_path, 1.03)
    with pytest.raises(InputError, match=r"more light out than in, singular value 1\.030000 .*passivity: clip"):
        measured_model("x", sheet, tmp_path / "x.yaml")
    clipping = sheet.model_copy(update={"passivity": "clip"})
    model, notes = measured_model("x", clipping, tmp_path / "x.yaml")
    assert "brought down to 1 at 161 of 161 wavelengths, by 0.2567 dB" in notes[0]
    assert np.abs(model.function(WL)["o1", "o2"]).max() == pytest.approx(1.0, abs=1e-9)
    allowing = sheet.model_copy(update={"gain_limit": 1.05})
    model, notes = measured_model("x", allowing, tmp_path / "x.yaml")
    assert model.gain_limit == 1.05
    assert "should be at most 1.001" in notes[0]


@pytest.mark.parametrize(("gain", "said"), [(1.0005, False), (1.01, True)])
def test_the_slight_gain_of_measured_data_is_said(tmp_path: Path, gain: float, said: bool) -> None:
    _, notes = measured_model("x", gaining(tmp_path, gain), tmp_path / "x.yaml")
    assert bool(notes) == said


def test_a_path_that_is_not_the_same_both_ways_is_said(tmp_path: Path) -> None:
    S = np.zeros((WL.size, 2, 2), complex)
    S[:, 0, 1], S[:, 1, 0] = 0.5, 0.9
    lumerical(tmp_path / "x.dat", WL, S * np.exp(2j * np.pi * 25 / WL)[:, None, None])
    _, notes = measured_model("x", sheet_data("x.dat", {"port 1": "o1", "port 2": "o2"}), tmp_path / "x.yaml")
    assert "differs by 5.11 dB" in notes[0]


def test_modes_of_a_port_are_mapped_to_modes(tmp_path: Path) -> None:
    lines = []
    for mode, size in ((1, 0.9), (2, 0.5)):
        for a, b in ((1, 2), (2, 1)):
            lines += [f"('port {b}','m',{mode},'port {a}',{mode},'transmission')", "(2, 3)"]
            lines += [f"{C_UM_HZ / w} {size} {2 * np.pi * 5 / w}" for w in (1.35, 1.27)]
    (tmp_path / "x.dat").write_text("\n".join(lines), encoding="utf-8")
    ports = {"port 1": "o1", "port 2": "o2", "port 1 mode 2": "o1@TM", "port 2 mode 2": "o2@TM"}
    model, _ = measured_model("x", sheet_data("x.dat", ports), tmp_path / "x.yaml")
    assert model.modes == {"o1": ("TM",), "o2": ("TM",)}
    assert abs(model.function([1.3])["o1@TM", "o2@TM"][0]) == pytest.approx(0.5, rel=2e-2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"file": "../x.s4p"}, "leads out of the sheet's folder"),
        ({"file": "/etc/passwd"}, "leads out of the sheet's folder"),
        ({"file": "y.s4p"}, "No such file"),
        ({"file": "x.txt"}, "ending '.txt' is not known"),
        ({"ports": {"1": "o1", "2": "o2"}}, "has the ports '1', '2', '3', '4', the sheet maps '1', '2'"),
        ({"ports": {**NUMBERS, "4": "o1"}}, "two of its ports are mapped to 'o1'"),
        ({"ports": {**NUMBERS, "4": "o4@TE"}}, "mapped to 'o4@TE'; TE is the port's bare name"),
        ({"ports": {**NUMBERS, "4": "o4@tm"}}, "mapped to 'o4@tm'"),
        ({"time": "exp(-iwt)"}, r"before it left; write `time: exp\(\+jwt\)`"),
    ],
)
def test_what_a_sheet_can_get_wrong(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    touchstone(tmp_path / "x.s4p", WL, crossing(WL))
    (tmp_path / "x.txt").write_text("1 2 3")
    arguments = {"file": "x.s4p", "ports": NUMBERS, **change}
    with pytest.raises(InputError, match=says) as caught:
        measured_model("x", sheet_data(**arguments), tmp_path / "x.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.s2p", "", "not a Touchstone file|frequencies"),
        ("x.s2p", "nonsense\n1 2", "not a Touchstone file|frequencies"),
        ("x.dat", "", "no block of S-parameters"),
        ("x.dat", '("port 1","m",1,"port 1",1,"reflection")\n(3,3)\n1 2 3\n', "3 rows of 3 numbers expected"),
        ("x.dat", '("port 1","m",1,"port 1",1,"reflection")\n(1,3)\n1 x 3\n', "could not convert"),
        ("x.dat", '("port 1","m",1,"port 1",1,"reflection")\n1 2 3\n', r"\(rows,3\) expected"),
        ("x.dat", '("port 1","m",1,"port 1",1,"reflection")\n(2,3)\n1e14 1 0\n1e14 1 0\n', "the same frequency"),
        ("x.dat", '("port 1","m",1,"port 1",1,"reflection")\n(2,3)\n1 nan 0\n2 1 0\n', "not finite"),
        ("x.dat", '("port 1","m",1,"port 1",1,"reflection")\n(2,3)\n193 1 0\n230 1 0\n', "give them in Hz"),
        ("x.dat", '("port 1","m",1,"port 1",1,"reflection")\n(2,3)\n1 1 0\n2 1 0\n3 1 0\n', "x.dat:5: neither head"),
        ("x.dat", '("port 1","m",1,"port 1",1,"reflection")\n(2,3)\n1 1 0\n2 1 0\n("port 2","m', "x.dat:5: neither"),
        ("x.s1p", "# kHz S RI R 50\n2.2e14 0.1 0\n2.3e14 0.1 0\n", "correct the unit in its line with #"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says) as caught:
        read_sparameters(tmp_path / name)
    assert "\n" not in str(caught.value)


class _Mischief:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("ran"),))


def test_a_pickle_in_the_clothes_of_a_touchstone_file_is_not_run(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.s2p").write_bytes(pickle.dumps(_Mischief()))
    with pytest.raises(InputError):
        read_sparameters(tmp_path / "x.s2p")
    assert not (tmp_path / "ran").exists()


def test_too_few_wavelengths_for_the_phase_are_refused(tmp_path: Path) -> None:
    wl = np.linspace(1.27, 1.35, 9)
    S = np.zeros((wl.size, 2, 2), complex)
    S[:, 0, 1] = np.exp(2j * np.pi * 5.0 / wl)
    S[:, 1, 0] = 0.9 * np.exp(2j * np.pi * 300.0 / wl)
    lumerical(tmp_path / "x.dat", wl, S)
    with pytest.raises(InputError, match="give more wavelengths"):
        measured_model("x", sheet_data("x.dat", {"port 1": "o1", "port 2": "o2"}), tmp_path / "x.yaml")


SHEET = """
name: crossing
cell: crossing
model: null
measured: {{file: {file}, ports: {ports}, source: "this test"}}
description: a measured crossing
geometry: {{arm_length: 4.5, width_center: 1.2}}
parameters: {{}}
wl_range_um: [1.27, 1.35]
"""


def measured_sheet(folder: Path) -> Any:
    touchstone(folder / "x.s4p", WL, crossing(WL))
    text = SHEET.format(file="x.s4p", ports='{"1": o1, "2": o2, "3": o3, "4": o4}')
    return {"crossing": parse_sheet(text, folder / "crossing.yaml")}


def crossing_drawing(drawing: Any, arm_length: float = 4.5) -> Path:
    a = arm_length
    ports = [("o1", -a, 0, 180), ("o2", 0, a, 90), ("o3", a, 0, 0), ("o4", 0, -a, 270)]
    cell = drawing.cell("crossing", ports, settings={"arm_length": a, "width_center": 1.2})
    drawing.place(drawing.cell("chip", ports), cell, "x")
    return drawing.write()


def test_a_sheet_with_measured_data_is_simulated_with_it(drawing: Any, tmp_path: Path) -> None:
    found = s_parameters(crossing_drawing(drawing), WL[::7], measured_sheet(tmp_path))
    for pair, value in MODELS["crossing"].function(WL[::7]).items():
        np.testing.assert_allclose(found[pair], value, atol=1e-9)


def test_another_drawing_than_the_measured_one_is_refused(drawing: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"arm_length = 5\.0, measured was 4\.5"):
        s_parameters(crossing_drawing(drawing, 5.0), WL, measured_sheet(tmp_path))


def test_beyond_the_measured_wavelengths_nothing_is_made_up(drawing: Any, tmp_path: Path) -> None:
    with pytest.raises(CpoError, match=r"was measured from 1\.27.* to 1\.35.* um; stay within"):
        s_parameters(crossing_drawing(drawing), [1.20], measured_sheet(tmp_path))
    model, _ = measured_model("x", sheet_data("x.s4p", NUMBERS), tmp_path / "x.yaml")
    with pytest.raises(ParameterError):
        model.function([1.4])


def test_data_that_changes_on_disk_is_read_again(tmp_path: Path) -> None:
    for size in (0.9, 0.5):
        S = np.zeros((2, 1, 1), complex) + size
        lumerical(tmp_path / "x.dat", np.array([1.27, 1.35]), S)
        (tmp_path / "pad").write_text("x")
        text = (tmp_path / "x.dat").read_text() + "\n" * int(10 * size)  # another size, whatever the clock's step
        (tmp_path / "x.dat").write_text(text)
        model, _ = measured_model("x", sheet_data("x.dat", {"port 1": "o1"}), tmp_path / "x.yaml")
        assert abs(model.function([1.3])["o1", "o1"][0]) == pytest.approx(size)

"""Test blocks: read back from GDS, simulated and evaluated by their own manifest, they give what the models say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cpo_pdk.assemblies.writing import write_gds
from cpo_pdk.circuit.simulation import s_parameters
from cpo_pdk.components import CELLS
from cpo_pdk.models import MODELS
from cpo_pdk.models.coupler import coupling
from cpo_pdk.models.readout import Extracted, extract
from cpo_pdk.models.waveguide import ng
from cpo_pdk.spec import load_sheets

BLOCKS = ("cutback_block", "bend_cutback_block", "device_cutback_block", "ring_split_block", "coupler_split_block")
WL = np.linspace(1.30, 1.32, 2001)


def read_out(name: str, folder: Path, wl: np.ndarray = WL, **arguments: Any) -> dict[str, list[Extracted]]:
    """Draw a block, write it, simulate the file between its gratings, evaluate by its manifest."""
    component = CELLS[name](**arguments)
    path = write_gds(component, folder / "block.gds")
    s = s_parameters(path, wl)
    measurements = component.info["measurements"]
    loss = {m["name"]: -20 * np.log10(np.abs(s[m["input"], m["output"]])) for m in measurements}
    out: dict[str, list[Extracted]] = {}
    for found in extract(measurements, wl, loss):
        out.setdefault(found.name, []).append(found)
    return out


def loss_of(model: str, ports: tuple[str, str], over: Callable[..., Any] = np.mean, **parameters: Any) -> float:
    """Loss of one device in dB, mean (or `over`) of the wavelengths, with the numbers of its sheet."""
    values = {**load_sheets()[model].values, **parameters}
    known = {k: v for k, v in values.items() if k in MODELS[model].parameters}
    return float(over(-20 * np.log10(np.abs(MODELS[model].function(WL, **known)[ports]))))


@pytest.mark.parametrize("name", BLOCKS)
def test_a_manifest_names_gratings_that_are_there_and_each_measurement_once(name: str) -> None:
    component = CELLS[name]()
    ports = {p.name for p in component.ports}
    measurements = component.info["measurements"]
    assert len({m["name"] for m in measurements}) == len(measurements) >= 3
    assert {m[end] for m in measurements for end in ("input", "output")} == ports
    centers = sorted((p.center[1], p.center[0]) for p in component.ports)
    assert np.ptp([x for _, x in centers]) == 0
    assert np.allclose(np.diff([y for y, _ in centers]), 127.0, atol=1e-9)


@pytest.mark.parametrize("name", BLOCKS)
def test_every_grating_carries_its_label(name: str) -> None:
    component = CELLS[name]()
    layer = component.kcl.layout.layer(66, 0)
    texts = {s.text_string for s in component.kdb_cell.shapes(layer).each() if s.is_text()}
    assert texts == {p.name for p in component.ports}


@pytest.mark.parametrize("cross_section", ["strip", "rib"])
def test_the_loss_of_the_waveguide_comes_back(cross_section: str, tmp_path: Path) -> None:
    found = read_out("cutback_block", tmp_path, cross_section=cross_section)
    [loss] = found[f"loss_dB_cm_{cross_section}"]
    assert loss.unit == "dB/cm"
    lengths = {"cross_section": cross_section, "length": 10_000.0}
    one_cm = loss_of("straight", ("o1", "o2"), **lengths)
    assert loss.value == pytest.approx(one_cm, rel=0.002)
    [grating] = found["grating_loss_dB"]
    assert grating.value == pytest.approx(load_sheets()["grating_coupler"].values["loss_dB"], abs=0.15)  # at its peak


@pytest.mark.parametrize("radius", [5.0, 10.0])
def test_the_loss_of_a_bend_comes_back(radius: float, tmp_path: Path) -> None:
    [loss] = read_out("bend_cutback_block", tmp_path, radius=radius)["loss_dB_bend_90"]
    assert loss.value == pytest.approx(loss_of("bend_euler", ("o1", "o2"), radius=radius), rel=0.01)


@pytest.mark.parametrize(
    ("device", "ports", "less"),
    [
        ("crossing", ("o1", "o3"), 0.0),
        ("mmi1x2", ("o1", "o2"), 10 * np.log10(2)),
        ("taper_strip_rib", ("o1", "o2"), 0.0),
    ],
)
def test_the_loss_of_a_device_comes_back(device: str, ports: tuple[str, str], less: float, tmp_path: Path) -> None:
    [loss] = read_out("device_cutback_block", tmp_path, device=device)[f"loss_dB_{device}"]
    assert loss.value == pytest.approx(loss_of(device, ports) - less, rel=0.01)


@pytest.mark.parametrize("ring", ["add_drop_ring", "all_pass_ring"])
def test_rings_give_their_group_index_and_a_larger_gap_a_higher_quality(ring: str, tmp_path: Path) -> None:
    found = read_out("ring_split_block", tmp_path, np.linspace(1.29, 1.33, 20001), ring=ring)
    assert [r.details["gap_um"] for r in found["group_index"]] == [0.12, 0.15, 0.18, 0.21]
    for ring in found["group_index"]:
        assert ring.value == pytest.approx(float(ng(1.31)), rel=0.005)
    quality = [r.details["loaded_Q"] for r in found["group_index"]]
    assert quality == sorted(quality) and quality[-1] > 2 * quality[0]


def test_couplers_give_their_beat_length(tmp_path: Path) -> None:
    [kappa] = read_out("coupler_split_block", tmp_path)["kappa"]
    assert kappa.value == pytest.approx(float(np.mean(coupling(WL, 0.2)[0])), rel=0.01)

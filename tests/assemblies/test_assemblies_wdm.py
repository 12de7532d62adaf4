"""Demultiplexers: arms that the models put on their channels, light that leaves where it should, trees of any size."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.assemblies import kit_of, write_gds
from cpo_pdk.assemblies.delays import STEP, channel_lists, output_order, stage_delays, stage_powers
from cpo_pdk.assemblies.wdm import demux, stage_box, wdm_box, wdm_stage
from cpo_pdk.circuit.simulation import s_parameters
from cpo_pdk.errors import AssemblyError
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify import check

SPEC, SHEETS = load_spec("switch_25t6"), load_sheets()
KIT = kit_of(SPEC, SHEETS)
DEVICES = {role: SHEETS[name] for role, name in SPEC.engine.devices.by_role().items()}
WL = np.array(SPEC.engine.grid.wl_um)
DELAYS = stage_delays(DEVICES, WL)
KINDS = ("drc", "photonic", "connectivity")


def test_channels_part_in_a_binary_tree() -> None:
    assert channel_lists(2) == ((0, 1),)
    assert channel_lists(8)[:3] == (tuple(range(8)), (0, 2, 4, 6), (1, 3, 5, 7))
    assert output_order(4) == (0, 2, 1, 3)
    assert output_order(8) == (0, 4, 2, 6, 1, 5, 3, 7)
    assert sorted(output_order(8)) == list(range(8))


def test_arms_are_on_the_grid_and_near_the_free_spectral_range() -> None:
    # wl^2 / (ng FSR): 1.301^2 / (4.32 x 0.040) = 9.79 um, half of it for the stages behind
    assert [round(d / STEP) * STEP for d in DELAYS] == pytest.approx(DELAYS)
    assert DELAYS[0] == pytest.approx(1.301**2 / (4.32 * 0.040), abs=0.3)
    assert DELAYS[1:] == pytest.approx([1.301**2 / (4.32 * 0.080)] * 2, abs=0.2)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_every_channel_sits_on_its_maximum(stage: int) -> None:
    wl = WL[list(channel_lists(4)[stage])]
    north, south = stage_powers(DEVICES, DELAYS[stage], wl)
    wanted, other = np.where(np.arange(len(wl)) % 2 == 0, (north, south), (south, north))
    assert np.all(wanted / (wanted + other) > 0.99)
    # one tenth of a wavelength in the guide more or less, and some channel loses more than it may
    for step in (-0.05, 0.05):
        north, south = stage_powers(DEVICES, DELAYS[stage] + step, wl)
        moved, rest = np.where(np.arange(len(wl)) % 2 == 0, (north, south), (south, north))
        assert (moved / (moved + rest)).min() < (wanted / (wanted + other)).min() - 0.02


def test_an_uneven_coupler_is_refused() -> None:
    with pytest.raises(AssemblyError, match=r"tap_coupler.*at least 80 % are needed"):
        stage_delays({**DEVICES, "filter_coupler": SHEETS["tap_coupler"]}, WL)


def test_a_sheet_without_a_model_is_refused() -> None:
    with pytest.raises(AssemblyError, match="has no model"):
        stage_delays({**DEVICES, "phase_shifter": SHEETS["bump"]}, WL)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gds(demux(kit=KIT, delays=DELAYS), tmp_path_factory.mktemp("wdm") / "demux.gds")


def test_as_drawn_each_channel_leaves_at_its_own_port(drawn: Path) -> None:
    assert check(drawn, only=KINDS).violations == ()
    s = s_parameters(drawn, WL)
    power = np.array([np.abs(s["o1", f"o{k + 2}"]) ** 2 for k in range(4)])  # port, channel
    loss_dB = -10 * np.log10(np.diag(power))
    assert np.all(loss_dB < 3.0), loss_dB
    leaks = power / np.diag(power)
    np.fill_diagonal(leaks, 0)
    assert 10 * np.log10(leaks.max()) < -20


@pytest.mark.parametrize(("stages", "bump_x"), [(1, 50.0), (3, 130.0), (7, 100.0)])
def test_trees_of_any_size_are_clean(stages: int, bump_x: float, tmp_path: Path) -> None:
    delays = (40.0, *[20.0] * (stages - 1))
    component = demux(kit=KIT, delays=delays, bump_x=bump_x)
    file = write_gds(component, tmp_path / "demux.gds")
    assert check(file, only=KINDS).violations == ()
    assert len([p for p in component.ports if p.port_type == "optical"]) == stages + 2
    length, north, south = wdm_box(KIT, delays, bump_x)
    layout = kdb.Layout()
    layout.read(str(file))
    box = layout.top_cell().dbbox(layout.layer(*layer_of("WG")))
    assert box.right == pytest.approx(length)
    assert box.top - 0.2 <= north + 1e-6 and -box.bottom - 0.2 <= south + 1e-6
    for _, x1, y1, x2, y2 in component.info["heaters"]:
        assert x1 % bump_x == x2 % bump_x == 0 and y1 == y2 == 0 and x2 - x1 == bump_x


def test_the_arms_differ_by_straights_alone() -> None:
    stage = wdm_stage(kit=KIT, delay=9.7)
    lengths = {ref.name: ref.cell.info["length"] for ref in stage.insts if "length" in ref.cell.info.model_dump()}
    upper = sum(v for k, v in lengths.items() if k.startswith("upper")) + lengths["heater"]
    lower = sum(v for k, v in lengths.items() if k.startswith("lower")) + lengths["arm_lower"]
    assert upper - lower == pytest.approx(9.7)
    assert sum(k.startswith("upper") and k[-1] in "ab" for k in lengths) == 4
    assert stage_box(KIT, 9.7)[1] - stage_box(KIT, 0.0)[1] == pytest.approx(4.85)


def test_bumps_too_far_apart_for_the_loop_are_refused() -> None:
    with pytest.raises(AssemblyError, match=r"bumps 200 um apart need 2\d\d.\d um between the arms"):
        demux(kit=KIT, delays=DELAYS, bump_x=200.0)


def test_a_lopsided_coupler_is_refused() -> None:
    kit = tuple((r, "psr", ()) if r == "filter_coupler" else (r, c, g) for r, c, g in KIT)
    with pytest.raises(AssemblyError, match="as filter_coupler it needs o1, o2, o3, o4"):
        wdm_stage(kit=kit, delay=9.7)

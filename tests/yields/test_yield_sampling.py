"""Packages sampled from a drawing: nominal samples are the link budget, samples are the same however they are asked."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cpo_pdk.analysis import prepare
from cpo_pdk.errors import InputError, SpecError
from cpo_pdk.execution import read
from cpo_pdk.production import Produced, produced, yield_of, yield_run
from cpo_pdk.project import draw, read_inputs
from cpo_pdk.variation.causes import CAUSES
from cpo_pdk.variation.samples import Draw
from cpo_pdk.yields.gather import agains, compute_again, lanes_of, losses_of, sampled_of, what_ifs
from cpo_pdk.yields.limits import check_samples
from cpo_pdk.yields.maps import ring_map, wafer_map
from cpo_pdk.yields.sampled import lanes_work
from cpo_pdk.yields.sampling import Order, sample, sample_chunk

#: further words of the small package and what they are here
WORDS = {
    "heater_bias_nm: 0.8 ": "heater_bias_nm: 0.8\n  heater_max_mW: 120 ",
    "per_wavelength_dBm: 15.0": "per_wavelength_dBm: 14.0",
}


@pytest.fixture(scope="module")
def spec(two_small_engines: Callable[..., Path]) -> Path:
    return two_small_engines("{north: 2}", WORDS)


@pytest.fixture(scope="module")
def gds(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    package, sheets = read_inputs(spec, None)
    files, _ = draw(package, tmp_path_factory.mktemp("drawn"), sheets, None, False)
    return files.package_gds


@pytest.fixture(scope="module")
def made(gds: Path, spec: Path) -> Produced:
    return produced(prepare(gds, spec))


def test_with_every_cause_nominal_margins_are_those_of_the_budget(made: Produced):
    model = made.model
    columns = sample(model, Draw(3, np.arange(2), frozenset(CAUSES)))
    nominal = np.stack([engine.nominal_dB for engine in model.engines])
    gap_dB = float(model.cells[model.engines[0].cell].attach.nominal_dB.max())
    lost = nominal - columns["margin_dB"]
    sends = model.cells[model.engines[0].cell].transmit
    # the gap of the fibre arrays counts at one facet of a receive lane, at both of a transmit lane; light that is
    # missing before the chip is lost once only where it no longer absorbs itself
    assert np.allclose(lost[:, :, ~sends], gap_dB, atol=0.01)
    assert np.all((lost[:, :, sends] > gap_dB - 0.01) & (lost[:, :, sends] < 2 * gap_dB + 0.01))
    assert columns["held"].all()
    assert np.abs(columns["shift_nm"]).max() == 0
    for cause, loss in losses_of(model.cells[model.engines[0].cell], columns).items():
        assert np.abs(loss).max() < 1e-3, cause


def test_any_chunks_and_any_engines_give_the_same_numbers(made: Produced):
    order = Order(made.model, 5)
    whole = sample_chunk(order, np.arange(6))
    parts = [sample_chunk(order, np.array(numbers)) for numbers in ([0, 1], [5, 4], [2, 3])]
    for name, column in whole.items():
        joined = np.concatenate([parts[0][name], parts[2][name], parts[1][name][::-1]])
        assert np.array_equal(joined, column), name
    again = sample_chunk(pickle.loads(pickle.dumps(order)), np.arange(6))
    assert all(np.array_equal(again[name], whole[name]) for name in whole)
    other = sample_chunk(Order(made.model, 6), np.arange(6))
    assert not np.array_equal(other["margin_dB"], whole["margin_dB"])


def test_causes_act_alone_and_together(made: Produced):
    model = made.model
    order = Order(model, 5)
    rows = range(3)
    fixed, alone = agains((item, compute_again(order, item)) for item in what_ifs(rows, chunk=2))
    assert set(fixed) == set(alone) == set(CAUSES) - {"connector", "responsivity"}
    nominal = sample(model, Draw(5, np.arange(3), frozenset(CAUSES)))["margin_dB"]
    everything = sample_chunk(order, np.arange(3))["margin_dB"]
    for cause in set(fixed) - {"heater"}:  # which changes what heaters take, and whether they reach
        assert not np.array_equal(alone[cause].margin_dB, nominal), cause
        assert not np.array_equal(fixed[cause].margin_dB, everything), cause
    swapped = sample(model, Draw(5, np.arange(3), frozenset(CAUSES) - {"width"}, {"width": 6}))["margin_dB"]
    assert not np.array_equal(swapped, alone["width"].margin_dB)


def test_additive_causes_add_up(made: Produced):
    cell = made.model.cells[made.model.engines[0].cell]
    physics = frozenset(CAUSES) - {"attach", "fibre", "connector", "responsivity"}
    columns = sample(made.model, Draw(5, np.arange(4), physics))
    nominal = sample(made.model, Draw(5, np.arange(4), frozenset(CAUSES)))["margin_dB"]
    lost = sum(losses_of(cell, columns).values())
    receive = ~cell.transmit
    difference = nominal - columns["margin_dB"] - lost
    assert np.abs(difference[:, :, receive]).max() < 0.12  # shot noise and noise of the lasers fall with the light
    assert np.abs(lost[:, :, receive]).max() > 0.2
    # before the chip a dB less costs less than a dB: less of the light absorbs itself
    sends = lost[:, :, cell.transmit]
    assert np.abs(difference[:, :, cell.transmit]).max() <= 0.6 * np.abs(sends).max()


def test_one_dead_laser_line_is_its_lanes(made: Produced):
    sampled = sampled_of(made.model, 5, sample_chunk(Order(made.model, 5), np.arange(2)))
    assert sampled.laser_line is not None
    sends = sampled.lanes.transmit
    lines = sampled.laser_line[:, sends]
    # one laser fibre feeds both transmit fibres of an engine, with a line for each of four channels
    assert [len(np.unique(row)) for row in lines] == [4, 4]
    assert not set(lines[0]) & set(lines[1])
    assert np.all(sampled.laser_line[:, ~sends] == -1)
    assert lanes_of(made.model.cells[made.model.engines[0].cell]).rings.shape == (16, 2)


def test_maps_have_every_ring_and_every_die(made: Produced):
    columns = sample_chunk(Order(made.model, 5), np.arange(3))
    rings = ring_map(made.model, columns["held"], columns["heater_mW"])
    assert rings is not None and len(rings.names) == len(set(rings.names)) == 48
    drawn = {ring.instance: (ring.x, ring.y) for ring in made.prepared.simulation.rings}
    assert all(drawn[name] == (x, y) for name, x, y in zip(rings.names, rings.x, rings.y, strict=True))
    wafer = wafer_map(made.model, 5, 0.0)
    assert len(wafer.x_mm) == made.bill.dies_per_wafer > 50
    assert np.hypot(wafer.x_mm, wafer.y_mm).max() < wafer.wafer_mm / 2
    # wider or thicker silicon moves resonances to the red
    assert np.corrcoef(wafer.width_nm + 2 * wafer.thickness_nm, wafer.shift_nm)[0, 1] > 0.9
    assert set(np.unique(wafer.good)) <= {k / 16 for k in range(17)}


def test_a_yield_in_one_call(made: Produced):
    result = yield_of(made.prepared, 40, 2, state=made.state)
    columns = sample_chunk(Order(made.model, 2), np.arange(40))
    works = lanes_work(
        columns["margin_dB"], columns["held"], lanes_of(made.model.cells[made.model.engines[0].cell]), 0.0
    )
    assert result.lane.value == pytest.approx(works.mean())
    assert result.package.value == pytest.approx((works.all(axis=(1, 2)) & columns["mounted"].all(axis=1)).mean())
    for at in (result.ring, result.lane, result.die, result.engine, result.package, result.tested, result.shipped):
        assert 0 <= at.low <= at.value <= at.high <= 1 and at.confidence == 0.95
    assert result.digest == yield_of(made.prepared, 40, 2, state=made.state).digest
    assert any("tabulated" in note for note in result.notes)


def test_a_run_leaves_its_samples_report_and_document(gds: Path, spec: Path, tmp_path: Path):
    first, folder, interrupted = yield_run(gds, spec, samples=10, seed=4, quick=True, one_engine=True, out=tmp_path)
    assert folder == tmp_path / "small_yield" and not interrupted
    document = json.loads((folder / "yield.json").read_text("utf-8"))
    assert document["digest"] == first.digest and document["package"]["samples"] == 10
    assert (folder / "yield.html").stat().st_size > 10_000
    assert np.array_equal(read(folder / "samples")["sample"], np.arange(10))


@pytest.mark.parametrize(("samples", "seed"), [(0, 1), (-3, 1), (10_000_001, 1), (10, -1), (10, 2**63)])
def test_absurd_numbers_are_refused(samples: int, seed: int):
    with pytest.raises(InputError, match=r"allowed"):
        check_samples(samples, seed)


def test_a_sheet_that_is_not_there_is_named_at_its_line(spec: Path, tmp_path: Path):
    text = spec.read_text("utf-8") + "production: {parts: {variation: variation_antt}}\n"
    file = tmp_path / "small.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(SpecError, match=r"variation_ant"):
        produced(prepare(file))

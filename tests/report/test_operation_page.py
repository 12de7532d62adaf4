"""The package at work on the page: what the scripts read is what was computed, names stay names, nothing is fetched."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest

from cpo_pdk.operation.results import Operation, Unlock
from cpo_pdk.report.data import ReportData
from cpo_pdk.report.operation_json import CELLS, MARK, NUMBERS, mark_word, marked, operation_json, raster
from cpo_pdk.report.operation_section import SHOWN, operation_section, operation_tiles, warnings_of
from cpo_pdk.report.page import page
from cpo_pdk.report.scales import margin_scale
from cpo_pdk.report.viewer import embedded_json
from cpo_pdk.report.write import write_report
from cpo_pdk.thermal.results import TemperatureMap

FIGURES: dict[str, str] = dict.fromkeys(("spectra", "insertion_loss", "energy", "transient"), "")
PICTURES = ["energy.png", "margin.png", "temperature.png"]


@pytest.fixture
def at_work(report_data: ReportData, operation: Operation) -> ReportData:
    return dataclasses.replace(report_data, operation=operation)


@pytest.fixture
def document(operation: Operation) -> dict[str, Any]:
    return json.loads(embedded_json(operation_json(operation)))


def steps_of(document: dict[str, Any], state: int, lane: int) -> list[dict[str, Any]]:
    """A lane's waterfall as the page's script puts it together."""
    row = document["states"][state]["lanes"][lane]
    shape, places = document["ways"][row[4]]
    changes = list(document["shapes"][shape]["base"])
    for step, value in zip(row[5][::2], row[5][1::2], strict=True):
        changes[step] = value
    engine = document["texts"][document["lanes"][lane][0]]
    x = y = level = 0
    drawn = iter(zip(places[::2], places[1::2], strict=True))
    found = []
    for (name, kind, instance, source, far, placed), change in zip(
        document["shapes"][shape]["steps"], changes, strict=True
    ):
        level += change
        if placed:
            dx, dy = next(drawn)
            x, y = x + dx, y + dy
        found.append(
            {
                "name": document["texts"][name],
                "kind": document["kinds"][kind],
                "instance": document["texts"][instance].replace(MARK, mark_word(engine)),
                "source": document["texts"][source],
                "far": bool(far),
                "at": (x, y) if placed else None,
                "level": level,
            }
        )
    return found


def test_every_step_of_every_lane_comes_back(operation: Operation, document: dict[str, Any]) -> None:
    for number, state in enumerate(operation.states):
        for index, lane in enumerate(state.budget.lanes):
            found = steps_of(document, number, index)
            assert len(found) == len(lane.steps)
            for got, step in zip(found, lane.steps, strict=True):
                assert (got["name"], got["kind"], got["instance"], got["source"], got["far"]) == (
                    *(step.name, step.kind, step.instance, step.source, step.far),
                )
                assert got["level"] == pytest.approx(1000 * step.level_dBm, abs=0.51)
                assert got["at"] == (None if step.x is None or step.y is None else (round(step.x), round(step.y)))


def test_numbers_of_lanes_and_rings_come_back(operation: Operation, document: dict[str, Any]) -> None:
    state, lane = operation.states[1], operation.states[1].budget.lanes[17]
    numbers, log_ber, noise, _, _, _, energy = document["states"][1]["lanes"][17]
    assert document["numbers"] == list(NUMBERS)
    for name, value in zip(NUMBERS, numbers, strict=True):
        wanted = getattr(lane, name)
        assert value == (None if wanted is None else pytest.approx(1000 * wanted, abs=0.51)), name
    assert 10 ** (log_ber / 1000) == pytest.approx(lane.ber, rel=2e-3)
    assert noise == [round(1000 * lane.noise_uA[key]) for key in document["states"][1]["noise"]]
    assert energy == pytest.approx(1000 * state.energy.lanes_pJ_bit[lane.engine, lane.port, lane.channel], abs=0.51)
    ring = state.rings[5]
    channel, celsius, _, heater, up, down, locked = document["states"][1]["rings"][5]
    assert (channel, locked) == (ring.channel, int(ring.locked))
    wanted = [1000 * v for v in (ring.temperature_C, ring.heater_mW, ring.free_up_mW, ring.free_down_mW)]
    assert [celsius, heater, up, down] == pytest.approx(wanted, abs=0.51)


def test_a_lane_stands_at_its_modulator(operation: Operation, document: dict[str, Any]) -> None:
    for lane, found in zip(operation.states[0].budget.lanes, document["lanes"], strict=True):
        (own,) = [step for step in lane.steps if step.name == "ring_modulator" and step.change_dB < -1]
        assert own.x is not None and own.y is not None and found[7:9] == [round(own.x), round(own.y)]


def test_equal_engines_share_their_waterfalls(operation: Operation, document: dict[str, Any]) -> None:
    lanes = len(operation.states[0].budget.lanes)
    assert len(document["shapes"]) == lanes / 2, "two engines"
    assert len(document["ways"]) == lanes, "states share places"


def test_a_lane_without_light_is_no_number_and_still_json(operation: Operation) -> None:
    state = operation.states[0]
    lane = dataclasses.replace(
        state.budget.lanes[0],
        margin_dB=-math.inf,
        ber=math.nan,
        received_dBm=-math.inf,
        steps=tuple(dataclasses.replace(step, level_dBm=-math.inf) for step in state.budget.lanes[0].steps),
    )
    dark = dataclasses.replace(state, budget=dataclasses.replace(state.budget, lanes=(lane,)))
    changed = dataclasses.replace(operation, states=(dark,))
    read = json.loads(embedded_json(operation_json(changed)))
    assert read["states"][0]["lanes"][0][0][0] is None
    section = operation_section(changed)
    assert section is not None
    assert dict((row.label, row.bad) for row in section.rows)["lanes without margin"] == (True,)
    assert next(tile for tile in operation_tiles(changed) if tile[0] == "Margin")[1:] == ("none", "", ANY, True)
    assert read["scales"]["margin"]["low"] == -1 and section.lanes[0].margins == ("none",)


def test_the_engine_is_cut_out_of_names_only_where_it_is_a_word() -> None:
    assert marked("engine_N1/tx_1", "engine_N1") == f"engine_{MARK}/tx_1"
    assert marked("fibre_N1_tx_1", "engine_N1") == f"fibre_{MARK}_tx_1"
    assert marked("fibre_N11_tx_1", "engine_N1") == "fibre_N11_tx_1"
    assert marked("engine_3/tx_3", "engine_3") == f"{MARK}/tx_3"
    assert marked("", "engine_N1") == ""


def decoded(found: dict[str, Any]) -> np.ndarray:
    raw = np.frombuffer(base64.b64decode(found["cells"]), dtype="<u2").astype(float)
    celsius = np.where(raw == 65535, np.nan, found["low"] + (found["high"] - found["low"]) * raw / 65534)
    return celsius.reshape(len(found["y"]) - 1, len(found["x"]) - 1)


def test_a_temperature_map_comes_back() -> None:
    celsius = np.random.default_rng(1).uniform(30, 90, (7, 5))
    celsius[2, 3] = np.nan
    found = raster(TemperatureMap("package", np.linspace(-3, 3, 6) * 1e4, np.linspace(0, 7, 8) * 1e3, celsius))
    np.testing.assert_allclose(decoded(found), celsius, atol=1e-3)
    assert found["x"][0] == -30000 and found["y"][-1] == 7000


def test_a_map_without_any_temperature_and_a_flat_one() -> None:
    edges = np.array([0.0, 1.0, 2.0])
    assert np.isnan(decoded(raster(TemperatureMap("x", edges, edges, np.full((2, 2), np.nan))))).all()
    np.testing.assert_allclose(decoded(raster(TemperatureMap("x", edges, edges, np.full((2, 2), 40.0)))), 40.0)


def test_a_fine_map_is_averaged_and_keeps_its_edges() -> None:
    side = math.isqrt(CELLS) + 2
    edges = np.linspace(0.0, 1e4, side + 1)
    celsius = np.broadcast_to(np.linspace(30.0, 60.0, side), (side, side))
    found = raster(TemperatureMap("x", edges, edges, celsius))
    cells = decoded(found)
    assert cells.size <= CELLS and (found["x"][0], found["x"][-1]) == (0, 10000)
    assert cells.mean() == pytest.approx(45.0, abs=0.05) and np.all(np.diff(cells, axis=1) > 0)


def test_the_section_says_what_was_found(operation: Operation) -> None:
    section = operation_section(operation)
    assert section is not None and section.chosen == 2 and not section.settled
    rows = {row.label: row for row in section.rows}
    assert rows["ASIC (W)"].values == ("150", "350", "500")
    assert rows["settled"].bad == (False, True, False) and "still move" in rows["settled"].values[1]
    least = min(lane.margin_dB for lane in operation["full"].budget.lanes)
    assert rows["margin, least (dB)"].values[2].startswith(f"{least:.2f}, ")
    assert [gate.holds for gate in section.gates] == [gate.holds for gate in operation.gates]
    assert section.gates[0].limit == "at least 1.5 dB" and section.gates[1].limit == "at most 6 pJ/bit"
    assert "610 W" in section.unlocks[0] and section.unlocks[1] == "From typical: all rings follow to 750 W."
    watts = [float(line.watts[2]) for line in section.stack]
    assert sum(watts) == pytest.approx(operation["full"].energy.optics_W, abs=0.05) == float(section.total.watts[2])
    assert watts == sorted(watts, reverse=True)
    assert section.engines[0][3] == f"{operation['full'].temperatures.engines_C['engine_0']:.2f}"


def test_a_warning_is_said_once_with_the_states_that_it_is_true_in(operation: Operation) -> None:
    said = ("idle: too hot", "of all", "typical, full: too hot", "idle, other: too hot")
    found = list(warnings_of(dataclasses.replace(operation, warnings=said)))
    assert found[:3] == ["idle, typical, full: too hot", "of all", "idle, other: too hot"]
    assert "idle, typical, full: laser of ELS-1 above its class" in found and len(found) == len(set(found))


def test_warnings_beyond_the_longest_list_are_counted(operation: Operation) -> None:
    many = tuple(f"warning {k}" for k in range(SHOWN + 5))
    changed = dataclasses.replace(operation, warnings=many)
    section = operation_section(changed)
    assert section is not None and section.warnings == many[:SHOWN]
    assert section.more + SHOWN == len(list(warnings_of(changed)))


def test_a_ring_that_is_not_held_is_no_step(operation: Operation) -> None:
    lost = Unlock("idle", 450.0, "engine_0/tx_1/ring", "not held at 450 W: heater at its limit")
    section = operation_section(dataclasses.replace(operation, unlocks=(lost, lost)))
    assert section is not None
    assert section.unlocks == (
        "At idle, before any step: engine_0/tx_1/ring is not held at 450 W: heater at its limit.",
    )


def test_steps_that_are_the_same_from_several_loads_are_said_once(operation: Operation) -> None:
    follow = [Unlock(state, None, "", f"all rings follow to {w} W") for state in ("idle", "full") for w in (750, 0)]
    lost = Unlock("full", 900.0, "engine_{0}/ring", "heater off")
    section = operation_section(dataclasses.replace(operation, unlocks=(*follow, lost)))
    assert section is not None
    assert section.unlocks[:2] == (
        "From idle, full: all rings follow to 750 W.",
        "From idle, full: all rings follow to 0 W.",
    )
    assert (
        section.unlocks[2].startswith("From full: a step of the ASIC to 900 W")
        and "engine_{0}/ring" in section.unlocks[2]
    )


@pytest.mark.parametrize(
    ("margins", "low", "high", "zero"),
    [([0.5, 2.0], 0.0, 2.0, 0.0), ([-3.0, 1.0], -3.0, 1.0, 0.75), ([-0.1], -1.0, 1.0, 0.5), ([], 0.0, 1.0, 0.0)],
)
def test_the_colour_of_a_margin_jumps_at_nothing_left(
    margins: list[float], low: float, high: float, zero: float
) -> None:
    scale = margin_scale(margins)
    assert (scale.low, scale.high) == (low, high)
    shares = [share for share, _ in scale.stops]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == pytest.approx(1)
    below = [color for share, color in scale.stops if share == pytest.approx(zero)]
    assert len(below) == (2 if low < 0 else 1)
    missing, left = (scale.colormap(scale.normalize(value)) for value in (-0.01, 0.01))
    assert (missing[0] - missing[1] > 0.4 or low == 0) and left[1] > 0.7, "red, then yellow"


@pytest.mark.parametrize(
    "change",
    [
        lambda found: dataclasses.replace(found, transient=None, unlocks=(), gates=(), warnings=()),
        lambda found: dataclasses.replace(found, states=found.states[:1]),
        lambda found: dataclasses.replace(
            found,
            unlocks=(Unlock("idle", None, "", ""),),
            states=tuple(dataclasses.replace(state, rings=()) for state in found.states),
        ),
        lambda found: dataclasses.replace(
            found,
            states=tuple(
                dataclasses.replace(
                    state,
                    budget=dataclasses.replace(state.budget, lanes=(), costs=(), parts={}),
                    temperatures=dataclasses.replace(state.temperatures, maps=(), lasers_C={}),
                    energy=dataclasses.replace(state.energy, comparisons=(), cluster=None),
                )
                for state in found.states
            ),
        ),
    ],
    ids=["gates", "one state", "no rings", "no lanes, maps and comparisons"],
)
def test_what_is_not_there_is_left_out(
    report_data: ReportData, operation: Operation, tmp_path: Path, change: Callable[[Operation], Operation]
) -> None:
    data = dataclasses.replace(report_data, operation=change(operation))
    text = write_report(data, tmp_path).read_text()
    assert 'id="work"' in text and "undefined" not in text.split("<script>")[0]


def test_pictures_and_page_are_written_and_the_same_twice(at_work: ReportData, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_report(at_work, tmp_path / name)
    for name in (*PICTURES, "report.html"):
        first = (tmp_path / "one" / name).read_bytes()
        assert first == (tmp_path / "two" / name).read_bytes() and len(first) > 5000, name


def test_the_page_needs_nothing_else_and_names_stay_names(at_work: ReportData) -> None:
    text = page(at_work, FIGURES, {}, b"", stills={"margin": b"png"})
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert policy and len(digests) == 3
    assert "script-src " + " ".join(f"'sha256-{digest}'" for digest in digests) + ";" in policy[1]
    assert "data:image/png;base64," + base64.b64encode(b"png").decode() in text
    body = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "http" not in body.replace("http-equiv", "") and " on" not in re.sub(r">[^<]*<", "><", body)
    assert "<i>x</i>" not in body and "connector &amp; &lt;i&gt;x&lt;/i&gt;" in body
    assert "&lt;b&gt;W1&lt;/b&gt;" in body and "&lt;8x200G&gt;" in body
    for name in ("work", "margin", "heat", "energy"):
        assert f'id="{name}"' in body and f'href="#{name}"' in body
    assert at_work.operation is not None
    lanes = len(at_work.operation.states[0].budget.lanes)
    assert len(re.findall(r'data-lane="\d+"', body)) == lanes


def test_warnings_at_work_stand_in_their_section_only(at_work: ReportData) -> None:
    assert at_work.operation is not None
    (own,) = at_work.operation.warnings
    data = dataclasses.replace(at_work, warnings=("of the layout", own))
    text = page(data, FIGURES, {}, b"")
    head, _, rest = text.partition('id="package"')
    assert "<li>of the layout</li>" in head and "of the package at work</a>" in head and "of the layout" not in rest
    assert "can&#39;t lock at full load" not in head and "can&#39;t lock at full load" in rest


@pytest.mark.parametrize(("energy", "said"), [(6.0, "limits fail"), (60.0, "limits hold")])
def test_the_head_says_whether_the_limits_of_the_spec_hold(at_work: ReportData, energy: float, said: str) -> None:
    assert at_work.operation is not None
    gates = [g for g in at_work.operation.gates if g.key == "energy_pJ_bit"]
    gates = tuple(dataclasses.replace(gate, limit=energy, holds=gate.value <= energy) for gate in gates)
    data = dataclasses.replace(at_work, operation=dataclasses.replace(at_work.operation, gates=gates))
    assert said in page(data, FIGURES, {}, b"").partition("<nav")[0]


def test_without_an_operation_the_page_is_as_it_was(report_data: ReportData) -> None:
    text = page(report_data, {"spectra": "", "insertion_loss": ""}, {}, b"")
    assert 'id="work"' not in text and 'href="#margin"' not in text and 'id="operation"' not in text
    assert len(re.findall(r"<script>", text)) == 2

"""`cpo tolerance`: from a drawn package to what its fibres may be off by; what it prints, writes and refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cpo_pdk import analysis
from cpo_pdk.assemblies import write_package
from cpo_pdk.circuit.facet_ports import facets_of
from cpo_pdk.circuit.simulation import Simulator
from cpo_pdk.cli.app import run
from cpo_pdk.spec import load_sheets, parse_spec

#: words of the package that budgets are tested on and what they are here
WORDS = {
    "name: bench": "name: small",
    "bandwidth_Tbps: 1.6": "bandwidth_Tbps: 0.8",
    "tx_fibres: 2": "tx_fibres: 1",
    "rx_fibres: 2": "rx_fibres: 1",
    "laser_fibres: 1": "laser_fibres: 1\n  loopbacks: 2",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Spec and layout of one engine with a fibre of eight wavelengths each way."""
    folder = tmp_path_factory.mktemp("tolerance")
    text = (Path(__file__).parents[1] / "bench.yaml").read_text("utf-8")
    for old, new in WORDS.items():
        assert old in text, old
        text = text.replace(old, new)
    spec = folder / "small.yaml"
    spec.write_text(text, "utf-8")
    return str(spec), str(write_package(parse_spec(text), folder, load_sheets()).package_gds)


def asked(small: tuple[str, str], *more: str) -> list[str]:
    return ["tolerance", small[1], "--spec", small[0], "--samples", "400", *more]


def test_the_fibres_are_those_that_are_drawn(small: tuple[str, str]) -> None:
    (cell, facet), *others = facets_of(Simulator(small[1])).items()
    assert not others and "engine" in cell
    assert facet.names[2:5] == ("laser_1", "tx_1", "rx_1")
    assert [b - a for a, b in zip(facet.x_um, facet.x_um[1:], strict=False)] == pytest.approx([127.0] * 6)
    assert facet.ports[0].coupler.spots["TE"] == (4.0, 4.0)
    assert facet.ports[0].coupler.wl_um == pytest.approx(1.30005, abs=2e-4)


def test_it_says_yields_and_what_they_need(
    small: tuple[str, str], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    table = tmp_path / "fibres.csv"
    assert run(asked(small, "--limit", "1.5", "--yield", "95", "--csv", str(table), "--json")) == 0
    said = json.loads(capfd.readouterr().out)
    assert said["package"] == "small" and said["engines"] == 1 and said["attach"] == "attach_active"
    assert said["yield"]["array"]["low"] < said["yield"]["array"]["value"] < said["yield"]["array"]["high"]
    assert said["yield"]["package"]["value"] == said["yield"]["array"]["value"]
    needed = {one["name"]: one for one in said["accuracies"]}
    assert 0.3 < needed["all"]["needed"] < 10
    assert needed["all"]["low"] <= needed["all"]["needed"] <= needed["all"]["high"]
    rows = list(csv.DictReader(table.open()))
    assert [row["port"] for row in rows] == [fibre["port"] for fibre in said["fibres"]]
    assert float(rows[0]["roll_deg_sigma_dB"]) > float(rows[3]["roll_deg_sigma_dB"]), "roll hurts the outer fibre"
    assert said["connectors"]["pairs"] == 4 and said["bumps"]["pitch_um"] > 0
    assert any("middle of the channels" in note for note in said["notes"])


def test_a_worse_sheet_gives_less_and_a_person_reads_it(
    small: tuple[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    picture, page = tmp_path / "tolerance.png", tmp_path / "tolerance.html"
    more = ("--picture", str(picture), "--html", str(page))
    assert run(asked(small, "--attach", "attach_passive", "--yield", "90", *more)) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "small: fibre attach</h1>" in page.read_text("utf-8")
    text = capfd.readouterr().out
    assert (
        "sheet attach_passive" in text and "largest standard deviation with which 90 % of the arrays are good" in text
    )
    assert "none: however good this one is" in text, "a spot of 4 um forgives passive alignment too little"


def test_lanes_keep_their_margin_where_that_is_asked(
    small: tuple[str, str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def known(prepared: analysis.Prepared, *_: object, **__: object) -> dict[str, object]:
        lanes = [
            SimpleNamespace(engine=one.engine, port=1, far_engine=one.engine, far_port=1, margin_dB=2.0 + one.channel)
            for one in prepared.simulation.lanes
            if one.direction == "tx"
        ]
        return {prepared.spec.production.state: SimpleNamespace(budget=SimpleNamespace(lanes=lanes))}

    monkeypatch.setattr(analysis, "operate", known)  # the heat of the package is not what is looked at
    assert run(asked(small, "--margin", "--yield", "95", "--json")) == 0
    said = json.loads(capfd.readouterr().out)
    assert said["limit"] == "every lane keeps a margin of 0 dB"
    ways = {way["name"]: way for way in said["ways"]}
    assert set(ways) == {"laser_1 + tx_1", "rx_1"}
    assert ways["laser_1 + tx_1"]["allowed_dB"] == ways["rx_1"]["allowed_dB"] == 3.0
    assert ways["rx_1"]["good"] >= ways["laser_1 + tx_1"]["good"], "two fibres lose more than one"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--attach", "attach_activ"), 'unknown part "attach_activ"; did you mean "attach_active"?'),
        (("--attach", "mpo_connector"), "mpo_connector is a connector, an attach needed"),
        (("--engine", "nothing"), "--engine nothing: no such engine"),
        (("--limit", "0"), "may lose 0 dB more, a number above 0 needed"),
        (("--limit", "nan"), "may lose nan dB more"),
        (("--limit", "1", "--margin"), "say two limits"),
        (("--yield", "100"), "above 0 and below 100 needed"),
        (("--yield", "99.9"), "400 samples can't tell whether 99.9 % of the fibre arrays are good, 3688 needed"),
        (("--samples", "0"), "samples is 0, 10 to 1000000 allowed"),
        (("--samples", "100000000000"), "samples is 100000000000, 10 to 1000000 allowed"),
        (("--seed", "-1"), "seed is -1, 0 to"),
    ],
)
def test_what_it_refuses_is_one_line(
    small: tuple[str, str], more: tuple[str, ...], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    start = asked(small) if more[0] == "--engine" else ["tolerance", small[0], "--samples", "400"]
    assert run([*start, *more]) == 2
    said = capfd.readouterr()
    assert not said.out
    lines = [line for line in said.err.splitlines() if line.startswith("cpo: ")]
    assert len(lines) == 1 and words in lines[0], said.err

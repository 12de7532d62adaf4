"""`cpo budget`: what it prints, its exit codes, its files, and what it refuses. One small package, drawn once."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from cpo_pdk.analysis import operate, prepare
from cpo_pdk.assemblies import write_package
from cpo_pdk.cli.app import run
from cpo_pdk.spec import load_sheets, parse_spec

TEXT = (Path(__file__).parents[1] / "bench.yaml").read_text("utf-8").replace("name: bench", "name: small")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Spec and layout of one engine with two fibres of eight wavelengths each way.

    A command works in a fork of this process: what the models keep of eyes and heaters is made here, once for all.
    """
    folder = tmp_path_factory.mktemp("budget")
    spec = folder / "small.yaml"
    spec.write_text(TEXT, "utf-8")
    gds = Path(write_package(parse_spec(TEXT), folder, load_sheets()).package_gds)
    operate(prepare(gds, spec), transient=False)
    return spec, gds


def asked(more: str, tmp_path: Path) -> str:
    """The spec with more said in it: keys of `link`, or lines at its end."""
    file = tmp_path / "small.yaml"
    link = more.startswith(",")
    file.write_text(
        TEXT.replace("laser_connectors: 1}", f"laser_connectors: 1{more}}}") if link else TEXT + more, "utf-8"
    )
    return str(file)


def document_of(arguments: list[str], capfd: pytest.CaptureFixture[str], code: int = 0) -> dict:
    capfd.readouterr()
    assert run(["budget", *arguments, "--state", "cold", "--json"]) == code, capfd.readouterr().err
    return json.loads(capfd.readouterr().out)


def test_figures_ranking_and_waterfall_agree(
    small: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spec, gds = small
    table = tmp_path / "lanes.csv"
    arguments = [str(gds), "--spec", str(spec), "--lane", "N1/tx_1/3", "--worst", "4", "--csv", str(table)]
    found = document_of(arguments, capfd)
    assert (found["package"], found["lanes"], found["state"], found["modulation"]) == ("small", 16, "cold", "PAM4")
    assert [lane["margin_dB"] for lane in found["worst"]] == sorted(lane["margin_dB"] for lane in found["worst"])
    assert found["worst"][0]["margin_dB"] == found["margin_dB"]["min"] <= found["margin_dB"]["median"]
    assert found["states"] == {"cold": found["margin_dB"]}
    assert len(found["worst"]) == 4 and found["worst"][0]["name"] == found["margin_dB"]["worst_lane"]
    has, needed = found["laser"]["has"], found["laser"]["needed"]
    assert (has["per_wavelength_dBm"], has["fibre_dBm"], has["elsfp_class"]) == (17.0, 26.0309, "SHP")
    assert abs(sum(cost["share"] for cost in found["costs_dB"]) - 1) < 0.01
    (steps,) = found["waterfalls"].values()
    # less light loses less to itself: the laser may fall by the margin and at most by what is lost to that
    own = -sum(step["change_dB"] for step in steps if step["name"] == "two-photon absorption")
    assert 0 <= has["fibre_dBm"] - needed["fibre_dBm"] - found["margin_dB"]["min"] <= own + 0.2
    assert steps[0]["name"] == "laser" and {"extinction", "psr", "photodetector_dual"} <= {s["name"] for s in steps}
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 16 and {row["state"] for row in rows} == {"cold"}
    lane = next(row for row in rows if (row["port"], row["channel"]) == ("1", "3"))
    at_detector = [step for step in steps if step["kind"] != "penalty"][-1]["level_dBm"]
    assert abs(at_detector - float(lane["oma_rx_dBm"])) < 1e-3
    assert min(float(row["margin_dB"]) for row in rows) == found["margin_dB"]["min"]


def test_people_read_tables(small: tuple[Path, Path], capfd: pytest.CaptureFixture[str]) -> None:
    spec, gds = small
    assert run(["budget", str(gds), "--spec", str(spec), "--state", "cold", "--lane", "engine_N1/tx_2/8"]) == 0
    out, _ = capfd.readouterr()
    assert "worst lanes" in out and "what costs most" in out and "laser for 0 dB margin" in out
    assert "engine_N1/tx_2/8" in out and "ring_modulator" in out and "far: " in out


@pytest.mark.parametrize(("margin", "code", "word"), [(1.0, 0, "holds"), (30.0, 1, "is missed")])
def test_a_required_margin_is_a_gate(
    small: tuple[Path, Path],
    margin: float,
    code: int,
    word: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    spec = asked(f"require:\n  margin_dB: {margin}\n", tmp_path)
    found = document_of([str(small[1]), "--spec", spec], capfd, code)
    (gate,) = found["gates"]
    assert (gate["key"], gate["limit"], gate["holds"], found["holds"]) == ("margin_dB", margin, code == 0, code == 0)
    lines = Path(spec).read_text("utf-8").splitlines()
    assert gate["line"] == f"small.yaml:{len(lines)}"
    assert run(["budget", str(small[1]), "--spec", spec, "--state", "cold"]) == code
    out, err = capfd.readouterr()
    assert f"margin_dB {margin:g} {word}" in out
    assert ("no laser class" in err) == (code == 1)


@pytest.mark.parametrize(
    ("more", "arguments", "says"),
    [
        ("", ["--lane", "N1/tx_3/1"], "no such lane"),
        ("", ["--lane", "nothing"], "there are 16"),
        (", pre_fec_BER: 2", [], "pre_fec_BER = 2 is above the limit 0.1"),
        (", parts: {laser: els_dbf}", [], 'did you mean "els_dfb"'),
        ("", ["--csv", "missing/lanes.csv"], "missing"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    small: tuple[Path, Path],
    more: str,
    arguments: list[str],
    says: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    spec = asked(more, tmp_path)
    error = document_of([str(small[1]), "--spec", spec, *arguments], capfd, code=2)["error"]
    assert says in error["message"] and error["message"].count("\n") == 0


def test_a_layout_without_its_spec_asks_for_it(small: tuple[Path, Path], capfd: pytest.CaptureFixture[str]) -> None:
    error = document_of([str(small[1])], capfd, code=2)["error"]
    assert "--spec" in error["message"]


def test_every_load_is_in_the_table(
    small: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "lanes.csv"
    capfd.readouterr()
    arguments = ["budget", str(small[1]), "--spec", str(small[0]), "--state", "idle", "--csv", str(table), "--json"]
    assert run(arguments) == 0, capfd.readouterr().err
    found = json.loads(capfd.readouterr().out)
    rows = list(csv.DictReader(table.open()))
    assert list(found["states"]) == ["idle", "typical", "full"] and found["state"] == "idle" and len(rows) == 3 * 16
    for name, margins in found["states"].items():
        assert min(float(row["margin_dB"]) for row in rows if row["state"] == name) == margins["min"]
    assert found["margin_dB"] == found["states"]["idle"]


def test_the_document_warns_of_what_people_are_warned_of(
    small: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "small.yaml"
    spec.write_text(TEXT.replace("  modulation: PAM4\n", "  modulation: PAM4\n  heater_max_mW: 1\n"), "utf-8")
    capfd.readouterr()
    assert run(["budget", str(small[1]), "--spec", str(spec), "--json"]) == 0
    out, err = capfd.readouterr()
    said = [line.removeprefix("warning: ") for line in err.splitlines() if line.startswith("warning: ")]
    assert json.loads(out)["warnings"] == said
    assert any("can't be held on a channel" in line for line in said)

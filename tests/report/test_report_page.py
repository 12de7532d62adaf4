"""The page: one file, no network, every name escaped, the same bytes twice."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cpo_pdk.circuit.results import LossItem, SimulationResult
from cpo_pdk.report.data import ReportData
from cpo_pdk.report.viewer import embedded_json
from cpo_pdk.report.write import write_report
from cpo_pdk.verify.findings import CheckResult, Verdict

FILES = ["crosstalk.png", "engine.png", "insertion_loss.png", "package.png", "report.html", "spectra.png"]
VOID = {"meta", "img", "input", "br", "hr", "link"}


class Reader(HTMLParser):
    """Collects tags, scripts and addresses, and complains about elements that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for key, value in attrs:
            if key in ("src", "href", "xlink:href", "action"):
                self.addresses.append(value or "")
            if key == "id":
                self.ids.append(value or "")
            if key.startswith("on"):
                self.handlers.append(key)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"


@pytest.fixture
def folder(report_data: ReportData, tmp_path: Path) -> Path:
    write_report(report_data, tmp_path)
    return tmp_path


def test_all_files_are_there_and_the_page_is_small(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == FILES
    assert (folder / "report.html").stat().st_size < 6_000_000


def test_the_page_is_well_formed_and_loads_nothing(folder: Path) -> None:
    reader = Reader((folder / "report.html").read_text())
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert reader.handlers == []
    assert all(a.startswith(("#", "data:image/png;base64,")) for a in reader.addresses), reader.addresses
    inner = {a[1:] for a in reader.addresses if a.startswith("#")}
    assert inner <= set(reader.ids)


def test_the_policy_allows_the_two_scripts(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy and "default-src 'none'" in policy[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 2
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert "script-src " + " ".join(f"'sha256-{digest}'" for digest in digests) + ";" in policy[1]


def test_names_out_of_a_layout_are_text(folder: Path) -> None:
    text = (folder / "report.html").read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; $x$" in text


def test_json_in_the_page_cannot_end_its_script() -> None:
    evil = {"</script><script>alert(1)": "<!--"}
    text = embedded_json(evil)
    assert not set(text) & set("<>&")
    assert json.loads(text) == evil


def test_two_reports_of_one_package_have_the_same_bytes(report_data: ReportData, folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    write_report(report_data, again)
    for name in FILES:
        assert (folder / name).read_bytes() == (again / name).read_bytes(), name


def test_the_page_says_what_the_numbers_are(folder: Path, report_data: ReportData) -> None:
    text = (folder / "report.html").read_text()
    for said in ("51.2", "1 violation<", "12,345 shapes", "678 ports", "half a channel", "between two processes"):
        assert said in text, said
    assert report_data.arithmetic[0] in text
    assert text.count("<tr><td>engine_") >= len(report_data.simulation.lanes)


def test_losses_of_a_lane_are_summed_by_kind_of_device(report_data: ReportData, tmp_path: Path) -> None:
    kinds = ("straight", "mmi1x2", "straight", "-", "mmi1x2", "heater", *"abcdef")
    items = tuple(LossItem(str(n), kind, kind, 0, 0, "o1>o2", 1.25 / (n + 1)) for n, kind in enumerate(kinds))
    lane = dataclasses.replace(report_data.simulation.lanes[0], items=items)
    result = dataclasses.replace(report_data.simulation, lanes=(lane,))
    text = write_report(dataclasses.replace(report_data, simulation=result), tmp_path).read_text()
    said = re.findall(r"In dB by kind of device: ([^<]*)\.</p>", text)[0]
    assert said.startswith("straight 1.67 (2 of them), mmi1x2 0.88 (2 of them), heater 0.21, a 0.18, ")
    assert said.endswith("all others 0.22"), "e and f"
    numbers = [float(v) for v in re.findall(r" (\d+\.\d+)", said)]
    assert sum(numbers) == pytest.approx(sum(item.loss_dB for item in items if item.cell != "-"), abs=0.04)


@pytest.mark.parametrize(
    ("point", "said"),
    [
        (
            {"V_one": 3, "V_zero": 0, "detuning_nm": -0.0345, "extinction_min_dB": 5.1, "extinction_max_dB": 5.3},
            "level one at 3 V, level zero at 0 V, laser 0.0345 nm below the resonance at 0 V, "
            "extinction 5.10 to 5.30 dB",
        ),
        (
            {"V_one": -2, "V_zero": 2, "heater_min_mW": 13.94, "heater_max_mW": 13.94}
            | {"extinction_min_dB": 3.99, "extinction_max_dB": 3.99},
            "level one at -2 V, level zero at 2 V, heater at 13.9 mW, extinction 3.99 dB",
        ),
    ],
)
def test_the_operating_point_is_told_in_words(
    report_data: ReportData, tmp_path: Path, point: dict[str, float], said: str
) -> None:
    result = dataclasses.replace(report_data.simulation, modulator=point)
    text = write_report(dataclasses.replace(report_data, simulation=result), tmp_path).read_text()
    assert f"Operating point of the modulators: {said}." in text


def test_kinds_of_fibres_that_are_not_there_are_not_counted(report_data: ReportData, tmp_path: Path) -> None:
    changed = dataclasses.replace(report_data, fibres={"tx": 8, "loopback": 0, "total": 8}, engines=1)
    text = write_report(changed, tmp_path).read_text()
    assert "<em>8 tx</em>" in text and "loopback" not in text.split('id="package"')[0].split("<main>")[1]
    assert "<em>1 engine</em>" in text and "placed 1 time." in text


def test_a_lane_that_nothing_disturbs_has_no_level(report_data: ReportData, tmp_path: Path) -> None:
    alone = dataclasses.replace(report_data.simulation.lanes[0], crosstalk_dB=-200.0, aggressors=())
    result = dataclasses.replace(report_data.simulation, lanes=(alone,))
    text = write_report(dataclasses.replace(report_data, simulation=result), tmp_path).read_text()
    assert ">none</td>" in text and ">-200" not in text


def test_a_result_without_lanes_is_still_a_page(report_data: ReportData, tmp_path: Path) -> None:
    empty = dataclasses.replace(report_data, simulation=SimulationResult((), (), {}))
    text = write_report(empty, tmp_path).read_text()
    assert Reader(text).open == []
    assert "No receive lanes" in text


def test_a_check_that_saw_nothing_is_not_clean(report_data: ReportData) -> None:
    blind = dataclasses.replace(report_data, verdict=Verdict("x.gds", (CheckResult((), (), 0),)))
    assert not blind.clean

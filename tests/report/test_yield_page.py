"""The page, pictures and document of a production: complete, finite, safe, the same again, and true to the numbers."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.report.scales import deviation_scale, heater_scale, share_scale
from cpo_pdk.report.yield_files import write_yield
from cpo_pdk.report.yield_json import plain, yield_document
from cpo_pdk.report.yield_page import engine_rows, rings_data, wafer_data, yield_html
from cpo_pdk.report.yield_plots import engine_boxes, enlargement, killer_level
from cpo_pdk.report.yield_section import Bar, cost_rows, killer_lines, tiles
from cpo_pdk.report.yield_words import interval_words, number, percent
from cpo_pdk.yields.results import Interval, YieldResult

_FILE = Path(__file__).with_name("yield_sample.py")
_SPEC = importlib.util.spec_from_file_location("yield_sample", _FILE)
assert _SPEC and _SPEC.loader
yield_sample = importlib.util.module_from_spec(_SPEC)
sys.modules["yield_sample"] = yield_sample
_SPEC.loader.exec_module(yield_sample)

EVIL = "<script>alert(1)</script>"
_VOID = {"meta", "input", "br", "img", "link", "hr"}


class Balance(HTMLParser):
    """Collects ids, links, and tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for key, value in attrs if key in ("href", "src", "xlink:href") and value]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def result() -> YieldResult:
    return yield_sample.yield_sample()


@pytest.fixture(scope="module")
def page(result: YieldResult) -> str:
    return yield_html(result, {"rings": b"r", "wafer": b"w"})


def test_files(result: YieldResult, tmp_path: Path) -> None:
    write_yield(result, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"yield.html", "yield.json", "killers.png", "margins.png", "wafer.png", "rings.png"}
    assert all((tmp_path / name).read_bytes()[:4] == b"\x89PNG" for name in names if name.endswith(".png"))
    assert json.loads((tmp_path / "yield.json").read_text("utf-8")) == yield_document(result)


def test_the_page_is_whole_and_needs_nothing_else(page: str) -> None:
    seen = Balance(page)
    assert not seen.open and not seen.wrong
    assert len(seen.ids) == len(set(seen.ids))
    outside = [link for link in seen.links if not link.startswith(("#", "data:image/png;base64,"))]
    assert outside == ["yield.json"]
    assert {link[1:] for link in seen.links if link.startswith("#")} <= set(seen.ids)
    assert "://" not in re.sub(r"http://www.w3.org/[\w/]*", "", page)


def test_the_policy_names_exactly_the_scripts_of_the_page(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    found = ["sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert found == re.findall(r"'(sha256-[^']*)'", policy[1])
    assert "default-src 'none'" in policy[1] and "unsafe-eval" not in policy[1]


def test_the_same_result_gives_the_same_page(result: YieldResult, page: str) -> None:
    assert yield_html(yield_sample.yield_sample(), {"rings": b"r", "wafer": b"w"}) == page
    assert result.package.value == 0.3


def test_names_are_escaped_and_no_number_is_none() -> None:
    odd = _odd()
    assert odd.rings
    rings = replace(odd.rings, engine=tuple(EVIL for _ in odd.rings.engine))
    evil = replace(odd, name=EVIL, notes=(EVIL,), rings=rings)
    text = yield_html(evil, {"rings": b"", "wafer": b""})
    assert EVIL not in text and "&lt;script&gt;" in text and "NaN" not in text and "nan %" not in text


def test_what_the_page_says(page: str, result: YieldResult) -> None:
    for words in ("30.0 %", "24.1 to 36.7 %", "alignment of the fibre arrays", "placeholder", "25 % is missed"):
        assert words in page, words
    assert result.cost
    assert f"{result.cost.USD_Tbps:.1f} USD" in page
    assert page.count('<span class="placeholder">') == 2  # the one price that nobody quoted, and the legend


def test_nothing_but_the_yields() -> None:
    bare = replace(
        yield_sample.yield_sample(good=0, gate=None),
        **{"killers": (), "spares": (), "life": (), "margins": (), "losses": (), "notes": (), "seconds": {}},
        rings=None,
        wafer=None,
        asked=1000,
    )
    text = yield_html(bare, {"rings": b"", "wafer": b""})
    seen = Balance(text)
    assert not seen.open and not seen.wrong
    assert {link[1:] for link in seen.links if link.startswith("#")} <= set(seen.ids)
    assert "a partial result" in text and "No package of these samples is good" in text
    assert "Rings held" not in text and 'id="rings"' not in text and 'id="causes"' not in text


def test_files_without_rings_wafer_and_killers(tmp_path: Path) -> None:
    bare = replace(yield_sample.yield_sample(good=0), rings=None, wafer=None, killers=(), margins=(), losses=())
    write_yield(bare, tmp_path)
    assert len(list(tmp_path.iterdir())) == 6


def test_numbers_that_are_none_become_null() -> None:
    text = json.dumps(yield_document(_odd()), allow_nan=False)
    assert json.loads(text)["ring"]["value"] is None and json.loads(text)["wafer"]["shift_nm"][0] is None
    with pytest.raises(TypeError, match="object"):
        plain(object())


def _odd() -> YieldResult:
    wafer = yield_sample.yield_sample().wafer
    assert wafer
    wafer.shift_nm[0] = np.nan
    return replace(yield_sample.yield_sample(), wafer=wafer, ring=Interval(np.nan, -np.inf, np.inf))


def test_document_has_every_field(result: YieldResult) -> None:
    document = yield_document(result)
    assert document["package"]["value"] == pytest.approx(result.package.value)
    assert document["margins"][0]["quantiles"]["50"] == pytest.approx(result.margins[0].quantiles[50.0])
    assert sum(document["margins"][0]["counts"]) == 4000
    assert [line["name"] for line in document["cost"]["lines"]] == ["switch die", "fibre arrays", "connectors"]


def test_killers_are_told_by_engines_where_no_package_works() -> None:
    dead = yield_sample.yield_sample(good=0)
    level, pairs = killer_level(dead.killers)
    assert level == "packages"  # a fixed cause still brings some back
    same = tuple(replace(killer, fixed_yield=killer.baseline) for killer in dead.killers)
    level, pairs = killer_level(same)
    assert level == "engines" and pairs[0][1].value == 0.9
    only_packages = tuple(replace(killer, engine_fixed=None, lane_fixed=None) for killer in same)
    assert killer_level(only_packages)[0] == "packages"
    words, lines = killer_lines(replace(dead, killers=same))
    assert words == "engines" and lines[0].base.value == "80.0 %" and lines[0].fixed.value == "90.0 %"


def test_tiles_tell_the_worst_cause_and_the_gate(result: YieldResult) -> None:
    found = {tile.label: tile for tile in tiles(result)}
    assert found["Packages as made"].bad and "at least 25 % required" in found["Packages as made"].note
    assert found["Worst cause"].value == "+20.0" and "50.0 % of packages" in found["Worst cause"].note
    assert "After 3 years" in found


def test_costs_are_in_order_and_fill_their_bars(result: YieldResult) -> None:
    rows = cost_rows(result)
    assert [row.name for row in rows] == ["switch die", "fibre arrays", "connectors"]
    assert rows[0].bought_at + rows[0].scrap_at == pytest.approx(100)
    assert all(0 <= row.bought_at + row.scrap_at <= 100 for row in rows)


def test_engines_of_the_map(result: YieldResult) -> None:
    assert result.rings
    rows = engine_rows(result.rings)
    assert [row[:2] for row in rows] == [("engine_N1", 6), ("engine_S1", 6)]
    assert rows[1][3] == "89.0 %"
    data = rings_data(result.rings)
    assert data and data["names"][0] == "tx_1/unit_1/modulator" and data["engine"] == [0] * 6 + [1] * 6


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=8, unique=True))
def test_enlarged_engines_stay_apart(middles: list[tuple[int, int]]) -> None:
    boxes = {str(k): (x - 0.3, y - 0.2, x + 0.3, y + 0.2) for k, (x, y) in enumerate(middles)}
    factor = enlargement(boxes)
    assert 1 <= factor <= 12
    for index, (x, y) in enumerate(middles):
        for u, v in middles[:index]:
            assert abs(x - u) >= 0.6 * factor - 1e-9 or abs(y - v) >= 0.4 * factor - 1e-9


def test_boxes_hold_their_rings(result: YieldResult) -> None:
    assert result.rings
    for name, (left, bottom, right, top) in engine_boxes(result.rings).items():
        own = np.array(result.rings.engine) == name
        assert np.all((result.rings.x[own] > left) & (result.rings.x[own] < right))
        assert np.all((result.rings.y[own] > bottom) & (result.rings.y[own] < top))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.floats(0, 1))
def test_per_cents_never_say_all_or_none_of_what_is_neither(share: float) -> None:
    text = percent(share)
    assert text.endswith(" %")
    value = float(text[:-2])
    if 1e-9 < share < 1 - 1e-9:
        assert 0 < value < 100
    assert abs(value / 100 - share) <= 0.05 * min(share, 1 - share) + 0.0005


def test_words() -> None:
    assert percent(0.999953) == "99.9953 %" and percent(0) == "0 %" and percent(1) == "100 %"
    assert percent(float("nan")) == "-" and number(float("inf")) == "-" and number(0) == "0"
    assert number(1234.5) == "1,234" and number(0.01234) == "0.0123" and number(1.5e-7) == "1.50e-07"
    assert interval_words(Interval(0.5, 0.4, 0.6)) == "40.0 to 60.0 %"
    bar = Bar.of(Interval(0.5, -0.1, 1.4))
    assert (bar.low, bar.high) == (0, 100)


def test_scales() -> None:
    assert share_scale([0.99, 1.0]).low == 90 and share_scale([0.2]).low == 20
    around = deviation_scale([-3.0, 1.0], "nm")
    assert (around.low, around.high) == (-3, 3)
    assert heater_scale([]).high > heater_scale([]).low
    assert deviation_scale([], "nm").high > 0


def test_no_shift_where_there_are_no_rings(result: YieldResult) -> None:
    assert result.wafer
    data = wafer_data(replace(result.wafer, shift_nm=np.zeros_like(result.wafer.shift_nm)))
    assert data and list(data["values"]) == list(data["scales"]) == ["good", "width_nm", "thickness_nm"]
    data = wafer_data(result.wafer)
    assert (
        data
        and "shift_nm" in data["values"]
        and max(data["values"]["good"]) == pytest.approx(100 * result.wafer.good.max(), abs=1e-4)
    )

"""The page of a study: whole, safe, true to the numbers; links lead to what was built."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from cpo_pdk.report.explore_data import Axis, Built, Exploration, Limit, Point
from cpo_pdk.report.explore_page import explore_html, limit_words, plot_data, short

EVIL = "<script>alert(1)</script>"
_VOID = {"meta", "input", "br", "img", "link", "hr"}
ENERGY = Axis("energy_pJ_bit", "pJ/bit", "energy of the optics a bit", direction="minimize")
MARGIN = Axis("margin_dB", "dB", "margin of the worst lane", direction="maximize")
HEAT = Axis("engine_C", "C", "hottest spot of an engine")
RADIUS = Axis("radius", "um", "radius of the modulator", "engine.devices.modulator.geometry.radius", low=6.0, high=7.0)
COMB = Axis("comb", choices=("8x8", "4x16"))


class Balance(HTMLParser):
    """Tags that are not closed in order, ids and links inside the page."""

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


def _point(number: int, energy: float, margin: float, *, built: Built | None = None, front: bool = False) -> Point:
    values = {"radius": 6.0 + number / 10, "comb": "8x8" if number % 2 else "4x16"}
    measures = {"energy_pJ_bit": energy, "margin_dB": margin, "engine_C": 50.0 + number}
    feasible = margin >= 1
    broken = () if feasible else ("margin_dB",)
    reason = "" if feasible else f"margin_dB {margin:g} dB, at least 1 dB wanted"
    return Point(
        number, f"{number:032x}", 0, values, measures, "feasible" if feasible else "violates", "done",
        reason=reason, broken=broken, front=front, built=built,
    )  # fmt: skip


def _built(number: int, clean: bool = True) -> Built:
    name = f"s_{number:04d}"
    return Built(name, f"designs/{name} #1", "report.html", f"{name}.gds", {}, clean, "" if clean else "drc: 2 found")


def _sample() -> Exploration:
    """Front 1 and 2; 3 is dominated; 4 breaks the limit; 5 gets no light at all; 6 can't be made; 7 fails a check."""
    points = (
        _point(1, 4.0, 1.0, built=_built(1), front=True),
        _point(2, 6.0, 3.0, built=_built(2), front=True),
        _point(3, 6.5, 2.0),
        _point(4, 3.0, 0.5),
        _point(5, 3.5, -99.0),
        Point(6, "6" * 32, 1, {"radius": 6.6, "comb": "8x8"}, {}, "refused", "plan", reason="no room on side north"),
        _point(7, 5.0, 2.9, built=_built(7, clean=False)),
    )
    return Exploration(
        name="study",
        base="switch",
        sampler="tpe",
        seed=1,
        variables=(RADIUS, COMB),
        objectives=(ENERGY, MARGIN),
        measures=(HEAT, ENERGY, MARGIN),
        limits=(Limit("margin_dB", 1.0, None, "study", kept_out=2, alone=2),),
        points=points,
        front=(1, 2),
        asked=7,
        hypervolume=(0.1, 0.4),
        ideal=(4.0, 3.0),
        nadir=(6.5, 1.0),
        difference={"margin_dB": 0.02},
        notes=("the search looks at one engine",),
        digest="cd" * 16,
        seconds={"search": 2.0},
    )


@pytest.fixture(scope="module")
def page() -> str:
    return explore_html(_sample())


def _data(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_whole_and_alone(page: str) -> None:
    seen = Balance(page)
    assert not seen.open and not seen.wrong and len(seen.ids) == len(set(seen.ids))
    assert {link[1:] for link in seen.links if link.startswith("#")} <= set(seen.ids)
    text = page.replace('"http://www.w3.org/2000/svg"', "")
    assert "://" not in re.sub(r"http://www.w3.org/[\w/]*", "", text)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = ["sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert hashes == re.findall(r"'(sha256-[^']*)'", page)


def test_links_lead_to_the_built_designs(page: str) -> None:
    seen = Balance(page)
    files = [link for link in seen.links if not link.startswith(("#", "data:"))]
    assert "designs/s_0001%20%231/report.html" in files and "designs/s_0002%20%231/s_0002.gds" in files
    assert not any("s_0003" in link for link in files)


def test_what_it_says(page: str) -> None:
    for words in (
        "2 on the front",
        "margin of the worst lane at least 1 dB",
        "no room on side north",
        "drc: 2 found",
        "the search looks at one engine",
    ):
        assert words in page, words
    assert "4 keep all limits, 2 break a limit, 1 can&#39;t be made" in page
    best = re.findall(r'<td class="n best">([^<]*)</td>', page)
    assert best == ["4.000", "3.000"]


def test_the_plot_has_every_computed_design_and_only_numbers() -> None:
    sample = _sample()
    data = plot_data(sample, [ENERGY, MARGIN, HEAT])
    assert [axis["name"] for axis in data["axes"]] == ["energy_pJ_bit", "margin_dB", "engine_C", "radius", "comb"]
    points = {row[0]: row for row in data["points"]}
    assert set(points) == {1, 2, 3, 4, 5, 7}  # 6 was never computed
    assert points[5][-1][1] is None  # no light is no number
    assert points[1][-1] == [4.0, 1.0, 51.0, 6.1, 0]
    assert data["axes"][4]["names"] == ["8x8", "4x16"]
    json.dumps(data, allow_nan=False)


def test_numbers_that_are_none_stay_out_of_the_page() -> None:
    sample = _sample()
    odd = replace(sample.points[2], measures={"energy_pJ_bit": math.nan, "margin_dB": math.inf})
    text = explore_html(replace(sample, points=(*sample.points[:2], odd, *sample.points[3:])))
    assert not re.search(r"NaN|Infinity", json.dumps(_data(text)))  # Python reads them, browsers don't


def test_without_a_front_it_says_what_kept_designs_out() -> None:
    sample = _sample()
    points = tuple(replace(point, front=False) for point in sample.points)
    text = explore_html(replace(sample, points=points, front=(), complete=False, hypervolume=(), difference={}))
    assert "stopped before any was built" in text and "Stopped before it was done" in text
    whole = explore_html(replace(sample, points=points, front=(), hypervolume=(), difference={}))
    assert "no design is left" in whole and "see what kept them out" in whole
    assert 'id="search"' not in text and ">1</td><td>no room on side north" in text


def test_one_objective_and_no_points() -> None:
    sample = replace(_sample(), objectives=(ENERGY,), ideal=(4.0,))
    assert Balance(explore_html(sample)).wrong == []
    empty = replace(_sample(), points=(), front=(), ideal=(), nadir=(), limits=())
    text = explore_html(empty)
    assert "No limits were set" in text and not Balance(text).open


def test_the_same_again_and_escaped(page: str) -> None:
    assert explore_html(_sample()) == page
    sample = _sample()
    evil = replace(sample.points[5], reason=EVIL, values={"radius": 6.0, "comb": EVIL})
    text = explore_html(replace(sample, name=EVIL, notes=(EVIL,), points=(*sample.points[:5], evil)))
    assert EVIL not in text


def test_words() -> None:
    assert limit_words(Limit("x", 1.0, 2.0, ""), []) == "x at least 1 and at most 2"
    assert short("") == "" and short("a\nb") == "a" and len(short("x" * 1000)) == 300

"""The page of a verdict: pictures at the right place, names that steer nothing, nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.errors import InputError, LayoutError
from cpo_pdk.report.check_files import write_report
from cpo_pdk.report.check_page import check_page
from cpo_pdk.report.check_page_picture import SHAPE_LIMIT, picture
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.findings import CheckResult, Comparison, Verdict, Violation, Waived

HOSTILE = "<script>alert(1)</script>\"'`&\x1b[31m\n\u202e{{ 7 * 7 }}"


@pytest.fixture
def layout(tmp_path):
    """Two bars 0.1 um apart in a cell that is placed turned and twice, a ring beside them, and a fibre in the top."""
    made = kdb.Layout()
    top, cell, inner = (made.create_cell(name) for name in ("top", "cell", "inner"))
    wg, fiber = (made.layer(*layer_of(name)) for name in ("WG", "FIBER"))
    cell.shapes(wg).insert(kdb.DBox(0, 0, 10, 1))
    cell.shapes(wg).insert(kdb.DBox(0, 1.1, 10, 2))
    ring = kdb.DPolygon.ellipse(kdb.DBox(-2, -2, 2, 2), 64)
    ring.insert_hole(list(kdb.DPolygon.ellipse(kdb.DBox(-1, -1, 1, 1), 64).each_point_hull()))
    inner.shapes(wg).insert(ring)
    cell.insert(kdb.DCellInstArray(inner.cell_index(), kdb.DTrans(kdb.DVector(5, 4))))
    for y in (0, 100):
        top.insert(kdb.DCellInstArray(cell.cell_index(), kdb.DTrans(1, False, 0, y)))
    top.shapes(fiber).insert(kdb.DBox(0, 200, 1000, 325))
    path = tmp_path / "x.gds"
    made.write(str(path))
    return path


SPACE = Violation("WG.S", "WG", "cell", (4.0, 1.0, 6.0, 1.1), "space 0.1 um, limit 0.12 um; move them apart", 2)


def _verdict(*violations):
    rules = tuple(dict.fromkeys(v.rule for v in violations)) or ("WG.W",)
    return Verdict("x.gds", (CheckResult(tuple(sorted(violations)), rules, 9),), top="top")


class _Page(HTMLParser):
    """Tags with attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def _numbers(text):
    return [float(value) for value in re.findall(r"-?\d+(?:\.\d+)?", text)]


def test_the_box_of_the_picture_lies_in_the_gap(layout):
    drawn = picture(read_layout(layout).layout, SPACE, "t")
    assert drawn is not None and drawn.layers == ("WG",) and not drawn.note
    tags = _Page(drawn.svg).tags
    _, _, wide, high = _numbers(tags[0][1]["viewbox"])
    (path,) = (attributes["d"] for tag, attributes in tags if tag == "path" and "fill" in attributes)
    contours = [_numbers(part) for part in path.split("M")[1:]]
    boxes = [(min(c[::2]), min(c[1::2]), max(c[::2]), max(c[1::2])) for c in contours]
    assert min(min(b[:2]) for b in boxes) >= 0
    assert max(b[2] for b in boxes) <= wide and max(b[3] for b in boxes) <= high
    marker = next(a for tag, a in tags if tag == "rect" and a["class"] == "marker")
    x, y, width, height = (float(marker[key]) for key in ("x", "y", "width", "height"))
    assert abs(x + width / 2 - wide / 2) <= 1 and abs(y + height / 2 - high / 2) <= 1
    bars = sorted((b for b in boxes if b[2] - b[0] == wide), key=lambda b: b[1])
    upper, lower = bars[0], bars[-1]  # y points down in the picture
    gap = (upper[3] + lower[1]) / 2
    assert abs(gap - high / 2) <= 2
    step = wide * 0.1 / (lower[1] - upper[3])
    assert 5.0 < step < 8.0  # um from side to side: 2 um around a box of 2 x 0.1, and 0.3 of it
    assert len(contours) >= 3  # the ring of the cell inside, which reaches into the window, is there too


def test_a_ring_keeps_its_hole(layout):
    drawn = picture(read_layout(layout).layout, Violation("WG.W", "WG", "inner", (-2, -2, 2, 2), "m"), "t")
    assert drawn is not None
    tags = _Page(drawn.svg).tags
    (path,) = (a["d"] for tag, a in tags if tag == "path" and "fill" in a)
    area = 0.0
    for part in path.split("M")[1:]:
        x, y = np.array(_numbers(part)).reshape(-1, 2).T
        area += (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2  # a hole runs the other way round
    step = 2 * (2 + 2.0 + 0.3 * 4) / 0.9 / _numbers(tags[0][1]["viewbox"])[2]  # um; 0.9: height by width
    assert abs(area) * step**2 == pytest.approx(np.pi * (2**2 - 1**2), rel=0.01)


def test_layers_of_the_package_are_drawn_too(layout):
    drawn = picture(read_layout(layout).layout, Violation("FIBER.W", "FIBER", "top", (0, 200, 10, 210), "m"), "t")
    assert drawn is not None and drawn.layers == ("FIBER",)


@pytest.mark.parametrize("violation", [replace(SPACE, cell="none"), replace(SPACE, bbox=(500.0, 0.0, 501.0, 1.0))])
def test_no_picture_where_nothing_is(layout, violation):
    assert picture(read_layout(layout).layout, violation, "t") is None
    page = check_page(_verdict(violation), layout)
    assert "<svg" not in page and "No pictures" in page and violation.message in page


def test_more_shapes_than_can_be_seen_are_cut_and_it_says_so(tmp_path):
    made = kdb.Layout()
    top = made.create_cell("top")
    wg = made.layer(1, 0)
    for i in range(SHAPE_LIMIT + 10):
        top.shapes(wg).insert(kdb.Box(i * 2, 0, i * 2 + 1, 10))
    drawn = picture(made, Violation("WG.W", "WG", "top", (0, 0, 9, 1), "m"), "t")
    assert drawn is not None and "4,000" in drawn.note


def test_names_are_text(layout):
    bad = Violation(HOSTILE, HOSTILE, HOSTILE, (0, 0, 1, 1), HOSTILE, 3, f"{HOSTILE}:7")
    waived = Waived(bad, HOSTILE, date(2026, 12, 31), HOSTILE, HOSTILE)
    verdict = replace(
        _verdict(SPACE, bad),
        file=HOSTILE,
        top=HOSTILE,
        waived=(waived,),
        notices=(HOSTILE,),
        comparison=Comparison((SPACE.fingerprint,), ("0" * 12,), (bad.fingerprint,), (), (bad,)),
    )
    text = check_page(verdict, layout)
    page = _Page(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.text.count("<script>alert(1)</script>") >= 10 and "49" not in page.text
    assert all(c.isprintable() or c == "\n" for c in text)


def test_nothing_comes_from_elsewhere(layout):
    text = check_page(_verdict(SPACE), layout)
    page = _Page(text)
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert policy is not None and "default-src 'none'" in policy and "script-src" not in policy
    for tag, attributes in page.tags:
        assert tag not in ("link", "script", "iframe", "img", "object", "embed")
        assert (attributes.get("href") or "#").startswith("#") and "src" not in attributes
    assert "url(" not in text and "@import" not in text and "http" not in text.replace("http-equiv", "")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for tag, a in page.tags if tag == "a" and a.get("href")} <= set(ids)


def test_what_the_verdict_says_is_on_the_page(layout):
    blind = CheckResult((), ("LVS.x",), 0, group="lvs", what="parameters")
    absent = CheckResult((), ("ASM.x",), 0, group="assembly", what="parts", not_applicable="an engine, no package")
    verdict = Verdict("x.gds", (*_verdict(SPACE).results, blind, absent), top="top")
    text = _Page(check_page(verdict, layout)).text
    for words in (
        "Looked at nothing",
        "lvs looked at 0 parameters",
        "an engine, no package",
        SPACE.message,
        "in 2 places",
    ):
        assert words in text
    assert 'class="verdict bad"' in check_page(verdict, layout)
    clean = check_page(_verdict(), layout)
    assert 'class="verdict good"' in clean and "<svg" not in clean


def test_a_new_violation_is_pictured_before_an_old_one(layout):
    old = replace(SPACE, bbox=(1.0, 1.0, 2.0, 1.1))
    comparison = Comparison((SPACE.fingerprint,), (), (old.fingerprint,))
    text = check_page(replace(_verdict(old, SPACE), comparison=comparison), layout)
    assert "cell at 4.000, 1.000" in text


def test_the_same_verdict_gives_the_same_bytes_by_suffix(layout, tmp_path):
    first = write_report(_verdict(SPACE), tmp_path / "a.html", layout).read_bytes()
    assert write_report(_verdict(SPACE), tmp_path / "b.HTML", layout).read_bytes() == first
    assert str(tmp_path).encode() not in first
    assert write_report(_verdict(SPACE), tmp_path / "c.html").stat().st_size > 0
    with pytest.raises(InputError, match=r"\.html"):
        write_report(_verdict(SPACE), tmp_path / "a.pdf", layout)
    with pytest.raises(LayoutError):
        write_report(_verdict(SPACE), tmp_path / "d.html", tmp_path / "none.gds")
    assert not (tmp_path / "d.html").exists()

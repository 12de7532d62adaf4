"""Every rule of the package on a drawing that just keeps it and on one that just breaks it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import klayout.db as kdb
import pytest

from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify.assembly.run import ASSEMBLY_KINDS, PARTS, assembly_layout

Change = Callable[[Any], Any]
#: rules that are about what a file or a spec says, tried in the other files here
ELSEWHERE = {
    *("ASM.PARTS", "ASM.COUNT", "ASM.ASIC.GAP", "ASM.PLACE", "ASM.SPARE", "ASM.SHORE.LEN", "ASM.KEEPOUT.ASKED"),
    *("ASM.TRACE", "ASM.INTERPOSER.EN", "ASM.CARRIER.EN", "ASM.CARRIER.S", "ASM.CAPACITORS"),
    *("ASM.CONN.CAPACITY", "ASM.CONN.HALVES", "ASM.CONN.ROW", "ASM.RIBBON.X"),
}


def shift_fibre(number: int, dx: float = 0.0, dy: float = 0.0, *, start: bool = True) -> Change:
    """The first (or last) two points of a fibre moved."""

    def change(small: Any) -> Any:
        fibres = list(small.fibres)
        layer, points = fibres[number]
        points = list(points)
        for k in (0, 1) if start else (-1, -2):
            points[k] = (points[k][0] + dx, points[k][1] + dy)
        fibres[number] = (layer, points)
        return small.with_(fibres=fibres)

    return change


def box(name: str, number: int, left: float = 0, bottom: float = 0, right: float = 0, top: float = 0) -> Change:
    """The sides of one of the boxes of a list moved."""

    def change(small: Any) -> Any:
        boxes = list(getattr(small, name))
        old = boxes[number]
        boxes[number] = (old[0] + left, old[1] + bottom, old[2] + right, old[3] + top)
        return small.with_(**{name: boxes})

    return change


def extra(layer: str, *shape: float, in_engine: bool = False) -> Change:
    return lambda small: small.with_(extra=[*small.extra, (layer, shape, in_engine)])


def both(*changes: Change) -> Change:
    def change(small: Any) -> Any:
        for each in changes:
            small = each(small)
        return small

    return change


def engine(number: int, dx: float, dy: float) -> Change:
    """One engine with its keep-out, fibres and connectors moved."""

    def change(small: Any) -> Any:
        small = small.moved(number, dx, dy)
        small = box("keepouts", number, dx, dy, dx, dy)(small)
        fibres = [
            (layer, [(x + dx, y + (dy if k < 2 else 0)) for k, (x, y) in enumerate(points)])
            if n // 6 == number
            else (layer, points)
            for n, (layer, points) in enumerate(small.fibres)
        ]
        small = small.with_(fibres=fibres)
        for connector in (2 * number, 2 * number + 1):
            small = box("connectors", connector, dx, 0, dx, 0)(small)
        return small

    return change


def tip(number: int, dy: float = 0.0, beyond: float = 0.0) -> Change:
    def change(small: Any) -> Any:
        tips = list(small.tips)
        tips[number] = (tips[number][0] + dy, beyond)
        return small.with_(tips=tips)

    return change


def bump(name: str, number: int, dx: float, dy: float) -> Change:
    def change(small: Any) -> Any:
        bumps = list(getattr(small, name))
        bumps[number] = (bumps[number][0] + dx, bumps[number][1] + dy)
        return small.with_(**{name: bumps})

    return change


def swap(a: int, b: int, *, layers: bool = False) -> Change:
    """The far halves of two fibres exchanged, or only what they are drawn on."""

    def change(small: Any) -> Any:
        fibres = list(small.fibres)
        (layer_a, points_a), (layer_b, points_b) = fibres[a], fibres[b]
        if layers:
            fibres[a], fibres[b] = (layer_b, points_a), (layer_a, points_b)
        else:
            fibres[a] = (layer_a, [*points_a[:20], *points_b[30:]])
            fibres[b] = (layer_b, [*points_b[:20], *points_a[30:]])
        return small.with_(fibres=fibres)

    return change


def turned(number: int, angle: float, *, mirror: bool = False) -> Change:
    """One engine turned about its middle."""

    def change(small: Any) -> Any:
        engines = list(small.engines)
        middle = engines[number] * kdb.DPoint(750, 481)
        there, back = kdb.DCplxTrans(middle.x, middle.y), kdb.DCplxTrans(-middle.x, -middle.y)
        engines[number] = there * kdb.DCplxTrans(1, angle, mirror, 0, 0) * back * engines[number]
        return small.with_(engines=engines)

    return change


def tilted(number: int, degrees: float) -> Change:
    """A fibre that leaves its facet askew: its first stretch of 1000 um ends so much beside."""
    aside = 1000.0 * math.tan(math.radians(degrees))

    def change(small: Any) -> Any:
        fibres = list(small.fibres)
        layer, points = fibres[number]
        (x, y), rest = points[0], points[1:]
        fibres[number] = (layer, [(x, y), (x + aside, y + 1000.0), *[(u + aside, v) for u, v in rest[1:]]])
        return small.with_(fibres=fibres)

    return change


def swung(away: float) -> Change:
    """A fibre of the eastern engine that swings towards a data fibre of the western one: so far from axis to axis."""

    def change(small: Any) -> Any:
        layer, points = small.fibres[-1]
        (x, _), near = points[0], small.fibres[2][1][-1][0] + away
        route = [*points[:2], (x, 40_000.0), (near, 52_000.0), (near, 54_000.0), (x, 59_000.0), points[-1]]
        return small.with_(fibres=[*small.fibres[:-1], (layer, route)])

    return change


def keep(small: Any) -> Any:
    return small


CASES: list[tuple[str, Change, Change, str]] = [
    ("ASM.SHORE", keep, both(engine(0, -600, 0), engine(1, 600, 0)), "8.162 mm of 8 mm of shoreline in the north"),
    ("ASM.SHORE.FACE", engine(1, 520, 0), engine(1, 521, 0), "2 um beside the shoreline in the north"),
    ("ASM.ENGINE.S", engine(1, -4938, 0), engine(1, -4939, 0), "99 um apart, 100 um needed"),
    ("ASM.ASIC.S", engine(0, 0, -2900), engine(0, 0, -2901), "99 um from asic, 100 um needed"),
    ("ASM.ASIC.REACH", engine(0, 0, 47000), engine(0, 0, 47001), "50.001 mm from asic"),
    (
        "ASM.SUBSTRATE.EN",
        lambda s: s.with_(substrate=(-20000, -20000, 20000, 8700)),
        lambda s: s.with_(substrate=(-20000, -20000, 20000, 8699)),
        "199 um from its edge",
    ),
    ("ASM.MIRROR", turned(0, 180), turned(0, 0, mirror=True), "placed mirrored"),
    ("ASM.KEEPOUT", box("keepouts", 0, top=-490), box("keepouts", 0, top=-491), "keep-out of 9 um, 10 um of room"),
    ("ASM.LID", extra("LID", -9000, 4500, 9000, 6750), extra("LID", -9000, 4500, 9000, 6751), "stands in the LID"),
    (
        "ASM.STIFFENER",
        extra("STIFFENER", 3900, 12000, 9000, 14000),
        extra("STIFFENER", 0, 12000, 9000, 14000),
        "6 fibres (fibre from coupler 1 of engine at (3000.000, 7750.000), fibre from coupler 2",
    ),
    (
        "ASM.SOCKET",
        extra("SOCKET", -9000, 4500, 9000, 6500),
        extra("SOCKET", -9000, 20000, 9000, 21000),
        "12 fibres (fibre from coupler 1",
    ),
    (
        "ASM.COLDPLATE",
        extra("COLDPLATE", -6000, -6000, 6000, 8000),
        extra("COLDPLATE", -6000, -6000, 6000, 8001),
        "is under the COLDPLATE",
    ),
    (
        "ASM.ARRAY",
        extra("STIFFENER", -9000, 11000, 9000, 12000),
        extra("STIFFENER", -9000, 10999, 9000, 12000),
        "in the room of the fibre array",
    ),
    ("ASM.FACET.EDGE", tip(0, beyond=-1.0), tip(0, beyond=-1.001), "1.001 um before the edge"),
    (
        "ASM.FACET.CLEAR",
        extra("M2", 1550, 400, 1560, 500, in_engine=True),
        extra("M2", 1549, 400, 1560, 500, in_engine=True),
        "M2 lies in front of the facet",
    ),
    ("ASM.FIBRE.PITCH", shift_fibre(2, 0.5), shift_fibre(2, 0.501), "lie up to 0.501 um beside the couplers"),
    ("ASM.FIBRE.MISSING", keep, lambda s: s.with_(fibres=s.fibres[:-1]), "1 of 6 couplers"),
    ("ASM.FIBRE.GAP", shift_fibre(2, 0, 10.0), shift_fibre(2, 0, 10.001), "end up to 10.001 um before the facet"),
    ("ASM.FIBRE.ANGLE", tilted(5, 0.4), tilted(5, 0.6), "0.6 degrees off the normal"),
    ("ASM.FIBRE.KIND", keep, swap(1, 2, layers=True), "of the wrong kind by the other engines"),
    (
        "ASM.FIBRE.ENDS",
        keep,
        lambda s: s.with_(fibres=[*s.fibres, ("FIBER", [(9000.0, 20000.0), (9000.0, 30000.0)])]),
        "1 fibre (fibre at (9000.000, 20000.000)) without a facet",
    ),
    ("ASM.FIBRE.ORDER", keep, swap(3, 4), "2 fibres from engine at"),
    ("ASM.FIBRE.X", keep, swap(3, 4), "cross outside of the package"),
    ("ASM.RIBBON.S", swung(251), swung(239), "come within 114"),
    ("ASM.CONN.POSITION", shift_fibre(2, 0, -1.0, start=False), shift_fibre(2, 0, -1.1, start=False), "up to 1.1 um"),
    ("ASM.CONN.LASER", keep, lambda s: s.with_(connectors=[joined(s), *s.connectors[2:]]), "2 laser fibres"),
    ("ASM.CONN.S", box("connectors", 0, right=3600), box("connectors", 0, right=3601), "199 um apart, 200 um needed"),
    (
        "ASM.CONN.PLATE",
        box("connectors", 3, right=225425 - 6300),
        box("connectors", 3, right=225426 - 6300),
        "0.001 mm beyond the end of the faceplate",
    ),
    (
        "ASM.CONN.SWEPT",
        extra("STIFFENER", 0, 78000, 9000, 79000),
        extra("STIFFENER", 0, 77999, 9000, 79000),
        "where the plug of",
    ),
    (
        "ASM.BUMP.GRID",
        bump("bumps", 30, 0.5, 0),
        bump("bumps", 30, 0, 0.501),
        "(0, 0.501) um off the grid of 50 x 63.5",
    ),
    ("ASM.BUMP.P", bump("bumps", 30, 0, 38.5), bump("bumps", 30, 0, 38.6), "24.9 um from the next"),
    (
        "ASM.BUMP.EN",
        lambda s: s.with_(bumps=[*s.bumps, (1441.0, 200.0)]),
        lambda s: s.with_(bumps=[*s.bumps, (1441.1, 200.0)]),
        "1 bump within 50 um",
    ),
    (
        "ASM.BUMP.EIC",
        lambda s: s.with_(eic=(271, 100, 1400, 862)),
        lambda s: s.with_(eic=(272, 100, 1400, 862)),
        "9 of",
    ),
    ("ASM.EIC.EN", lambda s: s.with_(eic=(150, 100, 1450, 862)), lambda s: s.with_(eic=(150, 100, 1451, 862)), "49 um"),
    ("ASM.ASIC_BUMP.GRID", bump("asic_bumps", 7, 0.5, 0), bump("asic_bumps", 7, 2, 0), "(2, 0) um off the grid"),
    ("ASM.ASIC_BUMP.P", bump("asic_bumps", 7, 0, 235), bump("asic_bumps", 7, 0, 236), "24 um from the next"),
    (
        "ASM.ASIC_BUMP.EN",
        bump("asic_bumps", 0, -271, 0),
        bump("asic_bumps", 0, -271.1, 0),
        "1 bump within 50 um",
    ),
]


def joined(small: Any) -> tuple[float, float, float, float]:
    """One connector where there are two."""
    a, b = small.connectors[:2]
    return (a[0], a[1], b[2], b[3])


@pytest.mark.parametrize(("name", "good", "bad", "words"), CASES, ids=[case[0] for case in CASES])
def test_kept_and_broken(small, name, good, bad, words):
    assert not good(small).said(name)
    said = bad(small).said(name)
    assert said
    assert words in said[0].message
    assert ";" in said[0].message, "a cure"
    assert said[0].bbox[0] < said[0].bbox[2]
    assert said[0].bbox[1] < said[0].bbox[3]


@pytest.mark.parametrize(("name", "good", "bad", "words"), CASES, ids=[case[0] for case in CASES])
def test_the_same_without_any_hierarchy(small, name, good, bad, words):
    flat = bad(small).with_(flat=True)
    said = [violation for violation in flat.check().violations if violation.rule == name]
    if name == "ASM.MIRROR":
        assert not said, "what is dissolved has no placement"
        return
    assert said
    assert all(violation.cell == "small" for violation in said)
    assert not [v for v in good(small).with_(flat=True).check().violations if v.rule == name]


def test_every_rule_is_tried():
    rules = load_rules(group="assembly")
    assert {rule.name for rule in rules} == {case[0] for case in CASES} | ELSEWHERE
    assert {rule.kind for rule in rules} == {*ASSEMBLY_KINDS, PARTS}


def test_a_rule_is_no_stricter_than_it_says(small, rule):
    """The limit comes from the rule that is handed over, not from the code."""
    gap = rule("ASM.FIBRE.GAP")
    moved = shift_fibre(2, 0, 15.0)(small)
    assert moved.said("ASM.FIBRE.GAP")
    loose = assembly_layout(moved.file, rules=[replace(gap, value=15.0)])
    assert loose.clean
    assert loose.rules == ("ASM.FIBRE.GAP",)
    assert not assembly_layout(moved.file, rules=[replace(gap, value=14.9)]).clean

"""Layouts for the checks, drawn with KLayout's database alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify import drc
from cpo_pdk.verify.findings import CheckResult, Comparison, Verdict, Violation, Waived
from cpo_pdk.verify.photonic.run import photonic

Shape = kdb.DBox | kdb.DPolygon


class Draw:
    """Writes layouts: `draw([("WG", box)], place=[(0, 0, 90)])`; without `place` the shapes are in the top cell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0

    def __call__(
        self, shapes: Sequence[tuple[str, Shape]], place: Sequence[tuple[float, float, float]] = (), suffix: str = "gds"
    ) -> Path:
        layout = kdb.Layout()
        layout.dbu = 0.001
        cell = layout.create_cell("device" if place else "top")
        for layer, shape in shapes:
            cell.shapes(layout.layer(*layer_of(layer))).insert(shape)
        if place:
            top = layout.create_cell("top")
            for x, y, angle in place:
                top.insert(kdb.DCellInstArray(cell.cell_index(), kdb.DCplxTrans(1.0, angle, False, x, y)))
        self.number += 1
        path = self.folder / f"layout_{self.number}.{suffix}"
        layout.write(str(path))
        return path


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    return Draw(tmp_path)


@pytest.fixture(scope="session")
def draw_anywhere(tmp_path_factory: pytest.TempPathFactory) -> Draw:
    """`draw` for tests whose examples share a folder."""
    return Draw(tmp_path_factory.mktemp("layouts"))


@pytest.fixture
def found() -> Callable[[Path, str], list[Any]]:
    """Violations of one rule of the process in a file."""

    def run(path: Path, name: str) -> list[Any]:
        rules = [rule for rule in load_rules() if rule.name == name]
        assert rules, name
        check = photonic if rules[0].group == "photonic" else drc
        return list(check(path, rules).violations)

    return run


@pytest.fixture(scope="session")
def limit() -> Callable[[str], Rule]:
    return lambda name: next(rule for rule in load_rules() if rule.name == name)


@pytest.fixture(scope="session")
def bar() -> Callable[..., kdb.DPolygon]:
    """A bar of `length` by `width` (um), centred `offset` beside the origin, turned by `angle` degrees about it."""

    def make(length: float, width: float, angle: float = 0.0, offset: float = 0.0) -> kdb.DPolygon:
        box = kdb.DPolygon(kdb.DBox(-length / 2, offset - width / 2, length / 2, offset + width / 2))
        return box.transformed(kdb.DCplxTrans(1.0, angle, False, 0.0, 0.0))

    return make


@pytest.fixture(scope="session")
def arc() -> Callable[..., kdb.DPolygon]:
    """A waveguide: straight, arc of centre-line `radius` over `angle` degrees, straight; turned by `turn` degrees."""

    def make(
        radius: float, width: float, angle: float = 90.0, points: int = 120, straight: float = 10.0, turn: float = 0.0
    ) -> kdb.DPolygon:
        t = np.linspace(0.0, math.radians(angle), points)
        sides = []
        for r in (radius - width / 2, radius + width / 2):
            curve = np.column_stack([r * np.sin(t), radius - r * np.cos(t)])
            ahead = np.array([math.cos(t[-1]), math.sin(t[-1])]) * straight
            sides.append(np.vstack([curve[0] - [straight, 0.0], curve, curve[-1] + ahead]))
        outline = np.vstack([sides[0], sides[1][::-1]])
        polygon = kdb.DPolygon([kdb.DPoint(x, y) for x, y in outline])
        return polygon.transformed(kdb.DCplxTrans(1.0, turn, False, 0.0, 0.0))

    return make


@pytest.fixture(scope="session")
def ring() -> Callable[..., kdb.DPolygon]:
    """An annulus of mean `radius` and `width`, um."""

    def make(radius: float, width: float, x: float = 0.0, y: float = 0.0, points: int = 256) -> kdb.DPolygon:
        t = np.linspace(0.0, 2 * np.pi, points, endpoint=False)

        def circle(r: float) -> list[kdb.DPoint]:
            return [kdb.DPoint(x + r * math.cos(a), y + r * math.sin(a)) for a in t]

        polygon = kdb.DPolygon(circle(radius + width / 2))
        polygon.insert_hole(circle(radius - width / 2))
        return polygon

    return make


@pytest.fixture(scope="session")
def verdict() -> Verdict:
    """One of everything: violated, clean, waived, blind, not applicable; names that no format may be steered by."""
    hostile = "ring:<script>alert(1)</script>]]>&\"'\n\x1b[31m|`@team #12, %0A \u202e"
    width = Violation("WG.W", "WG", hostile, (1.0, 2.0, 3.0, 4.5), "width 0.1 um, limit 0.12 um; widen it", 4)
    loose = Violation("CONN.dangling", "-", "top", (-0.5, -0.5, 0.5, 0.5), f"{hostile} leads nowhere; connect it")
    radius = Violation("WG.BEND", "WG", "bend", (0.0, 0.0, 9.0, 9.0), "radius 4 um, limit 4.5 um", 1, "a/b.yaml:12")
    space = Violation("WG.S", "WG", "top", (0.0, 0.0, 1.0, 1.0), "space 0.1 um, limit 0.12 um")
    return Verdict(
        file="x,y:z%.gds",
        top="top",
        results=(
            CheckResult(
                (width,),
                ("WG.W", "WG.S", "M1.W"),
                12,
                {"drc": 1.5},
                {"WG": 12},
                looked_at_by_rule={"WG.W": 10, "WG.S": 10, "M1.W": 0},
            ),
            CheckResult((radius,), ("WG.BEND",), 7, group="photonic", what="waveguides", counted={"bends": 3}),
            CheckResult((loose,), ("CONN.dangling", "CONN.near_miss"), 5, group="connectivity", what="ports"),
            CheckResult((), ("LVS.radius",), 0, group="lvs", what="parameters"),
            CheckResult((), ("ASM.x",), 0, group="assembly", what="parts", not_applicable="an engine, no package"),
        ),
        waived=(Waived(space, f"agreed, {hostile}", date(2026, 12, 31), "waivers.yaml:3", "A. Name"),),
        notices=(f"waivers.yaml:9: {hostile} expired",),
    )


@pytest.fixture(scope="session")
def compared_verdict(verdict: Verdict) -> Verdict:
    """`verdict` against an earlier run: the width was there before, something else is gone."""
    width, radius, loose = (verdict.of(group).violations[0] for group in ("drc", "photonic", "connectivity"))  # type: ignore[union-attr]
    gone = Violation("M1.W", "M1", "old", (0.0, 0.0, 1.0, 1.0), "width 0.5 um, limit 0.6 um")
    comparison = Comparison(
        new=(loose.fingerprint, radius.fingerprint),
        fixed=(gone.fingerprint,),
        unchanged=(width.fingerprint,),
        moved=(width.fingerprint,),
        gone=(gone,),
    )
    return replace(verdict, comparison=comparison)

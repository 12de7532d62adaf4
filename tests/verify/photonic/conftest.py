"""Waveguides drawn for the rules, in memory: as they are, turned, mirrored, in placed cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify.findings import CheckResult, Violation
from cpo_pdk.verify.photonic.run import photonic_layout

Drawn = tuple[str, kdb.DBox | kdb.DPolygon]
RULES = {rule.name: rule for rule in load_rules(group="photonic")}


@dataclass
class Look:
    """Violations of one rule in shapes: `look("PH.JUMP", shapes)`.

    `turn` in degrees; `mirror` first; `placed`: the shapes are in a cell that stands in three places; `merged`: shapes
    of one layer are joined to one polygon.
    """

    leaves: Collection[str] = ()

    def __call__(self, rule: str, shapes: Sequence[Drawn], **how: Any) -> tuple[Violation, ...]:
        return self.result(rule, shapes, **how).violations

    def on(self, file: LayoutFile, rule: str) -> tuple[Violation, ...]:
        return photonic_layout(file, [RULES[rule]], leaves=self.leaves).violations

    def result(self, rule: str, shapes: Sequence[Drawn], **how: Any) -> CheckResult:
        return photonic_layout(self.file(shapes, **how), [RULES[rule]], leaves=self.leaves)

    @staticmethod
    def file(
        shapes: Sequence[Drawn],
        turn: float = 0.0,
        mirror: bool = False,
        placed: bool = False,
        merged: bool = False,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> LayoutFile:
        layout = kdb.Layout()
        layout.dbu = 0.001
        top = layout.create_cell("top")
        cell = layout.create_cell("device") if placed else top
        trans = kdb.DCplxTrans(1.0, turn, mirror, *shift)
        regions: dict[str, kdb.Region] = {}
        for layer, shape in shapes:
            polygon = kdb.DPolygon(shape) if isinstance(shape, kdb.DBox) else shape
            regions.setdefault(layer, kdb.Region()).insert(
                (polygon if placed else polygon.transformed(trans)).to_itype(0.001)
            )
        for layer, region in regions.items():
            cell.shapes(layout.layer(*layer_of(layer))).insert(region.merged() if merged else region)
        if placed:
            for x in (0.0, 3000.0, 6000.0):
                place = kdb.DCplxTrans(1.0, 0.0, False, x, 0.0) * trans
                top.insert(kdb.DCellInstArray(cell.cell_index(), place))
        return LayoutFile(path=Path("drawn.gds"), layout=layout, top=top, warnings=(), flat_shapes=0)


@pytest.fixture(scope="session")
def look() -> Look:
    return Look()


@pytest.fixture(scope="session")
def bar() -> Callable[..., Drawn]:
    """A bar from left to right, bottom to top, um, on a layer."""

    def make(left: float, bottom: float, right: float, top: float, layer: str = "WG") -> Drawn:
        return (layer, kdb.DBox(left, bottom, right, top))

    return make


@pytest.fixture(scope="session")
def along() -> Callable[..., Drawn]:
    """A guide along points, shape (N, 2), with a width at each."""

    def make(points: Any, width: Any = 0.4, layer: str = "WG") -> Drawn:
        p = np.asarray(points, float)
        w = np.broadcast_to(np.asarray(width, float), len(p))[:, None] / 2
        step = np.diff(p, axis=0)
        step /= np.hypot(step[:, 0], step[:, 1])[:, None]
        before, after = np.vstack([step[:1], step]), np.vstack([step, step[-1:]])
        normal = np.column_stack([-(before + after)[:, 1], (before + after)[:, 0]])
        # mitred, so that the walls stay parallel where the way turns at a corner
        normal /= (normal * np.column_stack([-after[:, 1], after[:, 0]])).sum(axis=1)[:, None]
        outline = np.vstack([p + normal * w, (p - normal * w)[::-1]])
        return (layer, kdb.DPolygon([kdb.DPoint(x, y) for x, y in outline]))

    return make


@pytest.fixture(scope="session")
def quarter() -> Callable[..., np.ndarray]:
    """Points of a quarter of a circle from the origin to the right and up."""

    def make(radius: float, points: int = 120) -> np.ndarray:
        t = np.linspace(0, math.pi / 2, points)
        return np.column_stack([radius * np.sin(t), radius - radius * np.cos(t)])

    return make

"""Where in a package heat arises: places of the energy ledger as boxes of the grid; and which ring lies where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cpo_pdk.errors import LayoutError, ModelError
from cpo_pdk.spec import PackageSpec
from cpo_pdk.thermal.grid import Grid, Real
from cpo_pdk.thermal.layers import EngineStack, Rect, Span, Stack

RingPlaces = Mapping[str, tuple[str, float, float]]
"""Path of a ring's instance from the top cell -> path of its engine, x, y of its middle in the package, um."""

#: ring beyond the outline of its engine's die that is still taken for a ring on it, um
_SLACK = 1.0


@dataclass(frozen=True)
class Source:
    """A place of heat: boxes that share its watts by their areas, and their height."""

    name: str
    boxes: tuple[Rect, ...]
    span: Span


@dataclass(frozen=True)
class FloorPlan:
    """Heat and rings of a package.

    Attributes:
        sources: `asic`, or `asic/<block>` each with a power map; then `pic:<engine>` and `eic:<engine>`.
        asic_shares: share of the ASIC's heat in each of its sources.
        engines: name -> stack.
        rings: path -> engine, x, y.
    """

    sources: tuple[Source, ...]
    asic_shares: dict[str, float]
    engines: dict[str, EngineStack]
    rings: dict[str, tuple[str, float, float]] = field(default_factory=dict)

    def places(self, watts: Mapping[str, float]) -> dict[str, float]:
        """Watts by source from watts by place of a ledger.

        Args:
            watts: place -> W; `asic` is shared out by the power map, `asic/<block>` taken as it is, what arises at a
                ring counts for its photonic die, what arises in an electronic die that is not there for the photonic
                one; laser modules (`els:...`) and `outside` don't heat the package.

        Raises:
            ModelError: a place that the package has not.
        """
        known = {source.name for source in self.sources}
        found = dict.fromkeys(known, 0.0)
        for place, watt in watts.items():
            kind, _, rest = place.partition(":")
            if kind == "els" or place == "outside":
                continue
            if place == "asic":
                for name, share in self.asic_shares.items():
                    found[name] += share * watt
                continue
            at = f"pic:{self._engine_of(rest)}" if kind == "ring" else place
            if kind == "eic" and at not in known:
                at = f"pic:{rest}"
            if at not in known:
                raise ModelError(f"heat at {place!r}, where the package has nothing; it has {_some(sorted(known))}")
            found[at] += watt
        return {source.name: found[source.name] for source in self.sources}

    def _engine_of(self, path: str) -> str:
        if path in self.rings:
            return self.rings[path][0]
        within = [name for name in self.engines if path.startswith(f"{name}/")]
        if not within:
            raise ModelError(f"heat at ring {path!r}, which lies in no engine of the package")
        return max(within, key=len)


def floor_plan(stack: Stack, spec: PackageSpec, rings: RingPlaces) -> FloorPlan:
    """Sources and rings.

    Args:
        stack: bodies of the package.
        spec: for the power map of the ASIC.
        rings: see there.

    Raises:
        LayoutError: a ring whose engine is not in the package, or that does not lie on it.
    """
    sources: list[Source] = []
    blocks = spec.asic.power_map
    left, low, right, high = stack.asics[0]
    x, y = (left + right) / 2, (low + high) / 2
    for block in blocks:
        a, b, c, d = (1e3 * value for value in block.box_mm)
        inside = (max(x + a, left), max(y + b, low), min(x + c, right), min(y + d, high))
        if inside[0] >= inside[2] or inside[1] >= inside[3]:
            raise LayoutError(
                f"block {block.name} of asic.power_map lies beside the ASIC that is drawn, "
                f"{(right - left) / 1e3:g} x {(high - low) / 1e3:g} mm; use the spec that the layout was drawn from"
            )
        sources.append(Source(f"asic/{block.name}", (inside,), stack.asic_span))
    total = sum(block.power_W for block in blocks)
    shares = {f"asic/{block.name}": block.power_W / total for block in blocks} if total > 0 else {}
    if not shares:
        sources = [Source("asic", stack.asics, stack.asic_span)]
        shares = {"asic": 1.0}
    for engine in stack.engines:
        sources.append(Source(f"pic:{engine.name}", (engine.pic,), engine.pic_span))
        if engine.eic is not None:
            sources.append(Source(f"eic:{engine.name}", (engine.eic,), engine.eic_span))
    engines = {engine.name: engine for engine in stack.engines}
    for path, (name, at_x, at_y) in rings.items():
        if name not in engines:
            raise LayoutError(f"ring {path}: its engine {name!r} is not in the package, which has {_some(engines)}")
        box = engines[name].pic
        if not (box[0] - _SLACK <= at_x <= box[2] + _SLACK and box[1] - _SLACK <= at_y <= box[3] + _SLACK):
            raise LayoutError(
                f"ring {path} at {at_x:g}, {at_y:g} um does not lie on {name}, "
                f"{box[0]:g} to {box[2]:g}, {box[1]:g} to {box[3]:g} um; give both from one layout"
            )
    return FloorPlan(tuple(sources), shares, engines, dict(rings))


def heat_of(grid: Grid, source: Source, watts: float = 1.0) -> Real:
    """Heat of a source, W a cell, (nz, ny, nx)."""
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in source.boxes]
    cells = np.zeros(grid.shape)
    for box, area in zip(source.boxes, areas, strict=True):
        cells += grid.heat((box[0], box[1], source.span[0], box[2], box[3], source.span[1]), watts * area / sum(areas))
    return cells


def _some(names: Mapping[str, object] | list[str]) -> str:
    known = list(names)
    return ", ".join(known[:6]) + (f" and {len(known) - 6} more" if len(known) > 6 else "")

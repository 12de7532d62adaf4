"""Detachable sub-assemblies: which engines stand on which board, and where the boards lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cpo_pdk.spec.keep_outs import Box, grown
from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.placement import EnginePlace


@dataclass(frozen=True)
class CarrierPlace:
    """One sub-assembly.

    Attributes:
        name: `carrier_1`; clockwise from the north.
        engines: names of its engines.
        box: left, bottom, right and top of its board in um.
    """

    name: str
    engines: tuple[str, ...]
    box: Box


def place_carriers(
    spec: PackageSpec, places: Sequence[EnginePlace], size: tuple[float, float]
) -> tuple[CarrierPlace, ...]:
    """The sub-assemblies: neighbours along a side share one, spares as well; none without `engines.carrier`.

    Args:
        spec: the package.
        places: of all engines.
        size: length (towards the facet) and width of the engine in um.
    """
    carrier = spec.engines.carrier
    if carrier is None:
        return ()
    found: list[CarrierPlace] = []
    for side in SIDES:
        here = sorted((p for p in places if p.side == side), key=lambda p: p.number)
        for k in range(0, len(here), carrier.engines):
            group = here[k : k + carrier.engines]
            boxes = [p.box(size) for p in group]
            around = (
                min(b[0] for b in boxes),
                min(b[1] for b in boxes),
                max(b[2] for b in boxes),
                max(b[3] for b in boxes),
            )
            left, bottom, right, top = grown(around, spec.engines.keepout_um + carrier.margin_mm * 1e3)
            box = (round(left, 3), round(bottom, 3), round(right, 3), round(top, 3))
            found.append(CarrierPlace(f"carrier_{len(found) + 1}", tuple(p.name for p in group), box))
    return tuple(found)

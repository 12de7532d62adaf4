"""Where the spec puts each engine, and which of the engines that were found stands there."""

from __future__ import annotations

import numpy as np

from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace, place_engines
from cpo_pdk.verify.assembly.parts import Engine, Package
from cpo_pdk.verify.assembly.trace_rules import engine_at, wire_ends


def asked_places(package: Package, spec: PackageSpec) -> dict[int, EnginePlace]:
    """The place that the spec gives to each engine, by number of the engine.

    Engines and places are paired one to one, the nearest first; what stands around another switch die of the same file
    is paired with the same places.

    Args:
        package: the parts.
        spec: what the package was asked to be.
    """
    if id(spec) in package.known_places:
        return package.known_places[id(spec)]
    found: dict[int, EnginePlace] = {}
    for number, asic in enumerate(package.asics):
        engines = [n for n, nearest in package.nearest_asics.items() if nearest == number]
        if not engines:
            continue
        places = place_engines(spec, engine_size(package.engines[engines[0]]))
        middle = asic.box.center()
        centres = [package.engines[n].box.center() - middle for n in engines]
        apart = np.hypot(
            np.subtract.outer([c.x for c in centres], [p.x for p in places]),
            np.subtract.outer([c.y for c in centres], [p.y for p in places]),
        )
        for flat in np.argsort(apart, axis=None, kind="stable").tolist():
            i, j = divmod(flat, len(places))
            if np.isfinite(apart[i, j]):
                found[engines[i]] = places[j]
                apart[i, :], apart[:, j] = np.inf, np.inf
    package.known_places[id(spec)] = found
    return found


def engine_size(engine: Engine) -> tuple[float, float]:
    """Length towards the facet and width of an engine as drawn, um; without a facet: along x and y of its cell.

    Args:
        engine: one that was found.
    """
    box = engine.die.outline.bbox()
    facets = [facet for facet in engine.die.facets if len(facet.along)]
    upright = bool(facets) and abs(max(facets, key=lambda f: len(f.along)).outward[1]) > 0.5
    return (box.height(), box.width()) if upright else (box.width(), box.height())


def spare_engines(package: Package, spec: PackageSpec | None) -> set[int]:
    """Numbers of the engines that are spares: they have no fibres.

    Args:
        package: the parts.
        spec: says which they are. Without it, an engine is a spare when no fibre and no lane of the switch die
            (AIRWIRE) leads to it while lanes lead to others.
    """
    if spec is not None:
        return {n for n, place in asked_places(package, spec).items() if place.spare}
    ends = wire_ends(package).reshape(-1, 2)
    if not len(ends):
        return set()
    reached = {landing.engine for landing in package.landings}
    return set(range(len(package.engines))) - reached - set(engine_at(package, ends))

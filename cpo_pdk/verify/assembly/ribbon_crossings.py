"""Where ribbons of different engines pass over one another, each place once, with the angle between them."""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb
import numpy as np

from cpo_pdk.verify.assembly.crossings import Crossings, Crowded, find_crossings
from cpo_pdk.verify.assembly.levels import FIBRE_LAYERS
from cpo_pdk.verify.assembly.parts import Package
from cpo_pdk.verify.assembly.placed import Numbers, Points
from cpo_pdk.verify.findings import RibbonCrossing

#: crossings of single fibres of the same two ribbons this close to each other belong to one crossing of the ribbons,
#: um: twelve pitches of 250 um, those of a ribbon that is crossed at 5 degrees
TOGETHER = 3_000.0
#: below this angle fibres of two layers lie along one another and don't cross, degrees
PARALLEL = 0.1


def fibre_crossings(package: Package) -> Crossings:
    """All crossings of centre lines in a package, worked out once.

    Raises:
        Crowded: more fibres in one place than can be compared.
    """
    known = package.known_crossings
    if known is None:
        try:
            known = find_crossings(package.fibres, package.planes, package.owners)
        except Crowded as crowded:
            known = crowded
        package.known_crossings = known
    if isinstance(known, Crowded):
        raise known
    assert isinstance(known, Crossings)
    return known


def over_package(package: Package, crossings: Crossings) -> np.ndarray:
    """True for crossings that a substrate lies below.

    Args:
        package: the parts.
        crossings: of its fibres.
    """
    over = np.zeros(len(crossings), dtype=bool)
    for substrate in package.substrates:
        box = substrate.bbox()
        inside = (crossings.x >= box.left) & (crossings.x <= box.right)
        inside &= (crossings.y >= box.bottom) & (crossings.y <= box.top)
        if not substrate.is_box():
            points = zip(crossings.x[inside], crossings.y[inside], strict=True)
            inside[inside] = [substrate.inside(kdb.DPoint(float(x), float(y))) for x, y in points]
        over |= inside
    return over


def ribbon_crossings(package: Package) -> list[RibbonCrossing]:
    """Where fibres of different engines in different layers cross, put together by ribbons and places.

    Args:
        package: the parts.

    Raises:
        Crowded: more fibres in one place than can be compared.
    """
    every = fibre_crossings(package)
    planes = np.array(package.planes, dtype=np.int64)
    found = every.of((planes[every.a] != planes[every.b]) & (every.angle > PARALLEL))
    if not len(found):
        return []
    over = over_package(package, found)
    kinds = np.array(list(zip(package.owners, package.arrivals, package.planes, strict=True)))
    _, ribbon = np.unique(kinds, axis=0, return_inverse=True)
    ribbon = ribbon.reshape(-1)
    first, second = np.minimum(ribbon[found.a], ribbon[found.b]), np.maximum(ribbon[found.a], ribbon[found.b])
    places = np.stack([found.x, found.y], axis=1)
    told = []
    for group in _groups(first, second):
        for members in _together(group, places[group]):
            told.append(_crossing(package, found, members, bool(over[members].any())))
    return sorted(told, key=lambda crossing: (crossing.first, crossing.second, crossing.y, crossing.x))


def _groups(first: Numbers, second: Numbers) -> Iterator[Numbers]:
    """Indices of the crossings of each two ribbons."""
    order = np.lexsort((second, first))
    steps = (np.diff(first[order]) != 0) | (np.diff(second[order]) != 0)
    yield from np.split(order, np.flatnonzero(steps) + 1)


def _together(group: Numbers, places: Points) -> Iterator[Numbers]:
    """The crossings of two ribbons, those together that a chain of steps below `TOGETHER` joins (by squares)."""
    squares = np.floor(places / TOGETHER).astype(np.int64)
    occupied: dict[tuple[int, int], list[int]] = {}
    for index, (i, j) in zip(group.tolist(), squares.tolist(), strict=True):
        occupied.setdefault((i, j), []).append(index)
    while occupied:
        square, members = occupied.popitem()
        todo = [square]
        while todo:
            i, j = todo.pop()
            for beside in ((i + di, j + dj) for di in (-1, 0, 1) for dj in (-1, 0, 1)):
                if beside in occupied:
                    members = members + occupied.pop(beside)
                    todo.append(beside)
        yield np.array(sorted(members))


def _crossing(package: Package, found: Crossings, members: Numbers, over: bool) -> RibbonCrossing:
    a, b = int(found.a[members[0]]), int(found.b[members[0]])
    first, second = sorted((ribbon_name(package, a), ribbon_name(package, b)))
    layers = {package.fibres[number].layer for number in (a, b)}
    return RibbonCrossing(
        first,
        second,
        round(float(found.x[members].mean()), 3),
        round(float(found.y[members].mean()), 3),
        round(float(found.angle[members].min()), 3),
        over,
        len(members),
        tuple(sorted(layers, key=FIBRE_LAYERS.index)),
    )


def ribbon_name(package: Package, number: int) -> str:
    """What messages call the ribbon that a fibre belongs to.

    Args:
        package: the parts.
        number: of the fibre.
    """
    engine, connector = package.owners[number], package.arrivals[number]
    start = package.engines[engine].name if engine >= 0 else "nowhere"
    return f"{start} to {package.connectors[connector].name if connector >= 0 else 'nowhere'}"

"""Rule kinds `guide_under` and `foreign_heater`: what a guide must not pass under.

A bump presses on the oxide below it, and a heater warms what lies beside it. Both are measured from edge to edge.

Every guide in a device is meant to lie where the heater of that device is. Which device that is the file says: the
heater and the guide lie in one cell that is a device, or in one box on DEVREC. Where it says nothing, the guides of a
heater are the one that lies under most of it, and those that couple to that one: nearer than `COUPLED_UM`.
"""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.process_layers import Finding

#: guides this near to each other belong together where the file says nothing, um
COUPLED_UM = 0.6
#: outlines of heaters are thinned to this, um
THIN_UM = 0.02
#: how far around a heater its guides are looked at, um
AROUND_UM = 3.0


def guide_under(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Guides that pass under one of the other layers, or nearer to it than the limit."""
    layers = guides.layers
    reach = layers.dbus(rule.value)
    for name in rule.layers[1:]:
        if not layers.indexes([name]):
            continue
        wide = layers.region(name).sized(reach)
        for shape, to_top, places in layers.distinct(layers.region(rule.layers[0]) & wide):
            piece = shape.polygon.transformed(to_top)
            if rule.more.get("exempt") and (
                _in_one_device(guides, rule.layers[0], name, piece, reach)
                or _on_own_pad(guides, rule, name, piece, reach)
            ):
                continue
            distance = _distance(guides, name, piece, reach)
            yield Finding(_reaching(guides, piece, distance), distance, places, name)


def _on_own_pad(guides: Guides, rule: Rule, name: str, piece: kdb.Polygon, reach: int) -> bool:
    """True where what lies over a device's guide stands on a pad that the device brings: its designer put it there."""
    owners = _owners(guides, rule.layers[0], piece, 1)
    if len(owners) != 1 or () in owners:
        return False
    pads = kdb.Region()
    for layer in rule.layers[1:]:
        pads += kdb.Region([polygon for polygon, owner in _owned(guides, layer, piece, reach) if owner in owners])
    over = kdb.Region([polygon for polygon, _ in _owned(guides, name, piece, reach)])
    return (over - pads).is_empty()


def _distance(guides: Guides, name: str, piece: kdb.Polygon, reach: int) -> float:
    """How far the shapes of a layer are from a piece, um; 0 when they touch it."""
    layers = guides.layers
    box = piece.bbox().enlarged(reach, reach)
    near = kdb.Region(kdb.RecursiveShapeIterator(layers.layout, layers.top, layers.indexes([name]), box)).merged()
    low, high = 0, reach
    while low < high:
        middle = (low + high) // 2
        if (near.sized(middle) & kdb.Region(piece)).is_empty():
            low = middle + 1
        else:
            high = middle
    return max(low - 1, 0) * layers.dbu  # what is sized by its distance only touches


def _reaching(guides: Guides, piece: kdb.Polygon, distance: float) -> kdb.Box:
    """The box of a piece as far as what it is too near to: the cell that both are in is the one to be told."""
    more = guides.layers.dbus(distance) + 1
    return piece.bbox().enlarged(more, more)


def foreign_heater(guides: Guides, rule: Rule) -> Iterator[Finding]:
    """Guides that pass under the heater of another device, or nearer to it than the limit."""
    layers = guides.layers
    core, heater = rule.layers
    if not layers.indexes([heater]):
        return
    reach = layers.dbus(rule.value)
    # heaters have as many corners as the rings below them: thinned out, and what is found then is measured as drawn
    thin = layers.dbus(THIN_UM)
    known: dict[str, kdb.Region] = {}
    wide = layers.region(heater).smoothed(thin, False).sized(reach + thin)
    for shape, to_top, places in layers.distinct(layers.region(core) & wide):
        piece = shape.polygon.transformed(to_top)
        if _in_one_device(guides, core, heater, piece, reach):
            continue
        if () in _owners(guides, heater, piece, reach) and _is_own(guides, rule, piece, reach, known):
            continue
        if _goes_on(guides, core, heater, piece, reach):
            continue
        distance = _distance(guides, heater, piece, reach + 2 * thin)
        if distance < rule.value - 1e-9:
            yield Finding(_reaching(guides, piece, distance), distance, places)


def _in_one_device(guides: Guides, core: str, other: str, piece: kdb.Polygon, reach: int) -> bool:
    """True when all shapes of two layers around a piece belong to one device."""
    owners = _owners(guides, core, piece, 1) | _owners(guides, other, piece, reach)
    return len(owners) == 1 and () not in owners


def _goes_on(guides: Guides, core: str, heater: str, piece: kdb.Polygon, reach: int) -> bool:
    """True where a piece is the guide of one heater's own device, gone on with at its ports, not under the heater."""
    owned = _owned(guides, heater, piece, reach)
    owners = {owner for _, owner in owned}
    if len(owners) != 1 or () in owners:
        return False
    warm = kdb.Region([polygon for polygon, _ in owned])
    own = kdb.Region([polygon for polygon, owner in _owned(guides, core, piece, 1) if owner in owners])
    if (own & warm).is_empty():
        return False
    others = kdb.Region(piece) - own
    return (others & warm).is_empty() and others.not_interacting(own).is_empty()


def _owners(guides: Guides, name: str, piece: kdb.Polygon, reach: int) -> set[tuple[str, ...]]:
    """The devices that the shapes of a layer within reach of a piece belong to; empty for none."""
    return {owner for _, owner in _owned(guides, name, piece, reach)}


def _owned(guides: Guides, name: str, piece: kdb.Polygon, reach: int) -> list[tuple[kdb.Polygon, tuple[str, ...]]]:
    """The shapes of a layer within reach of a piece, each with the device that it belongs to."""
    layers = guides.layers
    box = piece.bbox().enlarged(reach, reach)
    near: list[tuple[kdb.Polygon, tuple[str, ...]]] = []
    found = kdb.RecursiveShapeIterator(layers.layout, layers.top, layers.indexes([name]), box, False)
    while not found.at_end():
        polygon = found.shape().polygon
        if polygon is not None:
            near.append((polygon.transformed(found.trans()), guides.devices.owner(found.path())))
        found.next()
    if len({owner for _, owner in near}) > 1:  # some may only touch the box
        wide = kdb.Region(piece).sized(reach)
        near = [(polygon, owner) for polygon, owner in near if not (kdb.Region(polygon) & wide).is_empty()]
    return near


def _is_own(guides: Guides, rule: Rule, piece: kdb.Polygon, reach: int, known: dict[str, kdb.Region]) -> bool:
    """Whether a guide is one of those that a heater, of which the file says nothing, is there for."""
    layers = guides.layers
    box = piece.bbox()
    heater = layers.indexes([rule.layers[1]])[0]
    wide = box.enlarged(reach, reach)
    heaters = kdb.Region(kdb.RecursiveShapeIterator(layers.layout, layers.top, heater, wide)).merged()
    heaters = kdb.Region([polygon for polygon in heaters.each() if polygon.bbox().touches(wide)])
    if heaters.count() > 1:
        heaters = heaters.interacting(kdb.Region(piece).sized(reach))
    if guides.devices.in_box(heaters.bbox() + box):
        return True
    key = str(heaters.bbox())
    if key not in known:
        known[key] = _guides_of(guides, rule.layers[0], heaters)
    return not (known[key] & kdb.Region(piece)).is_empty()


def _guides_of(guides: Guides, name: str, heaters: kdb.Region) -> kdb.Region:
    """The guide that lies under most of a heater, and those that couple to it."""
    layers = guides.layers
    wide = heaters.bbox().enlarged(layers.dbus(AROUND_UM), layers.dbus(AROUND_UM))
    shapes = kdb.RecursiveShapeIterator(layers.layout, layers.top, layers.indexes([name])[0], wide)
    guided = [kdb.Region(polygon) for polygon in (kdb.Region(shapes) & kdb.Region(wide)).merged().each()]
    own = max(guided, key=lambda guide: (guide & heaters).area(), default=kdb.Region()).dup()
    if (own & heaters).is_empty():
        return kdb.Region()
    thin = layers.dbus(THIN_UM)
    newest = own
    while not newest.is_empty():  # the bus of a ring, a second ring behind it, and so on
        reached = newest.smoothed(thin, False).sized(layers.dbus(COUPLED_UM))
        newest = kdb.Region()
        for guide in guided:
            if not (guide & reached).is_empty() and (guide - own).area() > 0:
                newest += guide
        own += newest
    return own

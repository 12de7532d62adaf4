"""Which drawn engine is which: by where it stands round the ASIC; what is missing, too many, mirrored or turned."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import ENGINE
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace, pitch_of
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.lvs.array import MIRRORED_RULE, Anchors
from cpo_pdk.verify.lvs.asked import AskedPackage, asked_package
from cpo_pdk.verify.lvs.devices import Circuit, Device
from cpo_pdk.verify.lvs.faults import Fault

ENGINES_RULE = "LVS.engines"

_FACES = {"east": 0.0, "north": 90.0, "west": 180.0, "south": 270.0}


@dataclass(frozen=True)
class Stands:
    """An engine of the package: what was asked to stand there, and the device that does."""

    asked: EnginePlace
    device: Device


@dataclass(frozen=True)
class Standing:
    """All engines: what was asked round them, which is which, and what is wrong with where they stand."""

    asked: AskedPackage
    stands: tuple[Stands, ...]
    faults: tuple[Fault, ...]


def standing(file: LayoutFile, circuit: Circuit, spec: PackageSpec, anchors: Mapping[str, Anchors]) -> Standing:
    """Which drawn engine is which, by where they stand round the ASIC.

    Args:
        file: the layout; `circuit` is of its top cell.
        circuit: with engines as devices.
        spec: the package.
        anchors: cell of an engine -> its facets.
    """
    drawn = [device for device in circuit.devices.values() if device.function == ENGINE]
    dies = {cell: _die(file, cell) for cell in {device.cell for device in drawn}}
    # where an engine was asked to stand depends on how large it is: on most of those that are drawn
    usual = Counter(device.cell for device in drawn).most_common(1)
    die = dies[usual[0][0]] if usual else kdb.DBox(0, 0, 0, 0)
    size = (die.width(), die.height())
    package = asked_package(spec, size)
    middle, reach = _middle(file), _reach(spec, package.places, size)
    at = {
        device.path: device.place.point(dies[device.cell].center().x, dies[device.cell].center().y) for device in drawn
    }
    options = sorted(
        (away, place.name, path)
        for path, (x, y) in at.items()
        for place in package.places
        if (away := math.hypot(x - middle[0] - place.x, y - middle[1] - place.y)) < reach
    )
    free = {place.name: place for place in package.places}
    stands: list[Stands] = []
    taken: set[str] = set()
    for _, name, path in options:
        if name in free and path not in taken:
            stands.append(Stands(free.pop(name), circuit.devices[path]))
            taken.add(path)
    faults = list(_unmatched(file.top.name, spec, list(free.values()), drawn, taken))
    for stand in stands:
        faults += _facing(file.top.name, spec, stand, anchors.get(stand.device.cell))
    order = {place.name: k for k, place in enumerate(package.places)}
    return Standing(package, tuple(sorted(stands, key=lambda s: order[s.asked.name])), tuple(faults))


def _unmatched(
    top: str, spec: PackageSpec, free: list[EnginePlace], drawn: list[Device], taken: set[str]
) -> Iterator[Fault]:
    count = f"{len(drawn)} engines drawn, {spec.engines.placed} asked"
    for place in free:
        spare = "spare engine" if place.spare else "engine"
        text = f"{spare} {place.name} is missing, {count}; place it"
        yield Fault(ENGINES_RULE, top, text, spec_path=_path(spec, place.side))
    for device in drawn:
        if device.path not in taken:
            text = f"an engine where none was asked to stand, {count}; move or remove it"
            yield Fault(ENGINES_RULE, top, text, device=device, spec_path=_path(spec))


def _reach(spec: PackageSpec, places: tuple[EnginePlace, ...], size: tuple[float, float]) -> float:
    """How far an engine may stand from its place and still be the one of that place, um: half way to the next."""
    apart = [math.hypot(a.x - b.x, a.y - b.y) for a, b in itertools.combinations(places, 2)]
    return min(apart, default=pitch_of(spec, size)) / 2


def _middle(file: LayoutFile) -> tuple[float, float]:
    """Centre of the ASIC, or of the origin where none is drawn, um."""
    layer = file.layout.find_layer(*layer_of("ASIC"))
    box = file.top.dbbox_per_layer(layer) if layer is not None else kdb.DBox()
    return (0.0, 0.0) if box.empty() else (box.center().x, box.center().y)


def _die(file: LayoutFile, cell: str) -> kdb.DBox:
    """Outline of an engine's die: its floorplan, or all that is drawn."""
    drawn = file.layout.cell(cell)
    layer = file.layout.find_layer(*layer_of("FLOORPLAN"))
    box = drawn.dbbox_per_layer(layer) if layer is not None else kdb.DBox()
    return drawn.dbbox() if box.empty() else box


def _path(spec: PackageSpec, side: str = "") -> str:
    """Key of the spec that asks for the engines of a side, or of all."""
    if spec.engines.positions is not None:
        return "engines.positions"
    if spec.engines.per_side is not None:
        return f"engines.per_side.{side}".rstrip(".")
    return "engines.count"


def _facing(top: str, spec: PackageSpec, stand: Stands, anchors: Anchors | None) -> Iterator[Fault]:
    """An engine that is mirrored, or looks another way than out of its side."""
    name, side, place = stand.asked.name, stand.asked.side, stand.device.place
    if place.mirror:
        text = (
            f"the array of engine {name} is mirrored: the engine is placed upside down, its fibres run from the last "
            "to the first; turn it without a mirror"
        )
        yield Fault(MIRRORED_RULE, top, text, device=stand.device, spec_path=_path(spec, side))
    if anchors is None or not anchors.pairs:
        return
    own = anchors.pairs[0][1].angle
    faces = (place.rotation + (-own if place.mirror else own)) % 360.0
    if abs(faces - _FACES[side]) > 1e-3:
        looks = next((side for side, angle in _FACES.items() if abs(angle - faces) < 1e-3), f"{faces:g} degrees")
        text = f"the facet of engine {name} looks {looks}, {side} asked; turn the engine"
        yield Fault(ENGINES_RULE, top, text, device=stand.device, spec_path=_path(spec, side))

"""The package: which engine stands where, and where the fibre of each facet ends, against what was asked.

An engine is told by where it stands, a connector by the name it bears, a position by where it lies in the connector.
Patterns are told as such: an engine that is mirrored, two fibres or two connectors that are swapped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import CONNECTOR, ENGINE
from cpo_pdk.circuit.netlist import CellNetlist, Netlists
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import pitch_of, share_of
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.lvs.array import MIRRORED_RULE, SWAPPED_RULE, Anchors
from cpo_pdk.verify.lvs.asked import AskedPlace, asked_places
from cpo_pdk.verify.lvs.devices import Circuit, Device
from cpo_pdk.verify.lvs.faults import Fault

ENGINES_RULE, FIBRE_RULE, KIND_RULE, CONNECTOR_RULE = "LVS.engines", "LVS.fibre", "LVS.fibre_kind", "LVS.connector"

_FACES = {"east": 0.0, "north": 90.0, "west": 180.0, "south": 270.0}
_PM = "PM"
#: (engine, facet)
_Fibre = tuple[str, str]
#: (connector, position)
_End = tuple[str, int]


@dataclass(frozen=True)
class Stands:
    """An engine of the package: what was asked to stand there, and the device that does."""

    asked: AskedPlace
    device: Device


def standing(
    file: LayoutFile, circuit: Circuit, spec: PackageSpec, anchors: Mapping[str, Anchors]
) -> tuple[list[Stands], list[Fault]]:
    """Which drawn engine is which, by where they stand round the ASIC.

    Args:
        file: the layout; `circuit` is of its top cell.
        circuit: with engines as devices.
        spec: the package.
        anchors: cell of an engine -> its facets.
    """
    top, places = file.top.name, asked_places(spec)
    drawn = [device for device in circuit.devices.values() if device.function == ENGINE]
    middle = _middle(file)
    free = {place.name: place for place in places}
    stands: list[Stands] = []
    faults: list[Fault] = []
    dies = {cell: _die(file, cell) for cell in {device.cell for device in drawn}}
    at = {
        device.path: device.place.point(dies[device.cell].center().x, dies[device.cell].center().y) for device in drawn
    }
    options = sorted(
        (math.dist(at[device.path], _expected(spec, place, middle, dies[device.cell])), place.name, device.path)
        for device in drawn
        for place in places
    )
    taken: set[str] = set()
    for away, name, path in options:
        if (
            name in free
            and path not in taken
            and away < pitch_of(spec, (0.0, dies[circuit.devices[path].cell].height())) / 2
        ):
            stands.append(Stands(free.pop(name), circuit.devices[path]))
            taken.add(path)
    for name, place in free.items():
        text = f"engine {name} is missing, {len(drawn)} engines drawn, {spec.engines.count} asked; place it"
        faults.append(Fault(ENGINES_RULE, top, text, spec_path=f"engines.per_side.{place.side}"))
    for device in drawn:
        if device.path not in taken:
            text = (
                f"an engine where none was asked to stand, {len(drawn)} drawn, {spec.engines.count} asked; "
                "move or remove it"
            )
            faults.append(Fault(ENGINES_RULE, top, text, device=device, spec_path="engines.per_side"))
    for stand in stands:
        faults += _facing(top, stand, anchors.get(stand.device.cell))
    return sorted(stands, key=lambda s: places.index(s.asked)), faults


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


def _expected(spec: PackageSpec, place: AskedPlace, middle: tuple[float, float], die: kdb.DBox) -> tuple[float, float]:
    """Where the centre of an engine was asked to be, um."""
    count = share_of(spec).of(place.side)
    along = (place.number - 1 - (count - 1) / 2) * pitch_of(spec, (die.width(), die.height()))
    half = spec.asic.size_mm[0 if place.side in ("east", "west") else 1] * 500
    away = half + spec.engines.gap_mm * 1e3 + die.width() / 2
    x, y = {"north": (along, away), "south": (along, -away), "east": (away, -along), "west": (-away, -along)}[
        place.side
    ]
    return middle[0] + x, middle[1] + y


def _facing(top: str, stand: Stands, anchors: Anchors | None) -> Iterator[Fault]:
    """An engine that is mirrored, or looks another way than out of its side."""
    name, place = stand.asked.name, stand.device.place
    if place.mirror:
        text = (
            f"the array of engine {name} is mirrored: the engine is placed upside down, its fibres run from the last "
            "to the first; turn it without a mirror"
        )
        yield Fault(MIRRORED_RULE, top, text, device=stand.device, spec_path=f"engines.per_side.{stand.asked.side}")
    if anchors is None or not anchors.pairs:
        return
    own = anchors.pairs[0][1].angle
    faces = (place.rotation + (-own if place.mirror else own)) % 360.0
    if abs(faces - _FACES[stand.asked.side]) > 1e-3:
        looks = next((side for side, angle in _FACES.items() if abs(angle - faces) < 1e-3), f"{faces:g} degrees")
        text = f"the facet of engine {name} looks {looks}, {stand.asked.side} asked; turn the engine"
        yield Fault(ENGINES_RULE, top, text, device=stand.device, spec_path=f"engines.per_side.{stand.asked.side}")


class Fibres:
    """The fibres of a package, drawn and asked.

    Args:
        file: the layout.
        netlists: of the file.
        circuit: of its top cell, with engines as devices.
        spec, sheets: what was asked.
        stands: which engine is which.
        anchors: cell of an engine -> its facets.
    """

    def __init__(
        self,
        file: LayoutFile,
        netlists: Netlists,
        circuit: Circuit,
        spec: PackageSpec,
        sheets: Mapping[str, Sheet],
        stands: Sequence[Stands],
        anchors: Mapping[str, Anchors],
    ) -> None:
        self.file = file
        self.netlists = netlists
        self.circuit = circuit
        self.spec = spec
        self.sheets = sheets
        self.stands = stands
        self.asked: dict[_Fibre, _End | None] = {}
        self.drawn: dict[_Fibre, _End | None] = {}
        self.via: dict[_Fibre, tuple[str, ...]] = {}
        self.engine: dict[str, Device] = {stand.asked.name: stand.device for stand in stands}
        self.connectors = {d.path: d for d in circuit.devices.values() if d.function == CONNECTOR}
        self.names = {path: self._name(netlists.cells[d.cell]) for path, d in self.connectors.items()}
        self.use: dict[str, str] = {}
        for stand in stands:
            for facet, found in anchors[stand.device.cell].pairs if stand.device.cell in anchors else ():
                key = (stand.asked.name, facet.name)
                self.use[facet.name] = facet.use
                ref = (stand.device.path, found.port)
                self.asked[key] = stand.asked.position(facet.name)
                self.via[key] = circuit.via.get(ref, ())
                self.drawn[key] = self._end(circuit.partner.get(ref))

    @staticmethod
    def _name(cell: CellNetlist) -> str:
        return str(cell.settings.get("name") or cell.info.get("name") or cell.name)

    def _end(self, ref: tuple[str, str] | None) -> _End | None:
        if ref is None:
            return None
        if ref[0] not in self.connectors:
            return (f"{ref[0]}.{ref[1]}", 0)
        ports = sorted(self.netlists.cells[self.connectors[ref[0]].cell].ports, key=lambda port: (port.y, port.x))
        return (self.names[ref[0]], [port.name for port in ports].index(ref[1]) + 1)

    def faults(self) -> Iterator[Fault]:
        """Everything that is wrong between facets and connectors."""
        yield from self._connectors()
        open_ends, wrong = [], {}
        bare = {name for name in self.engine if not any(self.via[key] for key in self.asked if key[0] == name)}
        for name in sorted(bare):
            text = (
                f"no fibre meets a facet of engine {name}, {self.spec.engine.fibre_counts['total']} asked; move it back"
            )
            yield self._fault(FIBRE_RULE, text, name, "engines.gap_mm")
        mirrored = {stand.asked.name for stand in self.stands if stand.device.place.mirror}
        for key, end in self.asked.items():
            if key[0] in mirrored | bare:
                continue
            if self.drawn[key] != end:
                wrong[key] = end
            elif end is None and not self.via[key]:
                open_ends.append(key)
        for engine, facet in open_ends:
            text = f"no fibre at {facet} of engine {engine}, an alignment fibre asked; place it"
            yield self._fault(FIBRE_RULE, text, engine, "engine.loopbacks")
        yield from self._patterns(wrong)
        yield from self._kinds(mirrored)

    def _connectors(self) -> Iterator[Fault]:
        wanted = {c.name: c for stand in self.stands for c in stand.asked.connectors}
        by_name: dict[str, list[str]] = {}
        for path, name in self.names.items():
            by_name.setdefault(name, []).append(path)
        for name, connector in wanted.items():
            paths = by_name.get(name, [])
            if len(paths) != 1:
                text = f"{len(paths)} connectors {name}, 1 asked; place one"
                device = self.connectors[paths[0]] if paths else None
                yield Fault(CONNECTOR_RULE, self.circuit.cell, text, device=device, spec_path=connector.spec_path)
            for path in paths:
                yield from self._connector(connector.kind, len(connector.facets), path, connector.spec_path)
        if len(self.stands) == self.spec.engines.count:
            for name in sorted(set(by_name) - set(wanted)):
                text = f"a connector {name} that was not asked for; remove or rename it"
                device = self.connectors[by_name[name][0]]
                yield Fault(CONNECTOR_RULE, self.circuit.cell, text, device=device, spec_path="faceplate.connector")

    def _connector(self, kind: str, count: int, path: str, spec_path: str) -> Iterator[Fault]:
        device, name = self.connectors[path], self.names[path]
        cell = self.netlists.cells[device.cell]
        said = str(cell.settings.get("kind") or cell.info.get("kind") or "")
        if said != kind:
            text = f"connector {name} is a {said or 'connector of no kind'}, {kind} asked; draw that one"
            yield Fault(CONNECTOR_RULE, self.circuit.cell, text, device=device, spec_path=spec_path)
        if len(cell.ports) < count:
            text = f"connector {name} has {len(cell.ports)} positions, {count} asked; draw it with all"
            yield Fault(CONNECTOR_RULE, self.circuit.cell, text, device=device, spec_path=spec_path)
        if device.place.mirror:
            text = f"connector {name} is mirrored: its positions run from the last to the first; turn it over"
            yield Fault(MIRRORED_RULE, self.circuit.cell, text, device=device, spec_path=spec_path)

    def _patterns(self, wrong: dict[_Fibre, _End | None]) -> Iterator[Fault]:
        """Wrong ends, told as what they are; what fits no pattern fibre by fibre."""
        yield from self._whole_connectors(wrong)
        yield from self._reversed(wrong)
        yield from self._shifted(wrong)
        at = {end: key for key, end in self.asked.items() if end is not None}
        for key in list(wrong):
            end = self.drawn[key]
            other = at.get(end) if end is not None else None
            if key in wrong and other is not None and other in wrong and self.drawn[other] == self.asked[key]:
                del wrong[key], wrong[other]
                (engine, a), (second, b) = sorted((key, other), key=list(self.asked).index)
                who = f"{a} and {b} of engine {engine}" if engine == second else f"{engine}.{a} and {second}.{b}"
                ends = f"{_ended(self.asked[engine, a])} and {_ended(self.asked[second, b])}"
                text = f"the fibres of {who} are swapped at {ends}; lead each to its own position"
                yield self._fault(SWAPPED_RULE, text, engine, self._path(a))
        for (engine, facet), end in wrong.items():
            found = self.drawn[engine, facet]
            ends = f"ends at {_ended(found)}" if found else "ends at no connector"
            if found is None and not self.via[engine, facet]:
                ends = "is missing"
            text = f"the fibre of {facet} of engine {engine} {ends}, {_ended(end)} asked; lead it there"
            yield self._fault(FIBRE_RULE, text, engine, self._path(facet))

    def _whole_connectors(self, wrong: dict[_Fibre, _End | None]) -> Iterator[Fault]:
        """All fibres of one connector at the same positions of another, and the other way round."""
        leads: dict[str, str] = {}
        members: dict[str, list[_Fibre]] = {}
        for key, end in self.asked.items():
            if end is not None:
                members.setdefault(end[0], []).append(key)
        for name, keys in members.items():
            ends = [self.drawn[key] for key in keys]
            others = {end[0] for end in ends if end is not None}
            same_places = all(
                end is not None and asked is not None and end[1] == asked[1]
                for end, asked in zip(ends, (self.asked[key] for key in keys), strict=True)
            )
            if same_places and len(others) == 1 and all(key in wrong for key in keys):
                leads[name] = others.pop()
        for name, other in leads.items():
            if leads.get(other) == name and name < other:
                keys = [*members[name], *members[other]]
                for key in keys:
                    del wrong[key]
                engine = keys[0][0]
                text = (
                    f"connectors {name} and {other} are swapped: all {len(members[name])} fibres of each end at the "
                    "other; lead each to its own"
                )
                yield self._fault(SWAPPED_RULE, text, engine, "faceplate.connector")

    def _reversed(self, wrong: dict[_Fibre, _End | None]) -> Iterator[Fault]:
        """All fibres of one connector in reverse order."""
        for stand in self.stands:
            for connector in stand.asked.connectors:
                keys = [(stand.asked.name, facet) for facet in connector.facets]
                count = len(keys)
                ends = [self.drawn.get(key) for key in keys]
                if count > 2 and ends == [(connector.name, count - k) for k in range(count)]:
                    for key in keys:
                        wrong.pop(key, None)
                    text = (
                        f"the {count} fibres of {connector.name} are mirrored: position 1 holds "
                        f"{connector.facets[-1]}, {connector.facets[0]} asked; turn the ribbon over"
                    )
                    yield self._fault(MIRRORED_RULE, text, stand.asked.name, connector.spec_path)

    def _shifted(self, wrong: dict[_Fibre, _End | None]) -> Iterator[Fault]:
        """All fibres of one connector some positions further; the last ones then meet none."""
        for stand in self.stands:
            for connector in stand.asked.connectors:
                keys = [(stand.asked.name, facet) for facet in connector.facets]
                ends = [(k, self.drawn.get(key)) for k, key in enumerate(keys, start=1)]
                steps = {end[1] - k for k, end in ends if end is not None and end[0] == connector.name}
                elsewhere = any(end is not None and end[0] != connector.name for _, end in ends)
                met = sum(end is not None for _, end in ends)
                if len(steps) != 1 or steps == {0} or elsewhere or 2 * met <= len(keys):
                    continue
                for key in keys:
                    wrong.pop(key, None)
                step = steps.pop()
                text = (
                    f"the {len(keys)} fibres of {connector.name} are shifted by {abs(step)} position"
                    f"{'s' if abs(step) > 1 else ''}: {connector.facets[0]} meets {_ended(ends[0][1])}, "
                    f"{connector.name}.1 asked; move the connector"
                )
                yield self._fault(FIBRE_RULE, text, stand.asked.name, connector.spec_path)

    def _kinds(self, skip: set[str]) -> Iterator[Fault]:
        """Fibres of another kind than asked; the kind is read from the layer that they are drawn on."""
        devices = self.spec.engine.devices
        kinds: dict[str, str] = {}
        swapped: dict[str, list[str]] = {}
        for (engine, facet), cells in self.via.items():
            if engine in skip:
                continue
            name = devices.laser_fiber if self.use[facet] == "laser" else devices.fiber
            wanted = str(self.sheets[name].geometry.get("kind", self.sheets[name].select.get("kind", "SMF")))
            for cell in cells:
                if cell not in kinds:
                    kinds[cell] = self._drawn_kind(cell)
                if kinds[cell] != wanted:
                    swapped.setdefault(f"{engine} {kinds[cell]} {wanted} {name}", []).append(facet)
        for key, facets in swapped.items():
            engine, found, wanted, name = key.split(" ")
            role = "laser_fiber" if self.use[facets[0]] == "laser" else "fiber"
            text = (
                f"the fibre of {', '.join(dict.fromkeys(facets))} of engine {engine} is {_kind_words(found)}, "
                f"{_kind_words(wanted)} ({name}) asked; draw that one"
            )
            yield self._fault(KIND_RULE, text, engine, f"engine.devices.{role}")

    def _drawn_kind(self, cell: str) -> str:
        """PM or SMF by the layer of the outline; a fibre that says another kind is of neither."""
        drawn = self.file.layout.cell(cell)
        on = {name: self.file.layout.find_layer(*layer_of(name)) for name in ("FIBER", "FIBER_PM")}
        found = {name for name, index in on.items() if index is not None and not drawn.bbox_per_layer(index).empty()}
        kind = _PM if found == {"FIBER_PM"} else "SMF" if found == {"FIBER"} else "/".join(sorted(found)) or "nothing"
        said = str(self.netlists.cells[cell].settings.get("kind", kind))
        return kind if said == kind else f"{kind},said_to_be_{said}"

    def _path(self, facet: str) -> str:
        return f"engine.{self.use[facet]}_fibres" if self.use[facet] != "loop" else "engine.loopbacks"

    def _fault(self, rule: str, text: str, engine: str, spec_path: str) -> Fault:
        layer = "FIBER" if rule != KIND_RULE else "FIBER/FIBER_PM"
        device = self.engine[engine]
        return Fault(rule, self.circuit.cell, text, device=device, spec_path=spec_path, layer=layer)


def _ended(end: _End | None) -> str:
    if end is None:
        return "no connector (an open end)"
    return f"{end[0]}.{end[1]}" if end[1] else end[0]


def _kind_words(kind: str) -> str:
    words = {"PM": "polarisation-maintaining", "SMF": "single-mode"}
    own, _, said = kind.partition(",said_to_be_")
    text = words.get(own, "not drawn at all" if own == "nothing" else f"drawn on {own}")
    return f"{text} by its layer and {words.get(said, said)} by its settings" if said else text

"""What the metal joins: terminals of devices, silicon contacts, heaters and bumps, extracted with KLayout.

Layers conduct through what lies between them only: silicon contact - VIAC - M1 - VIA1 - M2 - PADOPEN - BUMP, and the
ends of a heater - VIA1. The heater between its two ends is a resistor and joins nothing. Each distinct cell is
extracted once.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import klayout.db as kdb

from cpo_pdk.circuit.meta import is_optical, read_cell_meta, read_cross_sections
from cpo_pdk.tech.layers import layer_of

#: function of the cells that are a bump
BUMP = "bump"
#: conductors and what joins them, from the silicon up
_STACK = ("VIAC", "M1", "VIA1", "M2", "PADOPEN", "BUMP")
_SILICON = {"P": "PPP", "N": "NPP"}
#: the terminal of a device is looked for this far inside its port, um; a bump's port is its middle
INWARD = 0.05
#: vias of one pad lie closer than twice this, dbu: what is around them is one end of a heater
_AROUND_VIA = 350
_TERMINALS = kdb.LayerInfo("terminals of devices")


@dataclass(frozen=True, order=True)
class End:
    """A terminal of a device, or a bump, on a net.

    Attributes:
        name: of the port; `bump` for a bump.
        cell, function: of the device.
        x, y: of the terminal, um.
        at_x, at_y: origin of the device, um.
    """

    name: str
    cell: str
    function: str
    x: float
    y: float
    at_x: float = 0.0
    at_y: float = 0.0

    @property
    def is_bump(self) -> bool:
        return self.function == BUMP

    @property
    def device(self) -> tuple[str, float, float]:
        """Cell and origin, which tell the device from others in the same cell."""
        return (self.cell, self.at_x, self.at_y)

    def moved(self, trans: kdb.DCplxTrans) -> End:
        """The same end in the cell that its cell is placed in."""
        place, origin = trans * kdb.DPoint(self.x, self.y), trans * kdb.DPoint(self.at_x, self.at_y)
        return End(
            self.name,
            self.cell,
            self.function,
            round(place.x, 4),
            round(place.y, 4),
            round(origin.x, 4),
            round(origin.y, 4),
        )


@dataclass(frozen=True)
class Reach:
    """What a terminal of a device is joined with inside the device.

    Attributes:
        on_metal: metal 2 is drawn at it.
        silicon: `P`, `N`: kinds of contacts.
        joined: names of the other terminals on the same net.
        heaters: numbers of the heaters that it is an end of.
        bump: it has a bump, with the opening below it.
    """

    on_metal: bool
    silicon: frozenset[str] = frozenset()
    joined: tuple[str, ...] = ()
    heaters: tuple[int, ...] = ()
    bump: bool = False


@dataclass(frozen=True)
class DeviceMetal:
    """The metal of one distinct device.

    Attributes:
        cell, function, factory: of the device.
        terminals: name -> what it reaches, and its place in the cell, um.
        heaters: for each heater, how many different nets its ends are on: 2 unless it is shorted.
        floating: boxes (um) and kinds of silicon contacts that no terminal reaches.
    """

    cell: str
    function: str
    factory: str
    terminals: dict[str, tuple[Reach, float, float]]
    heaters: tuple[int, ...] = ()
    floating: tuple[tuple[str, kdb.DBox], ...] = ()


@dataclass
class _Labels:
    """Terminals by cell: name -> text on the grid, and what the cell is."""

    ports: dict[str, dict[str, kdb.Text]] = field(default_factory=dict)
    what: dict[str, tuple[str, str]] = field(default_factory=dict)


class MetalNets:
    """The nets of the metals under a cell. While it is made, a layer is added to the layout and removed again.

    Args:
        layout: of `top`.
        top: what is looked at.
        devices: factories of the cells whose electrical ports are terminals.

    Raises:
        RuntimeError: KLayout can't follow the metals.
    """

    def __init__(self, layout: kdb.Layout, top: kdb.Cell, devices: Collection[str]) -> None:
        self.layout = layout
        self.cells = (top.cell_index(), *top.called_cells())
        self.labels = _Labels()
        self._ends: dict[tuple[str, int], tuple[End, ...]] = {}
        self._own: dict[tuple[str, int], tuple[End, ...]] = {}
        layer = layout.insert_layer(_TERMINALS)
        try:
            self._label(layer, devices)
            if self.labels.ports:
                self._extract(top, layer)
        finally:
            layout.delete_layer(layer)

    @property
    def bumps(self) -> bool:
        """True when any bump is placed."""
        return any(function == BUMP for function, _ in self.labels.what.values())

    @property
    def terminals(self) -> int:
        """Number of terminals of distinct devices."""
        return sum(len(ports) for cell, ports in self.labels.ports.items() if self.labels.what[cell][0] != BUMP)

    def _label(self, layer: int, devices: Collection[str]) -> None:
        sections = read_cross_sections(self.layout)
        for index in self.cells:
            cell = self.layout.cell(index)
            meta = read_cell_meta(cell, sections, self.layout.dbu)
            if meta.function != BUMP and meta.factory not in devices:
                continue
            for port in meta.ports:
                if is_optical(port.port_type) or port.layer != layer_of("M2"):
                    continue
                place = port.trans * kdb.DPoint(0.0 if meta.function == BUMP else -INWARD, 0.0)
                text = kdb.DText(port.name, place.x, place.y).to_itype(self.layout.dbu)
                cell.shapes(layer).insert(text)
                self.labels.ports.setdefault(cell.name, {})[port.name] = text
                self.labels.what[cell.name] = (meta.function, meta.factory)

    def _extract(self, top: kdb.Cell, terminals: int) -> None:
        self.extracted = x = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(self.layout, top, []))
        self.layer = {name: self._layer(name) for name in (*_SILICON.values(), *_STACK, "HEATER")}
        vias = self.layer["VIA1"].sized(_AROUND_VIA).merged()
        ends = self.layer["HEATER"] & vias
        x.register(ends, "heater ends")
        self._heater_ends = ends
        self.texts = x.make_text_layer(terminals, "terminals")
        for name in (*_SILICON.values(), *_STACK):
            x.connect(self.layer[name])
        for lower, upper in itertools.pairwise(_STACK):
            x.connect(self.layer[lower], self.layer[upper])
        for name in _SILICON.values():
            x.connect(self.layer[name], self.layer["VIAC"])
        x.connect(ends)
        x.connect(ends, self.layer["VIA1"])
        x.connect(self.layer["M2"], self.texts)
        x.extract_netlist()
        self.circuits = {circuit.name: circuit for circuit in x.netlist().each_circuit()}
        text_layer = x.layer_index(self.texts)
        for name, ports in self.labels.ports.items():
            circuit = self.circuits.get(name)
            by_place = {(text.string, text.x, text.y): text.string for text in ports.values()}
            for net in circuit.each_net() if circuit is not None else ():
                found = x.texts_of_net(net, text_layer, False)
                names = sorted({by_place[k] for t in found.each() if (k := (t.string, t.x, t.y)) in by_place})
                if names:
                    self._own[name, net.cluster_id] = tuple(self._end(name, port) for port in names)

    def _layer(self, name: str) -> kdb.Region:
        index = self.layout.find_layer(*layer_of(name))
        if index is None:
            return self.extracted.make_layer(name)
        return self.extracted.make_polygon_layer(index, name)

    def _end(self, cell: str, port: str) -> End:
        text, (function, _) = self.labels.ports[cell][port], self.labels.what[cell]
        dbu = self.layout.dbu
        name = BUMP if function == BUMP else port
        return End(name, cell, function, round(text.x * dbu, 4), round(text.y * dbu, 4))

    def ends(self, circuit: kdb.Circuit, net: kdb.Net) -> tuple[End, ...]:
        """The ends on a net, in the coordinates of its circuit; a device's own only, not those of a device in it."""
        key = (circuit.name, net.cluster_id)
        if key not in self._ends:
            own = self._own.get(key, ())
            found = list(own)
            if circuit.name not in self.labels.ports:
                for ref in net.each_subcircuit_pin():
                    inner = ref.subcircuit().circuit_ref()
                    inner_net = inner.net_for_pin(ref.pin_id())
                    if inner_net is not None:
                        trans = ref.subcircuit().trans
                        found += [end.moved(trans) for end in self.ends(inner, inner_net)]
            self._ends[key] = tuple(sorted(found))
        return self._ends[key]

    def nets(self) -> Iterator[tuple[str, tuple[End, ...]]]:
        """Each net with an end on it, once in the cell in which it is complete: name of the cell, ends."""
        for name, circuit in self.circuits.items() if self.labels.ports else ():
            for net in circuit.each_net():
                if net.pin_count() == 0 and (ends := self.ends(circuit, net)):
                    yield name, ends

    def flat_nets(self, cell: str) -> Iterator[tuple[End, ...]]:
        """Each net with an end on it under a cell, every place of it, in the coordinates of the cell."""
        by_holder: dict[str, list[tuple[End, ...]]] = {}
        for holder, ends in self.nets():
            by_holder.setdefault(holder, []).append(ends)
        yield from by_holder.get(cell, ())
        root = self.layout.cell(cell)
        targets = [found.cell_index() for name in by_holder if (found := self.layout.cell(name)) is not None]
        if root is None or not targets:
            return
        places = kdb.RecursiveInstanceIterator(self.layout, root)
        places.targets = targets
        for place in places.each():
            trans = place.dtrans() * place.inst_dtrans()
            for ends in by_holder[place.inst_cell().name]:
                yield tuple(end.moved(trans) for end in ends)

    def devices(self) -> Iterator[DeviceMetal]:
        """What the terminals of each distinct device and bump reach inside it."""
        for name, (function, factory) in sorted(self.labels.what.items()):
            yield self._device(name, function, factory)

    def _device(self, name: str, function: str, factory: str) -> DeviceMetal:
        circuit, dbu = self.circuits.get(name), self.layout.dbu
        places = {port: (text.x * dbu, text.y * dbu) for port, text in self.labels.ports[name].items()}
        if circuit is None:
            return DeviceMetal(name, function, factory, {port: (Reach(False), *at) for port, at in places.items()})
        heaters = list(self._heaters(circuit, name))
        reached: dict[str, Reach] = {}
        floating: list[tuple[str, kdb.DBox]] = []
        for net in circuit.each_net():
            own = self._own.get((name, net.cluster_id), ())
            kinds = {kind: self._shapes(net, layer) for kind, layer in _SILICON.items()}
            if not own:
                if any(not shapes.is_empty() for shapes in kinds.values()) and not self._shapes(net, "VIAC").is_empty():
                    floating += [
                        (kind, shapes.bbox().to_dtype(dbu)) for kind, shapes in kinds.items() if not shapes.is_empty()
                    ]
                continue
            # the name of a bump's end is not that of its port
            names = [port for port, at in places.items() if any(_same(at, (end.x, end.y)) for end in own)]
            reach = Reach(
                on_metal=True,
                silicon=frozenset(kind for kind, shapes in kinds.items() if not shapes.is_empty()),
                joined=tuple(sorted(names)) if len(names) > 1 else (),
                heaters=tuple(i for i, nets in enumerate(heaters) if net.cluster_id in nets),
                bump=function == BUMP and not self._shapes(net, "BUMP").is_empty(),
            )
            reached.update(dict.fromkeys(names, reach))
        terminals = {port: (reached.get(port, Reach(False)), *at) for port, at in places.items()}
        return DeviceMetal(name, function, factory, terminals, tuple(len(nets) for nets in heaters), tuple(floating))

    def _shapes(self, net: kdb.Net, layer: str) -> kdb.Region:
        return self._region(net, self.layer[layer])

    def _region(self, net: kdb.Net, layer: kdb.Region) -> kdb.Region:
        return self.extracted.shapes_of_net(net, layer, True)

    def _heaters(self, circuit: kdb.Circuit, name: str) -> Iterator[frozenset[int]]:
        """For each heater between two ends in a device: the nets that they are on, one where it is shorted.

        Looked for in what is drawn in the device alone: what a cell around it draws on a heater is no part of it.
        """
        ends = {net.cluster_id: self._region(net, self._heater_ends) for net in circuit.each_net()}
        ends = {number: shapes for number, shapes in ends.items() if not shapes.is_empty()}
        for body in _bodies(self.layout, self.layout.cell(name)) if ends else ():
            met = {number: shapes.interacting(body).merged().count() for number, shapes in ends.items()}
            if sum(met.values()) >= 2:
                yield frozenset(number for number, count in met.items() if count)


def _bodies(layout: kdb.Layout, cell: kdb.Cell) -> list[kdb.Region]:
    """The pieces of heater between vias in a cell."""
    found: list[kdb.Region] = []
    for name in ("HEATER", "VIA1"):
        index = layout.find_layer(*layer_of(name))
        found.append(kdb.Region() if index is None else kdb.Region(cell.begin_shapes_rec(index)).merged())
    return [kdb.Region(piece) for piece in (found[0] - found[1].sized(_AROUND_VIA)).merged().each()]


def _same(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return abs(a[0] - b[0]) < 1e-3 and abs(a[1] - b[1]) < 1e-3

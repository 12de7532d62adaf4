"""Whether the metal joins what it has to: every terminal of a device and its own bump, and nothing else.

The metals are extracted hierarchically with KLayout. A heater is a resistor, so its two ends are two nets. Only files
that hold bumps are looked at: in a part without them terminals are open on purpose.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.meta import is_optical, read_cell_meta, read_cross_sections
from cpo_pdk.tech.layers import layer_of

#: function of the cells that are a bump
BUMP = "bump"
#: metals from the bottom up; each is joined with the next
METALS = ("M1", "VIA1", "M2", "BUMP")
#: a terminal is looked for this far inside its port, um
INWARD = 0.05
_TERMINALS = kdb.LayerInfo("terminals of devices")


@dataclass(frozen=True)
class NetFault:
    """A net that joins too much or too little; place in um in the coordinates of `cell`."""

    short: bool
    cell: str
    x: float
    y: float
    message: str


@dataclass(frozen=True)
class _Terminal:
    device: tuple[str, str]
    label: str
    x: float
    y: float


def net_faults(layout: kdb.Layout, top: kdb.Cell, devices: Collection[str]) -> list[NetFault]:
    """Shorts and opens between the terminals of devices and the bumps.

    Args:
        layout: of `top`; a layer is added while this runs.
        top: what is looked at.
        devices: functions of the cells whose electrical ports are terminals.
    """
    terminals = layout.insert_layer(_TERMINALS)
    try:
        if not _label(layout, top, terminals, devices):
            return []
        return list(_faults(layout, top, terminals))
    finally:
        layout.delete_layer(terminals)


def _label(layout: kdb.Layout, top: kdb.Cell, layer: int, devices: Collection[str]) -> bool:
    """Write a text at each terminal of devices and bumps; False when there is no bump."""
    sections = read_cross_sections(layout)
    bumps = False
    for index in (top.cell_index(), *top.called_cells()):
        cell = layout.cell(index)
        meta = read_cell_meta(cell, sections, layout.dbu)
        if meta.function != BUMP and meta.factory not in devices:
            continue
        bumps |= meta.function == BUMP
        for port in meta.ports:
            if is_optical(port.port_type) or port.layer != layer_of("M2"):
                continue
            place = port.trans * kdb.DPoint(-INWARD, 0.0)
            kind = BUMP if meta.function == BUMP else f"{meta.function}.{port.name}"
            cell.shapes(layer).insert(kdb.DText(kind, place.x, place.y))
    return bumps


def _faults(layout: kdb.Layout, top: kdb.Cell, terminals: int) -> Iterator[NetFault]:
    extracted = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(layout, top, []))
    metals = {
        name: extracted.make_polygon_layer(index, name)
        for name in METALS
        if (index := layout.find_layer(*layer_of(name))) is not None
    }
    if "M2" not in metals:
        return
    texts = extracted.make_text_layer(terminals, "terminals")
    for metal in metals.values():
        extracted.connect(metal)
    for lower, upper in itertools.pairwise(metals.values()):
        extracted.connect(lower, upper)
    extracted.connect(metals["M2"], texts)
    extracted.extract_netlist()
    layer = extracted.layer_index(texts)
    for circuit in extracted.netlist().each_circuit():
        cell = layout.cell(circuit.name)
        known: dict[tuple[str, int, int], _Terminal] | None = None
        for net in circuit.each_net():
            if net.pin_count() or cell is None:
                continue  # goes on in the cells that this one is placed in
            if known is None:
                known = _terminals(layout, cell, terminals)
            labels = extracted.texts_of_net(net, layer, True)
            on_net = [t for text in labels.each() if (t := known.get((text.string, text.x, text.y))) is not None]
            if on_net:
                yield from _judge(cell.name, on_net)


def _terminals(layout: kdb.Layout, cell: kdb.Cell, layer: int) -> dict[tuple[str, int, int], _Terminal]:
    found: dict[tuple[str, int, int], _Terminal] = {}
    shapes = kdb.RecursiveShapeIterator(layout, cell, layer)
    while not shapes.at_end():
        text = shapes.shape().text.transformed(shapes.trans())
        device = (shapes.cell().name, str(shapes.trans()))
        place = (text.x * layout.dbu, text.y * layout.dbu)
        found[text.string, text.x, text.y] = _Terminal(device, text.string, *place)
        shapes.next()
    return found


def _judge(cell: str, on_net: list[_Terminal]) -> Iterator[NetFault]:
    bumps = sorted((t for t in on_net if t.label == BUMP), key=lambda t: (t.x, t.y))
    others = sorted((t for t in on_net if t.label != BUMP), key=lambda t: (t.x, t.y, t.label))
    first = (others or bumps)[0]
    by_device: dict[tuple[str, str], set[str]] = defaultdict(set)
    for terminal in others:
        by_device[terminal.device].add(terminal.label)
    joined = sorted(label for labels in by_device.values() if len(labels) > 1 for label in labels)
    if joined:
        text = f"{' and '.join(dict.fromkeys(joined))} of one device on one net, 0 allowed; part the metal"
        yield NetFault(True, cell, first.x, first.y, text)
    if len(bumps) > 1:
        names = ", ".join(f"{n} {name}" for name, n in sorted(Counter(t.label for t in others).items())) or "no device"
        text = f"{len(bumps)} bumps on one net (with {names}), 1 allowed; part the metal"
        yield NetFault(True, cell, bumps[0].x, bumps[0].y, text)
    if not bumps:
        text = f"{first.label} reaches no bump, 1 needed; draw the metal through to one"
        yield NetFault(False, cell, first.x, first.y, text)
    elif not others:
        yield NetFault(False, cell, first.x, first.y, "a bump that no device is on, 1 needed; connect or remove it")

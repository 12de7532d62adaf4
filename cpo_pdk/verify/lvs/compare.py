"""The graph that was asked for against the graph that is drawn, from the facets inwards, port by port.

Both graphs are walked together from the fibre array, whose positions are known; a device is the one asked for when it
is reached the same way through the ports of devices that are. Names of instances play no part. What differs is told
where the two ways part, and the walk goes on behind it where that is possible.

A device may have ports that are worth the same (the outputs of a splitter, the four ports of a coupler): which of them
is which follows from where they are reached.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.verify.lvs.array import SWAPPED_RULE, Anchors
from cpo_pdk.verify.lvs.asked import AskedDevice, AskedEngine, AskedFilter
from cpo_pdk.verify.lvs.devices import Circuit, Device, fits
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.filter_trees import FilterTrees, exchanged_words
from cpo_pdk.verify.lvs.port_orders import FOUR, SYMMETRIES

DEVICE_RULE, MISSING_RULE, EXTRA_RULE = "LVS.device", "LVS.missing", "LVS.extra"
OPEN_RULE, CONNECTION_RULE, TURNED_RULE = "LVS.open", "LVS.connection", "LVS.turned"


@dataclass(frozen=True)
class Matched:
    """What the comparison found.

    Attributes:
        device: key of a device that was asked for -> the one that it is.
        faults: what differs.
        nets: how many nets were compared.
        ports: key of a device that was asked for -> its port as asked -> the one that it is.
        recounted: rows whose buses hold more or fewer devices than asked, so that channels can't be told by order.
    """

    device: Mapping[str, Device]
    faults: tuple[Fault, ...]
    nets: int
    recounted: frozenset[str]
    ports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass
class _Walk:
    asked: AskedEngine
    circuit: Circuit
    match: dict[str, str] = field(default_factory=dict)
    back: dict[str, str] = field(default_factory=dict)
    orders: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    queue: deque[tuple[PortRef, PortRef]] = field(default_factory=deque)
    done: set[PortRef] = field(default_factory=set)
    told: set[frozenset[PortRef]] = field(default_factory=set)
    crossed: dict[frozenset[PortRef], Fault] = field(default_factory=dict)  # net that leads elsewhere -> what was told
    faults: list[Fault] = field(default_factory=list)
    nets: set[frozenset[PortRef]] = field(default_factory=set)
    recounted: set[str] = field(default_factory=set)
    open_ends: dict[str, list[Fault]] = field(default_factory=dict)  # key of what is not there -> what ends before it
    counted: Counter[str] = field(default_factory=Counter)  # factory -> how many more than asked were told already

    def __post_init__(self) -> None:
        self.partner: dict[PortRef, PortRef] = dict(self.asked.partner)
        self.tree = FilterTrees(self.asked, self.circuit)
        self.fed = [found for found in self.asked.filters if found.fed]
        self.barred = {self.partner[leaf] for found in self.fed for leaf in found.leaves.values()}

    def run(self, anchors: Anchors) -> Matched:
        # the positions of the array are known before anything else: no coupler may be taken for another
        for facet, drawn in anchors.pairs:
            key, (path, port) = facet.coupler, drawn.ref
            if fits(self.asked.devices[key].sheet, self.circuit.devices[path]):
                self.take((key, "o2"), (path, port))
            else:
                self.tell(DEVICE_RULE, self.asked.devices[key], path, self._instead(path, key))
        for facet, _ in anchors.pairs:
            if facet.use == "laser":
                self.fed_roots()
            if facet.coupler in self.match:
                self.push(facet.coupler)
                self.drain()
        self.fed_roots()
        for key in [key for key, orders in self.orders.items() if len(orders) > 1]:
            self.orders[key] = self.orders[key][:1]
            self.push(key)
            self.drain()
        self.swaps()
        for found in self.asked.filters:
            self.exchanged(found)
        self.rest()
        device = {key: self.circuit.devices[path] for key, path in self.match.items()}
        ports = {key: orders[0] for key, orders in self.orders.items()}
        return Matched(device, tuple(self.faults), len(self.nets), frozenset(self.recounted), ports)

    # the walk

    def drain(self) -> None:
        while self.queue:
            asked, drawn = self.queue.popleft()
            if asked not in self.done:
                self.done.add(asked)
                self.net(asked, drawn)

    def assign(self, asked: PortRef, drawn: PortRef) -> None:
        """Take a drawn device for the one asked for, and go on from its other ports as soon as they are known."""
        self.take(asked, drawn)
        if len(self.orders[asked[0]]) == 1:
            self.push(asked[0])

    def take(self, asked: PortRef, drawn: PortRef) -> None:
        """Take a drawn device for the one asked for; they are met at these ports."""
        (key, port), (path, at) = asked, drawn
        self.match[key], self.back[path] = path, key
        device = self.asked.devices[key]
        names = _ports(self.asked, key)
        known = SYMMETRIES.get(device.sheet.cell, ())
        orders: list[dict[str, str]] = [dict(zip(FOUR, order, strict=False)) for order in known]
        orders = orders or [{name: name for name in names}]
        meant = [order for order in orders if order.get(port) == at]
        if not meant:
            text = f"{device.words} is met at its port {at}, {port} asked: it is the wrong way round; turn it"
            self.tell(TURNED_RULE, device, path, text)
            swap = {port: at, at: port}
            meant = [{name: swap.get(name, name) for name in names}]
        self.orders[key] = meant
        if key in self.tree.stages:
            # the heater of an interferometer may lie in either arm
            for a, b in self.tree.arms(key, path, meant[0]):
                self.partner[a], self.partner[b] = b, a

    def push(self, key: str) -> None:
        order, path = self.orders[key][0], self.match[key]
        for name in _ports(self.asked, key):
            if (key, name) in self.partner and (key, name) not in self.barred:
                self.queue.append(((key, name), (path, order.get(name, name))))

    # demultiplexers

    def fed_roots(self) -> None:
        """Take the demultiplexers that the modulators are met behind for those of their rows, and go on from there."""
        for found in self.fed:
            if found.stages[0].common in self.match:
                continue
            root = self.tree.root(found, self.match, self.orders, self.back)
            if root is not None:
                self.assign(found.root, root)
                self.drain()

    def exchanged(self, found: AskedFilter) -> None:
        """Channels of a (de)multiplexer that trade places at what is behind its leaves: told as that, once."""
        pairs = swapped_pairs(self.tree.leads(found, self.match, self.orders, self.back))
        nets = [frozenset((found.leaves[k], self.partner[found.leaves[k]])) for pair in pairs for k in pair]
        gone = [self.crossed.pop(net) for net in nets if net in self.crossed]
        if not gone:
            return
        self.faults = [fault for fault in self.faults if not any(fault is old for old in gone)]
        first = self.asked.devices[self.asked.partner[found.leaves[pairs[0][0]]][0]]
        self.tell(SWAPPED_RULE, first, self.match[first.key], exchanged_words(found, pairs))

    # nets

    def net(self, asked: PortRef, drawn: PortRef) -> None:
        """Compare what two nets lead to."""
        target, found = self.partner[asked], self.circuit.partner.get(drawn)
        net = frozenset((asked, target))
        if net in self.told:
            return
        self.nets.add(net)
        expected = self.asked.devices[target[0]]
        if found is None:
            self.told.add(net)
            here = self.asked.devices[asked[0]]
            text = f"the waveguide from {here.words} to {expected.words} is open; join the two"
            self.tell(OPEN_RULE, expected, drawn[0], text, row=_row(here, expected))
            self.open_ends.setdefault(target[0], []).append(self.faults[-1])
            return
        if target[0] in self.match:
            self.known(asked, target, found, net)
        elif found[0] in self.back:
            self.told.add(net)
            self.wrong_net(asked, target, found)
        elif fits(expected.sheet, self.circuit.devices[found[0]]):
            self.assign(target, found)
        else:
            self.told.add(net)
            if not self.resumed(target, found):
                self.tell(DEVICE_RULE, expected, found[0], self._instead(found[0], target[0]))

    def known(self, asked: PortRef, target: PortRef, found: PortRef, net: frozenset[PortRef]) -> None:
        """The device at the end of a net is known already: it must be the one, and be met at the right port."""
        key, port = target
        if self.match[key] != found[0]:
            self.told.add(net)
            self.wrong_net(asked, target, found)
            return
        meant = [order for order in self.orders[key] if order.get(port, port) == found[1]]
        if not meant:
            self.told.add(net)
            here, device = self.asked.devices[asked[0]], self.asked.devices[key]
            text = f"{here.words} leads to port {found[1]} of {device.words}, {port} asked; connect it there"
            self.tell(CONNECTION_RULE, device, found[0], text, row=_row(here, device))
        elif len(meant) < len(self.orders[key]):
            self.orders[key] = meant
            if len(meant) == 1:
                self.push(key)

    def wrong_net(self, asked: PortRef, target: PortRef, found: PortRef) -> None:
        here, expected = self.asked.devices[asked[0]], self.asked.devices[target[0]]
        text = f"{here.words} leads to {self._called(found[0], here.row)}, {_full(expected, here.row)} asked"
        self.tell(CONNECTION_RULE, expected, found[0], f"{text}; lead it there", row=here.row)
        self.crossed[frozenset((asked, target))] = self.faults[-1]

    def swaps(self) -> None:
        """Two facets that each lead to what was asked behind the other: told as that, once."""
        leads: dict[str, str] = {}
        nets: dict[str, frozenset[PortRef]] = {}
        behind = {
            self.asked.partner[f.coupler, "o1"]: f for f in self.asked.facets if (f.coupler, "o1") in self.asked.partner
        }
        for facet in self.asked.facets:
            inner = (facet.coupler, "o1")
            found = self.circuit.partner.get((self.match.get(facet.coupler, ""), "o1"))
            key = self.back.get(found[0]) if found is not None else None
            other = next((f for ref, f in behind.items() if ref[0] == key), None)
            if other is not None and other is not facet and inner in self.asked.partner:
                leads[facet.name] = other.name
                nets[facet.name] = frozenset((inner, self.asked.partner[inner]))
        for name, other in leads.items():
            if name < other and leads.get(other) == name:
                gone = [self.crossed.pop(net) for net in (nets[name], nets[other]) if net in self.crossed]
                self.faults = [fault for fault in self.faults if not any(fault is old for old in gone)]
                key = f"{name}/coupler"
                text = f"{name} and {other} are swapped: each leads to what was asked behind the other; exchange them"
                self.tell(SWAPPED_RULE, self.asked.devices[key], self.match[key], text, row="")

    def resumed(self, target: PortRef, found: PortRef) -> bool:
        """Go on behind a device that is missing, too many, or of another kind; True when it could be told as that."""
        expected = self.asked.devices[target[0]]
        if self._missing(expected, target, found):
            return True
        ways = [self._extra, self._other]
        if self._over(expected.sheet.drawn_by) < 0:  # one was drawn less than asked: then it was replaced
            ways.reverse()
        return any(way(expected, target, found) for way in ways)

    def _over(self, factory: str) -> int:
        """How many devices of a factory are drawn over those asked, without those that were told already."""
        drawn = sum(device.factory == factory for device in self.circuit.devices.values())
        wanted = sum(device.sheet.drawn_by == factory for device in self.asked.devices.values())
        return drawn - wanted - self.counted[factory]

    def _missing(self, expected: AskedDevice, target: PortRef, found: PortRef) -> bool:
        """Fewer devices of a bus than asked: what is found is what comes behind them."""
        lacking, at = 0, target
        skipped: list[frozenset[PortRef]] = []
        through = self.asked.through.get(expected.role, {})
        while self.asked.devices[at[0]].role == expected.role and through:
            lacking += 1
            onward = self.partner.get((at[0], through.get(at[1], "")))
            if onward is None:
                return False
            skipped.append(frozenset(((at[0], through[at[1]]), onward)))
            at = onward
        behind = self.asked.devices[at[0]]
        free = (at[0] not in self.match and found[0] not in self.back) or self.match.get(at[0]) == found[0]
        if not lacking or not free or not fits(behind.sheet, self.circuit.devices[found[0]]):
            return False
        if self.asked.in_series:
            total = len(self.asked.bus(expected.row, expected.role, _side(expected)))
            kind = expected.sheet.cell
            text = (
                f"{total - lacking} of {total} {kind}s on {_bus(expected)}: {lacking} missing before {behind.words}; "
                "place one a channel"
            )
            self.recounted.add(expected.row)
        else:
            text = f"{expected.words} is missing: {behind.words} is met in its place; place it"
        self.counted[expected.sheet.drawn_by] -= lacking
        self.told.update(skipped)
        self.tell(MISSING_RULE, expected, found[0], text)
        if at[0] not in self.match:
            self.assign(at, found)
        return True

    def _extra(self, expected: AskedDevice, target: PortRef, found: PortRef) -> bool:
        """More devices than asked: what was expected comes behind one or several of one kind."""
        first = self.circuit.devices[found[0]]
        count, at = 0, found
        while count < len(self.circuit.devices):
            device = self.circuit.devices[at[0]]
            if count and fits(expected.sheet, device):
                break
            if at[0] in self.back or device.factory != first.factory:
                return False
            onward = self._through(at, expected)
            if onward is None:
                return False
            count, at = count + 1, onward
        what = f"{count} {first.function}s" if count > 1 else f"a {first.function}"
        text = f"{what} too many before {expected.words}; remove {'them' if count > 1 else 'it'}"
        series = self.asked.through if self.asked.in_series else {}
        if any(first.factory == d.sheet.drawn_by and d.role in series for d in self.asked.devices.values()):
            self.recounted.add(expected.row)
        self.counted[first.factory] += count
        self.tell(EXTRA_RULE, expected, found[0], text)
        if at[0] not in self.back and target[0] not in self.match:
            self.assign(target, at)
        return True

    def _through(self, at: PortRef, expected: AskedDevice) -> PortRef | None:
        """Where the light goes on behind a device that was not asked for."""
        device = self.circuit.devices[at[0]]
        others = [port for (path, port) in self.circuit.via if path == at[0] and port != at[1]]
        onward = [end for port in others if (end := self.circuit.partner.get((at[0], port))) is not None]
        meant = [end for end in onward if fits(expected.sheet, self.circuit.devices[end[0]])]
        alike = [end for end in onward if self.circuit.devices[end[0]].factory == device.factory]
        return next(iter([*meant, *alike]), None)

    def _other(self, expected: AskedDevice, target: PortRef, found: PortRef) -> bool:
        """A device of another kind in the place of the one asked for: its neighbours are those that were asked for."""
        names = _ports(self.asked, target[0])
        has = {port for (path, port) in self.circuit.via if path == found[0]}
        around = 0
        for name in names:
            onward, drawn = self.partner.get((target[0], name)), self.circuit.partner.get((found[0], name))
            if name == target[1] or onward is None:
                continue
            if drawn is None or not fits(self.asked.devices[onward[0]].sheet, self.circuit.devices[drawn[0]]):
                return False
            around += 1
        if not around or not set(names) <= has or found[1] != target[1]:
            return False
        self.counted[expected.sheet.drawn_by] -= 1
        self.counted[self.circuit.devices[found[0]].factory] += 1
        self.tell(DEVICE_RULE, expected, found[0], self._instead(found[0], target[0]))
        self.match[target[0]], self.back[found[0]] = found[0], target[0]
        self.orders[target[0]] = [{name: name for name in names}]
        self.push(target[0])
        return True

    # what is left over

    def rest(self) -> None:
        """Devices that no way leads to, and those that are not there, where nothing was said of them yet."""
        drawn = Counter(device.factory for device in self.circuit.devices.values())
        wanted = Counter(device.sheet.drawn_by for device in self.asked.devices.values())
        for factory in sorted({*drawn, *wanted}):
            over = drawn[factory] - wanted[factory] - self.counted[factory]
            if over > 0:
                self._idle(factory, drawn[factory], wanted[factory], over)
            elif over < 0:
                self._lacking(factory, drawn[factory], wanted[factory], -over)

    def _idle(self, factory: str, drawn: int, wanted: int, over: int) -> None:
        free = [d for p, d in self.circuit.devices.items() if d.factory == factory and p not in self.back][:over]
        if free:
            what = free[0].function or free[0].cell
            some = f"{len(free)} {what}s are" if len(free) > 1 else f"a {what} is"
            text = f"{some} on no way that was asked for, {drawn} drawn, {wanted} asked; remove what is too many"
            self.faults.append(Fault(EXTRA_RULE, self.circuit.cell, text, device=free[0]))

    def _lacking(self, factory: str, drawn: int, wanted: int, count: int) -> None:
        """Devices that are not there: what ends open before them is told as that."""
        gone = [d for k, d in self.asked.devices.items() if d.sheet.drawn_by == factory and k not in self.match]
        told = {fault.row for fault in self.faults}
        first = [d for d in gone if d.key in self.open_ends]
        silent = [d for d in gone if d.key not in self.open_ends and d.row not in told]
        for device in [*first, *silent][:count]:
            ends = self.open_ends.get(device.key, [])
            self.faults = [fault for fault in self.faults if not any(fault is end for end in ends)]
            text = f"{device.words} is missing, {drawn} {device.sheet.cell}s drawn, {wanted} asked; place it"
            near = ends[0].device if ends else None
            fault = Fault(MISSING_RULE, self.circuit.cell, text, device.row, near, spec_path=device.spec_path)
            self.faults.append(fault)

    # words

    def tell(self, rule: str, asked: AskedDevice, path: str, text: str, row: str | None = None) -> None:
        device = self.circuit.devices[path]
        row = asked.row if row is None else row
        fault = Fault(rule, self.circuit.cell, text, row, device, spec_path=asked.spec_path)
        self.faults.append(fault)

    def _instead(self, path: str, key: str) -> str:
        found, asked = self.circuit.devices[path], self.asked.devices[key]
        chosen = ", ".join(f"{name} = {found.settings.get(name)}" for name in asked.sheet.select)
        kind = found.function or found.cell
        kind = f"{kind} with {chosen}" if chosen and found.factory == asked.sheet.drawn_by else kind
        return f"{kind} found, {asked.words} ({asked.sheet.name}) asked; draw that one"

    def _called(self, path: str, row: str) -> str:
        """A drawn device by what it was asked as, or by its kind."""
        key = self.back.get(path)
        if key is not None:
            return _full(self.asked.devices[key], row)
        return f"a {self.circuit.devices[path].function or self.circuit.devices[path].cell}"


def _ports(asked: AskedEngine, key: str) -> tuple[str, ...]:
    """Ports of a device that something was asked to be at, a coupler's facet included."""
    joined = [name for name in FOUR if (key, name) in asked.partner]
    return tuple([*joined, "o2"] if asked.devices[key].role == "edge_coupler" else joined)


def _full(device: AskedDevice, row: str) -> str:
    """Words of a device, with its row where that is another one than the reader thinks of."""
    return device.words if device.row == row else f"{device.words} of {device.row}"


def _row(a: AskedDevice, b: AskedDevice) -> str:
    """The row that a net belongs to: of the two the one that is no laser's."""
    return b.row if a.row.startswith("laser") else a.row


def _side(device: AskedDevice) -> str:
    return next((side for side in ("_upper_", "_lower_") if side in device.key), "")


def _bus(device: AskedDevice) -> str:
    side = _side(device).strip("_")
    return f"the {side} bus" if side else "the bus"


def compare(asked: AskedEngine, circuit: Circuit, anchors: Anchors) -> Matched:
    """Compare the circuit of an engine with the one that was asked for.

    Args:
        asked: what the spec asks for.
        circuit: what is drawn.
        anchors: which facet is which.
    """
    return _Walk(asked, circuit).run(anchors)


def swapped_pairs(order: Mapping[int, int]) -> list[tuple[int, int]]:
    """The pairs of numbers that only trade places in a mapping of numbers."""
    return [(a, b) for a, b in itertools.combinations(sorted(order), 2) if order[a] == b and order[b] == a]

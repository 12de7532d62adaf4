"""Which ports touch: same place, opposite direction, same width and layer. Everything else that is close is a
problem."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cpo_pdk.circuit.meta import is_outside
from cpo_pdk.circuit.netlist import Connection, NetProblem, PortRef, ProblemKind
from cpo_pdk.tech.layers import FIBER_LEVELS, layer_of

#: ribbons of fibres lie over one another: faces of these layers meet only their own
_RIBBONS = frozenset(layer_of(name) for name in (*FIBER_LEVELS[1:], "FIBER_PM"))
#: ribbon layers of data fibres from the lowest to the highest
_LEVELS = tuple(layer_of(name) for name in FIBER_LEVELS)
#: ports nearer than this that don't touch are suspicious, um
NEAR_UM = 1.0
#: directions that differ by no more than this from the right one are meant to meet, degrees
FACING_DEG = 30.0
#: directions are equal within this, degrees
ANGLE_DEG = 1e-3


@dataclass(frozen=True)
class PlacedPort:
    """A port in the coordinates of the containing cell: dbu and degrees; `instance` is empty for the cell's own
    port."""

    instance: str
    port: str
    port_type: str
    x: int
    y: int
    angle: float
    width: int
    layer: tuple[int, int]
    cross_section: str
    opened: bool

    @property
    def ref(self) -> PortRef:
        return (self.instance, self.port)

    @property
    def ribbon_layer(self) -> tuple[int, int]:
        """Layer of the ribbons above the first, or of lasers, that a face belongs to; (0, 0) for any other port."""
        return self.layer if self.port_type.startswith("edge") and self.layer in _RIBBONS else (0, 0)

    @property
    def label(self) -> str:
        return f"{self.instance}.{self.port}"


@dataclass(frozen=True)
class Touching:
    """Outcome of `touch`, see `CellNetlist`."""

    connections: tuple[Connection, ...]
    exposed: dict[str, PortRef]
    outside: tuple[PortRef, ...]
    opened: tuple[PortRef, ...]
    problems: tuple[NetProblem, ...]


def _turn(a: float, b: float) -> float:
    """Smallest angle between two directions, 0 to 180 degrees."""
    return abs((a - b + 180.0) % 360.0 - 180.0)


def _off_direction(a: PlacedPort, b: PlacedPort) -> float:
    """Degrees that two ports are off: two instances face each other, a cell's own port looks as its instance does."""
    turn = _turn(a.angle, b.angle)
    return turn if not a.instance or not b.instance else 180.0 - turn


class _Cell:
    def __init__(self, cell: str, opened: Collection[str], dbu: float) -> None:
        self.cell = cell
        self.open_names = frozenset(opened)
        self.dbu = dbu
        self.connections: list[Connection] = []
        self.exposed: dict[str, PortRef] = {}
        self.problems: list[NetProblem] = []
        self.free: list[PlacedPort] = []

    def problem(self, kind: ProblemKind, ports: Sequence[PlacedPort], message: str) -> None:
        first = ports[0]
        self.problems.append(
            NetProblem(
                kind=kind,
                cell=self.cell,
                x=round(first.x * self.dbu, 6),
                y=round(first.y * self.dbu, 6),
                ports=tuple(port.label for port in ports),
                message=message,
            )
        )

    def at_one_point(self, ports: list[PlacedPort]) -> None:
        """Decide about the ports that lie in one place."""
        ports.sort(key=lambda port: port.ref)
        names = " and ".join(port.label for port in ports)
        if len(ports) == 1:
            self.free.append(ports[0])
            return
        if len(ports) > 2:
            self.problem(
                "several_ports", ports, f"{len(ports)} ports in one place ({names}), 2 allowed; move all but two"
            )
            return
        a, b = ports
        mismatch = self.mismatch(a, b)
        if mismatch:
            kind, text = mismatch
            self.problem(kind, ports, f"{names}: {text}")
        elif a.instance and b.instance:
            self.connections.append(Connection(a.ref, b.ref))
        else:
            self.exposed[a.port] = b.ref

    def across_layers(self) -> None:
        """Connect the faces of data fibres that are left in one place: the lowest layer to the lowest row, and so on.

        Ribbons that cross others are lifted into higher layers and end in the rows of their connectors all the same.
        """
        places: dict[tuple[int, int], list[PlacedPort]] = defaultdict(list)
        for port in self.free:
            if port.instance and port.port_type.startswith("edge") and port.layer in _LEVELS:
                places[port.x, port.y].append(port)
        met: set[PortRef] = set()
        for ports in places.values():
            ports.sort(key=lambda port: (_LEVELS.index(port.layer), port.ref))
            one = [port for port in ports if _turn(port.angle, ports[0].angle) <= ANGLE_DEG]
            other = [port for port in ports if abs(_turn(port.angle, ports[0].angle) - 180.0) <= ANGLE_DEG]
            if len(one) == len(other) and len(one) + len(other) == len(ports):
                for a, b in zip(one, other, strict=True):
                    if a.instance != b.instance:
                        first, second = sorted((a, b), key=lambda port: port.ref)
                        self.connections.append(Connection(first.ref, second.ref))
                        met |= {a.ref, b.ref}
        self.free = [port for port in self.free if port.ref not in met]

    def mismatch(self, a: PlacedPort, b: PlacedPort) -> tuple[ProblemKind, str] | None:
        """Why two ports in one place are not connected, or None when they are."""
        if not a.instance and not b.instance:
            return "several_ports", "two ports of the cell in one place, 1 allowed; remove one"
        off = _off_direction(a, b)
        if off > ANGLE_DEG:
            return "angle_mismatch", f"directions are {off:.6g} degrees off, 0 allowed; turn one of them"
        both_facets = a.port_type.startswith("edge") and b.port_type.startswith("edge")
        if both_facets:
            return None
        if a.port_type != b.port_type:
            return (
                "type_mismatch",
                f"types {a.port_type!r} and {b.port_type!r} differ; place an edge or grating coupler",
            )
        if a.width != b.width:
            wide, other = a.width * self.dbu, b.width * self.dbu
            return "width_mismatch", f"widths {wide:.6g} and {other:.6g} um differ; place a taper between"
        if a.layer != b.layer:
            return (
                "layer_mismatch",
                f"layers {_layer(a.layer)} and {_layer(b.layer)} differ; place a transition between",
            )
        if a.cross_section and b.cross_section and a.cross_section != b.cross_section:
            text = f"cross-sections {a.cross_section!r} and {b.cross_section!r} differ; place a transition between"
            return "cross_section_mismatch", text
        return None

    def near(self) -> set[PortRef]:
        """Report unconnected ports that nearly meet; the ports that were reported."""
        step = max(1, round(NEAR_UM / self.dbu))
        buckets: dict[tuple[int, int], list[PlacedPort]] = defaultdict(list)
        reported: set[PortRef] = set()
        for port in self.free:
            column, row = port.x // step, port.y // step
            for dx in (-1, 0, 1):
                for dy in (-1, 0, 1):
                    for other in buckets.get((column + dx, row + dy), ()):
                        if other.instance == port.instance or other.ribbon_layer != port.ribbon_layer:
                            continue
                        distance = ((other.x - port.x) ** 2 + (other.y - port.y) ** 2) ** 0.5 * self.dbu
                        if distance > NEAR_UM or _off_direction(other, port) > FACING_DEG:
                            continue
                        text = f"{other.label} and {port.label}: {distance * 1e3:.0f} nm apart, 0 needed to connect"
                        self.problem("near_miss", (other, port), f"{text}; move one by ({self.step(other, port)}) nm")
                        reported |= {other.ref, port.ref}
            buckets[column, row].append(port)
        return reported

    def step(self, a: PlacedPort, b: PlacedPort) -> str:
        return f"{(a.x - b.x) * self.dbu * 1e3:.0f}, {(a.y - b.y) * self.dbu * 1e3:.0f}"


def _layer(layer: tuple[int, int]) -> str:
    return f"{layer[0]}/{layer[1]}"


def touch(
    cell: str,
    instance_ports: Sequence[PlacedPort],
    own_ports: Sequence[PlacedPort],
    opened: Collection[str],
    dbu: float,
) -> Touching:
    """Connect the ports of one cell.

    Args:
        cell: its name, for the problems.
        instance_ports: optical ports of the instances in it.
        own_ports: optical ports of the cell itself.
        opened: `instance.port` names declared open by the cell, and own ports that lead nowhere on purpose.
        dbu: um.
    """
    work = _Cell(cell, opened, dbu)
    points: dict[tuple[int, int, tuple[int, int]], list[PlacedPort]] = defaultdict(list)
    for port in (*own_ports, *instance_ports):
        points[port.x, port.y, port.ribbon_layer].append(port)
    for ports in points.values():
        work.at_one_point(ports)
    work.across_layers()
    reported = work.near()
    outside: list[PortRef] = []
    declared: list[PortRef] = []
    for port in work.free:
        if port.ref in reported:
            continue
        if not port.instance:
            if port.port not in work.open_names:
                work.problem(
                    "unbound_port",
                    (port,),
                    f"port {port.port!r} of the cell is the port of no instance; remove or move it",
                )
        elif port.opened or port.label in work.open_names:
            declared.append(port.ref)
        elif is_outside(port.port_type):
            outside.append(port.ref)
        else:
            work.problem(
                "dangling", (port,), f"{port.label} leads nowhere; connect it, terminate it or declare it in open_ports"
            )
    return Touching(
        connections=tuple(sorted(work.connections, key=lambda link: (link.a, link.b))),
        exposed=dict(sorted(work.exposed.items())),
        outside=tuple(sorted(outside)),
        opened=tuple(sorted(declared)),
        problems=tuple(sorted(work.problems, key=lambda p: (p.kind, p.x, p.y, p.ports))),
    )

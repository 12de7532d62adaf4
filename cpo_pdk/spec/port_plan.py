"""Which fibre of which engine ends at which position of which connector at the faceplate, as the spec asks for it.

Data fibres: connector `k` of an engine holds its transmit fibres `k n + 1 ... k n + n` on its first positions and the
receive fibres of the same numbers on its last ones (links of parallel fibre send on one half of an MPO and receive on
the other); positions between them stay empty. Seen from above with the faceplate in the north, position 1 is the
easternmost of a connector. Connector `k` belongs to ribbon layer `k`.

Laser fibres: modules are filled in the order in which the ribbons come out of the package, fibre by fibre, so that one
module may feed several engines and the last one may be half empty. An order asked for the faceplate is that of the data
connectors; those of the lasers lie in a row of their own, and their fibres need not cross one another for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.placement import share_of, spares_of

#: (engine, port of its facet): `("N1", "tx_3")`
FibreKey = tuple[str, str]


@dataclass(frozen=True)
class ConnectorPlan:
    """One connector at the faceplate.

    Attributes:
        name: `MPO-N1`, `MPO-N1-2` (the second of engine N1), `ELS-3`.
        kind: as the spec has it, `MPO-16` or `ELS`.
        positions: of the whole connector.
        fibres: position (from 1) -> fibre; positions without one are not in it.
        level: ribbon layer, from 1; 0 for laser connectors, whose fibres have a layer of their own.
    """

    name: str
    kind: str
    positions: int
    fibres: dict[int, FibreKey]
    level: int


def tx_per_connector(spec: PackageSpec) -> int:
    """Transmit fibres (and as many receive fibres) of one data connector.

    Args:
        spec: the package.
    """
    asked = spec.faceplate.tx_per_connector
    return asked if asked is not None else min(spec.faceplate.fibres_per_connector // 2, spec.engine.tx_fibres)


def facet_ports(spec: PackageSpec) -> tuple[tuple[str, str], ...]:
    """Name and use ("laser", "tx", "rx", "loop") of each position of an engine's fibre array, from south to north.

    Args:
        spec: the package.
    """
    e = spec.engine
    south, north = (2 if e.loopbacks else 0), (2 if e.loopbacks == 2 else 0)
    return (
        *((f"loop_{k + 1}", "loop") for k in range(south)),
        *((f"laser_{k + 1}", "laser") for k in range(e.laser_fibres)),
        *((f"tx_{k + 1}", "tx") for k in range(e.tx_fibres)),
        *((f"rx_{k + 1}", "rx") for k in range(e.rx_fibres)),
        *((f"loop_{south + k + 1}", "loop") for k in range(north)),
    )


def active_names(spec: PackageSpec) -> tuple[str, ...]:
    """Names of the engines in use (not the spares), clockwise from the north.

    Args:
        spec: the package.
    """
    share, spare = share_of(spec), spares_of(spec)
    names = [f"{side[0].upper()}{k + 1}" for side in SIDES for k in range(share.of(side))]
    return tuple(name for name in names if name not in spare)


def faceplate_order(spec: PackageSpec) -> tuple[str, ...]:
    """Engines in use from left to right at the faceplate: as asked, or so that no ribbon has to cross another.

    Args:
        spec: the package.
    """
    return spec.faceplate.order if isinstance(spec.faceplate.order, tuple) else nesting_order(spec)


def nesting_order(spec: PackageSpec) -> tuple[str, ...]:
    """Engines in use from left to right as their ribbons come out of the package when none crosses another.

    Ribbons nest: those of the south leave outside of all others. From left to right: south from the middle to the west,
    west from south to north, north, east from north to south, south from the east to the middle.

    Args:
        spec: the package.
    """
    share, spare = share_of(spec), spares_of(spec)
    count = {side: share.of(side) for side in SIDES}
    half = count["south"] // 2
    names = [f"S{k}" for k in range(half, 0, -1)]
    names += [f"W{k}" for k in range(count["west"], 0, -1)]
    names += [f"N{k + 1}" for k in range(count["north"])]
    names += [f"E{k + 1}" for k in range(count["east"])]
    names += [f"S{k}" for k in range(count["south"], half, -1)]
    return tuple(name for name in names if name not in spare)


def data_connectors(spec: PackageSpec, engine: str) -> tuple[ConnectorPlan, ...]:
    """Data connectors of one engine, the one of ribbon layer 1 first.

    Args:
        spec: the package.
        engine: its name.
    """
    each, held = tx_per_connector(spec), spec.faceplate.fibres_per_connector
    count = -(-spec.engine.tx_fibres // each)
    plans = []
    for k in range(count):
        sent = range(k * each + 1, min((k + 1) * each, spec.engine.tx_fibres) + 1)
        received = range(k * each + 1, min((k + 1) * each, spec.engine.rx_fibres) + 1)
        fibres = {i + 1: (engine, f"tx_{n}") for i, n in enumerate(sent)}
        fibres |= {held - len(received) + i + 1: (engine, f"rx_{n}") for i, n in enumerate(received)}
        name = f"MPO-{engine}" + (f"-{k + 1}" if count > 1 else "")
        plans.append(ConnectorPlan(name, spec.faceplate.connector, held, fibres, k + 1))
    return tuple(plans)


def laser_connectors(spec: PackageSpec, order: Sequence[str] | None = None) -> tuple[ConnectorPlan, ...]:
    """Connectors of the laser modules, from left to right.

    Args:
        spec: the package.
        order: engines from left to right; default: `nesting_order`.
    """
    engines = nesting_order(spec) if order is None else order
    # the array's laser fibres run from right to left at the faceplate: the last port of an engine lies leftmost
    fibres = [(name, f"laser_{k}") for name in engines for k in range(spec.engine.laser_fibres, 0, -1)]
    held = spec.laser.fibres_per_module
    plans = []
    for k in range(-(-len(fibres) // held)):
        chunk = fibres[k * held : (k + 1) * held]
        # positions count from right to left, as in the data connectors
        placed = dict(enumerate(reversed(chunk), start=1))
        plans.append(ConnectorPlan(f"{spec.laser.connector}-{k + 1}", spec.laser.connector, held, placed, 0))
    return tuple(plans)


def port_plan(spec: PackageSpec) -> tuple[ConnectorPlan, ...]:
    """All connectors at the faceplate: data connectors in faceplate order, then the laser connectors.

    Args:
        spec: the package.
    """
    data = [plan for name in faceplate_order(spec) for plan in data_connectors(spec, name)]
    return (*data, *laser_connectors(spec))

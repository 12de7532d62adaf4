"""One engine that was asked for: its rows by architecture, and the trees of splitters that feed them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.spec.architecture import Architecture
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.port_plan import facet_ports
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.verify.lvs.asking import mzm_rows, ring_rows
from cpo_pdk.verify.lvs.asking.parts import AskedEngine, AskedFacet, Drafting

_Rows = tuple[
    Callable[[Drafting, str, tuple[float, ...]], PortRef],
    Callable[[Drafting, str, tuple[float, ...]], None],
    Mapping[str, Mapping[str, str]],
]
#: architecture -> transmit row, receive row, ways through their devices
_ROWS: Mapping[Architecture, _Rows] = MappingProxyType(
    {
        "ring_wdm": (ring_rows.transmit, ring_rows.receive_bus, ring_rows.THROUGH),
        "ring_dr": (ring_rows.transmit, ring_rows.receive_direct, ring_rows.THROUGH),
        "mzm_wdm": (mzm_rows.transmit, mzm_rows.receive, mzm_rows.THROUGH),
    }
)


def asked_engine(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> AskedEngine:
    """The circuit of one engine.

    Args:
        spec: the package.
        sheets: by name; those of `engine.devices` are there.
    """
    e, wl = spec.engine, spec.engine.grid.wl_um
    made = Drafting(spec, sheets)
    names = facet_ports(spec)
    for name, _ in names:
        made.add(name, "edge_coupler", "coupler", "the edge coupler")
    loops = [name for name, use in names if use == "loop"]
    for a, b in zip(loops[::2], loops[1::2], strict=True):
        made.join((f"{a}/coupler", "o1"), (f"{b}/coupler", "o1"))
    transmit, receive, through = _ROWS[e.architecture]
    entries = {f"tx_{k + 1}": transmit(made, f"tx_{k + 1}", wl) for k in range(e.tx_fibres)}
    for k in range(e.rx_fibres):
        receive(made, f"rx_{k + 1}", wl)
    feeds: dict[str, str] = {}
    ways = e.splitter_ways
    for k in range(e.laser_fibres):
        rows = [f"tx_{(e.laser_fibres - 1 - k) * ways + i + 1}" for i in range(ways)]
        feeds.update(dict.fromkeys(rows, f"laser_{k + 1}"))
        _feed(made, f"laser_{k + 1}", [entries[row] for row in rows])
    facets = tuple(AskedFacet(name, use, f"{name}/coupler") for name, use in names)
    return AskedEngine(made.devices, made.partner, facets, wl, feeds, through, tuple(made.filters))


def _feed(made: Drafting, laser: str, entries: list[PortRef]) -> None:
    """The tree from a laser's coupler to its rows, from south to north: `o2` of a splitter leads to the northern."""
    source: PortRef = (f"{laser}/coupler", "o1")
    level = [(source, entries)]
    count = 0
    while level:
        below: list[tuple[PortRef, list[PortRef]]] = []
        for ref, group in level:
            if len(group) == 1:
                made.join(ref, group[0])
                continue
            count += 1
            words = f"splitter {count} of the tree"
            splitter = made.add(laser, "splitter", f"splitter_{count}", words)
            made.join(ref, (splitter, "o1"))
            half = len(group) // 2
            below += [((splitter, "o3"), group[:half]), ((splitter, "o2"), group[half:])]
        level = below

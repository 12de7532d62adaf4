"""What all engines have at their edges: the fibre array in the east, laser light round its columns in the west."""

from __future__ import annotations

from collections.abc import Sequence

from cpo_pdk.assemblies.kit import Kit, make
from cpo_pdk.assemblies.macros import splitter_tree
from cpo_pdk.assemblies.units import straight_between
from cpo_pdk.components.edge_couplers import draw_array
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.waveguides import cross_section

_RAISE = gf.kf.conf.CheckInstances.RAISE

WEST = 120.0  # from the west edge of the die to the first laser column, um: room for the alignment marks
COLUMN = 30.0  # pitch of the laser columns, um
RIB_FROM = 4000.0  # from this length on laser light runs in a rib, um: it wins twice what its two tapers lose
MARGIN = 100.0  # from the outermost fibres' half pitch, or row, to the south and north edges, um
EIC_MARGIN = 20.0  # from the east end of the rows to the edge of the electronic die, um


def facet_names(tx: int, rx: int, laser: int, loopbacks: int) -> list[str]:
    """Names of the facet's ports from south to north.

    Args:
        tx: number of transmit fibres.
        rx: number of receive fibres.
        laser: number of laser fibres.
        loopbacks: 0, 1 or 2.
    """
    south = 2 if loopbacks else 0
    north = 2 if loopbacks == 2 else 0
    return (
        [f"loop_{k + 1}" for k in range(south)]
        + [f"laser_{k + 1}" for k in range(laser)]
        + [f"tx_{k + 1}" for k in range(tx)]
        + [f"rx_{k + 1}" for k in range(rx)]
        + [f"loop_{south + k + 1}" for k in range(north)]
    )


@gf.cell(basename="cpo_fibre_array", check_instances=_RAISE)
def fibre_array(kit: Kit, n: int, pitch: float, loopbacks: int) -> gf.Component:
    """Edge couplers at the pitch of the fibres; `f1`... at the facet, `o1`... inside, without those of loopbacks.

    Args:
        kit: devices.
        n: number of positions.
        pitch: centre to centre in um.
        loopbacks: 0, 1 (in the south) or 2.
    """
    c = gf.Component()
    draw_array(c, make(kit, "edge_coupler"), n, pitch, loopbacks)
    return c


def feed(
    c: gf.Component,
    kit: Kit,
    k: int,
    group: Sequence[gf.ComponentReference],
    source: gf.Port,
    x: float,
    pitch: float,
) -> None:
    """Bring laser `k` west along its own line, round its column at `x`, and through a tree into a group of rows.

    Args:
        c: component to draw in.
        kit: devices.
        k: number of the laser fibre, from 0.
        group: rows that it feeds, from south to north.
        source: port that its light comes from, looking west.
        x: of the column in um.
        pitch: of the rows in um.
    """
    y_group = round((group[0].ports["o1"].center[1] + group[-1].ports["o1"].center[1]) / 2, 3)
    bend = make(kit, "bend", radius=cross_section("strip").radius, angle=90)
    size = bend.ports["o2"].center[0]
    turn_up, turn_in = c << bend, c << bend
    turn_up.name, turn_in.name = f"laser_{k + 1}_turn_1", f"laser_{k + 1}_turn_2"
    turn_up.connect("o1", source, mirror=True)
    turn_up.movex(round(x - turn_up.ports["o2"].center[0], 3))
    _long_run(c, kit, f"laser_{k + 1}_run", source, turn_up.ports["o1"])
    turn_in.connect("o1", turn_up.ports["o2"], mirror=True)
    turn_in.movey(round(y_group - size - turn_in.ports["o1"].center[1], 3))
    straight_between(c, kit, f"laser_{k + 1}_rise", turn_up.ports["o2"], turn_in.ports["o1"])
    if len(group) == 1:
        straight_between(c, kit, f"laser_{k + 1}_in", turn_in.ports["o2"], group[0].ports["o1"])
        return
    tree = c << splitter_tree(kit=kit, ways=len(group), pitch=pitch)
    tree.name = f"tree_{k + 1}"
    x_root = group[0].ports["o1"].center[0] - (tree.ports["o2"].center[0] - tree.ports["o1"].center[0])
    tree.move((round(x_root - tree.ports["o1"].center[0], 3), y_group))
    straight_between(c, kit, f"laser_{k + 1}_in", turn_in.ports["o2"], tree.ports["o1"])


def _long_run(c: gf.Component, kit: Kit, name: str, start: gf.Port, stop: gf.Port) -> None:
    """Join two ports that face each other: where it is far, by a rib between two tapers; it loses less."""
    if abs(stop.center[0] - start.center[0]) < RIB_FROM:
        straight_between(c, kit, name, start, stop)
        return
    ends = []
    for label, port in (("in", start), ("out", stop)):
        taper = c << make(kit, "taper")
        taper.name = f"{name}_taper_{label}"
        taper.connect("o1", port)
        ends.append(taper.ports["o2"])
    straight_between(c, kit, name, ends[0], ends[1], xs="rib")


def lane_bumps(rows: Sequence[gf.ComponentReference]) -> list[list[str | float]]:
    """Name (`tx_3/5`: transmit fibre 3, channel 5), x and y (um) of the bump where each lane meets the electronic die.

    Args:
        rows: placed without turns, named as their port at the facet, with the lanes' bumps in `info["lane_bumps"]`.
    """
    found: list[list[str | float]] = []
    for row in rows:
        dx, dy = row.dtrans.disp.x, row.dtrans.disp.y
        for k, (x, y) in enumerate(row.cell.info["lane_bumps"]):
            found.append([f"{row.name}/{k + 1}", round(x + dx, 3), round(y + dy, 3)])
    return found

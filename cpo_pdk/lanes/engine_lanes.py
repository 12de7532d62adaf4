"""The lanes of one distinct engine cell: device, wavelength, waveguide, laser port and bumps of each.

All of it is found by following light and metal: the circuit says which modulator or detector serves which wavelength of
which port, the metal says which bumps its terminals have. Nothing is taken from names of instances.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.binding import ModelLike, SheetLike, bind
from cpo_pdk.circuit.engine_state import EngineState
from cpo_pdk.circuit.flattening import FlatCircuit, flatten
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.netlist import Netlists, PortRef
from cpo_pdk.circuit.placed_engines import channels_of
from cpo_pdk.errors import LayoutError
from cpo_pdk.verify.lvs.metal_nets import MetalNets, Reach

Place = tuple[float, float]


@dataclass(frozen=True)
class Terminal:
    """What a bump of an engine is for.

    Attributes:
        device: path in the engine.
        cell: what it is, `ring_modulator`.
        name: of the terminal on the bump's net.
        reaches: what the terminal is joined with inside the device: `heater`, `p`, `n`, `p+n`, or `metal`.
    """

    device: str
    cell: str
    name: str
    reaches: str


@dataclass(frozen=True)
class CellLane:
    """A lane of an engine cell.

    Attributes:
        direction, port, channel, wl_um: as in `rows.LaneRow`.
        device, device_cell: modulator or detector.
        waveguide: first leaf behind the edge coupler.
        laser_port: number of the laser port that feeds it; 0 for a receive lane.
        bumps: terminal -> its bump in the engine, um.
    """

    direction: str
    port: int
    channel: int
    wl_um: float
    device: str
    device_cell: str
    waveguide: str
    laser_port: int
    bumps: Mapping[str, Place]


@dataclass(frozen=True)
class CellMap:
    """What one distinct engine cell holds.

    Attributes:
        cell: its name.
        wl_um: its channels.
        lanes: in the order direction (tx first), port, channel.
        terminals: bump (um, on the grid) -> what it is for; None for a bump that no device, or several, hang on.
        stated: lane -> bump that the file states for it, `tx_3/5` -> um; empty where it states none.
        circuit: the flat engine.
    """

    cell: str
    wl_um: tuple[float, ...]
    lanes: tuple[CellLane, ...]
    terminals: Mapping[Place, Terminal | None]
    stated: Mapping[str, Place]
    circuit: FlatCircuit


def on_grid(x: float, y: float) -> Place:
    """A place in um rounded to the grid of 1 nm, as a key."""
    return (round(x, 3) + 0.0, round(y, 3) + 0.0)


def terminals_of(layout: kdb.Layout, circuit: FlatCircuit, devices: Iterable[str]) -> dict[Place, Terminal | None]:
    """The bumps of an engine cell and what their nets lead to.

    Args:
        layout: that holds the cell.
        circuit: the flat engine.
        devices: factories of the cells whose electrical ports are terminals.

    Raises:
        LayoutError: the metals can't be followed.
    """
    top = layout.cell(circuit.cell)
    try:
        metal = MetalNets(layout, top, frozenset(devices))
        nets = list(metal.flat_nets(circuit.cell))
        inside = {
            (device.cell, name): reach for device in metal.devices() for name, (reach, _, _) in device.terminals.items()
        }
    except RuntimeError as error:
        raise LayoutError(
            f"engine {circuit.cell}: its metals can't be followed ({' '.join(str(error).split())}); build it again"
        ) from error
    leaves = {(leaf.cell, *on_grid(leaf.x, leaf.y)): path for path, leaf in circuit.leaves.items()}
    found: dict[Place, Terminal | None] = {}
    for net in nets:
        ends = [end for end in net if not end.is_bump]
        terminal = None
        if len({end.device for end in ends}) == 1:
            end = ends[0]
            path = leaves.get((end.cell, *on_grid(end.at_x, end.at_y)))
            if path is not None:
                terminal = Terminal(path, end.function, end.name, _words(inside.get((end.cell, end.name))))
        for bump in net:
            if bump.is_bump:
                found[on_grid(bump.x, bump.y)] = terminal
    return found


def _words(reach: Reach | None) -> str:
    """What a terminal is joined with inside its device."""
    if reach is not None and reach.heaters:
        return "heater"
    return "+".join(sorted(kind.lower() for kind in reach.silicon)) if reach is not None and reach.silicon else "metal"


def map_engine(
    netlists: Netlists,
    file: LayoutFile,
    cell: str,
    sheets: Mapping[str, SheetLike],
    models: Mapping[str, ModelLike],
) -> CellMap:
    """The lanes and bumps of one engine cell.

    Args:
        netlists: of the whole file.
        file: the layout.
        cell: name of the engine cell.
        sheets, models: by name.

    Raises:
        LayoutError: no wavelengths, no ports, metals that can't be followed.
        ModelError: a cell without a usable model, light that reaches nothing.
    """
    channels = channels_of(netlists.cells[cell], file)
    circuit = flatten(netlists, cell)
    bound = bind(netlists, circuit, sheets, models)
    # no spectra are wanted here, so the grid of the spectra is one wavelength
    state = EngineState(circuit, bound, channels, channels[:1])
    computed = [sheet.drawn_by for sheet in sheets.values() if sheet.computed]
    terminals = terminals_of(file.layout, circuit, computed)
    by_device: dict[str, dict[str, Place]] = {}
    for place, terminal in terminals.items():
        if terminal is not None:
            by_device.setdefault(terminal.device, {})[terminal.name] = place
    partner = _partners(circuit)
    lanes = [
        CellLane(
            direction=direction,
            port=port,
            channel=channel + 1,
            wl_um=float(channels[channel]),
            device=device,
            device_cell=circuit.leaves[device].function if device else "",
            waveguide=_behind_facet(circuit, partner, f"{direction}_{port}"),
            laser_port=laser,
            bumps=by_device.get(device, {}),
        )
        for direction, port, channel, device, laser in _devices(state)
    ]
    stated = stated_bumps(netlists.cells[cell].info.get("lane_bumps"))
    return CellMap(cell, tuple(map(float, channels)), tuple(lanes), terminals, stated, circuit)


def stated_bumps(value: object) -> dict[str, Place]:
    """Lane -> bump out of the `lane_bumps` that an engine states, entries that make no sense left out."""
    found: dict[str, Place] = {}
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, list) and len(entry) == 3 and all(_finite(v) for v in entry[1:]):
            found[str(entry[0])] = on_grid(float(entry[1]), float(entry[2]))
    return found


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _partners(circuit: FlatCircuit) -> dict[PortRef, PortRef]:
    partner: dict[PortRef, PortRef] = {}
    for link in circuit.connections:
        partner[link.a], partner[link.b] = link.b, link.a
    return partner


def _devices(state: EngineState) -> list[tuple[str, int, int, str, int]]:
    """Direction, port, channel (from 0), modulator or detector (empty where none is), and laser port of each lane."""
    found = [
        ("tx", sender.port, channel, sender.modulators.get(channel, ""), sender.laser)
        for sender in state.transmit
        for channel in range(state.count)
    ]
    detectors: dict[int, dict[int, str]] = {port: {} for port in state.facet.rx}
    for reception in state.receive:  # TE before TM
        for channel, path in reception.detectors.items():
            detectors[reception.port].setdefault(channel, path)
    return found + [
        ("rx", port, channel, by_channel.get(channel, ""), 0)
        for port, by_channel in detectors.items()
        for channel in range(state.count)
    ]


def _behind_facet(circuit: FlatCircuit, partner: Mapping[PortRef, PortRef], port: str) -> str:
    """The leaf that an edge coupler hands its light to."""
    at = circuit.exposed.get(port)
    if at is None:
        return ""
    inner = [there[0] for here, there in partner.items() if here[0] == at[0]]
    return inner[0] if len(inner) == 1 else at[0]

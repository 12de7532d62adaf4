"""The rows of the lane map, as plain frozen values: lanes, fibres, connectors, and what doesn't fit."""

from __future__ import annotations

from dataclasses import dataclass, field

#: use of an engine's facet port, in the order of the fibre map
USES = ("tx", "rx", "laser", "loop")


@dataclass(frozen=True)
class FibreRow:
    """One fibre, from an engine's facet to where it ends.

    Attributes:
        engine: name of the placed engine.
        port: of its facet, `tx_3`.
        use: `tx`, `rx`, `laser` or `loop`.
        fibre: instance, several of them joined with ` + `; empty where no fibre is attached.
        layer: drawing layer of the fibre, `FIBER_2`.
        connector, kind: name and kind of the connector that it ends in; empty for an alignment fibre.
        position: in the connector, from 1; 0 where there is none.
        facet_x_um, facet_y_um: where it begins, in the package.
        end_x_um, end_y_um: where it ends.
        length_mm: along the fibre.
        straight_mm: from end to end.
        latency_ps: of a signal along it.
    """

    engine: str
    port: str
    use: str
    fibre: str
    layer: str
    connector: str
    kind: str
    position: int
    facet_x_um: float
    facet_y_um: float
    end_x_um: float
    end_y_um: float
    length_mm: float
    straight_mm: float
    latency_ps: float

    @property
    def slack_mm(self) -> float:
        """How much longer the fibre is than the straight line."""
        return self.length_mm - self.straight_mm


@dataclass(frozen=True)
class LaneRow:
    """One wavelength of one fibre in one direction, from the switch to the faceplate.

    Attributes:
        engine: name of the placed engine.
        direction: `tx` or `rx`.
        port: number of the facet port, from 1.
        channel: number of the wavelength, from 1.
        wl_um: wavelength.
        serdes: lane of the switch, `tx_17`; empty where no airwire leads to the lane.
        asic_x_um, asic_y_um: its bump on the switch, in the package.
        bump_x_um, bump_y_um: bump on the engine, in the package.
        terminal: of the device that the bump leads to, `e1`.
        trace_mm: length of the trace between the two bumps along x and y.
        device: modulator or detector, path in the engine.
        device_cell: its factory, `ring_modulator`.
        waveguide: what leads on from the device at the facet, path in the engine.
        fibre, connector, position: as in the fibre map.
        laser_port: number of the engine's laser port that feeds the lane; 0 for a receive lane.
        laser_connector, laser_position: where its fibre ends.
        module, bank, bank_lane: place in the bank view, see `banks`: module of the engine from 1, bank from 0, lane
            from 1.
    """

    engine: str
    direction: str
    port: int
    channel: int
    wl_um: float
    serdes: str
    asic_x_um: float
    asic_y_um: float
    bump_x_um: float
    bump_y_um: float
    terminal: str
    trace_mm: float
    device: str
    device_cell: str
    waveguide: str
    fibre: str
    connector: str
    position: int
    laser_port: int
    laser_connector: str
    laser_position: int
    module: int
    bank: int
    bank_lane: int

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What tells a lane from all others."""
        return (self.engine, self.direction, self.port, self.channel)

    @property
    def name(self) -> str:
        """`engine_N1/tx_3/5`."""
        return f"{self.engine}/{self.direction}_{self.port}/{self.channel}"


@dataclass(frozen=True)
class ConnectorRow:
    """One connector at the faceplate: what each of its positions holds.

    Attributes:
        name, kind: as in the layout.
        level: row at the faceplate, from 1; 0 for a laser connector.
        x_um, y_um: of its position 1, in the package.
        positions: position -> (engine, port), only those with a fibre.
        size: number of positions.
        skew_ps: use -> latency between the fastest and the slowest fibre of that use.
    """

    name: str
    kind: str
    level: int
    x_um: float
    y_um: float
    positions: dict[int, tuple[str, str]]
    size: int
    skew_ps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MapProblem:
    """Why the map is no bijection: what is wrong, one line with the cure, and the place in the package (um)."""

    kind: str
    message: str
    x_um: float
    y_um: float


@dataclass(frozen=True)
class LaneMap:
    """Everything that the layout says about lanes and fibres.

    Attributes:
        package: name of the top cell.
        lanes: in the order engine, direction (tx first), port, channel.
        fibres: in the order engine, use, port.
        connectors: from left to right, laser connectors last.
        engines: names of the engines in use.
        spares: names of the engines without fibres.
        wl_um: engine cell -> its wavelengths.
        serdes: direction -> number of serial lanes that the switch has, used or not.
        problems: what keeps the map from being a bijection.
    """

    package: str
    lanes: tuple[LaneRow, ...]
    fibres: tuple[FibreRow, ...]
    connectors: tuple[ConnectorRow, ...]
    engines: tuple[str, ...]
    spares: tuple[str, ...]
    wl_um: dict[str, tuple[float, ...]]
    serdes: dict[str, int]
    problems: tuple[MapProblem, ...] = ()

    @property
    def closed(self) -> bool:
        """True when each lane has its own serial lane, device, fibre and position, and there are lanes at all."""
        return bool(self.lanes) and not self.problems

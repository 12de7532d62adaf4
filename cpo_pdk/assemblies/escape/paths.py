"""What a plan of fibres consists of: the way of each fibre, connectors in their places, crossings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cpo_pdk.assemblies.escape.bundle import Bundle
from cpo_pdk.assemblies.escape.trunks import Trunk
from cpo_pdk.components.fibers import Step, trace
from cpo_pdk.spec.port_plan import ConnectorPlan


@dataclass(frozen=True)
class FibrePath:
    """One fibre from its facet to its connector, or to its open end.

    Attributes:
        engine: name of the engine.
        port: at its facet, `tx_3`.
        kind: SMF or PM.
        level: layer of ribbons that it runs in, from 1.
        steps: from the facet on, heading out of it, um; see `cpo_pdk.components.fibers.Route`.
        connector: name of the connector; empty for an alignment fibre.
        position: in the connector, from 1; 0 for an alignment fibre.
    """

    engine: str
    port: str
    kind: str
    level: int
    steps: tuple[Step, ...]
    connector: str = ""
    position: int = 0

    @cached_property
    def length(self) -> float:
        """Along the fibre, um."""
        return sum(piece.length for piece in trace(self.steps)[0])

    @cached_property
    def radius_min(self) -> float:
        """Smallest radius of curvature of its centre line, um."""
        return min((piece.radius_min for piece in trace(self.steps)[0]), default=float("inf"))


@dataclass(frozen=True)
class PlacedConnector:
    """A connector at the faceplate.

    Attributes:
        plan: name, kind, positions and the fibres in them.
        x: of its middle in um.
        body: its width in um.
        pitch: of its positions in um.
    """

    plan: ConnectorPlan
    x: float
    body: float
    pitch: float

    def position_x(self, position: int) -> float:
        """Where a position is, um.

        Args:
            position: from 1, the easternmost.
        """
        first = round(self.x + round((self.plan.positions - 1) / 2 * self.pitch, 3), 3)
        return round(first - (position - 1) * self.pitch, 3)


@dataclass(frozen=True)
class RibbonCrossing:
    """Ribbons of two engines that cross, one above the other.

    Attributes:
        first: name of the engine whose ribbon comes from the left.
        second: name of the other.
        levels: lowest layer of ribbons of each; 0: laser fibres.
        x: of the place where their centre lines cross, um.
        y: of that place, um.
    """

    first: str
    second: str
    levels: tuple[int, int]
    x: float
    y: float


@dataclass(frozen=True)
class EscapePlan:
    """Fibres that fit.

    Attributes:
        bundle: what the ribbons have in common.
        trunks: ribbons from left to right, until they move sideways to their connectors.
        connectors: data connectors in faceplate order, then laser connectors.
        fibres: by engine, from the southernmost position of its array on.
        crossings: of ribbons of different engines; the data fibres of one engine count as one, whatever their layers,
            and so do its laser fibres that end in one module.
    """

    bundle: Bundle
    trunks: tuple[Trunk, ...]
    connectors: tuple[PlacedConnector, ...]
    fibres: tuple[FibrePath, ...]
    crossings: tuple[RibbonCrossing, ...]

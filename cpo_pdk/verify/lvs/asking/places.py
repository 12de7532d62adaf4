"""The package round the engines that was asked for: places, connectors, and where each fibre ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace, place_engines
from cpo_pdk.spec.port_plan import FibreKey, facet_ports, port_plan

#: (connector, position from 1)
End = tuple[str, int]


@dataclass(frozen=True)
class AskedConnector:
    """A connector at the faceplate.

    Attributes:
        name: `MPO-N1`, `ELS-3`.
        kind: `MPO-16`, `ELS`.
        positions: of the whole connector; those without a fibre stay empty.
        fibres: position (from 1) -> (engine, facet).
        level: ribbon layer, from 1; 0 for a laser module.
        spec_path: key of the spec that asks for it.
    """

    name: str
    kind: str
    positions: int
    fibres: Mapping[int, FibreKey]
    level: int
    spec_path: str


@dataclass(frozen=True)
class AskedPackage:
    """What was asked round the engines.

    Attributes:
        places: engines clockwise from the north, spares included.
        connectors: by name.
        ends: (engine, facet) -> where its fibre ends; None for an alignment fibre, which ends open. No spares.
    """

    places: tuple[EnginePlace, ...]
    connectors: Mapping[str, AskedConnector]
    ends: Mapping[FibreKey, End | None]


def asked_package(spec: PackageSpec, size: tuple[float, float]) -> AskedPackage:
    """Engines, connectors and fibres of a package.

    Args:
        spec: the package.
        size: length (towards the facet) and width of an engine's die, um.
    """
    places = place_engines(spec, size)
    connectors = {
        plan.name: AskedConnector(
            plan.name,
            plan.kind,
            plan.positions,
            MappingProxyType(plan.fibres),
            plan.level,
            "faceplate.connector" if plan.level else "laser.connector",
        )
        for plan in port_plan(spec)
    }
    ended = {key: (c.name, position) for c in connectors.values() for position, key in c.fibres.items()}
    ends: dict[FibreKey, End | None] = {
        (place.name, facet): ended.get((place.name, facet))
        for place in places
        if not place.spare
        for facet, _ in facet_ports(spec)
    }
    return AskedPackage(places, connectors, ends)

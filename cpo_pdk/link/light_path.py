"""The way of the light of every link: what lies between laser and detector, and the reflections on it.

A link is a transmit lane of this package, the faceplate's connectors, the fibre between two packages, and the receive
lane of the same engine, port and channel of a package of the same kind. What is drawn comes from the lanes of the
solved layout; what is bought from the sheets of parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cpo_pdk.circuit.results import Lane, LossItem, SimulationResult
from cpo_pdk.errors import LayoutError, SpecError
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts


@dataclass(frozen=True)
class Link:
    """A transmit lane and the receive lane that it meets."""

    transmit: Lane
    receive: Lane

    @property
    def name(self) -> str:
        """`N1/tx_3/5`."""
        lane = self.transmit
        return f"{lane.engine}/tx_{lane.port}/{lane.channel}"


@dataclass(frozen=True)
class Losses:
    """What is lost outside of the two packages, dB.

    Attributes:
        laser_connectors: between laser and package, all of them.
        connectors: between the two packages, all of them.
        fibre: of the fibre between the faceplates.
        aging: kept for ageing and repairs.
    """

    laser_connectors: float
    connectors: float
    fibre: float
    aging: float

    @property
    def between(self) -> float:
        """From package to package."""
        return self.connectors + self.fibre + self.aging


def links_of(simulation: SimulationResult) -> tuple[Link, ...]:
    """All links, in the order of the transmit lanes.

    Raises:
        LayoutError: no transmit lanes, a transmit lane without a receive lane of the same name, or one without a
            modulator.
    """
    receive = {(lane.engine, lane.port, lane.channel): lane for lane in simulation.lanes if lane.direction == "rx"}
    found: list[Link] = []
    for lane in simulation.lanes:
        if lane.direction != "tx":
            continue
        far = receive.get((lane.engine, lane.port, lane.channel))
        if far is None:
            raise LayoutError(
                f"{lane.engine}: transmit lane {lane.port}/{lane.channel} has no receive lane of the same port and "
                f"channel ({len(receive)} receive lanes found); a link needs both, draw it or lay the ports out alike"
            )
        if lane.extinction_dB is None:
            raise LayoutError(
                f"{lane.engine}: transmit lane {lane.port}/{lane.channel} has no modulator whose sheet gives its "
                "voltages; give the sheet V_one and V_zero, or V_swing, under `operating`"
            )
        found.append(Link(lane, far))
    if not found:
        raise LayoutError("the layout has no transmit lanes; a link budget needs one or more")
    return tuple(found)


def losses_outside(spec: PackageSpec, parts: Parts, sheets: Mapping[str, Sheet]) -> Losses:
    """Loss of connectors and fibre by the spec, their parts and the sheet of the data fibre.

    Raises:
        SpecError: a sheet of the data fibre without its attenuation.
    """
    fibre = sheets[spec.engine.devices.fiber]
    if "attenuation_dB_km" not in fibre.values:
        text = f"engine.devices.fiber: sheet {fibre.name} has no attenuation_dB_km; add it, or name another sheet"
        raise SpecError([spec.problem("engine.devices.fiber", text)])
    pair = parts.connector["loss_dB"]
    return Losses(
        laser_connectors=spec.link.laser_connectors * pair,
        connectors=spec.link.connectors * pair,
        fibre=spec.link.length_m * 1e-3 * fibre.values["attenuation_dB_km"],
        aging=spec.link.aging_dB,
    )


def reflections(
    spec: PackageSpec, parts: Parts, sheets: Mapping[str, Sheet], outside: Losses, receive_dB: float
) -> tuple[list[float], list[float]]:
    """Places behind the modulator that send light back: the two facets, the connectors, the detector.

    Reflections inside one engine interfere in the solved circuit already; what is counted here is what lies in the
    fibre between two packages, where light returns with a phase of its own.

    Args:
        spec: the package.
        parts: its parts.
        sheets: of all devices; facet and detector without `reflection_dB` reflect nothing.
        outside: loss outside of the packages.
        receive_dB: from the far facet to the light in the detector.

    Returns:
        Return loss of each place, dB, and the loss from each place to the next, dB.
    """
    places: list[tuple[float, float]] = []  # return loss, loss from here to the next place
    pair, count = parts.connector["loss_dB"], spec.link.connectors
    facet = sheets[spec.engine.devices.edge_coupler].values.get("reflection_dB")
    detector = sheets[spec.engine.devices.detector].values.get("reflection_dB")
    long = outside.fibre + outside.aging
    if facet is not None:
        places.append((facet, 0.0 if count else long))
    for k in range(count):
        behind = long if k == (count - 1) // 2 else 0.0
        places.append((parts.connector["return_loss_dB"], pair + behind))
    if facet is not None:
        places.append((facet, receive_dB))
    if detector is not None:
        if facet is None and places:
            places[-1] = (places[-1][0], places[-1][1] + receive_dB)
        places.append((detector, 0.0))
    return [place for place, _ in places], [loss for _, loss in places[:-1]]


def modulator_item(lane: Lane) -> int | None:
    """Position, in the items of a transmit lane, of its modulator; None where the layout doesn't tell."""
    for k, item in enumerate(lane.items):
        if lane.modulator and _holds(item, lane.modulator):
            return k
    return None


def _holds(item: LossItem, path: str) -> bool:
    return item.instance == path or path.startswith(f"{item.instance}/")

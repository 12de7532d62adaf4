"""Lanes of placed engines: those of the engine's cell with the fibres added, in coordinates of the top cell."""

from __future__ import annotations

from dataclasses import replace

from cpo_pdk.circuit.engine_state import EngineLane
from cpo_pdk.circuit.fibre_chains import Chain, ChainFinder
from cpo_pdk.circuit.flattening import Placement
from cpo_pdk.circuit.placed_engines import PlacedEngine
from cpo_pdk.circuit.results import Lane, LossItem


class PlacedLanes:
    """Makes the lanes of one placed engine.

    Args:
        engine: which one.
        finder: of its fibres; None when the engine is alone in the file.

    Attributes:
        prefix: of the paths of its devices.
    """

    def __init__(self, engine: PlacedEngine, finder: ChainFinder | None) -> None:
        self.engine = engine
        self.finder = finder
        self.prefix = "" if engine.place == Placement() and finder is None else engine.name + "/"
        self._chains: dict[str, Chain] = {}
        self._where: dict[tuple[str, float, float], tuple[str, float, float]] = {}

    def chain(self, port: str) -> Chain | None:
        """The fibre at a port, nothing when the engine is alone in the file."""
        if self.finder is None:
            return None
        if port not in self._chains:
            self._chains[port] = self.finder.chain(self.engine.name, port)
        return self._chains[port]

    def path(self, local: str) -> str:
        """Path from the top cell of a device of the engine; empty stays empty."""
        return self.prefix + local if local else ""

    def _item(self, item: LossItem) -> LossItem:
        key = (item.instance, item.x, item.y)
        found = self._where.get(key)
        if found is None:
            found = self._where[key] = (self.prefix + item.instance, *self.engine.place.point(item.x, item.y))
        instance, x, y = found
        return LossItem(instance, item.cell, item.model, x, y, item.path, item.loss_dB, item.inside)

    def lane(self, lane: EngineLane) -> Lane:
        """A lane of the engine's cell as it is here."""
        port = f"{lane.direction}_{lane.port}"
        channel = lane.channel - 1
        signal = self.chain(port)
        source = ""
        items = [self._item(item) for item in lane.items[:-1]]
        added = 0.0
        if signal is not None:
            outer = signal.of("@TM" if lane.polarization == "TM" else "", channel)
            if lane.direction == "rx":
                items = [*reversed(outer), *items]
            else:
                laser = self.chain(f"laser_{lane.laser}")
                feed = laser.of("", channel) if laser is not None else ()
                source = laser.name if laser is not None else ""
                items = [*reversed(feed), *items, *outer]
            added = sum(item.loss_dB for item in items) - sum(item.loss_dB for item in lane.items[:-1])
        items += lane.items[-1:]
        sends = lane.direction == "tx"
        return Lane(
            engine=self.engine.name,
            direction=lane.direction,
            port=lane.port,
            channel=lane.channel,
            wl_um=lane.wl_um,
            fibre=(signal.name if signal is not None else "") or port,
            insertion_loss_dB=lane.loss_dB + added,
            crosstalk_dB=lane.crosstalk_dB,
            polarization=lane.polarization,
            tuning_nm=lane.tuning_nm,
            items=tuple(items),
            aggressors=tuple(replace(a, name=self.prefix + a.name) for a in lane.aggressors)
            if sends
            else lane.aggressors,
            heater_mW=lane.heater_mW,
            extinction_dB=lane.extinction_dB,
            laser=source or (f"laser_{lane.laser}" if sends else ""),
            modulator=self.path(lane.modulator),
            detector=self.path(lane.detector),
            ring=self.path(lane.ring),
            laser_ways=lane.laser_ways,
        )

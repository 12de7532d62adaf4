"""The waterfall of a lane: every dB from the laser to the decision, with the place that it is lost at.

Up to the modulator the level is the power of unmodulated light; there it becomes the outer modulation amplitude, level
one less level zero, `10 log10(1 - 1 / r)` below level one for an extinction ratio r. The modulator's own loss is that
of level one. A splitter stands for two steps: what it shares out between fibres, which is not lost, and what it loses
beyond that. Behind the detector stand the penalties: what the receiver needs beyond the amplitude that its amplifier's
noise alone asks for. The last level, less that amplitude, is the margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log10

from cpo_pdk.circuit.results import LossItem
from cpo_pdk.link.light_path import Link, Losses, modulator_item
from cpo_pdk.link.results import Step, StepKind
from cpo_pdk.spec import PackageSpec
from cpo_pdk.spec.part import Parts

#: penalties in the order in which they are taken off
PENALTIES = ("bandwidth", "shot", "rin", "crosstalk", "mpi")


def modulation_dB(extinction_dB: float) -> float:
    """Level one to outer modulation amplitude, dB; negative."""
    return 10 * log10(1 - 10 ** (-extinction_dB / 10))


class _Falling:
    """Collects steps and keeps the level."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.level = 0.0

    def add(
        self,
        name: str,
        kind: StepKind,
        change: float,
        source: str,
        place: tuple[str, float | None, float | None] = ("", None, None),
        far: bool = False,
    ) -> None:
        """One more step: positive change is a gain."""
        self.level += change
        self.steps.append(Step(name, kind, place[0], place[1], place[2], change, self.level, source, far))

    def drawn(self, item: LossItem, far: bool, shared_dB: float = 0.0) -> None:
        """An element of the layout; `shared_dB` of its loss goes to other fibres."""
        place = (item.instance, item.x, item.y)
        if shared_dB:
            self.add("sharing", "loss", -shared_dB, "10 log10 of the fibres that share the light", place, far)
        if item.instance == "-":
            self.add("second paths", "loss", -item.loss_dB, "circuit: reflections and second paths", far=far)
        else:
            self.add(item.cell, "loss", shared_dB - item.loss_dB, f"model {item.model}", place, far)


def waterfall(
    link: Link,
    spec: PackageSpec,
    parts: Parts,
    outside: Losses,
    extinction_dB: float,
    penalties_dB: Mapping[str, float],
    splitter: str = "",
    own_light_dB: float = 0.0,
) -> tuple[Step, ...]:
    """All steps of one lane, in the order of the light.

    Args:
        link: the lane.
        spec: the package.
        parts: its parts.
        outside: loss outside of the packages.
        extinction_dB: that is counted with.
        penalties_dB: name -> dB, of the receiver; finite.
        splitter: cell of the tree's splitters.
        own_light_dB: what strong laser light loses to itself before the first of them.
    """
    fall = _Falling()
    laser, connector = f"part {parts.laser.name}", f"part {parts.connector.name}"
    pair = parts.connector["loss_dB"]
    fall.add("laser", "source", spec.laser.per_wavelength_dBm, f"{laser}, laser.per_wavelength_dBm")
    for _ in range(spec.link.laser_connectors):
        fall.add("connector", "loss", -pair, connector)
    at = modulator_item(link.transmit)
    items = link.transmit.items
    shared = _shared_dB(link, splitter)
    own = own_light_dB
    for k, item in enumerate(items):
        if own and (item.cell == splitter or k == at):
            fall.add(
                "two-photon absorption", "loss", -own, "estimate of link/own_light", (item.instance, item.x, item.y)
            )
            own = 0.0
        fall.drawn(item, False, shared if item.cell == splitter else 0.0)
        if k == at:
            place = (link.transmit.modulator, item.x, item.y)
            fall.add("extinction", "modulation", modulation_dB(extinction_dB), f"model {item.model}", place)
    if at is None:
        fall.add("extinction", "modulation", modulation_dB(extinction_dB), "circuit: extinction of the lane")
    near = (spec.link.connectors + 1) // 2
    for _ in range(near):
        fall.add("connector", "loss", -pair, connector)
    fall.add("link fibre", "loss", -outside.fibre, f"sheet {spec.engine.devices.fiber}, {spec.link.length_m:g} m")
    if outside.aging:
        fall.add("aging", "loss", -outside.aging, "link.aging_dB")
    for _ in range(spec.link.connectors - near):
        fall.add("connector", "loss", -pair, connector, far=True)
    for item in link.receive.items:
        fall.drawn(item, True)
    for name in (*PENALTIES, *sorted(penalties_dB.keys() - {*PENALTIES})):
        if penalties_dB.get(name):
            fall.add(name, "penalty", -penalties_dB[name], "receiver", far=True)
    return tuple(fall.steps)


def _shared_dB(link: Link, splitter: str) -> float:
    """What each splitter of a lane gives to other fibres, dB; 0 where the layout doesn't tell."""
    stages = sum(item.cell == splitter for item in link.transmit.items)
    return 10 * log10(link.transmit.laser_ways) / stages if stages and link.transmit.laser_ways > 1 else 0.0

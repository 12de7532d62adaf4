"""Does each ring rest below its own channel, as its polygons say: resonances computed from measured sizes.

A ring is drawn so that its cold resonance lies `heater_bias_nm` below its channel; its heater only shifts it up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import CpoError
from cpo_pdk.models import MODELS
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.lvs.array import SWAPPED_RULE
from cpo_pdk.verify.lvs.asked import AskedDevice, AskedEngine, channel_words
from cpo_pdk.verify.lvs.devices import Device
from cpo_pdk.verify.lvs.drawn_sizes import drawn_parameters
from cpo_pdk.verify.lvs.engines import EngineMatch
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.measure.comparing import Reading

CHANNEL_RULE = "LVS.channel"
#: roles of the rings that serve one channel each
ROLES = ("modulator", "drop_filter")
#: resonances are looked for this far below the lowest and above the highest channel, um: a free spectral range
_REACH = 0.012
#: sizes that are taken as measured however little they are off: they are what puts a ring on its channel
_TUNED = ("radius", "length_x")


@dataclass(frozen=True)
class Rest:
    """Where a ring rests: its cold resonances, um, rising; or why they can't be computed. Its radius as measured."""

    resonances_um: NDArray[np.float64]
    radius: float | None = None
    fault: str = ""


class Rings:
    """Cold resonances of distinct rings, and the channels that they serve.

    Args:
        netlists: of the file.
        readings: what was measured, by cell.
        channels_um: wavelengths of the channels, rising.
        bias_nm: how far below its channel a ring rests.
        tolerance_nm: how far off that it may be.
    """

    def __init__(
        self,
        netlists: Netlists,
        readings: Mapping[str, Reading],
        channels_um: Sequence[float],
        bias_nm: float,
        tolerance_nm: float,
    ) -> None:
        self.netlists = netlists
        self.readings = readings
        self.targets = np.asarray(channels_um) - bias_nm * 1e-3
        self.tolerance = tolerance_nm * 1e-3
        self._rests: dict[str, Rest] = {}

    @property
    def looked_at(self) -> int:
        """Number of distinct rings that were computed."""
        return len(self._rests)

    def rest(self, asked: AskedDevice, device: Device) -> Rest:
        """Where a ring rests, from what was measured in its cell and the model of its sheet."""
        if device.cell not in self._rests:
            self._rests[device.cell] = self._rest(asked, device)
        return self._rests[device.cell]

    def _rest(self, asked: AskedDevice, device: Device) -> Rest:
        model = MODELS.get(asked.sheet.model or "")
        if model is None or model.resonances is None:
            return Rest(np.empty(0), fault=f"model {asked.sheet.model} of sheet {asked.sheet.name} has no resonances")
        cell = self.netlists.cells[device.cell]
        params = drawn_parameters(cell, asked.sheet, model, self.readings, _TUNED)
        params = {name: x for name, x in params.items() if name not in (model.tuning, "V")}
        low, high = float(self.targets.min()) - _REACH, float(self.targets.max()) + _REACH
        radius = params.get("radius")
        try:
            found = np.sort(np.asarray(model.resonances(low, high, **params), np.float64))
        except CpoError as error:
            return Rest(np.empty(0), radius, str(error))
        return Rest(found, radius)

    def offset(self, rest: Rest, channel: int) -> float:
        """How far above its place below a channel (from 1) the nearest resonance lies, um; NaN without any."""
        off = rest.resonances_um - self.targets[channel - 1]
        return float(off[np.argmin(np.abs(off))]) if off.size else float("nan")

    def channel(self, rest: Rest) -> int:
        """The channel (from 1) that a ring rests below, 0 for none."""
        for number in range(1, len(self.targets) + 1):
            if abs(self.offset(rest, number)) <= self.tolerance:
                return number
        return 0


def ring_faults(asked: AskedEngine, engine: EngineMatch, rings: Rings, spec: PackageSpec, rule: Rule) -> list[Fault]:
    """Rings of one engine that rest below another channel than theirs, or below none.

    Args:
        asked: the engine.
        engine: which drawn device is which.
        rings: where they rest.
        spec: the package.
        rule: of the tolerance.
    """
    found: list[Fault] = []
    for facet in asked.facets:
        if facet.use not in ("tx", "rx"):
            continue
        role, sides = ("modulator", ("",)) if facet.use == "tx" else ("drop_filter", ("upper", "lower"))
        told: dict[tuple[str, str], list[tuple[str, Fault]]] = {}
        for side in sides:
            bus = _Bus(asked, engine, rings, spec, rule, asked.bus(facet.name, role, side))
            for fault in bus.faults():
                told.setdefault((fault.rule, fault.message), []).append((side, fault))
        for same in told.values():
            side, fault = same[0]
            one = len(same) < len(sides)
            found.append(replace(fault, message=f"{side} bus: {fault.message}") if one else fault)
    return found


@dataclass
class _Bus:
    asked: AskedEngine
    engine: EngineMatch
    rings: Rings
    spec: PackageSpec
    rule: Rule
    devices: tuple[AskedDevice, ...]

    def faults(self) -> Iterator[Fault]:
        matched = self.engine.matched
        placed = {d.channel: (d, matched.device[d.key]) for d in self.devices if d.key in matched.device}
        rests = {number: self.rings.rest(*pair) for number, pair in placed.items()}
        sits = {number: self.rings.channel(rest) for number, rest in rests.items()}
        # within the tolerance of its own channel is right, whatever else is near
        for number, rest in rests.items():
            if abs(self.rings.offset(rest, number)) <= self.rings.tolerance:
                sits[number] = number
        if not placed or all(sits[number] == number for number in sits):
            return
        first = next(iter(placed.values()))[0]
        if first.row in matched.recounted:
            yield from self._recounted(placed, sits)
            return
        count = len(self.devices)
        if len(sits) == count > 2 and all(sits[number] == count + 1 - number for number in sits):
            text = (
                f"the {self._kind(first)}s stand in falling order of wavelength: the first rests below "
                f"{self._channel(count)}, {self._channel(1)} asked; turn the order round"
            )
            yield replace(self._fault(SWAPPED_RULE, text, *placed[1]), other=placed[count][1])
            return
        done: set[int] = set()
        for number, at in sits.items():
            if number in done or at == number:
                continue
            if sits.get(at) == number:
                done |= {number, at}
                text = (
                    f"the {self._kind(first)}s of {self._channel(number)} and {self._channel(at)} are swapped; "
                    "place each in its own channel"
                )
                yield replace(self._fault(SWAPPED_RULE, text, *placed[number]), other=placed[at][1])
            else:
                yield self._single(number, at, rests[number], *placed[number])

    def _single(self, number: int, at: int, rest: Rest, asked: AskedDevice, device: Device) -> Fault:
        words = self._words(asked)
        radius = f", radius {rest.radius:.3f} um as drawn" if rest.radius is not None else ""
        if rest.fault:
            return self._fault(self.rule.name, f"{words}: no resonance can be computed ({rest.fault})", asked, device)
        if at:
            text = f"{words} sits on {self._channel(at)}{radius}; draw it for its own"
            return self._fault(CHANNEL_RULE, text, asked, device)
        off = self.rings.offset(rest, number) * 1e3
        bias = self.spec.engine.heater_bias_nm
        if not np.isfinite(off):
            text = f"{words} has no resonance near the channels{radius}; draw it for its channel"
            return self._fault(self.rule.name, text, asked, device)
        text = (
            f"{words} rests {bias - off:.3f} nm below it, {bias:g} nm asked, {self.rule.value:g} nm allowed"
            f"{radius}; draw it for its channel"
        )
        return self._fault(self.rule.name, text, asked, device)

    def _recounted(self, placed: Mapping[int, tuple[AskedDevice, Device]], sits: Mapping[int, int]) -> Iterator[Fault]:
        """A bus with too few or too many rings: which channels none rests below."""
        served = set(sits.values())
        for device in self.devices:
            if device.channel not in served:
                asked, drawn = placed.get(device.channel, next(iter(placed.values())))
                text = f"no {self._kind(asked)} rests below {self._channel(device.channel)}; place one"
                yield self._fault(CHANNEL_RULE, text, asked, drawn)

    def _fault(self, rule: str, text: str, asked: AskedDevice, device: Device) -> Fault:
        path = "engine.heater_bias_nm" if rule == self.rule.name else "engine.grid"
        return Fault(rule, self.engine.circuit.cell, text, asked.row, device, spec_path=path, layer="WG")

    @staticmethod
    def _kind(asked: AskedDevice) -> str:
        return "modulator" if asked.role == "modulator" else "ring"

    def _words(self, asked: AskedDevice) -> str:
        """The words of a ring; both rings of a channel have the same, so that one fault in both is told once."""
        return f"the {self._kind(asked)} of {self._channel(asked.channel)}"

    def _channel(self, number: int) -> str:
        return channel_words(number, self.asked.channels_um[number - 1])

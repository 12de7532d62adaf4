"""Does each interferometer of a (de)multiplexer send its channels where they were asked to leave, as its polygons say.

The two arms are followed piece by piece from coupler to coupler; the models of the pieces, with the sizes that were
measured, give the share of each channel at either output. A stage is judged by the phase that its heater would have to
add for the channel that fares worst to fare best: none, for arms that are right; half a turn where the outputs are
exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import choose_sheet
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import CpoError
from cpo_pdk.models import MODELS
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.lvs.array import SWAPPED_RULE
from cpo_pdk.verify.lvs.asked import AskedEngine, AskedFilter, AskedStage
from cpo_pdk.verify.lvs.drawn_sizes import drawn_parameters
from cpo_pdk.verify.lvs.engines import EngineMatch
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.measure.comparing import Reading

#: sizes of the pieces of an arm that are taken as measured however little they are off
_TUNED = ("length",)
#: phases that are tried, a turn
_STEPS = 400
#: as far from what was asked the outputs count as exchanged, turns
_EXCHANGED = 0.25

Complex = NDArray[np.complex128]
_Cells = tuple[str, ...]


@dataclass(frozen=True)
class Split:
    """How a stage parts its channels.

    Attributes:
        trim: phase that its heater would have to add, turns, from -0.5 to 0.5.
        share: of the channel that fares worst at the output asked for, with that phase; 1 is all of it.
        longer: what the arm from `o3` is longer than that from `o4`, um.
        fault: why it can't be computed.
    """

    trim: float = 0.0
    share: float = 0.0
    longer: float = 0.0
    fault: str = ""


class Interferometers:
    """The stages of the (de)multiplexers of a file, each distinct one computed once.

    Args:
        netlists: of the file.
        sheets: by name.
        readings: what was measured, by cell.
        asked: one engine.
        rule: how far off a stage may be.
    """

    def __init__(
        self,
        netlists: Netlists,
        sheets: Mapping[str, Sheet],
        readings: Mapping[str, Reading],
        asked: AskedEngine,
        rule: Rule,
    ) -> None:
        self.netlists = netlists
        self.sheets = sheets
        self.readings = readings
        self.asked = asked
        self.rule = rule
        self.least = float(str(rule.more.get("share", 0.5)))
        self._pieces: dict[str, tuple[Mapping[tuple[str, str], Complex], float]] = {}
        self._splits: dict[tuple[str, str, _Cells, _Cells, tuple[int, ...]], Split] = {}

    @property
    def looked_at(self) -> int:
        """Number of distinct stages that were computed."""
        return len(self._splits)

    def faults(self, engine: EngineMatch) -> Iterator[Fault]:
        """Stages of one engine that part their channels otherwise than asked, or not.

        Args:
            engine: which drawn device is which.
        """
        for filtering in self.asked.filters:
            for stage in filtering.stages:
                fault = self._stage(engine, filtering, stage)
                if fault is not None:
                    yield fault

    def count(self, engine: EngineMatch) -> int:
        """Stages of an engine that can be followed."""
        stages = (stage for filtering in self.asked.filters for stage in filtering.stages)
        return sum(self._arms(engine, stage) is not None for stage in stages)

    def _stage(self, engine: EngineMatch, filtering: AskedFilter, stage: AskedStage) -> Fault | None:
        arms = self._arms(engine, stage)
        if arms is None:
            return None  # a device or a net is not there: told as that
        device = engine.matched.device
        key = (device[stage.common].cell, device[stage.parted].cell, *arms, stage.channels)
        if key not in self._splits:
            self._splits[key] = self._split(*key)
        split = self._splits[key]
        words = f"stage {stage.number} of the {filtering.words}"
        one, two = stage.channels[0::2], stage.channels[1::2]
        arms_differ = f"its arms differ by {abs(split.longer):.3f} um as drawn"
        rule = self.rule.name
        if split.fault:
            text = f"{words}: its arms can't be computed ({split.fault}); draw them of devices that have a model"
        elif split.share < self.least:
            text = (
                f"{words} does not part channel{_listed(one)} from {_numbers(two)}: at best "
                f"{100 * split.share:.0f} % of a channel leave where asked, at least {100 * self.least:.0f} % needed; "
                f"{arms_differ}; draw the difference for its channels"
            )
        elif abs(split.trim) > _EXCHANGED:
            rule = SWAPPED_RULE
            text = (
                f"the outputs of {words} are swapped: channel{_listed(one)} leave{'s' * (len(one) == 1)} where "
                f"channel{_listed(two)} {'is' if len(two) == 1 else 'are'} asked; {arms_differ}; draw the difference "
                "for its channels"
            )
        elif abs(split.trim) > (self.rule.value or 0.0):
            text = (
                f"{words} rests {abs(split.trim):.3f} turns off its channels, {self.rule.value:g} allowed; "
                f"{arms_differ}; draw the difference for its channels"
            )
        else:
            return None
        other = device[stage.parted]
        return Fault(
            rule,
            engine.circuit.cell,
            text,
            filtering.row,
            device[stage.common],
            spec_path="engine.grid",
            layer="WG",
            other=other,
        )

    def _arms(self, engine: EngineMatch, stage: AskedStage) -> tuple[_Cells, _Cells] | None:
        """The cells of either arm between the couplers, that from `o3` of the first to `o2` of the second before."""
        matched, circuit = engine.matched, engine.circuit
        if not {stage.common, stage.parted, stage.heater} <= matched.device.keys():
            return None
        first, second = matched.device[stage.common], matched.device[stage.parted]
        heater = matched.device[stage.heater]
        names, ends = matched.ports[stage.common], matched.ports[stage.parted]
        arms: list[_Cells] = []
        for start, stop in (("o3", "o2"), ("o4", "o1")):
            at = (first.path, names.get(start, start))
            cells = list(circuit.via.get(at, ()))
            end = circuit.partner.get(at)
            if end is not None and end[0] == heater.path:
                onward = next(
                    (port for path, port in circuit.via if path == end[0] and port != end[1] and port[0] == "o"), ""
                )
                cells += [heater.cell, *circuit.via.get((heater.path, onward), ())]
                end = circuit.partner.get((heater.path, onward))
            if end != (second.path, ends.get(stop, stop)):
                return None
            arms.append(tuple(cells))
        return arms[0], arms[1]

    def _split(self, first: str, second: str, upper: _Cells, lower: _Cells, channels: tuple[int, ...]) -> Split:
        try:
            near, far = self._piece(first)[0], self._piece(second)[0]
            a, b = self._passed(upper), self._passed(lower)
        except CpoError as error:
            return Split(fault=str(error))
        except KeyError as error:
            return Split(fault=f"no model says how light passes {error}")
        chosen = np.array([channel - 1 for channel in channels])
        turns = np.arange(-_STEPS // 2, _STEPS // 2) / _STEPS
        add = np.exp(2j * np.pi * turns)[:, None]
        wanted, unwanted = np.empty((len(turns), len(chosen))), np.empty((len(turns), len(chosen)))
        for k, channel in enumerate(chosen):
            power = {}
            for out in ("o3", "o4"):
                by_upper = near["o1", "o3"][channel] * a[0][channel] * far["o2", out][channel]
                by_lower = near["o1", "o4"][channel] * b[0][channel] * far["o1", out][channel]
                power[out] = np.abs(by_upper * add[:, 0] + by_lower) ** 2
            wanted[:, k], unwanted[:, k] = (power["o3"], power["o4"]) if k % 2 == 0 else (power["o4"], power["o3"])
        share = (wanted / (wanted + unwanted)).min(axis=1)
        best = int(np.argmax(share))
        return Split(float(turns[best]), float(share[best]), a[1] - b[1])

    def _passed(self, cells: _Cells) -> tuple[Complex, float]:
        """What pieces in a row pass of each channel, and how long they are, um."""
        passed, length = np.ones(len(self.asked.channels_um), np.complex128), 0.0
        for cell in cells:
            matrix, own = self._piece(cell)
            passed = passed * matrix["o1", "o2"]
            length += own
        return passed, length

    def _piece(self, name: str) -> tuple[Mapping[tuple[str, str], Complex], float]:
        """The scattering matrix of a cell at the channels, its sizes as measured, and its length, um."""
        if name not in self._pieces:
            cell = self.netlists.cells[name]
            sheet = choose_sheet(cell, self.sheets.values())
            model = MODELS.get(sheet.model or "") if isinstance(sheet, Sheet) else None
            if model is None or not isinstance(sheet, Sheet):
                raise KeyError(cell.function or name)
            params = drawn_parameters(cell, sheet, model, self.readings, _TUNED)
            wl = np.asarray(self.asked.channels_um)
            values = model.function(wl, **params)
            matrix = {
                ports: np.broadcast_to(np.asarray(value, np.complex128), wl.shape) for ports, value in values.items()
            }
            length = params.get("length", cell.info.get("length", 0.0))
            self._pieces[name] = (matrix, float(length))
        return self._pieces[name]


def _listed(channels: tuple[int, ...]) -> str:
    """` 1`, `s 1 and 3`."""
    return f"{'s' if len(channels) > 1 else ''} {_numbers(channels)}"


def _numbers(channels: tuple[int, ...]) -> str:
    """`1`, `1 and 3`, `1, 3 and 5`."""
    *most, last = map(str, channels)
    return f"{', '.join(most)} and {last}" if most else last

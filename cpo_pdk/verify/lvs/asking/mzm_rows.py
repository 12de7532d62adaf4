"""Rows of the engines with Mach-Zehnder modulators: trees of interferometers that part and join the wavelengths."""

from __future__ import annotations

from collections import deque

from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.verify.lvs.asking.parts import INTO, AskedFilter, AskedStage, Drafting, channel_words

#: where light that enters a modulator goes on along its row
THROUGH = {"modulator": {"o1": "o3", "o3": "o1"}}


def transmit(made: Drafting, row: str, wl: tuple[float, ...]) -> PortRef:
    """Demultiplexer, a modulator a channel, multiplexer; returns where laser light comes in.

    Args:
        made: the engine.
        row: `tx_3`.
        wl: wavelengths of the channels, um.
    """
    demux = _filter(made, row, "demux", "demultiplexer", len(wl), fed=True)
    mux = _filter(made, row, "mux", "multiplexer", len(wl))
    for number, um in enumerate(wl, start=1):
        words = f"the modulator of {channel_words(number, um)}"
        key = made.add(row, "modulator", f"mzm_{number}", words, number)
        made.join(demux.leaves[number], (key, "o1"))
        made.join((key, "o3"), mux.leaves[number])
        for port in ("o2", "o4"):
            end = made.add(
                row, "terminator", f"mzm_{number}_end_{port}", f"the terminator at {port} of {words}", number
            )
            made.join((key, port), (end, "o1"))
    made.to_fibre(row, mux.root)
    return demux.root


def receive(made: Drafting, row: str, wl: tuple[float, ...]) -> None:
    """A demultiplexer a polarisation; both lead a channel to the two ends of one detector.

    Args:
        made: the engine.
        row: `rx_3`.
        wl: wavelengths of the channels, um.
    """
    for number, um in enumerate(wl, start=1):
        made.add(row, "detector", f"detector_{number}", f"the detector of {channel_words(number, um)}", number)
    for side, ref in made.from_fibre(row).items():
        demux = _filter(made, row, f"demux_{side}", f"{side} demultiplexer", len(wl))
        made.join(ref, demux.root)
        for number, leaf in demux.leaves.items():
            made.join(leaf, (f"{row}/detector_{number}", INTO[side]))


def _filter(made: Drafting, row: str, name: str, words: str, channels: int, *, fed: bool = False) -> AskedFilter:
    """A tree of interferometers, its stages numbered breadth first, north before south."""
    stages: list[AskedStage] = []
    leaves: dict[int, PortRef] = {}
    todo: deque[tuple[tuple[int, ...], PortRef | None]] = deque([(tuple(range(1, channels + 1)), None)])
    while todo:
        together, source = todo.popleft()
        if len(together) == 1 and source is not None:
            leaves[together[0]] = source
            continue
        stage = _stage(made, row, name, words, len(stages) + 1, together)
        stages.append(stage)
        if source is not None:
            made.join(source, (stage.common, "o1"))
        todo.append((together[0::2], (stage.parted, "o3")))
        todo.append((together[1::2], (stage.parted, "o4")))
    found = AskedFilter(row, words, tuple(stages), leaves, fed)
    made.filters.append(found)
    return found


def _stage(made: Drafting, row: str, name: str, words: str, number: int, together: tuple[int, ...]) -> AskedStage:
    """Two couplers, two arms, a heater in one of them (here: the northern)."""
    own, where = f"{name}/stage_{number}", f"stage {number} of the {words}"
    common = made.add(row, "filter_coupler", f"{own}/coupler_in", f"the first coupler of {where}")
    parted = made.add(row, "filter_coupler", f"{own}/coupler_out", f"the second coupler of {where}")
    heater = made.add(row, "phase_shifter", f"{own}/heater", f"the heater of {where}")
    end = made.add(row, "terminator", f"{own}/end", f"the terminator of {where}")
    made.join((common, "o2"), (end, "o1"))
    made.join((common, "o3"), (heater, "o1"))
    made.join((heater, "o2"), (parted, "o2"))
    made.join((common, "o4"), (parted, "o1"))
    return AskedStage(number, common, parted, heater, together)

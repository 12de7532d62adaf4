"""An engine under a condition: the light goes as in the engine as drawn, every device is taken to its working point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cpo_pdk.circuit.driving import Drive
from cpo_pdk.circuit.engine_ports import Reception, Sender
from cpo_pdk.circuit.locking import Locker
from cpo_pdk.errors import ModelError

if TYPE_CHECKING:
    from cpo_pdk.circuit.engine_state import EngineState

#: names of instances in one message
SHOWN = 4


def resume(state: EngineState, drawn: EngineState) -> tuple[tuple[Sender, ...], tuple[Reception, ...]]:
    """Who sends and receives each channel under the condition of `state`, whose devices are set on the way.

    Args:
        state: without any working point yet.
        drawn: the same engine as drawn.

    Raises:
        ModelError: conditions for devices that are none, a bus whose rings are not given a channel each, polarisations
            that part.
    """
    _must_exist(state, drawn)
    dT = state.condition.dT_K
    locker = Locker(state.channels, lambda entry, low, high: drawn.drift.resonances(entry.cell, dT, low, high))
    shared = _shared(state, drawn, locker)
    on_bus = {name: state.lock_bus(locker, name, rings, shared) for name, rings in drawn.buses.items()}
    points: dict[tuple[str, str, str], tuple[Drive, ...]] = {}
    sent: list[Sender] = []
    for sender in drawn.transmit:
        modulators = on_bus.get(f"tx_{sender.port}", {})
        if not state.drives.keys() & set(modulators.values()):
            state.passages[sender.port] = passed = drawn.passages.get(sender.port, {})
            for channel, passage in passed.items():
                state.drive(passage, channel, points)
            modulators = {channel: passage.path for channel, passage in sorted(passed.items())}
        sent.append(Sender(sender.port, sender.laser, modulators))
    received: list[Reception] = []
    for reception in drawn.receive:
        if reception.filters:
            rings = on_bus[f"rx_{reception.port}{reception.mode}"]
            behind = {ring: reception.detectors[channel] for channel, ring in reception.filters.items()}
            detectors = {channel: behind[ring] for channel, ring in rings.items()}
            reception = Reception(reception.port, reception.mode, detectors, rings)
        received.append(reception)
    _must_agree(state, received, drawn.receive)
    state.trim(drawn.trimmers)
    return tuple(sent), tuple(received)


def _must_exist(state: EngineState, drawn: EngineState) -> None:
    """Refuse conditions for devices that are none."""
    condition = state.condition
    tuned = {ring for rings in drawn.buses.values() for ring in rings}
    trimmed = {*drawn.trimmers, *(path for path, drive in drawn.drives.items() if path not in tuned)}
    for what, asked, known in (
        ("ring on a bus", {*condition.channel, *condition.tuning_nm}, tuned),
        ("interferometer with a heater", set(condition.trim_mW), trimmed),
    ):
        stray = sorted(asked - known)
        if stray:
            there = f"{len(known)} there are, {', '.join(sorted(known)[:SHOWN])}..." if known else "there are none"
            raise ModelError(
                f"engine {state.circuit.cell}: condition for {', '.join(stray[:SHOWN])}, which is no {what}; {there}"
            )


def _shared(state: EngineState, drawn: EngineState, locker: Locker) -> dict[str, int]:
    """Channels of rings that drop both polarisations into the same detectors: those with the least shift of all."""
    found: dict[str, int] = {}
    for port in state.facet.rx if state.condition.dT_K else ():
        behind: dict[str, list[str]] = {}
        for reception in drawn.receive:
            if reception.port == port:
                for channel, ring in reception.filters.items():
                    behind.setdefault(reception.detectors[channel], []).append(ring)
        groups = list(behind.values())
        given = any(ring in state.condition.channel for group in groups for ring in group)
        if len(groups) == state.count and not given:
            channels = locker.together([[state.entry(ring)[0] for ring in group] for group in groups])
            found |= {ring: channel for group, channel in zip(groups, channels, strict=True) for ring in group}
    return found


def _must_agree(state: EngineState, received: Sequence[Reception], drawn: Sequence[Reception]) -> None:
    """Refuse channels that part into two detectors by polarisation, unless they do as drawn."""
    for port in state.facet.rx:
        before = [entry.detectors for entry in drawn if entry.port == port]
        now = [entry.detectors for entry in received if entry.port == port]
        if len(now) == 2 and before[0] == before[1] and now[0] != now[1]:
            channel = next(c for c in now[0] if now[0][c] != now[1][c])
            raise ModelError(
                f"engine {state.circuit.cell}, rx_{port}: condition sends channel {channel} to {now[0][channel]} in "
                f"one polarisation and to {now[1][channel]} in the other; give the rings before a detector one channel"
            )

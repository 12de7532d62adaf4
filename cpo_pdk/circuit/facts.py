"""What can be said of the rings, the heaters, the modulators and the detectors of an engine, beyond its lanes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound, accepted
from cpo_pdk.circuit.driving import HEATER, drive_of
from cpo_pdk.circuit.engine_state import EngineState
from cpo_pdk.circuit.evaluation import Evaluator
from cpo_pdk.circuit.flattening import Placement, walk
from cpo_pdk.circuit.locking import REACH_UM, cold_resonances
from cpo_pdk.circuit.modulator_heater import heater_facts
from cpo_pdk.circuit.netlist import CellNetlist, Netlists
from cpo_pdk.circuit.placed_engines import PlacedEngine
from cpo_pdk.circuit.results import DeviceFacts, Direction, RingFacts, TrimmerFacts
from cpo_pdk.circuit.warming import WARMTH, feels_heat, warmed
from cpo_pdk.errors import ModelError

#: temperature that the drift of a resonance is taken over, K
DRIFT_K = 40.0
#: free spectral ranges below the lowest channel, and above the highest, that resonances are listed for
BELOW, ABOVE = 2.2, 1.1
#: half of the window that a line is looked at in, um, and points in it
WINDOW_UM, POINTS = 1e-3, 2001

Real = NDArray[np.float64]


def ring_facts(state: EngineState, netlists: Netlists) -> tuple[RingFacts, ...]:
    """The rings of an engine cell as drawn, in the order of its ports; paths and places within the engine."""
    buses: list[tuple[Direction, int, str, dict[int, str], dict[int, str]]] = []
    for sender in state.transmit:
        rings = {state.locks[ring].channel: ring for ring in state.buses.get(f"tx_{sender.port}", ())}
        buses.append(("tx", sender.port, "", rings, {}))
    for reception in state.receive:
        buses.append(("rx", reception.port, reception.mode, reception.filters, reception.detectors))
    middles = _middles(state, netlists)
    known: dict[tuple[str, int], RingFacts] = {}
    found: list[RingFacts] = []
    for direction, port, mode, rings, detectors in buses:
        for channel, ring in sorted(rings.items()):
            cell = state.circuit.leaves[ring].cell
            if (cell, channel) not in known:
                known[cell, channel] = _ring(state.bound[cell], state.channels, channel)
            x, y = middles[ring]
            found.append(
                replace(
                    known[cell, channel],
                    instance=ring,
                    path=ring,
                    direction=direction,
                    port=port,
                    mode=mode,
                    x=x,
                    y=y,
                    tuning_nm=state.locks[ring].tuning_nm,
                    detector=detectors.get(channel, ""),
                )
            )
    return tuple(found)


def _ring(entry: Bound, channels_um: Real, channel: int) -> RingFacts:
    """What all rings of a cell on a channel share."""
    drive = drive_of(entry)
    working = drive.detuning_nm if drive else 0.0
    low, high = float(channels_um.min()), float(channels_um.max())
    target = float(channels_um[channel]) - working * 1e-3
    near = cold_resonances(entry, low - REACH_UM, high + 1e-9)
    below = near[near <= target + 1e-9]
    fsr = float(np.diff(below if below.size > 1 else near)[-1:].sum()) or REACH_UM
    try:
        resonances = cold_resonances(entry, low - BELOW * fsr, high + ABOVE * fsr)
    except ModelError:  # beyond the band of the computed modes
        resonances = near
    at = float(resonances[np.argmin(np.abs(resonances - target))])
    drift = 0.0
    if feels_heat(entry):
        warm = warmed({entry.cell: entry}, DRIFT_K)[entry.cell]
        hot = cold_resonances(warm, at - 0.2 * fsr, at + 0.8 * fsr)
        drift = float(hot[np.argmin(np.abs(hot - at - 0.3 * fsr))] - at) * 1e3 / DRIFT_K if hot.size else 0.0
    return RingFacts(
        instance="",
        path="",
        engine="",
        direction="tx",
        port=0,
        mode="",
        channel=channel,
        x=0.0,
        y=0.0,
        channels_um=tuple(float(x) for x in channels_um),
        resonances_um=tuple(float(x) for x in resonances),
        working_nm=working,
        fsr_nm=fsr * 1e3,
        nm_per_K=drift,
        heater_nm_mW=float(entry.params.get("heater_nm_mW", 0.0)),
        tuning_nm=0.0,
        linewidth_nm=_linewidth_nm(entry, at),
        sheet=entry.sheet.name,
    )


def _linewidth_nm(entry: Bound, at_um: float) -> float:
    """Full width at half depth, or half height, of the line at a resonance: of the element in which it shows most."""
    assert entry.model is not None, "a ring has a model"
    wl = np.linspace(at_um - WINDOW_UM, at_um + WINDOW_UM, POINTS)
    best, width = 0.0, 0.0
    for value in Evaluator(wl).matrix(entry.cell, entry.model, entry.params).values():
        power = np.abs(np.broadcast_to(value, wl.shape)) ** 2
        low, high = float(power.min()), float(power.max())
        if high <= 0 or (high - low) / high <= best:
            continue
        inside = power > (low + high) / 2
        if not inside[POINTS // 2]:
            inside = ~inside
        edges = np.flatnonzero(~inside)
        left, right = edges[edges < POINTS // 2], edges[edges > POINTS // 2]
        if left.size and right.size:
            best, width = (high - low) / high, float(wl[right[0]] - wl[left[-1]]) * 1e3
    return width


def _middles(state: EngineState, netlists: Netlists) -> dict[str, tuple[float, float]]:
    """Middle of every ring on a bus, in the coordinates of the engine, um."""
    wanted = {ring for rings in state.buses.values() for ring in rings}
    found: dict[str, tuple[float, float]] = {}
    for prefix, netlist, place in walk(netlists, state.circuit.cell, Placement()):
        for instance in netlist.instances:
            path = prefix + instance.name
            if path in wanted:
                middle = _middle(netlists.cells[instance.cell], state.bound[instance.cell])
                found[path] = place.inside(instance).point(*middle)
    return found


def _middle(cell: CellNetlist, entry: Bound) -> tuple[float, float]:
    """Middle of a ring in its cell: between its buses, or above its one bus by width, gap and radius."""
    xs, ys = [port.x for port in cell.ports], [port.y for port in cell.ports]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    if max(ys) - min(ys) < 1.0:
        radius, gap = entry.params.get("radius"), entry.params.get("gap")
        if isinstance(radius, int | float) and isinstance(gap, int | float):
            y += cell.ports[0].width + gap + radius
    return x, y


def trimmer_facts(state: EngineState) -> tuple[TrimmerFacts, ...]:
    """Heaters of the interferometers of an engine cell as drawn; paths and places within the engine."""
    leaves = state.circuit.leaves
    found = [
        TrimmerFacts(
            instance=path,
            path=path,
            engine="",
            channel=-1,
            x=leaves[path].x,
            y=leaves[path].y,
            mW=state.trims[path],
            mW_per_pi=trimmer.mW_per_pi,
            nm_per_K=trimmer.nm_per_K,
            fsr_nm=trimmer.fsr_nm,
            mW_per_K=trimmer.mW_per_K,
            period_mW=trimmer.period_mW,
            sheet=state.bound[leaves[path].cell].sheet.name,
        )
        for path, trimmer in state.trimmers.items()
    ]
    known: dict[tuple[str, str, str, int], TrimmerFacts] = {}
    for passed in state.passages.values():
        for channel, passage in passed.items():
            path = passage.path
            entry, model = state.entry(path)
            if HEATER not in accepted(model.function) or "V_swing" not in entry.sheet.operating_values:
                continue
            key = (entry.cell, passage.port_in, passage.port_out, channel)
            if key not in known:
                known[key] = heater_facts(entry, float(state.channels[channel]), channel, *key[1:3])
            leaf = leaves[path]
            found.append(
                replace(known[key], instance=path, path=path, x=leaf.x, y=leaf.y, mW=state.drives[path].heater_mW)
            )
    return tuple(sorted(found, key=lambda facts: facts.path))


def device_facts(state: EngineState, netlists: Netlists) -> dict[str, DeviceFacts]:
    """The modulators and detectors of all channels at their working points; equal ones are one object."""
    used = {path for sender in state.transmit for path in sender.modulators.values()}
    used |= {path for reception in state.receive for path in reception.detectors.values()}
    receives = {path: channel for reception in state.receive for channel, path in reversed(reception.detectors.items())}
    known: dict[tuple[object, ...], DeviceFacts] = {}
    found: dict[str, DeviceFacts] = {}
    for path in sorted(used):
        leaf = state.circuit.leaves[path]
        drive, lock = state.drives.get(path), state.locks.get(path)
        channel = state.channel_of.get(path, receives.get(path, 0))
        key = (leaf.cell, channel, drive, None if lock is None else lock.tuning_nm)
        if key not in known:
            entry = state.bound[leaf.cell]
            operating = dict(entry.sheet.operating_values)
            if drive is not None:
                operating |= {"V_one": drive.v_one, "V_zero": drive.v_zero, "heater_mW": drive.heater_mW}
            if lock is not None:
                operating |= {"tuning_nm": lock.tuning_nm, "detuning_nm": drive.detuning_nm if drive else 0.0}
            operating |= {"dT": state.condition.dT_K, "wl_um": float(state.channels[channel])}
            drawn = {k: v for k, v in netlists.cells[leaf.cell].settings.items() if v is not None}
            params = {**entry.sheet.geometry, **drawn, **entry.params}
            params.pop(WARMTH, None)
            model = entry.model.name if entry.model else ""
            known[key] = DeviceFacts(leaf.function, model, entry.sheet.name, params, operating)
        found[path] = known[key]
    return found


def placed_ring(facts: RingFacts, engine: PlacedEngine, prefix: str) -> RingFacts:
    """A ring of a placed engine, in coordinates of the top cell."""
    x, y = engine.place.point(facts.x, facts.y)
    detector = prefix + facts.detector if facts.detector else ""
    return replace(facts, instance=prefix + facts.path, engine=engine.name, x=x, y=y, detector=detector)


def placed_trimmer(facts: TrimmerFacts, engine: PlacedEngine, prefix: str) -> TrimmerFacts:
    """An interferometer of a placed engine, in coordinates of the top cell."""
    x, y = engine.place.point(facts.x, facts.y)
    return replace(facts, instance=prefix + facts.path, engine=engine.name, x=x, y=y)


def placed_devices(facts: Mapping[str, DeviceFacts], prefix: str) -> dict[str, DeviceFacts]:
    """Devices of a placed engine by path from the top cell."""
    return {prefix + path: device for path, device in facts.items()}

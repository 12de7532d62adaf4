"""Transmit lanes of an engine: from the laser port through the modulators to the transmit port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cpo_pdk.circuit import crosstalk
from cpo_pdk.circuit.engine_ports import TransmitBus
from cpo_pdk.circuit.engine_state import EngineLane, EngineState, Real
from cpo_pdk.circuit.evaluation import Evaluator
from cpo_pdk.circuit.solver import Complex, Plan, SDict


@dataclass(frozen=True)
class Transmitted:
    """Lanes; power transmission of each port on the grid; figures of the modulators at their operating point."""

    lanes: tuple[EngineLane, ...] = ()
    spectra: dict[int, Real] = field(default_factory=dict)
    modulator: dict[str, float] = field(default_factory=dict)


def transmit(state: EngineState) -> Transmitted:
    """Loss at level one of all modulators, and what each modulator does to the channels of its neighbours."""
    if not state.facet.tx:
        return Transmitted()
    lasers = [f"laser_{number}" for number in state.facet.laser]
    ports = [f"tx_{number}" for number in state.facet.tx]
    plan = state.compile(lasers, ports, {name: state.circuit.exposed[name] for name in (*lasers, *ports)})
    solved = plan.solve(state.values, wl=state.wl, warnings=state.warnings)
    toggled = _toggled(state, plan)
    lanes: list[EngineLane] = []
    spectra: dict[int, Real] = {}
    extinction: list[float] = []
    for bus in state.transmit:
        pair = (f"laser_{bus.laser}", f"tx_{bus.port}")
        power = np.abs(solved[pair]) ** 2
        one = power[: state.count]
        spectra[bus.port] = power[state.count :]
        leak = None
        if toggled is not None and bus.rings:
            zero = np.abs(toggled[pair]) ** 2
            leak = crosstalk.modulation_leakage(one, zero)
            extinction += [float(x) for x in crosstalk.to_dB(one / np.maximum(np.diagonal(zero), 1e-30))]
        rings = state.ring_by_channel(bus.rings)
        lanes += [_lane(state, bus, channel, float(one[channel]), rings, leak) for channel in range(state.count)]
    return Transmitted(tuple(lanes), spectra, _operating_point(state, extinction))


def _toggled(state: EngineState, plan: Plan) -> dict[tuple[str, str], Complex] | None:
    """Amplitudes at the channels, [channel whose modulators are at level zero, channel]; None without modulators."""
    if not state.drives:
        return None
    evaluator = Evaluator(state.channels)
    values = _at_channels(state)
    for ring, drive in state.drives.items():
        entry, model = state.entry(ring)
        voltage = np.full((state.count, 1), drive.v_one)
        voltage[state.locks[ring].channel] = drive.v_zero
        values[ring] = evaluator.matrix(ring, model, {**entry.params, **state.overrides[ring], "V": voltage})
    state.warnings += evaluator.warnings
    state.extra_evaluations += evaluator.distinct
    return plan.solve(values, wl=state.channels)


def _at_channels(state: EngineState) -> dict[str, SDict]:
    """The values at the channels only."""
    done: dict[int, SDict] = {}
    for matrix in state.values.values():
        if id(matrix) not in done:
            done[id(matrix)] = {
                pair: value[..., : state.count] if value.ndim and value.shape[-1] > 1 else value
                for pair, value in matrix.items()
            }
    return {path: done[id(matrix)] for path, matrix in state.values.items()}


def _lane(
    state: EngineState, bus: TransmitBus, channel: int, power: float, rings: Mapping[int, str], leak: Real | None
) -> EngineLane:
    source, target = state.circuit.exposed[f"laser_{bus.laser}"], state.circuit.exposed[f"tx_{bus.port}"]
    loss = -float(crosstalk.to_dB(np.asarray(power)))
    ring = rings.get(channel)
    names = [rings.get(other, f"channel {other + 1}") for other in range(state.count)]
    return EngineLane(
        direction="tx",
        port=bus.port,
        channel=channel + 1,
        wl_um=float(state.channels[channel]),
        loss_dB=loss,
        crosstalk_dB=crosstalk.FLOOR_DB if leak is None else crosstalk.summed(leak[channel], channel),
        polarization="TE",
        tuning_nm=state.locks[ring].tuning_nm if ring else 0.0,
        items=state.items(source, [target], channel, loss),
        aggressors=() if leak is None else crosstalk.aggressors(leak[channel], channel, names),
        laser=bus.laser,
    )


def _operating_point(state: EngineState, extinction: list[float]) -> dict[str, float]:
    if not extinction:
        return {}
    drive = next(iter(state.drives.values()))
    return {
        "V_one": drive.v_one,
        "V_zero": drive.v_zero,
        "detuning_nm": drive.detuning_nm,
        "extinction_min_dB": min(extinction),
        "extinction_max_dB": max(extinction),
    }

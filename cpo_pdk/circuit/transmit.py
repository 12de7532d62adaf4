"""Transmit lanes of an engine: from the laser port through the modulators to the transmit port."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cpo_pdk.circuit import crosstalk
from cpo_pdk.circuit.driving import VOLTAGE
from cpo_pdk.circuit.engine_ports import Sender
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
    for sender in state.transmit:
        pair = (f"laser_{sender.laser}", f"tx_{sender.port}")
        power = np.abs(solved[pair]) ** 2
        one = power[: state.count]
        spectra[sender.port] = power[state.count :]
        leak, ratio = None, None
        if toggled is not None and sender.modulators:
            zero = np.abs(toggled[pair]) ** 2
            leak = crosstalk.modulation_leakage(one, zero)
            ratio = crosstalk.to_dB(one / np.maximum(np.diagonal(zero), 1e-30))
            extinction += [float(x) for x in ratio]
        lanes += [_lane(state, sender, channel, float(one[channel]), leak, ratio) for channel in range(state.count)]
    return Transmitted(tuple(lanes), spectra, _operating_point(state, extinction))


def _toggled(state: EngineState, plan: Plan) -> dict[tuple[str, str], Complex] | None:
    """Amplitudes at the channels, [channel whose modulators are at level zero, channel]; None without modulators."""
    if not state.drives:
        return None
    evaluator = Evaluator(state.channels)
    values = _at_channels(state)
    for path, drive in state.drives.items():
        entry, model = state.entry(path)
        voltage = np.full((state.count, 1), drive.v_one)
        voltage[state.channel_of[path]] = drive.v_zero
        values[path] = evaluator.matrix(path, model, {**entry.params, **state.overrides[path], VOLTAGE: voltage})
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
    state: EngineState, sender: Sender, channel: int, power: float, leak: Real | None, ratio: Real | None
) -> EngineLane:
    source, target = state.circuit.exposed[f"laser_{sender.laser}"], state.circuit.exposed[f"tx_{sender.port}"]
    loss = -float(crosstalk.to_dB(np.asarray(power)))
    modulator = sender.modulators.get(channel, "")
    names = [sender.modulators.get(other, f"channel {other + 1}") for other in range(state.count)]
    return EngineLane(
        direction="tx",
        port=sender.port,
        channel=channel + 1,
        wl_um=float(state.channels[channel]),
        loss_dB=loss,
        crosstalk_dB=crosstalk.FLOOR_DB if leak is None else crosstalk.summed(leak[channel], channel),
        polarization="TE",
        tuning_nm=state.locks[modulator].tuning_nm if modulator in state.locks else 0.0,
        items=state.items(source, [target], channel, loss, modulator if modulator in state.locks else ""),
        aggressors=() if leak is None else crosstalk.aggressors(leak[channel], channel, names),
        laser=sender.laser,
        heater_mW=state.drives[modulator].heater_mW if modulator in state.drives else 0.0,
        extinction_dB=None if ratio is None else float(ratio[channel]),
        modulator=modulator,
        ring=modulator if modulator in state.locks else "",
        laser_ways=sum(other.laser == sender.laser for other in state.transmit),
    )


def _operating_point(state: EngineState, extinction: list[float]) -> dict[str, float]:
    if not extinction:
        return {}
    drives = list(state.drives.values())
    heaters = [drive.heater_mW for drive in drives]
    point = {"V_one": drives[0].v_one, "V_zero": drives[0].v_zero}
    if any(heaters):
        point |= {"heater_min_mW": min(heaters), "heater_max_mW": max(heaters)}
    else:
        point["detuning_nm"] = drives[0].detuning_nm
    return {**point, "extinction_min_dB": min(extinction), "extinction_max_dB": max(extinction)}

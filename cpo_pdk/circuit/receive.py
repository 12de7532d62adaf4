"""Receive lanes of an engine: from the receive port, in either polarisation, to the detector of the channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cpo_pdk.circuit import crosstalk
from cpo_pdk.circuit.engine_ports import Reception
from cpo_pdk.circuit.engine_state import EngineLane, EngineState, Real
from cpo_pdk.circuit.solver import Complex
from cpo_pdk.errors import ModelError


@dataclass(frozen=True)
class Received:
    """Lanes; crosstalk of each port in dB, [detector, channel]; power in each detector on the grid (first bus)."""

    lanes: tuple[EngineLane, ...] = ()
    crosstalk: dict[int, Real] = field(default_factory=dict)
    spectra: dict[int, dict[str, Real]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Port:
    """What one receive port does; by mode: power, [detector, wavelength], and power over wanted, [victim, channel]."""

    number: int
    detectors: list[str]
    power: dict[str, Real]
    relative: dict[str, Real]
    rings: dict[str, dict[int, str]]


def receive(state: EngineState) -> Received:
    """Loss and crosstalk for TE and TM light at the port; the worse of the two counts."""
    if not state.facet.rx:
        return Received()
    used = {detector for reception in state.receive for detector in reception.detectors.values()}
    outputs = {name: ref for name, ref in state.detectors.items() if ref[0] in used}
    ends = {f"rx_{number}": state.circuit.exposed[f"rx_{number}"] for number in state.facet.rx}
    inputs = [f"rx_{reception.port}{reception.mode}" for reception in state.receive]
    plan = state.compile(inputs, list(outputs), {**ends, **outputs})
    solved = plan.solve(state.values, wl=state.wl, warnings=state.warnings)
    lanes: list[EngineLane] = []
    matrices: dict[int, Real] = {}
    spectra: dict[int, dict[str, Real]] = {}
    for number in state.facet.rx:
        port = _port(state, number, [reception for reception in state.receive if reception.port == number], solved)
        matrices[number] = crosstalk.to_dB(np.max(list(port.relative.values()), axis=0))
        first = next(iter(port.power.values()))
        spectra[number] = {f"detector {k + 1}": first[k, state.count :] for k in range(state.count)}
        lanes += [_lane(state, port, channel) for channel in range(state.count)]
    return Received(tuple(lanes), matrices, spectra)


def _port(
    state: EngineState, number: int, receptions: Sequence[Reception], solved: Mapping[tuple[str, str], Complex]
) -> _Port:
    detectors = _detectors_by_channel(state, number, receptions)
    power: dict[str, Real] = {}
    for reception in receptions:
        power[reception.mode] = np.zeros((state.count, state.wl.size))
        for row, path in enumerate(detectors):
            for name in state.receivers[path]:
                amplitude = solved.get((f"rx_{number}{reception.mode}", f"{path}:{name}"))
                if amplitude is not None:
                    power[reception.mode][row] += np.abs(amplitude) ** 2
    relative = {mode: crosstalk.relative_to_wanted(p[:, : state.count]) for mode, p in power.items()}
    return _Port(number, detectors, power, relative, {reception.mode: reception.filters for reception in receptions})


def _detectors_by_channel(state: EngineState, number: int, receptions: Sequence[Reception]) -> list[str]:
    """The detector of each channel, that of the first polarisation where they differ."""
    found: dict[int, str] = {}
    for reception in receptions:
        for channel, detector in sorted(reception.detectors.items()):
            if found.setdefault(channel, detector) != detector:
                state.warnings.append(
                    f"rx_{number}: channel {channel + 1} goes to {found[channel]} in one polarisation and to "
                    f"{detector} in the other; the receiver depends on polarisation"
                )
    chosen = [found[channel] for channel in range(state.count)]
    if len(set(chosen)) < len(chosen):
        twice = next(path for path in chosen if chosen.count(path) > 1)
        raise ModelError(f"rx_{number}: several channels drop into {twice}, 1 allowed; give each channel its detector")
    return chosen


def _lane(state: EngineState, port: _Port, channel: int) -> EngineLane:
    worst = min(port.power, key=lambda mode: port.power[mode][channel, channel])
    row = max((matrix[channel] for matrix in port.relative.values()), key=lambda r: crosstalk.summed(r, channel))
    loss = -float(crosstalk.to_dB(port.power[worst][channel, channel]))
    path, inner = state.circuit.exposed[f"rx_{port.number}"]
    detector = port.detectors[channel]
    names = [f"channel {other + 1}" for other in range(state.count)]
    ring = port.rings[worst].get(channel)
    return EngineLane(
        direction="rx",
        port=port.number,
        channel=channel + 1,
        wl_um=float(state.channels[channel]),
        loss_dB=loss,
        crosstalk_dB=crosstalk.summed(row, channel),
        polarization="TM" if worst else "TE",
        tuning_nm=state.locks[ring].tuning_nm if ring else 0.0,
        items=state.items(
            (path, inner + worst), [(detector, name) for name in state.receivers[detector]], channel, loss, ring or ""
        ),
        aggressors=crosstalk.aggressors(row, channel, names),
        detector=detector,
        ring=ring or "",
    )

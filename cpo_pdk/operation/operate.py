"""The closed loop: temperature, wavelengths, heaters and power of a package that agree with one another.

For each load: the heat of everything gives the temperature of every ring; the ring's resonance has moved by that; it
takes the channel that is cheapest to reach with a heater; the heater's power is heat again (see `settling`). The lanes
are then computed at these temperatures and channels, which changes a little what light is absorbed where, so the loop
is run once more with it. Every load is looked at as if the package had been brought up at it; how far it may go from
there with its channels kept is in `headroom`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.conditions import EngineCondition
from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.energy.ledger import Account
from cpo_pdk.energy.results import Ledger
from cpo_pdk.energy.summary import energy_of
from cpo_pdk.errors import SpecError
from cpo_pdk.handover.parts import Package
from cpo_pdk.link.budget import link_budget
from cpo_pdk.operation.gates import gates_of
from cpo_pdk.operation.headroom import cure_of, largest_bias_nm, lost_on_the_way, unlocks
from cpo_pdk.operation.results import Operation, State, Unlock
from cpo_pdk.operation.ring_bank import Fraction, RingBank, bank_of
from cpo_pdk.operation.ring_states import lost_rings, ring_states
from cpo_pdk.operation.sensitivity import heat_of_heaters
from cpo_pdk.operation.settling import Settled, Surroundings, settle, settle_lowest, trim_power_mW
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts
from cpo_pdk.thermal.near_heater import has_heater, near_heater_of
from cpo_pdk.thermal.package_model import PackageHeat, model_of
from cpo_pdk.thermal.results import Response

Real = NDArray[np.float64]

Resimulate = Callable[[Mapping[str, EngineCondition]], SimulationResult]
"""Engine -> its condition; to the lanes as they are there."""

Say = Callable[[str], None]

#: names of the loads
STATES = ("idle", "typical", "full")
#: change of a ring by what the lanes computed anew absorb, at which they need not be computed again, K
SAME_LIGHT_K = 0.25
#: engines whose temperatures agree to this are computed as one, K: what is held on a channel does not notice, all else
#: drifts by less than 0.02 nm
SAME_DT_K = 0.5
#: temperature that no package survives: peak of lead-free reflow, C (J-STD-020, from memory)
MELTS_C = 260.0
#: share of a heater's limit that a cure leaves at either end, where one does
RESERVE = 0.1
#: heater power of interferometers that is worth a word when another reference temperature saves it, W
WORTH_W = 1.0
#: times that lanes are computed at one load
PASSES = 3


def operate(
    spec: PackageSpec,
    parts: Parts,
    sheets: Mapping[str, Sheet],
    simulation: SimulationResult,
    package: Package,
    resimulate: Resimulate,
    *,
    states: tuple[str, ...] = STATES,
    transient: bool = True,
    say: Say = lambda _line: None,
) -> Operation:
    """The package at its loads.

    A load that does not settle, or at which rings can't be held, is an answer: it is in the state's `converged`,
    `reason` and `warnings`, and its lanes are computed with those rings where they really are.

    Args:
        spec: the package.
        parts: what is bought.
        sheets: of the devices.
        simulation: lanes, rings and interferometers of the layout, each device as warm as it is drawn for.
        package: dies and bodies of the layout.
        resimulate: lanes at given temperatures, tunings and channels of the engines.
        states: which of idle, typical, full.
        transient: whether the load step from idle to full is computed.
        say: told what is being done.

    Raises:
        SpecError: parts or powers that don't fit the package, cooling that lets it melt.
        LayoutError: rings that lie on no engine, a package without an ASIC.
        ModelError: a device that can't be computed at its temperature.
    """
    say("heat of the package")
    heat = model_of(package, spec, {ring.instance: (ring.engine, ring.x, ring.y) for ring in simulation.rings})
    loop = _Loop(spec, parts, sheets, simulation, heat, resimulate)
    found: list[State] = []
    steps: list[tuple[str, Unlock, Unlock]] = []
    temperatures: list[Real] = []
    engines: list[Mapping[str, float]] = []
    for name in states:
        say(f"{name}: temperatures, channels, heaters")
        load = float(getattr(spec.thermal.loads, name))
        settled, lanes = loop.run(load)
        say(f"{name}: margins")
        found.append(loop.state(name, load, settled, lanes))
        steps += loop.steps(name, load, settled)
        temperatures.append(settled.ring_C)
        engines.append(settled.engine_C)
    reach = [state.asic_W for state in found]
    held = all(ring.locked for state in found for ring in state.rings)
    kept = lost_on_the_way(steps, min(reach), max(reach)) if held else ""
    warnings = [
        *heat.warnings,
        *_unknown_heaters(simulation, sheets),
        *([kept] if kept else []),
        *loop.cures(found, temperatures),
        *loop.wasted(engines),
        *_told(found),
    ]
    by_name = {state.name: state for state in found}
    step = None
    if transient and {"idle", "full"} <= by_name.keys():
        say("load step from idle to full")
        low, high = (by_name[name].energy.ledger.by_place() for name in ("idle", "full"))
        drift = {ring.instance: ring.nm_per_K for ring in simulation.rings}
        step = heat.load_step(low, high, drift, spec.thermal.control_Hz)
    unlock = tuple(one for _, *both in steps for one in both)
    return Operation(tuple(found), step, unlock, gates_of(spec, found), tuple(dict.fromkeys(warnings)))


def _told(states: list[State]) -> list[str]:
    """What the states warn of, each line once with the names of its states."""
    names: dict[str, list[str]] = {}
    for state in states:
        for line in (*((f"does not settle: {state.reason}",) if state.reason else ()), *state.warnings):
            names.setdefault(line, []).append(state.name)
    return [f"{', '.join(where)}: {line}" for line, where in names.items()]


class _Loop:
    """What all loads of a package have in common."""

    def __init__(
        self,
        spec: PackageSpec,
        parts: Parts,
        sheets: Mapping[str, Sheet],
        simulation: SimulationResult,
        heat: PackageHeat,
        resimulate: Resimulate,
    ) -> None:
        self.spec, self.parts, self.sheets, self.simulation = spec, parts, sheets, simulation
        self.heat, self.resimulate = heat, resimulate
        self.response: Response = heat.response()
        reference = spec.thermal.reference_C
        self.bank: RingBank = bank_of(
            simulation.rings, fractions_of(simulation, sheets), reference, spec.engine.heater_max_mW
        )
        self.lit = tuple(dict.fromkeys(lane.engine for lane in simulation.lanes))
        probes = {probe: row for row, probe in enumerate(self.response.probes)}
        sources = {source: column for column, source in enumerate(self.response.sources)}
        self.rows = np.array([probes[f"ring:{fact.instance}"] for fact in self.bank.facts], dtype=np.int64)
        self.engine_rows = {name: probes[f"pic:{name}"] for name in self.lit}
        self.base_C, self.matrix = self.response.base_C, self.response.matrix
        self.sources = sources
        self.around = Surroundings(
            self.bank,
            simulation.trimmers,
            heat_of_heaters(self.response, self.bank, parts.control["heater_efficiency"]),
            self._temperatures,
            spec.require.heater_headroom_mW or 0.0,
        )

    def _temperatures(self, places: Mapping[str, float]) -> tuple[Real, Mapping[str, float]]:
        """Of every ring, C, and of every engine in use, from watts by place."""
        watts = self.heat.places(places)
        vector = np.array([watts.get(source, 0.0) for source in self.response.sources])
        everywhere = self.base_C + self.matrix @ vector
        return everywhere[self.rows], {name: float(everywhere[row]) for name, row in self.engine_rows.items()}

    def run(self, load: float) -> tuple[Settled, SimulationResult]:
        """The loop at one load, begun with all heaters off, and the lanes at it."""
        lanes = self.simulation
        ring_C, engine_C = self._temperatures(self._write(lanes, load)({}).by_place())
        rounds = 0
        settled: Settled | None = None
        for _ in range(PASSES):
            write = self._write(lanes, load)
            if settled is None:
                now = settle_lowest(self.around, write, ring_C, engine_C)
            else:
                now = settle(self.around, write, ring_C, engine_C, settled.tuning)
            rounds += now.rounds
            moved = np.inf if settled is None else self._change(settled, now)
            settled = replace(now, rounds=rounds)
            ring_C, engine_C = now.ring_C, now.engine_C
            if moved < SAME_LIGHT_K:
                return settled, lanes
            self._refuse_what_melts(settled, load)
            lanes = self.resimulate(self._conditions(settled))
        assert settled is not None
        return settled, lanes

    def _refuse_what_melts(self, settled: Settled, load: float) -> None:
        """Raise `SpecError` where dies are so hot that there is no package any more to compute lanes of."""
        watts = self.heat.places(settled.ledger.by_place())
        vector = np.array([watts.get(source, 0.0) for source in self.response.sources])
        row = self.response.probes.index("asic")
        dies = {**settled.engine_C, "the ASIC": float(self.base_C[row] + self.matrix[row] @ vector)}
        name, hottest = max(dies.items(), key=lambda item: item[1])
        if hottest > MELTS_C:
            wider = ", or give its heat a larger die (engine.die_mm)" if name in settled.engine_C else ""
            text = (
                f"{name} reaches {hottest:.4g} C with the ASIC at {load * self.spec.asic.power_W:.4g} W, solder melts "
                f"below {MELTS_C:g} C; cool it better (thermal.htc_W_m2K, coolant_C, covers, "
                f"conductivity_W_mK), take power off it{wider}"
            )
            raise SpecError([self.spec.problem("thermal.htc_W_m2K", text)])

    def _change(self, old: Settled, new: Settled) -> float:
        """Largest change of a ring or an engine, K; infinite where a ring changes its channel."""
        if not np.array_equal(old.tuning.channel, new.tuning.channel):
            return np.inf
        engines = [abs(old.engine_C[name] - new.engine_C[name]) for name in new.engine_C]
        return float(max(np.abs(old.ring_C - new.ring_C).max(initial=0.0), max(engines, default=0.0)))

    def _write(self, lanes: SimulationResult, load: float) -> Callable[[Mapping[str, float]], Ledger]:
        case_C = self.spec.thermal.laser_case_C
        return Account(self.spec, self.parts, self.sheets, lanes, load=load, laser_case_C=case_C).with_heaters

    def _conditions(self, settled: Settled) -> dict[str, EngineCondition]:
        """What the circuit is to compute: one temperature an engine; rings that are not held where they really are."""
        bank, tuning, found = self.bank, settled.tuning, {}
        for name in self.lit:
            rings = np.flatnonzero(bank.engine == bank.engines.index(name)) if name in bank.engines else []
            mean_C = float(settled.ring_C[rings].mean()) if len(rings) else settled.engine_C[name]
            dT = round((mean_C - bank.reference_C) / SAME_DT_K) * SAME_DT_K
            channel, shifted = {}, {}
            for number in rings:
                fact = bank.facts[number]
                channel[fact.path] = int(tuning.channel[number])
                if not tuning.held[number]:
                    local = fact.nm_per_K * (settled.ring_C[number] - bank.reference_C - dT)
                    shifted[fact.path] = max(0.0, float(tuning.given_nm[number] + local))
            found[name] = EngineCondition(dT, channel, shifted)
        return found

    def state(self, name: str, load: float, settled: Settled, lanes: SimulationResult) -> State:
        """One load with everything that is said of it."""
        budget = link_budget(self.spec, self.parts, self.sheets, lanes)
        energy = energy_of(self.spec, self.parts, settled.ledger)
        temperatures = self.heat.temperatures(settled.ledger.by_place())
        rings = ring_states(self.bank, settled.tuning, settled.ring_C)
        cold = set(self.simulation.warnings)
        told = [line for line in lanes.warnings if line not in cold]
        warnings = [*lost_rings(self.bank, settled.tuning), *told, *budget.warnings]
        warnings += [*energy.warnings, *(line for line in temperatures.warnings if line not in self.heat.warnings)]
        return State(
            name=name,
            load=load,
            asic_W=load * self.spec.asic.power_W,
            converged=settled.converged,
            reason=settled.reason,
            iterations=settled.rounds,
            residual_K=settled.residual_K,
            rings=rings,
            temperatures=temperatures,
            energy=energy,
            budget=budget,
            warnings=tuple(dict.fromkeys(warnings)),
            conditions=self._conditions(settled),
            warming_K_W={
                fact.instance: float(self.around.heaters.K_W[row, self.bank.engine[row]])
                for row, fact in enumerate(self.bank.facts)
            },
        )

    def steps(self, name: str, load: float, settled: Settled) -> list[tuple[str, Unlock, Unlock]]:
        """Load steps up and down that a ring can't follow; none in a package without rings."""
        if not self.bank.facts:
            return []
        per_watt = self.heat.places({"asic": 1.0})
        vector = np.array([per_watt.get(source, 0.0) for source in self.response.sources])
        rated = self.spec.asic.power_W
        asic_K_W = self.matrix[self.rows] @ vector
        up, down = unlocks(name, load * rated, rated, self.bank, settled.tuning, asic_K_W, self.around.heaters)
        return [(name, up, down)]

    def cures(self, states: list[State], temperatures: list[Real]) -> list[str]:
        """What would hold the rings that are lost."""
        if all(ring.locked for state in states for ring in state.rings):
            return []

        def holds(bank: RingBank) -> bool:
            around = replace(self.around, bank=bank)
            for state in states:
                write = self._write(self.simulation, state.load)
                now = settle(around, write, *self._temperatures(write({}).by_place()))
                if not (now.converged and now.tuning.held.all()):
                    return False
            return True

        reserve = max(self.around.keep_mW, RESERVE * self.bank.max_mW)
        bias = self.spec.engine.heater_bias_nm
        most = largest_bias_nm(self.bank)
        said = cure_of(self.bank, temperatures, bias, reserve, holds, most) or cure_of(
            self.bank, temperatures, bias, self.around.keep_mW, holds, most
        )
        lost = max(sum(not ring.locked for ring in state.rings) for state in states)
        text = f"{lost} of {len(self.bank)} rings can't be held on a channel; "
        none = (
            "no engine.heater_bias_nm up to 10 and no engine.heater_max_mW up to 500 would hold them all; cool better"
        )
        return [text + (said or none)]

    def wasted(self, engines: list[Mapping[str, float]]) -> list[str]:
        """What interferometers take to go round to the next fringe, where another reference temperature saves it.

        Asked for a package without rings alone: rings would move with that temperature too.
        """
        trimmers, now = self.simulation.trimmers, self.bank.reference_C
        if not trimmers or self.bank.facts:
            return []

        def watts(reference_C: float) -> float:
            """Heaters of interferometers in the state that takes most."""
            return 1e-3 * max(
                sum(trim_power_mW(t, engine_C[t.engine], reference_C) for t in trimmers) for engine_C in engines
            )

        better = float(np.ceil(max(max(engine_C.values()) for engine_C in engines)))
        if watts(now) - watts(better) < WORTH_W:
            return []
        return [
            f"{len(trimmers)} heaters of interferometers take up to {watts(now):.4g} W: above thermal.reference_C "
            f"{now:g} C some go round to their next fringe; thermal.reference_C {better:g}, with paths drawn for it, "
            f"would make that {watts(better):.4g} W"
        ]


def fractions_of(simulation: SimulationResult, sheets: Mapping[str, Sheet]) -> dict[str, Fraction]:
    """Sheet of a ring -> how its heater warms others."""
    found: dict[str, Fraction] = {}
    for ring in simulation.rings:
        if ring.sheet not in found:
            sheet = sheets[ring.sheet]
            if not has_heater(sheet.geometry):
                found[ring.sheet] = _warms_none
                continue
            field = near_heater_of(sheet.geometry, sheet.cell)
            found[ring.sheet] = partial(field.fraction, own_K_mW=ring.heater_nm_mW / ring.nm_per_K)
    return found


def _warms_none(distance_um: Real) -> Real:
    """Of a heater whose shape no sheet tells: its own ring alone."""
    return np.where(np.asarray(distance_um) == 0, 1.0, 0.0)


def _unknown_heaters(simulation: SimulationResult, sheets: Mapping[str, Sheet]) -> list[str]:
    """What to say of rings whose sheet doesn't tell the shape of their heater."""
    names = sorted({ring.sheet for ring in simulation.rings if not has_heater(sheets[ring.sheet].geometry)})
    return [
        f"sheet {name} has no radius and width_heater in its geometry: what its heaters do to the rings beside them is "
        "not counted"
        for name in names
    ]

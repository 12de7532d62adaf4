"""The package at work; plain frozen values that the report and the command line read."""

from __future__ import annotations

from dataclasses import dataclass, field

from cpo_pdk.circuit.conditions import EngineCondition
from cpo_pdk.energy.results import EnergyResult
from cpo_pdk.link.results import LinkBudget
from cpo_pdk.thermal.results import Temperatures, Transient


@dataclass(frozen=True)
class RingState:
    """One ring, held on its channel.

    Attributes:
        instance: path from the top cell.
        engine, direction, port, mode: whose it is; mode `@TM` on the second bus of a receive port.
        x, y: in the package, um.
        channel: that it serves, from 1, and `drawn_channel` the one that it was drawn for.
        temperature_C: without its own heater.
        shift_nm: red shift that its heater, with its neighbours', must give.
        heater_mW: of its own heater.
        free_up_mW, free_down_mW: power that it may rise and fall by until the heater is at its limit or off;
            negative by what is missing where the ring is not held.
        locked: whether the heater reaches.
    """

    instance: str
    engine: str
    direction: str
    port: int
    mode: str
    x: float
    y: float
    channel: int
    drawn_channel: int
    temperature_C: float
    shift_nm: float
    heater_mW: float
    free_up_mW: float
    free_down_mW: float
    locked: bool


@dataclass(frozen=True)
class State:
    """The package at one load.

    Attributes:
        name: idle, typical or full.
        load: ASIC power over `asic.power_W`.
        asic_W: heat of the ASIC.
        converged: whether temperature, tuning and power settled; `reason` why not.
        iterations: rounds of the loop; `residual_K` the last change of any ring.
        rings: all of them; empty without rings.
        temperatures, energy, budget: see there.
        warnings: rings that can't lock and the like, one line each.
        conditions: what the circuit was computed under, by engine.
        warming_K_W: ring -> its warming by all heaters of its engine together, near ones' own heat left out.
    """

    name: str
    load: float
    asic_W: float
    converged: bool
    reason: str
    iterations: int
    residual_K: float
    rings: tuple[RingState, ...]
    temperatures: Temperatures
    energy: EnergyResult
    budget: LinkBudget
    warnings: tuple[str, ...] = ()
    conditions: dict[str, EngineCondition] = field(default_factory=dict)
    warming_K_W: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Unlock:
    """The smallest load step, from a state with its channels kept, that a ring can't follow.

    Attributes:
        state: begin of the step.
        asic_W: power of the ASIC that would unlock a ring; None where none does up to 1.5 times `asic.power_W` or to 0.
        ring: path of the first that is lost.
        why: heater at its limit, or off.
    """

    state: str
    asic_W: float | None
    ring: str
    why: str


@dataclass(frozen=True)
class Gate:
    """A limit of the spec's `require`: key, limit, what came out, where, whether it holds; `line` is file:line."""

    key: str
    limit: float
    value: float
    where: str
    holds: bool
    line: str


@dataclass(frozen=True)
class Operation:
    """Everything about the working package.

    Attributes:
        states: idle, typical, full.
        transient: ASIC step from idle to full; None where it was not asked for.
        unlocks: from each state upwards and downwards.
        gates: limits of the spec.
        warnings: of all, one line each.
    """

    states: tuple[State, ...]
    transient: Transient | None
    unlocks: tuple[Unlock, ...]
    gates: tuple[Gate, ...]
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> State:
        """A state by name; raises `KeyError`."""
        for state in self.states:
            if state.name == name:
                return state
        raise KeyError(name)

    @property
    def holds(self) -> bool:
        """True when every gate holds."""
        return all(gate.holds for gate in self.gates)

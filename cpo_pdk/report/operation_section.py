"""What the page says about the package at work, in words and rows: states, gates, rings, ranking, energy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cpo_pdk.energy.results import ClusterEnergy, Comparison
from cpo_pdk.link.results import Cost, LinkLane
from cpo_pdk.operation.results import Gate, Operation, State, Unlock
from cpo_pdk.report.operation_json import engine_names, short_name

#: kinds of consumers in words
KINDS = {
    "laser": "lasers",
    "driver": "drivers",
    "modulator": "modulators",
    "tia": "receiver amplifiers",
    "serdes_host": "serial links, ASIC side",
    "serdes_engine": "serial links, engine side",
    "heater": "heaters",
    "control": "control",
    "monitor": "monitors",
    "asic": "ASIC",
}
#: key of a gate -> what it limits, unit, whether the value must be at least (not at most) the limit
GATES = {
    "margin_dB": ("margin of every lane", "dB", True),
    "energy_pJ_bit": ("energy of the optics", "pJ/bit", False),
    "asic_C": ("hottest spot of the ASIC", "°C", False),
    "engine_C": ("hottest spot of an engine", "°C", False),
    "engine_spread_C": ("hottest less coolest engine", "°C", False),
    "heater_headroom_mW": ("heater power left of every ring", "mW", True),
}
#: warnings that are listed
SHOWN = 60


@dataclass(frozen=True)
class Row:
    """One quantity in every state, as texts, and whether it is bad there."""

    label: str
    values: tuple[str, ...]
    bad: tuple[bool, ...]


@dataclass(frozen=True)
class GateLine:
    """A limit of the spec, as texts."""

    what: str
    limit: str
    value: str
    where: str
    line: str
    holds: bool


@dataclass(frozen=True)
class LaneLine:
    """A lane for the table: names, and margin in every state with the state that is the worst first."""

    index: int
    engine: str
    name: str
    wl: str
    margins: tuple[str, ...]
    bad: tuple[bool, ...]
    ber: str
    oma: str
    laser: str


@dataclass(frozen=True)
class StackLine:
    """One kind of consumer: watts and pJ/bit in every state."""

    name: str
    watts: tuple[str, ...]
    pJ_bit: tuple[str, ...]


@dataclass(frozen=True)
class OperationSection:
    """The sections as the template wants them.

    Attributes:
        states: names; `chosen` the number of the one that is shown first.
        rows: the states side by side.
        settled: every state did.
        gates, unlocks, warnings: as texts; `more` warnings that are not listed.
        link: modulation, rate and threshold in a sentence; `parts` what is bought.
        costs: of every state, what costs most.
        lanes: all of them.
        engines: one row an engine; headings in `engine_headings`.
        has_rings: any ring is held.
        transient: the load step in a sentence; empty without.
        stack: consumers, the most first; `total` their sum.
        balance: heat less power of every state, W.
        comparisons, cluster: as computed; `notes` what could not be counted.
    """

    states: tuple[str, ...]
    chosen: int
    rows: tuple[Row, ...]
    settled: bool
    gates: tuple[GateLine, ...]
    unlocks: tuple[str, ...]
    warnings: tuple[str, ...]
    more: int
    link: str
    parts: tuple[tuple[str, str], ...]
    costs: tuple[tuple[Cost, ...], ...]
    lanes: tuple[LaneLine, ...]
    engine_headings: tuple[str, ...]
    engines: tuple[tuple[str, ...], ...]
    has_rings: bool
    transient: str
    stack: tuple[StackLine, ...]
    total: StackLine
    balance: str
    comparisons: tuple[Comparison, ...]
    cluster: ClusterEnergy | None
    notes: tuple[str, ...]


def operation_section(operation: Operation | None) -> OperationSection | None:
    """The sections of a package; None where nobody asked, or no state was looked at."""
    if operation is None or not operation.states:
        return None
    states = operation.states
    chosen = next((k for k, state in enumerate(states) if state.name == "full"), len(states) - 1)
    full = states[chosen]
    warnings = list(warnings_of(operation))
    return OperationSection(
        states=tuple(state.name for state in states),
        chosen=chosen,
        rows=tuple(_rows(states)),
        settled=all(state.converged for state in states),
        gates=tuple(_gate(gate) for gate in operation.gates),
        unlocks=tuple(_unlocks(operation.unlocks)),
        warnings=tuple(warnings[:SHOWN]),
        more=max(0, len(warnings) - SHOWN),
        link=_link(full),
        parts=tuple(full.budget.parts.items()),
        costs=tuple(state.budget.costs for state in states),
        lanes=tuple(_lanes(states, full)),
        engine_headings=("engine", *(f"{state.name} (°C)" for state in states), *_ENGINE_HEADINGS),
        engines=tuple(_engines(states, full)),
        has_rings=any(state.rings for state in states),
        transient=_transient(operation),
        stack=tuple(_stack(states)),
        total=_line("all optics", states, lambda state: state.energy.optics_W),
        balance=_balance(states),
        comparisons=full.energy.comparisons,
        cluster=_cluster(states),
        notes=full.energy.ledger.notes,
    )


def _cluster(states: tuple[State, ...]) -> ClusterEnergy | None:
    """A year of the cluster at the state that the spec wants counted, else at the last one."""
    found = {state.name: state.energy.cluster for state in states if state.energy.cluster is not None}
    wanted = next((found[name] for name, cluster in found.items() if cluster.state == name), None)
    return wanted or next(reversed(found.values()), None)


def operation_tiles(operation: Operation | None) -> Iterator[tuple[str, str, str, str, bool]]:
    """Figures for the head of the page, at full load: label, value, unit, note, whether it is bad."""
    if operation is None or not operation.states:
        return
    full = next((state for state in operation.states if state.name == "full"), operation.states[-1])
    least = min((state.budget.worst for state in operation.states if state.budget.worst), key=_light, default=None)
    if least is not None:
        name = f"worst lane of all states, {short_name(least.engine)}/tx_{least.port}/{least.channel}"
        yield "Margin", decibel(least.margin_dB), "dB" if math.isfinite(least.margin_dB) else "", name, _short(least)
    yield "Energy", f"{full.energy.pJ_bit:.2f}", "pJ/bit", f"optics {full.energy.optics_W:.0f} W at full load", False
    heat = full.temperatures
    note = f"hottest spot; engines {span(heat.engines_C.values(), 1)} °C"
    yield "ASIC", f"{heat.asic_max_C:.1f}", "°C", note, False
    if full.rings:
        lost = sum(not ring.locked for state in operation.states for ring in state.rings)
        heaters = sum(ring.heater_mW for ring in full.rings) / 1000
        yield "Rings", f"{lost}", "not held", f"{len(full.rings)} rings, heaters {heaters:.2f} W at full load", lost > 0
    if operation.gates:
        failed = sum(not gate.holds for gate in operation.gates)
        yield "Limits", f"{failed}", "failed", f"{len(operation.gates)} required by the spec", failed > 0


def _light(lane: LinkLane) -> float:
    return lane.margin_dB if math.isfinite(lane.margin_dB) else -math.inf


def warnings_of(operation: Operation) -> Iterator[str]:
    """All warnings, each once: those of states with the names of the states that they are true in."""
    names = [state.name for state in operation.states]
    found: dict[str, list[str]] = {}
    for text in operation.warnings:
        before, _, rest = text.partition(": ")
        where = before.split(", ")
        named = set(where) <= set(names)
        found.setdefault(rest if named else text, []).extend(where if named else [])
    for state in operation.states:
        for text in (*state.warnings, *state.temperatures.warnings, *state.energy.warnings, *state.budget.warnings):
            found.setdefault(text, []).append(state.name)
    for text, where in found.items():
        yield f"{', '.join(dict.fromkeys(where))}: {text}" if where else text


_ENGINE_HEADINGS = ("hottest spot (°C)", "power (W)", "heaters (W)", "least left up, down (mW)", "least margin (dB)")


def _rows(states: tuple[State, ...]) -> Iterator[Row]:
    def row(label: str, text: Callable[[State], str], bad: Callable[[State], bool] = lambda _: False) -> Row:
        return Row(label, tuple(text(state) for state in states), tuple(bad(state) for state in states))

    yield row("ASIC (W)", lambda s: f"{s.asic_W:.0f}")
    yield row("settled", _settled, lambda s: not s.converged)
    yield row("hottest spot of the ASIC (°C)", lambda s: f"{s.temperatures.asic_max_C:.1f}")
    yield row("engines, means (°C)", lambda s: span(s.temperatures.engines_C.values(), 1))
    yield row("hottest less coolest engine (°C)", lambda s: f"{s.temperatures.engine_spread_C:.2f}")
    yield row("hottest spot of an engine (°C)", lambda s: _largest(s.temperatures.engines_max_C.values(), 1))
    yield row("laser modules, case (°C)", lambda s: span(s.temperatures.lasers_C.values(), 1))
    if any(state.rings for state in states):
        yield row(
            "rings that are locked",
            lambda s: f"{sum(ring.locked for ring in s.rings)} of {len(s.rings)}",
            lambda s: not all(ring.locked for ring in s.rings),
        )
        yield row(
            "rings on another channel than drawn", lambda s: str(sum(r.channel != r.drawn_channel for r in s.rings))
        )
        yield row("heater of a ring (mW)", lambda s: span((ring.heater_mW for ring in s.rings), 1))
        yield row("least that a heater may rise, fall (mW)", lambda s: _headroom(s.rings))
    yield row("margin, least (dB)", lambda s: _margin(s.budget.worst), lambda s: _short(s.budget.worst))
    yield row("margin, median (dB)", lambda s: _median([lane.margin_dB for lane in s.budget.lanes]))
    yield row(
        "bit error ratio before correction, worst", lambda s: ber(max((i.ber for i in s.budget.lanes), default=None))
    )
    yield row("lanes without margin", _without, lambda s: any(_short(lane) for lane in s.budget.lanes))
    yield row("optics (W)", lambda s: f"{s.energy.optics_W:.1f}")
    yield row("optics (pJ/bit)", lambda s: f"{s.energy.pJ_bit:.3f}")


def _settled(state: State) -> str:
    if not state.converged:
        return f"no: {state.reason}"
    return f"after {state.iterations} round{'s' * (state.iterations != 1)}, to {state.residual_K * 1000:.2g} mK"


def _without(state: State) -> str:
    return f"{sum(_short(lane) for lane in state.budget.lanes)} of {len(state.budget.lanes)}"


def _short(lane: LinkLane | None) -> bool:
    """A lane that lacks light, or whose margin is no number."""
    return lane is not None and not lane.margin_dB >= 0


def _margin(lane: LinkLane | None) -> str:
    return (
        "-" if lane is None else f"{decibel(lane.margin_dB)}, {short_name(lane.engine)}/tx_{lane.port}/{lane.channel}"
    )


def decibel(margin_dB: float) -> str:
    """A margin, or that no power would do."""
    return f"{margin_dB:.2f}" if math.isfinite(margin_dB) else "none"


def _headroom(rings: Iterable[object]) -> str:
    pairs = [(ring.free_up_mW, ring.free_down_mW) for ring in rings]  # type: ignore[attr-defined]
    return f"{min(up for up, _ in pairs):.1f}, {min(down for _, down in pairs):.1f}" if pairs else "-"


def span(values: Iterable[float], digits: int) -> str:
    """`1.2 to 3.4`, or one number where all are the same; a dash without any."""
    found = [value for value in values if math.isfinite(value)]
    if not found:
        return "-"
    low, high = f"{min(found):.{digits}f}", f"{max(found):.{digits}f}"
    return low if low == high else f"{low} to {high}"


def _largest(values: Iterable[float], digits: int) -> str:
    found = [value for value in values if math.isfinite(value)]
    return f"{max(found):.{digits}f}" if found else "-"


def _median(values: list[float]) -> str:
    ordered = sorted(value for value in values if math.isfinite(value))
    if not ordered:
        return "-"
    half = len(ordered) // 2
    return f"{ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2:.2f}"


def ber(value: float | None) -> str:
    """A bit error ratio in few letters."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.1e}" if value >= 1e-30 else "below 1e-30"


def _gate(gate: Gate) -> GateLine:
    what, unit, least = GATES.get(gate.key, (gate.key, "", False))
    word = "at least" if least else "at most"
    value = f"{gate.value:.3g} {unit}".strip() if abs(gate.value) < 100 else f"{gate.value:.1f} {unit}".strip()
    return GateLine(what, f"{word} {gate.limit:g} {unit}".strip(), value, gate.where, gate.line, gate.holds)


def _unlocks(found: Iterable[Unlock]) -> Iterator[str]:
    """The steps in words; what is the same from several loads is said once."""
    said: dict[str, list[str]] = {}
    for unlock in found:
        said.setdefault(_unlock(unlock), []).append(unlock.state)
    for text, where in said.items():
        yield text.format(where=", ".join(dict.fromkeys(where)))


def _unlock(unlock: Unlock) -> str:
    """One step in words, with `{where}` for the load that it begins at."""
    ring, why = (text.replace("{", "{{").replace("}", "}}") for text in (unlock.ring, unlock.why))
    if unlock.asic_W is None:
        return f"From {{where}}: {why or 'no step of the ASIC unlocks a ring'}."
    if why.startswith("not held"):
        return f"At {{where}}, before any step: {ring} is {why}."
    return f"From {{where}}: a step of the ASIC to {unlock.asic_W:.0f} W is the first to lose a ring, {ring} ({why})."


def _link(state: State) -> str:
    budget = state.budget
    fec = "without error correction" if budget.fec == "none" else f"with {budget.fec}"
    return f"{budget.modulation} at {budget.baud_GBd:g} GBd {fec}: bit error ratio at most {budget.threshold_ber:.2g}"


def _lanes(states: tuple[State, ...], full: State) -> Iterator[LaneLine]:
    of = [{lane.name: lane for lane in state.budget.lanes} for state in states]
    shown = {lane.name: lane for lane in full.budget.lanes}
    for index, lane in enumerate(states[0].budget.lanes):
        own = [lanes.get(lane.name) for lanes in of]
        last = shown.get(lane.name, lane)
        yield LaneLine(
            index=index,
            engine=lane.engine,
            name=f"tx_{lane.port}/{lane.channel}",
            wl=f"{lane.wl_um * 1e3:.2f}",
            margins=tuple("-" if one is None else decibel(one.margin_dB) for one in own),
            bad=tuple(_short(one) for one in own),
            ber=ber(last.ber),
            oma=f"{last.oma_rx_dBm:.2f}",
            laser="none would do" if last.needed_laser_dBm is None else f"{last.needed_laser_dBm:.2f}",
        )


def _engines(states: tuple[State, ...], full: State) -> Iterator[tuple[str, ...]]:
    rings: dict[str, list[object]] = {}
    heat: dict[str, float] = {}
    for ring in full.rings:
        rings.setdefault(ring.engine, []).append(ring)
        heat[ring.engine] = heat.get(ring.engine, 0.0) + ring.heater_mW / 1000
    margin: dict[str, float] = {}
    for lane in full.budget.lanes:
        margin[lane.engine] = min(margin.get(lane.engine, math.inf), lane.margin_dB)
    for engine in dict.fromkeys((*engine_names(full.budget.lanes), *full.temperatures.engines_C)):
        yield (
            engine,
            *(_of(state.temperatures.engines_C, engine, 2) for state in states),
            _of(full.temperatures.engines_max_C, engine, 2),
            _of(full.energy.engines_W, engine, 2),
            _of(heat, engine, 3),
            _headroom(rings.get(engine, ())),
            decibel(margin[engine]) if engine in margin else "-",
        )


def _of(values: dict[str, float], key: str, digits: int) -> str:
    return f"{values[key]:.{digits}f}" if key in values else "-"


def _transient(operation: Operation) -> str:
    step = operation.transient
    if step is None or not len(step.t_s):
        return ""
    return (
        f"The ASIC goes from idle to full at once. The ring that rises fastest is {step.ring}: {step.ring_C[0]:.1f} to "
        f"{step.ring_C[-1]:.1f} °C, 63 % of it after {step.tau_s:.3g} s, at most {step.fastest_K_s:.3g} K/s; the loop "
        f"that holds it lags by {step.tracking_error_nm * 1000:.2g} pm at that moment."
    )


def _line(name: str, states: tuple[State, ...], watt: Callable[[State], float]) -> StackLine:
    watts = [watt(state) for state in states]
    pairs = zip(watts, (state.energy.ledger.lanes_Tbps for state in states), strict=True)
    return StackLine(
        name,
        tuple(f"{value:.2f}" for value in watts),
        tuple(f"{value / tbps:.3f}" if tbps else "-" for value, tbps in pairs),
    )


def _stack(states: tuple[State, ...]) -> Iterator[StackLine]:
    found = [state.energy.ledger.by_kind() for state in states]
    kinds = sorted(
        {kind for sums in found for kind in sums if kind != "asic"}, key=lambda k: (-found[-1].get(k, 0.0), k)
    )
    for kind in kinds:
        yield _line(
            KINDS.get(kind, kind), states, lambda state, kind=kind: state.energy.ledger.by_kind().get(kind, 0.0)
        )


def _balance(states: tuple[State, ...]) -> str:
    texts = [
        f"{state.name} {state.energy.ledger.taken_W:.3f} W taken, {state.energy.ledger.heat_W:.3f} W of heat, "
        f"difference {state.energy.ledger.heat_W - state.energy.ledger.taken_W:.1e} W"
        for state in states
    ]
    return "; ".join(texts)

"""The closed loop of a small package that was drawn: one engine, two fibres of four wavelengths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cpo_pdk.analysis import Prepared, operate
from cpo_pdk.circuit.conditions import EngineCondition
from cpo_pdk.errors import SpecError
from cpo_pdk.operation.operate import operate as operate_package
from cpo_pdk.operation.results import Operation
from cpo_pdk.thermal.package_model import model_of


@pytest.fixture(scope="module")
def small(small_rings: Prepared) -> Prepared:
    return changed(small_rings, engine={"heater_max_mW": 120.0})  # four of eight channels: it is far round


@pytest.fixture(scope="module")
def operation(small: Prepared) -> Operation:
    return operate(small, transient=False)


def changed(prepared: Prepared, **sections: dict[str, object]) -> Prepared:
    """The package under a spec with other values in some sections; the drawing stays."""
    spec = prepared.spec
    new = {name: getattr(spec, name).model_copy(update=values) for name, values in sections.items()}
    assert spec._source is not None
    return replace(prepared, spec=spec.model_copy(update=new).with_source(spec._source))


def test_all_loads_settle_with_all_rings_held(operation: Operation, small: Prepared):
    assert [state.name for state in operation.states] == ["idle", "typical", "full"]
    loads = small.spec.thermal.loads
    assert [state.load for state in operation.states] == [loads.idle, loads.typical, loads.full]
    for state in operation.states:
        assert state.converged and state.reason == "" and state.residual_K < 1e-3
        assert len(state.rings) == len(small.simulation.rings) == 24  # 8 transmit, 16 receive: two polarisations
        assert all(ring.locked for ring in state.rings)
        assert len(state.budget.lanes) == 8
    assert operation["full"].temperatures.asic_max_C > operation["idle"].temperatures.asic_max_C


def test_watts_and_temperatures_agree_to_the_end(operation: Operation, small: Prepared):
    """The ledger of a state, put into the heat by hand, gives the temperatures that its heaters were set for."""
    heat = model_of(small.package, small.spec, {r.instance: (r.engine, r.x, r.y) for r in small.simulation.rings})
    for state in operation.states:
        book = state.energy.ledger
        assert abs(book.taken_W - book.heat_W) < 1e-9
        found = heat.temperatures(book.by_place())
        for ring in state.rings:
            assert found.rings[ring.instance] == pytest.approx(ring.temperature_C, abs=2e-3)
            assert book.by_place().get(f"ring:{ring.instance}", 0.0) == pytest.approx(ring.heater_mW * 1e-3)


def test_every_ring_is_where_its_channel_is(operation: Operation, small: Prepared):
    """Cold resonance, drift, and the shift that the loop asks of the heaters, added up by hand."""
    facts = {fact.instance: fact for fact in small.simulation.rings}
    for state in operation.states:
        for ring in state.rings:
            fact = facts[ring.instance]
            target = fact.channels_um[ring.channel - 1] - 1e-3 * fact.working_nm
            drift = fact.nm_per_K * (ring.temperature_C - small.spec.thermal.reference_C)
            shifted = np.array(fact.resonances_um) + 1e-3 * (drift + ring.shift_nm)
            assert np.abs(shifted - target).min() < 1e-9
            assert 0 <= ring.heater_mW <= small.spec.engine.heater_max_mW
            assert ring.free_up_mW + ring.free_down_mW == pytest.approx(small.spec.engine.heater_max_mW)
        buses = {(ring.direction, ring.port, ring.mode) for ring in state.rings}
        for bus in buses:
            served = [r.channel for r in state.rings if (r.direction, r.port, r.mode) == bus]
            assert sorted(served) == [1, 2, 3, 4]


def test_heaters_that_are_too_weak_are_an_answer_with_a_cure(small: Prepared):
    weak = changed(small, engine={"heater_max_mW": 0.5}, require={"heater_headroom_mW": 0.1, "margin_dB": 1.0})
    found = operate(weak, transient=False)
    assert any(not ring.locked for ring in found["full"].rings)
    assert "would hold all rings" in " ".join(found.warnings)
    assert not found.holds
    gates = {gate.key: gate for gate in found.gates}
    assert gates["heater_headroom_mW"].value < 0.0 and not gates["margin_dB"].holds
    assert gates["margin_dB"].line.startswith("small.yaml:")
    assert {unlock.state for unlock in found.unlocks} == {"idle", "typical", "full"}


def test_a_package_that_melts_is_refused(small: Prepared):
    with pytest.raises(SpecError, match=r"solder melts below 260 C; cool it better"):
        operate(changed(small, thermal={"htc_W_m2K": 2.0}), transient=False)


def test_an_asic_that_melts_beside_cool_engines_is_refused(small: Prepared):
    paste = small.spec.thermal.conductivity_W_mK.model_copy(update={"tim": 0.1})
    with pytest.raises(
        SpecError, match=r"small.yaml:\d+.*the ASIC reaches .* solder melts below 260 C; cool it better"
    ):
        operate(changed(small, thermal={"conductivity_W_mK": paste}), transient=False)


def test_lanes_are_asked_for_where_the_loop_came_to(small: Prepared):
    asked: list[EngineCondition] = []

    def resimulate(conditions):
        asked.extend(conditions.values())
        return small.simulation

    found = operate_package(
        small.spec,
        small.parts,
        small.sheets,
        small.simulation,
        small.package,
        resimulate,
        states=("full",),
        transient=False,
    )
    assert [state.name for state in found.states] == ["full"] and found.transient is None
    condition, rings = asked[-1], found["full"].rings
    mean = np.mean([ring.temperature_C for ring in rings]) - small.spec.thermal.reference_C
    assert condition.dT_K == pytest.approx(mean, abs=0.51)
    assert sorted(condition.channel.values()) == sorted(ring.channel - 1 for ring in rings)
    assert condition.tuning_nm == {}

"""Limits of a spec against what came out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from cpo_pdk.operation.gates import gates_of
from cpo_pdk.operation.results import Operation
from cpo_pdk.spec import PackageSpec, load_spec

NAN = float("nan")


def state(name: str, margins: tuple[float, ...], *, pJ: float = 5.0, engines: dict[str, float], rings: tuple = ()):
    lanes = [SimpleNamespace(margin_dB=margin, name=f"N1/tx_1/{n}") for n, margin in enumerate(margins, 1)]
    heat = SimpleNamespace(asic_max_C=60.0, engines_max_C=engines, engine_spread_C=2.0)
    found = [SimpleNamespace(instance=f"r{n}", free_up_mW=up, free_down_mW=down) for n, (up, down) in enumerate(rings)]
    return SimpleNamespace(
        name=name,
        budget=SimpleNamespace(lanes=lanes),
        energy=SimpleNamespace(pJ_bit=pJ),
        temperatures=heat,
        rings=found,
    )


def spec_with(**limits: float) -> PackageSpec:
    spec = load_spec("switch_51t2")
    source = spec._source
    assert source is not None
    none = dict.fromkeys(type(spec.require).model_fields)
    require = spec.require.model_copy(update={**none, **limits})
    return spec.model_copy(update={"require": require}).with_source(source)


def test_each_limit_is_held_against_the_worst_place():
    states = cast(
        Any,
        [
            state("idle", (3.0, 2.0), pJ=9.0, engines={"N1": 50.0, "N2": 55.0}, rings=((30.0, 10.0),)),
            state("full", (2.5, 1.8), pJ=6.0, engines={"N1": 70.0, "N2": 65.0}, rings=((38.0, 2.0), (-4.0, 40.0))),
        ],
    )
    spec = spec_with(margin_dB=1.8, energy_pJ_bit=6.0, engine_C=69.0, asic_C=100.0, heater_headroom_mW=0.0)
    gates = {gate.key: gate for gate in gates_of(spec, states)}
    assert set(gates) == {"margin_dB", "energy_pJ_bit", "engine_C", "asic_C", "heater_headroom_mW"}
    assert (gates["margin_dB"].value, gates["margin_dB"].where) == (1.8, "N1/tx_1/2 at full")
    assert gates["margin_dB"].holds and gates["energy_pJ_bit"].holds  # of full load; a limit that is met holds
    assert (gates["engine_C"].value, gates["engine_C"].where, gates["engine_C"].holds) == (70.0, "N1 at full", False)
    assert (gates["heater_headroom_mW"].value, gates["heater_headroom_mW"].holds) == (-4.0, False)
    assert not Operation((), None, (), tuple(gates.values())).holds


def test_a_value_that_is_no_number_never_holds():
    gates = gates_of(spec_with(margin_dB=-50.0), cast(Any, [state("full", (3.0, NAN), engines={"N1": 50.0})]))
    assert [gate.holds for gate in gates] == [False]


@pytest.mark.parametrize("limit", [0.0, 5.0])
def test_a_package_without_rings_has_no_gate_on_heaters(limit: float):
    found = gates_of(spec_with(heater_headroom_mW=limit), cast(Any, [state("full", (3.0,), engines={"N1": 50.0})]))
    assert found == ()

"""The walk through the engines of every architecture, on circuits made from what was asked for; no file is needed."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.flattening import Placement
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.verify.lvs.array import anchor
from cpo_pdk.verify.lvs.asked import AskedEngine, asked_engine
from cpo_pdk.verify.lvs.compare import Matched, compare
from cpo_pdk.verify.lvs.devices import Circuit, Device, Facet
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.port_orders import SYMMETRIES

PITCH = 127.0
SHIPPED = ("switch_51t2", "switch_51t2_cwdm4", "switch_25t6", "switch_28t8", "switch_102t4", "optical_io_ucie")


@cache
def asked_of(name: str, *, small: bool = False) -> AskedEngine:
    """The engine of a shipped spec; `small`: with two rows of each direction, one laser."""
    spec = load_spec(name)
    if small:
        fewer = {"tx_fibres": 2, "rx_fibres": 2, "laser_fibres": 1}
        spec = spec.model_copy(update={"engine": spec.engine.model_copy(update=fewer)})
    return asked_engine(spec, load_sheets())


def drawn(asked: AskedEngine) -> Circuit:
    """A circuit that is just what was asked for, its devices named by their keys."""
    devices = {
        key: Device(
            path=key,
            cell=device.sheet.cell,
            function=device.sheet.cell,
            factory=device.sheet.drawn_by,
            settings=dict(device.sheet.select),
            place=Placement(),
        )
        for key, device in asked.devices.items()
    }
    facets = tuple(Facet((f.coupler, "o2"), f.name, 0.0, k * PITCH, 0.0) for k, f in enumerate(asked.facets))
    partner = dict(asked.partner)
    return Circuit("engine", devices, partner, dict.fromkeys([*partner, *(f.ref for f in facets)], ()), facets)


def joined(circuit: Circuit, *links: tuple[PortRef, PortRef | None]) -> Circuit:
    """The circuit with some ports joined to others than before, or to nothing."""
    partner = dict(circuit.partner)
    for a, b in links:
        for ref in (a, b):
            if ref is not None and ref in partner:
                partner.pop(partner.pop(ref), None)
        if b is not None:
            partner[a], partner[b] = b, a
    return replace(circuit, partner=partner, via={**circuit.via, **dict.fromkeys(partner, ())})


def crossed(circuit: Circuit, a: PortRef, b: PortRef) -> Circuit:
    """The circuit with what two ports lead to exchanged."""
    return joined(circuit, (a, circuit.partner[b]), (b, circuit.partner[a]))


def without(circuit: Circuit, key: str) -> Circuit:
    """The circuit without a device."""
    return replace(
        circuit,
        devices={path: device for path, device in circuit.devices.items() if path != key},
        partner={a: b for a, b in circuit.partner.items() if key not in (a[0], b[0])},
        via={ref: cells for ref, cells in circuit.via.items() if ref[0] != key},
        facets=tuple(facet for facet in circuit.facets if facet.ref[0] != key),
    )


def outcome(asked: AskedEngine, circuit: Circuit) -> tuple[list[Fault], Matched]:
    anchors = anchor(asked, circuit, PITCH)
    matched = compare(asked, circuit, anchors)
    return [*anchors.faults, *matched.faults], matched


def told(asked: AskedEngine, circuit: Circuit) -> list[tuple[str, str, str]]:
    return [(fault.rule, fault.row, fault.message) for fault in outcome(asked, circuit)[0]]


@pytest.mark.parametrize("name", SHIPPED)
def test_what_was_asked_for_is_matched(name: str) -> None:
    asked = asked_of(name)
    found, matched = outcome(asked, drawn(asked))
    assert found == []
    assert {key: device.path for key, device in matched.device.items() if key != device.path} == {} or (
        len(matched.device) == len(asked.devices)
    )
    assert 2 * matched.nets == len(asked.partner)


@pytest.mark.parametrize("name", SHIPPED)
@settings(derandomize=True, deadline=None, max_examples=10)
@given(data=st.data())
def test_ports_that_are_worth_the_same_may_be_exchanged(name: str, data: st.DataObject) -> None:
    asked = asked_of(name, small=True)
    circuit = drawn(asked)
    turned = {
        key: dict(zip(orders[0], data.draw(st.sampled_from(orders)), strict=True))
        for key, device in asked.devices.items()
        if (orders := SYMMETRIES.get(device.sheet.cell))
    }
    partner = {
        (a, turned.get(a, {}).get(p, p)): (b, turned.get(b, {}).get(q, q)) for (a, p), (b, q) in circuit.partner.items()
    }
    circuit = replace(circuit, partner=partner, via=dict.fromkeys([*partner, *(f.ref for f in circuit.facets)], ()))
    assert outcome(asked, circuit)[0] == []


@pytest.mark.parametrize("name", ["switch_51t2_cwdm4", "switch_28t8"])
@settings(derandomize=True, deadline=None, max_examples=60)
@given(data=st.data())
def test_every_net_that_is_cut_is_found_and_only_that(name: str, data: st.DataObject) -> None:
    asked = asked_of(name, small=True)
    a = data.draw(st.sampled_from(sorted(asked.partner)))
    found = told(asked, joined(drawn(asked), (a, None)))
    assert len(found) == 1
    assert found[0][0] == "LVS.open"
    assert all(asked.devices[key].words in found[0][2] for key in (a[0], asked.partner[a][0]))


@pytest.mark.parametrize("name", ["switch_51t2_cwdm4", "switch_28t8"])
@settings(derandomize=True, deadline=None, max_examples=60)
@given(data=st.data())
def test_every_device_that_is_missing_is_found(name: str, data: st.DataObject) -> None:
    asked = asked_of(name, small=True)
    couplers = {facet.coupler for facet in asked.facets}
    key = data.draw(st.sampled_from(sorted(set(asked.devices) - couplers)))
    found = told(asked, without(drawn(asked), key))
    assert any(rule == "LVS.missing" and asked.devices[key].words in message for rule, _, message in found), found


@pytest.mark.parametrize("name", ["switch_51t2_cwdm4", "switch_28t8"])
@settings(derandomize=True, deadline=None, max_examples=300)
@given(data=st.data())
def test_two_nets_that_are_crossed_are_found_unless_it_makes_no_difference(name: str, data: st.DataObject) -> None:
    asked = asked_of(name, small=True)
    a, b = data.draw(st.lists(st.sampled_from(sorted(asked.partner)), min_size=2, max_size=2, unique=True))
    if asked.partner[a] == b:
        return
    assert told(asked, crossed(drawn(asked), a, b)) or _alike(asked, a, b), (a, b)


def _alike(asked: AskedEngine, a: PortRef, b: PortRef) -> bool:
    """Crossing two nets changes nothing where it only exchanges what is worth the same."""
    return any(_worth(asked, x) == _worth(asked, y) for x, y in ((a, b), (asked.partner[a], asked.partner[b])))


#: ports that all light of a row passes
_TRUNK = {
    *(("coupler", "o1"), ("tap", "o1"), ("tap", "o4"), ("psr", "o1"), ("modulator_1", "o1"), ("modulator_1", "o2")),
    *(("mux/stage_1/coupler_in", "o1"), ("demux/stage_1/coupler_in", "o1")),
}


def _worth(asked: AskedEngine, ref: PortRef) -> tuple[str, ...]:
    """What an end of a net is, as far as it matters: terminators are alike, and so are whole rows, polarisations."""
    device = asked.devices[ref[0]]
    name = ref[0].partition("/")[2]
    if (name, ref[1]) in _TRUNK:
        return (device.row[:2], name, ref[1])
    if device.role in ("terminator", "monitor"):
        return (device.role,)
    if device.role in ("splitter", "psr") and ref[1] != "o1":
        return (ref[0], "output")
    if device.role in ("detector", "phase_shifter"):
        return (ref[0],)
    # both ends of a detector are worth the same, and so are the two ways there
    return (ref[0].replace("upper", "side").replace("lower", "side"), ref[1])


def mzm() -> AskedEngine:
    return asked_of("switch_51t2_cwdm4", small=True)


def only(found: list[tuple[str, str, str]], rule: str, row: str, pattern: str) -> bool:
    """True when all that was found is one fault, of this rule, in this row, saying this."""
    return len(found) == 1 and found[0][:2] == (rule, row) and re.search(pattern, found[0][2]) is not None


def test_heater_in_the_other_arm_is_as_good() -> None:
    asked, own = mzm(), "tx_1/demux/stage_1"
    other = joined(
        drawn(asked),
        ((f"{own}/coupler_in", "o3"), (f"{own}/coupler_out", "o2")),
        ((f"{own}/coupler_in", "o4"), (f"{own}/heater", "o1")),
        ((f"{own}/heater", "o2"), (f"{own}/coupler_out", "o1")),
    )
    assert told(asked, other) == []


def test_crossed_arms_and_the_wrong_input_exchange_the_outputs() -> None:
    asked = mzm()
    for coupler in ("coupler_in", "coupler_out"):
        own = f"rx_2/demux_lower/stage_2/{coupler}"
        found = told(asked, crossed(drawn(asked), (own, "o1"), (own, "o2")))
        assert only(found, "LVS.swapped", "rx_2", "^channels 1 and 3 are swapped between the lower demultiplexer and")


def test_outputs_of_a_demultiplexer_swapped() -> None:
    asked, own = mzm(), "tx_2/demux/stage_1/coupler_out"
    assert only(
        told(asked, crossed(drawn(asked), (own, "o3"), (own, "o4"))),
        "LVS.swapped",
        "tx_2",
        r"^channels 1 and 2, channels 3 and 4 are swapped between the demultiplexer and the multiplexer",
    )
    own = "rx_1/demux_lower/stage_3/coupler_out"
    assert only(
        told(asked, crossed(drawn(asked), (own, "o3"), (own, "o4"))),
        "LVS.swapped",
        "rx_1",
        "^channels 2 and 4 are swapped between the lower demultiplexer and the upper demultiplexer",
    )


@pytest.mark.parametrize("port", ["o1", "o3"])
def test_modulator_in_the_wrong_arm(port: str) -> None:
    """Either its input or its output is joined to what is another channel's."""
    asked = mzm()
    circuit = crossed(drawn(asked), ("tx_1/mzm_2", port), ("tx_1/mzm_3", port))
    assert only(
        told(asked, circuit), "LVS.swapped", "tx_1", "^channels 2 and 3 are swapped between the demultiplexer and"
    )


def test_modulator_fed_by_the_demultiplexer_of_another_row() -> None:
    asked = mzm()
    found = told(asked, crossed(drawn(asked), ("tx_1/mzm_2", "o1"), ("tx_2/mzm_2", "o1")))
    assert {(rule, row) for rule, row, _ in found} == {("LVS.connection", "tx_1"), ("LVS.connection", "tx_2")}
    assert any("the modulator of channel 2 (1291.000 nm) of tx_2" in text for _, _, text in found)


def test_modulator_the_wrong_way_round_and_one_replaced() -> None:
    asked, key = mzm(), "tx_1/mzm_2"
    circuit = drawn(asked)
    turned = crossed(circuit, (key, "o1"), (key, "o3"))
    assert any(rule == "LVS.turned" for rule, _, _ in told(asked, turned))
    bypassed = joined(without(circuit, key), (asked.partner[key, "o1"], asked.partner[key, "o3"]))
    assert any(
        rule == "LVS.missing" and "the modulator of channel 2 (1291.000 nm) is missing" in text
        for rule, _, text in told(asked, bypassed)
    )


def test_laser_straight_to_a_single_row() -> None:
    spec = load_spec("switch_51t2_cwdm4")
    engine = spec.engine.model_copy(update={"tx_fibres": 2, "rx_fibres": 2, "laser_fibres": 2})
    asked = asked_engine(spec.model_copy(update={"engine": engine}), load_sheets())
    assert told(asked, drawn(asked)) == []
    one, two = (asked.partner[f"laser_{k}/coupler", "o1"] for k in (1, 2))
    found = told(asked, crossed(drawn(asked), one, two))
    assert only(found, "LVS.swapped", "", "laser_1 and laser_2 are swapped")

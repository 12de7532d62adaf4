"""The walk through both graphs, on circuits made from the one that was asked for; no file is needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.flattening import Placement
from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.spec import PackageSpec, load_sheets
from cpo_pdk.verify.lvs.array import anchor
from cpo_pdk.verify.lvs.asked import AskedEngine, asked_at, asked_engine, asked_package
from cpo_pdk.verify.lvs.compare import Matched, compare
from cpo_pdk.verify.lvs.devices import Circuit, Device, Facet, array_of
from cpo_pdk.verify.lvs.faults import Fault, row_words
from cpo_pdk.verify.lvs.port_orders import SYMMETRIES

PITCH = 127.0


@pytest.fixture(scope="module")
def asked(spec_with: Callable[[Mapping[str, str]], PackageSpec]) -> AskedEngine:
    return asked_engine(spec_with({}), load_sheets())


def drawn(asked: AskedEngine, rename: Callable[[str], str] = lambda key: f"i{hash(key) % 10**9}") -> Circuit:
    """A circuit that is just what was asked for, with other names."""
    names = {key: rename(key) for key in asked.devices}
    devices = {
        names[key]: Device(
            path=names[key],
            cell=device.sheet.cell,
            function=device.sheet.cell,
            factory=device.sheet.drawn_by,
            settings=dict(device.sheet.select),
            place=Placement(),
        )
        for key, device in asked.devices.items()
    }
    partner = {(names[a], p): (names[b], q) for (a, p), (b, q) in asked.partner.items()}
    facets = tuple(
        Facet((names[facet.coupler], "o2"), facet.name, 0.0, k * PITCH, 0.0) for k, facet in enumerate(asked.facets)
    )
    ends = [facet.ref for facet in facets]
    return Circuit("engine", devices, partner, dict.fromkeys([*partner, *ends], ()), facets)


def joined(circuit: Circuit, *links: tuple[PortRef, PortRef | None]) -> Circuit:
    """The circuit with some ports joined to others than before, or to nothing."""
    partner = dict(circuit.partner)
    for a, b in links:
        for ref in (a, b):
            if ref is not None and ref in partner:
                old = partner.pop(ref)
                partner.pop(old, None)
        if b is not None:
            partner[a], partner[b] = b, a
    return replace(circuit, partner=partner, via={**circuit.via, **dict.fromkeys(partner, ())})


def without(circuit: Circuit, *paths: str) -> Circuit:
    """The circuit without some devices."""
    devices = {path: device for path, device in circuit.devices.items() if path not in paths}
    partner = {a: b for a, b in circuit.partner.items() if a[0] not in paths and b[0] not in paths}
    via = {ref: cells for ref, cells in circuit.via.items() if ref[0] not in paths}
    facets = tuple(facet for facet in circuit.facets if facet.ref[0] not in paths)
    return replace(circuit, devices=devices, partner=partner, via=via, facets=facets)


def outcome(asked: AskedEngine, circuit: Circuit) -> tuple[list[Fault], Matched]:
    anchors = anchor(asked, circuit, PITCH)
    matched = compare(asked, circuit, anchors)
    return [*anchors.faults, *matched.faults], matched


def faults(asked: AskedEngine, circuit: Circuit) -> list[tuple[str, str, str]]:
    return [(fault.rule, fault.row, fault.message) for fault in outcome(asked, circuit)[0]]


def only(found: list[tuple[str, str, str]], rule: str, row: str, pattern: str) -> bool:
    """True when all that was found is one fault, of this rule, in this row, saying this."""
    return len(found) == 1 and found[0][:2] == (rule, row) and re.search(pattern, found[0][2]) is not None


def same(key: str) -> str:
    return key


def test_what_was_asked_for_is_matched_whatever_its_names(asked: AskedEngine) -> None:
    found, matched = outcome(asked, drawn(asked))
    assert found == []
    assert len(matched.device) == len(asked.devices)
    assert 2 * matched.nets == len(asked.partner)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.data())
def test_ports_that_are_worth_the_same_may_be_exchanged(data: st.DataObject) -> None:
    asked = _small_asked()
    circuit = drawn(asked, same)
    partner: dict[PortRef, PortRef] = {}
    turned = {
        key: dict(zip(orders[0], data.draw(st.sampled_from(orders)), strict=True))
        for key, device in asked.devices.items()
        if (orders := SYMMETRIES.get(device.sheet.cell))
    }
    for (a, p), (b, q) in circuit.partner.items():
        partner[a, turned.get(a, {}).get(p, p)] = (b, turned.get(b, {}).get(q, q))
    circuit = replace(circuit, partner=partner, via=dict.fromkeys([*partner, *(f.ref for f in circuit.facets)], ()))
    assert outcome(asked, circuit)[0] == []


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_every_net_that_is_cut_is_found_and_only_that(data: st.DataObject) -> None:
    asked = _small_asked()
    a = data.draw(st.sampled_from(sorted(asked.partner)))
    found = faults(asked, joined(drawn(asked, same), (a, None)))
    assert len(found) == 1
    assert found[0][0] == "LVS.open"
    assert all(asked.devices[key].words in found[0][2] for key in (a[0], asked.partner[a][0]))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_every_device_that_is_missing_is_found(data: st.DataObject) -> None:
    asked = _small_asked()
    couplers = {facet.coupler for facet in asked.facets}
    key = data.draw(st.sampled_from(sorted(set(asked.devices) - couplers)))
    found = faults(asked, without(drawn(asked, same), key))
    assert found
    assert any(rule == "LVS.missing" and asked.devices[key].words in message for rule, _, message in found)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.data())
def test_two_nets_that_are_crossed_are_found_unless_it_makes_no_difference(data: st.DataObject) -> None:
    asked = _small_asked()
    ends = sorted(asked.partner)
    a, b = data.draw(st.lists(st.sampled_from(ends), min_size=2, max_size=2, unique=True))
    if asked.partner[a] == b:
        return
    circuit = drawn(asked, same)
    crossed = joined(circuit, (a, asked.partner[b]), (b, asked.partner[a]))
    assert outcome(asked, crossed)[0] or _alike(asked, a, b), (a, b)


def _alike(asked: AskedEngine, a: PortRef, b: PortRef) -> bool:
    """Crossing two nets changes nothing where it only exchanges what is worth the same."""
    c, d = asked.partner[a], asked.partner[b]
    if a[0] == b[0] and asked.devices[a[0]].role == "drop_filter":
        # a ring whose other two guides end in terminators may change its two buses
        others = [(a[0], f"o{k}") for k in range(1, 5) if f"o{k}" not in (a[1], b[1])]
        if all(asked.devices[asked.partner[ref][0]].role == "terminator" for ref in others if ref in asked.partner):
            return True
    return any(_worth(asked, x) == _worth(asked, y) for x, y in ((a, b), (c, d)))


def _worth(asked: AskedEngine, ref: PortRef) -> tuple[str, ...]:
    """What an end of a net is, as far as it matters: one terminator is like another, and one bus like the other."""
    device = asked.devices[ref[0]]
    if device.role in ("terminator", "monitor"):
        return (device.role,)
    if device.role in ("splitter", "psr") and ref[1] != "o1":
        return (ref[0], "output")
    if device.role == "detector":
        return (ref[0],)
    return (ref[0].replace("upper", "side").replace("lower", "side"), ref[1])


def test_lasers_swapped(asked: AskedEngine) -> None:
    circuit = drawn(asked, same)
    one, two = asked.partner["laser_1/coupler", "o1"], asked.partner["laser_2/coupler", "o1"]
    circuit = joined(circuit, (("laser_1/coupler", "o1"), two), (("laser_2/coupler", "o1"), one))
    found = faults(asked, circuit)
    assert only(found, "LVS.swapped", "", "laser_1 and laser_2 are swapped")


def test_a_modulator_too_few_and_one_too_many(asked: AskedEngine) -> None:
    circuit = without(drawn(asked, same), "tx_2/modulator_3")
    short = joined(circuit, (("tx_2/modulator_2", "o2"), ("tx_2/modulator_4", "o1")))
    assert only(faults(asked, short), "LVS.missing", "tx_2", r"3 of 4 ring_modulators on the bus: 1 missing")
    assert outcome(asked, short)[1].recounted == {"tx_2"}

    circuit = drawn(asked, same)
    device = replace(circuit.devices["tx_2/modulator_1"], path="more")
    circuit = replace(circuit, devices={**circuit.devices, "more": device})
    long = joined(circuit, (("tx_2/modulator_2", "o2"), ("more", "o1")), (("more", "o2"), ("tx_2/modulator_3", "o1")))
    assert only(faults(asked, long), "LVS.extra", "tx_2", "ring_modulator too many")


def test_a_device_too_many_in_a_net_and_one_on_no_way(asked: AskedEngine) -> None:
    circuit = drawn(asked, same)
    stranger = replace(circuit.devices["tx_2/modulator_1"], path="x", cell="mzm", function="mzm", factory="other")
    idle = replace(circuit, devices={**circuit.devices, "x": stranger})
    assert only(faults(asked, idle), "LVS.extra", "", "a mzm is on no way that was asked for, 1 drawn, 0 asked")
    inside = joined(idle, (("rx_1/coupler", "o1"), ("x", "o1")), (("x", "o2"), ("rx_1/psr", "o1")))
    assert only(faults(asked, inside), "LVS.extra", "rx_1", "a mzm too many before the splitter-rotator")


def test_a_device_of_another_kind_in_the_place_of_one(asked: AskedEngine) -> None:
    circuit = drawn(asked, same)
    other = replace(circuit.devices["tx_1/modulator_2"], cell="mzm", function="mzm", factory="cpo_mzm")
    changed = replace(circuit, devices={**circuit.devices, "tx_1/modulator_2": other})
    assert only(faults(asked, changed), "LVS.device", "tx_1", r"mzm found, the modulator of channel 2 .*ring_modulator")


def test_a_modulator_the_wrong_way_round(asked: AskedEngine) -> None:
    circuit = drawn(asked, same)
    key = "tx_1/modulator_2"
    west, east = circuit.partner[key, "o1"], circuit.partner[key, "o2"]
    turned = joined(circuit, ((key, "o2"), west), ((key, "o1"), east))
    assert only(faults(asked, turned), "LVS.turned", "tx_1", "the modulator of channel 2 .* wrong way round")


def test_patterns_at_the_array_are_told_as_such(asked: AskedEngine) -> None:
    circuit = drawn(asked)
    last = len(asked.facets) - 1

    def placed(order: Mapping[int, int]) -> Circuit:
        facets = [replace(facet, y=order.get(k, k) * PITCH, port="") for k, facet in enumerate(circuit.facets)]
        return replace(circuit, facets=tuple(facets))

    assert only(faults(asked, placed({k: last - k for k in range(last + 1)})), "LVS.mirrored", "", "array is mirrored")
    tx, rx = (next(k for k, f in enumerate(asked.facets) if f.name == name) for name in ("tx_2", "rx_3"))
    assert only(faults(asked, placed({tx: rx, rx: tx})), "LVS.swapped", "", "tx_2 and rx_3 are swapped")
    gone = replace(circuit, facets=circuit.facets[:tx] + circuit.facets[tx + 1 :])
    assert faults(asked, gone)[0][2].startswith(f"{last} facets in the fibre array, {last + 1} asked: nothing is drawn")
    assert "tx_2" in faults(asked, gone)[0][2]
    named = [replace(facet, port=asked.facets[last - k].name) for k, facet in enumerate(circuit.facets)]
    assert only(faults(asked, replace(circuit, facets=tuple(named))), "LVS.facet_name", "", "named in reverse")


def test_nothing_drawn_at_all_is_never_right(asked: AskedEngine) -> None:
    found = faults(asked, Circuit("engine", {}, {}, {}, ()))
    assert found[0][0] == "LVS.array"
    assert sum(rule == "LVS.missing" for rule, _, _ in found) > 10


def test_array_is_read_from_south_to_north_whichever_way_the_die_is_turned() -> None:
    turned = [Facet(("x", "o2"), str(k), -10.0 * k, 5.0, 90.0) for k in range(4)]
    row, angle = array_of(turned[::-1])
    assert [facet.port for facet in row] == ["0", "1", "2", "3"]
    assert angle == 90.0


def test_words_of_rows() -> None:
    assert row_words(["tx_3", "tx_1", "tx_2", "rx_4"]) == "rx_4, tx_1 to tx_3"
    assert row_words(["tx_10", "tx_9"]) == "tx_9 to tx_10"


def test_asked_package(spec_with: Callable[[Mapping[str, str]], PackageSpec]) -> None:
    spec = spec_with({"connector: MPO-8": "connector: MPO-12", "connector: ELS ": "connector: ELSFP "})
    package = asked_package(spec, (4000.0, 2000.0))
    assert [place.name for place in package.places] == ["N1", "N2"]
    assert list(package.connectors) == ["MPO-N1", "MPO-N2", "ELSFP-1"]
    assert package.ends["N1", "rx_4"] == ("MPO-N1", 12)  # the receive fibres are the last of the connector
    assert package.ends["N1", "tx_4"] == ("MPO-N1", 4)
    assert package.ends["N1", "loop_1"] is None
    assert {name for name, facet in package.connectors["ELSFP-1"].fibres.values()} == {"N1", "N2"}
    assert re.fullmatch(r"small\.yaml:\d+", asked_at(spec, "engine.heater_bias_nm"))


def _small_asked() -> AskedEngine:
    if "asked" not in _KEPT:
        from cpo_pdk.spec import load_spec

        spec = load_spec("switch_51t2")
        engine = spec.engine.model_copy(update={"tx_fibres": 4, "rx_fibres": 2, "laser_fibres": 1})
        _KEPT["asked"] = asked_engine(spec.model_copy(update={"engine": engine}), load_sheets())
    return _KEPT["asked"]


_KEPT: dict[str, AskedEngine] = {}

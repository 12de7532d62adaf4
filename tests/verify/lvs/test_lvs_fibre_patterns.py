"""Wrong ends of fibres told as one mistake, on the port plans of the shipped packages; no file is needed."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.spec import load_spec
from cpo_pdk.spec.port_plan import FibreKey, facet_ports
from cpo_pdk.verify.lvs.asked import AskedPackage, End, asked_package
from cpo_pdk.verify.lvs.fibre_patterns import FibreEnds, Pattern

SHIPPED = ("switch_25t6", "switch_28t8", "switch_102t4")


@cache
def package_of(name: str) -> tuple[AskedPackage, dict[str, str]]:
    spec = load_spec(name)
    return asked_package(spec, (3000.0, 3000.0)), dict(facet_ports(spec))


def told(name: str, drawn: dict[FibreKey, End | None]) -> tuple[list[Pattern], dict[FibreKey, End | None]]:
    """What is told of a package, and the ends that fit no pattern."""
    package, use = package_of(name)
    wrong = {key: end for key, end in package.ends.items() if drawn[key] != end}
    return list(FibreEnds(package.connectors, package.ends, drawn, use).told(wrong)), wrong


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_is_told_of_what_was_asked_for(name: str) -> None:
    package, _ = package_of(name)
    assert told(name, dict(package.ends)) == ([], {})


@pytest.mark.parametrize("name", SHIPPED)
@settings(derandomize=True, deadline=None, max_examples=40)
@given(data=st.data())
def test_two_fibres_exchanged_are_told_as_that(name: str, data: st.DataObject) -> None:
    package, _ = package_of(name)
    a, b = data.draw(st.lists(st.sampled_from(sorted(package.ends)), min_size=2, max_size=2, unique=True))
    drawn = {**package.ends, a: package.ends[b], b: package.ends[a]}
    patterns, rest = told(name, drawn)
    if package.ends[a] is None or package.ends[b] is None:  # an alignment fibre ends open: another mistake
        return
    assert rest == {}
    assert [pattern.kind for pattern in patterns] == ["swapped"]
    assert all(part in patterns[0].text for part in (a[0], a[1], b[0], b[1]))


@pytest.mark.parametrize("name", SHIPPED)
@settings(derandomize=True, deadline=None, max_examples=25)
@given(data=st.data())
def test_a_connector_turned_over_or_shifted_is_told_as_that(name: str, data: st.DataObject) -> None:
    package, _ = package_of(name)
    connector = package.connectors[data.draw(st.sampled_from(sorted(package.connectors)))]
    places = {key: position for position, key in connector.fibres.items()}
    turned = {key: (connector.name, connector.positions + 1 - at) for key, at in places.items()}
    patterns, rest = told(name, {**package.ends, **turned})
    assert rest == {}
    assert [pattern.kind for pattern in patterns] == ["mirrored"]
    step = data.draw(st.sampled_from((-2, -1, 1, 2)))
    shifted = {
        key: (connector.name, at + step) if 1 <= at + step <= connector.positions else None
        for key, at in places.items()
    }
    patterns, rest = told(name, {**package.ends, **shifted})
    if sum(end is not None for end in shifted.values()) * 2 > len(shifted):
        assert rest == {}
        assert [pattern.kind for pattern in patterns] == ["shifted"]


@pytest.mark.parametrize("name", SHIPPED)
@settings(derandomize=True, deadline=None, max_examples=25)
@given(data=st.data())
def test_two_connectors_of_a_kind_exchanged_are_told_as_that(name: str, data: st.DataObject) -> None:
    package, _ = package_of(name)
    first = package.connectors[data.draw(st.sampled_from(sorted(package.connectors)))]
    alike = [c for c in package.connectors.values() if c.kind == first.kind and c is not first]
    if not alike:  # a single laser module
        return
    second = data.draw(st.sampled_from(sorted(alike, key=lambda c: c.name)))
    moved = {key: (second.name, at) for at, key in first.fibres.items()}
    moved |= {key: (first.name, at) for at, key in second.fibres.items()}
    patterns, rest = told(name, {**package.ends, **moved})
    assert rest == {}
    assert len(patterns) == 1
    assert "are swapped: all" in patterns[0].text


def test_lasers_of_two_engines_exchanged_across_their_modules() -> None:
    package, _ = package_of("switch_102t4")
    one, two = "N1", "E5"
    lasers = [facet for engine, facet in package.ends if engine == one and facet.startswith("laser")]
    drawn = dict(package.ends)
    for facet in lasers:
        drawn[one, facet], drawn[two, facet] = drawn[two, facet], drawn[one, facet]
    patterns, rest = told("switch_102t4", drawn)
    assert rest == {}
    assert len(patterns) == 1
    assert patterns[0].text.startswith("the 4 laser fibres of engines N1 and E5 are swapped: N1.laser_1 ends at ELS-")


@settings(derandomize=True, deadline=None, max_examples=40)
@given(data=st.data())
def test_no_wrong_end_is_passed_over(data: st.DataObject) -> None:
    """Any permutation of some ends: each wrong fibre is in a pattern or left over, none of the right ones is."""
    package, _ = package_of("switch_28t8")
    ended = sorted(key for key, end in package.ends.items() if end is not None)
    chosen = data.draw(st.lists(st.sampled_from(ended), min_size=3, max_size=12, unique=True))
    order = data.draw(st.permutations(chosen))
    drawn = dict(package.ends) | {a: package.ends[b] for a, b in zip(chosen, order, strict=True)}
    wrong = {key for key in package.ends if drawn[key] != package.ends[key]}
    patterns, rest = told("switch_28t8", drawn)
    assert bool(wrong) == bool(patterns or rest)
    assert set(rest) <= wrong
    assert 2 * len(patterns) + len(rest) <= len(wrong) + len(patterns)

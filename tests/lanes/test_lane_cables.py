"""Cables: which polarity joins transmit and receive fibres of two packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import InputError
from cpo_pdk.lanes.cables import POLARITIES, TWO_ROWS, far_position, fitting, join
from cpo_pdk.lanes.rows import ConnectorRow, LaneMap


def package(ports: Mapping[int, str], size: int = 12, *, kind: str = "MPO-12", wl_um: float = 1.31) -> LaneMap:
    """A package with one connector."""
    held = {position: ("engine_N1", port) for position, port in ports.items()}
    connector = ConnectorRow("MPO-N1", kind, 1, 0.0, 0.0, held, size)
    return LaneMap("p", (), (), (connector,), ("engine_N1",), (), {"engine": (wl_um,)}, {"tx": 0, "rx": 0})


def halves(n: int, size: int) -> dict[int, str]:
    """Transmit fibres on the first positions, receive fibres on the last."""
    return {k: f"tx_{k}" for k in range(1, n + 1)} | {size - n + k: f"rx_{k}" for k in range(1, n + 1)}


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(1, 16), st.sampled_from(list(POLARITIES)))
def test_a_cable_turned_round_is_the_same_cable(half: int, polarity: str) -> None:
    size = 2 * half
    if polarity == "C" and size in TWO_ROWS:
        return
    there = [far_position(polarity, p, size) for p in range(1, size + 1)]
    assert sorted(there) == list(range(1, size + 1))
    assert [far_position(polarity, p, size) for p in there] == list(range(1, size + 1))


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(1, 16), st.integers(0, 8))
def test_halves_of_a_plug_meet_over_a_crossed_cable_in_reversed_order(n: int, empty: int) -> None:
    if 2 * n + empty in TWO_ROWS:
        return
    near = package(halves(n, 2 * n + empty), 2 * n + empty)
    (fit,) = join(near, near, "B")
    assert fit.fits and len(fit.joined) == 2 * n
    assert set(fit.joined) == {(f"tx_{k}", f"rx_{n + 1 - k}") for k in range(1, n + 1)} | {
        (f"rx_{k}", f"tx_{n + 1 - k}") for k in range(1, n + 1)
    }
    assert fit.order == ("kept" if n == 1 else "reversed")
    # with one fibre each way in a plug of two, flipped pairs do the same
    assert fitting(near, near) == (("B", "C") if (n, empty) == (1, 0) else ("B",))


def test_a_straight_cable_sends_transmitters_to_transmitters() -> None:
    near = package(halves(4, 12))
    (fit,) = join(near, near, "A")
    assert not fit.fits and fit.joined == ()
    assert fit.faults[0] == "tx_1 at position 1 of MPO-N1 meets tx_1 at position 1 of MPO-N1"
    assert len(fit.faults) == 8


def test_pairs_side_by_side_take_the_cable_with_flipped_pairs() -> None:
    ports = {2 * k + 1: f"tx_{k + 1}" for k in range(6)} | {2 * k + 2: f"rx_{k + 1}" for k in range(6)}
    near = package(ports)
    assert fitting(near, near) == ("B", "C")
    (fit,) = join(near, near, "C")
    assert fit.order == "kept"


def test_a_mirrored_far_side_takes_a_straight_cable() -> None:
    near = package(halves(4, 12))
    far = package({k: f"rx_{k}" for k in range(1, 5)} | {8 + k: f"tx_{k}" for k in range(1, 5)})
    # flipped pairs join them as well, but put the lanes out of order
    assert fitting(near, far) == ("A", "C")
    assert [join(near, far, polarity)[0].order for polarity in "AC"] == ["kept", "mixed"]


def test_an_unused_fibre_of_either_side_is_told() -> None:
    near, far = package(halves(4, 12)), package(halves(3, 12))
    (fit,) = join(near, far, "B")
    assert not fit.fits
    assert "tx_4 at position 4 of MPO-N1 meets no fibre at position 9 of MPO-N1" in fit.faults
    (back,) = join(far, near, "B")
    assert "rx_1 at position 9 of MPO-N1 meets no fibre at position 4 of MPO-N1" in back.faults


@pytest.mark.parametrize(("size", "row"), [(24, 12), (32, 16)])
def test_a_row_each_way_takes_a_straight_cable_which_exchanges_the_rows(size: int, row: int) -> None:
    near = package(halves(row, size), size)
    assert fitting(near, near) == ("A",)
    (fit,) = join(near, near, "A")
    assert fit.order == "kept" and len(fit.joined) == size
    assert far_position("A", 1, size) == row + 1 and far_position("A", size, size) == row
    assert far_position("B", 1, size) == row and far_position("B", row + 1, size) == size
    # halves of each row, as two plugs of one row side by side, take a crossed one
    half = row // 2
    ports = {r * row + k: f"tx_{r * half + k}" for r in (0, 1) for k in range(1, half + 1)}
    ports |= {r * row + half + k: f"rx_{r * half + k}" for r in (0, 1) for k in range(1, half + 1)}
    assert fitting(package(ports, size), package(ports, size)) == ("B",)
    with pytest.raises(InputError, match="for plugs of one row"):
        far_position("C", 1, size)


def test_other_wavelengths_or_plugs_never_fit() -> None:
    near = package(halves(4, 12))
    (fit,) = join(near, package(halves(4, 12), wl_um=1.3112), "B")
    assert not fit.fits and "wavelengths differ" in fit.faults[0] and "1311.20 nm" in fit.faults[0]
    (fit,) = join(near, package(halves(4, 16), 16, kind="MPO-16"), "B")
    assert fit.faults == ("MPO-N1 is an MPO-12, MPO-N1 an MPO-16; use connectors of one kind",)
    (fit,) = join(near, package(halves(4, 16), 16), "B")
    assert "12 positions, MPO-N1 has 16" in fit.faults[0]
    assert fitting(near, package(halves(4, 16), 16)) == ()


def test_no_such_cable_and_no_connector_are_refused() -> None:
    near = package(halves(4, 12))
    with pytest.raises(InputError, match="polarity 'D': one of A, B, C"):
        join(near, near, "D")
    with pytest.raises(InputError, match="flips pairs, 5 positions"):
        far_position("C", 1, 5)
    with pytest.raises(InputError, match="no data connector"):
        join(near, replace(near, connectors=()), "B")


def test_the_drawn_packages_take_a_crossed_cable(maps: Mapping[str, LaneMap]) -> None:
    for found in maps.values():
        assert fitting(found, found) == ("B",)
        (fit,) = join(found, found, "B")
        assert (fit.near_count, fit.far_count) == (2, 2)  # both engines have the same arrangement
    assert fitting(maps["single"], maps["pair"]) == ()

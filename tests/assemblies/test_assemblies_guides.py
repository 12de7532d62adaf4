"""Bundles of guides that change places: joined up, apart from each other, refused where they would cross."""

from __future__ import annotations

import klayout.db as kdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.assemblies import kit_of, make
from cpo_pdk.assemblies.guides import TRACK, nested, nested_length
from cpo_pdk.errors import AssemblyError
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import layer_of

KIT = kit_of(load_spec("switch_25t6"), load_sheets())
CORE = 0.4

#: steps between neighbouring heights, um
_STEPS = st.lists(st.integers(4, 120), min_size=1, max_size=7)


def heights(first: float, steps: list[int]) -> list[float]:
    found = [round(first, 3)]
    for step in steps[1:]:
        found.append(found[-1] + step)
    return found


def bundle(left: list[float], right: list[float], room: float | None = None) -> tuple[gf.Component, list[gf.Port]]:
    """Straights of 5 um on both sides, with the guides between them."""
    c = gf.Component()
    length = nested_length(KIT, left, right) if room is None else room
    stub = make(KIT, "waveguide", length=5.0, cross_section="strip")
    ends: dict[str, list[gf.Port]] = {"left": [], "right": []}
    for side, ys, x, port in (("left", left, -5.0, "o2"), ("right", right, length, "o1")):
        for k, y in enumerate(ys):
            ref = c << stub
            ref.name = f"{side}_{k}"
            ref.move((round(x, 3), y))
            ends[side].append(ref.ports[port])
    names = [f"g{k}" for k in range(len(left))]
    return c, nested(c, KIT, names, list(ends["left"]), list(ends["right"]), 0.0)


def cores(c: gf.Component) -> kdb.Region:
    return kdb.Region(c.begin_shapes_rec(c.kcl.layout.layer(*layer_of("WG")))).merged()


@settings(derandomize=True, deadline=None, max_examples=40)
@given(steps=st.tuples(_STEPS, _STEPS), shift=st.integers(-200, 200))
def test_guides_never_meet_and_always_arrive(steps: tuple[list[int], list[int]], shift: int) -> None:
    count = min(map(len, steps))
    left, right = heights(0.0, steps[0][:count]), heights(float(shift), steps[1][:count])
    c, ends = bundle(left, right)
    region = cores(c)
    assert region.count() == count, "each guide is one piece from its left to its right straight"
    for piece in region.each():
        assert piece.bbox().left == -5000 and piece.bbox().right == round(nested_length(KIT, left, right) * 1e3) + 5000
    assert [port.center[1] for port in ends] == pytest.approx(right)
    assert region.space_check(round((TRACK - CORE) * 0.25 * 1e3)).count() == 0


def test_columns_in_different_orders_are_refused() -> None:
    with pytest.raises(AssemblyError, match="different orders would cross"):
        bundle([0.0, 10.0], [10.0, 0.0])


def test_too_little_room_is_refused_with_what_lacks() -> None:
    need = nested_length(KIT, [0.0, 10.0], [100.0, 110.0])
    with pytest.raises(AssemblyError, match=r"bends end at .* 3\.000 um beyond the port"):
        bundle([0.0, 10.0], [100.0, 110.0], room=round(need - 3.0, 3))


def test_a_height_instead_of_a_port_hands_the_open_end_back() -> None:
    c = gf.Component()
    ref = c << make(KIT, "waveguide", length=5.0, cross_section="strip")
    ref.name = "start"
    (end,) = nested(c, KIT, ["up"], [ref.ports["o2"]], [80.0], 10.0)
    assert end.center[1] == 80.0 and end.orientation == 0
    (west,) = nested(c, KIT, ["in"], [-80.0], [ref.ports["o1"]], -60.0)
    assert west.center[1] == -80.0 and west.orientation == 180
    assert cores(c).count() == 1

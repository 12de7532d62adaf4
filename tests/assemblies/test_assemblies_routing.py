"""Routing by hand: lengths as drawn, and collisions that are errors."""

from __future__ import annotations

from pathlib import Path

import pytest

import cpo_pdk
from cpo_pdk import components as cells
from cpo_pdk.assemblies import route_optical, write_gds
from cpo_pdk.errors import AssemblyError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.verify import check


@pytest.fixture(autouse=True)
def _active() -> None:
    cpo_pdk.PDK.activate()


def two_straights(name: str, dx: float = 200.0, dy: float = 100.0) -> tuple[gf.Component, gf.Port, gf.Port]:
    c = gf.Component(name)
    a, b = c << cells.straight(), c << cells.straight()
    b.move((dx, dy))
    return c, a.ports["o2"], b.ports["o1"]


def test_a_route_has_the_length_that_is_drawn(tmp_path: Path) -> None:
    c, start, stop = two_straights("route_length")
    (length,) = route_optical(c, [start], [stop])
    bend = cells.bend_euler()
    size = bend.ports["o2"].center[0]
    assert length == pytest.approx(190 - 2 * size + 100 - 2 * size + 2 * bend.info["length"], abs=2e-3)
    c.add_port("o1", port=c.insts[0].ports["o1"])
    c.add_port("o2", port=c.insts[1].ports["o2"])
    assert check(write_gds(c, tmp_path / "route.gds")).violations == ()


def test_a_route_through_another_waveguide_is_an_error() -> None:
    c, start, stop = two_straights("route_through")
    wall = c << cells.straight(length=300)
    wall.move((-50, 50))
    with pytest.raises(AssemblyError, match="crosses a waveguide"):
        route_optical(c, [start], [stop])


def test_routes_that_must_cross_each_other_are_an_error() -> None:
    c = gf.Component("route_swap")
    left = [c << cells.straight() for _ in range(2)]
    right = [c << cells.straight() for _ in range(2)]
    for k in range(2):
        left[k].move((0, 50 * k))
        right[k].move((300, 50 * k))
    with pytest.raises(AssemblyError, match="route"):
        route_optical(c, [r.ports["o2"] for r in left], [right[1].ports["o1"], right[0].ports["o1"]])


def test_uneven_lists_are_refused() -> None:
    c, start, stop = two_straights("route_uneven")
    with pytest.raises(AssemblyError, match="one end a start"):
        route_optical(c, [start], [stop, stop])


def test_plain_gdsfactory_routing_takes_our_cells(tmp_path: Path) -> None:
    """`PDK.activate()` and then any gdsfactory script: the router finds straight and bend by name."""
    c, start, stop = two_straights("route_plain")
    gf.routing.route_bundle(c, [start], [stop], cross_section="strip", raise_on_error=True)
    c.add_port("o1", port=c.insts[0].ports["o1"])
    c.add_port("o2", port=c.insts[1].ports["o2"])
    assert check(write_gds(c, tmp_path / "plain.gds")).violations == ()

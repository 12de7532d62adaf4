"""Guides that go on from a heated one, and bumps on the pads of a modulator, are meant; what strays there is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpo_pdk.assemblies import write_gds
from cpo_pdk.components import bend_euler, bump, mach_zehnder_modulator, phase_shifter_thermal, straight
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.verify import check


def rules(c: gf.Component, folder: Path, rule: str) -> int:
    found = check(write_gds(c, folder / "x.gds"), only=("photonic",)).violations
    return sum(v.rule == rule for v in found)


def heated(*extra: tuple[gf.Component, float, float]) -> gf.Component:
    """A phase shifter with a bend at either end, on the side of its pads, and other cells."""
    c = gf.Component()
    shifter = c << phase_shifter_thermal()
    for port, mirror in (("o1", True), ("o2", False)):
        bend = c << bend_euler()
        bend.connect("o1", shifter.ports[port], mirror=mirror)
    for cell, x, y in extra:
        (c << cell).move((x, y))
    return c


def test_guides_that_go_on_at_the_ports_of_a_heated_one_are_its_own(tmp_path: Path) -> None:
    assert rules(heated(), tmp_path, "PH.HEATER") == 0


@pytest.mark.parametrize(("y", "found"), [(-1.8, 1), (-3.0, 0)])
def test_another_guide_beside_the_heater_is_not(y: float, found: int, tmp_path: Path) -> None:
    assert rules(heated((straight(length=50.0), 60.0, y)), tmp_path, "PH.HEATER") == found


def test_a_guide_across_the_heated_one_is_not(tmp_path: Path) -> None:
    across = gf.Component()
    ref = across << straight(length=40.0)
    ref.rotate(90)
    assert rules(heated((across, 100.0, -20.0)), tmp_path, "PH.HEATER") == 1


@pytest.mark.parametrize(
    ("x", "y", "found"),
    [
        (-185.0, 0.0, 0),  # on the pad that the input guides run below
        (-112.0, 0.0, 1),  # beside that pad, over the S-bends
        (900.0, 21.0, 1),  # over an arm
    ],
)
def test_a_bump_over_a_modulator_belongs_on_its_pads(x: float, y: float, found: int, tmp_path: Path) -> None:
    c = gf.Component()
    c << mach_zehnder_modulator(length=1830.0)
    (c << bump()).move((x, y))
    assert (rules(c, tmp_path, "PH.BUMP") > 0) == found

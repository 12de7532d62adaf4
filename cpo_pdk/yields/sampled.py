"""What was sampled: raw physics of many packages, before anything is said about yield."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.errors import InputError

Real = NDArray[np.floating]
Whole = NDArray[np.integer]
Truth = NDArray[np.bool_]

ADDITIVE = ("attach", "fibre", "connector", "laser_power", "responsivity", "guide_loss")
"""Causes that may take dB from a margin without a circuit being solved again; which do is said by `losses_dB`."""

AFTER_DIE = ("attach", "fibre", "connector", "laser_power", "laser_grid")
"""Causes that a die on the wafer has not met yet."""

AFTER_ENGINE = ("connector", "laser_power", "laser_grid")
"""Causes that an engine with its fibres has not met yet: its test has its own lasers and no connector."""


@dataclass(frozen=True)
class Lanes:
    """The lanes of one engine, the same for all engines of a package; transmit first, then receive.

    Attributes:
        transmit: whether light leaves there, shape (L,).
        fibre: number of its data fibre within the engine, transmit and receive counted together, shape (L,).
        channel: wavelength, shape (L,).
        rings: rings that must be held for it, shape (L, K), padded with -1; shape (L, 0) without rings.
    """

    transmit: Truth
    fibre: Whole
    channel: Whole
    rings: Whole

    @property
    def count(self) -> int:
        """L."""
        return len(self.transmit)


@dataclass(frozen=True)
class Again:
    """The same packages computed again with some causes held at their nominal value.

    Attributes:
        rows: which samples (indices into the first axis of `Sampled`), shape (T,).
        margin_dB: shape (T, E, L).
        held: shape (T, E, R).
    """

    rows: Whole
    margin_dB: Real
    held: Truth


@dataclass(frozen=True)
class Sampled:
    """S packages of E engines, each engine with L lanes and R rings.

    Attributes:
        seed: of the streams; the tests and repairs that are drawn on top of the physics use it too.
        lanes: what the L lanes are.
        margin_dB: of each lane, all causes acting; not a number or -inf: dead. Shape (S, E, L).
        held: ring is on its channel and its heater reaches it, shape (S, E, R).
        losses_dB: cause -> dB that it takes from the margin, beyond nominal, positive is worse; shape (S, E, L) or one
            that broadcasts to it. Only causes whose effect is additive; others need `fixed`.
        nominal_dB: margin of each lane with every cause at its nominal value, shape (E, L) or (L,).
        laser_line: which laser line feeds a lane, numbered over the package, -1 for receive lanes. Shape (E, L).
        line_module: module of each laser line, shape (lines,).
        line_group: laser fibre of each line (lines that travel together), shape (lines,); empty: as `line_module`.
        needed: engines that must work; the rest of the E are spares. 0 stands for E.
        engines: names, length E.
        mounted: engine's bumps meet those of the substrate (placement), shape (S, E); None: not looked at.
        fixed: cause -> the packages with that cause alone held nominal. Not needed for causes in `losses_dB`.
        alone: cause -> the packages with all other causes held nominal.
    """

    seed: int
    lanes: Lanes
    margin_dB: Real
    held: Truth
    losses_dB: Mapping[str, Real] = field(default_factory=dict)
    nominal_dB: Real | None = None
    laser_line: Whole | None = None
    line_module: Whole | None = None
    line_group: Whole | None = None
    needed: int = 0
    engines: tuple[str, ...] = ()
    mounted: Truth | None = None
    fixed: Mapping[str, Again] = field(default_factory=dict)
    alone: Mapping[str, Again] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.margin_dB.ndim != 3 or 0 in self.margin_dB.shape:
            raise InputError(
                f"margins have the shape {self.margin_dB.shape}; packages x engines x lanes needed, none of them 0"
            )
        samples, engines, lanes = self.margin_dB.shape
        if self.held.shape[:2] != (samples, engines):
            raise InputError(f"{self.held.shape[:2]} packages x engines of rings, {(samples, engines)} of margins")
        if self.lanes.count != lanes:
            raise InputError(f"{self.lanes.count} lanes are described, {lanes} have margins; they must be the same")
        if self.lanes.rings.size and int(self.lanes.rings.max()) >= self.held.shape[2]:
            raise InputError(f"a lane needs ring {int(self.lanes.rings.max())} of {self.held.shape[2]} rings")
        if not 0 <= self.needed <= engines:
            raise InputError(f"{self.needed} engines must work, {engines} were sampled; sample more or need less")

    @property
    def samples(self) -> int:
        """S."""
        return self.margin_dB.shape[0]

    @property
    def must_work(self) -> int:
        """Engines that must work."""
        return self.needed or self.margin_dB.shape[1]


def rings_hold(held: Truth, lanes: Lanes) -> Truth:
    """Whether all rings of each lane are held.

    Args:
        held: shape (..., R).
        lanes: of the engine.

    Returns:
        Shape (..., L).
    """
    good = np.ones((*held.shape[:-1], lanes.count), bool)
    for column in range(lanes.rings.shape[1]):
        ring = lanes.rings[:, column]
        there = np.flatnonzero(ring >= 0)
        good[..., there] &= held[..., ring[there]]
    return good


def lanes_work(margin_dB: Real, held: Truth, lanes: Lanes, least_dB: float) -> Truth:
    """Whether each lane works: its margin is there and its rings are held; not a number is dead. Shape (S, E, L)."""
    return (margin_dB >= least_dB) & rings_hold(held, lanes)


def without(sampled: Sampled, causes: tuple[str, ...]) -> Real:
    """Margins as if causes were absent, as far as they are additive; shape (S, E, L)."""
    margin = sampled.margin_dB
    for cause in causes:
        if cause in sampled.losses_dB:
            margin = margin + sampled.losses_dB[cause]
    return margin

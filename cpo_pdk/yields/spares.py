"""What a spare wavelength, laser module, engine or exchange buys: the same samples composed again with more of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.yields.compose import TALLIES, Composed, compose, stages_of
from cpo_pdk.yields.intervals import of_packages
from cpo_pdk.yields.plan import Plan
from cpo_pdk.yields.results import SparesPoint
from cpo_pdk.yields.sampled import Sampled

MOST = {"wavelengths": 3, "lasers": 3, "engines": 3, "repairs": 3}
"""Spares that the curves go to, by kind."""

Price = Callable[[Composed, int, int], float | None]
"""Composed package, engines more, laser modules more -> USD per Tb/s."""


def spares_curves(
    sampled: Sampled, plan: Plan, least_dB: float, price: Price | None = None, most: dict[str, int] | None = None
) -> tuple[SparesPoint, ...]:
    """Share of packages that leave good, over the number of spares of each kind; all other spares as planned.

    Engines beyond those that were sampled are taken from the next sample (dies of another lot).

    Args:
        sampled: the packages.
        plan: as planned.
        least_dB: margin from which on a lane works.
        price: of a composed package, None: not said.
        most: spares that a curve goes to, by kind; `MOST`.
    """
    most = MOST if most is None else most
    found, own = [], stages_of(sampled, least_dB)

    def point(kind: str, count: int, packages: Sampled, other: Plan, engines: int = 0, modules: int = 0) -> None:
        composed = compose(packages, other, least_dB, own if packages is sampled else None)
        good = composed.tallies[:, TALLIES.index("good")] > 0
        cost = None if price is None else price(composed, engines, modules)
        found.append(SparesPoint(kind, count, of_packages(good), cost))

    for count in range(most.get("wavelengths", 0) + 1):
        point("wavelengths", count, sampled, replace(plan, spare_wavelengths=count))
    if sampled.line_module is not None and "laser_power" in sampled.losses_dB:
        for count in range(most.get("lasers", 0) + 1):
            point("lasers", count, sampled, replace(plan, spare_lasers=count), modules=count - plan.spare_lasers)
    there = sampled.margin_dB.shape[1] - sampled.must_work
    for count in range(most.get("engines", 0) + 1):
        point("engines", count, with_engines(sampled, sampled.must_work + count), plan, engines=count - there)
    for count in range(most.get("repairs", 0) + 1):
        point("repairs", count, sampled, replace(plan, repairs=count))
    return tuple(found)


def with_engines(sampled: Sampled, engines: int) -> Sampled:
    """The same packages with fewer or more engines; more come from the next sample, at the places of the first ones.

    Args:
        sampled: E engines.
        engines: wanted; those that must work stay as many.
    """
    there = sampled.margin_dB.shape[1]
    if engines == there:
        return sampled

    def of(values: NDArray[Any]) -> NDArray[Any]:
        parts = [values]
        for turn in range(1, -(-engines // there)):
            parts.append(np.roll(values, -turn, axis=0))
        return np.concatenate(parts, axis=1)[:, :engines]

    place = np.arange(engines) % there
    losses = {cause: of(np.broadcast_to(loss, sampled.margin_dB.shape)) for cause, loss in sampled.losses_dB.items()}
    return replace(
        sampled,
        margin_dB=of(sampled.margin_dB),
        held=of(sampled.held),
        losses_dB=losses,
        nominal_dB=None,
        laser_line=None if sampled.laser_line is None else sampled.laser_line[place],
        needed=sampled.must_work,
        engines=(),
        mounted=None if sampled.mounted is None else of(sampled.mounted),
        fixed={},
        alone={},
    )

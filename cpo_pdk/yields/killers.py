"""What kills packages: each cause in turn held at its nominal value, on the same samples ("fix this and...")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cpo_pdk.errors import InputError
from cpo_pdk.variation.causes import CAUSES
from cpo_pdk.yields.compose import package_works
from cpo_pdk.yields.intervals import clustered, of_packages, wilson
from cpo_pdk.yields.results import Interval, Killer
from cpo_pdk.yields.sampled import Again, Real, Sampled, Truth, Whole, lanes_work


@dataclass(frozen=True)
class Indices:
    """Variance-based indices of one cause, see `sensitivity`."""

    first: Interval
    total: Interval


@dataclass(frozen=True)
class _Rest:
    """What is left of some packages: lanes (T, E, L), whole packages (T,)."""

    lanes: Truth
    packages: Truth

    def engine(self) -> Interval:
        engines = np.all(self.lanes, axis=-1)
        return clustered(np.mean(engines, axis=1), engines.shape[1])

    def lane(self) -> Interval:
        return clustered(np.mean(self.lanes, axis=(1, 2)), self.lanes.shape[1] * self.lanes.shape[2])


def killers(sampled: Sampled, least_dB: float, sobol: Mapping[str, Indices] | None = None) -> tuple[Killer, ...]:
    """All causes that the samples tell something of, the worst first.

    The worst is the one whose absence gives the best yield of packages; where that is the same for two (none works
    either way, say), that of engines decides, then that of lanes.

    Args:
        sampled: the packages, with additive causes in `losses_dB`, others in `fixed` (and `alone`).
        least_dB: margin from which on a lane works.
        sobol: indices by cause.

    Raises:
        InputError: a cause that is none of `CAUSES`, or samples computed again that don't fit.
    """
    named = {*sampled.losses_dB, *sampled.fixed, *sampled.alone}
    if named - CAUSES.keys():
        raise InputError(f"unknown cause {min(named - CAUSES.keys())}; there are: {', '.join(CAUSES)}")
    whole = _rest(sampled, np.arange(sampled.samples), sampled.margin_dB, sampled.held, least_dB)
    found = []
    for cause in CAUSES:
        if cause in sampled.fixed:
            again = sampled.fixed[cause]
            fixed = _again(sampled, cause, again, least_dB)
            rows, base = again.rows, _Rest(whole.lanes[again.rows], whole.packages[again.rows])
        elif cause in sampled.losses_dB:
            margin = sampled.margin_dB + sampled.losses_dB[cause]
            rows = np.arange(sampled.samples)
            fixed, base = _rest(sampled, rows, margin, sampled.held, least_dB), whole
        else:
            continue
        rescued = _share(fixed.packages, ~base.packages)
        alone = _alone(sampled, cause, least_dB)
        dead = None
        if alone is not None:
            some, killed = alone
            dead = _share(killed, ~whole.packages[some])
        found.append(
            Killer(
                name=cause,
                words=CAUSES[cause],
                first_share=rescued if dead is None else dead,
                fixed_yield=of_packages(fixed.packages),
                sobol_first=sobol[cause].first if sobol and cause in sobol else None,
                sobol_total=sobol[cause].total if sobol and cause in sobol else None,
                alone=dead is not None,
                rescued=rescued,
                baseline=of_packages(base.packages),
                engine_fixed=fixed.engine(),
                engine_baseline=base.engine(),
                lane_fixed=fixed.lane(),
                lane_baseline=base.lane(),
            )
        )
    return tuple(sorted(found, key=_gain, reverse=True))


def _gain(killer: Killer) -> tuple[float, ...]:
    """How much better packages, engines, lanes become; each against the same samples as they are."""
    pairs = (
        (killer.fixed_yield, killer.baseline),
        (killer.engine_fixed, killer.engine_baseline),
        (killer.lane_fixed, killer.lane_baseline),
    )
    return tuple(fixed.value - base.value for fixed, base in pairs if fixed is not None and base is not None)


def _rest(sampled: Sampled, rows: Whole, margin: Real, held: Truth, least_dB: float) -> _Rest:
    lanes = lanes_work(margin, held, sampled.lanes, least_dB)
    return _Rest(lanes, package_works(sampled, lanes, rows))


def _again(sampled: Sampled, cause: str, again: Again, least_dB: float) -> _Rest:
    wanted = (len(again.rows), *sampled.margin_dB.shape[1:])
    if again.margin_dB.shape != wanted or not len(again.rows):
        raise InputError(f"{cause}: margins of the shape {again.margin_dB.shape} computed again, {wanted} needed")
    if again.rows.min() < 0 or again.rows.max() >= sampled.samples:
        raise InputError(f"{cause}: sample {again.rows.max()} computed again, there are {sampled.samples}")
    return _rest(sampled, again.rows, again.margin_dB, again.held, least_dB)


def _alone(sampled: Sampled, cause: str, least_dB: float) -> tuple[Whole, Truth] | None:
    """Samples and whether this cause alone kills the package there; None where that is not known."""
    if cause in sampled.alone:
        again = sampled.alone[cause]
        return again.rows, ~_again(sampled, cause, again, least_dB).packages
    if cause in sampled.losses_dB and sampled.nominal_dB is not None:
        margin = np.broadcast_to(sampled.nominal_dB - sampled.losses_dB[cause], sampled.margin_dB.shape)
        rows = np.arange(sampled.samples)
        return rows, ~_rest(sampled, rows, margin, np.ones_like(sampled.held), least_dB).packages
    return None


def _share(what: Truth, among: Truth) -> Interval:
    """Share of those `among` that are `what`; nothing known (0 to 1) where there are none."""
    count = int(np.count_nonzero(among))
    return wilson(int(np.count_nonzero(what & among)), count) if count else Interval(0.0, 0.0, 1.0, samples=0)

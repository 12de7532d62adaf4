"""From lanes to packages: what works as made, what tests find and miss, what repair brings back.

A package keeps what its parts share: lanes of one engine have one die, engines of one package one lot, and whatever
acts on several of them at once acts on them in the same sample. Only a die (or engine) that a test refused is replaced
by one of another sample, at the same place of the package (so at the same temperature): a die of another lot, under the
fibres, connectors and lasers of this sample. All chances of testing and repair are drawn from streams of their own, in
order of samples, so that more samples (or more repairs) leave the first ones as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cpo_pdk.yields.intervals import clustered, generator, of_packages, wilson
from cpo_pdk.yields.plan import Plan
from cpo_pdk.yields.results import Interval
from cpo_pdk.yields.sampled import AFTER_DIE, AFTER_ENGINE, Real, Sampled, Truth, Whole, lanes_work, rings_hold, without


@dataclass(frozen=True)
class Composed:
    """Yields, and what every package took (for the cost).

    Attributes:
        ring, lane, die, engine, package, tested, shipped, escapes: see `results.YieldResult`.
        dies_tested_share: dies that pass their test.
        engines_tested_share: engines that pass theirs.
        stock: tested good dies that packages were made of; with few of them packages share dies.
        tallies: what each package took and gave, shape (S, 8), columns in `TALLIES`.
    """

    ring: Interval
    lane: Interval
    die: Interval
    engine: Interval
    package: Interval
    tested: Interval
    shipped: Interval
    escapes: Interval
    dies_tested_share: float
    engines_tested_share: float
    stock: int
    tallies: Real


TALLIES = (
    "dies",  # dies tested in this sample
    "dies_passed",
    "engines",  # engines tested
    "engines_passed",
    "started",  # packages: 1
    "exchanged",  # engines exchanged
    "shipped",  # left the last test
    "good",  # ... and works
)
"""Columns of `Composed.tallies`; sums over samples give the flow of material."""


@dataclass(frozen=True)
class _Origin:
    """Which engine each place gets its die, and its fibres, from: places of all samples as one number s E + e."""

    die: Whole
    fibre: Whole


@dataclass(frozen=True)
class Stages:
    """Lanes that work of engines as made of their own parts, shape (S, E, L) each.

    Attributes:
        die: before fibres are attached.
        fibred: of the engine with its fibres, before connectors and lasers.
        lanes: of the finished package.
        lit: of the finished package if all lasers had their power.
    """

    die: Truth
    fibred: Truth
    lanes: Truth
    lit: Truth


def stages_of(sampled: Sampled, least_dB: float) -> Stages:
    """Lanes that work at each stage; the same for every plan."""
    held = rings_hold(sampled.held, sampled.lanes)
    die, fibred, lit = (
        (without(sampled, causes) >= least_dB) & held for causes in (AFTER_DIE, AFTER_ENGINE, ("laser_power",))
    )
    return Stages(die, fibred, (sampled.margin_dB >= least_dB) & held, lit)


def compose(sampled: Sampled, plan: Plan, least_dB: float, stages: Stages | None = None) -> Composed:
    """All yields of a package.

    Args:
        sampled: the packages.
        plan: tests, spares and repair.
        least_dB: margin from which on a lane works.
        stages: `stages_of(sampled, least_dB)` where the caller has it.
    """
    stages = stages_of(sampled, least_dB) if stages is None else stages
    lanes, die = stages.lanes, stages.die
    samples, engines, per_engine = lanes.shape
    strict, die_strict = np.all(lanes, axis=-1), np.all(die, axis=-1)
    rings = sampled.held.reshape(samples, -1)

    die_passed, engine_passed, origin = _tested_engines(sampled, plan, least_dB, stages)
    alive = _mounted(sampled, plan) & np.any(engine_passed)
    finished = _engine_lanes(sampled, least_dB, origin, AFTER_ENGINE, lanes)
    tested = _enough(sampled, alive & fibres_work(finished, sampled, 0))
    finished = _lasers_exchanged(sampled, plan, least_dB, origin, finished, stages.lit)
    alive &= fibres_work(finished, sampled, plan.spare_wavelengths)

    seen = generator(sampled.seed, "compose package test").random(samples) < plan.package_coverage

    def fresh(turn: int, rows: Whole, places: Whole) -> Truth:
        """Whether engines from the stock work at these places."""
        stock = np.flatnonzero(engine_passed)
        if not len(stock):
            return np.zeros(len(rows), bool)
        chance = generator(sampled.seed, f"compose exchange {turn}").random(samples)[rows]
        fibre = stock[(chance * len(stock)).astype(np.int64)]
        dies = origin.die.ravel()[fibre]
        brought = _lanes_of(sampled, least_dB, dies, fibre, rows * engines + places, AFTER_ENGINE)
        return fibres_work(brought[:, None], sampled, plan.spare_wavelengths)[:, 0]

    mended, exchanged = repair(alive, sampled.must_work, plan, seen, sampled.seed, fresh)
    good = _enough(sampled, mended) & np.any(engine_passed)
    shipped = good | (~seen & np.any(engine_passed))
    left = int(np.count_nonzero(shipped))
    columns = (
        np.full(samples, engines),
        np.count_nonzero(die_passed, axis=1),
        np.full(samples, engines),
        np.count_nonzero(engine_passed, axis=1),
        np.ones(samples),
        exchanged,
        shipped,
        good,
    )
    return Composed(
        ring=clustered(np.mean(rings, axis=1), rings.shape[1]) if rings.shape[1] else wilson(samples, samples),
        lane=clustered(np.mean(lanes, axis=(1, 2)), engines * per_engine),
        die=clustered(np.mean(die_strict, axis=1), engines),
        engine=clustered(np.mean(strict, axis=1), engines),
        package=of_packages(package_works(sampled, lanes)),
        tested=of_packages(tested),
        shipped=of_packages(shipped),
        escapes=wilson(int(np.count_nonzero(shipped & ~good)), left) if left else Interval(0.0, 0.0, 1.0),
        dies_tested_share=float(np.mean(die_passed)),
        engines_tested_share=float(np.mean(engine_passed)),
        stock=int(np.count_nonzero(die_passed)),
        tallies=np.stack(columns, axis=1).astype(np.float64),
    )


def fibres_work(lanes: Truth, sampled: Sampled, spare_wavelengths: int) -> Truth:
    """Engines whose every fibre has at most so many dead lanes.

    Args:
        lanes: shape (S, E, L).
        sampled: gives the fibre of each lane.
        spare_wavelengths: that may be dead in a fibre.

    Returns:
        Shape (S, E).
    """
    if spare_wavelengths == 0:
        return np.all(lanes, axis=-1)
    good = np.ones(lanes.shape[:2], bool)
    for fibre in np.unique(sampled.lanes.fibre):
        mine = np.flatnonzero(sampled.lanes.fibre == fibre)
        good &= np.count_nonzero(~lanes[..., mine], axis=-1) <= spare_wavelengths
    return good


def package_works(sampled: Sampled, lanes: Truth, rows: Whole | None = None) -> Truth:
    """Packages as made: all lanes of the engines that must work, without the spare ones, and bumps met.

    Args:
        sampled: says how many must work and which are mounted.
        lanes: shape (T, E, L).
        rows: samples that they belong to, shape (T,); default: all.

    Returns:
        Shape (T,).
    """
    engines = np.all(lanes[:, : sampled.must_work], axis=-1)
    if sampled.mounted is not None:
        mounted = sampled.mounted if rows is None else sampled.mounted[rows]
        engines = engines & mounted[:, : sampled.must_work]
    return np.all(engines, axis=1)


def _enough(sampled: Sampled, alive: Truth) -> Truth:
    return np.count_nonzero(alive, axis=1) >= sampled.must_work


def _tested_engines(sampled: Sampled, plan: Plan, least_dB: float, stages: Stages) -> tuple[Truth, Truth, _Origin]:
    """Dies that pass, engines made of passing dies that pass, and of which of them the packages are made."""
    shape = stages.die.shape[:2]
    chance = {
        name: generator(sampled.seed, f"compose {name}").random(shape)
        for name in ("die test", "die stock", "engine test", "engine stock")
    }
    good = fibres_work(stages.die, sampled, plan.spare_wavelengths)
    die_passed = chance["die test"] < np.where(good, 1 - plan.die_overkill, 1 - plan.die_coverage)
    die_from = taken_from_stock(die_passed, chance["die stock"])
    own = np.arange(good.size).reshape(shape)
    fibred = _engine_lanes(sampled, least_dB, _Origin(die_from, own), (), stages.fibred)
    good = fibres_work(fibred, sampled, plan.spare_wavelengths)
    engine_passed = chance["engine test"] < np.where(good, 1 - plan.engine_overkill, 1 - plan.engine_coverage)
    engine_passed &= np.any(die_passed)
    engine_from = taken_from_stock(engine_passed, chance["engine stock"])
    return die_passed, engine_passed, _Origin(die_from.ravel()[engine_from], engine_from)


def taken_from_stock(passed: Truth, chance: Real) -> Whole:
    """For each place where its part comes from: its own where it passed, else any that passed at that place.

    Args:
        passed: shape (S, E).
        chance: uniform numbers, shape (S, E).

    Returns:
        Place s E + e of the part, shape (S, E). Where nothing passed at a place of the package, parts of other places
        are taken; where nothing passed at all, the own.
    """
    samples, engines = passed.shape
    source = np.arange(samples * engines).reshape(samples, engines)
    everywhere = np.flatnonzero(passed)
    for place in range(engines):
        stock = np.flatnonzero(passed[:, place]) * engines + place
        refused = np.flatnonzero(~passed[:, place])
        stock = stock if len(stock) else everywhere
        if len(stock):
            source[refused, place] = stock[(chance[refused, place] * len(stock)).astype(np.int64)]
    return source


def _lanes_of(sampled: Sampled, least_dB: float, die: Whole, fibre: Whole, own: Whole, late: tuple[str, ...]) -> Truth:
    """Lanes of engines put together from parts.

    Args:
        sampled: the packages.
        least_dB: margin from which on a lane works.
        die, fibre, own: places s E + e whose die, whose fibres, and whose connectors and lasers they have, shape (K,).
        late: causes after the engine that act.

    Returns:
        Shape (K, L).
    """
    engines = sampled.margin_dB.shape[1]
    found = []
    for start in range(0, len(die), 8192):
        block = slice(start, start + 8192)
        of_die, of_fibre, of_own = (divmod_places(places[block], engines) for places in (die, fibre, own))
        margin = sampled.margin_dB[of_die].astype(np.float64)
        for cause in AFTER_DIE:
            if cause not in sampled.losses_dB:
                continue
            loss = np.broadcast_to(sampled.losses_dB[cause], sampled.margin_dB.shape)
            margin += loss[of_die]
            if cause not in AFTER_ENGINE:
                margin -= loss[of_fibre]
            elif cause in late:
                margin -= loss[of_own]
        found.append(lanes_work(margin, sampled.held[of_die], sampled.lanes, least_dB))
    return np.concatenate(found)


def divmod_places(places: Whole, engines: int) -> tuple[Whole, Whole]:
    """Sample and engine of places s E + e."""
    return places // engines, places % engines


def _engine_lanes(sampled: Sampled, least_dB: float, origin: _Origin, late: tuple[str, ...], as_made: Truth) -> Truth:
    """Lanes of all engines put together from dies and fibres; `as_made`, of their own ones; shape (S, E, L) both."""
    own = np.arange(origin.die.size)
    die, fibre = origin.die.ravel(), origin.fibre.ravel()
    other = np.flatnonzero((die != own) | (fibre != own))
    if not len(other):
        return as_made
    found = as_made.reshape(len(own), -1).copy()
    found[other] = _lanes_of(sampled, least_dB, die[other], fibre[other], other, late)
    return found.reshape(as_made.shape)


def _lasers_exchanged(
    sampled: Sampled, plan: Plan, least_dB: float, origin: _Origin, lanes: Truth, lit: Truth
) -> Truth:
    """Lanes after modules that are too weak have been exchanged for a nominal one, as far as there are spare ones.

    Those modules are exchanged first whose exchange brings most lanes back.
    """
    line, module_of = sampled.laser_line, sampled.line_module
    if plan.spare_lasers == 0 or "laser_power" not in sampled.losses_dB or line is None or module_of is None:
        return lanes
    others = tuple(cause for cause in AFTER_ENGINE if cause != "laser_power")
    better = _engine_lanes(sampled, least_dB, origin, others, lit)
    module = np.where(line >= 0, module_of[np.maximum(line, 0)], -1)
    modules = np.unique(module[module >= 0])
    gain = np.stack([np.count_nonzero((better & ~lanes)[:, module == m], axis=1) for m in modules], axis=1)
    first = np.argsort(-gain, axis=1, kind="stable")[:, : plan.spare_lasers]
    chosen = np.zeros(gain.shape, bool)
    np.put_along_axis(chosen, first, np.take_along_axis(gain, first, axis=1) > 0, axis=1)
    done = lanes.copy()
    for column, number in enumerate(modules):
        here = module == number
        done[:, here] = np.where(chosen[:, column, None], better[:, here], lanes[:, here])
    return done


def _mounted(sampled: Sampled, plan: Plan) -> Truth:
    """Engines that survive being mounted and whose bumps meet those of the substrate, shape (S, E)."""
    shape = sampled.margin_dB.shape[:2]
    bonded = generator(sampled.seed, "compose bond").random(shape) < plan.bond_yield
    return bonded if sampled.mounted is None else bonded & sampled.mounted


def repair(
    alive: Truth,
    must_work: int,
    plan: Plan,
    seen: Truth,
    seed: int,
    fresh: Callable[[int, Whole, Whole], Truth] | None = None,
) -> tuple[Truth, Whole]:
    """Exchange dead engines until enough work, or no exchange is left.

    Every exchange is done well with the chance `repair_yield`; it may be tried again while exchanges are left. A
    package that the exchanges left can't save is not touched, nor is one whose fault was not seen.

    Args:
        alive: engines, shape (S, E).
        must_work: of them.
        plan: gives repairs and their yield.
        seen: packages whose fault the test finds, shape (S,).
        seed: of the chances.
        fresh: whether the engines brought in turn (number, samples (K,), places (K,)) work there; default: all do.

    Returns:
        Engines that work then, shape (S, E); exchanges, shape (S,).
    """
    samples = len(alive)
    mended = alive.copy()
    exchanged = np.zeros(samples, np.int64)
    for turn in range(plan.repairs):
        missing = must_work - np.count_nonzero(mended, axis=1)
        short = seen & (missing > 0) & (missing <= plan.repairs - turn)
        if not np.any(short):
            break
        exchanged[short] += 1
        success = short & (generator(seed, f"compose repair {turn}").random(samples) < plan.repair_yield)
        rows = np.flatnonzero(success)
        places = np.argmin(mended[rows], axis=1)
        mended[rows, places] = True if fresh is None else fresh(turn, rows, places)
    return mended, exchanged

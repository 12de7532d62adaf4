"""Failures in time: how many packages still work after some years, without and with repair.

Every part fails at a constant rate (FIT: failures in 1e9 h), scaled to its temperature after Arrhenius. Rates are
constant, so early failures and wear-out are outside of it. What fails: a laser line, a fibre with its connectors, an
engine, all the rest of the package. A failed line takes its wavelength from its laser fibre; up to `spare_wavelengths`
of them a laser fibre does without, then its module has failed. A failed fibre counts as its engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.stats import binom, poisson

from cpo_pdk.errors import InputError
from cpo_pdk.spec.part import Part
from cpo_pdk.yields.results import Interval, LifePoint
from cpo_pdk.yields.sampled import Sampled

Real = NDArray[np.float64]
Whole = NDArray[np.integer]

BOLTZMANN_EV_K = 8.617333262e-5
"""Boltzmann constant over the elementary charge, eV/K (CODATA 2018, exact in the SI)."""

HOURS = 8766.0
"""Hours of a year of 365.25 days."""

_STEPS = 2000  # of time, where renewals are computed by convolution


def arrhenius(eV: float, at_C: float, T_C: float) -> float:
    """By what a rate of failure grows from one temperature to another, `exp(E/k (1/T0 - 1/T))` (S. Arrhenius, 1889).

    Args:
        eV: activation energy.
        at_C: where the rate is known.
        T_C: where it is wanted.

    Raises:
        InputError: below absolute zero.
    """
    if min(at_C, T_C) <= -273.15:
        raise InputError(f"{min(at_C, T_C):g} C is below absolute zero; correct it")
    return float(np.exp(eV / BOLTZMANN_EV_K * (1 / (at_C + 273.15) - 1 / (T_C + 273.15))))


@dataclass(frozen=True)
class Hardware:
    """What of a package can fail.

    Attributes:
        engine_C: temperature of each engine, spare ones too, shape (E,).
        laser_C: of the modules' case.
        line_module: module of each laser line, shape (lines,).
        line_group: laser fibre of each line, shape (lines,).
        lanes_of_line: lanes that a line feeds, shape (lines,).
        fibres: of one engine, lasers' fibres too.
        lanes: of the engines that must work, both directions.
        must_work: engines.
    """

    engine_C: Real
    laser_C: float
    line_module: Whole
    line_group: Whole
    lanes_of_line: Whole
    fibres: int
    lanes: int
    must_work: int

    def __post_init__(self) -> None:
        if not 1 <= self.must_work <= len(self.engine_C):
            raise InputError(f"{self.must_work} engines must work of {len(self.engine_C)}; 1 or more, at most all")
        if not len(self.line_module) == len(self.line_group) == len(self.lanes_of_line):
            raise InputError("laser lines differ in number between modules, fibres and lanes; give one of each a line")


def hardware_of(sampled: Sampled, *, engine_C: Sequence[float], laser_C: float, fibres: int | None = None) -> Hardware:
    """What of a sampled package can fail.

    Args:
        sampled: lanes, laser lines and engines.
        engine_C: temperature of each engine, or of all.
        laser_C: of the modules.
        fibres: of one engine; None: those of its lanes.

    Raises:
        InputError: another number of temperatures than of engines.
    """
    engines = sampled.margin_dB.shape[1]
    if len(engine_C) not in (1, engines):
        raise InputError(f"{len(engine_C)} temperatures for {engines} engines; give one, or one each")
    line = np.full((engines, sampled.lanes.count), -1) if sampled.laser_line is None else sampled.laser_line
    used, lanes_of_line = np.unique(line[: sampled.must_work][line[: sampled.must_work] >= 0], return_counts=True)
    module = np.zeros(len(used), np.int64) if sampled.line_module is None else sampled.line_module[used]
    return Hardware(
        engine_C=np.broadcast_to(np.asarray(engine_C, float), (engines,)),
        laser_C=laser_C,
        line_module=module,
        line_group=module if sampled.line_group is None else sampled.line_group[used],
        lanes_of_line=lanes_of_line,
        fibres=len(np.unique(sampled.lanes.fibre)) if fibres is None else fibres,
        lanes=sampled.must_work * sampled.lanes.count,
        must_work=sampled.must_work,
    )


@dataclass(frozen=True)
class Life:
    """Rates of one package, 1/h, and times of repair, h.

    Attributes:
        line: of a laser line.
        engines: of each engine with its fibres, shape (E,).
        fibre: of one fibre.
        package: of the rest.
        laser_h, engine_h: mean time of an exchange.
        hardware: what there is.
        spare_wavelengths: lines of a laser fibre that may be dead.
        spare_modules: that stand ready; they don't fail while they wait.
    """

    line: float
    engines: Real
    fibre: float
    package: float
    laser_h: float
    engine_h: float
    hardware: Hardware
    spare_wavelengths: int = 0
    spare_modules: int = 0

    @classmethod
    def of(cls, sheet: Part, hardware: Hardware, spare_wavelengths: int = 0, spare_modules: int = 0) -> Life:
        """Rates from a sheet of kind life, at the temperatures of the package."""
        fibre = sheet["fibre_FIT"] * 1e-9
        engines = [
            sheet["engine_FIT"] * 1e-9 * arrhenius(sheet["engine_eV"], sheet["engine_at_C"], T)
            for T in np.asarray(hardware.engine_C, float)
        ]
        return cls(
            line=sheet["laser_FIT"] * 1e-9 * arrhenius(sheet["laser_eV"], sheet["laser_at_C"], hardware.laser_C),
            engines=np.array(engines) + fibre * hardware.fibres,
            fibre=fibre,
            package=sheet["package_FIT"] * 1e-9,
            laser_h=sheet["laser_repair_h"],
            engine_h=sheet["engine_repair_h"],
            hardware=hardware,
            spare_wavelengths=spare_wavelengths,
            spare_modules=spare_modules,
        )

    def modules(self) -> list[tuple[int, ...]]:
        """Of each module, how many lines each of its laser fibres has."""
        found = []
        for module in np.unique(self.hardware.line_module):
            groups = self.hardware.line_group[self.hardware.line_module == module]
            found.append(tuple(int(n) for n in np.unique(groups, return_counts=True)[1]))
        return found

    def untouched(self, hours: Real) -> Real:
        """Chance that a package worked all the time, nothing repaired; spares are used. Shape of `hours`."""
        hours = np.asarray(hours, float)
        rest = np.exp(-self.package * hours)
        engines = np.exp(-self.engines[:, None] * hours[None])
        return rest * at_least(engines, self.hardware.must_work) * self._modules_untouched(hours)

    def available(self, hours: Real) -> Real:
        """Chance that a package works at a time, what fails being exchanged; shape of `hours`.

        A part with rates r of failure and m = 1 / mean time of exchange works at the time t with the chance
        `m/(r+m) + r/(r+m) exp(-(r+m) t)` (two-state Markov chain; e.g. R. E. Barlow, F. Proschan, Mathematical Theory
        of Reliability, 1965; from memory).
        """
        hours = np.asarray(hours, float)
        rest = up(self.package, self.engine_h, hours)
        engines = np.stack([up(rate, self.engine_h, hours) for rate in self.engines])
        kinds = {lines: self._module_up(lines, hours) for lines in set(self.modules())}
        modules = np.stack([kinds[lines] for lines in self.modules()] or [np.ones_like(hours)])
        needed = max(len(modules) - self.spare_modules, 0)
        return rest * at_least(engines, self.hardware.must_work) * at_least(modules, needed)

    def mean_lanes(self, hours: Real) -> Real:
        """Mean share of lanes that work without any repair, nothing being spare; shape of `hours`.

        A transmit lane needs the package, its engine, its line and two fibres (data, laser), a receive lane the
        package, its engine and one fibre. A failed fibre takes its own lanes only.
        """
        hours = np.asarray(hours, float)
        bare = np.mean(np.exp(-(self.engines - self.fibre * self.hardware.fibres)[:, None] * hours[None]), axis=0)
        lit = min(float(np.sum(self.hardware.lanes_of_line)) / self.hardware.lanes, 1.0)
        transmit = np.exp(-(self.line + 2 * self.fibre) * hours)
        return np.exp(-self.package * hours) * bare * (lit * transmit + (1 - lit) * np.exp(-self.fibre * hours))

    def points(self, years: Real, escapes: Interval) -> tuple[LifePoint, ...]:
        """Over the years, of packages as shipped: those that never worked (escapes) don't work later.

        The interval is that of the escapes: rates are inputs and have none.
        """
        hours = np.asarray(years, float) * HOURS
        rows = zip(years, self.untouched(hours), self.available(hours), self.mean_lanes(hours), strict=True)
        return tuple(
            LifePoint(float(year), _of_shipped(float(kept), escapes), _of_shipped(float(up_), escapes), float(lanes))
            for year, kept, up_, lanes in rows
        )

    def _module_kept(self, lines: tuple[int, ...], hours: Real) -> Real:
        """Chance that a module has lost no laser fibre (more lines than can be spared)."""
        gone = -np.expm1(-self.line * hours)
        kept = np.ones_like(hours)
        for count in lines:
            kept = kept * binom.cdf(self.spare_wavelengths, count, gone)
        return kept

    def _modules_untouched(self, hours: Real) -> Real:
        """Chance that no more modules failed than stand ready, those that took over counted too."""
        modules = self.modules()
        if not modules:
            return np.ones_like(hours)
        if self.spare_modules == 0:
            return np.prod([self._module_kept(lines, hours) for lines in modules], axis=0)
        if self.spare_wavelengths == 0:
            return poisson.cdf(self.spare_modules, self.line * len(self.hardware.line_module) * hours)
        return np.array([self._renewed(modules, float(hour)) for hour in np.ravel(hours)]).reshape(hours.shape)

    def _renewed(self, modules: list[tuple[int, ...]], hours: float) -> float:
        """The same by the number of renewals of each module until a time, by numerical convolution."""
        if hours <= 0:
            return 1.0
        grid = np.linspace(0, hours, _STEPS + 1)
        total = np.zeros(self.spare_modules + 1)
        total[0] = 1.0
        counts = {}
        for lines in set(modules):
            failed = 1 - self._module_kept(lines, grid)
            step = np.diff(failed)
            reached = [1.0]  # chance of at least k renewals
            current = failed
            for _ in range(self.spare_modules + 1):
                reached.append(float(current[-1]))
                middle = (current[1:] + current[:-1]) / 2
                current = np.concatenate([[0.0], fftconvolve(step, middle)[:_STEPS]])
            counts[lines] = -np.diff(reached)
        for lines in modules:
            total = np.convolve(total, counts[lines])[: self.spare_modules + 1]
        return float(np.sum(total))

    def _module_up(self, lines: tuple[int, ...], hours: Real) -> Real:
        """Availability of a module that is exchanged when it has failed.

        Closed form where one dead line is a dead module; else by marching through time: failures in a step are those of
        the first module and of all that were put in before, exchanges take exponential times.
        """
        if self.spare_wavelengths == 0:
            return up(self.line * sum(lines), self.laser_h, hours)
        end = float(np.max(hours, initial=0.0))
        if end == 0 or self.line == 0 or self.laser_h == 0:
            return np.ones_like(hours)
        step = end / _STEPS
        grid = step * np.arange(_STEPS + 1, dtype=np.float64)
        first = np.diff(1 - self._module_kept(lines, grid))
        middle = 1 - self._module_kept(lines, np.maximum(grid - step / 2, 0.0))
        later = np.diff(middle)  # chance that one put in at the middle of a step fails 0, 1, ... steps later
        stays = np.exp(-step / self.laser_h)
        down, put_in = np.zeros(_STEPS + 1), np.zeros(_STEPS)
        for k in range(_STEPS):
            fail = first[k] + float(put_in[:k] @ later[k:0:-1])
            down[k + 1] = down[k] * stays + fail * (1 - stays) * self.laser_h / step
            put_in[k] = fail + down[k] - down[k + 1]
        return 1 - np.interp(hours, grid, down)


def up(rate: float, repair_h: float, hours: Real) -> Real:
    """Availability of one part with constant rates, see `Life.available`; shape of `hours`."""
    if repair_h == 0 or rate == 0:
        return np.ones_like(hours)
    back = 1 / repair_h
    return (back + rate * np.exp(-(rate + back) * hours)) / (rate + back)


def at_least(chances: Real, needed: int) -> Real:
    """Chance that at least so many of some independent parts work.

    Args:
        chances: of each to work, shape (n, ...).
        needed: k of the n.

    Returns:
        Shape (...).
    """
    chances = np.asarray(chances, float)
    working = [np.ones(chances.shape[1:])]
    for chance in chances:
        longer = [np.zeros_like(working[0])] * (len(working) + 1)
        for count, value in enumerate(working):
            longer[count] = longer[count] + value * (1 - chance)
            longer[count + 1] = longer[count + 1] + value * chance
        working = longer
    total = np.zeros(chances.shape[1:])
    for value in working[needed:]:
        total = total + value
    return np.minimum(total, 1.0)


def _of_shipped(chance: float, escapes: Interval) -> Interval:
    return Interval(
        (1 - escapes.value) * chance,
        (1 - escapes.high) * chance,
        (1 - escapes.low) * chance,
        escapes.confidence,
        escapes.samples,
        "closed form; interval of the escapes",
    )

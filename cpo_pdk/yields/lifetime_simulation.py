"""Lives of packages drawn one by one: a check of the closed forms of `lifetime`, and free of their structure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.yields.intervals import generator, of_packages
from cpo_pdk.yields.lifetime import Life
from cpo_pdk.yields.results import Interval


def simulate_untouched(life: Life, hours: float, packages: int, seed: int) -> Interval:
    """Share of packages that work all the time until `hours` with nothing but their spares.

    Failure times of all parts are drawn; a spare module takes the place of a failed one at once and may fail as well.

    Args:
        life: rates and spares.
        hours: until when.
        packages: to draw.
        seed: of the drawing.
    """
    draw = generator(seed, "life untouched")
    hardware = life.hardware
    good = _times(draw, life.package, (packages,)) > hours
    alive = np.stack([_times(draw, rate, (packages,)) > hours for rate in life.engines], axis=1)
    good &= np.count_nonzero(alive, axis=1) >= hardware.must_work
    exchanges = np.zeros(packages, np.int64)
    for lines in life.modules():
        clock = np.zeros(packages)
        for _ in range(life.spare_modules + 1):
            clock = clock + _module_life(draw, life, lines, packages)
            exchanges += clock <= hours
    return of_packages(good & (exchanges <= life.spare_modules))


def simulate_available(life: Life, hours: float, packages: int, seed: int) -> Interval:
    """Share of packages that work at `hours`, every failed part being exchanged; exchanges take exponential times."""
    draw = generator(seed, "life available")
    good = _up_at(draw, lambda: _times(draw, life.package, (packages,)), life.engine_h, hours, packages)
    alive = [
        _up_at(draw, lambda rate=rate: _times(draw, rate, (packages,)), life.engine_h, hours, packages)
        for rate in life.engines
    ]
    good &= np.count_nonzero(np.stack(alive, axis=1), axis=1) >= life.hardware.must_work
    down = np.zeros(packages, np.int64)
    for lines in life.modules():
        down += ~_up_at(draw, lambda m=lines: _module_life(draw, life, m, packages), life.laser_h, hours, packages)
    return of_packages(good & (down <= life.spare_modules))


def _times(draw: np.random.Generator, rate: float, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return draw.exponential(1 / rate, shape) if rate > 0 else np.full(shape, np.inf)


def _module_life(draw: np.random.Generator, life: Life, lines: tuple[int, ...], packages: int) -> NDArray[np.float64]:
    """When one laser fibre of a module has lost more lines than can be spared, h, shape (packages,)."""
    first = np.full(packages, np.inf)
    for count in lines:
        if count > life.spare_wavelengths:
            fails = np.sort(_times(draw, life.line, (packages, count)), axis=1)
            first = np.minimum(first, fails[:, life.spare_wavelengths])
    return first


def _up_at(draw: np.random.Generator, lives, repair_h: float, hours: float, packages: int) -> NDArray[np.bool_]:
    """Follow up and down times until `hours`; which are up then, shape (packages,)."""
    clock = np.zeros(packages)
    working = np.zeros(packages, bool)
    running = np.ones(packages, bool)
    while np.any(running):
        clock = clock + lives()
        working |= running & (clock > hours)
        running &= clock <= hours
        clock = clock + (draw.exponential(repair_h, packages) if repair_h > 0 else 0.0)
        running &= clock <= hours
    return working

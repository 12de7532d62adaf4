"""The finite volumes against what can be written down: slabs, fins, sources, order of convergence, heating up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import erfc

from cpo_pdk.thermal.conduction import Conduction, Film
from cpo_pdk.thermal.grid import Grid, graded
from cpo_pdk.thermal.solving import Solver
from cpo_pdk.thermal.transient_solver import follow, log_times

FIXED = math.inf


def test_heat_through_layers_is_that_of_resistances_in_series() -> None:
    thick, k = np.array([700.0, 50.0, 2000.0]), np.array([120.0, 4.0, 390.0])
    grid = Grid([0, 400, 1000], [0, 2000], np.concatenate([[0], np.cumsum(thick)]))
    cells = np.broadcast_to(k[:, None, None], grid.shape)
    solver = Solver(Conduction(grid, cells, [Film("bottom", FIXED, 90.0), Film("top", 2e4, 30.0)]), tolerance=1e-12)
    T = solver.solve(np.zeros(grid.shape))
    area, um = 1e-3 * 2e-3, 1e-6
    watts = (90 - 30) / ((thick * um / k).sum() / area + 1 / (2e4 * area))
    film = solver.conduction.film_W_K[-1] * (T[-1] - 30)
    assert film.sum() == pytest.approx(watts, rel=1e-9)
    upper_face = T[-1, 0, 0] - film[0, 0] / (400e-6 * 2e-3) * thick[-1] / 2 * um / k[-1]
    assert upper_face == pytest.approx(30 + watts / (2e4 * area), rel=1e-9)


def test_even_heat_between_cold_faces_bends_the_temperature_into_a_parabola() -> None:
    # hottest in the middle: q L^2 / (8 k)
    length, k, n = 1e-3, 120.0, 41
    grid = Grid([0, 100], [0, 100], np.linspace(0, 1000, n + 1))
    solver = Solver(Conduction(grid, k, [Film("bottom", FIXED, 20.0), Film("top", FIXED, 20.0)]), tolerance=1e-12)
    T = solver.solve(grid.heat((0, 0, 0, 100, 100, 1000), 1.0))
    peak = 1.0 / (1e-4 * 1e-4 * length) * length**2 / (8 * k)
    assert T[n // 2, 0, 0] - 20 == pytest.approx(peak, rel=1e-3)


@pytest.mark.parametrize("along", ["x", "z"])
def test_a_fin_cools_as_its_formula_says(along: str) -> None:
    # tanh(m L) sqrt(h P k A) of a fin with adiabatic end, one root at 100 C; thin: h t / k = 1e-4
    k, htc, thick, wide, length = 200.0, 200.0, 100.0, 5000.0, 20000.0
    stations = np.linspace(0, length, 201)
    if along == "x":
        grid = Grid(stations, [0, wide], [0, thick])
        films = [Film("west", FIXED, 100.0), Film("bottom", htc, 20.0), Film("top", htc, 20.0)]
    else:
        grid = Grid([0, thick], [0, wide], stations)
        films = [Film("bottom", FIXED, 100.0), Film("west", htc, 20.0), Film("east", htc, 20.0)]
    conduction = Conduction(grid, k, films)
    T = Solver(conduction, tolerance=1e-10).solve(np.zeros(grid.shape)).ravel()
    um = 1e-6
    m = math.sqrt(2 * htc / (k * thick * um))
    middles = (stations[1:] + stations[:-1]) / 2 * um
    expected = 20 + 80 * np.cosh(m * (length * um - middles)) / math.cosh(m * length * um)
    assert np.abs(T - expected).max() < 1e-3 * 80
    root = (100 - T[0]) * 2 * k * thick * wide * um**2 / (stations[1] * um)
    formula = math.sqrt(2 * htc * wide * um * k * thick * wide * um**2) * math.tanh(m * length * um) * 80
    assert root == pytest.approx(formula, rel=1e-3)


def test_a_film_on_part_of_a_face_spreads_the_heat_as_the_series_does() -> None:
    # strip of half width a on a layer of half width b, depth c, flux below, fixed above: Fourier series in x
    a, b, c, k = 200.0, 1000.0, 600.0, 120.0
    grid = Grid(graded([0, a, b], [8.0, 20.0]), [0, 100], graded([0, 100, c], [6.0, 12.0]))
    conduction = Conduction(grid, k, [Film("top", FIXED, 0.0)])
    watts = np.zeros(grid.shape)
    dx = grid.widths[0]
    heated = grid.centres[0] < a
    watts[0, 0, heated] = dx[heated] / dx[heated].sum()
    T = Solver(conduction, tolerance=1e-11).solve(watts)
    um = 1e-6
    flux = 1.0 / (a * um * 100 * um)
    n = np.arange(1, 4000)
    waves = n * np.pi / b
    x, z = grid.centres[0], grid.centres[2]
    amplitude = flux * 2 / (n * np.pi) * np.sin(waves * a) / (k * waves / um)
    depth = np.where(
        waves * c < 300,
        np.sinh(np.minimum(waves * (c - z[5]), 300)) / np.cosh(np.minimum(waves * c, 300)),
        np.exp(-waves * z[5]),
    )
    exact = flux * a / b * (c - z[5]) * um / k + (amplitude * depth) @ np.cos(np.outer(waves, x))
    assert np.abs(T[5, 0] - exact).max() < 4e-3 * exact.max()


def test_twice_as_fine_is_four_times_as_exact_on_a_graded_grid() -> None:
    # manufactured: T = cos(pi x / L) cos(2 pi y / L) (1 - (z / H)^2), adiabatic sides, fixed at z = H
    length, high, k = 4000.0, 1500.0, (80.0, 40.0, 10.0)
    um = 1e-6

    def error(scale: int) -> float:
        x = length * (np.linspace(0, 1, 8 * scale + 1) + 0.1 * np.sin(np.pi * np.linspace(0, 2, 8 * scale + 1)) / np.pi)
        grid = Grid(x, np.linspace(0, length, 12 * scale + 1), np.linspace(0, high, 6 * scale + 1))
        cx, cy, cz = grid.centres
        sx, sy = np.cos(np.pi * cx / length), np.cos(2 * np.pi * cy / length)
        plane, up = sy[:, None] * sx, 1 - (cz / high) ** 2
        exact = up[:, None, None] * plane
        lateral = k[0] * (np.pi / length) ** 2 + k[1] * (2 * np.pi / length) ** 2
        density = (lateral * up + 2 * k[2] / high**2)[:, None, None] * plane / um**2
        solver = Solver(Conduction(grid, k, [Film("top", FIXED, 0.0)]), tolerance=1e-10)
        T = solver.solve(density * grid.volumes() * um**3)
        volume = grid.volumes()
        return math.sqrt(float(((T - exact) ** 2 * volume).sum() / volume.sum()))

    errors = [error(scale) for scale in (1, 2, 4)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(orders > 1.9) and np.all(orders < 2.1), (errors, orders)


def test_a_lump_warms_up_exponentially_and_finer_steps_are_four_times_as_exact() -> None:
    grid = Grid([0, 1000], [0, 1000], [0, 100])
    conduction = Conduction(grid, 400.0, [Film("top", 1000, 20.0)], capacity_J_m3K=2e6)
    per_K = float(conduction.film_W_K.sum())
    tau = float(conduction.capacities_J_K().sum()) / per_K
    worst = []
    for per_decade in (8, 16):
        t = log_times(1e-3 * tau, 10 * tau, per_decade=per_decade)
        got = follow(conduction, np.full(grid.shape, 20.0), np.full(grid.shape, 0.1), t, lambda T: T[0, 0, 0])
        worst.append(float(np.abs((got - 20) * per_K / 0.1 - (1 - np.exp(-t / tau))).max()))
    assert worst[0] < 2e-3
    assert 3.3 < worst[0] / worst[1] < 4.7


def test_a_thick_body_warms_from_its_face_as_the_error_function_does() -> None:
    # fixed temperature on the face of a half space: erfc(z / (2 sqrt(a t))), Carslaw and Jaeger 1959 (from memory)
    k, capacity = 120.0, 1.75e6
    grid = Grid([0, 10], [0, 10], graded([0, 200, 4000], [5.0, 60.0]))
    conduction = Conduction(grid, k, [Film("bottom", FIXED, 1.0)], capacity_J_m3K=capacity)
    t = log_times(1e-6, 2e-3, per_decade=20)
    got = follow(conduction, np.zeros(grid.shape), np.zeros(grid.shape), t, lambda T: T[:, 0, 0])
    depth = grid.centres[2] * 1e-6
    late = t > 1e-4
    exact = erfc(depth / (2 * np.sqrt(k / capacity * t[late])[:, None]))
    assert np.abs(got[late] - exact).max() < 3e-3

"""What every answer owes: heat in equals heat out, reciprocity, the same answer by every method; and bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.errors import ModelError, ParameterError
from cpo_pdk.thermal import linear_system
from cpo_pdk.thermal.column_multigrid import ColumnMultigrid
from cpo_pdk.thermal.conduction import Conduction, Face, Film
from cpo_pdk.thermal.grid import Grid, graded
from cpo_pdk.thermal.linear_system import LinearSystem
from cpo_pdk.thermal.solving import Solver
from cpo_pdk.thermal.transient_solver import follow, log_times

FACES: tuple[Face, ...] = ("west", "east", "south", "north", "bottom", "top")
ANY = settings(max_examples=25, derandomize=True, deadline=None)


@st.composite
def systems(draw: st.DrawFn) -> tuple[Conduction, np.random.Generator]:
    """Small grids of any proportions, conductivities over four decades, films anywhere, holes in some."""
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    counts = [draw(st.integers(1, 7)) for _ in range(3)]
    edges = [np.concatenate([[0], np.cumsum(10 ** random.uniform(0, 2.5, n))]) for n in counts]
    grid = Grid(*edges)
    k = tuple(10 ** random.uniform(-1.5, 2.5, grid.shape) for _ in range(3))
    films = [
        Film(face, 10 ** random.uniform(0, 4), random.uniform(-40, 100))
        for face in draw(st.lists(st.sampled_from(FACES), min_size=1, max_size=3, unique=True))
    ]
    void = None
    if draw(st.booleans()):
        void = random.random(grid.shape) < 0.2
        void[0, 0, 0] = False
        films = [*films, Film("void", 10.0, 45.0)]
    try:
        return Conduction(grid, (k[0], k[1], k[2]), films, void=void), random
    except ParameterError:  # the holes cut something off from every film
        return Conduction(grid, (k[0], k[1], k[2]), [f for f in films if f.face != "void"]), random


def heat(conduction: Conduction, random: np.random.Generator) -> np.ndarray:
    watts = random.uniform(0, 1, conduction.grid.shape)
    return watts if conduction.void is None else np.where(conduction.void, 0, watts)


@ANY
@given(systems())
def test_what_comes_in_goes_out(made: tuple[Conduction, np.random.Generator]) -> None:
    conduction, random = made
    watts = heat(conduction, random)
    solver = Solver(conduction)
    T = solver.solve(watts)
    balance = solver.balance(T, watts)
    assert balance.error < 1e-6
    assert balance.in_W == pytest.approx(watts.sum())
    solid = np.ones(watts.shape, bool) if conduction.void is None else ~conduction.void
    assert np.isfinite(T[solid]).all() and np.isnan(T[~solid]).all()


@ANY
@given(systems())
def test_a_watt_here_warms_there_as_a_watt_there_warms_here(made: tuple[Conduction, np.random.Generator]) -> None:
    conduction, random = made
    solid = np.ones(conduction.grid.shape, bool) if conduction.void is None else ~conduction.void
    places = np.argwhere(solid)
    a, b = (tuple(places[i]) for i in random.integers(0, len(places), 2))
    watts = np.zeros((2, *conduction.grid.shape))
    watts[(0, *a)] = watts[(1, *b)] = 1.0
    rise = Solver(conduction, tolerance=1e-10).rise(watts)
    assert rise[(0, *b)] == pytest.approx(rise[(1, *a)], rel=1e-6, abs=1e-9 * np.nanmax(rise))


@ANY
@given(systems())
def test_every_method_gives_what_a_dense_solution_gives(made: tuple[Conduction, np.random.Generator]) -> None:
    conduction, random = made
    watts = heat(conduction, random)
    exact = np.linalg.solve(conduction.stencil.matrix().toarray(), (watts + conduction.film_W).ravel())
    exact = exact.reshape(watts.shape)
    solid = np.ones(watts.shape, bool) if conduction.void is None else ~conduction.void
    scale = np.ptp(exact[solid]) + np.abs(exact[solid]).max()
    for method in ("columns", "ruge_stuben", "jacobi"):
        T = Solver(conduction, tolerance=1e-11, method=method).solve(watts)
        assert np.abs(T - exact)[solid].max() < 1e-6 * scale, method


@ANY
@given(systems())
def test_the_stencil_is_its_matrix_and_the_cycle_is_symmetric_and_positive(
    made: tuple[Conduction, np.random.Generator],
) -> None:
    conduction, random = made
    matrix = conduction.stencil.matrix()
    assert matrix.indices.dtype == np.int32
    assert abs(matrix - matrix.T).max() == 0
    x, y = random.standard_normal((2, *conduction.grid.shape))
    assert conduction.stencil.apply(x).ravel() == pytest.approx(matrix @ x.ravel(), rel=1e-9, abs=1e-12)
    if conduction.void is not None:
        x[conduction.void] = y[conduction.void] = 0
    cycle = ColumnMultigrid(conduction.stencil, conduction.grid.x, conduction.grid.y)
    mx, my = cycle(x), cycle(y)
    scale = math.sqrt(float((x * mx).sum() * (y * my).sum()))
    assert scale > 0
    assert float((x * my).sum()) == pytest.approx(float((y * mx).sum()), abs=1e-4 * scale)


def layered(n: int, *, void: bool = False, narrow: float = 1.0) -> tuple[Conduction, np.ndarray]:
    """A die on a board under a plate, n x n columns; heat in the die."""
    x = np.linspace(0, 60000, n + 1)
    z = np.array([0, 800, 1600, 2000, 2600, 3200, 3280, 3600, 3980, 4030, 5000, 6030.0])
    grid = Grid(x, x * narrow, z)
    cx, cy, cz = grid.centres
    die = (np.abs(cy[:, None] - 30000 * narrow) < 15000 * narrow) & (np.abs(cx - 30000) < 15000)
    k = np.select([cz < 1600, cz < 2000, cz < 3200, cz < 3280, cz < 3980, cz < 4030], [0.4, 8, 0.6, 5, 120, 4], 390.0)
    cells = np.broadcast_to(k[:, None, None], grid.shape).copy()
    beside = ((cz > 3200) & (cz < 4030))[:, None, None] & ~die
    cells[beside] = 0.03
    films = [Film("top", 2e4, 30.0), Film("bottom", 10.0, 45.0)]
    if void:
        films.append(Film("void", 10.0, 45.0))
    watts = grid.heat((15000, 15000 * narrow, 3280, 45000, 45000 * narrow, 3600), 500.0)
    return Conduction(grid, cells, films, void=beside if void else None, capacity_J_m3K=2e6), watts


def test_iterations_hardly_grow_with_the_grid() -> None:
    counts = []
    for n in (20, 40, 80):
        conduction, watts = layered(n)
        solver = Solver(conduction)
        solver.solve(watts)
        assert solver.method == "columns"
        counts.append(solver.iterations)
    assert max(counts) <= 15, counts


@pytest.mark.parametrize("void", [False, True])
def test_both_multigrids_agree_on_a_package(void: bool) -> None:
    conduction, watts = layered(32, void=void)
    a = Solver(conduction).solve(watts)
    b = Solver(conduction, method="ruge_stuben").solve(watts)
    assert np.nanmax(np.abs(a - b)) < 1e-5 * (np.nanmax(a) - 30)
    assert np.isnan(a).any() == void


def test_a_near_guess_saves_iterations_and_changes_nothing() -> None:
    conduction, watts = layered(20)
    solver = Solver(conduction)
    cold = solver.solve(watts)
    first = solver.iterations
    warm = solver.solve(1.001 * watts, guess=cold)
    assert solver.iterations < first
    assert warm == pytest.approx(solver.solve(1.001 * watts), rel=1e-6)


def test_stacks_of_heat_maps_are_solved_one_by_one_and_superpose() -> None:
    conduction, watts = layered(16)
    solver = Solver(conduction)
    stack = solver.solve(np.stack([watts, 0 * watts, 3 * watts]))
    assert stack[2] - stack[1] == pytest.approx(3 * (stack[0] - stack[1]), abs=1e-4)
    assert stack[0] - stack[1] == pytest.approx(solver.rise(watts), abs=1e-4)


def test_where_columns_do_not_settle_the_general_method_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(linear_system._ITERATIONS, "columns", 2)
    conduction, watts = layered(16)
    solver = Solver(conduction)
    T = solver.solve(watts)
    assert solver.method == "ruge_stuben"
    assert solver.balance(T, watts).error < 1e-6
    monkeypatch.setitem(linear_system._ITERATIONS, "ruge_stuben", 1)
    with pytest.raises(ModelError, match="did not settle"):
        Solver(conduction, method="ruge_stuben").solve(watts)


def test_a_long_transient_ends_in_the_steady_state() -> None:
    conduction, watts = layered(16, void=True)
    steady = Solver(conduction).solve(watts)
    start = Solver(conduction).solve(0.3 * watts)
    times = log_times(1e-2, 1e5, per_decade=4)
    got = follow(conduction, start, watts, times, lambda T: [np.nanmax(T), np.nanmean(T)])
    assert got.shape == (len(times), 2)
    assert np.all(np.diff(got[:, 0]) > -1e-3)
    assert got[0, 0] == pytest.approx(np.nanmax(start))
    assert got[-1, 0] == pytest.approx(np.nanmax(steady), abs=1e-3)


CUBE = Grid([0, 1, 2], [0, 1, 2], [0, 1, 2])
TOP = Film("top", 1e3, 20.0)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_conductivities_must_be_above_zero(bad: float) -> None:
    k = np.ones(CUBE.shape)
    k[1, 0, 1] = bad
    with pytest.raises(ParameterError, match=r"cell \(z 1, y 0, x 1\).*finite value above 0"):
        Conduction(CUBE, k, [TOP])
    with pytest.raises(ParameterError, match="heat capacity"):
        Conduction(CUBE, 1.0, [TOP], capacity_J_m3K=k)


@pytest.mark.parametrize(
    ("films", "says"),
    [
        ([], "no heat can leave"),
        ([Film("top", 0.0, 20.0)], "no heat can leave"),
        ([Film("top", -1.0, 20.0)], "0 or above"),
        ([Film("top", math.nan, 20.0)], "0 or above"),
        ([Film("top", 1.0, math.nan)], "finite"),
        ([Film("top", 1.0, 20.0, box=(5, 5, 6, 6))], "covers no cell"),
        ([Film("top", 1.0, 20.0, mask=np.ones((3, 3), bool))], "must have the shape"),
        ([TOP, Film("void", 1.0, 20.0)], "without void cells"),
        ([Film("above", 1.0, 20.0)], "is none of"),  # type: ignore[arg-type]
    ],
)
def test_films_that_cannot_be(films: list[Film], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        Conduction(CUBE, 1.0, films)


def test_a_part_that_no_film_reaches_is_refused() -> None:
    grid = Grid([0, 1, 2], [0, 1, 2], [0, 1, 2, 3])
    void = np.zeros(grid.shape, bool)
    void[1] = True
    with pytest.raises(ParameterError, match="4 cells are cut off"):
        Conduction(grid, 1.0, [TOP], void=void)
    assert np.isfinite(Conduction(grid, 1.0, [TOP, Film("bottom", 1.0, 20.0)], void=void).stencil.diagonal()).all()


def test_the_later_film_holds() -> None:
    conduction = Conduction(CUBE, 1.0, [TOP, Film("top", math.inf, 50.0, box=(1, 0, 2, 2))])
    g = conduction.film_W_K[1]
    assert conduction.film_W[1] / g == pytest.approx(np.array([[20, 50], [20, 50]]))
    assert g[0, 1] == pytest.approx(2e-6)


@pytest.mark.parametrize("edges", [[0], [0, 0], [1, 0], [0, math.nan], [[0, 1]]])
def test_edges_must_rise(edges: list[float]) -> None:
    with pytest.raises(ParameterError, match="rise strictly"):
        Grid([0, 1], edges, [0, 1])


def test_heat_lies_where_it_is_put() -> None:
    grid = Grid(np.linspace(0, 10, 4), [0, 5, 10], [0, 1, 2])
    watts = grid.heat((1, 1, 0.5, 4, 9, 1.5), 7.0)
    assert watts.sum() == pytest.approx(7)
    x, _, _ = grid.centres
    assert np.all(watts[..., x > 7] == 0)
    assert grid.find(10, 0, 1) == (1, 0, 2)
    with pytest.raises(ParameterError, match="all of it in the grid"):
        grid.heat((8, 1, 0, 12, 9, 1), 1.0)
    with pytest.raises(ParameterError, match="outside of the grid"):
        grid.find(11, 0, 0)


@given(
    st.lists(st.floats(0, 5e4), min_size=2, max_size=8, unique_by=lambda v: round(v, 1)),
    st.floats(5, 5000),
    st.floats(1.05, 2),
)
@ANY
def test_graded_lines_pass_all_breaks_and_stay_below_the_step(breaks: list[float], step: float, growth: float) -> None:
    edges = graded(breaks, step, growth=growth)
    assert np.all(np.diff(edges) > 0)
    assert np.isin(np.round(np.unique(np.round(breaks, 6)), 6), np.round(edges, 6)).all()
    assert np.diff(edges).max() <= 2.1 * step


@pytest.mark.parametrize(("breaks", "steps"), [([1.0], 1.0), ([0.0, 1.0], 0.0), ([0.0, 1.0], [1.0, 1.0])])
def test_graded_needs_breaks_and_steps(breaks: list[float], steps: float | list[float]) -> None:
    with pytest.raises(ParameterError):
        graded(breaks, steps)


def test_what_does_not_fit_is_refused() -> None:
    conduction = Conduction(CUBE, 1.0, [TOP])
    solver = Solver(conduction)
    with pytest.raises(ParameterError, match="does not fit the grid"):
        solver.solve(np.zeros((2, 2)))
    with pytest.raises(ParameterError, match="not finite"):
        solver.solve(np.full(CUBE.shape, np.nan))
    with pytest.raises(ParameterError, match="guess"):
        solver.solve(np.zeros(CUBE.shape), guess=np.zeros(3))
    with pytest.raises(ParameterError, match="between 0 and 1"):
        Solver(conduction, tolerance=0)
    with pytest.raises(ParameterError, match="none of"):
        LinearSystem(conduction.stencil, CUBE, method="magic")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="does not fit"):
        Conduction(CUBE, np.ones((3, 3, 3)), [TOP])
    void = np.zeros(CUBE.shape, bool)
    void[0] = True
    with pytest.raises(ParameterError, match="void cells; move"):
        Solver(Conduction(CUBE, 1.0, [TOP], void=void)).solve(np.ones(CUBE.shape))
    with pytest.raises(ParameterError, match="needs heat capacities"):
        follow(conduction, np.zeros(CUBE.shape), np.zeros(CUBE.shape), [0, 1], np.max)
    with pytest.raises(ParameterError, match="start at 0 s"):
        follow(conduction, np.zeros(CUBE.shape), np.zeros(CUBE.shape), [1, 2], np.max)
    with pytest.raises(ParameterError, match="times from"):
        log_times(1, 1)


def test_a_film_that_hardly_cools_still_closes_the_balance() -> None:
    # the flow through the film is 1e-9 of what neighbours exchange: lost in single precision if it were not kept apart
    grid = Grid(np.linspace(0, 4000, 41), np.linspace(0, 4000, 41), np.linspace(0, 1000, 11))
    conduction = Conduction(grid, 100.0, [Film("bottom", 1e-3, 30.0)])
    watts = grid.heat((0, 0, 0, 400, 400, 100), 1e-6)
    solver = Solver(conduction)
    T = solver.solve(watts)
    assert solver.method == "columns"
    assert solver.iterations <= 12
    assert solver.balance(T, watts).error < 1e-9
    assert T.mean() == pytest.approx(30 + 1e-6 / (1e-3 * 16e-6), rel=1e-4)


def test_many_heat_maps_at_once_are_what_they_are_alone() -> None:
    conduction, watts = layered(20, void=True)
    random = np.random.default_rng(3)
    maps = watts * random.uniform(0, 2, (11, *watts.shape))
    maps[4] = 0
    for method in ("columns", "ruge_stuben", "jacobi"):
        solver = Solver(conduction, tolerance=1e-10, method=method)
        together = solver.rise(maps)
        alone = np.stack([solver.rise(one) for one in maps])
        assert np.nanmax(np.abs(together - alone)) < 1e-7 * np.nanmax(alone), method
        assert np.nanmax(np.abs(together[4])) == 0

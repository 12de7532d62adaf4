"""Plans that are run on rows of values, and eliminated in any order: the amplitudes are those of `Plan.solve`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit import compiled
from cpo_pdk.circuit.solver import compile_circuit
from cpo_pdk.errors import ModelError

Parts = tuple[dict[str, Any], list[Any], dict[str, Any]]


def random_circuit(seed: int, points: int = 6) -> Parts:
    """Four-ports in a row and in circles, passive, with reflections; values of each element, shape (points,)."""
    rng = np.random.default_rng(seed)
    names = [f"d{n}" for n in range(int(rng.integers(2, 7)))]
    values: dict[str, Any] = {}
    free: list[tuple[str, str]] = []
    for name in names:
        raw = rng.normal(size=(points, 4, 4)) + 1j * rng.normal(size=(points, 4, 4))
        raw *= 0.9 / np.linalg.norm(raw, 2, axis=(1, 2))[:, None, None]
        kept = rng.random((4, 4)) < 0.7
        values[name] = {
            (f"o{i + 1}", f"o{j + 1}"): raw[:, i, j].copy() for i in range(4) for j in range(4) if kept[i, j]
        }
        free += [(name, f"o{k + 1}") for k in range(4)]
    free = [free[k] for k in rng.permutation(len(free))]
    half = len(free) // 3
    links = [(free[2 * k], free[2 * k + 1]) for k in range(half) if free[2 * k] != free[2 * k + 1]]
    ends = {f"p{k}": ref for k, ref in enumerate(free[2 * half :])}
    return values, links, ends


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9))
def test_every_order_gives_the_same_amplitudes(seed: int, order: int) -> None:
    values, links, ends = random_circuit(seed)
    structure = {name: list(matrix) for name, matrix in values.items()}
    first = compile_circuit(structure, links, ends).solve(values)
    other = compile_circuit(structure, links, ends, shuffle=order).solve(values)
    assert first.keys() == other.keys()
    for pair, amplitude in first.items():
        np.testing.assert_allclose(other[pair], amplitude, atol=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_rows_are_solved_as_dictionaries_are(engine: Any) -> None:
    if engine == "compiled" and not compiled.available():
        pytest.skip("numba is not installed")
    values, links, ends = random_circuit(4)
    plan = compile_circuit({name: list(matrix) for name, matrix in values.items()}, links, ends)
    wanted = plan.solve(values, engine="numpy")
    rows = np.array([values[name][a, b] for name, a, b in plan.program.loads])
    shared, which = np.unique(np.arange(len(rows))[::-1], return_inverse=True)
    found = plan.solve_rows(rows[::-1][shared].copy(), which, engine=engine)
    for pair, amplitude in zip(plan.pairs, found, strict=True):
        np.testing.assert_allclose(amplitude, wanted[pair], atol=1e-12)


def test_a_lossless_circle_is_refused() -> None:
    ring = {"ring": [("o1", "o2"), ("o3", "o2"), ("o1", "o4"), ("o3", "o4")]}
    plan = compile_circuit(ring, [(("ring", "o2"), ("ring", "o3"))], {"in": ("ring", "o1"), "out": ("ring", "o4")})
    with pytest.raises(ModelError, match="lossless"):
        plan.solve_rows(np.ones((len(plan.program.loads), 3), complex), np.arange(len(plan.program.loads)))

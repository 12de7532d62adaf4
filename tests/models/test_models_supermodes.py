"""The coupling of two ribs and of two strips, against a second mode solver that shares nothing with the first.

Full-vector finite differences for the transverse electric field on a Yee grid: Zhu and Brown, Opt. Express 10, 853
(2002). Coarse cells of 20 nm: cells of 10 x 11 nm differ by about 1 %.
"""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import eigs

from cpo_pdk.models.coupler import coupling

WL, SILICON, OXIDE, WIDTH, HEIGHT = 1.31, 3.5039, 1.4468, 0.4, 0.22


def permittivity(rectangles, x: np.ndarray, y: np.ndarray, cell: tuple[float, float], axis: int | None) -> np.ndarray:
    """Mean permittivity of grid cells; the harmonic mean where a wall normal to `axis` cuts the cell."""
    cover, cut = np.zeros((len(x), len(y))), np.zeros((len(x), len(y)), dtype=bool)
    for left, right, bottom, top in rectangles:
        inside = [
            np.clip(np.minimum(c + d / 2, high) - np.maximum(c - d / 2, low), 0, None) / d
            for c, d, low, high in ((x, cell[0], left, right), (y, cell[1], bottom, top))
        ]
        cover += np.outer(*inside)
        partial = [(i > 0) & (i < 1 - 1e-9) for i in inside]
        cut |= np.outer(partial[0] if axis == 0 else inside[0] > 0, partial[1] if axis == 1 else inside[1] > 0)
    core, clad = SILICON**2, OXIDE**2
    mean = cover * core + (1 - cover) * clad
    return mean if axis is None else np.where(cut, 1 / (cover / core + (1 - cover) / clad), mean)


def supermode_coupling(gap: float, slab: float, guess: float, dx: float = 0.02, dy: float = 0.02) -> float:
    """kappa = pi (neff_even - neff_odd) / wl of two guides, rad/um."""
    half = 0.6 + gap / 2 + WIDTH
    x, y = np.arange(-half, half, dx) + 0.31 * dx, np.arange(-0.6, 0.82, dy)
    rectangles = [(s * (gap + WIDTH) / 2 - WIDTH / 2, s * (gap + WIDTH) / 2 + WIDTH / 2, slab, HEIGHT) for s in (1, -1)]
    if slab:
        rectangles.append((-99.0, 99.0, 0.0, slab))
    else:
        rectangles = [(a, b, 0.0, d) for a, b, _, d in rectangles]
    cell = (dx, dy)
    ex = permittivity(rectangles, x + dx / 2, y, cell, axis=0).ravel()
    ey = permittivity(rectangles, x, y + dy / 2, cell, axis=1).ravel()
    ez = permittivity(rectangles, x, y, cell, axis=None).ravel()

    def forward(n: int, h: float):
        return sp.diags([-np.ones(n), np.ones(n - 1)], [0, 1]) / h

    ux = sp.kron(forward(len(x), dx), sp.identity(len(y))).tocsr()
    uy = sp.kron(sp.identity(len(x)), forward(len(y), dy)).tocsr()
    vx, vy = -ux.T, -uy.T
    k2 = (2 * np.pi / WL) ** 2
    eye, inverse = k2 * sp.identity(len(ex)), sp.diags(1 / ez)
    curl_x, curl_y = sp.diags(ex) + vy @ uy / k2, sp.diags(ey) + vx @ ux / k2
    operator = sp.bmat(
        [
            [
                -ux @ inverse @ vy @ vx @ uy / k2 + (eye + ux @ inverse @ vx) @ curl_x,
                ux @ inverse @ vy @ curl_y - (eye + ux @ inverse @ vx) @ vy @ ux / k2,
            ],
            [
                uy @ inverse @ vx @ curl_x - (eye + uy @ inverse @ vy) @ vx @ uy / k2,
                -uy @ inverse @ vx @ vy @ ux / k2 + (eye + uy @ inverse @ vy) @ curl_y,
            ],
        ]
    ).tocsc()
    start = np.random.default_rng(1).normal(size=2 * len(ex))
    squares, fields = eigs(operator, k=4, sigma=k2 * guess**2, v0=start)
    index = np.sqrt(squares.real / k2)
    te = np.sum(np.abs(fields[: len(ex)]) ** 2, axis=0) > 0.6 * np.sum(np.abs(fields) ** 2, axis=0)
    even, odd = np.sort(index[te])[::-1][:2]
    return float(np.pi * (even - odd) / WL)


@pytest.mark.parametrize(
    ("section", "slab", "guess", "gap"),
    [
        ("rib", 0.09, 2.75, 0.15),
        ("rib", 0.09, 2.75, 0.25),
        ("strip", 0.0, 2.6, 0.15),
        ("strip", 0.0, 2.6, 0.20),
    ],
)
def test_table_of_the_finite_elements_agrees_with_finite_differences(
    section: str, slab: float, guess: float, gap: float
) -> None:
    expected = supermode_coupling(gap, slab=slab, guess=guess)
    assert coupling(WL, gap, cross_section=section)[0] == pytest.approx(expected, rel=0.04)

"""The crossing as it is drawn, solved again: two-dimensional finite differences in the frequency domain.

The magnetic field H normal to the wafer obeys div(1/eps grad H) + k0^2 H = 0; open ends are absorbing layers of complex
coordinates (Chew and Weedon, Microw. Opt. Technol. Lett. 7, 599 (1994)). Half of the mirror-symmetric device, with
coarser cells than the table of `data/crossing.yaml` was made with.
"""

from __future__ import annotations

from collections.abc import Callable

import klayout.db as kdb
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import eigh
from scipy.sparse.linalg import splu

from cpo_pdk.components import CELLS
from cpo_pdk.models.passive import crossing, crossing_loss_dB
from cpo_pdk.models.slabs import film_index, oxide

CELL, LAYER, OUT = 0.036, 17, 4.7  # grid cell um, absorbing cells, place of source and probe um
EDGE = 5.4  # of the window, um

Half = Callable[[np.ndarray], np.ndarray]


def drawn_half_width(dw: float) -> Half:
    """Half the width of an arm of the drawn crossing over the distance from the centre, um."""
    c = CELLS["crossing"]()
    shape = kdb.Region(c.kdb_cell.begin_shapes_rec(c.kcl.layout.layer(1, 0))).merged()
    corners = np.array([[p.x, p.y] for polygon in shape.each() for p in polygon.each_point_hull()]) / 1000
    edge = corners[(corners[:, 1] > 0) & (corners[:, 0] <= -corners[:, 1] + 1e-6)]
    edge = edge[np.argsort(-edge[:, 0])]
    return lambda r: np.interp(r, -edge[:, 0], edge[:, 1]) + dw * 5e-4


def stretch(n: int, k0: float, low: bool) -> tuple[np.ndarray, np.ndarray]:
    """Complex coordinate factors at the centres and faces of `n` cells; `low`: also at the first end."""

    def factor(place: np.ndarray) -> np.ndarray:
        depth = np.maximum((LAYER - place) * low, place - (n - LAYER)) / LAYER
        return 1 + 36j * np.clip(depth, 0, 1) ** 3 / (k0 * LAYER * CELL)

    return factor(np.arange(n) + 0.5), factor(np.arange(n + 1.0))


def amplitude_through(wl: float, half: Half, arms_across: bool) -> complex:
    """TE0 amplitude 9.4 um behind a source, relative to the source; `arms_across`: with the crossing guide."""
    film, clad, k0 = float(film_index(wl)) ** 2, float(oxide(wl)) ** 2, 2 * np.pi / wl
    nx, ny = round(2 * EDGE / CELL), round(EDGE / CELL)
    x, y = (np.arange(nx) + 0.5) * CELL - EDGE, (np.arange(ny) + 0.5) * CELL
    x_face, y_face = np.arange(nx + 1) * CELL - EDGE, np.arange(ny + 1) * CELL
    fine = (np.arange(5) - 2) / 5 * CELL

    def silicon_share(xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
        share = np.zeros((len(xs), len(ys)))
        for dx in fine:
            for dy in fine:
                ax, ay = np.abs(xs[:, None] + dx), np.abs(ys[None, :] + dy)
                share += (ay < half(ax)) | (arms_across & (ax < half(ay)))
        return share / 25

    def inverse(share: np.ndarray, harmonic: np.ndarray) -> np.ndarray:
        return np.where(harmonic, share / film + (1 - share) / clad, 1 / (share * film + (1 - share) * clad))

    # walls lie along x where |y| < |x|, so that Ey (on x faces) is normal to them there
    on_x = inverse(silicon_share(x_face, y), np.abs(y)[None, :] < np.abs(x_face)[:, None])
    on_y = inverse(silicon_share(x, y_face), np.abs(y_face)[None, :] >= np.abs(x)[:, None])
    source, probe = int(np.argmin(np.abs(x + OUT))), int(np.argmin(np.abs(x - OUT)))
    mode, weight = guide_mode(on_y[source].copy(), half, film, clad, k0, ny)
    (sx, sx_face), (sy, sy_face) = stretch(nx, k0, low=True), stretch(ny, k0, low=False)
    flux_x, flux_y = on_x / sx_face[:, None] / CELL**2, on_y / sy_face[None, :] / CELL**2
    index = np.arange(nx * ny).reshape(nx, ny)
    diagonal = np.full((nx, ny), k0**2, dtype=complex)
    rows, columns, values = [], [], []
    for axis, flux, factor in ((0, flux_x[1:-1], sx[:, None]), (1, flux_y[:, 1:-1], sy[None, :])):
        factor = np.broadcast_to(factor, (nx, ny))
        near, far = ((slice(None, -1), slice(None)), (slice(1, None), slice(None)))
        if axis:
            near, far = near[::-1], far[::-1]
        for here, there in ((near, far), (far, near)):
            rows.append(index[here].ravel())
            columns.append(index[there].ravel())
            values.append((flux / factor[here]).ravel())
            diagonal[here] -= flux / factor[here]
    matrix = sp.csc_matrix(
        (
            np.concatenate([*values, diagonal.ravel()]),
            (np.concatenate([*rows, index.ravel()]), np.concatenate([*columns, index.ravel()])),
        )
    )
    driven = np.zeros(nx * ny, dtype=complex)
    driven[index[source]] = mode * weight
    field = splu(matrix).solve(driven).reshape(nx, ny)
    return complex(np.sum(field[probe] * mode * weight))


def guide_mode(
    on_y: np.ndarray, half: Half, film: float, clad: float, k0: float, ny: int
) -> tuple[np.ndarray, np.ndarray]:
    """H of TE0 of the guide at the port, normalised, and the weight 1/eps of its overlap; shape (ny,)."""
    n = round(3 / CELL)
    share = np.clip((half(np.array(OUT)) - np.arange(ny) * CELL) / CELL, 0, 1)
    weight = share / film + (1 - share) / clad
    flux = np.real(on_y[: n + 1]) / CELL**2
    operator = np.diag(k0**2 - flux[1:] - np.append(0.0, flux[1:n]))
    operator += np.diag(flux[1:n], 1) + np.diag(flux[1:n], -1)
    _, vectors = eigh(operator, np.diag(weight[:n]))
    mode = np.zeros(ny)
    mode[:n] = vectors[:, -1]
    return mode / np.sqrt(np.sum(mode**2 * weight)), weight


@pytest.mark.parametrize(("wl", "dw"), [(1.30, 0.0), (1.34, -20.0)])
def test_the_drawn_crossing_loses_what_the_table_says(wl: float, dw: float) -> None:
    half = drawn_half_width(dw)
    plain = amplitude_through(wl, lambda r: np.full_like(r, half(np.array(OUT)), dtype=float), arms_across=False)
    ratio = amplitude_through(wl, half, arms_across=True) / plain
    loss = -20 * np.log10(abs(ratio))
    assert loss == pytest.approx(crossing_loss_dB(wl, dw=dw), abs=0.04)


def test_loss_of_the_crossing_is_published_at_1310_nm_and_moves_as_the_shape_does() -> None:
    def loss(wl: float, **change: float) -> float:
        return float(-20 * np.log10(np.abs(crossing(wl, **change)["o1", "o3"])))

    assert loss(1.31) == pytest.approx(0.24359, abs=1e-9)
    assert loss(1.26) - loss(1.31) == pytest.approx(0.11, abs=0.02)
    # a higher film makes the device larger in wavelengths, as a shorter wavelength does
    assert loss(1.27, dh=10.0) > loss(1.27) > loss(1.27, dw=-20.0)
    assert loss(1.27, dT=80.0) > loss(1.27)

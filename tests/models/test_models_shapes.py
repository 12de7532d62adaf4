"""Crossing and Y branch as they are drawn, solved again: two-dimensional finite differences in the frequency domain.

The magnetic field H normal to the wafer obeys div(1/eps grad H) + k0^2 H = 0; open ends are absorbing layers of complex
coordinates (Chew and Weedon, Microw. Opt. Technol. Lett. 7, 599 (1994)). Half of the mirror-symmetric device, with
coarser cells than the tables in `models/data` were made with.
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
from cpo_pdk.models.passive import crossing
from cpo_pdk.models.sdict import data
from cpo_pdk.models.shape_loss import shape_loss_dB
from cpo_pdk.models.slabs import film_index, oxide

LAYER = 17  # cells of an absorbing layer

#: silicon or not, of distance along x and distance from the axis in um
Shape = Callable[[np.ndarray, np.ndarray], np.ndarray]


def corners(name: str, **arguments: float) -> list[np.ndarray]:
    """Hulls of the drawn core in um, each of shape (N, 2)."""
    c = CELLS[name](**arguments)
    core = kdb.Region(c.kdb_cell.begin_shapes_rec(c.kcl.layout.layer(1, 0))).merged()
    return [np.array([[p.x, p.y] for p in polygon.each_point_hull()]) / 1000 for polygon in core.each()]


def drawn_crossing(dw: float) -> Shape:
    """The crossing, its centre at x = 0, arms running on; `dw` in nm."""
    points = np.concatenate(corners("crossing"))
    edge = points[(points[:, 1] > 0) & (points[:, 0] <= -points[:, 1] + 1e-6)]
    edge = edge[np.argsort(-edge[:, 0])]

    def half(r: np.ndarray) -> np.ndarray:
        return np.interp(r, -edge[:, 0], edge[:, 1]) + dw * 5e-4

    return lambda x, y: (y < half(np.abs(x))) | (np.abs(x) < half(y))


def drawn_branch(dw: float, scale: float = 1.0) -> Shape:
    """The Y branch, its middle at x = 0, arms running on side by side; `dw` in nm."""
    points = np.concatenate(corners("y_branch", length_s=100.0))
    body = points[(points[:, 1] > 0.15) & (points[:, 0] <= 1.6)]
    body = body[np.argsort(body[:, 0])]
    wider = dw * 5e-4

    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        x, y = x / scale + 0.8, y / scale
        half = np.interp(x, body[:, 0], body[:, 1]) + wider
        return np.where(x < 1.6, y < half, np.abs(y - 0.28) < 0.2 + wider)

    return inside


def guide(half: float) -> Shape:
    """A straight guide."""
    return lambda x, y: (y < half) & np.isfinite(x)


def stretch(n: int, h: float, k0: float, low: bool) -> tuple[np.ndarray, np.ndarray]:
    """Complex coordinate factors at the centres and faces of `n` cells; `low`: also at the first end."""

    def factor(place: np.ndarray) -> np.ndarray:
        depth = np.maximum((LAYER - place) * low, place - (n - LAYER)) / LAYER
        return 1 + 36j * np.clip(depth, 0, 1) ** 3 / (k0 * LAYER * h)

    return factor(np.arange(n) + 0.5), factor(np.arange(n + 1.0))


def column_mode(on_x: np.ndarray, on_y: np.ndarray, h: float, k0: float) -> tuple[np.ndarray, np.ndarray]:
    """H of the even fundamental mode of one column times the square root of beta, and the weight of its overlap."""
    n = round(1.9 / h)
    flux = on_y[: n + 1] / h**2
    operator = np.diag(k0**2 - flux[1:] - np.append(0.0, flux[1:n])) + np.diag(flux[1:n], 1) + np.diag(flux[1:n], -1)
    squares, vectors = eigh(operator, np.diag(on_x[:n]))
    mode = np.zeros(len(on_x))
    mode[:n] = vectors[:, -1]
    return mode / np.sqrt(np.sum(mode**2 * on_x)) * squares[-1] ** 0.25, on_x


def amplitude(wl: float, inside: Shape, along: float, aside: float, out: float, h: float, crossed: bool) -> complex:
    """Amplitude that arrives at x = `out` in the fundamental mode from a source at x = -`out`; lengths in um.

    Args:
        wl: wavelength in um.
        inside: the device.
        along: half the length of the window.
        aside: width of the window from the axis.
        out: place of source and probe.
        h: size of a cell.
        crossed: walls lie along y where |y| > |x|.
    """
    film, clad, k0 = float(film_index(wl)) ** 2, float(oxide(wl)) ** 2, 2 * np.pi / wl
    nx, ny = round(2 * along / h), round(aside / h)
    x, y = (np.arange(nx) + 0.5) * h - along, (np.arange(ny) + 0.5) * h
    x_face, y_face = np.arange(nx + 1) * h - along, np.arange(ny + 1) * h
    fine = (np.arange(5) - 2) / 5 * h

    def inverse(xs: np.ndarray, ys: np.ndarray, of_x: bool) -> np.ndarray:
        """1/eps on the faces: harmonic mean where the field there is normal to the walls."""
        share = sum(inside(xs[:, None] + a, np.abs(ys[None, :] + b)) for a in fine for b in fine) / 25
        walls_along_x = (np.abs(ys)[None, :] < np.abs(xs)[:, None]) | (not crossed)
        harmonic = walls_along_x == of_x
        return np.where(harmonic, share / film + (1 - share) / clad, 1 / (share * film + (1 - share) * clad))

    on_x, on_y = inverse(x_face, y, True), inverse(x, y_face, False)
    source, probe = int(np.argmin(np.abs(x + out))), int(np.argmin(np.abs(x - out)))
    sent, weight = column_mode(on_x[source], inverse(x[[source]], y_face, False)[0], h, k0)
    met, weight_met = column_mode(on_x[probe], on_y[probe], h, k0)
    (sx, sx_face), (sy, sy_face) = stretch(nx, h, k0, low=True), stretch(ny, h, k0, low=False)
    flux_x, flux_y = on_x / sx_face[:, None] / h**2, on_y / sy_face[None, :] / h**2
    index = np.arange(nx * ny).reshape(nx, ny)
    diagonal = np.full((nx, ny), k0**2, dtype=complex)
    rows, columns, values = [], [], []
    first, second = slice(None, -1), slice(1, None)
    everywhere = slice(None)
    for near, far, flux, factor in (
        ((first, everywhere), (second, everywhere), flux_x[1:-1], np.broadcast_to(sx[:, None], (nx, ny))),
        ((everywhere, first), (everywhere, second), flux_y[:, 1:-1], np.broadcast_to(sy[None, :], (nx, ny))),
    ):
        for here, there in ((near, far), (far, near)):
            rows.append(index[here].ravel())
            columns.append(index[there].ravel())
            values.append((flux / factor[here]).ravel())
            diagonal[here] -= flux / factor[here]
    places = (np.concatenate([*rows, index.ravel()]), np.concatenate([*columns, index.ravel()]))
    matrix = sp.csc_matrix((np.concatenate([*values, diagonal.ravel()]), places))
    driven = np.zeros(nx * ny, dtype=complex)
    driven[index[source]] = sent * weight
    field = splu(matrix).solve(driven).reshape(nx, ny)
    return complex(np.sum(field[probe] * met * weight_met))


def loss_dB(wl: float, device: Shape, plain: Shape, *window: float, crossed: bool = False) -> float:
    """Loss against a straight guide that begins as the device does; `window`: along, aside, out, h."""
    along, aside, out, h = window
    through, reference = (amplitude(wl, shape, along, aside, out, h, crossed) for shape in (device, plain))
    return float(-20 * np.log10(abs(through / reference)))


@pytest.mark.parametrize(("wl", "dw"), [(1.30, 0.0), (1.34, -20.0)])
def test_the_drawn_crossing_loses_what_its_table_says(wl: float, dw: float) -> None:
    loss = loss_dB(wl, drawn_crossing(dw), guide(0.2 + dw * 5e-4), 5.4, 5.4, 4.7, 0.036, crossed=True)
    assert loss == pytest.approx(shape_loss_dB("crossing", wl, dw=dw), abs=0.04)


@pytest.mark.parametrize(("wl", "dw"), [(1.26, 20.0), (1.34, 0.0)])
def test_the_drawn_y_branch_loses_what_its_table_says(wl: float, dw: float) -> None:
    loss = loss_dB(wl, drawn_branch(dw), guide(0.2 + dw * 5e-4), 3.2, 2.4, 2.3, 0.025)
    assert loss == pytest.approx(shape_loss_dB("y_branch", wl, dw=dw), abs=0.04)


def test_the_y_branch_at_full_size_and_1550_nm_loses_what_was_published_and_more_at_1310_nm() -> None:
    full = drawn_branch(0.0, scale=1.25)
    at_1550, at_1310 = (loss_dB(wl, full, guide(0.25), 3.2, 2.4, 2.3, 0.025) for wl in (1.55, 1.31))
    assert at_1550 == pytest.approx(data("y_branch")["full_size_1550_dB"], abs=0.03)
    assert at_1550 == pytest.approx(0.13, abs=0.06)
    assert at_1310 > 0.5


def test_loss_of_the_crossing_is_published_at_1310_nm_and_moves_as_the_shape_does() -> None:
    def loss(wl: float, **change: float) -> float:
        return float(-20 * np.log10(np.abs(crossing(wl, **change)["o1", "o3"])))

    assert loss(1.31) == pytest.approx(0.24359, abs=1e-9)
    assert loss(1.26) - loss(1.31) == pytest.approx(0.11, abs=0.02)
    # a higher film makes the device larger in wavelengths, as a shorter wavelength does
    assert loss(1.27, dh=10.0) > loss(1.27) > loss(1.27, dw=-20.0)
    assert loss(1.27, dT=80.0) > loss(1.27)

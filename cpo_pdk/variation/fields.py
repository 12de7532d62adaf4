"""A stationary Gaussian field over a wafer, of variance 1 and autocovariance exp(-r^2 / L^2).

White noise on a grid that belongs to the wafer, convolved with exp(-2 r^2 / L^2), as in SiEPIC's Monte Carlo
(`siepic_tools`, `interconnect.py`). The grid's step is a third of L: summed over it, the product of two kernels at a
distance r is exp(-r^2 / L^2) times a ripple of 5e-10 in each direction (Poisson's summation formula), and kernels are
cut at 3.2 L, where they are 1.3e-9 of their peak. So the autocovariance is the asked one to about 1e-9 without
factorising a covariance, and two dies of one wafer see the same field, wherever and by whom they are asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError
from cpo_pdk.variation.philox import philox
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.streams import key_of, normal_of, seed_of, steps_of

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

STEPS = 3.0
"""Nodes of the grid a correlation length."""

REACH = 3.2
"""Where the kernel ends, in correlation lengths."""

_AT_ONCE = 2_000_000
"""Most nodes that are held at once."""


@dataclass(frozen=True)
class UnitField:
    """A field of variance 1.

    Attributes:
        length_mm: correlation length L.

    Raises:
        ParameterError: a length that is not above 0.
    """

    length_mm: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.length_mm) and self.length_mm > 0):
            raise ParameterError(f"correlation length is {self.length_mm:g} mm, above 0 needed; give a length")

    @property
    def step_mm(self) -> float:
        """Distance of the grid's nodes."""
        return self.length_mm / STEPS

    @property
    def reach_mm(self) -> float:
        """Where the kernel ends."""
        return self.length_mm * REACH

    def first_node(self, low_mm: ArrayLike) -> Whole:
        """Number of the first node (even) that a place sees, along one axis; shape as `low_mm`."""
        return 2 * np.floor((np.asarray(low_mm) - self.reach_mm) / self.step_mm / 2).astype(np.int64)

    def node_count(self, extent_mm: float) -> int:
        """Nodes (an even number) that cover an extent and the kernel on both sides of it, from any `first_node`."""
        return 2 * (math.ceil((extent_mm + 2 * self.reach_mm) / self.step_mm / 2) + 1)

    def weights(self, place_mm: ArrayLike, first: ArrayLike, count: int) -> Real:
        """The kernel along one axis.

        Args:
            place_mm: where the field is asked, shape (...).
            first: first node, shape (...).
            count: of nodes.

        Returns:
            Shape (..., count).
        """
        place, start = np.asarray(place_mm, dtype=np.float64)[..., None], np.asarray(first)[..., None]
        off = (place - (start + np.arange(count)) * self.step_mm) / self.length_mm
        peak = math.sqrt(2 / (STEPS * math.sqrt(math.pi)))  # makes the squares sum up to 1
        return np.where(np.abs(off) <= REACH, peak * np.exp(-2 * off**2), 0.0)

    def nodes(
        self, draw: Draw, cause: str, wafer: Whole, first_x: Whole, first_y: Whole, count: tuple[int, int]
    ) -> Real:
        """White noise on patches of the grid.

        Args:
            draw: seeds and samples (S,).
            cause: name of the stream.
            wafer: numbers of the wafers within their sample, shape (S, ...).
            first_x, first_y: first nodes of the patches, even, shape (S, ...).
            count: nodes along x and along y, even.

        Returns:
            Shape (S, ..., count y, count x).
        """
        if draw.walked:
            found = np.zeros((*wafer.shape, count[1], count[0]))
            for rows, weight, step in steps_of(draw, found.ndim):
                found[rows] += weight * self.nodes(step, cause, wafer[rows], first_x[rows], first_y[rows], count)
            return found
        along_x, along_y = (n // 2 for n in count)
        bits = np.uint64(0xFFFFFFFF)
        x = (first_x[..., None] // 2 + np.arange(along_x)).astype(np.uint64) & bits
        y = (first_y[..., None] // 2 + np.arange(along_y)).astype(np.uint64) & bits
        place = (y[..., :, None] << np.uint64(32)) | x[..., None, :]
        sample = np.asarray(draw.samples, dtype=np.int64).reshape(-1, *(1,) * (wafer.ndim + 1))
        words = philox(place, sample, wafer[..., None, None], 0, key_of(seed_of(draw, cause), cause, "field"))
        # the four words of a counter are a square of two by two nodes
        square = normal_of(words).reshape(*words.shape[:-1], 2, 2)
        return np.moveaxis(square, -2, -3).reshape(*wafer.shape, 2 * along_y, 2 * along_x)

    def at(self, draw: Draw, cause: str, wafer: Whole, x_mm: Real, y_mm: Real) -> Real:
        """The field at any places, each from the nodes around it.

        Args:
            draw: seeds and samples (S,).
            cause: name of the stream; 0 where it is held fixed.
            wafer: numbers of the wafers within their sample, shape (S, G).
            x_mm, y_mm: from the middle of the wafer, shape (S, G, N).

        Returns:
            Shape (S, G, N).
        """
        out = np.zeros(x_mm.shape)
        if cause in draw.fixed:
            return out
        count = self.node_count(0.0)
        portion = max(1, _AT_ONCE // (count * count * max(1, wafer.size)))
        for start in range(0, x_mm.shape[-1], portion):
            some = (..., slice(start, start + portion))
            first = [self.first_node(axis[some]) for axis in (x_mm, y_mm)]
            around = np.broadcast_to(wafer[..., None], first[0].shape)
            noise = self.nodes(draw, cause, around, first[0], first[1], (count, count))
            across, up = (self.weights(axis[some], at, count) for axis, at in zip((x_mm, y_mm), first, strict=True))
            out[some] = np.einsum("sgni,sgnij,sgnj->sgn", up, noise, across, optimize=["einsum_path", (0, 1), (0, 1)])
        return out

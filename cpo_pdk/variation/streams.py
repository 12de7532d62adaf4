"""Random numbers by counter: each one a function of seed, cause, sample and device alone.

Whoever asks, in whatever order and in whatever portions, gets the same number. The key of the generator (`philox`) is
a BLAKE2b hash of seed, cause and purpose; its counter is (index // 4, sample, group, 0), and a number takes word
index % 4 of the four that come out.

A uniform number is (the upper 52 bits + 1/2) / 2^52: never 0 or 1. A normal number is the inverse of the normal
distribution at it, so it ends at 8.21 standard deviations, which 1 number in 2^53 would pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from cpo_pdk.errors import ParameterError
from cpo_pdk.variation.philox import Words, philox
from cpo_pdk.variation.samples import Draw

Real = NDArray[np.float64]

_SHIFT = np.uint64(12)
_STEP = 2.0**-52


def key_of(seed: int, cause: str, purpose: str = "") -> tuple[int, int]:
    """Key of one stream, two words of 64 bits."""
    text = f"{int(seed)}\0{cause}\0{purpose}".encode()
    digest = blake2b(text, digest_size=16, person=b"cpo_pdk streams").digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def seed_of(draw: Draw, cause: str) -> int:
    """The seed that a cause is drawn with."""
    return draw.swapped.get(cause, draw.seed)


def uniform_of(words: Words) -> Real:
    """Uniform numbers between 0 and 1, both excluded, one a word; same shape."""
    return ((words >> _SHIFT).astype(np.float64) + 0.5) * _STEP


def normal_of(words: Words) -> Real:
    """Standard normal numbers, one a word; same shape."""
    return ndtri(uniform_of(words))


def uniforms(draw: Draw, cause: str, index: ArrayLike, purpose: str = "", groups: ArrayLike | None = None) -> Real:
    """Uniform numbers between 0 and 1, both excluded; 0.5 of a cause that is held fixed.

    Args:
        draw: seeds and samples (S,).
        cause: name of the stream, one of `CAUSES` or another.
        index: numbers of the devices, shape (K,), any whole numbers.
        purpose: keeps several streams of one cause apart.
        groups: numbers of what holds the devices (engines, modules), shape (G,).

    Returns:
        Shape (S, K), with `groups` (S, G, K).

    Raises:
        ParameterError: numbers that are not whole, or no list.
    """
    shape = _shape(draw, index, groups)
    if cause in draw.fixed:
        return np.full(shape, 0.5)
    if draw.walked:
        return ndtr(normals(draw, cause, index, purpose, groups))
    return uniform_of(_words(draw, cause, index, purpose, groups))


def normals(draw: Draw, cause: str, index: ArrayLike, purpose: str = "", groups: ArrayLike | None = None) -> Real:
    """Standard normal numbers; 0 of a cause that is held fixed. Arguments, shape and errors as `uniforms`."""
    shape = _shape(draw, index, groups)
    if cause in draw.fixed:
        return np.zeros(shape)
    if draw.walked:
        found = np.zeros(shape)
        for rows, weight, step in steps_of(draw, len(shape)):
            found[rows] += weight * normals(step, cause, index, purpose, groups)
        return found
    return normal_of(_words(draw, cause, index, purpose, groups))


def steps_of(draw: Draw, dimensions: int) -> Iterator[tuple[NDArray[np.int64], Real, Draw]]:
    """The steps that numbers were walked to by: samples that took one, their weights, and the draw of it.

    Args:
        draw: with `walked`.
        dimensions: of the array that weights are to be multiplied with; samples are its first.
    """
    for step in draw.walked:
        rows = np.flatnonzero(step.weight)
        if len(rows):
            yield rows, step.weight[rows].reshape(-1, *(1,) * (dimensions - 1)), Draw(step.seed, step.samples[rows])


def whole(name: str, values: ArrayLike) -> NDArray[np.int64]:
    """A list of whole numbers, shape (K,).

    Raises:
        ParameterError: other numbers, or another shape.
    """
    array = np.asarray(values)
    if array.size == 0 and array.ndim == 1:
        return array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        text = (
            f"{name} is {array.dtype} of shape {array.shape}, whole numbers of shape (K,) needed; give a list of them"
        )
        raise ParameterError(text)
    return array.astype(np.int64)


def _shape(draw: Draw, index: ArrayLike, groups: ArrayLike | None) -> tuple[int, ...]:
    between = () if groups is None else (len(whole("groups", groups)),)
    return (len(whole("samples", draw.samples)), *between, len(whole("index", index)))


def _words(draw: Draw, cause: str, index: ArrayLike, purpose: str, groups: ArrayLike | None) -> Words:
    """One word a number: blocks of four, each computed once."""
    places = whole("index", index)
    samples = whole("samples", draw.samples)
    blocks, where = np.unique(places // 4, return_inverse=True)
    key = key_of(seed_of(draw, cause), cause, purpose)
    if groups is None:
        made = philox(blocks, samples[:, None], 0, 0, key)
    else:
        made = philox(blocks, samples[:, None, None], whole("groups", groups)[:, None], 0, key)
    flat = made.reshape(*made.shape[:-2], 4 * len(blocks))
    taken = where * 4 + places % 4
    if np.array_equal(taken, np.arange(len(taken))):  # most ask for 0 to K: no copy
        return flat[..., : len(taken)]
    return flat[..., taken]

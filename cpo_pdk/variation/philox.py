"""Philox4x64-10: random bits as a function of a counter and a key, for arrays of counters.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. The same
function as `numpy.random.Philox`, which can only walk along its counter; here any set of counters is asked at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Words = NDArray[np.uint64]

ROUNDS = 10
#: counters that are worked on at once: what fits into the cache of a core
BLOCK = 8192
_MULTIPLIERS = (np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157))
_KEY_STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MASK = (1 << 64) - 1


def philox(c0: ArrayLike, c1: ArrayLike, c2: ArrayLike, c3: ArrayLike, key: tuple[int, int]) -> Words:
    """Four words of random bits of every counter.

    Args:
        c0, c1, c2, c3: words of the counters, the lowest first; whole numbers (negative ones modulo 2^64) that
            broadcast to a shape (...).
        key: two words, 0 to 2^64 - 1.

    Returns:
        Words, shape (..., 4).
    """
    words = np.broadcast_arrays(*(np.asarray(c).astype(np.uint64) for c in (c0, c1, c2, c3)))
    shape = words[0].shape
    flat = [word.reshape(-1) for word in words]
    keys = _round_keys(key)
    out = np.empty((flat[0].size, 4), dtype=np.uint64)
    for start in range(0, len(out), BLOCK):
        part = slice(start, start + BLOCK)
        x0, x1, x2, x3 = (word[part] for word in flat)
        for k0, k1 in keys:
            high0, low0 = _product(x0, _MULTIPLIERS[0])
            high1, low1 = _product(x2, _MULTIPLIERS[1])
            x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
        for place, word in enumerate((x0, x1, x2, x3)):
            out[part, place] = word
    return out.reshape(*shape, 4)


def _round_keys(key: tuple[int, int]) -> list[tuple[np.uint64, np.uint64]]:
    """Keys of the rounds: each word grows by its step."""
    return [
        (np.uint64((key[0] + turn * _KEY_STEPS[0]) & _MASK), np.uint64((key[1] + turn * _KEY_STEPS[1]) & _MASK))
        for turn in range(ROUNDS)
    ]


def _product(a: Words, b: np.uint64) -> tuple[Words, Words]:
    """High and low word of the 128 bit product, from products of halves."""
    a_low, a_high = a & _LOW, a >> _HALF
    b_low, b_high = b & _LOW, b >> _HALF
    middle = a_high * b_low + ((a_low * b_low) >> _HALF)
    carry = (middle & _LOW) + a_low * b_high
    return a_high * b_high + (middle >> _HALF) + (carry >> _HALF), a * b

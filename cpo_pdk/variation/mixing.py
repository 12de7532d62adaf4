"""Quantities that vary together: each as a mix of independent ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError

Real = NDArray[np.float64]

_ROUNDING = 1e-12


def mixing(names: Sequence[str], correlation: ArrayLike) -> Real:
    """Lower triangle C with C C^T = correlation (Cholesky); a quantity that others determine gets no part of its own.

    Args:
        names: of the quantities, for messages.
        correlation: matrix, shape (n, n).

    Returns:
        Shape (n, n).

    Raises:
        ParameterError: not symmetric, ones missing on the diagonal, or no correlation that quantities can have (not
            positive definite), naming the entry.
    """
    asked = np.asarray(correlation, dtype=np.float64)
    size = len(names)
    if asked.shape != (size, size):
        raise ParameterError(f"correlation has shape {asked.shape}, {(size, size)} needed for {', '.join(names)}")
    for i in range(size):
        for j in range(i + 1):
            wanted = 1.0 if i == j else asked[j, i]
            if not abs(asked[i, j] - wanted) <= _ROUNDING:
                text = f"correlation of {names[i]} and {names[j]} is {asked[i, j]:g}, {wanted:g} needed; correct it"
                raise ParameterError(text)
    mixed = np.zeros((size, size))
    for i in range(size):
        for j in range(i):
            rest = asked[i, j] - mixed[i, :j] @ mixed[j, :j]
            left = 1.0 - mixed[i, :j] @ mixed[i, :j]
            limit = np.sqrt(max(left, 0.0)) * mixed[j, j]
            if not abs(rest) <= limit + _ROUNDING:
                middle = float(mixed[i, :j] @ mixed[j, :j])
                raise ParameterError(
                    f"correlation of {names[j]} and {names[i]} is {asked[i, j]:g}; with the others as they are "
                    f"{middle - limit:.4g} to {middle + limit:.4g} can be (positive definite); correct one of them"
                )
            mixed[i, j] = rest / mixed[j, j] if mixed[j, j] > 0 else 0.0
        mixed[i, i] = np.sqrt(max(1.0 - mixed[i, :i] @ mixed[i, :i], 0.0))
    return mixed

"""Checks on the S-matrix of one device: finite, and no more light out than in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.errors import ModelError
from cpo_pdk.models.model import GAIN_LIMIT

#: largest singular value of an S-matrix above which it is reported; above the model's `gain_limit` it is refused
REPORTED = 1.0 + 1e-3

SDict = Mapping[tuple[str, str], NDArray[np.complex128]]


def largest_singular_value(matrix: SDict) -> NDArray[np.float64]:
    """Largest singular value of an S-matrix for each wavelength.

    Ports that share no element are independent, so that the matrix falls apart into small blocks; those with one row or
    column, or two of each, have a closed form.

    Args:
        matrix: (port in, port out) -> array, all broadcastable.

    Returns:
        array of the broadcast shape.
    """
    shape = np.broadcast_shapes((1,), *(np.shape(value) for value in matrix.values()))
    largest = np.zeros(shape)
    for block in _blocks(matrix):
        inputs = sorted({pair[0] for pair in block})
        outputs = sorted({pair[1] for pair in block})
        if len(inputs) == 1 or len(outputs) == 1:
            power = sum((np.abs(matrix[pair]) ** 2 for pair in block), np.zeros(1))
            value = np.sqrt(power)
        else:
            full = np.zeros((*shape, len(outputs), len(inputs)), np.complex128)
            for a, b in block:
                full[..., outputs.index(b), inputs.index(a)] = matrix[a, b]
            if len(inputs) == len(outputs) == 2:
                trace = np.sum(np.abs(full) ** 2, axis=(-2, -1))
                determinant = np.abs(full[..., 0, 0] * full[..., 1, 1] - full[..., 0, 1] * full[..., 1, 0])
                root = np.sqrt(np.maximum(trace**2 - 4 * determinant**2, 0.0))
                value = np.sqrt(0.5 * (trace + root))
            else:
                value = np.linalg.norm(full, 2, axis=(-2, -1))
        largest = np.maximum(largest, value)
    return largest


def _blocks(matrix: SDict) -> list[list[tuple[str, str]]]:
    """Groups of elements that share an input or an output with each other."""
    groups: list[tuple[set[str], set[str], list[tuple[str, str]]]] = []
    for pair in sorted(matrix):
        inputs, outputs, members = {pair[0]}, {pair[1]}, [pair]
        rest = []
        for group in groups:
            if pair[0] in group[0] or pair[1] in group[1]:
                inputs |= group[0]
                outputs |= group[1]
                members = group[2] + members
            else:
                rest.append(group)
        groups = [*rest, (inputs, outputs, members)]
    return [group[2] for group in groups]


def check_passive(name: str, matrix: SDict, wl: NDArray[np.float64], gain_limit: float = GAIN_LIMIT) -> str:
    """Refuse a device that answers with NaN or with gain.

    Args:
        name: what to call it in the message.
        matrix: its S-matrix, arrays of shape (..., W).
        wl: um, shape (W,).
        gain_limit: largest singular value that is not refused.

    Returns:
        a warning, empty when there is nothing to say.

    Raises:
        ModelError: a value that is not finite, a singular value above `gain_limit`.
    """
    for (a, b), value in matrix.items():
        finite = np.isfinite(value)
        if not np.all(finite):
            where = np.argwhere(~np.atleast_1d(finite))[0][-1]
            raise ModelError(f"{name}: {a}>{b} is not finite at {_wl(wl, where)} um; check its parameters")
    if not matrix:
        return ""
    sigma = largest_singular_value(matrix)
    worst = float(sigma.max())
    if worst <= REPORTED:
        return ""
    where = int(np.argmax(sigma.reshape(-1, sigma.shape[-1]).max(axis=0)))
    text = f"{name}: more light out than in, singular value {worst:.6f} at {_wl(wl, where)} um"
    if worst > gain_limit:
        raise ModelError(f"{text}, limit {gain_limit:g}; correct the model or its data")
    return f"{text}, should be at most {REPORTED:g}"


def _wl(wl: NDArray[np.float64], index: int) -> str:
    flat = np.atleast_1d(wl).ravel()
    return f"{float(flat[min(int(index), flat.size - 1)]):.6f}"

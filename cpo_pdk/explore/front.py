"""Which points no other point beats, and how much of the space of objectives they cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

#: how far beyond the worst value of an objective the volume begins, as a share of its range
BEYOND = 0.1


def costs(measures: Sequence[Mapping[str, float]], objectives: Mapping[str, str]) -> Real:
    """Objectives as numbers of which less is better, shape (points, objectives).

    Args:
        measures: of each point.
        objectives: measure -> minimize or maximize.
    """
    signs = np.array([1.0 if direction == "minimize" else -1.0 for direction in objectives.values()])
    table = np.array([[one[name] for name in objectives] for one in measures], dtype=float)
    return table.reshape(len(measures), len(objectives)) * signs


def undominated(values: Real) -> NDArray[np.bool_]:
    """Rows that no other row beats: none is as good everywhere and better somewhere. Equal rows all stay.

    Args:
        values: less is better, shape (points, objectives); NaN is beaten by everything.
    """
    clean = np.where(np.isnan(values), np.inf, values)
    no_worse = (clean[:, None, :] <= clean[None, :, :]).all(axis=2)
    better = (clean[:, None, :] < clean[None, :, :]).any(axis=2)
    return ~(no_worse & better).any(axis=0)


def hypervolume(values: Real, reference: Real) -> float:
    """Volume between the rows and a reference point that they are all better than; others count nothing.

    By slices along the last objective, each the volume of those in front of it in one dimension less (Fonseca, Paquete,
    Lopez-Ibanez, CEC 2006, without their tables).

    Args:
        values: less is better, shape (points, objectives).
        reference: shape (objectives,).
    """
    inside = values[(values < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    inside = np.unique(inside[undominated(inside)], axis=0)
    if inside.shape[1] == 1:
        return float(reference[0] - inside[:, 0].min())
    if inside.shape[1] == 2:
        ordered = inside[np.argsort(inside[:, 0])]
        widths = np.append(ordered[1:, 0], reference[0]) - ordered[:, 0]
        return float(np.sum(widths * (reference[1] - ordered[:, 1])))
    ordered = inside[np.argsort(inside[:, -1], kind="stable")]
    depths = np.append(ordered[1:, -1], reference[-1]) - ordered[:, -1]
    return float(
        sum(
            depth * hypervolume(ordered[: number + 1, :-1], reference[:-1])
            for number, depth in enumerate(depths)
            if depth > 0
        )
    )


def scaled(values: Real, ideal: Real, nadir: Real) -> Real:
    """Objectives between their best (0) and worst (1) value; one that is the same everywhere is 0."""
    span = nadir - ideal
    return (values - ideal) / np.where(span > 0, span, 1.0)


def covered(values: Real, ideal: Real, nadir: Real) -> float:
    """Share of the box from the best values to a tenth beyond the worst that the rows cover, 0 to 1.

    Args:
        values: less is better, shape (points, objectives).
        ideal, nadir: best and worst of each objective, shape (objectives,).
    """
    if not len(values):
        return 0.0
    reference = np.full(len(ideal), 1.0 + BEYOND)
    return hypervolume(scaled(values, ideal, nadir), reference) / (1.0 + BEYOND) ** len(ideal)


def widest(values: Real, count: int) -> list[int]:
    """So many rows that together cover the most, each next one the one that adds most.

    Args:
        values: less is better, shape (points, objectives).
        count: how many.
    """
    if len(values) <= count:
        return list(range(len(values)))
    unit = scaled(values, values.min(axis=0), values.max(axis=0))
    reference = np.full(values.shape[1], 1.0 + BEYOND)
    chosen: list[int] = []
    while len(chosen) < count:
        rest = [row for row in range(len(unit)) if row not in chosen]
        chosen.append(max(rest, key=lambda row: (hypervolume(unit[[*chosen, row]], reference), -row)))
    return sorted(chosen)

"""Places side by side on a line, as near to the wanted ones as the room between neighbours and the ends allow."""

from __future__ import annotations

from collections.abc import Sequence


def spread(
    wanted: Sequence[float], distances: Sequence[float] | float, low: float = float("-inf"), high: float = float("inf")
) -> list[float]:
    """Positions at least some distance apart, in the given order, nearest to the wanted ones by least squares.

    Pool-adjacent-violators on the positions less the room of those before them: isotonic regression (Barlow,
    Bartholomew, Bremner and Brunk, Statistical Inference under Order Restrictions, 1972). Bounds clip its result.

    Args:
        wanted: positions in um.
        distances: smallest distance of each from the one before in um, one fewer than positions; or one for all.
        low: smallest position in um.
        high: largest position in um; where there is too little room, the last ones end up beyond it.
    """
    if isinstance(distances, float | int):
        distances = [float(distances)] * (len(wanted) - 1)
    before = [0.0]
    for distance in distances:
        before.append(before[-1] + distance)
    blocks: list[list[float]] = []
    for x, room in zip(wanted, before, strict=False):
        blocks.append([x - room, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            total = blocks[-1][1] + count
            blocks[-1] = [(blocks[-1][0] * blocks[-1][1] + mean * count) / total, total]
    flat = [mean for mean, count in blocks for _ in range(int(count))]
    last = high - before[len(flat) - 1] if flat else high
    return [round(max(low, min(last, x)) + room, 3) for x, room in zip(flat, before, strict=False)]

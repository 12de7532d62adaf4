"""What costs most: the steps of all waterfalls, put together by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from math import fsum

from cpo_pdk.link.results import Cost, LinkLane


def ranking(lanes: Iterable[LinkLane]) -> tuple[Cost, ...]:
    """Cost of every kind of step over all lanes, the one that costs most first.

    A kind that a lane passes more than once is summed up for the lane. Gains (light that comes back into the lane by a
    second path) count as negative costs.

    Args:
        lanes: with their waterfalls.
    """
    rows: list[dict[str, float]] = []
    for lane in lanes:
        row: dict[str, float] = defaultdict(float)
        for step in lane.steps:
            if step.kind != "source":
                row[step.name] -= step.change_dB
        rows.append(row)
    if not rows:
        return ()
    names = {name for row in rows for name in row}
    means = {name: fsum(row.get(name, 0.0) for row in rows) / len(rows) for name in names}
    total = fsum(means.values())
    costs = [
        Cost(name, mean, max(row.get(name, 0.0) for row in rows), mean / total if total else 0.0)
        for name, mean in means.items()
    ]
    return tuple(sorted(costs, key=lambda cost: (-cost.mean_dB, cost.name)))

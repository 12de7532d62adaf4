"""From findings to violations: what belongs together becomes one, in the deepest cell that has all of it.

The same fault in every instance of a cell is one violation of that cell, with the number of places in its message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import klayout.db as kdb

from cpo_pdk.verify.process_layers import Finding

#: findings nearer than this are one, dbu
TOGETHER = 2
#: more findings of one rule than this are not told apart any more
FINDING_LIMIT = 20_000
#: shapes around a finding that are looked at to find its cell
SHAPE_LIMIT = 64


def cluster(findings: Iterable[Finding]) -> list[Finding]:
    """Findings whose boxes touch as one, with the smallest value and the box around all.

    Past `FINDING_LIMIT` findings the rest is taken as one finding, which says so.
    """
    taken: list[Finding] = []
    rest: list[Finding] = []
    for finding in findings:
        (taken if len(taken) < FINDING_LIMIT else rest).append(finding)
    taken.sort(key=lambda f: (f.box.left, f.box.bottom, f.box.right, f.box.top))
    leader = list(range(len(taken)))

    def root(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    open_now: list[int] = []
    for i, finding in enumerate(taken):
        near = finding.box.enlarged(TOGETHER, TOGETHER)
        open_now = [j for j in open_now if taken[j].box.right >= near.left]
        for j in open_now:
            if _alike(taken[j], finding) and near.touches(taken[j].box):
                leader[root(i)] = root(j)
        open_now.append(i)
    groups: dict[int, list[Finding]] = {}
    for i, finding in enumerate(taken):
        groups.setdefault(root(i), []).append(finding)
    merged = [_together(group) for group in groups.values()]
    if rest:
        merged.append(replace(_together(rest), note=f"and {len(rest)} more", places=len(rest)))
    return merged


def _alike(a: Finding, b: Finding) -> bool:
    return (a.note, a.places, a.cell) == (b.note, b.places, b.cell)


def _together(group: Sequence[Finding]) -> Finding:
    box = kdb.Box()
    for finding in group:
        box += finding.box
    values = [f.value for f in group if f.value is not None]
    return replace(group[0], box=box, value=min(values) if values else None)


def deepest_cell(layout: kdb.Layout, top: kdb.Cell, layers: Sequence[int], box: kdb.Box) -> tuple[kdb.Cell, kdb.Box]:
    """The deepest cell that holds all shapes of `layers` around a box, and the box in its coordinates.

    Args:
        layout, top: `box` is in the coordinates of `top`, dbu.
        layers: layer indices.
        box: where the finding is.

    Returns:
        `top` itself when shapes of several branches of the hierarchy meet there.
    """
    cell, to_top = top, kdb.ICplxTrans()
    for element in deepest_path(layout, top, layers, box):
        cell, to_top = layout.cell(element.inst().cell_index), to_top * element.specific_cplx_trans()
    return cell, box.transformed(to_top.inverted())


def deepest_path(layout: kdb.Layout, top: kdb.Cell, layers: Sequence[int], box: kdb.Box) -> list[kdb.InstElement]:
    """The way from `top` down to `deepest_cell`; empty when that is `top` itself."""
    around = kdb.RecursiveShapeIterator(layout, top, list(layers), box, False)
    common: list[kdb.InstElement] | None = None
    seen = 0
    while not around.at_end():
        polygon = around.shape().polygon
        if polygon is not None and polygon.transformed(around.trans()).touches(box):
            path = around.path()
            common = path if common is None else _shared(common, path)
            seen += 1
            if not common or seen > SHAPE_LIMIT:
                return []
        around.next()
    return common or []


def _shared(a: list[kdb.InstElement], b: list[kdb.InstElement]) -> list[kdb.InstElement]:
    shared: list[kdb.InstElement] = []
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        shared.append(x)
    return shared

"""Which sources of a package are mirror images of each other, found on the cells: what one does tells what all do.

Nothing is taken for granted from the drawing: grid, conductivities and films are compared with their mirror images, and
a source counts as the image of another only when its boxes are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cpo_pdk.thermal.conduction import Conduction
from cpo_pdk.thermal.floor_plan import Source
from cpo_pdk.thermal.grid import Grid, Real
from cpo_pdk.thermal.layers import Rect
from cpo_pdk.thermal.painting import Painted

#: planes and boxes that differ by less lie in the same place, um; numbers that differ by less are equal, relative
PLACE_UM, EQUAL = 1e-3, 1e-6

Mirror = tuple[bool, bool]
"""Whether x, and whether y, is turned round the middle of the grid; both: half a turn."""


def mirrors_of(grid: Grid, paint: Painted, conduction: Conduction) -> tuple[Mirror, ...]:
    """The mirrors that leave the package as it is.

    Args:
        grid, paint, conduction: of the package.
    """
    arrays = (paint.lateral, paint.vertical, paint.void.astype(float), conduction.film_W_K)
    found = []
    for mirror in ((True, False), (False, True), (True, True)):
        edges = [axis for axis, turned in zip((grid.x, grid.y), mirror, strict=True) if turned]
        if all(np.allclose(axis, axis[0] + axis[-1] - axis[::-1], rtol=0, atol=PLACE_UM) for axis in edges) and all(
            np.allclose(array, turned(array, mirror), rtol=EQUAL, atol=0) for array in arrays
        ):
            found.append(mirror)
    return tuple(found)


def turned(cells: Real, mirror: Mirror) -> Real:
    """The mirror image of cells, (..., ny, nx); a view."""
    return cells[..., :: -1 if mirror[1] else 1, :: -1 if mirror[0] else 1]


def image_of(source: Source, mirror: Mirror, grid: Grid, sources: Sequence[Source]) -> Source | None:
    """The source that another one becomes in a mirror; None where it becomes none.

    Args:
        source: any.
        mirror: one that leaves the package as it is.
        grid: of the package.
        sources: all.
    """
    boxes = sorted(_turned_box(box, mirror, grid) for box in source.boxes)
    for other in sources:
        if len(other.boxes) == len(boxes) and np.allclose(other.span, source.span, rtol=0, atol=PLACE_UM):
            placed = sorted(other.boxes)
            if np.allclose(placed, boxes, rtol=0, atol=PLACE_UM):
                return other
    return None


def _turned_box(box: Rect, mirror: Mirror, grid: Grid) -> Rect:
    left, low, right, high = box
    if mirror[0]:
        both = float(grid.x[0] + grid.x[-1])
        left, right = both - right, both - left
    if mirror[1]:
        both = float(grid.y[0] + grid.y[-1])
        low, high = both - high, both - low
    return left, low, right, high

"""Rule kind `bend_radius`: curves whose centre line turns tighter than the limit, measured on the outline."""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.outline import contours
from cpo_pdk.verify.photonic.curvature import tight_bends
from cpo_pdk.verify.process_layers import Finding, ProcessLayers


def bend_radius(layers: ProcessLayers, rule: Rule) -> Iterator[Finding]:
    """Curves whose centre line turns tighter than the limit."""
    for shape, to_top, places in layers.distinct(layers.region(rule.layers[0], alone=True)):
        if shape.polygon.num_points() < 8:
            continue
        loops = [points * layers.dbu for points in contours(shape.polygon)]
        for bend in tight_bends(loops, rule.value, rule.half_width):
            box = kdb.DBox(*bend.box).to_itype(layers.dbu)
            yield Finding(box.transformed(to_top), bend.radius, places)

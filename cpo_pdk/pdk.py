"""The process with all its cells as a gdsfactory PDK.

`cpo_pdk.PDK.activate()` makes the cells usable in any gdsfactory script.
"""

from __future__ import annotations

from cpo_pdk.components import CELLS
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.process import CROSS_SECTIONS, LAYER, layer_views
from cpo_pdk.tech.stack import layer_stack

PDK = gf.Pdk(
    name="cpo_pdk",
    layers=LAYER,
    cross_sections=CROSS_SECTIONS,
    cells=dict(CELLS),
    layer_stack=layer_stack(),
    layer_views=layer_views(),
)

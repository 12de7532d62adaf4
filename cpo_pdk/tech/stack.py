"""The layer stack: what is drawn on each layer, how high and of what, as gdsfactory's `LayerStack`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from cpo_pdk.tech.gdsfactory_safe import LayerLevel, LayerStack, LogicalLayer
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.materials import MATERIALS

DATA = Path(__file__).parent / "data" / "stack.yaml"


@cache
def layer_stack() -> LayerStack:
    """The stack of `data/stack.yaml`; heights in um above the buried oxide.

    Raises:
        KeyError: when the data names a layer or material that does not exist.
    """
    raw = yaml.safe_load(DATA.read_text(encoding="utf-8"))["levels"]
    levels = {}
    for name, level in raw.items():
        levels[name] = LayerLevel(
            name=name,
            layer=LogicalLayer(layer=layer_of(level["layer"])),
            zmin=level["zmin"],
            thickness=level["thickness"],
            material=MATERIALS[level["material"]].name,
            mesh_order=level["order"],
        )
    return LayerStack(layers=levels)

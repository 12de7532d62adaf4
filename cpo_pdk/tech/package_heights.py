"""How high the parts of a package are: the numbers of `data/package_heights.yaml`, and the photonic die's own stack.

Free of gdsfactory; layouts have no third dimension, so every z in a hand-over file comes from here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class PackageHeights:
    """Heights in um, named as in the data, which says where each comes from.

    Of the photonic die, from its bottom: `pic_box` (bottom of the buried oxide), `pic_core` (middle of the waveguides),
    `pic_top` (top metal), and `bump`, the height of the pillars between it and the electronic die.
    """

    substrate_thickness: float
    interposer_standoff: float
    interposer_thickness: float
    carrier_standoff: float
    carrier_thickness: float
    asic_standoff: float
    asic_thickness: float
    engine_standoff: float
    eic_thickness: float
    ribbon_layer_pitch: float
    rise_radius: float
    connector_height: float
    connector_row_pitch: float
    lid_gap: float
    lid_roof: float
    coldplate_thickness: float
    stiffener_height: float
    socket_depth: float
    socket_rim: float
    capacitors_height: float
    overpass_height: float
    pic_box: float
    pic_core: float
    pic_top: float
    bump: float


@cache
def package_heights() -> PackageHeights:
    """The heights; raises `KeyError` or `ValueError` when the data lacks one, or a reason for one."""
    table = height_entries()
    levels = yaml.safe_load((_DATA / "stack.yaml").read_text(encoding="utf-8"))["levels"]
    bottom = levels["substrate"]["zmin"]
    own = {
        "pic_box": levels["box"]["zmin"] - bottom,
        "pic_core": levels["core"]["zmin"] + levels["core"]["thickness"] / 2 - bottom,
        "pic_top": levels["metal2"]["zmin"] + levels["metal2"]["thickness"] - bottom,
        "bump": levels["bump"]["thickness"],
    }
    values = {name: float(entry["um"]) for name, entry in table.items()} | own
    return PackageHeights(**{field.name: values[field.name] for field in fields(PackageHeights)})


def height_entries() -> dict[str, dict[str, Any]]:
    """The table as it is written: `um` and `source`, or `um`, `choice` and `reason`.

    Raises:
        ValueError: an entry without a number, or with neither source nor reason.
    """
    table = yaml.safe_load((_DATA / "package_heights.yaml").read_text(encoding="utf-8"))
    for name, entry in table.items():
        if not {"um", "source", "choice", "reason"}.issuperset(entry):
            raise ValueError(
                f"package_heights.yaml: {name} says more than um, source, choice and reason; put it in quotes"
            )
        if not entry["um"] > 0:
            raise ValueError(f"package_heights.yaml: {name} is {entry['um']} um, must be above 0")
        if not entry.get("source") and not (entry.get("choice") is True and entry.get("reason")):
            raise ValueError(f"package_heights.yaml: {name} has neither a source nor a choice with its reason")
    return table

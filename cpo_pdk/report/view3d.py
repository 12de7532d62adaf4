"""The package in space for the page: the file that the viewer reads, and its script."""

from __future__ import annotations

import base64
from pathlib import Path

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.errors import LayoutError
from cpo_pdk.handover.glb import glb_bytes
from cpo_pdk.handover.reading import read_package


def embedded_glb(layout: LayoutFile | Path) -> str:
    """The package as a GLB file in Base64, fibres as lines: what the viewer of the page makes tubes of.

    Args:
        layout: of the package or engine.

    Returns:
        the text; empty when the layout holds neither a die nor a substrate, so that there is nothing to show.
    """
    try:
        package = read_package(layout)
    except LayoutError:
        return ""
    return base64.b64encode(glb_bytes(package, tubes=False)).decode()

"""The scene as the JSON that the viewer of the page draws: whole nanometres, each outline as a start and steps."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.report.pictures import OPACITY, drawing_order
from cpo_pdk.report.scene import Scene
from cpo_pdk.tech.layers import LAYERS


def viewer_data(scene: Scene) -> dict[str, Any]:
    """Layers from the bottom up, and cells by number with outlines, placements and box; lengths in nm."""
    layers = drawing_order(scene.layers())
    numbers = {name: index for index, name in enumerate(scene.cells)}
    return {
        "layers": [
            {"name": n, "color": LAYERS[n].color, "opacity": OPACITY.get(n, 0.9), "about": LAYERS[n].purpose}
            for n in layers
        ],
        "top": numbers[scene.top],
        "cells": [
            {
                "name": cell.name,
                "box": [_nm(v) for v in cell.box],
                "shapes": {str(layers.index(n)): [_steps(o) for o in found] for n, found in cell.outlines.items()},
                "placed": [
                    [
                        numbers[p.cell], _nm(p.x), _nm(p.y), round(p.angle, 6), int(p.mirror), p.name,
                        p.columns, p.rows, *(_nm(v) for v in (*p.step_a, *p.step_b)),
                    ]
                    for p in cell.placements
                ],
            }
            for cell in scene.cells.values()
        ],
    }  # fmt: skip


def embedded_json(document: object) -> str:
    """JSON that is safe inside `<script type="application/json">`, whatever the names in it are."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _nm(um: float) -> int:
    return round(um * 1000)


def _steps(outline: NDArray[np.float64]) -> list[int]:
    points = np.rint(outline * 1000).astype(np.int64)
    return [int(v) for v in np.concatenate([points[:1], np.diff(points, axis=0)]).ravel()]

"""The package in space as glTF: one group of nodes a layer, each part under its own name."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cpo_pdk.handover.gltf import LINES, GltfFile
from cpo_pdk.handover.meshes import prism, tube
from cpo_pdk.handover.parts import Fibre, Package, Points, Solid
from cpo_pdk.tech.layers import LAYERS

_MM = 1e-3
_CLEAR = 0.28
#: what is only marked in space: layers of solids that others stand on or in
_OPACITY = {"LID": _CLEAR, "COLDPLATE": _CLEAR}
#: paler than the others on a light page: substrate and dies get the colours of their materials
COLORS = {"SUBSTRATE": "#5d8a66", "FLOORPLAN": "#8fa3b8", "ASIC": "#5f6f7a", "CARRIER": "#8bb04f", "LID": "#b08d57"}


def glb_bytes(package: Package, tubes: bool = True) -> bytes:
    """The package as a GLB file, in metres with y upwards.

    Args:
        package: what to show.
        tubes: fibres as closed tubes, a node each. Otherwise as lines, a node a layer, whose `extras` hold the names,
            the number of points of each fibre and the width in mm: a tenth of the size, for a viewer that makes the
            tubes itself.
    """
    file = GltfFile(package.name)
    groups: dict[str, list[Solid]] = {}
    for solid in package.solids:
        groups.setdefault(solid.group, []).append(solid)
    for layer, solids in groups.items():
        clear = any(solid.clear for solid in solids)
        material = file.material(layer, color_of(layer), _OPACITY.get(layer, 1.0))
        group = file.node(layer, extras=_about(layer, clear))
        for solid in solids:
            mesh = prism(solid)
            if not len(mesh.triangles):  # an outline that no triangle fits in
                continue
            number = file.mesh(solid.name, mesh.corners * _MM, mesh.triangles, material)
            file.node(solid.name, group, number)
    for layer, fibres in _by_layer(package.fibres):
        material = file.material(layer, color_of(layer))
        if tubes:
            group = file.node(layer, extras=_about(layer))
            for fibre in fibres:
                mesh = tube(fibre)
                number = file.mesh(fibre.name, mesh.corners * _MM, mesh.triangles, material)
                file.node(fibre.name, group, number)
        else:
            extras = {
                "names": [f.name for f in fibres],
                "counts": [len(f.path) for f in fibres],
                "width_mm": round(fibres[0].width * _MM, 4),
            }
            lines = [f.path for f in fibres]
            number = file.mesh(layer, np.concatenate(lines) * _MM, _segments(lines), material, LINES)
            file.node(layer, mesh=number, extras=_about(layer) | extras)
    if len(package.airwires):
        material = file.material("AIRWIRE", color_of("AIRWIRE"))
        lines = list(_airwires(package))
        number = file.mesh("AIRWIRE", np.concatenate(lines) * _MM, _segments(lines), material, LINES)
        file.node("AIRWIRE", mesh=number, extras=_about("AIRWIRE"))
    return file.to_bytes()


def color_of(layer: str) -> str:
    """Colour of a layer in space, #rrggbb."""
    return COLORS.get(layer) or LAYERS[layer].color


def _about(layer: str, clear: bool = False) -> dict[str, object]:
    about: dict[str, object] = {"layer": layer, "about": LAYERS[layer].purpose}
    return about | {"clear": True} if clear else about


def _by_layer(fibres: tuple[Fibre, ...]) -> Iterator[tuple[str, list[Fibre]]]:
    for layer in sorted({f.layer for f in fibres}, key=list(LAYERS).index):
        yield layer, [f for f in fibres if f.layer == layer]


def _segments(lines: list[Points]) -> Points:
    """Pairs of point numbers of lines whose points follow each other."""
    starts = np.concatenate([[0], np.cumsum([len(line) for line in lines])[:-1]])
    parts = [start + np.arange(len(line) - 1) for start, line in zip(starts, lines, strict=True)]
    first = np.concatenate(parts)
    return np.stack([first, first + 1], 1)


def _airwires(package: Package) -> Iterator[Points]:
    """Lines just above the surface that the dies stand on: where the traces would be."""
    bottoms = [p.bottom for p in package.placed if p.die.kind == "asic"] or [0.0]
    for ends in package.airwires:
        yield np.column_stack([ends, np.full(2, min(bottoms) - 30.0)])

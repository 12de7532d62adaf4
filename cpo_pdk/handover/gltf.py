"""A glTF 2.0 binary file (GLB), put together piece by piece; the same pieces give the same bytes."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.version import __version__

TRIANGLES, LINES = 4, 1
#: mm, z upwards, to metres, y upwards, as glTF has it (column by column)
_TO_GLTF = [1e-3, 0, 0, 0, 0, 0, -1e-3, 0, 0, 1e-3, 0, 0, 0, 0, 0, 1]
_FLOAT, _SHORT, _INT = 5126, 5123, 5125
_CORNERS, _INDICES = 34962, 34963


@dataclass
class GltfFile:
    """The file as it grows. Lengths go in as mm with z upwards.

    Attributes:
        name: of the scene.
    """

    name: str
    _nodes: list[dict[str, Any]] = field(default_factory=list)
    _meshes: list[dict[str, Any]] = field(default_factory=list)
    _materials: list[dict[str, Any]] = field(default_factory=list)
    _accessors: list[dict[str, Any]] = field(default_factory=list)
    _views: list[dict[str, Any]] = field(default_factory=list)
    _data: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._nodes.append({"name": self.name, "matrix": _TO_GLTF, "children": []})

    def material(self, name: str, color: str, opacity: float = 1.0) -> int:
        """Number of a new material; colour as #rrggbb in sRGB."""
        red, green, blue = (int(color[k : k + 2], 16) / 255 for k in (1, 3, 5))
        linear = [round(v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4, 5) for v in (red, green, blue)]
        found: dict[str, Any] = {
            "name": name,
            "pbrMetallicRoughness": {
                "baseColorFactor": [*linear, opacity],
                "metallicFactor": 0.1,
                "roughnessFactor": 0.6,
            },
        }
        if opacity < 1:
            found["alphaMode"] = "BLEND"
            found["doubleSided"] = True
        self._materials.append(found)
        return len(self._materials) - 1

    def mesh(
        self, name: str, corners: NDArray[Any], indices: NDArray[Any], material: int, mode: int = TRIANGLES
    ) -> int:
        """Number of a new mesh.

        Args:
            name: of the mesh.
            corners: mm, shape (N, 3).
            indices: of corners, any shape, in the order of the file.
            material: its number.
            mode: TRIANGLES or LINES.
        """
        places = np.ascontiguousarray(corners, dtype="<f4")
        numbers = np.ascontiguousarray(indices, dtype="<u2" if len(places) < 65536 else "<u4").ravel()
        position = self._accessor(places.tobytes(), _CORNERS, _FLOAT, "VEC3", len(places))
        self._accessors[position] |= {"min": places.min(axis=0).tolist(), "max": places.max(axis=0).tolist()}
        kind = _SHORT if numbers.itemsize == 2 else _INT
        index = self._accessor(numbers.tobytes(), _INDICES, kind, "SCALAR", len(numbers))
        part = {"attributes": {"POSITION": position}, "indices": index, "material": material, "mode": mode}
        self._meshes.append({"name": name, "primitives": [part]})
        return len(self._meshes) - 1

    def node(self, name: str, parent: int = 0, mesh: int | None = None, extras: dict[str, Any] | None = None) -> int:
        """Number of a new node below `parent`."""
        made: dict[str, Any] = {"name": name}
        if mesh is not None:
            made["mesh"] = mesh
        if extras:
            made["extras"] = extras
        self._nodes.append(made)
        number = len(self._nodes) - 1
        self._nodes[parent].setdefault("children", []).append(number)
        return number

    def _accessor(self, data: bytes, target: int, kind: int, shape: str, count: int) -> int:
        self._data += bytes(-len(self._data) % 4)
        self._views.append({"buffer": 0, "byteOffset": len(self._data), "byteLength": len(data), "target": target})
        self._data += data
        self._accessors.append(
            {"bufferView": len(self._views) - 1, "componentType": kind, "count": count, "type": shape}
        )
        return len(self._accessors) - 1

    def to_bytes(self) -> bytes:
        """The file."""
        self._data += bytes(-len(self._data) % 4)
        document = {
            "asset": {"version": "2.0", "generator": f"cpo_pdk {__version__}"},
            "scene": 0,
            "scenes": [{"name": self.name, "nodes": [0]}],
            "nodes": self._nodes,
            "meshes": self._meshes,
            "materials": self._materials,
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": len(self._data)}],
        }
        kept = {key: value for key, value in document.items() if value != [] and value != [{"byteLength": 0}]}
        text = json.dumps(kept, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        if self._data:
            chunks += struct.pack("<I4s", len(self._data), b"BIN\0") + bytes(self._data)
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks

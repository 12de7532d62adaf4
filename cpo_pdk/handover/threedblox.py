"""The package as 3Dblox: what is stacked on what, where, how high, and every bump; for package tools.

Keys are those that OpenROAD's reader of 3Dblox knows (its odb library, 2025): `.3dbv` defines chiplets, `.3dbx` places
them, `.bmap` lists bumps (instance, cell, x, y, port, net). `loc` and `z` are the lowest corner of what is placed. A
die that faces down is mirrored in z only, so x and y stay those of the drawing, seen from above.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import klayout.db as kdb
import numpy as np
import yaml

from cpo_pdk.handover.names import PlainNames, plain_name
from cpo_pdk.handover.parts import Die, Package, PlacedDie, Solid
from cpo_pdk.tech.package_heights import package_heights

_VERSION = "2.5"
_PRECISION = 1000
_TECH = "bumps_tech.lef"
_LIBRARY = "bumps.lef"
_LAYER = "BUMPPAD"
#: a port lies on a bump when it is this close to its centre, um
_ON_BUMP = 1.0
#: KLayout's simple transformations -> orientation (rotation after a mirror at the x axis)
_ORIENT = ("R0", "R90", "R180", "R270", "MX", "MX_R90", "MY", "MY_R90")
_BOARDS = ("SUBSTRATE", "INTERPOSER", "CARRIER")


def threedblox_files(package: Package) -> dict[str, str]:
    """File name -> text of all files of the set.

    Args:
        package: what to describe.
    """
    name = plain_name(package.name)
    names = PlainNames()
    files, definitions = {}, {}
    cells: dict[str, tuple[float, float]] = {}
    boards = [solid for solid in package.solids if solid.group in _BOARDS]
    for solid in boards:
        definitions[names.of(_board_kind(solid))] = _board(solid)
    for die in package.dies:
        for part in ("", "_eic") if die.eic is not None else ("",):
            chiplet = names.of(die.name + part)
            bump_file = f"{chiplet}.bmap"
            definitions[chiplet] = _chiplet(die, part, bump_file if len(die.bumps) else "")
            if len(die.bumps):
                files[bump_file] = _bump_map(die, _corner(die, part), cells)
    instances, stack, connections = _placed(package, boards, names)
    header = {"version": _VERSION, "unit": "micron", "precision": _PRECISION}
    files[f"{name}.3dbv"] = _yaml({"Header": header, "ChipletDef": definitions})
    files[f"{name}.3dbx"] = _yaml(
        {
            "Header": {**header, "include": [f"{name}.3dbv"]},
            "Design": {"name": name},
            "ChipletInst": instances,
            "Stack": stack,
            "Connection": connections,
        }
    )
    files[_TECH], files[_LIBRARY] = _lef(cells)
    return dict(sorted(files.items()))


def bump_name(size: tuple[float, float]) -> str:
    """Name of the cell of a bump of this width and height, um: `BUMP_18`, `BUMP_20x30`."""
    width, height = (f"{v:g}".replace(".", "p") for v in size)
    return f"BUMP_{width}" if width == height else f"BUMP_{width}x{height}"


def ports_on_bumps(die: Die) -> dict[int, str]:
    """Number of a bump -> name of the port or lane that it is."""
    terminals = [t for t in die.terminals if t.kind != "optical"]
    if not terminals or not len(die.bumps):
        return {}
    places: dict[tuple[int, int], list[int]] = {}
    for number, (x, y) in enumerate(die.bumps[:, :2].tolist()):
        places.setdefault((math.floor(x / 10), math.floor(y / 10)), []).append(number)
    found: dict[int, str] = {}
    for terminal in terminals:
        column, row = math.floor(terminal.x / 10), math.floor(terminal.y / 10)
        near = [n for i in (-1, 0, 1) for j in (-1, 0, 1) for n in places.get((column + i, row + j), ())]
        for number in near:
            if math.dist(die.bumps[number, :2], (terminal.x, terminal.y)) <= _ON_BUMP:
                found.setdefault(number, terminal.name)
                break
    return found


def _corner(die: Die, part: str) -> tuple[float, float, float, float]:
    return die.eic if part and die.eic is not None else die.outline


def _chiplet(die: Die, part: str, bump_file: str) -> dict[str, Any]:
    left, low, right, high = _corner(die, part)
    heights = package_heights()
    asic = die.kind == "asic"
    thickness = heights.asic_thickness if asic else heights.eic_thickness if part else heights.pic_top
    found: dict[str, Any] = {
        "type": "die",
        "design_area": [_um(right - left), _um(high - low)],
        "shrink": 1,
        "tsv": not asic and not part,
        "thickness": thickness,
        "regions": _regions(right - left, high - low, bump_file),
    }
    if bump_file:
        found["external"] = {"APR_tech_file": [_TECH], "LEF_file": [_LIBRARY]}
    return found


def _board_kind(solid: Solid) -> str:
    """Boards of one layer and size are one chiplet."""
    width, height = np.ptp(solid.outline, axis=0)
    return f"{solid.group.lower()}_{_um(width):g}x{_um(height):g}"


def _board(solid: Solid) -> dict[str, Any]:
    (left, low), (right, high) = solid.outline.min(axis=0), solid.outline.max(axis=0)
    return {
        "type": "substrate",
        "design_area": [_um(right - left), _um(high - low)],
        "shrink": 1,
        "tsv": False,
        "thickness": _um(solid.top - solid.bottom),
        "regions": _regions(right - left, high - low, ""),
    }


def _regions(width: float, height: float, bump_file: str) -> dict[str, Any]:
    corners = [[0.0, 0.0], [_um(width), 0.0], [_um(width), _um(height)], [0.0, _um(height)]]
    front: dict[str, Any] = {"side": "front", "coords": corners}
    if bump_file:
        front["bmap"] = bump_file
    return {"front": front, "back": {"side": "back", "coords": [list(c) for c in corners]}}


def _bump_map(die: Die, outline: tuple[float, float, float, float], cells: dict[str, tuple[float, float]]) -> str:
    ports = ports_on_bumps(die)
    lines = ["# bumpInstName bumpCellType x y portName netName"]
    for number, (x, y, width, height) in enumerate(np.round(die.bumps, 3).tolist()):
        size = (width, height)
        cells.setdefault(bump_name(size), size)
        port = plain_name(ports[number]) if number in ports else "-"
        place = f"{x - outline[0]:.3f} {y - outline[1]:.3f}"
        lines.append(f"b{number + 1} {bump_name(size)} {place} {port} {port}")
    return "\n".join(lines) + "\n"


def _placed(
    package: Package, boards: list[Solid], names: PlainNames
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Instances, their places, and which face lies on which."""
    instances: dict[str, Any] = {}
    stack: dict[str, Any] = {}
    connections: dict[str, Any] = {}
    own = PlainNames()

    def add(name: str, reference: str, corner: tuple[float, float, float], orient: str) -> str:
        instance = own.of(name)
        instances[instance] = {"reference": reference}
        stack[instance] = {"loc": [_um(corner[0]), _um(corner[1])], "z": _um(corner[2]), "orient": orient}
        return instance

    def connect(top: str, face: str, bottom: str, other: str, gap: float) -> None:
        connections[f"{top}_on_{bottom}"] = {
            "top": f"{top}.regions.{face}",
            "bot": f"{bottom}.regions.{other}",
            "thickness": _um(gap),
        }

    board_names: list[tuple[Solid, str]] = []
    for solid in boards:
        low = solid.outline.min(axis=0)
        instance = add(solid.name, names.of(_board_kind(solid)), (low[0], low[1], solid.bottom), "R0")
        below = _below(board_names, solid.outline.mean(axis=0), solid.bottom)
        if below is not None:
            connect(instance, "back", below[1], "front", solid.bottom - below[0].top)
        board_names.append((solid, instance))
    heights = package_heights()
    for placed in package.placed:
        die, orient = placed.die, _orientation(placed)
        left, low, _, _ = placed.box(die.outline)
        flipped = die.kind == "asic"
        turned = _face_down(orient) if flipped else orient
        instance = add(placed.name, names.of(die.name), (left, low, placed.bottom), turned)
        center = kdb.DBox(*placed.box(die.outline)).center()
        below = _below(board_names, np.array([center.x, center.y]), placed.bottom)
        if below is not None:
            gap = placed.bottom - below[0].top
            connect(instance, "front" if flipped else "back", below[1], "front", gap)
        if die.eic is not None:
            left, low, _, _ = placed.box(die.eic)
            z = placed.bottom + heights.pic_top + heights.bump
            on_top = add(f"{placed.name}_eic", names.of(f"{die.name}_eic"), (left, low, z), _face_down(orient))
            connect(on_top, "front", instance, "front", heights.bump)
    return instances, stack, connections


def _below(boards: list[tuple[Solid, str]], place: Any, bottom: float) -> tuple[Solid, str] | None:
    """The highest board below a place."""
    under = [
        (solid.top, number)
        for number, (solid, _) in enumerate(boards)
        if solid.top <= bottom + 1e-6
        and np.all(solid.outline.min(axis=0) <= place)
        and np.all(place <= solid.outline.max(axis=0))
    ]
    return boards[max(under)[1]] if under else None


def _orientation(placed: PlacedDie) -> str:
    return _ORIENT[placed.trans.s_trans().rot % 8 if placed.trans.is_ortho() else 0]


def _face_down(orient: str) -> str:
    return "MZ" if orient == "R0" else f"MZ_{orient}"


def _lef(cells: dict[str, tuple[float, float]]) -> tuple[str, str]:
    """A technology with one layer, and the cells of the bumps."""
    units = f"VERSION 5.8 ;\nUNITS\n  DATABASE MICRONS {_PRECISION} ;\nEND UNITS\n"
    tech = (
        f"{units}MANUFACTURINGGRID 0.001 ;\nLAYER {_LAYER}\n  TYPE ROUTING ;\n  DIRECTION HORIZONTAL ;\n  PITCH 40 ;\n"
        f"  WIDTH 10 ;\nEND {_LAYER}\nEND LIBRARY\n"
    )
    return tech, "".join(["VERSION 5.8 ;\n", *_macros(cells), "END LIBRARY\n"])


def _macros(cells: dict[str, tuple[float, float]]) -> Iterator[str]:
    for name, (width, height) in sorted(cells.items()):
        yield (
            f"MACRO {name}\n  CLASS COVER BUMP ;\n  ORIGIN 0 0 ;\n  SIZE {width:g} BY {height:g} ;\n"
            f"  PIN PAD\n    DIRECTION INOUT ;\n    USE SIGNAL ;\n    PORT\n      LAYER {_LAYER} ;\n"
            f"        RECT 0 0 {width:g} {height:g} ;\n    END\n  END PAD\nEND {name}\n"
        )


def _um(value: float) -> float:
    return round(float(value), 3) + 0.0


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=120)

"""The catalogue of devices: what each sheet draws, and what its model says of the drawing.

The drawing is written as GDS and read back; ports and layers are those of the file, and the spectra are those of the
netlist that is extracted from it, bound by the rules that hold for every layout.
"""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cpo_pdk.assemblies.writing import write_gds
from cpo_pdk.catalog.physics import physics_of
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.components import CELLS
from cpo_pdk.components.describe import arguments_of, diagram_of, summary_of
from cpo_pdk.errors import CpoError, InputError
from cpo_pdk.models import MODELS
from cpo_pdk.report.gallery_data import Argument, Device, LayerLine, NumberLine, PortLine
from cpo_pdk.report.scene import read_scene
from cpo_pdk.spec import Sheet, data_folder, load_sheets
from cpo_pdk.spec.sheet import Parameter
from cpo_pdk.spec.suggestions import did_you_mean
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import LAYERS

#: module of a cell -> heading of the gallery, in the order of the page
GROUPS = {
    "waveguides": "waveguides",
    "spirals": "waveguides",
    "edge_couplers": "light on and off the chip",
    "gratings": "light on and off the chip",
    "couplers": "light on and off the chip",
    "polarization": "light on and off the chip",
    "splitters": "splitters and couplers",
    "directional": "splitters and couplers",
    "rings": "rings",
    "ring_modulators": "modulators and phase shifters",
    "mach_zehnder": "modulators and phase shifters",
    "phase_shifters": "modulators and phase shifters",
    "detectors": "detectors",
    "taps": "detectors",
    "test_blocks": "test blocks",
    "test_splits": "test blocks",
    "metal": "metals, fibres, die",
    "die": "metals, fibres, die",
    "fibers": "metals, fibres, die",
}
#: type of a port -> in words
_KINDS = {"edge_coupler": "fibre face", "vertical_te": "fibre from above"}
_OTHERS = "more"
_OWN = "of this project"


def draw(name: str, settings: Mapping[str, Any], sheets: Mapping[str, Sheet]) -> tuple[gf.Component, Sheet | None]:
    """Draw a sheet (its geometry, changed by `settings`) or a cell (its defaults, changed by `settings`).

    Args:
        name: of a sheet or a cell; a sheet wins.
        settings: arguments of the cell, lengths in um.
        sheets: by name.

    Returns:
        What is drawn, and the sheet.

    Raises:
        InputError: no such sheet or cell; `ParameterError` for an argument that is not allowed.
    """
    sheet = sheets.get(name)
    function = sheet.cell if sheet else name
    if sheet and function not in CELLS:
        raise InputError(
            f"sheet {name} is of the unknown cell {function!r}{did_you_mean(function, CELLS)}; if a Python file of the "
            "project defines it, run it with --trust if you trust it"
        )
    if function not in CELLS:
        known = sorted({*CELLS, *sheets})
        raise InputError(f"no cell or sheet {name!r}{did_you_mean(name, known) or ';'} there are: {', '.join(known)}")
    return CELLS[function](**{**(sheet.geometry if sheet else {}), **settings}), sheet


def names(sheets: Mapping[str, Sheet]) -> list[str]:
    """Every sheet, and every cell that no sheet speaks of, in the order of the gallery."""
    bare = set(CELLS) - {sheet.cell for sheet in sheets.values()}
    headings = list(dict.fromkeys([*GROUPS.values(), _OTHERS, _OWN]))

    def place(name: str) -> tuple[int, bool, str]:
        return headings.index(_group(sheets[name].cell if name in sheets else name)), name in bare, name

    return sorted({*sheets, *bare}, key=place)


def devices(project: Path | None = None, progress: Callable[[str], None] | None = None) -> tuple[Device, ...]:
    """Every device of the gallery; one that can't be drawn or computed says why in its `problem`.

    Args:
        project: folder whose sheets win over those that ship.
        progress: called with the name of each device before it is drawn.

    Raises:
        SpecError: a sheet has problems.
    """
    sheets = load_sheets(project)
    found = []
    with tempfile.TemporaryDirectory(prefix="cpo-gallery-") as folder:
        for number, name in enumerate(names(sheets)):
            if progress:
                progress(name)
            found.append(_device(name, sheets, Path(folder) / f"{number}.gds"))
    return tuple(found)


def describe(component: gf.Component, name: str, sheets: Mapping[str, Sheet], gds: Path) -> Device:
    """One drawn device.

    Args:
        component: what was drawn.
        name: of the sheet or cell that it was drawn from.
        sheets: by name.
        gds: the file that it was written to.

    Raises:
        CpoError: the file can't be read, or its netlist not be bound to models.
    """
    bare = _bare(name, sheets)
    file = read_layout(gds)
    scene = read_scene(gds)
    left, bottom, right, top = scene.cells[scene.top].box
    settings = component.settings.model_dump()
    drawn = replace(
        bare,
        scene=scene,
        size=(round(right - left, 3), round(top - bottom, 3)),
        ports=tuple(_port(p) for p in component.ports),
        layers=tuple(_layer(layer) for layer in scene.layers()),
        measurements=tuple(_measurement(m) for m in component.info.model_dump().get("measurements", ())),
        arguments=tuple(replace(a, value=_words(settings.get(a.name, a.value))) for a in bare.arguments),
    )
    sheet = sheets.get(name)
    if sheet is None:
        return drawn
    return replace(drawn, physics=physics_of(file, component.info.model_dump(), sheet, sheets))


def _device(name: str, sheets: Mapping[str, Sheet], gds: Path) -> Device:
    bare = _bare(name, sheets)
    try:
        component, _ = draw(name, {}, sheets)
        write_gds(component, gds)
    except CpoError as error:
        return replace(bare, problem=f"It can't be drawn: {error}")
    try:
        return describe(component, name, sheets, gds)
    except CpoError as error:
        without = {key: sheet for key, sheet in sheets.items() if key != name}
        drawn = describe(component, name, without, gds)
        return replace(
            bare,
            problem=f"It can't be computed: {error}",
            **{key: getattr(drawn, key) for key in ("scene", "size", "ports", "layers", "measurements")},
        )


def _bare(name: str, sheets: Mapping[str, Sheet]) -> Device:
    """What is known without drawing."""
    sheet = sheets.get(name)
    cell = sheet.cell if sheet else name
    factory = CELLS.get(cell)
    model = MODELS.get(sheet.model) if sheet and sheet.model else None
    module = inspect.getdoc(inspect.getmodule(model.function)) if model else None
    return Device(
        name=name,
        cell=cell,
        group=_group(cell),
        description=sheet.description if sheet else summary_of(factory) if factory else "",
        diagram=diagram_of(factory) if factory else "",
        origin=_origin(sheet) if sheet else "",
        model=sheet.model or "" if sheet else "",
        no_model=(sheet.no_model or "").rstrip(".") if sheet else "",
        measured=sheet.measured.source if sheet and sheet.measured else "",
        formula=summary_of(model.function) if model else "",
        conventions=_section(module or "", "Conventions"),
        validity=_section(module or "", "Validity"),
        arguments=_arguments(factory, sheet) if factory else (),
        parameters=_numbers(sheet.parameters, sheet) if sheet else (),
        operating=_numbers(sheet.operating, sheet) if sheet else (),
    )


def _group(cell: str) -> str:
    factory = CELLS.get(cell)
    module = inspect.unwrap(factory).__module__ if factory else ""
    if not module.startswith("cpo_pdk."):
        return _OWN
    return GROUPS.get(module.rpartition(".")[2], _OTHERS)


def _origin(sheet: Sheet) -> str:
    shipped = sheet.origin.resolve().is_relative_to(data_folder("components").resolve())
    return "shipped" if shipped else sheet.origin.name


def _section(doc: str, title: str) -> str:
    """The indented block under a title of a module's docstring, in one line."""
    found = re.search(rf"^{title}\n((?:[ \t]+.*\n?|\n)+)", doc, re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def _arguments(factory: Callable[..., Any], sheet: Sheet | None) -> tuple[Argument, ...]:
    model = MODELS.get(sheet.model) if sheet and sheet.model else None
    rows = []
    for text in arguments_of(factory):
        limits = sheet.ranges.get(text.name) if sheet else None
        role = ""
        if model is not None:
            role = (
                "parameter" if text.name in model.parameters else f"drawn only: {model.drawn_only.get(text.name, '?')}"
            )
        value = sheet.geometry.get(text.name, text.default) if sheet else text.default
        span = f"{limits[0]:.9g} to {limits[1]:.9g}" if limits else ""
        rows.append(Argument(text.name, _words(value), text.unit, text.allowed, span, text.about, role))
    return tuple(rows)


def _numbers(numbers: Mapping[str, Parameter], sheet: Sheet) -> tuple[NumberLine, ...]:
    model = MODELS.get(sheet.model) if sheet.model else None
    rows = []
    for name, number in numbers.items():
        limits: Sequence[Any] | None = sheet.ranges.get(name) or (model.ranges.get(name) if model else None)
        rows.append(
            NumberLine(
                name=name,
                value=f"{number.value:.6g}",
                unit="" if number.unit == "1" else number.unit,
                source=number.source,
                choice=number.choice,
                spread="" if number.spread is None else f"± {number.spread:g}",
                limits=f"{limits[0]:.9g} to {limits[1]:.9g}" if limits else "",
            )
        )
    return tuple(rows)


def _port(port: Any) -> PortLine:
    x, y = port.center
    kind = str(_KINDS.get(port.port_type, port.port_type))
    return PortLine(str(port.name), round(x, 3), round(y, 3), round(port.orientation) % 360, round(port.width, 3), kind)


def _layer(name: str) -> LayerLine:
    info = LAYERS[name]
    return LayerLine(name, f"{info.layer}/{info.datatype}", info.color, info.purpose)


def _measurement(entry: Mapping[str, Any]) -> tuple[str, ...]:
    swept = ", ".join(f"{key} = {value:g}" for key, value in entry["sweep"].items())
    gives = f"{entry['extracts']} ({entry['unit']})" if entry["unit"] != "1" else entry["extracts"]
    return (entry["name"], entry["input"], entry["output"], gives, swept, entry["formula"])


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(f"({_words(v)})" if isinstance(v, list | tuple) else _words(v) for v in value)
    return str(value)

"""One device drawn into a file, with a picture of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cpo_pdk import output
from cpo_pdk.errors import InputError


def draw_cell(name: str, settings: Mapping[str, Any], out: Path, project: Path) -> dict[str, Any]:
    """Draw a sheet (its geometry, changed by `settings`) or a cell (its defaults, changed by `settings`).

    Args:
        name: of a sheet or a cell; a sheet wins.
        settings: arguments of the cell, lengths in um.
        out: folder for `<cell name>.gds` and `.png`.
        project: folder whose sheets win over those that ship.

    Returns:
        cell, sheet, gds, picture, ports, size_um and settings of what was drawn.

    Raises:
        InputError: no such sheet or cell; `ParameterError` for an argument that is not allowed.
        OutputError: the files can't be written.
    """
    from cpo_pdk.assemblies.writing import write_gds
    from cpo_pdk.components import CELLS
    from cpo_pdk.report import figures
    from cpo_pdk.report.pictures import cell_figure
    from cpo_pdk.report.scene import read_scene
    from cpo_pdk.spec import load_sheets
    from cpo_pdk.spec.suggestions import did_you_mean

    sheets = load_sheets(project)
    sheet = sheets.get(name)
    function = sheet.cell if sheet else name
    if function not in CELLS:
        known = sorted({*CELLS, *sheets})
        raise InputError(f"no cell or sheet {name!r}{did_you_mean(name, known) or ';'} there are: {', '.join(known)}")
    component = CELLS[function](**{**(sheet.geometry if sheet else {}), **settings})
    folder = output.chosen_folder(out)
    with output.staged(folder) as stage:
        file = f"{component.name}.gds"
        write_gds(component, stage / file)
        scene = read_scene(stage / file)
        output.write_bytes(stage / f"{component.name}.png", figures.png(cell_figure(scene, scene.top)))
    left, bottom, right, top = scene.cells[scene.top].box
    return {
        "cell": function,
        "sheet": name if sheet else None,
        "gds": (folder / file).as_posix(),
        "picture": (folder / f"{component.name}.png").as_posix(),
        "ports": [port.name for port in component.ports],
        "size_um": [round(right - left, 3), round(top - bottom, 3)],
        "settings": {key: value for key, value in component.settings.model_dump().items()},
    }

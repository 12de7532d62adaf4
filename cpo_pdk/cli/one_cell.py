"""One device drawn into files: its GDS, a picture, what its model says, and what to measure on a test block."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cpo_pdk import output
from cpo_pdk.errors import ModelError


def draw_cell(name: str, settings: Mapping[str, Any], out: Path, project: Path) -> dict[str, Any]:
    """Draw a sheet (its geometry, changed by `settings`) or a cell (its defaults, changed by `settings`).

    Args:
        name: of a sheet or a cell; a sheet wins.
        settings: arguments of the cell, lengths in um.
        out: folder for `<cell name>.gds` and `.png`, `.spectrum.png` where a model computes it, `.measurements.json` of
            a test block.
        project: folder whose sheets win over those that ship.

    Returns:
        cell, sheet, files, ports, size_um and settings of what was drawn; `figures` and `warnings` of its model, or the
        `problem` that drawing, sheet and model disagree in.

    Raises:
        InputError: no such sheet or cell; `ParameterError` for an argument that is not allowed.
        OutputError: the files can't be written.
    """
    from cpo_pdk import catalog
    from cpo_pdk.assemblies.writing import write_gds
    from cpo_pdk.project import own_sheet_notes
    from cpo_pdk.report import figures
    from cpo_pdk.report.gallery_plots import spectrum_figure
    from cpo_pdk.report.pictures import cell_figure
    from cpo_pdk.spec import load_sheets

    sheets = load_sheets(project)
    component, sheet = catalog.draw(name, settings, sheets)
    folder = output.chosen_folder(out)
    stem = component.name
    files = {"gds": f"{stem}.gds", "picture": f"{stem}.png"}
    problem = ""
    with output.staged(folder) as stage:
        gds = write_gds(component, stage / files["gds"])
        try:
            device = catalog.describe(component, name, sheets, gds)
        except ModelError as error:
            problem = str(error)
            device = catalog.describe(component, name, {}, gds)
        assert device.scene is not None
        output.write_bytes(stage / files["picture"], figures.png(cell_figure(device.scene, device.scene.top)))
        if device.physics is not None:
            files["spectrum"] = f"{stem}.spectrum.png"
            output.write_bytes(stage / files["spectrum"], figures.png(spectrum_figure(device.physics)))
        manifest = catalog.manifest_of(component, files["gds"])
        if manifest is not None:
            files["measurements"] = f"{stem}.measurements.json"
            output.write_json(stage / files["measurements"], manifest)
    document: dict[str, Any] = {
        "cell": device.cell if not sheet else sheet.cell,
        "sheet": name if sheet else None,
        **{kind: (folder / file).as_posix() for kind, file in files.items()},
        "ports": [port.name for port in component.ports],
        "size_um": list(device.size),
        "settings": dict(component.settings.model_dump()),
    }
    document["warnings"] = list(own_sheet_notes({name: sheet} if sheet else {}))
    if device.physics is not None:
        document["figures"] = {f.name: {"value": f.value, "unit": f.unit or "1"} for f in device.physics.figures}
        document["warnings"] += device.physics.warnings
    if problem:
        document["problem"] = problem
    return document


def draw_gallery(out: Path, project: Path, progress: Any) -> dict[str, Any]:
    """Draw every sheet and every cell without one, and write the page that shows them.

    Args:
        out: folder for `gallery.html` and `gallery.png`.
        project: folder whose sheets win over those that ship.
        progress: called with a few words as each stage begins.

    Returns:
        gallery, picture, devices, computed (those with a spectrum), without_sheet, and problems by device.

    Raises:
        SpecError: a sheet has problems.
        OutputError: the files can't be written.
    """
    from cpo_pdk import catalog
    from cpo_pdk.project import own_sheet_notes
    from cpo_pdk.report.gallery import PAGE, SHEET, write_gallery
    from cpo_pdk.spec import load_sheets

    progress("drawing and computing every device")
    devices = catalog.devices(project)
    notes = list(own_sheet_notes(load_sheets(project)))
    progress("writing the page")
    folder = output.chosen_folder(out)
    with output.staged(folder) as stage:
        write_gallery(devices, stage, notes)
    return {
        "gallery": (folder / PAGE).as_posix(),
        "picture": (folder / SHEET).as_posix(),
        "devices": len(devices),
        "computed": sum(d.physics is not None for d in devices),
        "without_sheet": [d.name for d in devices if not d.origin],
        "problems": {d.name: d.problem for d in devices if d.problem},
        "warnings": notes,
    }

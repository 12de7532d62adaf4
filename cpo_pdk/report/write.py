"""Writing the pictures and the page of one package into a folder."""

from __future__ import annotations

from pathlib import Path

from cpo_pdk.output import write_bytes, write_text
from cpo_pdk.report import figures, operation_plots
from cpo_pdk.report.data import ReportData
from cpo_pdk.report.page import page
from cpo_pdk.report.pictures import cell_figure, package_figure
from cpo_pdk.report.plots import crosstalk_figure, loss_figure, spectra_figure, worst_crosstalk
from cpo_pdk.report.scene import read_scene
from cpo_pdk.report.view3d import embedded_glb
from cpo_pdk.report.viewer import viewer_data


def write_report(data: ReportData, folder: Path, file: str = "report.html") -> Path:
    """Write `report.html`, `package.png`, `engine.png`, `spectra.png`, `insertion_loss.png`, `crosstalk.png`.

    Of a package at work also `margin.png`, `temperature.png`, `energy.png`.

    Raises:
        LayoutError: the package GDS can't be read.
        OutputError: the folder can't be written.
    """
    scene = read_scene(data.package_gds)
    simulation = data.simulation
    plots = {"spectra": spectra_figure(simulation.spectra), "insertion_loss": loss_figure(simulation.lanes)}
    worst = worst_crosstalk(simulation.crosstalk)
    if worst is not None and simulation.crosstalk[worst].size > 1:
        plots["crosstalk"] = crosstalk_figure(
            simulation.crosstalk[worst], f"Crosstalk (dB), {worst[0]}, receive port {worst[1]}"
        )
    operation = data.operation
    stills: dict[str, bytes] = {}
    if operation is not None and operation.states:
        plots["energy"] = operation_plots.energy_figure(operation)
        stills["margin"] = figures.png(operation_plots.margin_figure(operation, scene), dpi=110)
        stills["temperature"] = figures.png(operation_plots.temperature_figure(operation, scene), dpi=110)
        for name, picture in stills.items():
            write_bytes(folder / f"{name}.png", picture)
    svgs = {name: figures.svg(figure, name) for name, figure in plots.items()}
    for name, figure in plots.items():
        write_bytes(folder / f"{name}.png", figures.png(figure))
    if operation is not None and operation.transient is not None:
        svgs["transient"] = figures.svg(operation_plots.transient_figure(operation.transient), "transient")
    still = figures.png(package_figure(scene))
    write_bytes(folder / "package.png", still)
    if data.engine_cell:  # none is left in a layout that was cut badly
        write_bytes(folder / "engine.png", figures.png(cell_figure(scene, data.engine_cell)))
    space = embedded_glb(data.package_gds)
    return write_text(folder / file, page(data, svgs, viewer_data(scene), still, space, stills))

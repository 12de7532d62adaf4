"""Writing the page, the numbers and the pictures of a package's production into a folder."""

from __future__ import annotations

from pathlib import Path

from cpo_pdk.output import write_bytes, write_json, write_text
from cpo_pdk.report import figures, yield_plots
from cpo_pdk.report.yield_json import yield_document
from cpo_pdk.report.yield_page import yield_html
from cpo_pdk.yields.results import YieldResult

PAGE, DOCUMENT = "yield.html", "yield.json"
_DPI = 120


def write_yield(result: YieldResult, folder: Path) -> None:
    """Write `yield.html`, `yield.json`, `killers.png`, `margins.png`, `wafer.png`, `rings.png`.

    Raises:
        OutputError: the folder can't be written.
    """
    write_json(folder / DOCUMENT, yield_document(result))
    stills = {
        "rings": figures.png(yield_plots.rings_figure(result.rings), dpi=_DPI),
        "wafer": figures.png(yield_plots.wafer_figure(result.wafer), dpi=_DPI),
    }
    for name, picture in stills.items():
        write_bytes(folder / f"{name}.png", picture)
    write_bytes(folder / "killers.png", figures.png(yield_plots.killers_figure(result), dpi=_DPI))
    write_bytes(folder / "margins.png", figures.png(yield_plots.margins_figure(result), dpi=_DPI))
    write_text(folder / PAGE, yield_html(result, stills))

"""`cpo netlist` and `cpo spectrum`: the circuit of a layout, and what it does to light, in the forms of other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress
from cpo_pdk.cli.guard import Limits
from cpo_pdk.cli.inspecting import GdsArgument

if TYPE_CHECKING:
    from cpo_pdk.circuit.binding import ModelLike
    from cpo_pdk.circuit.exchange.mapping import CellMapping
    from cpo_pdk.spec.sheet import Sheet

MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", help="YAML that says which model computes which cell of a layout of another PDK."),
]


class NetlistFormat(StrEnum):
    """Forms of a netlist."""

    JSON = "json"
    SAX = "sax"
    SPICE = "spice"


class SpectrumFormat(StrEnum):
    """Forms of a spectrum."""

    TOUCHSTONE = "touchstone"
    NETCDF = "netcdf"
    PARQUET = "parquet"
    CSV = "csv"


def netlist(
    gds: GdsArgument,
    format: Annotated[NetlistFormat, typer.Option("--format", help="json: all that is known; sax; spice.")] = (
        NetlistFormat.JSON
    ),
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file instead of stdout.")] = None,
    mapping: MappingOption = None,
    json: JsonOption = False,
) -> None:
    """Extract the optical netlist of a layout file."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.circuit.exchange import sax_netlist, spice
        from cpo_pdk.circuit.exchange.spectra import extract_any
        from cpo_pdk.circuit.layout_file import read_layout
        from cpo_pdk.output import write_text

        sheets, models, mapped = _library(mapping)
        progress(f"reading {gds.name}")
        file = read_layout(gds)
        progress("extracting the netlist")
        netlists, _, notes = extract_any(file, sheets, models, mapped)
        progress("")
        warnings = [*file.warnings, *notes, *(f"{p.cell}: {p.message}" for p in netlists.problems)]
        for warning in warnings:
            progress.warn(warning)
        writers = {
            NetlistFormat.JSON: netlists.to_json,
            NetlistFormat.SAX: lambda: sax_netlist.to_text(netlists),
            NetlistFormat.SPICE: lambda: spice.to_spice(netlists),
        }
        text = writers[format]()
        counts = netlists.counts()
        document = {"gds": gds.as_posix(), "format": format.value, "top": netlists.top, "counts": counts}
        document["warnings"] = warnings
        if out is None:
            return Outcome({**document, "text": text}, verbatim=text)
        write_text(out, text)
        what = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items())
        return Outcome({**document, "out": out.as_posix()}, [f"wrote {out.as_posix()}: {what}"])

    console.run(work, json, Limits())


def spectrum(
    gds: GdsArgument,
    out: Annotated[Path, typer.Option("--out", help="File to write; a Touchstone file of 4 ports ends in .s4p.")],
    cell: Annotated[str | None, typer.Option("--cell", help="Cell to simulate; default: the top cell.")] = None,
    start: Annotated[float, typer.Option("--from", help="First wavelength, um.")] = 1.26,
    stop: Annotated[float, typer.Option("--to", help="Last wavelength, um.")] = 1.36,
    points: Annotated[int, typer.Option("--points", help="Number of wavelengths.")] = 1001,
    format: Annotated[
        SpectrumFormat | None, typer.Option("--format", help="Default: by the ending (.sNp, .nc, .parquet, .csv).")
    ] = None,
    mapping: MappingOption = None,
    json: JsonOption = False,
) -> None:
    """Compute the S-parameters of any cell of a layout and write them for other tools."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.circuit.exchange.spectra import spectrum as compute
        from cpo_pdk.circuit.exchange.spectra import wavelength_grid
        from cpo_pdk.circuit.exchange.spectrum_files import format_of, write_table
        from cpo_pdk.circuit.layout_file import read_layout

        wl = wavelength_grid(start, stop, points)
        chosen = format_of(out) if format is None else format.value
        sheets, models, mapped = _library(mapping)
        progress(f"reading {gds.name}")
        file = read_layout(gds)
        progress("computing the spectrum")
        table = compute(file, wl, sheets, models, cell=cell, mapping=mapped)
        write_table(table, out, chosen)
        progress("")
        for note in table.notes:
            progress.warn(note)
        if chosen == "touchstone" and table.detectors:
            progress.warn(f"{len(table.detectors)} detectors are not in a Touchstone file; write netcdf or parquet")
        document = {
            "gds": gds.as_posix(),
            "cell": cell or file.top.name,
            "out": out.as_posix(),
            "format": chosen,
            "ports": list(table.ports),
            "detectors": list(table.detectors),
            "points": int(wl.size),
            "wl_um": [float(wl[0]), float(wl[-1])],
            "warnings": list(table.notes),
        }
        text = (
            f"wrote {out.as_posix()}: {len(table.ports)} ports, {len(table.detectors)} detectors, {wl.size} wavelengths"
        )
        return Outcome(document, [text])

    console.run(work, json, Limits())


def _library(mapping: Path | None) -> tuple[dict[str, Sheet], dict[str, ModelLike], CellMapping | None]:
    """Sheets (the working folder's win), models, and the mapping file if one is given."""
    from typing import cast

    from cpo_pdk.circuit.exchange.mapping import load_mapping
    from cpo_pdk.models import MODELS
    from cpo_pdk.spec import load_sheets

    models = cast("dict[str, ModelLike]", dict(MODELS))
    return load_sheets(Path.cwd()), models, None if mapping is None else load_mapping(mapping, models)

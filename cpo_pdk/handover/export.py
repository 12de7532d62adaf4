"""All hand-over files of a layout, or those that are asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from cpo_pdk.circuit.exchange.spice import to_spice
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import InputError, OutputError
from cpo_pdk.handover import dxf, glb, layouts, svg, threedblox, verilog
from cpo_pdk.handover.names import plain_name
from cpo_pdk.handover.parts import Package
from cpo_pdk.handover.reading import read_package
from cpo_pdk.output import chosen_folder, staged, write_bytes, write_text
from cpo_pdk.spec import load_sheets

Say = Callable[[str], None]

#: what can be made -> what it is
FORMATS: dict[str, str] = {
    "oasis": "the whole layout, compressed",
    "dies": "GDS of each kind of die, and of all dies merged",
    "blackbox": "GDS with outlines, bumps and ports, nothing inside",
    "3dblox": "stack, places and bump maps for package tools",
    "netlist": "the circuit, as Verilog and as SPICE sub-circuits",
    "dxf": "seen from above, for mechanical design",
    "svg": "seen from above, at true scale",
    "glb": "in space, for any 3D viewer",
    "step": "in space, for mechanical design; needs the extra 'step'",
}
#: what is made when nothing is asked for: all but what needs an extra
USUAL = tuple(name for name in FORMATS if name != "step")


@dataclass(frozen=True)
class Exported:
    """What was written: format -> names of its files; seconds by format; what was left out, one line each."""

    folder: Path
    files: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def export(
    source: Path | str,
    out: Path | str,
    only: Iterable[str] | None = None,
    project: Path | None = None,
    say: Say | None = None,
) -> Exported:
    """Write hand-over files; all of them appear together, or none.

    Args:
        source: GDS or OASIS file of a package or an engine.
        out: folder, made if needed.
        only: names out of `FORMATS`; default: `USUAL`.
        project: folder whose `components/` tell devices from cells that hold others; default: the working folder.
        say: called with a few words as each format begins.

    Raises:
        InputError: an unknown format, or one whose extra is missing.
        LayoutError: the file can't be read, or holds no die and nothing of a package.
        OutputError: the folder can't be written, or the source would be written over.
    """
    formats = formats_of(only)
    if say:
        say(f"reading {Path(source).name}")
    file = read_layout(source)
    package = read_package(file)
    folder = chosen_folder(out)
    with staged(folder) as stage:
        made = write_files(file, package, stage, formats, project=project, say=say)
        for name in (name for names in made.files.values() for name in names):
            target = folder / name
            if target.exists() and target.samefile(file.path):
                raise OutputError(f"{target}: is the layout that is read here; choose another folder with --out")
    return Exported(folder, made.files, made.seconds, made.notes)


def formats_of(only: Iterable[str] | None) -> tuple[str, ...]:
    """The formats that are meant, in the order of `FORMATS`.

    Args:
        only: names, also several in one text with commas between; None: the usual ones.

    Raises:
        InputError: an unknown name, or a format whose extra is missing.
    """
    if only is None:
        return USUAL
    asked = [name.strip().lower() for text in only for name in text.split(",") if name.strip()]
    unknown = [name for name in asked if name not in FORMATS]
    if unknown or not asked:
        raise InputError(f"--only {', '.join(unknown) or 'names nothing'}: choose from {', '.join(FORMATS)}")
    if "step" in asked and find_spec("OCP") is None:
        raise InputError('step: OpenCASCADE for Python is missing; run: pip install "cpo-pdk[step]"')
    return tuple(name for name in FORMATS if name in asked)


def write_files(
    file: LayoutFile,
    package: Package,
    folder: Path,
    formats: Iterable[str] = USUAL,
    netlists: Netlists | None = None,
    project: Path | None = None,
    say: Say | None = None,
) -> Exported:
    """Write hand-over files of a layout that was read already into a folder that is there.

    Args:
        file: the layout.
        package: its parts, from `read_package`.
        folder: of the files.
        formats: names out of `FORMATS`.
        netlists: its circuit, if it was extracted already.
        project: as in `export`.
        say: as in `export`.

    Raises:
        OutputError: a file can't be written.
    """
    name = plain_name(package.name)
    done = Exported(folder, notes=package.notes)

    def text(ending: str, content: str) -> list[Path]:
        return [write_text(folder / f"{name}{ending}", content)]

    def circuit() -> list[Path]:
        found = netlists or extract(file, leaf_factories(load_sheets(project or Path.cwd())))
        return [*text(".v", verilog.verilog_text(found, package)), *text(".spi", to_spice(found))]

    def step() -> list[Path]:
        from cpo_pdk.handover.step import step_text  # needs an extra, see `formats_of`

        return text(".step", step_text(package))

    makers: dict[str, Callable[[], list[Path]]] = {
        "oasis": lambda: [layouts.oasis(file, folder / f"{name}.oas")],
        "dies": lambda: layouts.dies(file, package, folder, name),
        "blackbox": lambda: [layouts.black_boxes(file, package, folder / f"{name}_blackbox.gds")],
        "3dblox": lambda: [write_text(folder / n, t) for n, t in threedblox.threedblox_files(package).items()],
        "netlist": circuit,
        "dxf": lambda: text(".dxf", dxf.dxf_text(package)),
        "svg": lambda: text(".svg", svg.svg_text(package)),
        "glb": lambda: [write_bytes(folder / f"{name}.glb", glb.glb_bytes(package))],
        "step": step,
    }
    for kind in formats:
        if say:
            say(f"writing {kind}")
        start = time.perf_counter()
        done.files[kind] = sorted(path.name for path in makers[kind]())
        done.seconds[kind] = time.perf_counter() - start
    return done

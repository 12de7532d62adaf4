"""The deck run by the KLayout program, in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import klayout.rdb as rdb

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.errors import InputError, LayoutError
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.klayout_deck.deck import deck

#: name of the program, looked for in PATH
PROGRAM = "klayout"
#: a run that takes longer is stopped, s
TIME_LIMIT = 600.0


@dataclass(frozen=True)
class DeckRun:
    """What the deck found.

    Attributes:
        markers: boxes in the coordinates of the top cell, um, by rule; every rule that ran is a key.
        said: the lines that the deck printed.
    """

    markers: dict[str, tuple[kdb.DBox, ...]]
    said: tuple[str, ...]


def find_klayout(program: str = PROGRAM) -> str:
    """The path of the KLayout program.

    Raises:
        InputError: it isn't installed.
    """
    found = shutil.which(program)
    if found is None:
        raise InputError(f"{program}: no such program in PATH; install KLayout (Debian: apt-get install klayout)")
    return found


def plain_copy(file: LayoutFile, path: Path) -> Path:
    """Write a layout without its meta information, which KLayout before 0.28.11 can't read in a GDS file.

    Args:
        file: the layout; only what is below its top cell is written.
        path: `.gds` or `.oas`.
    """
    options = kdb.SaveLayoutOptions()
    options.set_format_from_filename(str(path))
    options.write_context_info = False
    options.clear_cells()
    options.add_cell(file.top.cell_index())
    file.layout.write(str(path), options)
    return path


def run_deck(
    file: LayoutFile,
    rules: Sequence[Rule] | None = None,
    *,
    mode: str = "flat",
    program: str = PROGRAM,
    time_limit: float = TIME_LIMIT,
) -> DeckRun:
    """Run the deck on a layout.

    Args:
        file: the layout.
        rules: default: those of the process.
        mode: `flat` or `deep`.
        program: name or path of KLayout.
        time_limit: s.

    Raises:
        InputError: KLayout isn't installed, or doesn't finish in time.
        LayoutError: the deck refuses the layout, or ends before its last rule.
    """
    klayout = find_klayout(program)
    with tempfile.TemporaryDirectory(prefix="cpo-deck-") as temporary:
        folder = Path(temporary)
        (folder / "cpo.lydrc").write_text(deck(rules), encoding="utf-8")
        plain_copy(file, folder / "layout.gds")
        variables = {"input": folder / "layout.gds", "report": folder / "markers.lyrdb", "mode": mode}
        command = [klayout, "-b", "-r", str(folder / "cpo.lydrc")]
        for name, value in variables.items():
            command += ["-rd", f"{name}={value}"]
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "KLAYOUT_HOME": temporary}
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=time_limit,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"{file.path.name}: KLayout did not finish in {time_limit:g} s; try --mode deep, or a smaller layout"
            ) from error
        if done.returncode:
            raise LayoutError(f"{file.path.name}: {_fault(done.stderr, done.returncode)}")
        return DeckRun(_markers(folder / "markers.lyrdb"), tuple(done.stdout.splitlines()))


def _fault(text: str, code: int) -> str:
    """What KLayout says went wrong, in one line."""
    lines = [line.removeprefix("ERROR: ") for line in text.splitlines() if line.startswith("ERROR: ")]
    said = lines[0] if lines else f"KLayout ended with {code}"
    return re.sub(r"^In \S+\.lydrc: ", "the deck says: ", said)


def _markers(path: Path) -> dict[str, tuple[kdb.DBox, ...]]:
    database = rdb.ReportDatabase("deck")
    database.load(str(path))
    found: dict[str, tuple[kdb.DBox, ...]] = {}
    for category in database.each_category():
        boxes = []
        for item in database.each_item_per_category(category.rdb_id()):
            for value in item.each_value():
                shape = value.edge_pair() if value.is_edge_pair() else value.polygon()
                boxes.append(shape.bbox())
        found[category.name()] = tuple(boxes)
    return found

"""`manifest.json`: what a result folder holds, file by file, and what it was made from, so that it can be proved later.

Every file with its length and SHA-256, layouts also with a hash of their geometry (`cpo_pdk.tech.geometry_hash`); the
spec, its sheets and the versions of the programs. The document ends with the SHA-256 of itself without that line, and
its text is the only one that its content can have: a change of any byte of any file, this one included, shows. No time,
no user, no path is in it: two builds of one spec give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.errors import InputError, LayoutError
from cpo_pdk.output import TEMPORARY, write_text
from cpo_pdk.spec.name_rules import shown
from cpo_pdk.tech.geometry_hash import FORM, GeometryHash, geometry_hash
from cpo_pdk.version import __version__

if TYPE_CHECKING:
    from cpo_pdk.circuit.netlist import Netlists
    from cpo_pdk.spec import PackageSpec, Sheet
    from cpo_pdk.spec.part import Part

MANIFEST = "manifest.json"
FORMAT = "cpo_pdk manifest 1"
LAYOUTS = (".gds", ".oas")
#: a larger manifest is refused, bytes
SIZE_LIMIT = 4 << 20
#: a manifest may name so many files
FILES_LIMIT = 20_000
#: distributions whose version may change what is drawn or computed
TOOLS = ("gdsfactory", "kfactory", "klayout", "numpy", "scipy", "pyamg")

_SELF = "manifest_sha256"
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FileEntry:
    """Length and SHA-256 of one file; `geometry` of a layout."""

    size: int
    sha256: str
    geometry: GeometryHash | None = None


@dataclass(frozen=True)
class Manifest:
    """What a manifest says.

    Attributes:
        name: of the package.
        files: by name relative to the folder, `/` between its parts.
        spec: file name and SHA-256 of the spec.
        sheets: file name of each sheet (and of its measured data) that had a part in it -> SHA-256.
        own_cells: files of the project with cells of its own -> SHA-256.
        inputs_sha256: of all these together.
        tools: versions.
        sha256: of the manifest itself, one number for the whole release.
        intact: False when the text is not the one that it was written with.
    """

    name: str
    files: dict[str, FileEntry]
    spec: tuple[str, str]
    sheets: dict[str, str]
    own_cells: dict[str, str]
    inputs_sha256: str
    tools: dict[str, str] = field(default_factory=dict)
    sha256: str = ""
    intact: bool = True


@dataclass(frozen=True)
class Inputs:
    """What a package was made from: file of the spec, sheets of devices and of parts, files with cells of its own."""

    spec: Path
    sheets: Iterable[Sheet]
    own_cells: Iterable[Path] = ()
    parts: Iterable[Part] = ()


def write_manifest(
    stage: Path,
    name: str,
    inputs: Inputs,
    *,
    keep: Iterable[Path] = (),
    known: Mapping[str, LayoutFile] | None = None,
) -> Path:
    """Write the manifest of the files in a folder, as they are on the disk.

    Args:
        stage: folder; all its files are listed.
        name: of the package.
        inputs: what it was made from.
        keep: further files of the release that lie elsewhere now and get into the folder of the same name, unless
            `stage` holds one of that name.
        known: layouts that were read from these files already, by file name.

    Returns:
        the manifest.

    Raises:
        LayoutError: a layout that can't be read again.
        OutputError: it can't be written.
        OSError: a file can't be read.
    """
    listed = (path for path in (*keep, *stage.iterdir()) if path.is_file())
    files = {path.name: path for path in listed if path.name != MANIFEST and not path.name.startswith(TEMPORARY)}
    entries: dict[str, Any] = {}
    for file_name in sorted(files):
        size, digest = sha256_of(files[file_name])
        entries[file_name] = {"bytes": size, "sha256": digest}
        if Path(file_name).suffix.lower() in LAYOUTS:
            layout = (known or {}).get(file_name) or read_layout(files[file_name])
            hashed = geometry_of(layout)
            entries[file_name]["geometry"] = {"form": FORM, "total": hashed.total, "layers": hashed.layers}
    made_from = _digests(inputs)
    document = {"format": FORMAT, "name": name, "inputs": made_from, "tools": tool_versions(), "files": entries}
    return write_text(stage / MANIFEST, sealed(document))


def outdated_files(folder: Path, stage: Path) -> list[Path]:
    """Files of the build before that the new one no longer makes: `cpo verify` would call them extra.

    Only what the earlier manifest lists by a plain name, and what is still the regular file that it lists; whatever
    somebody put or changed there stays.

    Args:
        folder: of the results, with the manifest of the build before, if there is one.
        stage: the new results, with theirs.
    """
    try:
        before, now = read_manifest(folder), read_manifest(stage)
    except InputError:
        return []
    if not before.intact or before.name != now.name:
        return []
    made = {name.casefold() for name in now.files}  # one file on a system that does not tell the cases apart
    found = []
    for name, entry in before.files.items():
        path = folder / name
        if "/" in name or name.casefold() in made or path.is_symlink():
            continue
        try:
            if path.stat().st_size == entry.size and sha256_of(path) == (entry.size, entry.sha256):
                found.append(path)
        except OSError:
            continue
    return found


def sheets_with_a_part(package: PackageSpec, sheets: Mapping[str, Sheet], netlist: Netlists) -> list[Sheet]:
    """The sheets that a package names, and those of the cells that are in it.

    Args:
        package: what was asked for.
        sheets: all there are, by name.
        netlist: of what was drawn.
    """
    named = set(package.engine.devices.by_role().values())
    drawn = {cell.factory for cell in netlist.cells.values()}
    return [sheet for name, sheet in sorted(sheets.items()) if name in named or sheet.drawn_by in drawn]


def geometry_of(file: LayoutFile) -> GeometryHash:
    """Geometry hash of a layout file.

    Raises:
        LayoutError: polygons that can't be merged.
    """
    try:
        return geometry_hash(file.layout, file.top)
    except RuntimeError as error:
        cause = " ".join(str(error).split())
        raise LayoutError(f"{file.path}: its polygons can't be merged ({cause}); build it again") from error


def tool_versions() -> dict[str, str]:
    """Versions of the programs that a result depends on; Python's without the last number."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"cpo_pdk": __version__, "python": python, **{name: _version(name) for name in TOOLS}}


def sha256_of(path: Path) -> tuple[int, str]:
    """Length and SHA-256 of a regular file, never one behind a link.

    Raises:
        OSError: it can't be read, is a link or no regular file.
    """
    handle = os.open(
        path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    )
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(f"{path}: no regular file")
        total, size = hashlib.sha256(), 0
        while chunk := stream.read(_CHUNK):
            total.update(chunk)
            size += len(chunk)
    return size, total.hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a result folder, whoever wrote it.

    Args:
        folder: that holds `manifest.json`.

    Returns:
        what it says; `intact` is False when it was changed since it was written.

    Raises:
        InputError: there is none, or none that can be understood; one line.
    """
    path = folder / MANIFEST
    text = _text_of(path)
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except RecursionError:
        raise InputError(f"{path}: nested too deep for a manifest; build the package again") from None
    except ValueError as error:
        raise InputError(f"{path}: no JSON document ({error}); build the package again") from None
    return _Reader(path).manifest(document, text)


def _text_of(path: Path) -> str:
    if path.is_symlink():
        raise InputError(f"{path}: is a symbolic link, a file is needed; build the package again")
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: no regular file; build the package again")
        if status.st_size > SIZE_LIMIT:
            raise InputError(f"{path}: {status.st_size} bytes, limit {SIZE_LIMIT}; build the package again")
        with path.open("rb") as stream:
            return stream.read(SIZE_LIMIT + 1).decode("utf-8")
    except FileNotFoundError:
        raise InputError(
            f"{path.parent}: holds no {MANIFEST}, so nothing can be proved; build the package again"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: no UTF-8 text; build the package again") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error}); check the permissions") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {shown(key)} twice")
        found[key] = value
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


class _Reader:
    """Takes a JSON document apart that may be anything."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, what: str) -> NoReturn:
        raise InputError(f"{self.path}: {what}; build the package again")

    def manifest(self, document: Any, text: str) -> Manifest:
        root = self.table(document, "the document")
        if root.get("format") != FORMAT:
            self.fail(f"format {shown(root.get('format'))}, {FORMAT!r} needed")
        inputs = self.table(root.get("inputs"), "inputs")
        spec = self.table(inputs.get("spec"), "inputs.spec")
        sheets = self.table(inputs.get("sheets"), "inputs.sheets")
        cells = self.table(inputs.get("own_cells"), "inputs.own_cells")
        files = self.table(root.get("files"), "files")
        if not files:
            self.fail("names no file")
        if len(files) > FILES_LIMIT:
            self.fail(f"names {len(files)} files, limit {FILES_LIMIT}")
        own = self.sha256(root.get(_SELF), _SELF)
        return Manifest(
            name=self.text(root.get("name"), "name"),
            files={self.file_name(name): self.entry(value, f"files.{name}") for name, value in files.items()},
            spec=(self.text(spec.get("file"), "inputs.spec.file"), self.sha256(spec.get("sha256"), "inputs.spec")),
            sheets={self.text(n, "inputs.sheets"): self.sha256(v, f"inputs.sheets.{n}") for n, v in sheets.items()},
            own_cells={self.text(n, "inputs.own_cells"): self.sha256(v, f"own_cells.{n}") for n, v in cells.items()},
            inputs_sha256=self.sha256(inputs.get("sha256"), "inputs.sha256"),
            tools={n: self.text(v, f"tools.{n}") for n, v in self.table(root.get("tools"), "tools").items()},
            sha256=own,
            intact=text == sealed({key: value for key, value in root.items() if key != _SELF}),
        )

    def entry(self, value: Any, where: str) -> FileEntry:
        entry = self.table(value, where)
        size = entry.get("bytes")
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size < 1 << 63:
            self.fail(f"{shown(where)}: bytes {shown(size)}, a length needed")
        geometry = None
        if "geometry" in entry:
            given = self.table(entry["geometry"], f"{where}.geometry")
            layers = self.table(given.get("layers"), f"{where}.geometry.layers")
            if given.get("form") == FORM:  # another form can't be compared, and need not be: the bytes count
                geometry = GeometryHash(
                    self.sha256(given.get("total"), f"{where}.geometry.total"),
                    {n: self.sha256(v, f"{where}.geometry.layers.{n}") for n, v in layers.items()},
                )
        return FileEntry(size, self.sha256(entry.get("sha256"), f"{where}.sha256"), geometry)

    def file_name(self, name: str) -> str:
        """A name that stays in the folder, on every system."""
        parts = name.split("/")
        if (
            not 0 < len(name) <= 1024
            or not name.isprintable()
            or any(part in ("", ".", "..") or part.endswith((" ", ".")) for part in parts)
            or any(c in name for c in '\\:*?"<>|')
            or name == MANIFEST
        ):
            self.fail(f"file name {shown(name)} is none that a release may hold")
        return name

    def table(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.fail(f"{shown(where)} is {shown(value)}, a table needed")
        return value

    def text(self, value: Any, where: str) -> str:
        if not isinstance(value, str) or len(value) > 256 or not value.isprintable():
            self.fail(f"{shown(where)} is {shown(value)}, a short text needed")
        return value

    def sha256(self, value: Any, where: str) -> str:
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            self.fail(f"{shown(where)} is {shown(value)}, a SHA-256 in 64 hexadecimal digits needed")
        return value


def _digests(inputs: Inputs) -> dict[str, Any]:
    """Spec, sheets and own cells by file name; measured data of a sheet lies beside it and counts with it."""
    sheets: dict[str, str] = {}
    for sheet in inputs.sheets:
        sheets[sheet.origin.name] = sha256_of(sheet.origin.resolve())[1]
        if sheet.measured is not None:
            data = sheet.origin.parent / sheet.measured.file
            sheets[sheet.measured.file.replace("\\", "/")] = sha256_of(data.resolve())[1]
    for part in inputs.parts:
        sheets[f"parts/{part.origin.name}"] = sha256_of(part.origin.resolve())[1]
    cells = {path.name: sha256_of(path.resolve())[1] for path in inputs.own_cells}
    spec = sha256_of(inputs.spec.resolve())[1]
    entries = [("", spec), *sorted(sheets.items()), *sorted(cells.items())]
    words = "".join(f"{digest} {name}\n" for name, digest in entries)
    return {
        "spec": {"file": inputs.spec.name, "sha256": spec},
        "sheets": dict(sorted(sheets.items())),
        "own_cells": dict(sorted(cells.items())),
        "sha256": hashlib.sha256(words.encode()).hexdigest(),
    }


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def sealed(document: Mapping[str, Any]) -> str:
    """The one text of a manifest: the document and, last, its own SHA-256."""

    def text(value: Mapping[str, Any]) -> str:
        return json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False) + "\n"

    own = hashlib.sha256(text(document).encode()).hexdigest()
    return text({**document, _SELF: own})

"""Whether a result folder is complete and unaltered: every file against the manifest, and nothing besides.

A folder may come from anywhere. Nothing behind a link is read, no name out of the manifest is ever opened: the files
that lie in the folder are, when the manifest knows them.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.errors import InputError, LayoutError, OutputError
from cpo_pdk.manifest import LAYOUTS, MANIFEST, FileEntry, Manifest, geometry_of, read_manifest, sha256_of
from cpo_pdk.output import TEMPORARY
from cpo_pdk.spec.name_rules import shown
from cpo_pdk.tech.geometry_hash import GeometryHash

Kind = Literal["manifest", "missing", "altered", "rewritten", "extra", "temporary", "link", "unreadable"]

#: more entries in a folder than this are refused
ENTRY_LIMIT = 50_000
#: folders nested deeper than this are not looked into, and that is a finding
DEPTH_LIMIT = 16
#: layouts with more shapes than this are not compared by geometry when their bytes differ
SHAPE_LIMIT = 2_000_000


_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, order=True)
class Discrepancy:
    """One thing in which a folder is not what its manifest says.

    Attributes:
        file: name relative to the folder.
        kind: `missing`, `altered` (other bytes), `rewritten` (other bytes, same geometry), `extra`, `temporary` (left
            by a build that was interrupted, or runs), `link` (or a pipe, a device), `unreadable`, `manifest`.
        message: one line with what was found, what should be, and the cure.
    """

    file: str
    kind: Kind
    message: str


@dataclass(frozen=True)
class Integrity:
    """The outcome of `verify_folder`.

    Attributes:
        folder: name of the folder.
        manifest: what should be.
        found: what is not so, sorted by file.
        verified: number of files that are as they should be.
        size: their length in all, bytes.
    """

    folder: str
    manifest: Manifest
    found: tuple[Discrepancy, ...]
    verified: int
    size: int

    @property
    def complete(self) -> bool:
        """True when all files are there, unaltered, and none besides."""
        return not self.found and self.verified == len(self.manifest.files) > 0

    @property
    def words(self) -> str:
        """The verdict in one line."""
        files = f"{self.verified} of {len(self.manifest.files)} files as in the manifest"
        if self.complete:
            return f"complete and unaltered: {files}, {self.size:,} bytes"
        kinds = Counter(entry.kind for entry in self.found)
        return f"not as released: {files}; " + ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))

    def as_json(self) -> dict[str, Any]:
        """The `--json` document of `cpo verify`."""
        return {
            "format": "cpo verify 1",
            "folder": self.folder,
            "name": self.manifest.name,
            "complete": self.complete,
            "verdict": self.words,
            "files": len(self.manifest.files),
            "verified": self.verified,
            "bytes": self.size,
            "found": [asdict(entry) for entry in self.found],
            "manifest_sha256": self.manifest.sha256,
            "spec": {"file": self.manifest.spec[0], "sha256": self.manifest.spec[1]},
            "inputs_sha256": self.manifest.inputs_sha256,
            "tools": self.manifest.tools,
        }


def verify_folder(folder: Path, expected_sha256: str = "") -> Integrity:
    """Hold the files of a result folder against its manifest.

    Args:
        folder: that `cpo build` wrote, or a copy of it.
        expected_sha256: what the manifest must say of itself, known from elsewhere; "" where nothing is known.

    Returns:
        what was found; no discrepancy is raised.

    Raises:
        InputError: no folder, no manifest, one that can't be understood, or a folder with absurdly many entries.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "no such folder"
        raise InputError(f"{folder}: {what}; give the folder of a build, such as gds_out/switch_51t2")
    if expected_sha256 and not _SHA256.fullmatch(expected_sha256.lower()):
        raise InputError(f"expected {shown(expected_sha256)}: no SHA-256 of 64 hexadecimal digits; copy all of it")
    manifest = read_manifest(folder)
    found: list[Discrepancy] = []
    if not manifest.intact:
        text = "was changed since it was written; nothing that it says is proved, build the package again"
        found.append(Discrepancy(MANIFEST, "manifest", text))
    if expected_sha256 and expected_sha256.lower() != manifest.sha256:
        text = f"is {manifest.sha256}, expected {expected_sha256.lower()}; this is another release"
        found.append(Discrepancy(MANIFEST, "manifest", text))
    present = dict(_entries(folder))
    missing = {name: entry for name, entry in manifest.files.items() if name not in present}
    verified, size = 0, 0
    for name, what in present.items():
        if name == MANIFEST:
            continue
        entry = manifest.files.get(name)
        finding = _of_listed(folder, name, what, entry) if entry else _of_extra(folder, name, what, missing)
        if finding is not None:
            found.append(finding)
        elif entry is not None:
            verified, size = verified + 1, size + entry.size
    for name, entry in missing.items():
        found.append(Discrepancy(name, "missing", f"is missing ({entry.size:,} bytes); copy it again, or build again"))
    return Integrity(folder.resolve().name, manifest, tuple(sorted(found)), verified, size)


def confirm_written(folder: Path) -> None:
    """Read a release again that was just written.

    Raises:
        OutputError: a file is not what was written; others in the folder are nobody's business here.
    """
    try:
        result = verify_folder(folder)
    except InputError as error:
        raise OutputError(f"{error}; what was written can't be read back") from error
    wrong = [entry for entry in result.found if entry.file in result.manifest.files or entry.file == MANIFEST]
    if wrong:
        raise OutputError(f"{folder / wrong[0].file}: {wrong[0].message}; what was written can't be read back")


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result | str]]:
    """What lies in a folder and below it: name, and its state or, where that is no file, a word for what it is."""
    pending: list[tuple[str, int]] = [("", 0)]
    count = 0
    while pending:
        prefix, depth = pending.pop()
        try:
            with os.scandir(folder / prefix) as scan:
                listed = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            yield prefix.rstrip("/"), f"can't be looked into ({error.strerror or error})"
            continue
        if not listed and prefix:
            yield prefix, "empty folder"
        for entry in listed:
            count += 1
            if count > ENTRY_LIMIT:
                raise InputError(f"{folder}: holds more than {ENTRY_LIMIT} files; give the folder of one build")
            name = prefix + entry.name
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                yield name, "symbolic link"
            elif stat.S_ISDIR(status.st_mode):
                if entry.name.startswith(TEMPORARY):
                    yield name, "temporary folder"
                elif depth == DEPTH_LIMIT:
                    yield name, f"folder nested over {DEPTH_LIMIT} deep"
                else:
                    pending.append((name + "/", depth + 1))
            elif stat.S_ISREG(status.st_mode):
                yield name, status
            else:
                yield name, "pipe, socket or device"


def _not_a_file(name: str, what: str) -> Discrepancy:
    if what == "temporary folder":
        text = "was left by a build that was interrupted, or is of one that runs; build again, or remove it"
        return Discrepancy(name, "temporary", text)
    if what == "empty folder":
        return Discrepancy(name, "extra", "is an empty folder that is not in the manifest; remove it")
    if what.startswith(("symbolic", "pipe")):
        return Discrepancy(name, "link", f"is a {what}, never followed; put a file in its place, or remove it")
    return Discrepancy(name, "unreadable", f"{what}; move it out of the release")


def _of_listed(folder: Path, name: str, what: os.stat_result | str, entry: FileEntry) -> Discrepancy | None:
    """What is wrong with a file that the manifest knows."""
    if isinstance(what, str):
        return _not_a_file(name, what)
    try:
        size, digest = (what.st_size, "") if what.st_size != entry.size else sha256_of(folder / name)
    except OSError as error:
        return Discrepancy(name, "unreadable", f"can't be read ({error.strerror or error}); check the permissions")
    if (size, digest) == (entry.size, entry.sha256):
        return None
    cause = "other bytes than those released"
    if size < entry.size:
        cause = f"{size:,} bytes of {entry.size:,}: cut off, or another file"
    elif size > entry.size:
        cause = f"{size:,} bytes, {entry.size:,} released"
    if entry.geometry is None:
        return Discrepancy(name, "altered", f"{cause}; copy it again, or build again")
    return _by_geometry(folder / name, name, cause, entry.geometry)


def _by_geometry(path: Path, name: str, cause: str, released: GeometryHash) -> Discrepancy:
    """What is to be said of a layout whose bytes differ."""
    try:
        now = geometry_of(read_layout(path, shape_limit=SHAPE_LIMIT))
    except LayoutError as error:
        reason = str(error).removeprefix(f"{path}: ").split(";")[0]
        return Discrepancy(name, "altered", f"{cause}; no layout to compare: {reason}; copy it again, or build again")
    if now.total == released.total:
        text = f"{cause}, but the same polygons on all {len(now.layers)} layers: written again by another program or "
        return Discrepancy(name, "rewritten", text + "with other names or texts; check it again before it is sent out")
    layers = sorted(
        key for key in now.layers.keys() | released.layers if now.layers.get(key) != released.layers.get(key)
    )
    shown = ", ".join(layers[:8]) + (f" and {len(layers) - 8} more" if len(layers) > 8 else "")
    return Discrepancy(
        name, "altered", f"{cause}, other polygons or hierarchy on {len(layers)} layers ({shown}); cpo diff shows where"
    )


def _of_extra(folder: Path, name: str, what: os.stat_result | str, missing: dict[str, FileEntry]) -> Discrepancy:
    """What is to be said of a file that the manifest doesn't know."""
    if isinstance(what, str):
        return _not_a_file(name, what)
    last = name.rsplit("/", 1)[-1]
    if TEMPORARY in last or last.endswith("~"):
        return Discrepancy(name, "temporary", "was left by a program that was interrupted; remove it")
    twin = _twin(folder / name, what, missing)
    if twin:
        return Discrepancy(name, "extra", f"is not in the manifest, and {twin}; rename it back, or build again")
    hidden = "hidden and " if last.startswith(".") else ""
    return Discrepancy(name, "extra", f"is {hidden}not in the manifest; remove it")


def _twin(path: Path, status: os.stat_result, missing: dict[str, FileEntry]) -> str:
    """Which missing file an unknown one is, if it is one of them."""
    try:
        if any(entry.size == status.st_size for entry in missing.values()):
            digest = sha256_of(path)[1]
            for name, entry in missing.items():
                if entry.sha256 == digest:
                    return f"has the bytes of {name}, which is missing"
        drawn = {name: entry.geometry for name, entry in missing.items() if entry.geometry is not None}
        if drawn and path.suffix.lower() in LAYOUTS:
            now = geometry_of(read_layout(path, shape_limit=SHAPE_LIMIT))
            for name, geometry in drawn.items():
                if geometry.total == now.total:
                    return f"has the polygons of {name}, which is missing"
    except (OSError, LayoutError):
        return ""
    return ""

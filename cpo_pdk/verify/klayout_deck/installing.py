"""The technology put into a KLayout folder, and taken out again: exactly what was put there, and nothing else.

A list of what was written (`tech/cpo/installed.json`, with hashes) says what is ours. It is written first, so that
whatever a crash leaves behind is known; a file that somebody changed since is left alone and named.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cpo_pdk.errors import InputError, OutputError
from cpo_pdk.output import write_text
from cpo_pdk.verify.klayout_deck.technology import NAME, technology_files
from cpo_pdk.version import __version__

#: the list of what was installed, relative to the folder
LIST = f"tech/{NAME}/installed.json"
_FORMAT = "cpo klayout 1"
#: what the list may name: nothing outside of these is ever written or removed
_ALLOWED = (f"tech/{NAME}/", "pymacros/cpo_")
#: a longer list is none of ours, bytes
_LIST_LIMIT = 1 << 20


@dataclass(frozen=True)
class Installation:
    """What an installation did or would do.

    Attributes:
        folder: of KLayout.
        written: files that are new or replaced; relative to `folder`, as all below.
        unchanged: files that were there already, as they should be.
        removed: files that are gone.
        left: files that are ours but were changed since, and were left as they are.
    """

    folder: Path
    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The `--json` document."""
        return {
            "folder": str(self.folder),
            "technology": NAME,
            "written": list(self.written),
            "unchanged": list(self.unchanged),
            "removed": list(self.removed),
            "left": list(self.left),
        }


@dataclass(frozen=True)
class State:
    """What is in a folder: the version that was installed (empty: none), and files that are missing or changed."""

    folder: Path
    version: str = ""
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Listed:
    """The list: hashes that a file of ours may have, by path; folders that were made, the outermost first."""

    version: str
    files: dict[str, list[str]]
    folders: list[str]


def klayout_folder(folder: Path | None = None) -> Path:
    """Where KLayout looks for technologies and macros.

    Args:
        folder: what the user says; default: `KLAYOUT_HOME`, else KLayout's own place in the home of the user.
    """
    if folder is not None:
        return folder
    if os.environ.get("KLAYOUT_HOME"):
        return Path(os.environ["KLAYOUT_HOME"])
    try:
        home = Path.home()
    except RuntimeError as error:
        raise InputError("this user has no home folder; give the folder of KLayout with --folder") from error
    return home / ("KLayout" if sys.platform == "win32" else ".klayout")


def install(folder: Path, *, dry_run: bool = False, files: Mapping[str, str] | None = None) -> Installation:
    """Put the technology into a KLayout folder, or bring it up to date.

    Args:
        folder: of KLayout; made when it isn't there.
        dry_run: only say what would be done.
        files: text by relative path; default: those of this version.

    Raises:
        OutputError: a file of another origin, or one that was changed, is in the way; something is a symbolic link;
            the folder can't be written. Nothing was changed then.
    """
    texts = dict(technology_files() if files is None else files)
    known = _read_list(folder) or _Listed("", {}, [])
    hashes = {name: _hash(text.encode()) for name, text in texts.items()}
    here = {name: _hash_of(folder, name) for name in {*texts, *known.files}}
    foreign = sorted(
        name for name in texts if here[name] not in (None, hashes[name]) and here[name] not in known.files.get(name, [])
    )
    if foreign:
        raise OutputError(
            f"{folder / foreign[0]}: {'was changed' if foreign[0] in known.files else 'is not from cpo'}"
            f"{f' (and {len(foreign) - 1} more)' if len(foreign) > 1 else ''}, and is not overwritten; move it away"
        )
    stale = sorted(set(known.files) - set(texts))
    removed = tuple(n for n in stale if here[n] in known.files[n])
    done = Installation(
        folder,
        written=tuple(sorted(name for name in texts if here[name] != hashes[name])),
        unchanged=tuple(sorted(name for name in texts if here[name] == hashes[name])),
        removed=removed,
        left=tuple(n for n in stale if here[n] not in (None, *known.files[n])),
    )
    if dry_run or not (done.written or stale or known.version != __version__ or set(known.files) != set(texts)):
        return done
    folders = _make_folders(folder, texts, known.folders)
    before = {name: _read(folder / name) for name in (*done.written, *done.removed)}
    both = {n: sorted({hashes.get(n, ""), *known.files.get(n, [])} - {""}) for n in {*texts, *removed}}
    try:
        _write_list(folder, _Listed(__version__, both, folders))
        staged = _stage(folder, {name: texts[name] for name in done.written})
        try:
            for name, temporary in staged.items():
                os.replace(temporary, folder / name)
            for name in done.removed:
                (folder / name).unlink(missing_ok=True)
            _write_list(folder, _Listed(__version__, {name: [digest] for name, digest in hashes.items()}, folders))
        except BaseException:
            _put_back(folder, before)
            raise
        finally:
            for temporary in staged.values():
                with contextlib.suppress(OSError):
                    temporary.unlink()
    except OSError as error:
        _undo_list(folder, known, folders)
        raise OutputError(
            f"{error.filename or folder}: can't be written ({error.strerror or error}); free it"
        ) from error
    except BaseException:
        _undo_list(folder, known, folders)
        raise
    return done


def uninstall(folder: Path, *, dry_run: bool = False) -> Installation:
    """Take out what `install` put there; files that were changed since are left and named.

    Raises:
        InputError: nothing of cpo is installed there.
        OutputError: something is a symbolic link, or can't be removed.
    """
    known = _read_list(folder)
    if known is None:
        raise InputError(f"{folder}: cpo is not installed there; give the folder of KLayout with --folder")
    here = {name: _hash_of(folder, name) for name in known.files}
    ours = tuple(sorted(name for name, digest in here.items() if digest in known.files[name]))
    left = tuple(sorted(name for name, digest in here.items() if digest not in (None, *known.files[name])))
    if not dry_run:
        try:
            for name in ours:
                (folder / name).unlink()
            (folder / LIST).unlink()
        except OSError as error:
            raise OutputError(
                f"{error.filename or folder}: can't be removed ({error.strerror or error}); change the permission"
            ) from error
        _remove_folders(folder, known.folders)
    return Installation(folder, removed=ours, left=left)


def state(folder: Path) -> State:
    """What is installed in a folder."""
    known = _read_list(folder)
    if known is None:
        return State(folder)
    here = {name: _hash_of(folder, name) for name in known.files}
    return State(
        folder,
        known.version,
        missing=tuple(sorted(n for n, digest in here.items() if digest is None)),
        changed=tuple(sorted(n for n, digest in here.items() if digest not in (None, *known.files[n]))),
    )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hash_of(folder: Path, name: str) -> str | None:
    """The hash of a file; None when there is none. Never through a link."""
    data = _read(folder / name, folder)
    return None if data is None else _hash(data)


def _read(path: Path, folder: Path | None = None) -> bytes | None:
    if folder is not None:
        _refuse_links(folder, path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        cause = "a file is in the way of a folder" if isinstance(error, NotADirectoryError) else error.strerror
        raise OutputError(f"{path}: can't be read ({cause}); move it away or change the permission") from error


def _refuse_links(folder: Path, path: Path) -> None:
    """Refuse a path that leads through a symbolic link, from the KLayout folder on."""
    place = folder
    for part in ("", *path.relative_to(folder).parts):
        place = place / part
        if place.is_symlink():
            raise OutputError(
                f"{place}: is a symbolic link, and nothing is written through one; name what it points to"
            )


def _read_list(folder: Path) -> _Listed | None:
    """What was installed, or None; raises `InputError` on a list that cpo did not write."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, must be a folder; give the folder of KLayout")
    path = folder / LIST
    data = _read(path, folder)
    if data is None:
        return None
    try:
        if len(data) > _LIST_LIMIT:
            raise ValueError("too long")
        document = json.loads(data)
        if document["format"] != _FORMAT or document["technology"] != NAME:
            raise ValueError(f"of format {document['format']!r} and technology {document['technology']!r}")
        files = {_allowed(name): [str(h) for h in hashes] for name, hashes in document["files"].items()}
        folders = [_inside(name) for name in document["folders"]]
        return _Listed(str(document["version"]), files, folders)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path}: is no list of what cpo installed ({' '.join(str(error).split())[:200]}); remove it by hand"
        ) from error


def _inside(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise ValueError(f"{name!r} is no path")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or str(path) != name:
        raise ValueError(f"{name!r} leads out of the folder")
    return name


def _allowed(name: Any) -> str:
    if not _inside(name).startswith(_ALLOWED) or name == LIST:
        raise ValueError(f"{name!r} is none of cpo's files")
    return name


def _write_list(folder: Path, listed: _Listed) -> None:
    document = {
        "format": _FORMAT,
        "technology": NAME,
        "version": listed.version,
        "files": dict(sorted(listed.files.items())),
        "folders": listed.folders,
    }
    write_text(folder / LIST, json.dumps(document, indent=1) + "\n")


def _make_folders(folder: Path, texts: Mapping[str, str], known: list[str]) -> list[str]:
    """Make the folders that are missing; returns those that are ours, the outermost first."""
    wanted = {str(parent) for name in texts for parent in PurePosixPath(name).parents if str(parent) != "."}
    made = [name for name in known if (folder / name).is_dir()]
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            made.append(".")
        for name in sorted(wanted):
            if not (folder / name).is_dir():
                (folder / name).mkdir()
                made.append(name)
    except OSError as error:
        _remove_folders(folder, [name for name in made if name not in known])
        cause = "a file is in the way of a folder" if isinstance(error, FileExistsError) else error.strerror or error
        raise OutputError(f"{error.filename or folder}: can't be made ({cause}); choose another folder") from error
    return sorted(set(made))


def _stage(folder: Path, texts: Mapping[str, str]) -> dict[str, Path]:
    """Every text in a file beside its place; all of them, or none."""
    staged: dict[str, Path] = {}
    try:
        for name, text in texts.items():
            place = folder / name
            handle, temporary = tempfile.mkstemp(prefix=".cpo-", dir=place.parent)
            staged[name] = Path(temporary)
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
    except BaseException:
        for path in staged.values():
            path.unlink(missing_ok=True)
        raise
    return staged


def _put_back(folder: Path, before: Mapping[str, bytes | None]) -> None:
    for name, data in before.items():
        with contextlib.suppress(OSError):
            if data is None:
                (folder / name).unlink(missing_ok=True)
            else:
                (folder / name).write_bytes(data)


def _undo_list(folder: Path, known: _Listed, folders: list[str]) -> None:
    """The list as it was before an installation that failed, and without the folders that it made."""
    with contextlib.suppress(OSError, OutputError):
        if known.files:
            _write_list(folder, known)
        else:
            (folder / LIST).unlink(missing_ok=True)
    _remove_folders(folder, [name for name in folders if name not in known.folders])


def _remove_folders(folder: Path, names: list[str]) -> None:
    """Remove folders of ours, the innermost first, as far as nothing else is in them."""
    for name in sorted(names, reverse=True):
        with contextlib.suppress(OSError):
            if not (folder / name).is_symlink():
                (folder / name).rmdir()

"""Writing results so that nobody ever reads half of one.

A file is written under a temporary name in its own folder, flushed to the disk and renamed. A whole set of results
is made in a hidden folder inside its destination (`staged`) and moved into place only when all of it is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from cpo_pdk.errors import OutputError
from cpo_pdk.spec.name_rules import check_name

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

#: how the names of files and folders begin that are not finished
TEMPORARY = ".tmp-"
#: where a leftover has no lock to ask, it counts as dead after this time, s
_STALE_AFTER = 3600.0


def write_bytes(path: Path, data: bytes) -> Path:
    """Write `data` to `path` as a whole or not at all; raises `OutputError`."""
    _refuse_link(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(_explain(path, error)) from error
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write `text` as UTF-8 with Unix line ends; otherwise as `write_bytes`."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, document: object) -> Path:
    """Write `document` as JSON, indented by one, without NaN; otherwise as `write_bytes`."""
    return write_text(path, json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def result_folder(root: Path | str, name: str) -> Path:
    """Return `root/name`, made if needed; refuses a name that leaves `root`.

    Raises:
        InputError: the name can't be a folder name.
        OutputError: the folder can't be written, is a link or is not a folder.
    """
    root = Path(root)
    return _writable_folder(root / check_name(name, "output folder", hyphen=True), inside=root)


def chosen_folder(folder: Path | str) -> Path:
    """Return a folder that the user named in full, made if needed.

    Raises:
        OutputError: the folder can't be written, is a link or is not a folder.
    """
    return _writable_folder(Path(folder))


def refuse_unwritable(path: Path, but: Iterable[Path | None] = ()) -> None:
    """Say before long work, not after it, that a file can't be written where it is wanted.

    Args:
        path: the file that is to be written.
        but: files that are read by the same command and may not be overwritten.

    Raises:
        OutputError: its folder is missing or can't be written, it is a folder or a link, or one of `but`.
    """
    _refuse_link(path)
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"{path}: there is no folder {folder}; make it, or choose another")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder, a file is to be written; choose another name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: no permission to write in {folder}; choose another folder")
    if path.exists():
        for other in but:
            if other is not None and other.exists() and path.samefile(other):
                raise OutputError(f"{path}: is read by this command, and would be overwritten; choose another name")


def remove_made(folder: Path, files: Sequence[str], existed: bool) -> None:
    """Take back the files of a set that could not be written whole, and the folders that it made.

    Args:
        folder: of the set.
        files: relative to it.
        existed: the folder was there before, and stays.
    """
    for name in files:
        (folder / name).unlink(missing_ok=True)
    parents = {p for name in files for p in Path(name).parents if p != Path(".")}
    for place in [*(folder / p for p in sorted(parents, reverse=True)), *([] if existed else [folder])]:
        with contextlib.suppress(OSError):
            place.rmdir()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; raises `OutputError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(_explain(folder, error)) from error


def _writable_folder(folder: Path, inside: Path | None = None) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _refuse_link(folder)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(_explain(folder, error)) from error
    if inside is not None and folder.resolve().parent != inside.resolve():
        raise OutputError(f"{folder}: lies outside of {inside}; choose another name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: no permission to write here; choose another folder with --out")
    return folder


@contextlib.contextmanager
def staged(folder: Path, outdated: Callable[[Path, Path], Iterable[Path]] | None = None) -> Iterator[Path]:
    """Give a temporary folder inside `folder`; on success its files replace those of the same name in `folder`.

    An exception, or Ctrl-C, inside the block leaves `folder` as it was. Leftovers of builds that were killed are
    removed first; a build of the same results that still runs is an `OutputError`.

    Args:
        folder: of the results.
        outdated: told `folder` and the temporary one when all is made, names the files in `folder` to be removed.
    """
    with locked(folder):
        _clean_leftovers(folder)
        try:
            temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder))
        except OSError as error:
            raise OutputError(_explain(folder, error)) from error
        try:
            yield temporary
            _move_into_place(temporary, folder, list(outdated(folder, temporary)) if outdated else [])
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            with contextlib.suppress(OSError):
                folder.rmdir()  # only if nothing is in it: a first build that failed leaves no empty folder


def _move_into_place(temporary: Path, folder: Path, outdated: Sequence[Path]) -> None:
    files = sorted(p for p in temporary.iterdir() if p.is_file() and not p.name.startswith(TEMPORARY))
    for file in files:
        _refuse_link(folder / file.name)
        if (folder / file.name).is_dir():
            raise OutputError(f"{folder / file.name}: is a folder, a result of that name is to be written; remove it")
    try:
        for file in files:
            with file.open("rb+") as handle:
                os.fsync(handle.fileno())
        with _uninterrupted():
            for file in files:
                os.replace(file, folder / file.name)
            for file in outdated:
                file.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(_explain(folder, error)) from error


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C and a polite kill for the few milliseconds in which files are renamed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    old = {s: signal.signal(s, lambda number, _frame: arrived.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        for number in arrived:
            signal.raise_signal(number)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the system lets go of it when the process ends, however it ends.

    Raises:
        OutputError: another process holds it.
    """
    if fcntl is None:
        if any(time.time() - p.stat().st_mtime < _STALE_AFTER for p in folder.glob(f"{TEMPORARY}*") if p.is_dir()):
            raise OutputError(_busy(folder))
        yield
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(_explain(folder, error)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise OutputError(_busy(folder)) from None
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(handle)


def _busy(folder: Path) -> str:
    return f"{folder}: another process is building the same results; wait for it or choose another --out"


def _clean_leftovers(folder: Path) -> None:
    """Remove what killed builds left; whoever holds the folder is the only one that builds in it."""
    for leftover in folder.glob(f"{TEMPORARY}*"):
        if leftover.is_symlink():
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        elif leftover.is_file() and time.time() - leftover.stat().st_mtime > _STALE_AFTER:
            leftover.unlink(missing_ok=True)


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise OutputError(f"{path}: is a symbolic link, and results are never written through one; remove it")
    if path.exists() and not (path.is_file() or path.is_dir()):  # a rename would put a file in place of the device
        raise OutputError(f"{path}: is a device, pipe or socket, and would be replaced by a file; choose another name")


def _explain(path: Path, error: OSError) -> str:
    cause = error.strerror or error
    if isinstance(error, FileExistsError | NotADirectoryError):
        path, cause = Path(error.filename or path), "a file is in the way of a folder"
    return f"{path}: can't be written ({cause}); free space, change the permission or choose another folder"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""The folder of a run: chunks as files that are named by what they follow from, and a journal of what is done.

::

    run.json              what is run: digest of the inputs, samples, chunk, version; the digest when complete
    chunks.jsonl          a line for each chunk that is done: its file and the SHA-256 of it
    chunk-FIRST-KEY.parquet

A chunk counts once its line is in the journal, and its line is written after its file is on the disk. Whatever is cut
off by a kill or a full disk is at most a file without a line, or half a line at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cpo_pdk.errors import InputError, OutputError
from cpo_pdk.execution.chunks import Columns, DamagedError, decode
from cpo_pdk.execution.work import Work
from cpo_pdk.output import write_bytes, write_json
from cpo_pdk.version import __version__

HEADER, JOURNAL = "run.json", "chunks.jsonl"
_FORMAT = 1
#: what is written in each header; all but the last two must agree before a run is continued
_SAME = {"name": "is of another run", "inputs": "was made from other inputs", "version": "was made by another version"}
#: bytes of a journal's line: more is no journal of ours
_LONGEST_LINE = 1000


def key_of(header: dict[str, Any], first: int, count: int) -> str:
    """Name of a chunk's contents: what they follow from."""
    text = json.dumps([_FORMAT, header["version"], header["name"], header["inputs"], first, count])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Store:
    """Chunks of one run in one folder."""

    def __init__(self, folder: Path, header: dict[str, Any], done: dict[int, dict[str, Any]]) -> None:
        self.folder = folder
        self.header = header
        self._done = done

    @classmethod
    def begin(cls, folder: Path, work: Work, resume: bool) -> Store:
        """Open `folder` for `work`, which the caller holds the lock of.

        Args:
            folder: exists.
            work: to be done.
            resume: keep the chunks that are there; else they are removed.

        Raises:
            InputError: `resume`, and the folder holds a run of other inputs, or of another version or chunk.
            OutputError: the folder can't be written.
        """
        header = {
            "format": _FORMAT,
            "name": work.name,
            "inputs": work.inputs_digest,
            "version": __version__,
            "chunk": work.chunk,
            "samples": work.samples,
        }
        done: dict[int, dict[str, Any]] = {}
        if resume and (folder / HEADER).exists():
            old = _header(folder)
            for what, words in _SAME.items():
                if old.get(what) != header[what]:
                    raise InputError(
                        f"{folder}: {words} ({_short(old.get(what))}, now {_short(header[what])}), not to be mixed;"
                        " leave out --resume to begin anew, or choose another --out"
                    )
            if old.get("chunk") != work.chunk:
                raise InputError(
                    f"{folder}: has chunks of {old.get('chunk')} samples, not {work.chunk}; give the same number again,"
                    " or leave out --resume to begin anew"
                )
            store = cls(folder, header, _journal(folder, header))
            done = {n: entry for n, entry in store._done.items() if store._bytes(n) is not None}
        else:
            _remove_run(folder)
        store = cls(folder, header, done)
        write_json(folder / HEADER, header)
        store._write_journal()
        return store

    @classmethod
    def open(cls, folder: Path) -> Store:
        """The run in `folder`, to be read; raises `InputError` where there is none."""
        header = _header(folder)
        return cls(folder, header, _journal(folder, header))

    @property
    def numbers(self) -> list[int]:
        """Numbers of the chunks that are done, in order."""
        return sorted(self._done)

    @property
    def samples(self) -> int:
        """How many samples are done."""
        return sum(entry["count"] for entry in self._done.values())

    def put(self, number: int, first: int, count: int, data: bytes) -> None:
        """Write a chunk and its line in the journal; raises `OutputError`, and then nothing of it counts."""
        file = self._file(number, first, count)
        write_bytes(self.folder / file, data)
        entry = {"chunk": number, "first": first, "count": count, "file": file}
        entry["sha256"] = hashlib.sha256(data).hexdigest()
        self._append(json.dumps(entry) + "\n")
        self._done[number] = entry

    def finish(self, digest: str) -> None:
        """Note in the header what all of it is."""
        self.header |= {"complete": True, "digest": digest}
        write_json(self.folder / HEADER, self.header)

    def pieces(self, names: list[str] | None = None) -> Iterator[Columns]:
        """Arrays of the chunks that are done, in order of samples.

        Raises:
            InputError: a chunk that was changed or cut off, or a column that isn't there.
        """
        for number in self.numbers:
            data = self._bytes(number)
            file = self.folder / self._done[number]["file"]
            if data is None:
                raise InputError(f"{file}: is not what was written; --resume makes it anew")
            try:
                yield decode(data, names)
            except DamagedError as error:
                raise InputError(f"{file}: can't be read ({error}); --resume makes it anew") from None
            except KeyError as error:
                raise InputError(f"{file}: has no column {error}") from None

    def _file(self, number: int, first: int, count: int) -> str:
        key = key_of(self.header, first, count)
        return f"chunk-{first:09d}-{key}.parquet"

    def _bytes(self, number: int) -> bytes | None:
        """The file of a chunk as it was written, or None."""
        entry = self._done[number]
        try:
            data = (self.folder / entry["file"]).read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == entry["sha256"] else None

    def _append(self, line: str) -> None:
        path = self.folder / JOURNAL
        try:
            with path.open("ab") as file:
                end = file.tell()
                try:
                    file.write(line.encode())
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    with contextlib.suppress(OSError):
                        file.truncate(end)
                    raise
        except OSError as error:
            raise OutputError(f"{path}: can't be written ({error.strerror or error}); free space") from error

    def _write_journal(self) -> None:
        lines = [json.dumps(self._done[number]) + "\n" for number in self.numbers]
        write_bytes(self.folder / JOURNAL, "".join(lines).encode())


def _header(folder: Path) -> dict[str, Any]:
    path = folder / HEADER
    try:
        header = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: holds no run ({HEADER} is missing)") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read ({error}); remove it to begin anew") from None
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise InputError(f"{path}: is no run of this version; remove it to begin anew")
    whole = all(isinstance(header.get(what), int) and header[what] >= 1 for what in ("samples", "chunk"))
    if not whole or not all(isinstance(header.get(what), str) for what in _SAME):
        raise InputError(f"{path}: lacks the samples or inputs of its run; remove it to begin anew")
    return header


def _journal(folder: Path, header: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Chunks by number that the journal tells of and that belong to this run; lines that are cut off are left out."""
    done: dict[int, dict[str, Any]] = {}
    try:
        text = (folder / JOURNAL).read_bytes()
    except OSError:
        return done
    samples, size = header["samples"], header["chunk"]
    for line in text.splitlines():
        if len(line) > _LONGEST_LINE:
            continue
        try:
            entry = json.loads(line)
            number, first, count = int(entry["chunk"]), int(entry["first"]), int(entry["count"])
            file, _ = str(entry["file"]), str(entry["sha256"])
        except (ValueError, KeyError, TypeError):
            continue
        right = first == number * size and count == min(size, samples - first) and count > 0
        key = key_of(header, first, count)
        if right and file == f"chunk-{first:09d}-{key}.parquet":
            done[number] = entry
    return done


def _remove_run(folder: Path) -> None:
    """Remove the files of an earlier run, the header first; nothing else of the folder."""
    try:
        (folder / HEADER).unlink(missing_ok=True)
        (folder / JOURNAL).unlink(missing_ok=True)
        for path in folder.glob("chunk-*.parquet"):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{error.filename}: can't be removed ({error.strerror}); choose another --out") from error


def _short(value: object) -> str:
    return str(value)[:12]

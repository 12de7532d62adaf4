"""A run's folder: what is done counts, what is damaged or of another run doesn't."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import execution_work
import numpy as np
import pytest

from cpo_pdk.errors import InputError, OutputError
from cpo_pdk.execution import Place, Work, read, run
from cpo_pdk.execution.runs import pieces
from cpo_pdk.output import locked

WORK = Work(execution_work.numbers, {}, samples=50, inputs_digest="abc", name="test", chunk=8)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("chunk-*.parquet"))


def test_a_run_and_what_it_holds(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    outcome = run(WORK, tmp_path / "run", progress=lambda done, total: seen.append((done, total)))
    assert (outcome.samples, outcome.asked, outcome.chunks, outcome.resumed) == (50, 50, 7, 0)
    assert outcome.complete and not outcome.interrupted and len(outcome.digest) == 64
    assert seen[0] == (0, 50) and seen[-1] == (50, 50) and len(seen) == 8
    found = read(tmp_path / "run")
    direct = execution_work.numbers({}, np.arange(50))
    assert list(found) == ["sample", *direct]
    for name, array in direct.items():
        np.testing.assert_array_equal(found[name], array)
    np.testing.assert_array_equal(
        np.concatenate([p["sine"] for p in pieces(tmp_path / "run", ["sine"])]), direct["sine"]
    )
    assert not list((tmp_path / "run").glob(".tmp*"))


def test_the_digest_does_not_follow_the_chunks(tmp_path: Path) -> None:
    digests = {run(replace(WORK, chunk=chunk), tmp_path / str(chunk)).digest for chunk in (1, 7, 50, 64)}
    assert len(digests) == 1


def test_resume_does_only_what_is_missing(tmp_path: Path) -> None:
    whole = run(WORK, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in files(tmp_path)}
    files(tmp_path)[3].unlink()
    damaged = bytearray(files(tmp_path)[1].read_bytes())
    damaged[20] ^= 255
    files(tmp_path)[1].write_bytes(damaged)
    with pytest.raises(InputError, match="--resume makes it anew"):
        read(tmp_path)
    again = run(WORK, tmp_path, resume=True)
    assert again.resumed == 50 - 16 and again.complete and again.digest == whole.digest
    changed = {path.name for path in files(tmp_path) if path.stat().st_mtime_ns != before[path.name]}
    assert len(changed) == 2
    assert run(WORK, tmp_path, resume=True).resumed == 50


def test_resume_of_nothing_begins(tmp_path: Path) -> None:
    assert run(WORK, tmp_path / "new", resume=True).complete


def test_a_longer_run_keeps_the_shorter_one(tmp_path: Path) -> None:
    run(WORK, tmp_path)
    longer = run(replace(WORK, samples=100), tmp_path, resume=True)
    assert longer.resumed == 48 and longer.complete  # the last chunk was short
    assert longer.digest == run(replace(WORK, samples=100), tmp_path / "direct").digest
    shorter = run(WORK, tmp_path, resume=True)
    assert shorter.samples == 50 and len(read(tmp_path)["sample"]) == 50


@pytest.mark.parametrize("change", [{"inputs_digest": "other"}, {"name": "another"}, {"chunk": 9}])
def test_runs_are_not_mixed(tmp_path: Path, change: dict[str, object]) -> None:
    first = run(WORK, tmp_path)
    other = replace(WORK, **change)  # pyright: ignore[reportArgumentType]  # one of its fields each
    with pytest.raises(InputError, match="leave out --resume"):
        run(other, tmp_path, resume=True)
    assert run(WORK, tmp_path, resume=True).digest == first.digest  # nothing was lost by the refusal
    assert run(other, tmp_path).complete and len(files(tmp_path)) == other.chunks


def test_another_version_is_not_mixed(tmp_path: Path) -> None:
    run(WORK, tmp_path)
    header = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(header | {"version": "0.0.1"}))
    with pytest.raises(InputError, match=r"another version \(0\.0\.1"):
        run(WORK, tmp_path, resume=True)


def test_a_new_run_removes_only_its_own_files(tmp_path: Path) -> None:
    run(WORK, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "chunk-of-mine.txt").write_text("mine")
    run(replace(WORK, samples=8), tmp_path)
    assert len(files(tmp_path)) == 1
    assert (tmp_path / "notes.txt").exists() and (tmp_path / "chunk-of-mine.txt").exists()


@pytest.mark.parametrize(
    "tail",
    [
        b'{"chunk": 0, "first": 0, "cou',
        b"[]\n",
        b"null\n",
        b'{"chunk": 0, "first": 8, "count": 8, "file": "x", "sha256": "y"}\n',
        b'{"chunk": 0, "first": 0, "count": 8, "file": "../../etc/passwd", "sha256": "y"}\n',
        b'{"chunk": "x"}\n',
        b"\xff\xfe\n",
        b"[" * 5000 + b"\n",
    ],
)
def test_a_line_that_was_cut_off_or_planted_counts_for_nothing(tmp_path: Path, tail: bytes) -> None:
    whole = run(WORK, tmp_path)
    journal = tmp_path / "chunks.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[1:]) + tail)
    assert len(read(tmp_path)["sample"]) == 42
    again = run(WORK, tmp_path, resume=True)
    assert again.resumed == 42 and again.digest == whole.digest


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": 1, "samples": 0, "chunk": 1}', "\x00"])
def test_a_header_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match="remove it to begin anew"):
        read(tmp_path)
    with pytest.raises(InputError, match="remove it to begin anew"):
        run(WORK, tmp_path, resume=True)
    assert run(WORK, tmp_path).complete


def test_no_run_no_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no run"):
        read(tmp_path)
    run(WORK, tmp_path)
    with pytest.raises(InputError, match="no column 'nonsense'"):
        read(tmp_path, ["nonsense"])


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(OutputError, match="another process"):
        run(WORK, tmp_path)


@pytest.mark.parametrize("samples", [0, -5, 10**12, 1.5, True])
def test_numbers_of_samples_that_make_no_sense(samples: object) -> None:
    with pytest.raises(InputError, match="samples"):
        replace(WORK, samples=samples)  # pyright: ignore[reportArgumentType]  # that is the point
    with pytest.raises(InputError, match="chunk"):
        replace(WORK, chunk=samples)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("workers", [0, -1, 100_000, 2.0, True])
def test_numbers_of_workers_that_make_no_sense(tmp_path: Path, workers: object) -> None:
    with pytest.raises(InputError, match="workers"):
        run(WORK, tmp_path / "never", Place(workers))  # pyright: ignore[reportArgumentType]
    assert not (tmp_path / "never").exists()

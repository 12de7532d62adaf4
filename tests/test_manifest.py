"""A release is proved by its manifest: whatever is done to a file of it, or to the manifest, is found."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.cli.app import run
from cpo_pdk.errors import InputError, OutputError
from cpo_pdk.integrity import confirm_written, verify_folder
from cpo_pdk.manifest import MANIFEST, SIZE_LIMIT, Inputs, outdated_files, read_manifest, sealed, write_manifest
from cpo_pdk.output import staged
from cpo_pdk.spec import find_spec, load_sheets
from cpo_pdk.tech.geometry_hash import geometry_hash

SHEETS = load_sheets()


def layout_of(scale: int = 1) -> kdb.Layout:
    layout = kdb.Layout()
    ring, top = layout.create_cell("ring"), layout.create_cell("top")
    ring.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 400 * scale, 3000))
    top.shapes(layout.layer(41, 0)).insert(kdb.Polygon([kdb.Point(0, 0), kdb.Point(900, 900), kdb.Point(900, 0)]))
    top.insert(kdb.CellInstArray(ring.cell_index(), kdb.Trans(5000, 0), kdb.Vector(9000, 0), kdb.Vector(0, 8000), 3, 2))
    return layout


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "release"
    folder.mkdir()
    layout_of().write(str(folder / "package.gds"))
    (folder / "lanes.csv").write_text("engine,port\nE1,1\n")
    (folder / "empty.txt").write_text("")
    write_manifest(folder, "package", Inputs(find_spec("switch_51t2"), [SHEETS["straight"], SHEETS["mmi1x2"]]))
    return folder


def kinds(folder: Path) -> dict[str, str]:
    return {entry.file: entry.kind for entry in verify_folder(folder).found}


@settings(max_examples=300, derandomize=True, deadline=None)
@given(data=st.data())
def test_no_edit_of_a_manifest_goes_unseen(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "edited"
    if not folder.exists():
        folder.mkdir()
        (folder / "a.txt").write_text("a")
        write_manifest(folder, "package", Inputs(find_spec("switch_51t2"), [SHEETS["straight"]]))
        shutil.copy(folder / MANIFEST, folder.parent / "edited.json")
    text = (folder.parent / "edited.json").read_bytes()
    at, cut = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 40))
    changed = text[:at] + data.draw(st.binary(max_size=20)) + text[at + cut :]
    if changed == text:
        return
    (folder / MANIFEST).write_bytes(changed)
    try:
        assert not verify_folder(folder).complete
    except InputError as error:
        assert "\n" not in str(error)


def test_every_kind_of_damage_has_its_word(release: Path) -> None:
    assert verify_folder(release).complete
    (release / "lanes.csv").write_text("engine,port\n")
    (release / "empty.txt").unlink()
    (release / "sub" / "deep").mkdir(parents=True)
    (release / "sub" / "deep" / "notes.txt").write_text("x")
    (release / "none").mkdir()
    (release / ".hidden").write_text("")
    (release / ".tmp-123").mkdir()
    (release / "lanes.csv~").write_text("")
    (release / "link").symlink_to("/etc/hostname")
    os.mkfifo(release / "pipe")
    result = verify_folder(release)
    assert kinds(release) == {
        "lanes.csv": "altered",
        "empty.txt": "missing",
        "sub/deep/notes.txt": "extra",
        "none/": "extra",
        ".hidden": "extra",
        ".tmp-123": "temporary",
        "lanes.csv~": "temporary",
        "link": "link",
        "pipe": "link",
    }
    told = {entry.file: entry.message for entry in result.found}
    assert told["lanes.csv"].startswith("12 bytes of 17: cut off")
    assert result.verified == 1 and not result.complete


def test_a_listed_file_behind_a_link_is_not_taken_for_it(release: Path, tmp_path: Path) -> None:
    shutil.move(release / "lanes.csv", tmp_path / "elsewhere.csv")
    (release / "lanes.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert kinds(release) == {"lanes.csv": "link"}
    shutil.move(release / MANIFEST, tmp_path / "m.json")
    (release / MANIFEST).symlink_to(tmp_path / "m.json")
    with pytest.raises(InputError, match="symbolic link"):
        verify_folder(release)


def test_a_renamed_file_is_recognized(release: Path) -> None:
    (release / "lanes.csv").rename(release / "table.csv")
    (release / "package.gds").rename(release / "other.gds")
    told = {entry.file: entry.message for entry in verify_folder(release).found}
    assert "has the bytes of lanes.csv, which is missing" in told["table.csv"]
    assert "has the bytes of package.gds" in told["other.gds"]
    layout_of().write(str(release / "package.oas"))
    (release / "other.gds").unlink()
    told = {entry.file: entry.message for entry in verify_folder(release).found}
    assert "has the polygons of package.gds, which is missing" in told["package.oas"]


def test_a_layout_that_was_only_rewritten_is_told_from_one_that_was_changed(release: Path) -> None:
    layout = layout_of()
    layout.cell("ring").name = "another_name"
    layout.write(str(release / "package.gds"))
    (entry,) = verify_folder(release).found
    assert entry.kind == "rewritten" and "the same polygons on all 2 layers" in entry.message
    layout_of(2).write(str(release / "package.gds"))
    (entry,) = verify_folder(release).found
    assert entry.kind == "altered" and "on 1 layers (1/0)" in entry.message
    (release / "package.gds").write_bytes((release / "package.gds").read_bytes()[:-30])
    (entry,) = verify_folder(release).found
    assert entry.kind == "altered" and "no layout to compare" in entry.message


def test_the_expected_manifest_is_asked_for(release: Path) -> None:
    own = read_manifest(release).sha256
    assert verify_folder(release, own.upper()).complete
    assert kinds_of(verify_folder(release, "0" * 64)) == ["manifest"]
    assert run(["verify", str(release), "--expect", own]) == 0
    assert run(["verify", str(release), "--expect", "f" * 64]) == 1
    assert run(["verify", str(release), "--expect", own[:-1]]) == 2


def kinds_of(result: Any) -> list[str]:
    return [entry.kind for entry in result.found]


def test_a_manifest_written_by_another_hand_is_not_intact(release: Path) -> None:
    path = release / MANIFEST
    document = json.loads(path.read_text())
    (release / "lanes.csv").write_text("changed")
    document["files"]["lanes.csv"] = {"bytes": 7, "sha256": hashlib.sha256(b"changed").hexdigest()}
    path.write_text(json.dumps(document, indent=1) + "\n")
    assert kinds(release) == {MANIFEST: "manifest"}
    # one who seals it again has made another release: only its own number, known from elsewhere, tells
    old = document.pop("manifest_sha256")
    path.write_text(sealed(document))
    assert verify_folder(release).complete and not verify_folder(release, old).complete


Edit = Callable[[dict[str, Any]], Any]
HOSTILE: dict[str, Edit] = {
    "format": lambda d: d.update(format="cpo_pdk manifest 99"),
    "no files": lambda d: d.update(files={}),
    "files a list": lambda d: d.update(files=["a"]),
    "path": lambda d: d["files"].update({"../secret": d["files"]["lanes.csv"]}),
    "absolute": lambda d: d["files"].update({"/etc/passwd": d["files"]["lanes.csv"]}),
    "drive": lambda d: d["files"].update({"C:/x": d["files"]["lanes.csv"]}),
    "backslash": lambda d: d["files"].update({"..\\x": d["files"]["lanes.csv"]}),
    "control": lambda d: d["files"].update({"a\x1b[2J": d["files"]["lanes.csv"]}),
    "half a character": lambda d: d["files"].update({"\ud800": d["files"]["lanes.csv"]}),
    "itself": lambda d: d["files"].update({MANIFEST: d["files"]["lanes.csv"]}),
    "empty part": lambda d: d["files"].update({"a//b": d["files"]["lanes.csv"]}),
    "bytes": lambda d: d["files"]["lanes.csv"].update(bytes="17"),
    "true": lambda d: d["files"]["lanes.csv"].update(bytes=True),
    "negative": lambda d: d["files"]["lanes.csv"].update(bytes=-1),
    "large": lambda d: d["files"]["lanes.csv"].update(bytes=1 << 80),
    "short hash": lambda d: d["files"]["lanes.csv"].update(sha256="ab"),
    "hash": lambda d: d["files"]["lanes.csv"].update(sha256=None),
    "geometry": lambda d: d["files"]["package.gds"].update(geometry=3),
    "layers": lambda d: d["files"]["package.gds"]["geometry"].update(layers={"1/0": 4}),
    "own": lambda d: d.pop("manifest_sha256"),
    "name": lambda d: d.update(name="x" * 1000),
    "tools": lambda d: d.update(tools={"python": 3}),
    "inputs": lambda d: d.pop("inputs"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_manifest_is_one_line(what: str, release: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = release / MANIFEST
    document = json.loads(path.read_text())
    HOSTILE[what](document)
    path.write_text(json.dumps(document))
    assert run(["verify", str(release), "--json"]) == 2
    out, err = capfd.readouterr()
    assert json.loads(out)["error"]["exit_code"] == 2
    assert err.splitlines()[-1].startswith("cpo: ") and err.splitlines()[-1].isprintable()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no UTF-8"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"a": NaN}', "no number"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"9" * 10_000, "no JSON"),
        (b"[]", "a table needed"),
        (b" " * (SIZE_LIMIT + 1), "limit"),
    ],
)
def test_what_is_no_manifest(text: bytes, words: str, release: Path) -> None:
    (release / MANIFEST).write_bytes(text)
    with pytest.raises(InputError, match=words) as caught:
        verify_folder(release)
    assert "\n" not in str(caught.value)


def test_what_is_no_release(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, words in (("none", "no such folder"), ("file", "is a file"), ("empty", "holds no manifest.json")):
        assert run(["verify", str(tmp_path / name)]) == 2
        assert words in capfd.readouterr().err
    os.mkfifo(tmp_path / "empty" / MANIFEST)
    with pytest.raises(InputError, match="no regular file"):
        verify_folder(tmp_path / "empty")


def test_the_geometry_hash_survives_formats_names_and_order(tmp_path: Path) -> None:
    def of(layout: kdb.Layout) -> str:
        return geometry_hash(layout, layout.cell("top") or layout.top_cell()).total

    first = of(layout_of())
    for name in ("a.gds", "b.oas", "c.gds"):
        layout = layout_of()
        layout.write(str(tmp_path / name))
        layout = kdb.Layout()
        layout.read(str(tmp_path / name))
        assert of(layout) == first
    # single placements for an array, another cell for equal ones, a polygon in two pieces, texts, another order
    layout = kdb.Layout()
    top = layout.create_cell("package")
    rings = [layout.create_cell(f"r{n}") for n in (1, 0)]
    for ring in rings:
        ring.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 1000, 400, 3000))
        ring.shapes(layout.layer(1, 0)).insert(kdb.Path([kdb.Point(200, 0), kdb.Point(200, 1500)], 400))
    for column in (2, 0, 1):
        for row in (1, 0):
            ring = rings[(column + row) % 2]
            top.insert(kdb.CellInstArray(ring.cell_index(), kdb.Trans(5000 + 9000 * column, 8000 * row)))
    top.shapes(layout.layer(66, 0)).insert(kdb.Text("label", kdb.Trans()))
    top.shapes(layout.layer(41, 0)).insert(kdb.Polygon([kdb.Point(0, 0), kdb.Point(900, 900), kdb.Point(900, 0)]))
    empty = layout.create_cell("empty")
    top.insert(kdb.CellInstArray(empty.cell_index(), kdb.Trans(), kdb.Vector(1, 0), kdb.Vector(0, 1), 30000, 30000))
    assert of(layout) == first
    rings[0].shapes(layout.layer(1, 0)).insert(kdb.Box(0, 3000, 400, 3001))
    assert of(layout) != first


def test_the_same_content_gives_the_same_manifest(release: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    for name in ("empty.txt", "package.gds", "lanes.csv"):
        shutil.copy(release / name, again / name)
    (again / ".tmp-x").write_text("left over")
    write_manifest(again, "package", Inputs(find_spec("switch_51t2"), [SHEETS["mmi1x2"], SHEETS["straight"]]))
    assert (again / MANIFEST).read_bytes() == (release / MANIFEST).read_bytes()


def test_own_cells_and_measured_data_count_as_inputs(release: Path, tmp_path: Path) -> None:
    own = tmp_path / "ring.py"
    digests = []
    for text in ("a = 1", "a = 1", "a = 2"):
        own.write_text(text)
        write_manifest(release, "package", Inputs(find_spec("switch_51t2"), [SHEETS["straight"]], [own]))
        digests.append(read_manifest(release).inputs_sha256)
        assert read_manifest(release).own_cells == {"ring.py": hashlib.sha256(text.encode()).hexdigest()}
    assert digests[0] == digests[1] != digests[2]


def test_what_was_just_written_is_read_again(release: Path) -> None:
    (release / "notes.txt").write_text("of the user")
    confirm_written(release)
    (release / "lanes.csv").write_text("engine,port\nE2,1\n")
    with pytest.raises(OutputError, match="can't be read back"):
        confirm_written(release)


def test_what_a_build_no_longer_makes_is_removed(tmp_path: Path) -> None:
    def release_of(files: dict[str, str]) -> None:
        with staged(folder, outdated_files) as stage:
            for name, text in files.items():
                (stage / name).write_text(text)
            write_manifest(stage, "package", Inputs(find_spec("switch_51t2"), [SHEETS["straight"]]))

    folder = tmp_path / "package"
    folder.mkdir()
    release_of({"a.txt": "a", "old.png": "old", "edited.png": "old", "link.png": "old", "Case.txt": "c"})
    (folder / "edited.png").write_text("new")  # as long as before
    (folder / "mine.txt").write_text("mine")
    (folder / "link.png").unlink()
    (tmp_path / "elsewhere.png").write_text("old")
    (folder / "link.png").symlink_to(tmp_path / "elsewhere.png")
    release_of({"a.txt": "b", "case.txt": "c"})
    assert (folder / "a.txt").read_text() == "b" and (folder / "case.txt").exists()
    assert not (folder / "old.png").exists()
    assert (tmp_path / "elsewhere.png").exists()
    (folder / "Case.txt").unlink()  # may be the new one where the system does not tell the cases apart
    assert kinds(folder) == {"edited.png": "extra", "link.png": "link", "mine.txt": "extra"}


@pytest.mark.parametrize("change", ["name", "text", "missing", "nested"])
def test_nothing_is_removed_on_the_word_of_another_manifest(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "old.png").write_text("old")
    inputs = Inputs(find_spec("switch_51t2"), [SHEETS["straight"]])
    path = write_manifest(folder, "other" if change == "name" else "package", inputs)
    if change == "text":
        path.write_text(path.read_text().replace('"python": "', '"python": "x'))
    if change == "missing":
        path.unlink()
    if change == "nested":
        (folder / "sub").mkdir()
        (folder / "sub" / "old.png").write_text("old")
        (folder / "old.png").unlink()
        document = json.loads(path.read_text())
        del document["manifest_sha256"]
        document["files"]["sub/old.png"] = document["files"].pop("old.png")
        path.write_text(sealed(document))
    with staged(folder, outdated_files) as stage:
        (stage / "new.txt").write_text("new")
        write_manifest(stage, "package", inputs)
    assert (folder / ("sub/old.png" if change == "nested" else "old.png")).read_text() == "old"

"""init, list, cells, and what check and simulate say to files that are none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk import output
from cpo_pdk.cli.app import run
from cpo_pdk.errors import OutputError


def document_of(arguments: list[str], capfd: pytest.CaptureFixture[str], code: int = 0) -> dict:
    capfd.readouterr()
    assert run([*arguments, "--json"]) == code, capfd.readouterr().err
    out, _ = capfd.readouterr()
    assert out.count("\n") == 1
    return json.loads(out)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_makes_a_project_with_the_same_top_level(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = document_of(["init", "demo"], capfd)
    assert document["project"] == "demo"
    assert {p.name for p in (here / "demo").iterdir()} >= {"components", "assemblies", "gds_out", "tests", "README.md"}
    assert (here / "demo/assemblies/switch_51t2.yaml").is_file()
    assert sorted(document["files"]) == sorted(
        p.relative_to(here / "demo").as_posix() for p in (here / "demo").rglob("*") if p.is_file()
    )


def test_init_overwrites_nothing(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "demo").mkdir()
    (here / "demo" / "mine.txt").write_text("mine")
    document = document_of(["init", "demo"], capfd, code=2)
    assert "exists already" in document["error"]["message"]
    assert [p.name for p in (here / "demo").iterdir()] == ["mine.txt"]


def test_init_that_fails_half_way_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text, written = output.write_text, []

    def full(path: Path, text: str) -> Path:
        if len(written) == 3:
            raise OutputError(f"{path}: can't be written (No space left on device)")
        written.append(path)
        return write_text(path, text)

    monkeypatch.setattr(output, "write_text", full)
    assert run(["init", "demo"]) == 2
    assert list(here.iterdir()) == []
    assert run(["init", "/dev/null/demo"]) == 2


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps a folder that is in use")
def test_a_working_folder_that_is_gone_is_one_line(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "gone").mkdir()
    os.chdir(here / "gone")
    (here / "gone").rmdir()
    try:
        assert "working folder was removed" in document_of(["list"], capfd, code=2)["error"]["message"]
    finally:
        os.chdir(here)


@pytest.mark.parametrize("name", ["a b", "..", "con", "x" * 80])
def test_init_refuses_names_that_are_none(here: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    document_of(["init", name], capfd, code=2)
    assert list(here.iterdir()) == []


def test_list_says_what_there_is_and_where_from(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = document_of(["list"], capfd)
    assert set(document) == {"sheets", "parts", "cells", "specs"}
    assert {"ring_modulator", "add_drop_ring"} <= {sheet["name"] for sheet in document["sheets"]}
    assert {row["origin"] for row in document["specs"]} == {"shipped"}
    assert "gap=" in next(cell["arguments"] for cell in document["cells"] if cell["name"] == "ring_modulator")
    document_of(["init", "demo"], capfd)
    (here / "assemblies").mkdir()
    (here / "assemblies/mine.yaml").write_text((here / "demo/assemblies/switch_51t2.yaml").read_text())
    specs = {row["name"]: row["origin"] for row in document_of(["list"], capfd)["specs"]}
    assert specs["mine"].endswith("assemblies/mine.yaml") and specs["switch_51t2"] == "shipped"


def test_a_cell_is_drawn_with_arguments_of_ones_own(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = document_of(["cells", "straight", "--set", "length=12.5", "--out", "own"], capfd)
    assert document["settings"]["length"] == 12.5 and document["size_um"][0] == 12.5
    gds = here / document["gds"]
    layout = kdb.Layout()
    layout.read(str(gds))
    assert layout.top_cell().dbbox().width() == 12.5
    assert (here / document["picture"]).read_bytes().startswith(b"\x89PNG")
    files = [gds.name, gds.with_suffix(".png").name, gds.with_suffix(".spectrum.png").name]
    assert sorted(p.name for p in (here / "own").iterdir()) == sorted(files)


@pytest.mark.parametrize("out", [".", "my results/v1.0", "ä"])
def test_a_cell_is_drawn_into_any_folder_that_one_names(
    here: Path, out: str, capfd: pytest.CaptureFixture[str]
) -> None:
    document = document_of(["cells", "straight", "--out", out], capfd)
    assert Path(document["gds"]).parent == Path(out)
    assert len(list((here / out).iterdir())) == 3


@pytest.mark.parametrize("command", ["build", "report"])
def test_a_spec_that_is_a_pipe_or_a_device_is_one_line(
    here: Path, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(here / "pipe.yaml")
    for name in ("pipe.yaml", "/dev/zero"):
        assert "pipe or device" in document_of([command, name], capfd, code=2)["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["strait"], 'did you mean "straight"'),
        (["straight", "--set", "length=.nan"], "not finite"),
        (["straight", "--set", "length"], "give KEY=VALUE"),
        (["straight", "--set", "lenght=3"], "unknown argument 'lenght'"),
        (["straight", "--out", "/dev/null/x"], "can't be written"),
        (["straight", "--set", "length=" + "9" * 5000], "characters"),
    ],
)
def test_a_cell_that_cannot_be_drawn_writes_nothing(
    here: Path, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    document = document_of(["cells", *arguments], capfd, code=2)
    assert said in document["error"]["message"]
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("command", ["check", "simulate"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.gds", b""),
        ("text.gds", b"this is no layout\n"),
        ("cut.gds", b"\x00\x06\x00\x02\x02\x58\x00\x1c\x01\x02"),
        ("binary.oas", bytes(range(256))),
        ("missing.gds", None),
        ("folder.gds", None),
    ],
)
def test_a_file_that_is_no_layout_is_one_line(
    here: Path, command: str, name: str, content: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (here / name).write_bytes(content)
    elif name == "folder.gds":
        (here / name).mkdir()
    error = document_of([command, name], capfd, code=2)["error"]
    assert error["message"].startswith(name) and "\n" not in error["message"]


def test_a_plain_copy_for_an_older_klayout(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("top")
    top.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 400, 3000))
    top.add_meta_info(kdb.LayoutMetaInfo("kfactory:info", {"length": 3.0}, None, True))
    options = kdb.SaveLayoutOptions()
    options.write_context_info = True
    file, copy = tmp_path / "chip.gds", tmp_path / "copy.GDS"
    layout.write(str(file), options)
    assert b"$$$CONTEXT_INFO$$$" in file.read_bytes()
    assert run(["klayout", "plain", str(file), str(copy)]) == 0
    assert b"$$$CONTEXT_INFO$$$" not in copy.read_bytes()
    again = kdb.Layout()
    again.read(str(copy))
    assert again.top_cell().shapes(again.layer(1, 0)).size() == 1
    before = file.read_bytes()
    for out in (file, tmp_path / "x.dxf", tmp_path / "missing" / "x.gds"):
        assert run(["klayout", "plain", str(file), str(out)]) == 2
    assert file.read_bytes() == before
    assert "no kind of layout" in capfd.readouterr().err

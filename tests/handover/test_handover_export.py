"""`cpo export` and what is behind it: all files or none, the same bytes, and refusals in one line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.cli.app import run
from cpo_pdk.errors import InputError, LayoutError, OutputError
from cpo_pdk.handover import export as module
from cpo_pdk.handover.export import FORMATS, USUAL, export
from cpo_pdk.handover.names import PlainNames, plain_name
from cpo_pdk.handover.reading import read_package
from cpo_pdk.handover.svg import svg_text
from cpo_pdk.handover.verilog import verilog_text
from cpo_pdk.report.view3d import embedded_glb
from cpo_pdk.tech.layers import layer_of

from .conftest import EVIL, draw_package


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_all_files_appear_and_no_other(gds: Path, tmp_path: Path) -> None:
    done = export(gds, tmp_path / "out")
    assert tuple(done.files) == USUAL == tuple(name for name in FORMATS if name != "step")
    listed = [name for names in done.files.values() for name in names]
    assert sorted(listed) == sorted(p.name for p in (tmp_path / "out").iterdir()) and len(set(listed)) == len(listed)
    assert done.files["glb"] == ["mini.glb"] and done.files["netlist"] == ["mini.spi", "mini.v"]


def test_the_same_layout_gives_the_same_bytes_in_every_process(gds: Path, tmp_path: Path) -> None:
    found = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        command = [sys.executable, "-m", "cpo_pdk", "export", str(gds), "--out", str(out)]
        env = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, env=env)
        found.append(digests(out))
    assert found[0] == found[1] and len(found[0]) > 14


def test_a_package_as_oasis_gives_the_files_that_it_gives_as_gds(gds: Path, tmp_path: Path) -> None:
    first = export(gds, tmp_path / "first", ["oasis", "dxf", "svg", "glb", "3dblox"])
    export(first.folder / "mini.oas", tmp_path / "second", ["dxf,svg", "glb,3dblox"])
    before, after = digests(tmp_path / "first"), digests(tmp_path / "second")
    assert {name: before[name] for name in after} == after and len(after) == len(before) - 1


def test_a_single_engine_can_be_handed_over(gds: Path, tmp_path: Path) -> None:
    made = export(gds, tmp_path / "package", ["dies"])
    done = export(made.folder / "mini_engine.gds", tmp_path / "engine")
    assert done.files["dies"] == ["engine_cell_dies.gds", "engine_cell_engine.gds"]
    package = read_package(made.folder / "mini_engine.gds")
    assert [s.bottom for s in package.solids if s.name == "engine_cell"] == [0.0] and not package.fibres


@pytest.mark.parametrize(
    ("only", "message"),
    [
        (["dxv"], "--only dxv: choose from oasis, dies, blackbox, 3dblox, netlist, dxf, svg, glb, step"),
        ([""], "--only names nothing: choose from oasis"),
        (["dxf", "pdf,png"], "--only pdf, png: choose from"),
    ],
)
def test_an_unknown_format_is_refused_before_anything_is_read(only: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        export(tmp_path / "missing.gds", tmp_path / "out", only)
    assert not (tmp_path / "out").exists()


def test_step_without_its_extra_says_how_to_get_it(gds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r'run: pip install "cpo-pdk\[step\]"'):
        export(gds, tmp_path / "out", ["step"])
    assert not (tmp_path / "out").exists()


def test_a_failure_leaves_what_was_there(gds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    export(gds, out, ["svg", "dxf"])
    before = digests(out)

    def fails(_package: object) -> str:
        raise OutputError("no space")

    monkeypatch.setattr(module.svg, "svg_text", fails)
    with pytest.raises(OutputError, match="no space"):
        export(gds, out, ["dxf", "glb", "svg"])
    assert digests(out) == before


def test_the_layout_that_is_read_is_never_written_over(gds: Path, tmp_path: Path) -> None:
    made = export(gds, tmp_path / "out", ["oasis"])
    source = made.folder / "mini.oas"
    before = digests(made.folder)
    with pytest.raises(OutputError, match="is the layout that is read here; choose another folder with --out"):
        export(source, made.folder, ["oasis", "svg"])
    assert digests(made.folder) == before


def test_names_of_a_layout_are_never_markup_or_code(tmp_path: Path) -> None:
    path = draw_package(tmp_path / "evil.gds", evil=EVIL)
    package = read_package(path)
    assert [c.name for c in package.connectors] == [EVIL]
    done = export(path, tmp_path / "out")
    assert sorted(name for names in done.files.values() for name in names)
    svg = (done.folder / "mini.svg").read_text()
    assert "<script>" not in svg and "&lt;script&gt;" in svg and svg == svg_text(package)
    assert "<" not in embedded_glb(path)
    netlists = module.extract(read_layout(path), {"cpo_fiber"})
    assert "<script>" not in "".join(
        line for line in verilog_text(netlists, package).splitlines() if not line.startswith("(*")
    )


def test_plain_names_stay_apart() -> None:
    assert plain_name("tx_3/5") == "tx_3_5" and plain_name("1a") == "_1a" and plain_name("\u00e9\u00e9") == "_"
    names = PlainNames()
    assert [names.of(n) for n in ("a/b", "a-b", "a_b", "a/b")] == ["a_b", "a_b_2", "a_b_3", "a_b"]


def test_the_command_tells_what_it_wrote(gds: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = run(["export", str(gds), "--out", str(tmp_path / "out"), "--only", "svg", "--only", "glb", "--json"])
    document = json.loads(capfd.readouterr().out)
    assert code == 0 and document["warnings"] == [] and set(document["seconds"]) == {"svg", "glb"}
    sizes = {entry["file"]: entry["bytes"] for entry in document["files"]}
    assert sizes == {name: (tmp_path / "out" / name).stat().st_size for name in ("mini.svg", "mini.glb")}


def test_the_command_refuses_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bare = kdb.Layout()
    bare.create_cell("top").shapes(bare.layer(*layer_of("WG"))).insert(kdb.DBox(0, 0, 5, 5))
    bare.write(str(tmp_path / "bare.gds"))
    (tmp_path / "cut.gds").write_bytes((tmp_path / "bare.gds").read_bytes()[:60])
    for name in ("bare.gds", "cut.gds", "none.gds"):
        assert run(["export", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 2
        lines = capfd.readouterr().err.splitlines()
        assert len([line for line in lines if line.startswith("cpo:")]) == 1, lines
        assert not (tmp_path / "out").exists()
    assert embedded_glb(tmp_path / "bare.gds") == ""
    with pytest.raises(LayoutError):
        export(tmp_path / "bare.gds", tmp_path / "out")

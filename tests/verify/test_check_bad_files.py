"""Files that are damaged, foreign or hostile: a clear verdict, never a crash, never clean without a look."""

from __future__ import annotations

import random
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.errors import CpoError, LayoutError
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify import check, connectivity, drc

RUNS = [drc, lambda path: connectivity(path, ()), lambda path: check(path, ())]


@pytest.fixture(params=RUNS, ids=["drc", "connectivity", "check"])
def run(request):
    return request.param


def test_a_file_that_is_not_there(run, tmp_path):
    with pytest.raises(LayoutError, match="no such file"):
        run(tmp_path / "none.gds")


@pytest.mark.parametrize("content", [b"", b"hello, this is text\n", bytes(random.Random(1).randbytes(5000))])
def test_no_layout(run, content, tmp_path):
    path = tmp_path / "bad.gds"
    path.write_bytes(content)
    with pytest.raises(LayoutError) as caught:
        run(path)
    assert "\n" not in str(caught.value)


def test_a_cut_file(run, draw):
    path = draw([("WG", kdb.DBox(0, 0, 10, 1))])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(LayoutError):
        run(path)


@pytest.mark.parametrize("more", [b"\0" * 9000, b"\0" * 5000 + b"x", random.Random(3).randbytes(9000), b"again"])
def test_what_lies_behind_the_end_is_not_passed_over(draw, more):
    path = draw([("WG", kdb.DBox(0, 0, 10, 1))])
    whole = path.read_bytes()
    path.write_bytes(whole + (whole if more == b"again" else more))
    if not more.strip(b"\0"):
        assert drc(path).looked_at == 1
        return
    with pytest.raises(LayoutError, match="goes on behind the end of the layout"):
        drc(path)


def test_no_known_layer(run, tmp_path):
    layout = kdb.Layout()
    layout.create_cell("top").shapes(layout.layer(777, 7)).insert(kdb.DBox(0, 0, 1, 1))
    path = tmp_path / "foreign.gds"
    layout.write(str(path))
    with pytest.raises(LayoutError, match=r"no known layer \(777/7\)"):
        run(path)


def test_a_cell_that_the_file_does_not_hold(tmp_path):
    layout = kdb.Layout()
    top, missing = layout.create_cell("top"), layout.create_cell("elsewhere")
    top.shapes(layout.layer(*layer_of("WG"))).insert(kdb.DBox(0, 0, 10, 1))
    top.insert(kdb.DCellInstArray(missing.cell_index(), kdb.DTrans()))
    missing.ghost_cell = True
    path = tmp_path / "partly.gds"
    layout.write(str(path))
    with pytest.raises(LayoutError, match="calls 1 cells that it does not define \\('elsewhere'\\)"):
        check(path, ())


def test_layers_of_another_process_beside_ours_are_told(tmp_path):
    layout = kdb.Layout()
    top = layout.create_cell("top")
    for layer in (layer_of("WG"), (1, 1)):
        top.shapes(layout.layer(*layer)).insert(kdb.DBox(0, 0, 10, 1))
    path = tmp_path / "mixed.gds"
    layout.write(str(path))
    said = " ".join(check(path, ()).notices)
    assert "1 layer is not of the process, nothing on it was looked at: 1/1" in said


def test_an_empty_top_cell_is_not_clean(run, tmp_path):
    layout = kdb.Layout()
    layout.create_cell("top")
    path = tmp_path / "empty.gds"
    layout.write(str(path))
    result = run(path)
    assert result.looked_at == 0
    assert not result.clean


def test_a_cell_that_contains_itself(run, tmp_path):
    layout = kdb.Layout()
    a, b = layout.create_cell("AAAA"), layout.create_cell("BBBB")
    a.shapes(layout.layer(1, 0)).insert(kdb.DBox(0, 0, 1, 1))
    a.insert(kdb.CellInstArray(b.cell_index(), kdb.Trans()))
    b.insert(kdb.CellInstArray(layout.create_cell("CCCC").cell_index(), kdb.Trans()))
    path = tmp_path / "loop.gds"
    layout.write(str(path))
    path.write_bytes(path.read_bytes().replace(b"CCCC", b"AAAA"))
    with pytest.raises(LayoutError):
        run(path)


def test_a_hierarchy_bomb(run, tmp_path):
    layout = kdb.Layout()
    below = layout.create_cell("leaf")
    below.shapes(layout.layer(1, 0)).insert(kdb.DBox(0, 0, 0.01, 0.01))
    for level in range(4):
        cell = layout.create_cell(f"level{level}")
        step = 10 * 1000 ** (level % 2)
        cell.insert(
            kdb.CellInstArray(below.cell_index(), kdb.Trans(), kdb.Vector(step, 0), kdb.Vector(0, step), 1000, 1000)
        )
        below = cell
    path = tmp_path / "bomb.gds"
    layout.write(str(path))
    with pytest.raises(LayoutError, match="limit"):
        run(path)


def test_nothing_is_printed(run, draw, capfd):
    run(draw([("WG", kdb.DBox(0, 0, 10, 1)), ("FIBER", kdb.DBox(0, 0, 5000, 125))]))
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> bytes:
    layout = kdb.Layout()
    device, top = layout.create_cell("device"), layout.create_cell("top")
    for name in ("WG", "SLAB90", "NPP", "VIAC", "M1", "VIA1", "M2"):
        device.shapes(layout.layer(*layer_of(name))).insert(kdb.DPolygon.ellipse(kdb.DBox(0, 0, 20, 20), 40))
    for i in range(4):
        top.insert(kdb.DCellInstArray(device.cell_index(), kdb.DTrans(i, False, 100.0 * i, 0.0)))
    path = tmp_path_factory.mktemp("healthy") / "healthy.gds"
    layout.write(str(path))
    return path.read_bytes()


def test_mutated_files(healthy, tmp_path):
    rng = random.Random(20261122)
    path: Path = tmp_path / "mutant.gds"
    verdicts = {"refused": 0, "checked": 0}
    for _ in range(100):
        data = bytearray(healthy)
        for _ in range(rng.choice((1, 1, 3, 10))):
            place = rng.randrange(len(data))
            kind = rng.randrange(4)
            if kind == 0:
                data[place] ^= 1 << rng.randrange(8)
            elif kind == 1:
                data[place] = rng.randrange(256)
            elif kind == 2:
                del data[place : place + rng.randrange(1, 30)]
            else:
                data[place:place] = data[place : place + rng.randrange(1, 30)]
        path.write_bytes(bytes(data))
        try:
            result = check(path, ())
        except CpoError as error:
            verdicts["refused"] += 1
            assert str(error)
            continue
        verdicts["checked"] += 1
        assert result.looked_at > 0 or not result.clean
    assert verdicts["refused"] and verdicts["checked"]

"""Reading layouts: everything that is not a complete, sane GDS or OASIS is refused in one line."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.errors import LayoutError


def _record(kind: int, data_type: int, data: bytes = b"") -> bytes:
    data += b"\0" * (len(data) % 2)
    return struct.pack(">HBB", 4 + len(data), kind, data_type) + data


def _real(value: float) -> bytes:
    exponent = 64
    while value >= 1:
        value, exponent = value / 16, exponent + 1
    while value < 1 / 16:
        value, exponent = value * 16, exponent - 1
    return bytes([exponent]) + int(value * 2**56).to_bytes(7, "big")


def _gds(cells: Mapping[str, Sequence[str]], dbu_m: float = 1e-9) -> bytes:
    """A GDS with one box and the named references in each cell."""
    date = b"\0" * 24
    out = _record(0, 2, struct.pack(">h", 600)) + _record(1, 2, date) + _record(2, 6, b"LIB")
    out += _record(3, 5, _real(1e-3) + _real(dbu_m))
    for name, children in cells.items():
        out += _record(5, 2, date) + _record(6, 6, name.encode())
        out += _record(8, 0) + _record(13, 2, struct.pack(">h", 1)) + _record(14, 2, struct.pack(">h", 0))
        out += _record(16, 3, struct.pack(">10i", 0, 0, 0, 10, 10, 10, 10, 0, 0, 0)) + _record(17, 0)
        for child in children:
            out += _record(10, 0) + _record(18, 6, child.encode())
            out += _record(16, 3, struct.pack(">2i", 0, 0)) + _record(17, 0)
        out += _record(7, 0)
    return out + _record(4, 0)


GOOD = _gds({"TOP": ["A"], "A": []})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"hello, this is text", "neither GDS nor OASIS"),
        (b"\x00\x06", "neither GDS nor OASIS"),
        (b"\x1f\x8b" + b"\0" * 40, "gzip"),
        (GOOD[:-20], "cut off"),
        (_gds({"A": ["B"], "B": ["A"]}), "contains itself"),
        (_gds({"T": ["A"], "A": ["B"], "B": ["A"]}), "contains itself"),
        (_gds({"T": []}, 5e-9), "database unit 0.005"),
        (_gds({"T": []}, 1.0001e-9), "database unit"),
        (_gds({"T": [], "U": []}), "2 top cells (T, U)"),
        (GOOD + b"(" * 40000, "nested"),
        (GOOD.replace(b"TOP", b"T\xd8P"), "no UTF-8 text"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes, says: str) -> None:
    file = tmp_path / "x.gds"
    file.write_bytes(content)
    with pytest.raises(LayoutError) as caught:
        read_layout(file)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert capfd.readouterr() == ("", "")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="no such file"):
        read_layout(tmp_path / "nothing.gds")
    with pytest.raises(LayoutError, match="not a file"):
        read_layout(tmp_path)


def test_good_file(tmp_path: Path) -> None:
    file = tmp_path / "x.gds"
    file.write_bytes(GOOD)
    found = read_layout(file)
    assert (found.top.name, found.flat_shapes, found.warnings) == ("TOP", 2, ())


def test_every_cut_is_refused_or_complete(tmp_path: Path) -> None:
    file = tmp_path / "x.gds"
    for length in range(0, len(GOOD) - 4, 7):
        file.write_bytes(GOOD[:length])
        with pytest.raises(LayoutError):
            read_layout(file)


def test_warnings_are_captured_not_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    layout = kdb.Layout()
    top = layout.create_cell("TOP")
    corners = [
        kdb.Point(round(1e6 * math.cos(a / 10000 * math.pi)), round(1e6 * math.sin(a / 10000 * math.pi)))
        for a in range(20000)
    ]
    top.shapes(layout.layer(1, 0)).insert(kdb.Polygon(corners))
    options = kdb.SaveLayoutOptions()
    options.gds2_max_vertex_count = 8000
    options.gds2_multi_xy_records = True
    layout.write(str(tmp_path / "big.gds"), options)
    found = read_layout(tmp_path / "big.gds")
    assert any("Record length" in line for line in found.warnings)
    assert capfd.readouterr().out == ""


def test_too_many_shapes_is_seen_without_flattening(tmp_path: Path) -> None:
    layout = kdb.Layout()
    cell = layout.create_cell("C0")
    cell.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 10, 10))
    for level in range(1, 4):
        upper = layout.create_cell(f"C{level}")
        array = kdb.CellInstArray(cell.cell_index(), kdb.Trans(), kdb.Vector(20, 0), kdb.Vector(0, 20), 1000, 1000)
        upper.insert(array)
        cell = upper
    layout.write(str(tmp_path / "bomb.gds"))
    with pytest.raises(LayoutError, match="1000000000000000000 shapes"):
        read_layout(tmp_path / "bomb.gds")


def test_call_of_an_undefined_cell_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "x.gds"
    file.write_bytes(_gds({"TOP": ["GONE"]}))
    assert any("GONE" in line for line in read_layout(file).warnings)


def test_a_second_top_cell_that_holds_something_is_not_passed_over(tmp_path: Path) -> None:
    """An empty one beside the described one is; one with shapes would leave the file half looked at."""
    for drawn in (False, True):
        layout = kdb.Layout()
        top = layout.create_cell("described")
        top.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 1000, 1000))
        top.add_meta_info(kdb.LayoutMetaInfo("kfactory:function_name", "described", None, True))
        other = layout.create_cell("other")
        if drawn:
            other.shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 1000, 1000))
        file = tmp_path / f"{drawn}.gds"
        layout.write(str(file))
        if drawn:
            with pytest.raises(LayoutError, match="2 top cells"):
                read_layout(file)
        else:
            assert read_layout(file).top.name == "described"

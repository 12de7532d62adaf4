"""Boards, interposer, keep-outs, spares and shorelines as drawn; and that a refused package leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.assemblies import write_package
from cpo_pdk.assemblies.engines import measured_engine
from cpo_pdk.errors import SpecError
from cpo_pdk.spec import find_spec, load_sheets, load_spec, parse_spec
from cpo_pdk.spec.carriers import place_carriers
from cpo_pdk.spec.placement import place_engines
from cpo_pdk.tech.layers import layer_of

SHEETS = load_sheets()


def boxes(file: Path, layer: str) -> list[tuple[float, float, float, float]]:
    layout = kdb.Layout()
    layout.read(str(file))
    shapes = layout.top_cell().begin_shapes_rec(layout.layer(*layer_of(layer)))
    found = []
    while not shapes.at_end():
        box = shapes.shape().dpolygon.transformed(shapes.dtrans()).bbox()
        found.append((box.left, box.bottom, box.right, box.top))
        shapes.next()
    return sorted(found)


def region(found: list[tuple[float, float, float, float]]) -> kdb.Region:
    together = kdb.Region()
    for box in found:
        together.insert(kdb.DBox(*box).to_itype(0.001))
    return together


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """28.8 Tb/s with sub-assemblies, and with a stiffener and capacitors where nothing else is."""
    text = find_spec("switch_28t8").read_text(encoding="utf-8")
    keepouts = (
        "keepouts:\n"
        "  - {kind: capacitors, box_mm: [-14, 26, 14, 30], fibres: over}\n"
        "  - {kind: stiffener, box_mm: [48, -50, 50, -40]}\n"
    )
    spec = parse_spec(text.replace("engines:\n", f"{keepouts}engines:\n", 1), Path("p.yaml"))
    return write_package(spec, tmp_path_factory.mktemp("sockets"), SHEETS).package_gds


def test_boards_of_sub_assemblies_are_drawn_where_they_were_placed(sockets: Path) -> None:
    spec = load_spec("switch_28t8")
    _, size = measured_engine(spec, SHEETS)
    boards = place_carriers(spec, place_engines(spec, size), size)
    assert boxes(sockets, "CARRIER") == sorted(b.box for b in boards)
    engines, carriers = region(boxes(sockets, "KEEPOUT")), region(boxes(sockets, "CARRIER"))
    assert engines.count() == 18 and engines.inside(carriers).count() == 18
    assert (carriers & region(boxes(sockets, "ASIC"))).is_empty()


def test_keep_outs_are_drawn_on_the_layer_of_their_kind(sockets: Path) -> None:
    assert boxes(sockets, "CAPACITORS") == boxes(sockets, "OVERPASS") == [(-14_000, 26_000, 14_000, 30_000)]
    assert boxes(sockets, "STIFFENER") == [(48_000, -50_000, 50_000, -40_000)]
    assert boxes(sockets, "LID") == boxes(sockets, "SOCKET") == boxes(sockets, "COLDPLATE") == []
    assert boxes(sockets, "INTERPOSER") == []


def test_interposer_and_a_shoreline_of_part_of_an_edge(tmp_path: Path) -> None:
    spec = load_spec("optical_io_ucie")
    file = write_package(spec, tmp_path, SHEETS).package_gds
    assert boxes(file, "INTERPOSER") == [(-15_000, -23_000, 15_000, 23_000)]
    north = max(boxes(file, "SHORELINE"), key=lambda b: b[3])
    assert north == (-3600, 16_500 - 1100, 3600, 16_500)
    [keep] = boxes(file, "KEEPOUT")
    assert keep[1] == pytest.approx(16_500 + 500 - 100)
    lanes = kdb.Layout()
    lanes.read(str(file))
    starts = [next(s.dpath.each_point()) for s in lanes.top_cell().shapes(lanes.layer(*layer_of("AIRWIRE"))).each()]
    assert len(starts) == 2 * 64
    assert all(north[0] <= p.x <= north[2] and north[1] <= p.y <= north[3] for p in starts)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("optical_io_ucie", "reach: UCIe-S", "reach: UCIe-A", "UCIe-A reaches 2 mm"),
        (
            "optical_io_ucie",
            "loss_dB_mm: 0.3",
            "loss_dB_mm: 1.9, rate_Gbps: 64",
            "a SerDes lane drives one optical lane",
        ),
        ("switch_28t8", "count: 18", "count: 18\n  spares: 19", "19 spares for 18 engines in use"),
        (
            "switch_28t8",
            "engines:\n",
            "keepouts: [{kind: lid, box_mm: [-9, 19, 9, 21]}]\nengines:\n",
            "keep-out 1 (lid)",
        ),
        ("switch_28t8", "engines: 3}", "engines: 4}", "do not fill sub-assemblies of 4"),
        ("switch_28t8", "{north: 28,", "{north: 12,", "6 engines do not fit the north side"),
        ("switch_28t8", "size_mm: [110, 110]", "size_mm: [110, 0.11]", "below the limit 10 mm"),
    ],
)
def test_what_can_not_be_built_leaves_nothing_behind(name: str, old: str, new: str, words: str, tmp_path: Path) -> None:
    text = find_spec(name).read_text(encoding="utf-8")
    assert old in text
    kept = tmp_path / f"{name}.gds"
    kept.write_bytes(b"an earlier result")
    with pytest.raises(SpecError) as caught:
        write_package(parse_spec(text.replace(old, new, 1), Path("p.yaml")), tmp_path, SHEETS)
    assert words in str(caught.value)
    assert [f.name for f in tmp_path.iterdir()] == [kept.name]
    assert kept.read_bytes() == b"an earlier result"

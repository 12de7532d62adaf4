"""The package: placement, ribbons that never cross, same bytes every time, and specs that can't be built."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.assemblies import write_gds, write_package
from cpo_pdk.assemblies.planning import plan
from cpo_pdk.assemblies.writing import _cause
from cpo_pdk.components import straight
from cpo_pdk.errors import OutputError, SpecError
from cpo_pdk.spec import find_spec, load_sheets, load_spec
from cpo_pdk.spec.loading import parse_spec
from cpo_pdk.tech import drawn_digest
from cpo_pdk.tech.layers import FIBER_LEVELS, layer_of

TEXT = find_spec("switch_51t2").read_text(encoding="utf-8")
SPEC = load_spec("switch_51t2")
SIZE = (1986.852, 2994.0)
SHEETS = load_sheets()


def edited(old: str, new: str) -> str:
    assert old in TEXT, old
    return TEXT.replace(old, new)


def drawn_fibres(gds: Path) -> dict[str, int]:
    """Layer -> how many fibres are drawn on it; none of them overlaps another of its layer."""
    layout = kdb.Layout()
    layout.read(str(gds))
    found = {}
    for name in (*FIBER_LEVELS, "FIBER_PM"):
        index = layout.find_layer(*layer_of(name))
        fibres = kdb.Region() if index is None else kdb.Region(layout.top_cell().begin_shapes_rec(index))
        if not fibres.is_empty():
            assert fibres.merged(False, 2).is_empty(), f"fibres cross on {name}"
            found[name] = fibres.merged().count()
    return found


def test_eight_engines_stand_round_the_asic_with_the_facet_outward() -> None:
    planned = plan(SPEC, SIZE)
    assert [e.name for e in planned.engines] == ["N1", "N2", "E1", "E2", "S1", "S2", "W1", "W2"]
    outward = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}
    for place in planned.engines:
        dx, dy = outward[place.side]
        angle = np.radians(place.rotation)
        assert np.allclose((np.cos(angle), np.sin(angle)), (dx, dy), atol=1e-12)
        assert place.x * dx + place.y * dy > 13_000


def test_no_two_fibres_overlap_in_the_drawn_package(tmp_path: Path) -> None:
    files = write_package(SPEC, tmp_path, SHEETS)
    assert drawn_fibres(files.package_gds) == {"FIBER": 160, "FIBER_PM": 16}


def test_two_builds_in_two_processes_give_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cpo_pdk.spec import load_spec, load_sheets;"
        "from cpo_pdk.assemblies import write_package;"
        "from cpo_pdk.components import CELLS; [CELLS[n]() for n in sys.argv[2:]];"
        "write_package(load_spec('switch_51t2'), Path(sys.argv[1]), load_sheets())"
    )
    root = str(Path(__file__).parents[2])
    for folder, seed, cells in (("a", "0", []), ("b", "1", ["psr", "crossing", "pad"])):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / folder), *cells],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root},
            cwd=tmp_path,
            check=True,
            timeout=300,
        )
    for name in ("switch_51t2.gds", "engine.gds"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "line_has", "words"),
    [
        ("pitch_mm: 12.0", "pitch_mm: 3.2", "pitch_mm", "overlap"),
        ("pitch_mm: 12.0", "pitch_mm: 40.0", "pitch_mm", "raise asic.size_mm[0] by 20.05 mm or use pitch_mm 19.95"),
        ("gap_mm: 3.0", "gap_mm: 0.3", "gap_mm", "keep-out"),
        ("size_mm: [100, 100]", "size_mm: [40, 34]", "substrate", "substrate"),
        ("bend_radius_mm: 15", "bend_radius_mm: 70", "", "bend"),
        ("width_mm: 440", "width_mm: 100", "width_mm", "faceplate"),
        ("loopback_length_mm: 13", "loopback_length_mm: 2", "loopback_length_mm", "at least"),
        ("ribbon_pitch_um: 250", "ribbon_pitch_um: 100", "ribbon_pitch_um", "125 um"),
        ("bump_pitch_um: [50.0, 63.5]", "bump_pitch_um: [50.0, 60.0]", "bump_pitch_um: [", "63.5"),
        ("bump_pitch_um: [50.0, 63.5]", "bump_pitch_um: [30.0, 63.5]", "bump_pitch_um: [", "at least 47"),
        ("bump_pitch_um: [50.0, 63.5]", "bump_pitch_um: [50.0, 63.5]\n  edge_mm: 2.8", "edge_mm", "edge"),
        ("distance_mm: 130", "distance_mm: 52", "distance_mm", "faceplate"),
        ("channels: 8, spacing_GHz: 200", "channels: 8, spacing_GHz: 400", "grid", "free spectral range"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_line(
    old: str, new: str, line_has: str, words: str, tmp_path: Path
) -> None:
    spec_file = tmp_path / "spec.yaml"
    spec_file.write_text(edited(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        write_package(parse_spec(spec_file.read_text(encoding="utf-8"), spec_file), tmp_path / "out", SHEETS)
    assert words in str(caught.value)
    lines = spec_file.read_text(encoding="utf-8").splitlines()
    assert any(line_has in lines[p.line - 1] for p in caught.value.problems), str(caught.value)
    assert not (tmp_path / "out").exists()


def test_channels_that_a_ring_can_not_resolve_give_a_warning_with_the_number(tmp_path: Path) -> None:
    text = edited(
        "standard: CW-WDM, center_nm: 1300.05, channels: 8, spacing_GHz: 200",
        "standard: custom, center_nm: 1300.05, channels: 8, spacing_GHz: 60",
    )
    files = write_package(
        parse_spec(text.replace("heater_bias_nm: 0.8", "heater_bias_nm: 0.3"), tmp_path / "s.yaml"),
        tmp_path / "out",
        SHEETS,
    )
    assert len(files.warnings) == 2
    assert all("linewidth" in w and "nm apart" in w for w in files.warnings)


@pytest.mark.parametrize(
    ("sides", "asic"),
    [((4, 0, 4, 0), "[52, 26]"), ((0, 4, 0, 4), "[26, 52]"), ((5, 0, 0, 3), "[60, 38]"), ((3, 1, 1, 3), "[38, 38]")],
)
def test_other_arrangements_route_without_crossing(sides: tuple[int, int, int, int], asic: str, tmp_path: Path) -> None:
    north, east, south, west = sides
    text = edited(
        "{north: 2, east: 2, south: 2, west: 2}", f"{{north: {north}, east: {east}, south: {south}, west: {west}}}"
    )
    text = (
        text.replace("[26, 31]", asic)
        .replace("[100, 100]", "[140, 140]")
        .replace("distance_mm: 130", "distance_mm: 220")
    )
    spec = parse_spec(text, tmp_path / "s.yaml")
    files = write_package(spec, tmp_path / "out", SHEETS)
    assert drawn_fibres(files.package_gds) == {"FIBER": 160, "FIBER_PM": 16}


def test_what_the_system_said_is_told_without_the_temporary_name(tmp_path: Path) -> None:
    error = RuntimeError(f"Unable to write to stream: {tmp_path}/.x.gds.tmp-1 (errno={errno.ENOSPC}) in Layout.write")
    assert _cause(error) == os.strerror(errno.ENOSPC)
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(OutputError) as caught:
        write_gds(straight(), tmp_path / "file" / "x.gds")
    assert "tmp-" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_reads_back_as_another_drawing_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = drawn_digest.stamp

    def spoil(drawn: kdb.Layout, target: kdb.Layout) -> None:
        stamp(drawn, target)
        target.top_cell().shapes(target.layer(1, 0)).insert(kdb.Box(0, 0, 1, 1000))

    monkeypatch.setattr(drawn_digest, "stamp", spoil)
    (tmp_path / "x.gds").write_bytes(b"before")
    with pytest.raises(OutputError, match="reads back as another drawing"):
        write_gds(straight(length=12.3), tmp_path / "x.gds")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x.gds", b"before")]

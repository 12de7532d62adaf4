"""Every electrical terminal has a bump of its own: proved with KLayout's net tracer, on the polygons of the file."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.assemblies import write_gds
from cpo_pdk.assemblies.engines import draw_engine
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.tech.layers import layer_of

#: pairs of layers that touch where they overlap, from silicon to the bump
_JOINS = [
    ("NPP", "VIAC"),
    ("PPP", "VIAC"),
    ("GE", "VIAC"),
    ("VIAC", "M1"),
    ("M1", "VIA1"),
    ("HEATER", "VIA1"),
    ("VIA1", "M2"),
    ("M2", "PADOPEN"),
    ("PADOPEN", "BUMP"),
]


def nets_of(path: Path, cut: tuple[str, kdb.Box] | None = None) -> list[dict[str, kdb.Region]]:
    """Nets of the top cell that reach a bump, each as its polygons by layer; `cut` removes a piece of a layer first."""
    layout = kdb.Layout()
    layout.read(str(path))
    layout.flatten(layout.top_cell().cell_index(), -1, True)
    if cut is not None:
        layer = layout.layer(*layer_of(cut[0]))
        rest = kdb.Region(layout.top_cell().begin_shapes_rec(layer)) - kdb.Region(cut[1])
        layout.top_cell().shapes(layer).clear()
        layout.top_cell().shapes(layer).insert(rest)
    tracer = kdb.LayoutToNetlist(kdb.RecursiveShapeIterator(layout, layout.top_cell(), []))
    names = sorted({name for pair in _JOINS for name in pair})
    regions = {name: tracer.make_polygon_layer(layout.layer(*layer_of(name)), name) for name in names}
    for region in regions.values():
        tracer.connect(region)
    for a, b in _JOINS:
        tracer.connect(regions[a], regions[b])
    tracer.extract_netlist()
    circuit = next(tracer.netlist().each_circuit_top_down())
    nets = [{name: tracer.shapes_of_net(net, regions[name]) for name in names} for net in circuit.each_net()]
    return [net for net in nets if not net["BUMP"].is_empty()]


@pytest.fixture(scope="module")
def engine_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gds(draw_engine(load_spec("switch_51t2"), load_sheets()), tmp_path_factory.mktemp("wiring") / "e.gds")


def test_every_bump_reaches_a_device_and_only_heaters_join_two(engine_file: Path) -> None:
    nets = nets_of(engine_file)
    bumps = sum(net["BUMP"].merged().count() for net in nets)
    assert bumps == 784
    for net in nets:
        count = net["BUMP"].merged().count()
        if net["HEATER"].is_empty():
            assert count == 1, f"{count} bumps shorted at {net['BUMP'].bbox()}"
            assert not net["VIAC"].is_empty(), f"bump without a device at {net['BUMP'].bbox()}"
        else:  # both ends of one heater
            assert count == 2 and net["HEATER"].merged().count() == 1
            assert net["VIAC"].is_empty(), f"heater shorted to a junction at {net['BUMP'].bbox()}"
    heaters = [net for net in nets if not net["HEATER"].is_empty()]
    assert len(heaters) == 8 * 8 + 8 * 8 * 2
    assert len(nets) - len(heaters) == 8 * 8 * 4 + 8 * 8 * 2 + 8 * 2


def test_a_cut_wire_is_noticed(engine_file: Path) -> None:
    """The proof above can fail: cut metal 2 beside one bump and a bump without a device appears."""
    layout = kdb.Layout()
    layout.read(str(engine_file))
    wires = kdb.Region(layout.top_cell().begin_shapes_rec(layout.layer(*layer_of("M2")))).merged()
    openings = kdb.Region(layout.top_cell().begin_shapes_rec(layout.layer(*layer_of("PADOPEN"))))
    wire = max(wires.interacting(openings).each(), key=lambda p: p.bbox().width())
    box = wire.bbox()
    middle = kdb.Box(box.center().x - 500, box.bottom - 1, box.center().x + 500, box.top + 1)
    nets = nets_of(engine_file, cut=("M2", middle))
    assert any(net["VIAC"].is_empty() and net["HEATER"].is_empty() for net in nets)


def counts_of(nets: list[dict[str, kdb.Region]]) -> tuple[int, int, int]:
    """Nets of heaters, of strips with a bump at either end, and of single bumps; each must be one of the three."""
    heaters, strips, single = 0, 0, 0
    for net in nets:
        bumps = net["BUMP"].merged().count()
        if not net["HEATER"].is_empty():
            assert bumps == 2 and net["HEATER"].merged().count() == 1 and net["VIAC"].is_empty()
            heaters += 1
        elif bumps == 2:
            assert net["M2"].merged().count() == 1, f"bumps joined by more than one strip at {net['BUMP'].bbox()}"
            strips += 1
        else:
            assert bumps == 1 and not net["VIAC"].is_empty(), f"bump without a device at {net['BUMP'].bbox()}"
            single += 1
    return heaters, strips, single


def test_with_one_wavelength_a_fibre_no_bump_is_shared(tmp_path: Path) -> None:
    nets = nets_of(write_gds(draw_engine(load_spec("switch_28t8"), load_sheets()), tmp_path / "e.gds"))
    # a ring: junction, heater, monitor; a tap's monitor; a detector
    assert counts_of(nets) == (8, 0, 8 * 4 + 8 * 2 + 8 * 2)


def test_every_pad_of_a_mach_zehnder_is_bumped_and_only_its_own_strip_joins_two(tmp_path: Path) -> None:
    nets = nets_of(write_gds(draw_engine(load_spec("switch_25t6"), load_sheets()), tmp_path / "e.gds"))
    modulators, stages = 8 * 4, 8 * 2 * 3 + 8 * 2 * 3
    assert counts_of(nets) == (modulators + stages, modulators * 5, 8 * 2 + 8 * 4 * 2)
    # ground, signal, ground, signal, ground: the signals and the middle ground reach the junctions, the outer do not
    strips = [net for net in nets if net["BUMP"].merged().count() == 2 and net["HEATER"].is_empty()]
    assert sum(not net["VIAC"].is_empty() for net in strips) == modulators * 3

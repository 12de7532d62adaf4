"""The same answer whatever the hierarchy, and each fault once a cell."""

from __future__ import annotations

import sys
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify import check, drc

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from drc_package import draw_package
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return draw_package(tmp_path_factory.mktemp("package") / "package.gds", engines=3, fibres_per_engine=6)


def read(path: Path) -> kdb.Layout:
    layout = kdb.Layout()
    layout.read(str(path))
    return layout


def planted(package: Path, path: Path, cell: str, layer: str, shape: kdb.DBox | kdb.DPolygon) -> Path:
    layout = read(package)
    layout.cell(cell).shapes(layout.layer(*layer_of(layer))).insert(shape)
    layout.write(str(path))
    return path


def test_the_clean_package_is_clean(package):
    result = drc(package)
    assert result.violations == ()
    assert result.clean
    assert result.looked_at > 50_000
    assert result.shapes_by_layer["FIBER"] == 18
    assert result.shapes_by_layer["VIA1"] == 3 * 16 * 8 * 9
    assert sum(result.shapes_by_layer.values()) == result.looked_at
    assert result.rules == tuple(rule.name for rule in load_rules(group="drc"))


NOTCHED = ((-100, 0), (-100, 9), (-99, 9), (-99, 5), (-98.9, 5), (-98.9, 9), (-98, 9), (-98, 0))
PLANTED = [
    ("WG.W", "WG", kdb.DBox(-100, 0, -90, 0.1)),
    ("WG.S", "WG", kdb.DPolygon([kdb.DPoint(*p) for p in NOTCHED])),
    ("WG.A", "WG", kdb.DBox(-100, 0, -99.8, 0.2)),
    ("SLAB90.W", "SLAB90", kdb.DBox(-100, 0, -90, 0.2)),
    ("GE.WG.EN", "GE", kdb.DBox(-100, 0, -90, 5)),
    ("N.W", "N", kdb.DBox(-100, 0, -90, 0.4)),
    ("NPP.PPP.S", "PPP", kdb.DBox(3.2, 0, 5, 1)),
    ("VIAC.M1.EN", "VIAC", kdb.DBox(2.6, 0, 3, 0.4)),
    ("VIAC.IN", "VIAC", kdb.DBox(-100, 0, -99.6, 0.4)),
    ("M1.W", "M1", kdb.DBox(-100, 0, -90, 0.5)),
    ("M1.A", "M1", kdb.DBox(-100, 0, -99.3, 0.7)),
    ("M1.ANGLE", "M1", kdb.DPolygon([kdb.DPoint(-100, 0), kdb.DPoint(-90, 0), kdb.DPoint(-90, 5)])),
    ("HEATER.W", "HEATER", kdb.DBox(-100, 0, -90, 0.5)),
    ("VIA1.IN", "VIA1", kdb.DBox(-100, 0, -99.4, 0.6)),
    ("M2.W", "M2", kdb.DBox(-100, 0, -90, 0.9)),
    ("PADOPEN.W", "PADOPEN", kdb.DBox(-100, 0, -90, 7)),
    ("BUMP.W", "BUMP", kdb.DBox(-150, 0, -120, 14)),
    ("FIBER.W", "FIBER", kdb.DBox(-3000, -3000, -2000, -2880)),
]


@pytest.mark.parametrize(("rule", "layer", "shape"), PLANTED, ids=[entry[0] for entry in PLANTED])
def test_a_planted_fault_is_found_where_it_is(rule, layer, shape, package, tmp_path):
    cell = "contact_npp" if rule in ("NPP.PPP.S", "VIAC.M1.EN") else "engine"
    file = planted(package, tmp_path / "planted.gds", cell, layer, shape)
    result = drc(file)
    hits = [violation for violation in result.violations if violation.rule == rule]
    assert hits, result.by_rule
    box = shape.bbox()
    near = [v for v in hits if v.cell == cell and box.enlarged(2.5, 2.5).contains(kdb.DBox(*v.bbox).center())]
    assert near, hits
    assert all("limit" in v.message or "cover" in v.message for v in hits)
    places = 3 if cell == "engine" else 3 * 16 * 8
    assert all(f"in {places} places" in violation.message for violation in hits)


def test_a_fault_in_one_of_many_equal_cells_stays_one(package, tmp_path):
    file = planted(package, tmp_path / "planted.gds", "ring_3", "M2", kdb.DBox(-25, 30, -15, 30.5))
    violations = [v for v in drc(file).violations if v.rule != "M2.FLOAT"]  # it floats, too
    assert {violation.cell for violation in violations} == {"ring_3"}
    assert len(violations) == 1
    assert violations[0].bbox == pytest.approx((-25, 30, -15, 30.5))
    assert "in 48 places" in violations[0].message  # 3 engines of 16 macros


def test_a_gap_between_cells_belongs_to_their_parent(package, tmp_path):
    # the heater pad of ring 0 in the first macro ends at y = 23; a wire of the engine comes too near to it
    file = planted(package, tmp_path / "planted.gds", "engine", "HEATER", kdb.DBox(13, 23.5, 17, 30))
    violations = [v for v in drc(file).violations if v.rule != "HEATER.FLOAT"]  # it floats, too
    assert [(v.rule, v.cell) for v in violations] == [("HEATER.S", "engine")]
    assert violations[0].bbox == pytest.approx((13, 23, 17, 23.5))
    assert "space 0.5 um" in violations[0].message


def test_flat_and_hierarchical_agree(package, tmp_path):
    layout = read(package)
    ring = layout.cell("ring_1")  # gets a bar too near to the ring and on the bus
    ring.shapes(layout.layer(*layer_of("WG"))).insert(kdb.DBox(-3, -6.62, 3, -6.45))
    layout.cell("via_pad").shapes(layout.layer(*layer_of("VIA1"))).insert(kdb.DBox(1.0, 1.75, 1.6, 2.35))
    engine = layout.cell("engine").shapes
    engine(layout.layer(*layer_of("M1"))).insert(kdb.DBox(10, 2.0, 20, 2.3))
    ring.shapes(layout.layer(*layer_of("GE"))).insert(kdb.DBox(-2, 12, 2, 16))  # under the heater
    engine(layout.layer(*layer_of("M2"))).insert(kdb.DBox(1000, -300, 1010, -290))  # outside the die, floating
    engine(layout.layer(*layer_of("M2"))).insert(kdb.DBox(1500, 900, 1700, 1100))  # dense
    layout.cell("contact_ppp").shapes(layout.layer(*layer_of("P"))).insert(kdb.DBox(-2, -2, 2, 2))
    deep = tmp_path / "deep.gds"
    layout.write(str(deep))
    top = layout.top_cell()
    top.flatten(True)
    flat = tmp_path / "flat.gds"
    layout.write(str(flat))

    def places(path: Path) -> dict[str, int]:
        total: dict[str, int] = {}
        for violation in drc(path).violations:
            times = violation.message.partition("; in ")[2].partition(" ")[0]
            total[violation.rule] = total.get(violation.rule, 0) + int(times or 1)
        return total

    found = places(deep)
    assert {"M1.S", "VIA1.S", "GE.X", "DIE.IN", "M2.D", "M2.FLOAT", "P.IN"} <= set(found)
    assert found == places(flat)


def test_two_runs_say_the_same(package, tmp_path):
    file = planted(package, tmp_path / "planted.gds", "ring_3", "M2", kdb.DBox(-25, 30, -15, 30.5))
    assert drc(file).violations == drc(file).violations


def test_oasis_gives_the_same(package, tmp_path):
    file = planted(package, tmp_path / "planted.gds", "ring_3", "M2", kdb.DBox(-25, 30, -15, 30.5))
    layout = read(file)
    oasis = tmp_path / "planted.oas"
    layout.write(str(oasis))
    assert drc(oasis).violations == drc(file).violations
    assert drc(oasis).looked_at == drc(file).looked_at


def test_the_json_of_a_check_counts_shapes_and_ports_apart(tmp_path: Path) -> None:
    layout = kdb.Layout()
    layout.create_cell("t").shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 5000, 5000))
    layout.cell("t").shapes(layout.layer(41, 0)).insert(kdb.Box(0, 0, 5000, 5000))
    layout.write(str(tmp_path / "t.gds"))
    document = check(tmp_path / "t.gds").as_json()
    assert (document["shapes"], document["ports"]) == (2, 0)

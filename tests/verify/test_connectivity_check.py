"""Ports that don't meet and waveguides that do, in layouts drawn with gdsfactory."""

from __future__ import annotations

import klayout.db as kdb
import pytest

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify import check, connectivity

gf = pytest.importorskip("gdsfactory")


@pytest.fixture(scope="module")
def cells():
    from cpo_pdk.components import waveguides

    return waveguides


@pytest.fixture
def build(tmp_path):
    """A layout from (name, cell, x, y, angle), the names in the file."""

    def make(*placed) -> object:
        top = gf.Component()
        for name, cell, x, y, angle in placed:
            ref = top.add_ref(cell, name=name)
            ref.dcplx_trans = kdb.DCplxTrans(1.0, angle, False, x, y)
        path = tmp_path / "circuit.gds"
        top.name = "circuit"
        top.write_gds(path)
        return path

    return make


LEAVES = ("straight", "terminator", "crossing", "bend_euler")


def rules(result) -> dict[str, int]:
    return result.by_rule


@pytest.fixture
def chain(build, cells):
    """terminator - straight - terminator; the straight moved by dx, dy and turned by `angle`."""

    def make(dx: float = 0.0, dy: float = 0.0, angle: float = 0.0, extra=()):
        end = cells.terminator()
        port = end.ports["o1"]
        assert port.center == (0.0, 0.0)
        return build(
            ("west", end, 0, 0, 180 if port.orientation == 180 else 0),
            ("middle", cells.straight(length=20), dx, dy, angle),
            ("east", end, 20, 0, 0 if port.orientation == 180 else 180),
            *extra,
        )

    return make


def test_a_connected_chain_is_clean(chain):
    result = connectivity(chain(), LEAVES)
    assert result.violations == ()
    assert result.looked_at == 4
    assert result.clean
    assert check(chain(), LEAVES).clean


@pytest.mark.parametrize(("dx", "dy"), [(0.001, 0.0), (0.0, 0.001), (0.0, 0.05), (0.4, 0.0)])
def test_a_port_that_misses_by_a_nanometre(chain, dx, dy):
    result = connectivity(chain(dx, dy), LEAVES)
    assert any(v.rule == "CONN.near_miss" and "nm apart" in v.message for v in result.violations)
    place = next(v for v in result.violations if v.rule == "CONN.near_miss").bbox
    assert place[0] < dx < place[2] or place[0] < 20 + dx < place[2]


def test_a_port_that_leads_nowhere(build, cells):
    result = connectivity(
        build(("only", cells.straight(length=20), 0, 0, 0), ("far", cells.straight(length=9), 0, 50, 0)), LEAVES
    )
    assert rules(result) == {"CONN.dangling": 4}


def test_width_mismatch(build, cells):
    wide = gf.Component("wide")
    wide.add_polygon([(0, -0.25), (5, -0.25), (5, 0.25), (0, 0.25)], layer=(1, 0))
    wide.add_port("o1", center=(0, 0), width=0.5, orientation=180, layer=(1, 0), port_type="optical")
    path = build(("a", cells.straight(length=20), 0, 0, 0), ("b", wide, 20, 0, 0))
    assert "CONN.width_mismatch" in rules(connectivity(path, LEAVES))


def test_three_ports_in_one_place(build, cells):
    s = cells.straight(length=20)
    result = connectivity(build(("a", s, 0, 0, 0), ("b", s, 20, 0, 0), ("c", s, 20, 0, 0)), LEAVES)
    assert "CONN.several_ports" in rules(result)
    assert "CONN.overlap" in rules(result)


def test_waveguides_that_cross(build, cells):
    s = cells.straight(length=20)
    result = connectivity(build(("a", s, 0, 0, 0), ("b", s, 10, -10, 90)), LEAVES)
    (crossing,) = [v for v in result.violations if v.rule == "CONN.overlap"]
    assert crossing.bbox == pytest.approx((9.8, -0.2, 10.2, 0.2))
    assert "a and b" in crossing.message
    assert "0.16 um2" in crossing.message


def test_a_crossing_that_is_placed_is_no_fault(build, cells):
    cross = cells.crossing()
    reach = abs(cross.ports["o3"].x)
    s = cells.straight(length=20)
    path = build(
        ("x", cross, 0, 0, 0),
        ("e", s, reach, 0, 0),
        ("n", s, 0, reach, 90),
        ("w", s, -reach, 0, 180),
        ("s", s, 0, -reach, 270),
    )
    result = connectivity(path, LEAVES)
    assert rules(result) == {"CONN.dangling": 4}


def test_a_crossing_in_many_equal_cells_is_told_once(cells, tmp_path):
    inner = gf.Component("pair")
    for name, x, y, angle in (("a", 0, 0, 0), ("b", 10, -10, 90)):
        inner.add_ref(cells.straight(length=20), name=name).dcplx_trans = kdb.DCplxTrans(1.0, angle, False, x, y)
    top = gf.Component("pairs")
    for i in range(8):
        top.add_ref(inner, name=f"p{i}").dmove((0, 100 * i))
    path = tmp_path / "pairs.gds"
    top.write_gds(path)
    crossings = [v for v in connectivity(path, LEAVES).violations if v.rule == "CONN.overlap"]
    assert [v.cell for v in crossings] == ["pair"]
    assert crossings[0].message.endswith("in 8 places")


def test_own_shapes_over_an_instance(chain, tmp_path):
    layout = kdb.Layout()
    layout.read(str(chain()))
    layout.top_cell().shapes(layout.layer(*layer_of("WG"))).insert(kdb.DBox(5, -3, 5.4, 3))
    path = tmp_path / "edited.gds"
    layout.write(str(path))
    (violation,) = connectivity(path, LEAVES).violations
    assert violation.rule == "CONN.overlap"
    assert "own shapes" in violation.message


def test_waveguides_without_any_port_are_never_clean(draw):
    path = draw([("WG", kdb.DBox(0, 0, 10, 1))])
    result = connectivity(path, ())
    assert list(result.by_rule) == ["CONN.no_ports"]
    assert not result.clean
    assert not check(path, ()).clean


def _edited(path, change):
    """The file with its layout changed by `change(layout)`, meta information kept."""
    layout = kdb.Layout()
    layout.read(str(path))
    change(layout)
    options = kdb.SaveLayoutOptions()
    options.write_context_info = True
    layout.write(str(path), options)
    return path


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ((0, -200, 19_999, 200), "WG ends 1 nm before it"),
        ((0, -200, 19_500, 200), "WG ends 500 nm before it"),
        ((0, -225, 20_000, 225), "WG is drawn 0.45 um wide at it"),
        ((0, 5_000, 20_000, 5_400), "no WG is drawn within 10 um of it"),
    ],
)
@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_waveguide_that_is_not_drawn_as_its_port_says(build, cells, box, says, angle):
    def redraw(layout):
        cell = next(c for c in layout.each_cell() if c.name.startswith("cpo_straight"))
        shapes = cell.shapes(layout.layer(*layer_of("WG")))
        shapes.clear()
        shapes.insert(kdb.Box(*box))

    path = build(("w", cells.straight(length=20), 3, 4, angle))
    result = connectivity(_edited(path, redraw), LEAVES)
    found = [v for v in result.violations if v.rule == "CONN.not_drawn"]
    assert found and any(says in v.message for v in found)
    assert all(v.cell.startswith("cpo_straight") for v in found)


def test_ports_of_turned_and_curved_devices_are_drawn(build, cells):
    path = build(
        ("bend", cells.bend_euler(radius=10, angle=90), 0, 0, 33),
        ("cross", cells.crossing(), 50, 0, 0),
        ("taper", cells.taper_strip_rib(), 100, 0, 0),
    )
    assert "CONN.not_drawn" not in connectivity(path, (*LEAVES, "taper_strip_rib")).by_rule


@pytest.mark.parametrize("where", ["straight", "macro"])
def test_waveguides_drawn_across_each_other_in_one_cell(build, cells, where):
    def cross(layout):
        layer = layout.layer(*layer_of("WG"))
        if where == "straight":
            cell = next(c for c in layout.each_cell() if c.name.startswith("cpo_straight"))
        else:
            cell = layout.create_cell("macro")
            cell.shapes(layer).insert(kdb.Box(0, 29_800, 20_000, 30_200))
            layout.top_cells()[0].insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans(0, 10_000)))
        cell.shapes(layer).insert(kdb.Box(9_000, -40_000, 9_400, 40_000))

    path = build(("w", cells.straight(length=20), 0, 0, 0))
    (found,) = [v for v in connectivity(_edited(path, cross), LEAVES).violations if v.rule == "CONN.crossing"]
    assert "0.16 um2 in common, 0 allowed" in found.message


def test_pieces_of_one_waveguide_and_alignment_marks_do_not_cross(build, cells):
    from cpo_pdk.components import die

    def more(layout):
        cell = next(c for c in layout.each_cell() if c.name.startswith("cpo_straight"))
        cell.shapes(layout.layer(*layer_of("WG"))).insert(kdb.Box(9_000, -200, 40_000, 200))

    path = build(("w", cells.straight(length=20), 0, 0, 0), ("mark", die.alignment_mark(), 200, 0, 0))
    assert "CONN.crossing" not in connectivity(_edited(path, more), LEAVES).by_rule


def test_a_straight_that_says_another_length_than_it_has(build, cells):
    def lie(layout):
        cell = next(c for c in layout.each_cell() if c.name.startswith("cpo_straight"))
        for item in list(cell.each_meta_info()):
            if item.name == "kfactory:settings":
                value = {**item.value, "length": 1020.0}
                cell.add_meta_info(kdb.LayoutMetaInfo(item.name, value, item.description, True))

    path = build(("w", cells.straight(length=20), 0, 0, 0))
    assert "CONN.length" not in connectivity(path, LEAVES).by_rule
    (found,) = [v for v in connectivity(_edited(path, lie), LEAVES).violations if v.rule == "CONN.length"]
    assert "length = 1020 um" in found.message and "20 um apart" in found.message


def test_fibres_and_engines_of_a_package_meet(build):
    from cpo_pdk.components import fibers

    fibre = fibers.fiber()
    far = fibre.ports["o2"].center
    second = ("b", fibre, far[0], far[1], 0)
    loose = connectivity(build(("a", fibre, 0, 0, 0), second), ("fiber",))
    found = {v.message.split()[0] for v in loose.violations if v.rule == "CONN.loose_facet"}
    assert found == {"a.o1", "b.o2"}

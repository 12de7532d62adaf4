"""What touches is connected, what nearly touches is reported, wherever and however the cells are placed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import klayout.db as kdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.flattening import flatten
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.netlist import CellNetlist, Connection, Netlists
from cpo_pdk.errors import LayoutError

Draw = Any


def top_of(drawing: Draw, leaves: tuple[str, ...] = ()) -> CellNetlist:
    netlists = extract(read_layout(drawing.write()), leaves)
    assert Netlists.from_json(netlists.to_json()) == netlists
    return netlists.cells[netlists.top]


def two(drawing: Draw, dx: float = 0.0, dy: float = 0.0, section: str = "strip", angle: int = 0) -> CellNetlist:
    """A straight, and another that should start where it ends."""
    top = drawing.cell("chip")
    drawing.place(top, drawing.straight(10), "a")
    drawing.place(top, drawing.straight(20, section), "b", 10 + dx, dy, angle)
    return top_of(drawing)


def kinds(cell: CellNetlist) -> list[str]:
    return [problem.kind for problem in cell.problems]


def test_exact_coincidence_connects(drawing: Draw) -> None:
    cell = two(drawing)
    assert cell.connections == (Connection(("a", "o2"), ("b", "o1")),)
    assert kinds(cell) == ["dangling", "dangling"]
    first = cell.instances[0]
    assert (first.name, first.function, first.x, first.y, first.rotation, first.mirror) == (
        "a",
        "straight",
        0.0,
        0.0,
        0.0,
        False,
    )


@pytest.mark.parametrize(("dx", "dy"), [(0.001, 0), (0, 0.001), (-0.05, 0.02), (1.0, 0), (0.6, -0.7)])
def test_near_miss_is_reported_not_connected(drawing: Draw, dx: float, dy: float) -> None:
    cell = two(drawing, dx, dy)
    assert not cell.connections
    assert kinds(cell) == ["dangling", "dangling", "near_miss"]
    problem = cell.problems[-1]
    assert set(problem.ports) == {"a.o2", "b.o1"}
    assert f"{(dx**2 + dy**2) ** 0.5 * 1000:.0f} nm apart" in problem.message


def test_beyond_a_micrometre_it_is_no_near_miss(drawing: Draw) -> None:
    assert kinds(two(drawing, 1.002)) == ["dangling"] * 4


@pytest.mark.parametrize(
    ("section", "angle", "kind"),
    [
        ("wide", 0, "width_mismatch"),
        ("slab", 0, "layer_mismatch"),
        ("rib", 0, "cross_section_mismatch"),
        ("strip", 90, "angle_mismatch"),
        ("strip", 180, "angle_mismatch"),
    ],
)
def test_mismatch_is_reported_not_connected(drawing: Draw, section: str, angle: int, kind: str) -> None:
    cell = two(drawing, section=section, angle=angle)
    assert not cell.connections
    assert kind in kinds(cell)


def test_three_ports_in_one_place(drawing: Draw) -> None:
    top = drawing.cell("chip")
    drawing.place(top, drawing.straight(10), "a")
    drawing.place(top, drawing.straight(20), "b", 10)
    drawing.place(top, drawing.straight(30), "c", 10)
    cell = top_of(drawing)
    assert not cell.connections
    problem = next(p for p in cell.problems if p.kind == "several_ports")
    assert problem.ports == ("a.o2", "b.o1", "c.o1")
    assert (problem.x, problem.y) == (10.0, 0.0)


def test_faces_of_ribbons_above_one_another_meet_only_their_own(drawing: Draw) -> None:
    """Two fibres and two connectors in one place, on two layers; and two fibres that only lie over one another."""
    top = drawing.cell("package")
    for section in ("face", "laser_face"):
        types = {"o1": "edge", "o2": "edge", "p1": "edge"}
        glass = drawing.cell("fiber", [("o1", 0, 0, 180), ("o2", 50, 0, 0)], sections=section, types=types)
        plug = drawing.cell("connector", [("p1", 0, 0, 180)], sections=section, types=types)
        drawing.place(top, glass, f"glass_{section}")
        drawing.place(top, plug, f"plug_{section}", 50)
    cell = top_of(drawing)
    assert [(link.a, link.b) for link in cell.connections] == [
        ((f"glass_{section}", "o2"), (f"plug_{section}", "p1")) for section in ("face", "laser_face")
    ]
    assert not kinds(cell)


def test_exposing_a_joint_is_three_ports(drawing: Draw) -> None:
    top = drawing.cell("chip", [("o1", 10, 0, 0)])
    drawing.place(top, drawing.straight(10), "a")
    drawing.place(top, drawing.straight(20), "b", 10)
    assert "several_ports" in kinds(top_of(drawing))


def test_own_ports_are_instance_ports(drawing: Draw) -> None:
    top = drawing.cell("chip", [("in", 0, 0, 180), ("out", 10, 0, 0), ("lost", 50, 0, 0)])
    drawing.place(top, drawing.straight(10), "a")
    cell = top_of(drawing)
    assert cell.exposed == {"in": ("a", "o1"), "out": ("a", "o2")}
    assert kinds(cell) == ["unbound_port"]


def test_own_port_off_by_a_nanometre(drawing: Draw) -> None:
    top = drawing.cell("chip", [("in", -0.001, 0, 180), ("out", 10, 0, 180)])
    drawing.place(top, drawing.straight(10), "a")
    assert kinds(top_of(drawing)) == ["angle_mismatch", "near_miss"]


def test_declared_open_and_world_ports(drawing: Draw) -> None:
    spare = drawing.cell("spare", [("o1", 0, 0, 180), ("o2", 5, 0, 0)], info={"open_ports": ["o2"]})
    facet = drawing.cell("facet", [("o1", 0, 0, 180), ("o2", 9, 0, 0)], types={"o2": "edge_coupler"})
    top = drawing.cell("chip", info={"open_ports": ["s.o1"]})
    drawing.place(top, spare, "s")
    drawing.place(top, facet, "f", 100)
    drawing.place(top, drawing.cell("pad", [("e1", 0, 0, 0)], types={"e1": "electrical"}), "p", 50)
    cell = top_of(drawing)
    assert kinds(cell) == ["dangling"]
    assert cell.opened == (("s", "o1"), ("s", "o2"))
    assert cell.outside == (("f", "o2"),)
    assert [i.name for i in cell.instances] == ["f", "s"]


def test_facets_meet_whatever_their_width(drawing: Draw) -> None:
    facet = drawing.cell("facet", [("o1", 0, 0, 180), ("o2", 9, 0, 0)], types={"o2": "edge_coupler"})
    ports = [("o1", 0, 0, 180), ("o2", 9, 0, 0)]
    fibre = drawing.cell("fiber", ports, sections="face", types={"o1": "edge_fiber", "o2": "edge_fiber"})
    top = drawing.cell("chip", info={"open_ports": ["f.o1"]})
    drawing.place(top, facet, "f")
    drawing.place(top, fibre, "g", 9)
    cell = top_of(drawing)
    assert cell.connections == (Connection(("f", "o2"), ("g", "o1")),)
    assert not cell.problems


def test_a_facet_does_not_meet_a_waveguide(drawing: Draw) -> None:
    facet = drawing.cell("facet", [("o1", 0, 0, 180)], types={"o1": "edge_coupler"})
    top = drawing.cell("chip")
    drawing.place(top, facet, "f", 10)
    drawing.place(top, drawing.straight(10), "a")
    assert "type_mismatch" in kinds(top_of(drawing))


def test_arrays_are_instances_by_column_and_row(drawing: Draw) -> None:
    top = drawing.cell("chip")
    drawing.place(top, drawing.straight(10), "a", array=(3, 10.0, 2, 50.0))
    cell = top_of(drawing)
    assert [i.name for i in cell.instances] == [f"a[{c},{r}]" for c in range(3) for r in range(2)]
    assert {(i.x, i.y) for i in cell.instances} == {(10.0 * c, 50.0 * r) for c in range(3) for r in range(2)}
    assert Connection(("a[0,1]", "o2"), ("a[1,1]", "o1")) in cell.connections
    assert len(cell.connections) == 4


def test_a_magnified_instance_is_refused(drawing: Draw) -> None:
    top = drawing.cell("chip")
    trans = kdb.ICplxTrans(1.5, 0, False, 0, 0)
    top.insert(kdb.CellInstArray(drawing.straight(10).cell_index(), trans)).set_property(0, "big")
    with pytest.raises(LayoutError, match=r"magnified by 1\.5"):
        extract(read_layout(drawing.write()))


def test_cells_without_ports_are_dissolved(drawing: Draw) -> None:
    box = drawing.cell("")
    drawing.place(box, drawing.straight(10), "a")
    top = drawing.cell("chip")
    drawing.place(top, box, "box", 10, 0, 180, True)
    drawing.place(top, drawing.straight(20), "b", 10)
    cell = top_of(drawing)
    assert [i.name for i in cell.instances] == ["b", "box/a"]
    assert cell.connections == (Connection(("b", "o1"), ("box/a", "o1")),)


def test_unnamed_instances_get_names_by_place(drawing: Draw) -> None:
    top = drawing.cell("chip")
    one = drawing.straight(10)
    for x in (40, 0, 20):
        drawing.place(top, one, "", x)
    cell = top_of(drawing)
    assert [(i.name, i.x) for i in cell.instances] == [("straight~1", 0.0), ("straight~2", 20.0), ("straight~3", 40.0)]


def test_a_leaf_is_not_looked_into(drawing: Draw) -> None:
    ring = drawing.cell("ring", [("o1", 0, 0, 180), ("o2", 10, 0, 0)])
    drawing.place(ring, drawing.straight(10), "inner")
    top = drawing.cell("chip", [("o1", 0, 0, 180), ("o2", 10, 0, 0)])
    drawing.place(top, ring, "r")
    file = read_layout(drawing.write())
    assert list(flatten(extract(file, ["cpo_ring"]), top.name).leaves) == ["r"]
    assert list(flatten(extract(file), top.name).leaves) == ["r/inner"]


def chain(drawing: Draw, angle: int, mirror: bool, x: float, y: float) -> Any:
    """Straight, bend, straight, mirrored bend, in a macro that is placed somewhere."""
    bend = drawing.cell("bend", [("o1", 0, 0, 180), ("o2", 10, 10, 90)])
    macro = drawing.cell("macro", [("o1", 0, 0, 180), ("o2", 40, 30, 0)])
    drawing.place(macro, drawing.straight(10), "a")
    drawing.place(macro, bend, "b", 10)
    drawing.place(macro, drawing.straight(10), "c", 20, 10, 90)
    drawing.place(macro, bend, "d", 20, 20, 90, True)
    drawing.place(macro, drawing.straight(10), "e", 30, 30)
    top = drawing.cell("chip")
    drawing.place(top, macro, "m", x, y, angle, mirror)
    return top


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angle=st.sampled_from([0, 90, 180, 270, 37, 45]),
    mirror=st.booleans(),
    x=st.integers(-(10**6), 10**6),
    y=st.integers(-(10**6), 10**6),
)
def test_placement_does_not_change_the_circuit(
    new_drawing: Callable[[], Draw], angle: int, mirror: bool, x: int, y: int
) -> None:
    drawing = new_drawing()
    top = chain(drawing, angle, mirror, x / 1000, y / 1000)
    netlists = extract(read_layout(drawing.write()))
    circuit = flatten(netlists, top.name)
    joints = {(link.a, link.b) for link in circuit.connections}
    assert joints == {
        (("m/a", "o2"), ("m/b", "o1")),
        (("m/b", "o2"), ("m/c", "o1")),
        (("m/c", "o2"), ("m/d", "o1")),
        (("m/d", "o2"), ("m/e", "o1")),
    }
    assert [p.kind for p in netlists.problems] == ["dangling", "dangling"]
    found = circuit.leaves["m/e"]
    instance = next(i for i in netlists.cells[top.name].instances if i.name == "m")
    assert (found.x, found.y) == pytest.approx(tuple(complex_place(instance, 30, 30)), abs=2e-3)


def complex_place(instance: Any, x: float, y: float) -> tuple[float, float]:
    import cmath
    import math

    z = complex(x, -y if instance.mirror else y) * cmath.exp(1j * math.radians(instance.rotation))
    return (instance.x + z.real, instance.y + z.imag)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(angles=st.lists(st.sampled_from([0, 90, 180, 270]), min_size=2, max_size=2), mirror=st.booleans())
def test_joints_between_placed_macros(new_drawing: Callable[[], Draw], angles: list[int], mirror: bool) -> None:
    """Two rotated macros of equal shape meet wherever the first one's exit is the second one's entry."""
    drawing = new_drawing()
    macro = drawing.cell("macro", [("o1", 0, 0, 180), ("o2", 10, 0, 0)])
    drawing.place(macro, drawing.straight(10), "s")
    top = drawing.cell("chip")
    drawing.place(top, macro, "m", 0, 0, angles[0], mirror)
    dx, dy = {0: (10, 0), 90: (0, 10), 180: (-10, 0), 270: (0, -10)}[angles[0]]
    drawing.place(top, macro, "n", dx, dy, angles[1], mirror)
    netlists = extract(read_layout(drawing.write()))
    cell = netlists.cells[top.name]
    straight_on = angles[0] == angles[1]
    assert (cell.connections == (Connection(("m", "o2"), ("n", "o1")),)) == straight_on
    if straight_on:
        assert flatten(netlists, top.name).connections == (Connection(("m/s", "o2"), ("n/s", "o1")),)


def test_twice_the_cells_is_the_same_netlist_text(new_drawing: Callable[[], Draw]) -> None:
    texts = []
    for _ in range(2):
        drawing = new_drawing()
        chain(drawing, 90, False, 5, 5)
        texts.append(extract(read_layout(drawing.write())).to_json())
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "other"}', '{"format": "cpo_pdk netlist 1"}', "[" * 100000]
)
def test_junk_is_no_netlist(text: str) -> None:
    with pytest.raises(LayoutError):
        Netlists.from_json(text)


def test_a_port_without_cross_section_is_refused_by_name(drawing: Draw) -> None:
    top = drawing.cell("chip")
    cell = drawing.straight(10)
    drawing.meta(cell, "ports:0", {"name": "o1", "port_type": "optical", "cross_section": "no", "trans": None})
    drawing.place(top, cell, "a")
    with pytest.raises(LayoutError, match="port 'o1'"):
        extract(read_layout(drawing.write()))

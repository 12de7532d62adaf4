"""Netlists of SAX and SPICE: round trips, and what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.assemblies import write_package
from cpo_pdk.circuit.exchange import sax_netlist, spice
from cpo_pdk.circuit.exchange.plain_circuit import plain
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import CellNetlist, Connection, Instance, Netlists, Port
from cpo_pdk.errors import InputError
from cpo_pdk.spec import load_sheets, load_spec

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters=",.", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8
) | st.sampled_from(["a", "a_x2f_b", "x~1", "tx_1/ring", "1st", "n1", "nc_1", "_", "__x_", "A", "a b", "q'q", "%20"])
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.lists(st.integers(0, 9), max_size=3)
)
PLACES = st.integers(-(10**7), 10**7).map(lambda n: n / 1000)


def port(name: str) -> Port:
    return Port(name, "optical", 0.0, 0.0, 0.0, 0.0, (-1, -1))


@st.composite
def hierarchies(draw: st.DrawFn) -> Netlists:
    """A few devices, then cells that hold what came before; ports are connected or exposed at random."""
    cells: dict[str, CellNetlist] = {}
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique=True))
    devices = draw(st.integers(1, len(names) - 1))
    for name in names[:devices]:
        ports = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
        given_settings = draw(st.dictionaries(NAMES, VALUES, max_size=3))
        function = draw(NAMES)
        cells[name] = CellNetlist(
            name,
            function,
            dict(sorted(given_settings.items())),
            ports=tuple(port(p) for p in sorted(ports)),
            factory=draw(NAMES),
        )
    for number, name in enumerate(names[devices:]):
        below = list(cells)
        chosen = draw(st.lists(st.sampled_from(below), min_size=1, max_size=4))
        chosen = [*chosen, *(c for c in below if number == len(names) - devices - 1 and c not in chosen)]
        labels = draw(st.lists(NAMES, min_size=len(chosen), max_size=len(chosen), unique=True))
        instances = [
            Instance(
                label,
                cell,
                cells[cell].function,
                draw(PLACES),
                draw(PLACES),
                draw(st.sampled_from([0.0, 90.0, 180.0])),
                draw(st.booleans()),
            )
            for label, cell in zip(labels, chosen, strict=True)
        ]
        array = draw(st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)))
        if array:
            stem = "arr" + draw(NAMES)
            instances += [
                Instance(f"{stem}[{c},{r}]", below[0], cells[below[0]].function, c * 12.5, r * -3.0)
                for c in range(array[0])
                for r in range(array[1])
            ]
        free = [(i.name, p.name) for i in instances for p in cells[i.cell].ports]
        free = draw(st.permutations(free))
        links = []
        for _ in range(draw(st.integers(0, len(free) // 2))):
            a, b = free.pop(), free.pop()
            links.append(Connection(min(a, b), max(a, b)))
        exposed = dict(zip(draw(st.lists(NAMES, max_size=3, unique=True)), free, strict=False))
        cells[name] = CellNetlist(
            name,
            draw(NAMES),
            leaf=False,
            ports=tuple(port(p) for p in sorted(exposed)),
            factory=draw(NAMES),
            instances=tuple(sorted(instances, key=lambda i: i.name)),
            connections=tuple(sorted(links, key=lambda link: (link.a, link.b))),
            exposed=dict(sorted(exposed.items())),
        )
    top = names[-1]
    found = Netlists(top, cells)
    return Netlists(top, {cell.name: cell for cell, times in found.placed() if times})


@settings(derandomize=True, deadline=None, max_examples=150)
@given(hierarchies())
def test_random_hierarchies_come_back(netlists: Netlists) -> None:
    wanted = plain(netlists)
    text = sax_netlist.to_text(netlists)
    assert sax_netlist.from_text(text) == wanted
    assert sax_netlist.to_text(sax_netlist.from_text(text)) == text
    text = spice.to_spice(netlists)
    assert max(map(len, text.splitlines())) < 1000
    assert spice.from_spice(text) == wanted
    assert spice.to_spice(spice.from_spice(text)) == text
    assert Netlists.from_json(netlists.to_json()) == netlists


@settings(derandomize=True, deadline=None, max_examples=200)
@given(NAMES)
def test_names_become_identifiers_and_come_back(name: str) -> None:
    assert sax_netlist.unescaped(sax_netlist.escaped(name)) == name
    assert sax_netlist.escaped(name).isidentifier()


def two() -> Netlists:
    device = CellNetlist(
        "wg_L10", "wg", {"length": 10.0, "kind": "strip"}, ports=(port("o1"), port("o2")), factory="wg"
    )
    top = CellNetlist(
        "top",
        "top",
        leaf=False,
        ports=(port("in"), port("out")),
        instances=(Instance("a", "wg_L10", "wg", 0.0, 0.0), Instance("b", "wg_L10", "wg", 10.0, 0.0, 90.0, True)),
        connections=(Connection(("a", "o2"), ("b", "o1")),),
        exposed={"in": ("a", "o1"), "out": ("b", "o2")},
    )
    return Netlists("top", {"top": top, "wg_L10": device})


def test_the_text_of_a_netlist_is_pinned() -> None:
    texts = (sax_netlist.to_text(two()), spice.to_spice(two()))
    assert [hashlib.sha256(text.encode()).hexdigest()[:12] for text in texts] == ["3b7a33689672", "a8ff621ff2e6"]
    assert "Xb n1 out wg_L10 kind='strip' length=10.0" in texts[1]


def test_klayout_reads_the_spice_text_and_we_read_what_klayout_writes(tmp_path: Path) -> None:
    path = tmp_path / "two.cir"
    path.write_text(spice.to_spice(two()), encoding="utf-8")
    read = kdb.Netlist()
    read.read(str(path), kdb.NetlistSpiceReader())
    top = read.circuit_by_name("TOP")
    assert [pin.name() for pin in top.each_pin()] == ["IN", "OUT"]
    assert len(list(top.each_subcircuit())) == 2
    writer = kdb.NetlistSpiceWriter()
    writer.use_net_names = True
    writer.with_comments = True
    read.write(str(path), writer)
    back = spice.read_spice(path, "TOP")
    assert len(back.cells["TOP"].instances) == 2 and len(back.cells["TOP"].connections) == 1


def test_a_netlist_of_gdsfactory_is_read() -> None:
    document: dict[str, Any] = {
        "top": {
            "instances": {
                "arr": {
                    "component": "straight",
                    "settings": {"length": 5},
                    "array": {"columns": 2, "rows": 2, "column_pitch": 5, "row_pitch": 20},
                },
                "long": {"component": "straight", "settings": {"length": 7}},
                "m": {"component": "mzi", "settings": {"delta_length": 10}},
            },
            "placements": {"arr": {"x": 0, "y": -200, "rotation": 0, "mirror": False}},
            "ports": {"o1": "m,o1"},
            "nets": [{"p1": "arr<0.0>,o2", "p2": "arr<1.0>,o1"}],
        },
        "mzi": {"instances": {"s": "bend"}, "connections": {"s,o2": "s,o3"}, "ports": {"o1": "s,o1"}},
    }
    found = sax_netlist.from_dict(document)
    top = found.cells["top"]
    assert {i.name: (i.x, i.y) for i in top.instances if i.name.startswith("arr")} == {
        "arr[0,0]": (0.0, -200.0),
        "arr[0,1]": (0.0, -180.0),
        "arr[1,0]": (5.0, -200.0),
        "arr[1,1]": (5.0, -180.0),
    }
    assert top.connections == (Connection(("arr[0,0]", "o2"), ("arr[1,0]", "o1")),)
    lengths = {found.cells[i.cell].settings.get("length") for i in top.instances if i.function == "straight"}
    assert lengths == {5, 7}  # two variants of one function are two cells
    assert not found.cells["mzi"].leaf and found.cells["bend"].factory == "bend"


def broken(change: Any) -> str:
    document = json.loads(sax_netlist.to_text(two()))
    change(document["top"])
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda c: c["nets"].append({"p1": "a,o2", "p2": "b,o1"}),
            "a.o2 is in a connection and in a connection, 1 allowed",
        ),
        (lambda c: c["ports"].update(extra="b,o2"), "b.o2 is in port 'out' and in port 'extra'"),
        (lambda c: c["nets"].append({"p1": "c,o2", "p2": "b,o1"}), "no instance 'c'"),
        (lambda c: c["ports"].update(extra="b,o3"), "cell wg_L10 has no port 'o3'"),
        (lambda c: c["nets"].append({"p1": "a", "p2": "b,o1"}), "no port of an instance"),
        (lambda c: c["nets"].append({"p3": "a"}), "no p1 or p2"),
        (lambda c: c["instances"].update(c={"settings": {}}), "names no component"),
        (lambda c: c["instances"].update(c={"component": "top"}), "contains itself"),
        (lambda c: c["placements"].update(z={"x": 1}), "placement of an unknown instance 'z'"),
        (lambda c: c["placements"]["a"].update(x="far"), "x is 'far', a number needed"),
        (lambda c: c["instances"]["a"].update(array={"columns": 0, "rows": 1}), "array of 0 x 1"),
        (lambda c: c["instances"]["a"].update(array={"columns": 2, "rows": 1}), "port of an array"),
        (lambda c: c["instances"]["a"]["settings"].update(length=11.0), "other settings than elsewhere"),
    ],
)
def test_sax_faults_are_one_line(change: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        sax_netlist.from_text(broken(change))
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"a": 1}', '{"a": {"instances": {}}, "a": {"instances": {}}}', "[" * 9999]
)
def test_what_is_no_sax_netlist_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        sax_netlist.from_text(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Xb n1 out", "Xb n1", ":10: 'b' has 1 nets, cell 'wg_L10' 2 pins"),
        ("Xb n1 out", "Xa n1 out", "second instance 'a'"),
        ("Xb n1 out", "Xb in out", "net 'in' joins 3 ports"),
        ("Xb n1 out wg_L10", "Xb n1 out wg_L11", "no known cell 'wg_L11'"),
        ("length=10.0\n.ENDS top", "length=11.0\n.ENDS top", "other settings than elsewhere"),
        ("length=10.0", "length=10.0 length=10.0", "'length' is given twice"),
        ("length=10.0", "length=ten", "no number"),
        ("kind='strip'", "kind='strip", "not understood"),
        (".ENDS top", "", "has no .ENDS"),
        (".SUBCKT top in out", ".SUBCKT top in out far", "pin 'far' is the port of no instance"),
        (".SUBCKT top in out", ".SUBCKT top in in", "given twice"),
        ("Xb n1", "Rb n1", "is no .SUBCKT, .ENDS or X line"),
        (".SUBCKT top", ".SUBCKT wg_L10", "second .SUBCKT 'wg_L10'"),
    ],
)
def test_spice_faults_are_one_line(old: str, new: str, said: str) -> None:
    text = spice.to_spice(two())
    assert old in text
    with pytest.raises(InputError) as caught:
        spice.from_spice(text.replace(old, new))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_the_shipped_package_comes_back_and_no_cell_of_it_is_edited(tmp_path: Path) -> None:
    sheets = load_sheets()
    written = write_package(load_spec("switch_51t2"), tmp_path, sheets)
    for gds in (written.engine_gds, written.package_gds):
        netlists = extract(read_layout(gds), leaf_factories(sheets))
        assert not netlists.problems and netlists.counts()["leaves"] > 1000
        text = sax_netlist.to_text(netlists)
        assert sax_netlist.from_text(text) == plain(netlists)
        assert sax_netlist.to_text(sax_netlist.from_text(text)) == text
        text = spice.to_spice(netlists)
        assert spice.from_spice(text) == plain(netlists)
        assert spice.to_spice(spice.from_spice(text)) == text


def test_an_array_in_a_layout_is_written_as_one_instance(drawing: Any) -> None:
    top = drawing.cell("top")
    drawing.place(top, drawing.straight(10.0), "arr", array=(3, 10.0, 2, 30.0))
    netlists = extract(read_layout(drawing.write()))
    document = sax_netlist.to_dict(netlists)
    (cell,) = document.values()
    assert cell["instances"]["arr"]["array"] == {"columns": 3, "rows": 2, "column_pitch": 10.0, "row_pitch": 30.0}
    assert {"p1": "arr<0.1>,o2", "p2": "arr<1.1>,o1"} in cell["nets"]
    assert sax_netlist.from_dict(document) == plain(netlists)

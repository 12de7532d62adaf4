"""Devices and connections: what went, what was moved apart, what only has another name."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import klayout.db as kdb

from cpo_pdk.circuit.netlist import CellNetlist, Connection, Instance, Netlists
from cpo_pdk.cli.app import run
from cpo_pdk.difference.circuit import compare_circuits
from cpo_pdk.difference.files import LIMIT, markdown_text
from cpo_pdk.difference.findings import Difference, Geometry, Lanes, Limits
from cpo_pdk.difference.run import compare

from .conftest import Editor

Edit = Callable[..., Path]


def netlists(**leaves: dict) -> Netlists:
    """Two places of a unit with a device of each name; values are the settings."""
    cells = {f"cell_{n}": CellNetlist(f"cell_{n}", "straight", settings=s, info=s) for n, s in leaves.items()}
    names = list(leaves)
    unit = CellNetlist(
        "unit",
        "unit",
        leaf=False,
        instances=tuple(Instance(n, f"cell_{n}", "straight", 10.0 * i, 0.0) for i, n in enumerate(names)),
        connections=tuple(Connection((x, "o2"), (y, "o1")) for x, y in itertools.pairwise(names)),
    )
    top = CellNetlist(
        "top", "package", leaf=False, instances=tuple(Instance(f"u{n}", "unit", "unit", 0.0, 100.0 * n) for n in (1, 2))
    )
    return Netlists("top", {**cells, "unit": unit, "top": top})


def test_a_change_of_a_cell_is_told_once_with_its_places() -> None:
    a = netlists(p={"length": 10.0}, q={"length": 20.0})
    b = netlists(p={"length": 10.0}, q={"length": 25.5})
    found = compare_circuits(a, b)
    (device,) = found.devices
    assert (device.where, device.name, device.kind, device.places) == ("u1", "q", "settings", 2)
    assert device.message == "straight q: length 20 -> 25.5 (+5.5 um)" and device.route_um == 5.5
    assert not found.connections and found.compared["devices_a"] == 4 and found.compared["connections_b"] == 2
    assert not compare_circuits(a, a).devices


def test_added_and_removed_devices_take_their_connections_with_them() -> None:
    a, b = netlists(p={}, q={}, r={}), netlists(p={}, q={})
    found = compare_circuits(a, b)
    assert [(d.kind, d.name, d.places) for d in found.devices] == [("removed", "r", 2)]
    assert [(c.kind, c.a, c.b, c.places) for c in found.connections] == [("removed", "q.o2", "r.o1", 2)]
    back = compare_circuits(b, a)
    assert [(d.kind, d.name) for d in back.devices] == [("added", "r")]
    assert [(c.kind, c.a, c.b) for c in back.connections] == [("added", "q.o2", "r.o1")]


def test_another_name_in_the_same_place_is_a_new_name() -> None:
    a, b = netlists(p={}, q={}), netlists(p={}, other={})
    found = compare_circuits(a, b)
    assert [(d.kind, d.message) for d in found.devices] == [("renamed", "straight q is called other")]
    assert not found.connections


def test_numbered_instances_are_matched_by_their_place() -> None:
    """The extraction numbers nameless instances: a new one in front shifts all numbers."""

    def cell(*places: float) -> Netlists:
        instances = tuple(Instance(f"bend~{n}", "bend", "bend", x, 0.0) for n, x in enumerate(sorted(places), 1))
        top = CellNetlist("top", "package", leaf=False, instances=instances)
        return Netlists("top", {"bend": CellNetlist("bend", "bend"), "top": top})

    found = compare_circuits(cell(10.0, 20.0), cell(5.0, 10.0, 20.0))
    assert [d.kind for d in found.devices if d.kind != "renamed"] == ["added"]


def test_an_open_route_leaves_lanes_uncompared_and_says_so(gds: Path, edited: Edit) -> None:
    def cut(editor: Editor) -> None:
        editor.instance(editor.at("engine_N1", "tx_1", "unit_3"), "bus_east").delete()

    result = compare(gds, edited(cut), limits=Limits(loss_dB=100.0))
    assert [d.message for d in result.circuit.devices] == ["straight bus_east removed"]
    assert len(result.circuit.connections) == 2
    assert not result.passed and result.compared["lanes"] == 0
    assert "can't be simulated" in result.not_compared[0] and "can't be judged" in result.gates[0].message


def test_an_engine_with_another_name_keeps_its_lanes(gds: Path, edited: Edit, capfd) -> None:
    def rename(editor: Editor) -> None:
        editor.instance(editor.top, "engine_N1").set_property(0, "engine_X9")

    path = edited(rename)
    assert run(["diff", str(gds), str(path), "--max-loss-change", "0", "--max-crosstalk-change", "0", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["compared"]["lanes"] == 32 and not document["lanes"]["changed"]
    assert [d["kind"] for d in document["circuit"]["devices"]] == ["renamed"]


def test_other_wavelengths_are_no_equal_lanes(gds: Path, edited: Edit) -> None:
    def retune(editor: Editor) -> None:
        for cell in editor.layout.each_cell():
            name = cell.meta_info("kfactory:function_name")
            if name is not None and name.value == "engine":
                wl = cell.meta_info("kfactory:info").value["wl_um"]
                editor.meta(cell, "info", wl_um=[x + 2e-5 for x in wl])

    result = compare(gds, edited(retune))
    assert result.different and result.lanes.retuned == 32


def test_a_comment_stays_within_what_a_pull_request_takes() -> None:
    many = {f"n{i}" * 30: {f"s{k}" * 10: float(k + i) for k in range(30)} for i in range(60)}
    other = {name: {key: value + 1 for key, value in settings.items()} for name, settings in many.items()}
    found = compare_circuits(netlists(**many), netlists(**other))
    assert len(found.devices) == 60
    text = markdown_text(Difference("a", "b", False, Geometry(), found, Lanes()))
    assert len(text.encode()) <= LIMIT and "| straight" in text


def test_the_layout_of_a_single_device_is_a_circuit_of_one(tmp_path: Path, gds: Path) -> None:
    editor = Editor(gds)
    ring = next(c for c in editor.layout.each_cell() if c.name.startswith("cpo_add_drop_ring"))
    keep = {ring.cell_index(), *ring.called_cells()}
    for cell in list(editor.layout.each_cell()):
        if cell.cell_index() not in keep:
            editor.layout.delete_cell(cell.cell_index())
    editor.layout.write(str(tmp_path / "a.gds"))
    other = Editor(tmp_path / "a.gds")
    other.meta(other.top, "settings", gap=0.2)
    other.layout.write(str(tmp_path / "b.gds"))
    result = compare(tmp_path / "a.gds", tmp_path / "b.gds")
    assert result.compared["devices_a"] == 1 and result.passed
    assert [d.message.split(":")[1] for d in result.circuit.devices] == [" gap 0.15 -> 0.2"]
    assert isinstance(other.layout, kdb.Layout)

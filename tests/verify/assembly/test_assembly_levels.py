"""Ribbons above one another, connectors in rows, laser modules that several engines share."""

from __future__ import annotations

import jsonschema
import klayout.db as kdb
import pytest

from cpo_pdk.verify.assembly.finding import find_parts
from cpo_pdk.verify.assembly.meeting import meet
from cpo_pdk.verify.assembly.placed import Places
from cpo_pdk.verify.assembly.ribbon_crossings import ribbon_crossings
from cpo_pdk.verify.findings import Verdict
from cpo_pdk.verify.formats import json_document


@pytest.fixture
def stack(small):
    """Two layers of ribbons and a shared laser module."""
    return small.stacked


def parts(small):
    """The parts of a drawing, their fibres at facets and connectors."""
    file = small.file
    package = find_parts(file, Places(file.layout, file.top))
    meet(package)
    return package


@pytest.mark.parametrize("flat", [False, True])
def test_two_layers_and_a_shared_module(stack, flat):
    result = stack().with_(flat=flat).check()
    assert result.clean, result.violations[:3]
    assert result.counted["fibres"] == 12
    assert result.counted["connectors"] == 5
    assert result.counted["fibres_to_connectors"] == 12
    assert result.counted["ribbon_crossings"] == 0
    assert result.looked_at_by_rule["ASM.RIBBON.X"] == 6
    assert result.looked_at_by_rule["ASM.CONN.ROW"] == 12


def test_a_fibre_ends_in_the_row_of_its_layer(stack):
    package = parts(stack())
    rows = {(package.fibres[p.fibre].layer, package.connectors[p.connector].layer) for p in package.plugged}
    assert rows == {("FIBER", "CONNECTOR"), ("FIBER_2", "CONNECTOR_2"), ("FIBER_PM", "CONNECTOR_PM")}


def test_rows_may_have_other_numbers_than_the_layers_that_end_there(stack):
    """Ribbons that cross lie in higher layers than their rows: the lower layer ends in the lower row."""
    small = stack()
    higher = small.with_(rows=[*small.rows[:-1], "CONNECTOR_3"])
    assert higher.check().clean
    layers = {"FIBER": "FIBER_4", "FIBER_2": "FIBER_5"}
    east = [(layers.get(layer, layer) if n > 5 else layer, points) for n, (layer, points) in enumerate(small.fibres)]
    package = parts(small.with_(fibres=east))
    assert {
        (package.fibres[p.fibre].layer, package.connectors[p.connector].layer)
        for p in package.plugged
        if package.owners[p.fibre] == package.owners[len(package.fibres) - 1]
    } >= {("FIBER_5", "CONNECTOR_2")}
    assert small.with_(fibres=east).check().clean


def test_a_data_fibre_drawn_on_the_layer_of_another_ribbon(stack):
    small = stack()
    layer, points = small.fibres[4]
    wrong = small.with_(fibres=[*small.fibres[:4], ("FIBER_3", points), *small.fibres[5:]])
    assert layer == "FIBER_2"
    (said,) = wrong.said("ASM.CONN.ROW")
    assert "1 fibre (fibre from coupler 5 of" in said.message
    assert "of ribbon layer 3 in connector at (-3000.000, 64000.000), which belongs to ribbon layer 2" in said.message
    assert said.layer == "CONNECTOR_2/FIBER_3"


def test_laser_fibres_end_in_their_row(stack):
    small = stack()
    wrong = small.with_(rows=["CONNECTOR", *small.rows[1:]])
    (said,) = wrong.said("ASM.CONN.ROW")
    assert "4 fibres (" in said.message
    assert "of the laser layer in connector at (0.000, 64000.000), which belongs to a row of data connectors" in str(
        said
    )


def test_connectors_of_one_row_keep_apart_those_of_two_do_not(stack):
    small = stack()
    assert not small.said("ASM.CONN.S")
    near = small.with_(
        connectors=[*small.connectors, (4100.0, 60_000.0, 5000.0, 68_000.0)], rows=[*small.rows, "CONNECTOR_2"]
    )
    (said,) = near.said("ASM.CONN.S")
    assert "100 um apart, 200 um needed" in said.message
    assert said.layer == "CONNECTOR_2"
    assert not near.with_(rows=[*small.rows, "CONNECTOR_3"]).said("ASM.CONN.S")


def test_a_module_takes_the_fibres_of_two_engines_side_by_side(stack, small):
    """They come within a pitch of each other on their way to it; with a module each that is too close."""
    shared = stack()
    assert not shared.said("ASM.RIBBON.S")
    left, bottom, right, top = shared.connectors[0]
    halves = [(left, bottom, 0.0, top), (0.0, bottom, right, top)]
    apart = shared.with_(connectors=[*halves, *shared.connectors[1:]], rows=["CONNECTOR_PM", *shared.rows])
    (said,) = apart.said("ASM.RIBBON.S")
    assert "come within 2 um, 125 um needed" in said.message
    assert said.layer == "FIBER_PM"


def test_fibres_of_a_shared_module_must_not_cross(stack):
    small = stack()
    fibres = list(small.fibres)
    for a, b in ((0, 6), (1, 7)):
        (layer, one), (_, other) = fibres[a], fibres[b]
        fibres[a], fibres[b] = (layer, [*one[:3], *other[-3:]]), (layer, [*other[:3], *one[-3:]])
    said = small.with_(fibres=fibres).said("ASM.FIBRE.X")
    assert len(said) == 4
    assert "cross outside of the package" in said[0].message
    assert said[0].layer == "FIBER_PM"


@pytest.mark.parametrize("flat", [False, True])
def test_ribbons_cross_outside_of_the_package(stack, flat):
    small = stack(aside=9000.0, level=3).with_(flat=flat)
    result = small.check()
    assert result.clean, result.violations[:3]
    # over the ribbons of the other engine: lasers', lower and upper
    assert (result.counted["ribbon_crossings"], result.counted["ribbon_crossings_over_package"]) == (3, 0)
    assert result.counted["fibre_crossings"] == 0, "those in one layer"


def test_where_ribbons_cross_and_at_which_angle(stack):
    found = ribbon_crossings(parts(stack(aside=9000.0, level=3)))
    assert [crossing.fibres for crossing in found] == [4, 4, 4]
    lasers = next(crossing for crossing in found if "FIBER_PM" in crossing.layers)
    data = [crossing for crossing in found if "FIBER_PM" not in crossing.layers]
    assert all(20_000 < crossing.y < 40_000 and not crossing.over for crossing in found)
    assert all(crossing.layers in (("FIBER", "FIBER_3"), ("FIBER_2", "FIBER_3")) for crossing in data)
    # both S-bends run through the same 40 mm, 9 mm and 3 mm aside in opposite directions, or straight on
    assert all(10 < crossing.angle < 25 for crossing in data)
    assert lasers.angle > max(crossing.angle for crossing in data)


def test_ribbons_that_cross_over_the_package(stack):
    small = stack(aside=9000.0, level=3).with_(substrate=(-20000, -20000, 20000, 45000))
    said = small.said("ASM.RIBBON.X")
    assert len(said) == 3
    assert "cross over the package at (" in said[0].message
    assert "0 crossings allowed there" in said[0].message
    result = small.check()
    assert result.counted["ribbon_crossings_over_package"] == 3
    first = result.as_json()["crossings"][0]
    assert first["ribbons"] == sorted(first["ribbons"])
    assert (first["over_package"], first["fibre_crossings"]) == (True, 4)
    assert len(result.crossings) == 3
    jsonschema.validate(Verdict("small.gds", (result,)).as_json(), json_document.schema())


def test_a_spec_that_allows_crossings_over_the_package(stack, shipped):
    small = stack(aside=9000.0, level=3).with_(substrate=(-20000, -20000, 20000, 45000))
    loose = shipped.model_copy(update={"fibres": shipped.fibres.model_copy(update={"crossings_in_package": True})})
    assert [v for v in small.check(shipped).violations if v.rule == "ASM.RIBBON.X"]
    assert not [v for v in small.check(loose).violations if v.rule == "ASM.RIBBON.X"]


def test_more_ribbon_layers_than_the_spec_has(stack, shipped):
    said = [v for v in stack().check(shipped).violations if v.rule == "ASM.CONN.ROW"]
    assert [v.message.split(";")[0] for v in said] == ["4 fibres in ribbon layer 2, 1 asked"]
    assert shipped.fibres.levels == 1


def test_fibres_of_one_layer_in_one_place_are_no_stack(stack):
    """The same drawing with both ribbons in one layer: they lie in one another."""
    small = stack()
    flat = [("FIBER" if layer == "FIBER_2" else layer, points) for layer, points in small.fibres]
    wrong = small.with_(fibres=flat, rows=["CONNECTOR" if row == "CONNECTOR_2" else row for row in small.rows])
    assert {"ASM.CONN.POSITION", "ASM.CONN.S"} <= wrong.broken()


def test_a_fibre_of_another_layer_is_not_joined(small):
    """A fibre doesn't change its layer on the way: its two halves are two fibres that end in the air."""
    layer, points = small.fibres[2]
    half = len(points) // 2
    halves = [(layer, points[: half + 1]), ("FIBER_2", points[half:])]
    said = small.with_(fibres=[*small.fibres[:2], *halves, *small.fibres[3:]]).said("ASM.FIBRE.ENDS")
    assert said
    assert small.check().clean
    assert isinstance(said[0].bbox[0], float)
    assert kdb.DBox(*said[0].bbox).height() > 0

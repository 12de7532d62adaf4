"""Both engines, `cpo check` and the generated deck in the KLayout program, find the same in the same places.

Where the KLayout program is not installed these tests are skipped, unless CPO_NEED_KLAYOUT says that it must be.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import klayout.db as kdb
import klayout.rdb as rdb
import pytest

from cpo_pdk.circuit.layout_file import LayoutFile, flat_shape_count, read_layout
from cpo_pdk.components import CELLS
from cpo_pdk.errors import InputError, LayoutError
from cpo_pdk.tech.layers import LAYERS, layer_of
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.design_rules.run import drc_layout
from cpo_pdk.verify.klayout_deck.agreement import RuleAgreement, compare_engines, places_of
from cpo_pdk.verify.klayout_deck.deck import deck, expressed
from cpo_pdk.verify.klayout_deck.planted import planted_layout
from cpo_pdk.verify.klayout_deck.program import find_klayout, plain_copy, run_deck

NEEDED = bool(os.environ.get("CPO_NEED_KLAYOUT"))
needs_klayout = pytest.mark.skipif(
    not NEEDED and shutil.which("klayout") is None, reason="the KLayout program is not installed (Debian: klayout)"
)

#: kinds that no shipped rule has yet, or has only one half of
MORE = (
    Rule("X.NOTCH", "notch", ("M1",), 0.7, "test"),
    Rule("X.ISOLATION", "isolation", ("M2",), 1.2, "test"),
    Rule("X.DENSITY", "density", ("WG",), 50.0, "test", more={"step": 25.0, "least": 0.1, "die": "FLOORPLAN"}),
)
RULES = (*load_rules(group="drc"), *MORE)


def disagreements(found: tuple[RuleAgreement, ...]) -> list[str]:
    def some(boxes: tuple[kdb.DBox, ...]) -> str:
        return f"{len(boxes)} {[str(box) for box in boxes[:3]]}"

    return [
        f"{a.rule}: check alone {some(a.only_check)}, deck alone {some(a.only_deck)}" for a in found if not a.agrees
    ]


@pytest.mark.skipif(not NEEDED, reason="CPO_NEED_KLAYOUT is not set: KLayout may be missing here")
def test_klayout_is_there_where_it_must_be() -> None:
    assert find_klayout()


@pytest.fixture(scope="module")
def planted() -> tuple[LayoutFile, tuple]:
    return planted_layout(RULES)


@pytest.fixture(scope="module")
def compared(planted) -> dict[str, RuleAgreement]:
    return {a.rule: a for a in compare_engines(planted[0], RULES)}


@needs_klayout
def test_the_engines_agree_on_every_planted_violation(compared) -> None:
    assert disagreements(tuple(compared.values())) == []
    assert set(compared) == {rule.name for rule in RULES}
    assert [name for name, a in compared.items() if not a.both] == [], "nothing was planted for a rule"


@needs_klayout
def test_what_keeps_a_rule_passes_and_what_breaks_it_is_found(planted, compared) -> None:
    wrong = []
    for plant in planted[1]:
        place = plant.place.enlarged(1.0, 1.0)
        found = any(box.touches(place) for box in compared[plant.rule].both)
        if plant.breaks is not None and found != plant.breaks:
            wrong.append((plant.rule, plant.variant, plant.short_by, f"found {found}"))
    assert wrong == []


@pytest.fixture(scope="module")
def one_of_each() -> tuple[Rule, ...]:
    """One rule of each kind."""
    return tuple({rule.kind: rule for rule in reversed(RULES)}.values())


@needs_klayout
def test_flat_and_deep_runs_of_the_deck_find_the_same(one_of_each) -> None:
    file, plants = planted_layout(one_of_each)
    deep = {a.rule: a for a in compare_engines(file, one_of_each, mode="deep")}
    turned = [plant.place.enlarged(1.0, 1.0) for plant in plants if plant.breaks is None]
    for agreement in deep.values():
        assert agreement.both
        # a cell at any angle is off the grid (rule GRID) and rounded in the top cell alone: limits differ there
        rest = [b for b in (*agreement.only_check, *agreement.only_deck) if not any(b.touches(p) for p in turned)]
        assert rest == [], agreement.rule
    for violation in drc_layout(file, one_of_each).violations:
        boxes = [kdb.DBox(*violation.bbox).to_itype(0.001).transformed(p) for p in places_of(file, violation.cell)]
        marked = [box.to_itype(0.001).enlarged(2, 2) for box in deep[violation.rule].both]
        assert any(box.touches(mark) for box in boxes for mark in marked), violation


@pytest.fixture(scope="module")
def devices(tmp_path_factory) -> LayoutFile:
    """Every shipped cell once as it is and once turned by 90 degrees, in one layout."""
    layout = kdb.Layout()
    layout.dbu = 0.001
    top = layout.create_cell("devices")
    x = 0
    for name in sorted(CELLS):
        single = kdb.Layout()
        path = tmp_path_factory.mktemp("cells") / "cell.oas"
        CELLS[name]().write(str(path))
        single.read(str(path))
        drawn = layout.create_cell(name)
        drawn.copy_tree(single.top_cell())
        box = drawn.bbox()
        if max(box.width(), box.height()) > 3_000_000:
            continue
        side = max(box.width(), box.height()) + 100_000
        for turn, y in ((kdb.Trans.R0, 0), (kdb.Trans.R90, 4_000_000)):
            turned = box.transformed(kdb.Trans(turn, 0, 0))
            top.insert(kdb.CellInstArray(drawn.cell_index(), kdb.Trans(turn, x - turned.left, y - turned.bottom)))
        x += side
    for cell in [c for c in layout.top_cells() if c.cell_index() != top.cell_index()]:
        layout.prune_cell(cell.cell_index(), -1)
    path = Path("devices.gds")
    return LayoutFile(path, layout, top, flat_shapes=flat_shape_count(layout, top, path))


def tightened(factor: float) -> tuple[Rule, ...]:
    """The rules with harder limits, so that sound layouts break them in many places and ways."""
    fixed = ("grid", "angle", "points", "no_area", "odd_path", "density")
    rules = [r if r.kind in fixed else replace(r, value=round(r.value * factor, 3)) for r in load_rules(group="drc")]
    return tuple(rules)


@needs_klayout
@pytest.mark.parametrize("factor", [1.0, 1.37])
def test_the_engines_agree_on_the_shipped_devices(factor, devices) -> None:
    found = compare_engines(devices, tightened(factor))
    assert disagreements(found) == []
    if factor > 1:
        assert sum(len(a.both) for a in found) > 500


def octilinear(dice: random.Random) -> kdb.Polygon:
    """A box with some corners cut off at 45 degrees, or a triangle; on a grid of 10 nm, so that all crossings are."""
    x, y, w, h = (
        10 * dice.randrange(800),
        10 * dice.randrange(800),
        10 * dice.randrange(5, 200),
        10 * dice.randrange(5, 200),
    )
    cut = 10 * dice.randrange(1, max(2, min(w, h) // 10))
    corners = [(x, y), (x, y + h), (x + w, y + h), (x + w, y)]
    ahead = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    points = []
    for number, (px, py) in enumerate(corners):
        if dice.random() < 0.4:
            (ax, ay), (bx, by) = ahead[number - 1], ahead[number]
            points += [kdb.Point(px - cut * ax, py - cut * ay), kdb.Point(px + cut * bx, py + cut * by)]
        else:
            points.append(kdb.Point(px, py))
    return kdb.Polygon(points) if dice.random() < 0.8 else kdb.Polygon(points[:3])


@needs_klayout
@pytest.mark.parametrize("seed", [1, 2])
def test_random_shapes(seed, tmp_path) -> None:
    """Cut boxes and triangles anywhere, on top of each other, in cells that overlap: what nobody thought of."""
    dice = random.Random(seed)
    layout = kdb.Layout()
    layout.dbu = 0.001
    top, cells = layout.create_cell("random"), [layout.create_cell(f"c{n}") for n in range(12)]
    for cell in cells:
        for name in ("WG", "SLAB90", "N", "NPP", "PPP", "VIAC", "M1", "VIA1", "M2", "HEATER"):
            for _ in range(6):
                cell.shapes(layout.layer(*layer_of(name))).insert(octilinear(dice))
    for number in range(60):
        trans = kdb.Trans(dice.randrange(8), 10 * dice.randrange(6000), 4000 * number)
        top.insert(kdb.CellInstArray(dice.choice(cells).cell_index(), trans))
    path = tmp_path / "random.gds"
    layout.write(str(path))
    found = compare_engines(read_layout(path))
    assert disagreements(found) == []
    assert sum(len(a.both) for a in found) > 2000


def file_with(*shapes: tuple[str, kdb.DBox], dbu: float = 0.001) -> LayoutFile:
    layout = kdb.Layout()
    layout.dbu = dbu
    top = layout.create_cell("top")
    for name, box in shapes:
        top.shapes(layout.layer(*layer_of(name))).insert(box)
    return LayoutFile(Path("drawn.gds"), layout, top)


@needs_klayout
def test_the_deck_says_what_it_did_and_what_not() -> None:
    run = run_deck(file_with(("WG", kdb.DBox(0, 0, 10, 0.1))))
    text = "\n".join(run.said)
    here = len(expressed(load_rules()))
    assert f"1 shapes on 1 layers against {here} rules: 1 markers of 1 rules" in text
    assert re.search(rf"not in this deck, run cpo check: {len(load_rules()) - here} rules \(\d+ photonic", text)
    assert {name for name, boxes in run.markers.items() if boxes} == {"WG.W"}
    assert set(run.markers) == {rule.name for rule in expressed(load_rules())}


@needs_klayout
def test_the_deck_refuses_what_it_cannot_look_at() -> None:
    with pytest.raises(LayoutError, match="no shape on any layer of the process"):
        run_deck(file_with())
    with pytest.raises(LayoutError, match=r"database unit 0.005 um, must be 0.001 um"):
        run_deck(file_with(("WG", kdb.DBox(0, 0, 10, 1)), dbu=0.005))
    with pytest.raises(LayoutError, match="mode is sideways, must be flat or deep"):
        run_deck(file_with(("WG", kdb.DBox(0, 0, 10, 1))), mode="sideways")


@needs_klayout
def test_a_run_that_breaks_off_says_so_in_its_report(tmp_path) -> None:
    text = deck()
    broken = text.replace('c.space("WG", 120)', "c.no_such_check")
    assert broken != text
    (tmp_path / "deck.lydrc").write_text(broken)
    layout = file_with(("WG", kdb.DBox(0, 0, 10, 1)))
    plain_copy(layout, tmp_path / "x.gds")
    command = ["klayout", "-b", "-r", "deck.lydrc", "-rd", "input=x.gds", "-rd", "report=x.lyrdb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    database = rdb.ReportDatabase("x")
    database.load(str(tmp_path / "x.lyrdb"))
    found = {category.name(): category for category in database.each_category()}
    assert found["NOT.FINISHED"].num_items() == 1
    assert "stopped after 1 rules" in found["NOT.FINISHED"].description


@needs_klayout
def test_a_deck_that_does_not_end_is_stopped() -> None:
    with pytest.raises(InputError, match=r"did not finish in 0.01 s"):
        run_deck(file_with(("WG", kdb.DBox(0, 0, 10, 1))), time_limit=0.01)


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="no-such-klayout: no such program in PATH; install KLayout"):
        find_klayout("no-such-klayout")


def test_layers_of_the_planted_layout_are_those_of_the_process(planted) -> None:
    layout = planted[0].layout
    infos = [layout.get_info(i) for i in layout.layer_indexes()]
    assert {(i.layer, i.datatype) for i in infos} <= {(i.layer, i.datatype) for i in LAYERS.values()}

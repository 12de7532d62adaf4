"""Faults planted in a good layout, one at a time: what each is, which rules must find it, and what they must say.

The fingerprints that a build leaves in its cells are taken out first, and the settings that the file records stay
as they were: what finds a mutant is the polygons alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from cpo_pdk.tech.drawn_digest import META_NAME
from cpo_pdk.tech.layers import layer_of

Change = Callable[["Bench"], None]


@dataclass(frozen=True)
class Mutant:
    """One planted fault.

    Attributes:
        name: what was done, in words.
        base: the layout that it is done to: `engine` or `package`.
        found_by: at least one of these rules (or beginnings of their names) must find it.
        says: regular expression that a message of one of them must match.
        change: does it.
        spec: name of the shipped package that it is done to.
    """

    name: str
    base: str
    found_by: tuple[str, ...]
    says: str
    change: Change
    spec: str = "switch_51t2"


class Bench:
    """A layout to plant faults in; lengths in um."""

    def __init__(self, source: Path) -> None:
        self.layout = kdb.Layout()
        self.layout.read(str(source))
        for cell in self.layout.each_cell():
            cell.remove_meta_info(META_NAME)
        self.top = self.layout.top_cell()

    def write(self, path: Path) -> Path:
        """Write the layout to `path`, without the cells that are no longer placed."""
        for cell in list(self.layout.top_cells()):
            if cell.cell_index() != self.top.cell_index():
                self.layout.prune_cell(cell.cell_index(), -1)
        options = kdb.SaveLayoutOptions()
        options.write_context_info = True
        options.gds2_write_timestamps = False
        self.layout.write(str(path), options)
        return path

    def layer(self, name: str) -> int:
        """Index of a layer of the process."""
        return self.layout.layer(*layer_of(name))

    def cells(self, factory: str) -> list[kdb.Cell]:
        """Cells drawn by a factory, by name."""
        return sorted(
            (c for c in self.layout.each_cell() if c.name.startswith(f"cpo_{factory}_")), key=lambda c: c.name
        )

    def cell(self, factory: str) -> kdb.Cell:
        """The first of `cells`."""
        return self.cells(factory)[0]

    def engine(self) -> kdb.Cell:
        """The engine's cell."""
        return next(c for c in self.layout.each_cell() if c.name.endswith("_engine"))

    def child(self, parent: kdb.Cell, name: str) -> kdb.Instance:
        """The instance of a name in a cell."""
        return next(i for i in parent.each_inst() if i.property(0) == name)

    def own(self, parent: kdb.Cell, name: str) -> kdb.Cell:
        """A copy of an instance's cell for this instance alone, so that no other place changes."""
        inst = self.child(parent, name)
        old = inst.cell
        copy = old.dup()
        for meta in old.each_meta_info():
            copy.add_meta_info(meta)
        inst.cell_index = copy.cell_index()
        return copy

    def inside(self, path: str) -> kdb.Cell:
        """The cell of `tx_3/unit_2/modulator` in the engine, copied on the way so that nothing else changes."""
        cell = self.engine()
        for name in path.split("/"):
            cell = self.own(cell, name)
        return cell

    def say(self, cell: kdb.Cell, what: str, **values: object) -> None:
        """Change what a cell records: `settings` or `info`."""
        item = cell.meta_info(f"kfactory:{what}")
        cell.add_meta_info(kdb.LayoutMetaInfo(f"kfactory:{what}", {**item.value, **values}, "", True))

    def box(self, cell: kdb.Cell, layer: str, left: float, bottom: float, right: float, top: float) -> None:
        """Draw a box."""
        cell.shapes(self.layer(layer)).insert(kdb.DBox(left, bottom, right, top))

    def cut(self, cell: kdb.Cell, layer: str, left: float, bottom: float, right: float, top: float) -> None:
        """Take a box out of the shapes that the cell itself holds."""
        shapes = cell.shapes(self.layer(layer))
        hole = kdb.Region(kdb.DBox(left, bottom, right, top).to_itype(self.layout.dbu))
        before = kdb.Region(shapes)
        assert not (before & hole).is_empty(), f"nothing to cut in {cell.name}"
        shapes.clear()
        shapes.insert(before - hole)

    def polygons(self, cell: kdb.Cell, layer: str) -> list[kdb.Shape]:
        """The cell's own shapes on a layer, the one with most corners first."""
        return sorted(cell.shapes(self.layer(layer)).each(), key=lambda shape: -shape.polygon.num_points())


def moved(bench: Bench, cell: kdb.Cell, name: str, dx: float, dy: float) -> None:
    """Move an instance."""
    bench.child(cell, name).transform(kdb.DTrans(dx, dy))


def radially(polygon: kdb.Polygon, outer_nm: float, inner_nm: float) -> kdb.Polygon:
    """A round polygon with the corners of its outer and inner contour moved outwards from its middle.

    A polygon whose hole was cut open by the file format has one contour: the nearer half of its corners are the inner.
    """
    middle = polygon.bbox().center()
    points = [p for p in polygon.each_point_hull()]
    holes = [[p for p in polygon.each_point_hole(n)] for n in range(polygon.holes())]
    reach = [(p - middle).length() for p in points + [p for hole in holes for p in hole]]
    border = (min(reach) + max(reach)) / 2

    def out(point: kdb.Point) -> kdb.Point:
        way = point - middle
        share = 1 + (outer_nm if way.length() > border else inner_nm) / way.length()
        return kdb.Point(round(middle.x + way.x * share), round(middle.y + way.y * share))

    grown = kdb.Polygon([out(p) for p in points], True)
    for hole in holes:
        grown.insert_hole([out(p) for p in hole], True)
    return grown


def _tx_unit(bench: Bench, port: int = 3, channel: int = 5) -> kdb.Cell:
    """The transmit unit of one channel of one port, as a cell of its own."""
    row = bench.own(bench.engine(), f"tx_{port}")
    return bench.own(row, f"unit_{channel}")


def _modulator(bench: Bench) -> kdb.Cell:
    return bench.own(_tx_unit(bench), "modulator")


def _rx_unit(bench: Bench, port: int = 2, channel: int = 4) -> kdb.Cell:
    row = bench.own(bench.engine(), f"rx_{port}")
    return bench.own(row, f"unit_{channel}")


# --- rings and waveguides


def gap_5nm(b: Bench) -> None:
    """The ring of a modulator 5 nm further from its bus."""
    ring = b.polygons(_modulator(b), "WG")[0]
    ring.transform(kdb.Trans(0, 5))


def gap_drop_5nm(b: Bench) -> None:
    """The drop bus of a filter 5 nm further from its ring: the ring moves to the other bus."""
    cell = b.own(_rx_unit(b), "ring_upper")
    ring = b.polygons(cell, "WG")[0]
    ring.transform(kdb.Trans(0, -5))


def radius_20nm(b: Bench) -> None:
    """The ring of a modulator 20 nm larger, its gap kept."""
    ring = b.polygons(_modulator(b), "WG")[0]
    ring.polygon = radially(ring.polygon, 20, 20).moved(0, 20)


def core_10nm(b: Bench) -> None:
    """The core of a ring 10 nm wider."""
    ring = b.polygons(_modulator(b), "WG")[0]
    ring.polygon = radially(ring.polygon, 5, -5)


def straight_narrow(b: Bench) -> None:
    """A straight drawn 20 nm narrower than it says."""
    cell = b.own(b.engine(), "laser_1_run")
    (shape,) = b.polygons(cell, "WG")
    box = shape.bbox()
    shape.polygon = kdb.Polygon(kdb.Box(box.left, box.bottom + 10, box.right, box.top - 10))


def straight_broken(b: Bench) -> None:
    """A gap of 0.5 um in the middle of a straight."""
    cell = b.own(b.engine(), "laser_1_run")
    x = cell.dbbox().center().x
    b.cut(cell, "WG", x - 0.25, -1, x + 0.25, 1)


def straight_hairline(b: Bench) -> None:
    """A gap of 2 nm in the middle of a straight."""
    cell = b.own(b.engine(), "laser_1_run")
    x = round(cell.dbbox().center().x, 3)
    b.cut(cell, "WG", x - 0.001, -1, x + 0.001, 1)


def heater_width(b: Bench) -> None:
    """A heater 0.1 um narrower."""
    shapes = _modulator(b).shapes(b.layer("HEATER"))
    thin = kdb.Region(shapes).merged().sized(-50, 2)
    shapes.clear()
    shapes.insert(thin)


def junction_moved(b: Bench) -> None:
    """Both implants of a modulator's junction moved by 60 nm outwards."""
    cell = _modulator(b)
    middle = b.polygons(cell, "WG")[0].bbox().center()
    for name in ("P", "N"):
        for shape in b.polygons(cell, name):
            side = 60 if shape.bbox().center().x > middle.x else -60
            shape.transform(kdb.Trans(side, 0))


def tap_gap(b: Bench) -> None:
    """The gap of the tap coupler 5 nm wider."""
    row = b.own(b.engine(), "tx_4")
    cell = b.own(row, "tap")
    upper = max(b.polygons(cell, "WG"), key=lambda s: s.bbox().center().y)
    upper.transform(kdb.Trans(0, 5))


def nm_gap(b: Bench) -> None:
    """An instance 1 nm away from its neighbour."""
    row = b.own(b.engine(), "tx_4")
    moved(b, row, "out", 0.001, 0)


def offset_50nm(b: Bench) -> None:
    """A waveguide 50 nm aside of the one that it continues."""
    row = b.own(b.engine(), "tx_4")
    moved(b, row, "out", 0, 0.05)


def crossing(b: Bench) -> None:
    """A waveguide drawn across the transmit rows."""
    south, north = (b.child(b.engine(), f"tx_{k}").dbbox() for k in (1, 7))
    x = south.left + 680.0
    b.box(b.engine(), "WG", x, south.center().y - 20, x + 0.4, north.center().y)


def too_near(b: Bench) -> None:
    """A waveguide of 300 um laid 0.3 um beside another one."""
    run = b.child(b.engine(), "laser_1_run").dbbox()
    x, y = run.center().x, run.center().y
    b.box(b.engine(), "WG", x - 150, y + 0.5, x + 150, y + 0.9)


def abrupt_end(b: Bench) -> None:
    """A terminator left out: the waveguide just ends."""
    row = b.own(b.engine(), "tx_4")
    b.child(row, "tap_end").delete()


def tight_bend(b: Bench) -> None:
    """A quarter circle of 3 um radius drawn by hand."""
    ring = kdb.DPolygon.ellipse(kdb.DBox(-3.2, -3.2, 3.2, 3.2), 256)
    hole = kdb.DPolygon.ellipse(kdb.DBox(-2.8, -2.8, 2.8, 2.8), 256)
    quarter = (kdb.Region(ring.to_itype(0.001)) - kdb.Region(hole.to_itype(0.001))) & kdb.Region(
        kdb.Box(0, 0, 4000, 4000)
    )
    b.engine().shapes(b.layer("WG")).insert(quarter.moved(400_000, 60_000))


def turned(b: Bench) -> None:
    """An instance turned by 0.1 degree."""
    inst = b.child(b.engine(), "laser_1_rise")
    centre = inst.dbbox().center()
    inst.transform(
        kdb.DCplxTrans(centre - kdb.DPoint())
        * kdb.DCplxTrans(1, 0.1, False, 0, 0)
        * kdb.DCplxTrans(kdb.DPoint() - centre)
    )


def under_bump(b: Bench) -> None:
    """A bump set over the laser's waveguide."""
    bump = b.cell("bump")
    run = b.child(b.engine(), "laser_1_run").dbbox()
    b.engine().insert(kdb.DCellInstArray(bump.cell_index(), kdb.DTrans(run.center().x, run.center().y)))


# --- circuit


def swapped_rings(b: Bench) -> None:
    """Two channels of a transmit row swapped."""
    row = b.own(b.engine(), "tx_3")
    one, two = b.child(row, "unit_4"), b.child(row, "unit_5")
    one.cell_index, two.cell_index = two.cell_index, one.cell_index


def wrong_wavelength(b: Bench) -> None:
    """A ring of another channel in the place of channel 5."""
    row = b.own(b.engine(), "tx_3")
    b.child(row, "unit_5").cell_index = b.child(row, "unit_7").cell_index


def filters_reversed(b: Bench) -> None:
    """The drop rings of a receive row in the reverse order."""
    row = b.own(b.engine(), "rx_3")
    units = [b.child(row, f"unit_{k}") for k in range(1, 9)]
    cells = [u.cell_index for u in units]
    for unit, index in zip(units, reversed(cells), strict=True):
        unit.cell_index = index


def detector_missing(b: Bench) -> None:
    """A detector left out."""
    b.child(_rx_unit(b), "detector").delete()


def splitter_replaced(b: Bench) -> None:
    """A receive row in the place of a transmit row."""
    b.child(b.engine(), "tx_8").cell_index = b.child(b.engine(), "rx_1").cell_index


def extra_device(b: Bench) -> None:
    """A second ring modulator on top of the first."""
    unit = _tx_unit(b)
    inst = b.child(unit, "modulator")
    unit.insert(inst.dup() if hasattr(inst, "dup") else inst)


# --- metal


def cut_wire(b: Bench) -> None:
    """A wire from a device to its bump cut through."""
    b.cut(_tx_unit(b), "M2", 29.5, 5, 30.5, 9)


def bridged_wires(b: Bench) -> None:
    """The wires of anode and cathode joined by a strip of metal."""
    b.box(_tx_unit(b), "M2", 0, 24, 50, 26)


def via_missing(b: Bench) -> None:
    """The vias of a heater's end left out."""
    stack = _modulator(b)
    for inst in list(stack.each_inst()):
        if "via_stack" in inst.cell.name and "HEATER" in inst.cell.name:
            copy = inst.cell.dup()
            for meta in inst.cell.each_meta_info():
                copy.add_meta_info(meta)
            copy.shapes(b.layer("VIA1")).clear()
            for via in list(copy.each_inst()):
                via.delete()
            inst.cell_index = copy.cell_index()
            return


def contacts_missing(b: Bench) -> None:
    """All contacts to the p side of a modulator left out."""
    cell = _modulator(b)
    inner = kdb.Region(cell.begin_shapes_rec(b.layer("PPP")))
    shapes = cell.shapes(b.layer("VIAC"))
    rest = kdb.Region(shapes).not_interacting(inner)
    shapes.clear()
    shapes.insert(rest)


def heater_short(b: Bench) -> None:
    """A strip of metal from one end of a heater to the other."""
    b.box(_modulator(b), "M2", -3.6, -9, 3.6, -7)


def heater_cut(b: Bench) -> None:
    """A heater cut through at its top."""
    cell = _modulator(b)
    box = b.polygons(cell, "HEATER")[0].dbbox()
    x = box.center().x
    b.cut(cell, "HEATER", x - 0.5, box.top - 3, x + 0.5, box.top + 1)


def polarity(b: Bench) -> None:
    """n and p implants of a modulator exchanged."""
    cell = _modulator(b)
    for one, two in (("P", "N"), ("PPP", "NPP")):
        first, second = cell.shapes(b.layer(one)), cell.shapes(b.layer(two))
        a, c = kdb.Region(first), kdb.Region(second)
        first.clear()
        second.clear()
        first.insert(c)
        second.insert(a)


def bump_moved(b: Bench) -> None:
    """A bump moved by 3 um off its place in the array."""
    moved(b, _tx_unit(b), "bump_e2", 3.0, 0.0)


def bump_away(b: Bench) -> None:
    """A bump moved by 40 um, off its wire."""
    moved(b, _tx_unit(b), "bump_e2", 20.0, 20.0)


def bump_missing(b: Bench) -> None:
    """A bump left out."""
    b.child(_tx_unit(b), "bump_e2").delete()


def floating_metal(b: Bench) -> None:
    """A piece of metal 1 that nothing is connected to."""
    b.box(b.engine(), "M1", 40, 1500, 60, 1520)


# --- layers


def metal_narrow(b: Bench) -> None:
    """A wire of 0.58 um."""
    b.box(b.engine(), "M1", 40, 1500, 60, 1500.58)


def metal_near(b: Bench) -> None:
    """Two pieces of metal 2 with 0.95 um between them."""
    b.box(b.engine(), "M2", 40, 1500, 60, 1510)
    b.box(b.engine(), "M2", 40, 1510.95, 60, 1520)


def ge_off_silicon(b: Bench) -> None:
    """Germanium beside its silicon."""
    b.box(b.engine(), "GE", 40, 1500, 60, 1520)


def outside_die(b: Bench) -> None:
    """Silicon outside of the die."""
    b.box(b.engine(), "WG", -60, 1500, -20, 1500.4)


# --- package


def _engine_inst(b: Bench, name: str = "N1") -> kdb.Instance:
    return b.child(b.top, f"engine_{name}")


def engine_mirrored(b: Bench) -> None:
    """An engine mirrored: its fibre array is in the reverse order."""
    inst = _engine_inst(b)
    before = inst.dbbox()
    inst.transform(kdb.DTrans(kdb.DTrans.M90))
    after = inst.dbbox()
    inst.transform(kdb.DTrans(before.center() - after.center()))


def engine_missing(b: Bench) -> None:
    """An engine left out."""
    _engine_inst(b).delete()


def engine_near(b: Bench) -> None:
    """An engine 1.5 mm nearer to the ASIC."""
    _engine_inst(b).transform(kdb.DTrans(0.0, -1500.0))


def fibres_swapped(b: Bench) -> None:
    """Two connectors exchanged: their fibres end in the wrong one."""
    one, two = (next(i for i in b.top.each_inst() if i.property(0) == f"MPO_{e}") for e in ("N1", "N2"))
    one.cell_index, two.cell_index = two.cell_index, one.cell_index


def fibre_missing(b: Bench) -> None:
    """A fibre left out."""
    b.child(b.top, "fibre_N1_tx_3").delete()


def fibre_kind(b: Bench) -> None:
    """A laser's fibre drawn as an ordinary one."""
    cell = b.own(b.top, "fibre_N1_laser_1")
    pm, sm = cell.shapes(b.layer("FIBER_PM")), cell.shapes(b.layer("FIBER"))
    # merged at once: the shapes are gone when the region is asked for them
    region = kdb.Region(cell.begin_shapes_rec(b.layer("FIBER_PM"))).merged()
    for inst in list(cell.each_inst()):
        inst.delete()
    pm.clear()
    sm.insert(region)


def fibre_across(b: Bench) -> None:
    """A fibre drawn across the ribbons of an engine."""
    box = b.child(b.top, "fibre_N1_tx_3").dbbox()
    b.box(b.top, "FIBER", box.left - 8000, box.center().y, box.right + 8000, box.center().y + 125)


def stiffener_across(b: Bench) -> None:
    """A stiffener laid across the fibres of an engine."""
    box = b.child(b.top, "fibre_N1_tx_3").dbbox()
    b.box(b.top, "STIFFENER", box.left - 500, box.center().y, box.right + 500, box.center().y + 1000)


def connector_moved(b: Bench) -> None:
    """A connector 250 um aside: every fibre meets the position of its neighbour."""
    moved(b, b.top, "MPO_N1", 250.0, 0.0)


#: every fault, in the order of the table
MUTANTS: tuple[Mutant, ...] = (
    Mutant("gap of a ring modulator +5 nm", "engine", ("LVS.GAP",), r"gap", gap_5nm),
    Mutant("gap of a drop filter +5 nm", "engine", ("LVS.GAP",), r"gap", gap_drop_5nm),
    Mutant("radius of a ring +20 nm", "engine", ("LVS.RADIUS",), r"radius", radius_20nm),
    Mutant("core of a ring +10 nm", "engine", ("LVS.",), r"width|gap", core_10nm),
    Mutant("straight 20 nm narrower", "engine", ("LVS.", "CONN.not_drawn"), r"wid", straight_narrow),
    Mutant("straight interrupted by 0.5 um", "engine", ("LVS.", "PH.", "CONN."), r"", straight_broken),
    Mutant("straight interrupted by 2 nm", "engine", ("WG.S", "LVS.", "PH."), r"", straight_hairline),
    Mutant("heater 0.1 um narrower", "engine", ("LVS.",), r"heater", heater_width),
    Mutant("junction moved by 60 nm", "engine", ("LVS.",), r"junction|overlap", junction_moved),
    Mutant("gap of a tap +5 nm", "engine", ("LVS.GAP",), r"gap", tap_gap),
    Mutant("1 nm between two waveguides", "engine", ("CONN.near_miss",), r"nm", nm_gap),
    Mutant("waveguide 50 nm aside", "engine", ("CONN.near_miss",), r"nm", offset_50nm),
    Mutant("waveguide drawn across others", "engine", ("CONN.overlap",), r"cross|overlap", crossing),
    Mutant("waveguide 0.3 um beside another for 300 um", "engine", ("PH.",), r"coupl|beside|parallel", too_near),
    Mutant("terminator left out", "engine", ("CONN.dangling", "PH."), r"", abrupt_end),
    Mutant("bend of 3 um radius", "engine", ("WG.BEND",), r"bend radius", tight_bend),
    Mutant("instance turned by 0.1 degree", "engine", ("GRID", "CONN."), r"grid|degree|angle", turned),
    Mutant("bump over a waveguide", "engine", ("PH.",), r"bump|BUMP", under_bump),
    Mutant("two channels of a row swapped", "engine", ("LVS.",), r"channel|swapped", swapped_rings),
    Mutant("ring of another wavelength", "engine", ("LVS.",), r"channel|wavelength", wrong_wavelength),
    Mutant("drop rings in reverse order", "engine", ("LVS.", "CONN."), r"", filters_reversed),
    Mutant("detector left out", "engine", ("LVS.", "CONN.dangling"), r"", detector_missing),
    Mutant("receive row in place of a transmit row", "engine", ("LVS.",), r"", splitter_replaced),
    Mutant("modulator placed twice", "engine", ("CONN.several_ports", "CONN.overlap"), r"", extra_device),
    Mutant("wire cut", "engine", ("LVS.", "CONN.open"), r"bump", cut_wire),
    Mutant("wires bridged", "engine", ("LVS.", "CONN.short"), r"on one net", bridged_wires),
    Mutant("via missing", "engine", ("LVS.", "CONN.open"), r"", via_missing),
    Mutant("contacts of the p side missing", "engine", ("LVS.",), r"", contacts_missing),
    Mutant("heater shorted", "engine", ("LVS.", "CONN.short"), r"of one device on one net|short", heater_short),
    Mutant("heater cut", "engine", ("LVS.", "CONN.open"), r"heater", heater_cut),
    Mutant("p and n exchanged", "engine", ("LVS.",), r"polarity|anode|cathode|p side|n side", polarity),
    Mutant("bump 3 um off its grid", "engine", ("ASM.", "LVS."), r"pitch|grid", bump_moved),
    Mutant("bump off its wire", "engine", ("LVS.", "CONN.open", "ASM."), r"bump", bump_away),
    Mutant("bump left out", "engine", ("LVS.", "CONN.open"), r"bump", bump_missing),
    Mutant("floating metal", "engine", ("M1.FLOAT", "M1."), r"", floating_metal),
    Mutant("wire of 0.58 um", "engine", ("M1.W",), r"0.58", metal_narrow),
    Mutant("0.95 um between two metals", "engine", ("M2.S",), r"0.95", metal_near),
    Mutant("germanium beside its silicon", "engine", ("GE.",), r"", ge_off_silicon),
    Mutant("silicon outside of the die", "engine", ("DIE.IN",), r"", outside_die),
    Mutant("engine mirrored", "package", ("LVS.", "ASM."), r"mirror|order", engine_mirrored),
    Mutant("engine left out", "package", ("LVS.", "ASM.", "CONN."), r"", engine_missing),
    Mutant("engine 1.5 mm nearer to the ASIC", "package", ("ASM.",), r"", engine_near),
    Mutant("two connectors exchanged", "package", ("LVS.",), r"", fibres_swapped),
    Mutant("fibre left out", "package", ("LVS.", "CONN.loose_facet"), r"", fibre_missing),
    Mutant("ordinary fibre in place of a PM one", "package", ("LVS.", "ASM."), r"", fibre_kind),
    Mutant("fibre across a ribbon", "package", ("FIBER.X", "ASM."), r"", fibre_across),
    Mutant("stiffener across a ribbon", "package", ("ASM.",), r"[Ss]tiffener|STIFFENER", stiffener_across),
    Mutant("connector 250 um aside", "package", ("LVS.", "CONN.", "ASM."), r"", connector_moved),
)

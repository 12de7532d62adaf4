"""Faults planted in what came with packages at scale: airwires, laser modules, ribbon layers, (de)multiplexers.

See `mutants.py`; those here are done to the shipped specs that have the thing in question.
"""

from __future__ import annotations

import klayout.db as kdb
from mutants import Bench, Change, Mutant

MZM = "switch_25t6"


def airwires(b: Bench, direction: str, side: str = "north") -> list[kdb.Shape]:
    """Airwires of one direction (`tx`) that start on a side of the ASIC, from west to east, or south to north."""
    items = b.child(b.top, "asic").cell.each_meta_info()
    ports = [item.value for item in items if item.name.startswith("kfactory:ports:")]
    faces = {"east": 0, "north": 1, "west": 2, "south": 3}
    starts = {
        (port["trans"].disp.x, port["trans"].disp.y)
        for port in ports
        if port["name"].startswith(direction) and port["trans"].angle == faces[side]
    }
    found = [s for s in b.top.shapes(b.layer("AIRWIRE")).each() if _ends(s)[0] in starts]
    return sorted(found, key=lambda s: _ends(s))


def _ends(shape: kdb.Shape) -> tuple[tuple[int, int], tuple[int, int]]:
    a, b = shape.path.each_point()
    return (a.x, a.y), (b.x, b.y)


def _led(shape: kdb.Shape, start: tuple[int, int], end: tuple[int, int]) -> None:
    shape.path = kdb.Path([kdb.Point(*start), kdb.Point(*end)], shape.path.width)


def airwires_swapped(b: Bench) -> None:
    """Two airwires exchanged at their engines."""
    one, *_, two = airwires(b, "tx")
    (a, at_a), (c, at_c) = _ends(one), _ends(two)
    _led(one, a, at_c)
    _led(two, c, at_a)


def airwire_missing(b: Bench) -> None:
    """An airwire left out."""
    airwires(b, "rx")[3].delete()


def airwire_aside(b: Bench) -> None:
    """An airwire that ends 10 um beside its bump."""
    shape = airwires(b, "rx")[3]
    start, (x, y) = _ends(shape)
    _led(shape, start, (x + 10_000, y))


def airwire_to_detector(b: Bench) -> None:
    """A link that sends led to a detector, and one that receives to a modulator."""
    one, two = airwires(b, "tx")[0], airwires(b, "rx")[0]
    (a, at_a), (c, at_c) = _ends(one), _ends(two)
    _led(one, a, at_c)
    _led(two, c, at_a)


def modules_swapped(b: Bench) -> None:
    """Two laser modules exchanged: each feeds the engines of the other."""
    one, two = b.child(b.top, "ELS_1"), b.child(b.top, "ELS_2")
    one.cell_index, two.cell_index = two.cell_index, one.cell_index


def module_mirrored(b: Bench) -> None:
    """A laser module turned over: its positions run from the last to the first."""
    inst = b.child(b.top, "ELS_1")
    before = inst.dbbox().center()
    inst.transform(kdb.DTrans(kdb.DTrans.M90))
    inst.transform(kdb.DTrans(before - inst.dbbox().center()))


def other_ribbon_layer(b: Bench) -> None:
    """A fibre drawn in the ribbon layer above its own."""
    cell = b.own(b.top, "fibre_N1_tx_1")
    outline = kdb.Region(cell.begin_shapes_rec(b.layer("FIBER"))).merged()
    for inst in list(cell.each_inst()):
        inst.delete()
    cell.shapes(b.layer("FIBER_2")).insert(outline)


def arm_longer(stage: str, by_nm: int, path: str = "tx_1/demux") -> Change:
    """The longer arm of a stage drawn longer; the records of its pieces say what they said."""

    def change(b: Bench) -> None:
        cell = b.inside(f"{path}/{stage}")
        for name in ("upper_west_leg", "upper_east_leg"):
            leg = b.own(cell, name)
            (shape,) = leg.shapes(b.layer("WG")).each()
            box = shape.bbox()
            shape.box = kdb.Box(box.left, box.bottom, box.right + by_nm // 2, box.top)
            for item in list(leg.each_meta_info()):
                if item.name.startswith("kfactory:ports:") and item.value["name"] == "o2":
                    trans = item.value["trans"]
                    moved = kdb.Trans(trans.rot, trans.is_mirror(), trans.disp + kdb.Vector(by_nm // 2, 0))
                    leg.add_meta_info(kdb.LayoutMetaInfo(item.name, {**item.value, "trans": moved}, "", True))
        for name in ("heater", "upper_west_b", "upper_east_b"):
            b.child(cell, name).transform(kdb.Trans(0, by_nm // 2))

    return change


def stages_exchanged(b: Bench) -> None:
    """Two stages of a demultiplexer exchanged."""
    demux = b.inside("tx_2/demux")
    one, two = b.child(demux, "stage_1"), b.child(demux, "stage_2")
    one.cell_index, two.cell_index = two.cell_index, one.cell_index


def coupler_longer(b: Bench) -> None:
    """The body of a coupler in a demultiplexer 0.5 um longer."""
    cell = b.inside("rx_1/demux_upper/stage_1/coupler_in")
    body = max(b.polygons(cell, "WG"), key=lambda shape: shape.polygon.area())
    box = body.bbox()
    b.box(cell, "WG", box.right * 1e-3, box.bottom * 1e-3, box.right * 1e-3 + 0.5, box.top * 1e-3)


def stage_without_end(b: Bench) -> None:
    """The terminator of an interferometer left out."""
    b.child(b.inside("tx_1/mux/stage_1"), "end").delete()


def pad_without_bump(b: Bench) -> None:
    """A bump left out on a pad of a Mach-Zehnder modulator."""
    b.child(b.inside("tx_1/mzm_2"), "bump_e2").delete()


def electrode_cut(b: Bench) -> None:
    """A signal strip of a Mach-Zehnder's electrode cut through: one of its ends drives nothing."""
    cell = b.inside("tx_1/mzm_2/modulator")
    signal = sorted(b.polygons(cell, "M2"), key=lambda shape: shape.bbox().center().y)
    strip = next(s for s in signal if s.bbox().width() > 1_000_000 and s.bbox().center().y < -10_000)
    box = strip.dbbox()
    x = box.center().x
    b.cut(cell, "M2", x - 5, box.bottom, x + 5, box.top)


#: every fault, in the order of the table
LANE_MUTANTS: tuple[Mutant, ...] = (
    Mutant("two airwires swapped", "package", ("LVS.swapped",), r"airwires of tx_", airwires_swapped),
    Mutant("airwire left out", "package", ("LVS.airwire",), r"without an airwire", airwire_missing),
    Mutant("airwire 10 um beside its bump", "package", ("LVS.airwire",), r"at the bump of no lane", airwire_aside),
    Mutant("airwire of a modulator to a detector", "package", ("LVS.airwire",), r"lane asked", airwire_to_detector),
    Mutant("two laser modules exchanged", "package", ("LVS.swapped",), r"ELS-1 and ELS-2", modules_swapped),
    Mutant("laser module turned over", "package", ("LVS.mirrored",), r"ELS-1 is mirrored", module_mirrored),
    Mutant("fibre in another ribbon layer", "package", ("LVS.fibre_kind",), r"ribbon layer 2", other_ribbon_layer, MZM),
    Mutant("arm of an interferometer +40 nm", "engine", ("LVS.FILTER",), r"turns off", arm_longer("stage_1", 40), MZM),
    Mutant(
        "arm of an interferometer half a turn longer",
        "engine",
        ("LVS.swapped",),
        r"outputs of stage 2",
        arm_longer("stage_2", 260, "rx_1/demux_lower"),
        MZM,
    ),
    Mutant("stages of a demultiplexer exchanged", "engine", ("LVS.FILTER",), r"does not part", stages_exchanged, MZM),
    Mutant("coupler of a demultiplexer 0.5 um longer", "engine", ("LVS.",), r"length", coupler_longer, MZM),
    Mutant("terminator of an interferometer left out", "engine", ("LVS.",), r"terminator", stage_without_end, MZM),
    Mutant("bump of a Mach-Zehnder left out", "engine", ("LVS.bumps",), r"the signal", pad_without_bump, MZM),
    Mutant("electrode of a Mach-Zehnder cut", "engine", ("LVS.",), r"electrode", electrode_cut, MZM),
)

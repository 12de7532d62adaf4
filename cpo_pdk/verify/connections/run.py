"""Whether light and current get from instance to instance as drawn.

Ports that don't meet, waveguides that meet without a port or aren't drawn up to it. The metal is looked at in `lvs`.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import get_args

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.flattening import Placement
from cpo_pdk.circuit.layout_file import LayoutFile, captured_output, read_layout
from cpo_pdk.circuit.leaves import CONNECTOR, leaf_factories
from cpo_pdk.circuit.netlist import Netlists, ProblemKind
from cpo_pdk.spec import load_sheets
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.connections.drawn_ports import undrawn_ports, wrong_length
from cpo_pdk.verify.connections.overlaps import composite_cells, overlaps, raw_crossings
from cpo_pdk.verify.design_rules.run import refuse_foreign
from cpo_pdk.verify.findings import CheckResult, Violation
from cpo_pdk.verify.process_layers import placements

#: waveguides of two instances that lie on each other
CROSSING_RULE = "CONN.overlap"
#: waveguides drawn across each other in one cell
RAW_CROSSING_RULE = "CONN.crossing"
#: a port of a device at which its waveguide isn't drawn as it says
UNDRAWN_RULE = "CONN.not_drawn"
#: a straight that says another length than it is drawn with
LENGTH_RULE = "CONN.length"
#: a facet in a package that meets no fibre, or a fibre that ends at nothing
LOOSE_RULE = "CONN.loose_facet"
#: silicon in the file, and nothing that says where its optical ports are
NOTHING_RULE = "CONN.no_ports"
#: why a file of metal alone has no connection to look at
NO_GUIDES = "no silicon waveguide in the file, and its cells say that they have no optical port"
CONNECTIVITY_RULES = (
    *(f"CONN.{kind}" for kind in get_args(ProblemKind)),
    CROSSING_RULE,
    RAW_CROSSING_RULE,
    UNDRAWN_RULE,
    LOOSE_RULE,
    LENGTH_RULE,
    NOTHING_RULE,
)

#: a device with this many optical ports may be a crossing itself
CROSSING_PORTS = 4
#: function of the cells that are a fibre
FIBER = "fiber"
#: half the side of the box that marks a port, um
_MARK = 0.5


def device_functions() -> frozenset[str]:
    """Cell factories that a shipped sheet ties to a model: each is one device, whatever it is put together from."""
    return leaf_factories(load_sheets())


def connectivity(path: str | Path, leaves: Collection[str] | None = None) -> CheckResult:
    """Check the optical ports and waveguides of a GDS or OASIS file.

    Args:
        path: the file.
        leaves: functions of cells that are one device; default: those of the shipped sheets.

    Returns:
        the violations, each once a cell; `looked_at` is the number of optical ports, every instance counted.

    Raises:
        LayoutError: the file can't be read, or none of its layers is one of the process.
    """
    start = time.perf_counter()
    file = read_layout(path)
    seconds = {"read": time.perf_counter() - start}
    result = connectivity_layout(file, leaves)
    return replace(result, seconds={**seconds, **result.seconds})


def connectivity_layout(
    file: LayoutFile, leaves: Collection[str] | None = None, netlists: Netlists | None = None
) -> CheckResult:
    """`connectivity` of a layout that was read, with its netlist if that was extracted with these `leaves` already."""
    start = time.perf_counter()
    refuse_foreign(file)
    leaves = device_functions() if leaves is None else leaves
    netlists = extract(file, leaves) if netlists is None else netlists
    placed = placements(file.layout, file.top)
    violations = _port_violations(file, netlists, placed) + _loose_violations(file, netlists, placed)
    with captured_output():
        violations += _overlap_violations(file, netlists, placed)
        violations += _raw_crossing_violations(file, netlists, placed)
        violations += _undrawn_violations(file, netlists, placed)
    looked_at = netlists.counts().get("optical_ports", 0) or len(netlists.cells[netlists.top].ports)
    wg = file.layout.find_layer(*layer_of("WG"))
    guides = wg is not None and not file.top.bbox_per_layer(wg).empty()
    if looked_at == 0 and guides and not _says_what_it_is(file):
        box = file.top.dbbox_per_layer(file.layout.layer(*layer_of("WG")))
        violations.append(
            Violation(
                NOTHING_RULE,
                "WG",
                file.top.name,
                (box.left, box.bottom, box.right, box.top),
                "waveguides, but 0 ports in the file and no word that it has none: connections can't be checked; "
                "write it with its ports",
            )
        )
    return CheckResult(
        violations=tuple(sorted(violations)),
        rules=CONNECTIVITY_RULES,
        looked_at=looked_at,
        seconds={"connectivity": time.perf_counter() - start},
        group="connectivity",
        what="ports",
        not_applicable=NO_GUIDES if looked_at == 0 and not guides and _says_what_it_is(file) else "",
    )


def _says_what_it_is(file: LayoutFile) -> bool:
    """True when any cell carries meta information: a file whose cells say that they have no ports has none."""
    below = (file.layout.cell(index) for index in file.top.called_cells())
    return any(item.name.startswith("kfactory:") for cell in (file.top, *below) for item in cell.each_meta_info())


def _times(places: int) -> str:
    return f"; in {places} places" if places > 1 else ""


def _placed(file: LayoutFile, placed: dict[int, int], name: str) -> int:
    cell = file.layout.cell(name)
    return placed.get(cell.cell_index(), 1) if cell is not None else 1


def _around(x: float, y: float) -> tuple[float, float, float, float]:
    return (round(x - _MARK, 4), round(y - _MARK, 4), round(x + _MARK, 4), round(y + _MARK, 4))


def _port_violations(file: LayoutFile, netlists: Netlists, placed: dict[int, int]) -> list[Violation]:
    return [
        Violation(
            f"CONN.{problem.kind}",
            "-",
            problem.cell,
            _around(problem.x, problem.y),
            problem.message + _times(_placed(file, placed, problem.cell)),
        )
        for cell in netlists.cells.values()
        for problem in cell.problems
    ]


def _loose_violations(file: LayoutFile, netlists: Netlists, placed: dict[int, int]) -> list[Violation]:
    """Open facets in cells that have fibres or connectors; positions of a connector may stay free."""
    found: list[Violation] = []
    for cell in netlists.cells.values():
        functions = {instance.name: instance.function for instance in cell.instances}
        if not {FIBER, CONNECTOR} & set(functions.values()):
            continue
        cells = {instance.name: instance for instance in cell.instances}
        for name, port_name in cell.outside:
            instance = cells[name]
            port = next(p for p in netlists.cells[instance.cell].ports if p.name == port_name)
            if instance.function == CONNECTOR or not port.port_type.startswith("edge"):
                continue
            x, y = Placement().inside(instance).point(port.x, port.y)
            what = "ends at nothing" if instance.function == FIBER else "meets no fibre"
            text = f"{name}.{port_name} {what}, 1 partner needed; move the two together or declare it in open_ports"
            found.append(
                Violation(LOOSE_RULE, "-", cell.name, _around(x, y), text + _times(_placed(file, placed, cell.name)))
            )
    return found


def _overlap_violations(file: LayoutFile, netlists: Netlists, placed: dict[int, int]) -> list[Violation]:
    layer = file.layout.find_layer(*layer_of("WG"))
    if layer is None:
        return []
    leaves = {cell.name for cell in netlists.cells.values() if cell.leaf}
    found: list[Violation] = []
    for cell in composite_cells(file.layout, file.top, leaves, layer):
        for overlap in overlaps(file.layout, cell, layer):
            box = overlap.box.to_dtype(file.layout.dbu)
            found.append(
                Violation(
                    CROSSING_RULE,
                    "WG",
                    cell.name,
                    (round(box.left, 4), round(box.bottom, 4), round(box.right, 4), round(box.top, 4)),
                    f"waveguides of {overlap.first} and {overlap.second} overlap by {overlap.area_um2:.4g} um2, "
                    f"0 allowed; place a crossing or route one around{_times(placed.get(cell.cell_index(), 1))}",
                )
            )
    return found


def _raw_crossing_violations(file: LayoutFile, netlists: Netlists, placed: dict[int, int]) -> list[Violation]:
    layer = file.layout.find_layer(*layer_of("WG"))
    if layer is None:
        return []
    found: list[Violation] = []
    for index, places in placed.items():
        cell = file.layout.cell(index)
        netlist = netlists.cells.get(cell.name)
        if netlist is not None and netlist.leaf and len(netlist.ports) >= CROSSING_PORTS:
            continue
        for crossing in raw_crossings(file.layout, cell, layer):
            box = crossing.box.to_dtype(file.layout.dbu)
            found.append(
                Violation(
                    RAW_CROSSING_RULE,
                    "WG",
                    cell.name,
                    (round(box.left, 4), round(box.bottom, 4), round(box.right, 4), round(box.top, 4)),
                    f"two waveguides drawn across each other in one cell, {crossing.area_um2:.4g} um2 in common, "
                    f"0 allowed; place a crossing or route one around{_times(places)}",
                )
            )
    return found


def _undrawn_violations(file: LayoutFile, netlists: Netlists, placed: dict[int, int]) -> list[Violation]:
    found: list[Violation] = []
    for netlist in netlists.cells.values():
        cell = file.layout.cell(netlist.name)
        if not netlist.leaf or cell is None:
            continue
        found += [
            Violation(
                UNDRAWN_RULE,
                fault.layer,
                netlist.name,
                _around(fault.x, fault.y),
                fault.message + _times(placed.get(cell.cell_index(), 1)),
            )
            for fault in undrawn_ports(file.layout, cell, netlist.ports)
        ]
        lengths = wrong_length(netlist)
        if lengths is not None:
            said, apart = lengths
            port = netlist.ports[0]
            text = f"length = {said:g} um is written in the cell, its ports are {apart:g} um apart; draw it again"
            times = _times(placed.get(cell.cell_index(), 1))
            found.append(Violation(LENGTH_RULE, "-", netlist.name, _around(port.x, port.y), text + times))
    return found

"""The spectrum of any cell of a layout: S-parameters between its ports, as a table that can be written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.binding import Bound, ModelLike, SheetLike, bind, range_warnings
from cpo_pdk.circuit.evaluation import Evaluator, structure_of
from cpo_pdk.circuit.exchange.foreign import extract_foreign, sheets_with
from cpo_pdk.circuit.exchange.mapping import CellMapping
from cpo_pdk.circuit.exchange.spectrum_files import SpectrumTable, table_of
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.flattening import FlatCircuit, Placement, flatten, walk
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import CONNECTOR, leaf_factories
from cpo_pdk.circuit.netlist import Netlists, PortRef
from cpo_pdk.circuit.signal_flow import modes_of
from cpo_pdk.circuit.solver import compile_circuit
from cpo_pdk.errors import InputError, LayoutError, ModelError
from cpo_pdk.spec.suggestions import did_you_mean

#: most wavelengths
POINTS_LIMIT = 200_000
#: most memory that the result may take, bytes
RESULT_LIMIT = 2 << 30
#: names or problems spelled out in one message
SHOWN = 8


def wavelength_grid(start_um: float, stop_um: float, points: int) -> NDArray[np.float64]:
    """Wavelengths from `start_um` to `stop_um`, both included.

    Raises:
        InputError: no points, or wavelengths that are not in um or don't rise.
    """
    if not 1 <= points <= POINTS_LIMIT:
        raise InputError(f"points = {points}, 1 to {POINTS_LIMIT} allowed; give another number")
    for name, value in (("from", start_um), ("to", stop_um)):
        if not 0.4 <= value <= 5.0:
            cure = "give it in um"
            for unit, scale in (("nm", 1e-3), ("m", 1e6)):
                if 0.4 <= value * scale <= 5.0:
                    cure = f"that looks like {unit}, write {value * scale:g}"
            raise InputError(f"{name} = {value:g} um, 0.4 to 5 um allowed; {cure}")
    if points == 1 and start_um != stop_um:
        raise InputError(f"points = 1 for {start_um:g} to {stop_um:g} um, 2 or more needed; or give one wavelength")
    if points > 1 and not start_um < stop_um:
        raise InputError(f"from = {start_um:g} um, to = {stop_um:g} um; the first must be smaller")
    return np.linspace(start_um, stop_um, points)


def extract_any(
    file: LayoutFile,
    sheets: Mapping[str, SheetLike],
    models: Mapping[str, ModelLike],
    mapping: CellMapping | None = None,
) -> tuple[Netlists, dict[str, SheetLike], tuple[str, ...]]:
    """The circuit of a layout of ours or, with a mapping, of another PDK.

    Returns:
        the netlist, the sheets that its cells are bound by, and what has to be said.
    """
    if mapping is None:
        return extract(file, leaf_factories(sheets)), dict(sheets), ()
    netlists, notes = extract_foreign(file, mapping, leaf_factories(sheets))
    return netlists, sheets_with(mapping, sheets, models), notes


def spectrum(
    file: LayoutFile,
    wl_um: NDArray[np.float64],
    sheets: Mapping[str, SheetLike],
    models: Mapping[str, ModelLike],
    *,
    cell: str | None = None,
    mapping: CellMapping | None = None,
) -> SpectrumTable:
    """S-parameters of a cell between its ports, heaters and voltages as in the sheets.

    Ports of the result are those of the cell, with `@TM` for the TM mode; facets and gratings that are no port of it
    are called `instance.port`, and so are positions of connectors and ports of its instances that lead nowhere (with a
    note); detectors `instance:i1`.

    Args:
        file: see `read_layout`.
        wl_um: wavelengths, see `wavelength_grid`.
        sheets, models: by name.
        cell: name of the cell, the top cell when None.
        mapping: for a layout of another PDK, see `load_mapping`.

    Raises:
        LayoutError: no such cell, nothing optical in it, no port where light gets in.
        ModelError: a cell without a model or one that disagrees with it, an island of devices that no port reaches.
        InputError: wavelengths that no model holds for, a result larger than memory allows.
    """
    netlists, sheets, notes = extract_any(file, sheets, models, mapping)
    if cell is not None and cell not in netlists.cells:
        known = sorted(netlists.cells)
        more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
        hint = did_you_mean(cell, known) or f"; there are: {', '.join(known[:SHOWN])}{more}"
        raise LayoutError(f"{file.path}: no optical cell {cell!r}{hint}")
    name = cell or netlists.top
    circuit = flatten(netlists, name)
    if not circuit.leaves:
        raise LayoutError(f"{file.path}: nothing optical in cell {name!r}; give a layout with devices")
    try:
        bound = bind(netlists, circuit, sheets, models, skip=(CONNECTOR,))
    except ModelError as error:
        if mapping is None:
            raise
        raise ModelError(f"{error}; or give it an entry in {mapping.source.file}") from error
    ports, problems = _ports(netlists, circuit, bound)
    _covered(circuit, bound, wl_um)
    detectors = _detectors(netlists, name, circuit, bound)
    evaluator = Evaluator(wl_um)
    values = evaluator.circuit(circuit, bound)
    structure = structure_of(values)
    exposed = {**ports, **detectors}
    links = [(link.a, link.b) for link in circuit.connections if link.a[0] in values and link.b[0] in values]
    said: list[str] = []
    inputs = tuple(
        name + mode
        for name, (path, port) in ports.items()
        for mode in sorted(modes_of(structure[path]).get(port, {""}))
    )
    size = 16 * wl_um.size * len(inputs) * (len(inputs) + len(detectors))
    if size > RESULT_LIMIT:
        raise InputError(
            f"{len(inputs)} ports at {wl_um.size} wavelengths take {size / 2**30:.1f} GiB, limit {RESULT_LIMIT >> 30}; "
            "give fewer points or a smaller cell"
        )
    plan = compile_circuit(structure, links, exposed, inputs_wanted=inputs)
    matrix = plan.solve(values, wl=wl_um, warnings=said)
    lines = [*file.warnings, *notes, *problems, *range_warnings(circuit, bound, wl_um), *evaluator.warnings, *said]
    outputs = tuple(p for p in plan.outputs if p not in inputs)
    lit = {port for pair in matrix for port in pair}
    carried = [port for port in inputs if "@" not in port or port in lit]  # a mode that gets nowhere is no port
    return table_of(wl_um, matrix, carried, outputs, tuple(dict.fromkeys(lines)))


def _ports(
    netlists: Netlists, circuit: FlatCircuit, bound: Mapping[str, Bound]
) -> tuple[dict[str, PortRef], list[str]]:
    """Ports of the circuit: the cell's own, open facets, and what leads nowhere; and the problems of the netlist."""
    computed = _computed(circuit, bound)
    ports = {name: ref for name, ref in circuit.exposed.items() if ref[0] in computed}
    ports |= {f"{ref[0]}.{ref[1]}": ref for ref in circuit.outside if ref[0] in computed}
    for link in circuit.connections:
        inner, outer = (link.a, link.b) if link.a[0] in computed else (link.b, link.a)
        if inner[0] in computed and circuit.leaves[outer[0]].function == CONNECTOR:
            ports[f"{outer[0]}.{outer[1]}"] = inner
    below = {cell.name for _, cell, _ in walk(netlists, circuit.cell, Placement())}
    cells = [*dict.fromkeys([*below, *(leaf.cell for leaf in circuit.leaves.values())])]
    problems = [p for name in sorted(cells) for p in netlists.cells[name].problems]
    # an edited cell that is placed where nothing optical is looked for is listed with the top cell
    problems = [p for p in problems if p.kind != "edited" or p.cell in cells or circuit.cell == netlists.top]
    lines = [f"{p.cell} at ({p.x:g}, {p.y:g}): {p.message}" for p in problems[:SHOWN]]
    lines += [f"{len(problems) - SHOWN} more problems in the netlist"] if len(problems) > SHOWN else []
    open_ends = {label for p in problems if p.kind == "dangling" and p.cell == circuit.cell for label in p.ports}
    for path, _, port in sorted(label.rpartition(".") for label in open_ends):
        if path in computed:
            ports[f"{path}.{port}"] = (path, port)
    if not ports:
        raise LayoutError(
            f"cell {circuit.cell!r} has no port where light gets in or out, 1 needed; give the cell ports, a facet or "
            "a grating coupler"
        )
    islands = _islands(circuit, computed, {ref[0] for ref in ports.values()})
    opened = _declared_open(netlists, circuit)
    lost = [island for island in islands if not opened & set(island)]
    if lost:
        shown = "; ".join(f"{min(island)} ({len(island)} devices)" for island in lost[:SHOWN])
        raise ModelError(
            f"cell {circuit.cell!r}: {len(lost)} island{'s' * (len(lost) > 1)} of devices that no port of it reaches, "
            f"0 allowed: {shown}; connect or remove them, or declare their ends in open_ports"
        )
    if islands:
        lines.append(
            f"{len(islands)} island{'s' * (len(islands) > 1)} with ends that are declared open left out: "
            + ", ".join(min(island) for island in islands[:SHOWN])
        )
    return ports, lines


def _computed(circuit: FlatCircuit, bound: Mapping[str, Bound]) -> set[str]:
    """Paths of the devices that have a model; connectors and what swallows its light have none."""
    with_model = {name for name, entry in bound.items() if entry.model is not None}
    return {path for path, leaf in circuit.leaves.items() if leaf.cell in with_model}


def _declared_open(netlists: Netlists, circuit: FlatCircuit) -> set[str]:
    """Paths of the devices with a port that some cell declares open."""
    found: set[str] = set()
    for prefix, cell, _ in walk(netlists, circuit.cell, Placement()):
        placed = {instance.name: instance.cell for instance in cell.instances}
        for name, port in cell.opened:
            path, inner = prefix + name, netlists.cells[placed[name]]
            while not inner.leaf and port in inner.exposed:
                below, port = inner.exposed[port]
                path += f"/{below}"
                inner = netlists.cells[{i.name: i.cell for i in inner.instances}[below]]
            found.add(path)
    return found


def _islands(circuit: FlatCircuit, computed: set[str], reached: set[str]) -> list[list[str]]:
    """Groups of connected devices without a port of the circuit."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    for link in circuit.connections:
        neighbours[link.a[0]].add(link.b[0])
        neighbours[link.b[0]].add(link.a[0])
    seen: set[str] = set()

    def group(start: str) -> list[str]:
        found, pending = [], [start]
        seen.add(start)
        while pending:
            path = pending.pop()
            found.append(path)
            fresh = sorted(neighbours[path] - seen)
            seen.update(fresh)
            pending += fresh
        return found

    for path in sorted(reached):
        if path not in seen:
            group(path)
    islands = [group(path) for path in sorted(computed) if path not in seen]
    return sorted(islands, key=min)


def _covered(circuit: FlatCircuit, bound: Mapping[str, Bound], wl_um: NDArray[np.float64]) -> None:
    """Refuse wavelengths of which no model holds for a single one."""
    ranges = {bound[circuit.leaves[path].cell].sheet.wl_range_um for path in _computed(circuit, bound)}
    low, high = float(wl_um.min()), float(wl_um.max())
    if ranges and all(high < least - 1e-9 or low > most + 1e-9 for least, most in ranges):
        least, most = min(r[0] for r in ranges), max(r[1] for r in ranges)
        raise InputError(
            f"wl = {low:g} to {high:g} um, the models of cell {circuit.cell!r} hold for {least:g} to {most:g} um; "
            "stay within"
        )


def _detectors(netlists: Netlists, name: str, circuit: FlatCircuit, bound: Mapping[str, Bound]) -> dict[str, PortRef]:
    single = netlists.cells[name].leaf
    found: dict[str, PortRef] = {}
    for path in sorted(_computed(circuit, bound)):
        model = bound[circuit.leaves[path].cell].model
        if model is not None:
            found |= {(port if single else f"{path}:{port}"): (path, port) for port in model.detectors}
    return found

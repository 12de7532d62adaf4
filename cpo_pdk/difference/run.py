"""Compare two builds: polygons, circuit, lanes, and hold what changed against limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.leaves import ENGINE, leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.results import Lane
from cpo_pdk.circuit.simulation import simulate
from cpo_pdk.difference.circuit import compare_circuits, renamed_instances
from cpo_pdk.difference.findings import Circuit, Difference, Gate, Lanes, Limits
from cpo_pdk.difference.geometry import compare_geometry, layer_name, layer_number
from cpo_pdk.difference.lanes import compare_lanes
from cpo_pdk.difference.sides import Side, read_side
from cpo_pdk.difference.words import differing, worst_crosstalk, worst_loss
from cpo_pdk.errors import CpoError, InputError, LayoutError
from cpo_pdk.spec import Sheet, load_sheets

Say = Callable[[str], None]


def compare(
    a: str | Path,
    b: str | Path,
    *,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    layers: Collection[str] = (),
    project: Path | None = None,
    simulate_both: bool = False,
    progress: Say | None = None,
) -> Difference:
    """Compare two builds.

    Args:
        a, b: before and now; each a GDS or OASIS file, or a result folder of `cpo build`.
        limits: what a change may be.
        layers: compare polygons on these only; names of the process, or "number/datatype".
        project: folder whose `components/` win over those that ship; default: the working folder.
        simulate_both: compute the lanes with the models and sheets of now, also where a folder brings its own.
        progress: called with a few words as each stage begins.

    Raises:
        LayoutError: a file can't be read.
        InputError: a folder without a layout, an unknown layer, a limit that is none.
    """
    say = progress or (lambda _words: None)
    for what, limit in (("loss", limits.loss_dB), ("crosstalk", limits.crosstalk_dB)):
        if limit is not None and not 0.0 <= limit < math.inf:
            raise InputError(f"limit of {what} change is {limit} dB; give a number from 0 on")
    for name in layers:
        layer_number(name)
    sheets = load_sheets(project or Path.cwd())
    say("reading both")
    sides = (read_side(Path(a)), read_side(Path(b)))
    say("comparing the polygons")
    geometry = compare_geometry(sides[0].file, sides[1].file, layers)
    say("comparing the circuits")
    netlists = _netlists(sides, sheets)
    circuit = netlists if isinstance(netlists, Circuit) else compare_circuits(*netlists)
    say("comparing the lanes")
    if isinstance(netlists, Circuit):
        lanes = Lanes(reason=netlists.reason)
    else:
        lanes = _lanes(sides, netlists, sheets, simulate_both)
    result = Difference(
        a=sides[0].name,
        b=sides[1].name,
        same_bytes=sides[0].sha256 == sides[1].sha256,
        geometry=geometry,
        circuit=circuit,
        lanes=lanes,
    )
    result = replace(result, not_compared=_not_compared(result), notices=_notices(sides, result, layers))
    return replace(result, gates=_gates(result, limits))


def _netlists(sides: tuple[Side, Side], sheets: Mapping[str, Sheet]) -> tuple[Netlists, Netlists] | Circuit:
    leaves = leaf_factories(sheets)
    try:
        first = extract(sides[0].file, leaves)
        same = sides[0].sha256 == sides[1].sha256
        return first, first if same else extract(sides[1].file, leaves)
    except LayoutError as error:
        return Circuit(reason=str(error))


def _has_engine(netlists: Netlists) -> bool:
    return any(cell.function == ENGINE for cell in netlists.cells.values())


def _lanes(
    sides: tuple[Side, Side], netlists: tuple[Netlists, Netlists], sheets: Mapping[str, Sheet], simulate_both: bool
) -> Lanes:
    engines = [_has_engine(n) for n in netlists]
    if not any(engines):
        return Lanes(not_applicable="neither layout has an engine, so there are no lanes")
    if not all(engines):
        return Lanes(reason=f"{sides[engines.index(False)].name} has no engine, so no lanes to compare with")
    found, renamed = [side.lanes for side in sides], renamed_instances(*netlists)
    if found[0] is not None and found[1] is not None and not simulate_both:
        return compare_lanes(found[0], found[1], netlists, ("lanes.json", "lanes.json"), renamed)
    computed: list[tuple[Lane, ...]] = []
    for side, netlist in zip(sides, netlists, strict=True):
        if computed and sides[0].sha256 == sides[1].sha256:
            computed.append(computed[0])
            continue
        try:
            computed.append(simulate(side.file, sheets, netlists=netlist).lanes)
        except CpoError as error:
            return Lanes(reason=f"{side.name}: can't be simulated: {error}")
    return compare_lanes(computed[0], computed[1], netlists, ("simulated", "simulated"), renamed)


def _not_compared(result: Difference) -> tuple[str, ...]:
    """What is left uncompared although it is there; a comparison of nothing is never one without a difference."""
    missing = []
    if not result.geometry.layers:
        missing.append("geometry: no polygon on any layer that was to be compared, in neither file")
    if result.circuit.reason:
        missing.append(f"circuit: {result.circuit.reason}")
    if result.lanes.reason:
        missing.append(f"lanes: {result.lanes.reason}")
    elif not result.lanes.not_applicable and not result.lanes.compared:
        missing.append("lanes: no lane is in both; engines are matched by the names of their instances")
    return tuple(missing)


def _notices(sides: tuple[Side, Side], result: Difference, layers: Collection[str]) -> tuple[str, ...]:
    notices = [side.notice for side in sides if side.notice]
    if layers:
        compared = {layer.number for layer in result.geometry.layers}
        empty = sorted({layer_name(layer_number(name)) for name in layers if layer_number(name) not in compared})
        notices.append(f"polygons compared on {len(compared)} layers only, as asked")
        if empty:
            notices.append(f"no polygons in either file on {', '.join(empty)}")
    if result.lanes.source == ("lanes.json", "lanes.json"):
        tools = [side.manifest.tools if side.manifest else {} for side in sides]
        other = [
            f"{n} {tools[0].get(n, '-')} -> {tools[1].get(n, '-')}"
            for n in sorted(tools[0].keys() | tools[1].keys())
            if tools[0].get(n) != tools[1].get(n)
        ]
        if other:
            notices.append(
                f"lanes are those of the builds, made with other programs: {', '.join(other)}; see --simulate"
            )
    if not result.circuit.reason and not any(result.circuit.compared.values()):
        notices.append("neither layout has optical devices, so there is no circuit to compare")
    if result.lanes.not_applicable:
        notices.append(result.lanes.not_applicable)
    if not result.same_bytes and not result.different and not result.not_compared:
        notices.append("the files differ in what is not compared: hierarchy, order, texts, meta information or format")
    return tuple(notices)


def _gates(result: Difference, limits: Limits) -> tuple[Gate, ...]:
    gates = []
    if not limits.geometry:
        changed = result.geometry.changed
        if changed:
            words = f"{differing(changed)} on {', '.join(e.layer for e in changed)}"
        else:
            words = f"the same polygons on {len(result.geometry.layers)} layers"
        gates.append(Gate("geometry", not changed and bool(result.geometry.layers), words))
    lanes = result.lanes
    unjudged = lanes.reason or lanes.not_applicable or ("" if lanes.compared else "no lane is in both")
    for name, limit, worst, text in (
        ("loss", limits.loss_dB, max((c.more_loss_dB for c in lanes.changes), default=0.0), worst_loss),
        (
            "crosstalk",
            limits.crosstalk_dB,
            max((c.more_crosstalk_dB for c in lanes.changes), default=0.0),
            worst_crosstalk,
        ),
    ):
        if limit is None:
            continue
        if unjudged:
            gates.append(Gate(name, False, f"can't be judged: {unjudged}"))
        elif lanes.added or lanes.removed:
            number = len(lanes.added) + len(lanes.removed)
            gates.append(Gate(name, False, f"{number} lanes are in one of the two only"))
        else:
            # lanes are known to 0.1 mdB: a change of exactly the limit passes
            passed = worst <= limit + 1e-9
            gates.append(Gate(name, passed, f"{text(lanes)}; limit {limit:g} dB"))
    return tuple(gates)

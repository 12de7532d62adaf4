"""The circuit of every distinct engine of a file against the one that the spec asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import ENGINE
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.verify.lvs.array import Anchors, anchor
from cpo_pdk.verify.lvs.asked import ROUTING_ROLES, AskedEngine, asked_engine
from cpo_pdk.verify.lvs.compare import Matched, compare
from cpo_pdk.verify.lvs.devices import Circuit, read_circuit, routing_factories
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.fibres import Fibres
from cpo_pdk.verify.lvs.standing import ENGINES_RULE, Standing, standing


@dataclass(frozen=True)
class EngineMatch:
    """One distinct engine cell: what is drawn, where its facets are, and which device is which."""

    circuit: Circuit
    anchors: Anchors
    matched: Matched


@dataclass(frozen=True)
class PackageMatch:
    """The whole file against the spec.

    Attributes:
        asked: one engine, as it should be.
        engines: by cell.
        stands: which engine is which; None for the file of a single engine.
        faults: everything that differs.
        lanes: how many lanes were followed, of both directions, without those of spares.
        nets: how many nets were compared.
        devices: how many devices were compared.
        package: the circuit of the whole file, None for the file of a single engine.
    """

    asked: AskedEngine
    engines: Mapping[str, EngineMatch]
    stands: Standing | None
    faults: tuple[Fault, ...]
    lanes: int
    nets: int
    devices: int
    package: Circuit | None = None


def match_package(file: LayoutFile, netlists: Netlists, sheets: Mapping[str, Sheet], spec: PackageSpec) -> PackageMatch:
    """Compare all engines, and what lies between them and the faceplate.

    Args:
        file: the layout.
        netlists: of `file`.
        sheets: by name; those of `engine.devices` are there.
        spec: the package.
    """
    routing = routing_factories(sheets, [getattr(spec.engine.devices, role) for role in ROUTING_ROLES])
    asked = asked_engine(spec, sheets)
    cells = sorted(cell.name for cell, _ in netlists.placed() if cell.function == ENGINE and not cell.leaf)
    engines: dict[str, EngineMatch] = {}
    faults: list[Fault] = []
    for cell in cells:
        circuit = read_circuit(netlists, cell, routing)
        anchors = anchor(asked, circuit, spec.engine.fibre_pitch_um)
        engines[cell] = EngineMatch(circuit, anchors, compare(asked, circuit, anchors))
        faults += [*anchors.faults, *engines[cell].matched.faults]
    times = {cell.name: count for cell, count in netlists.placed()}
    nets = sum(times[cell] * engine.matched.nets for cell, engine in engines.items())
    devices = sum(times[cell] * len(engine.circuit.devices) for cell, engine in engines.items())
    stands: Standing | None = None
    package: Circuit | None = None
    if netlists.top not in engines:
        package = circuit = read_circuit(netlists, netlists.top, routing, (ENGINE,))
        anchored = {cell: engine.anchors for cell, engine in engines.items()}
        stands = standing(file, circuit, spec, anchored)
        fibres = Fibres(file, netlists, circuit, spec, sheets, stands, anchored)
        faults += [*stands.faults, *fibres.faults()]
        nets += len(fibres.asked)
        devices += len(fibres.connectors)
        if not engines:
            text = f"0 engines drawn, {spec.engines.placed} asked; check the file that is the one of this spec"
            faults = [Fault(ENGINES_RULE, netlists.top, text, spec_path="engines.count")]
    for stand in stands.stands if stands is not None else ():
        times[stand.device.cell] -= stand.asked.spare
    lanes = sum(times[cell] * _lanes(asked, engine) for cell, engine in engines.items())
    return PackageMatch(asked, engines, stands, tuple(faults), lanes, nets, devices, package)


def _lanes(asked: AskedEngine, engine: EngineMatch) -> int:
    """Channels whose modulator, or whose detector, was found where it was asked for."""
    device = engine.matched.device
    return sum(asked.devices[key].role in ("modulator", "detector") for key in device)

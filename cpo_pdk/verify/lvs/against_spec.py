"""Everything of a file that a spec says something about: circuit, fibres, wavelengths, sizes, bumps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.spec.architecture import RINGS
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.findings import Violation
from cpo_pdk.verify.lvs import airwires, array, fibres, standing, wavelengths
from cpo_pdk.verify.lvs import compare as graphs
from cpo_pdk.verify.lvs.bump_map import bump_faults
from cpo_pdk.verify.lvs.bump_pins import MAP_RULE, Pins
from cpo_pdk.verify.lvs.devices import Circuit
from cpo_pdk.verify.lvs.engines import match_package
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.interferometers import Interferometers
from cpo_pdk.verify.lvs.measure.comparing import Reading
from cpo_pdk.verify.lvs.metal_nets import MetalNets
from cpo_pdk.verify.lvs.sheets import against_sheets, parts_played
from cpo_pdk.verify.lvs.wavelengths import Rings, ring_faults

RULES = (
    graphs.DEVICE_RULE,
    graphs.MISSING_RULE,
    graphs.EXTRA_RULE,
    graphs.CONNECTION_RULE,
    graphs.TURNED_RULE,
    array.ARRAY_RULE,
    array.MIRRORED_RULE,
    array.SWAPPED_RULE,
    array.NAME_RULE,
    standing.ENGINES_RULE,
    fibres.FIBRE_RULE,
    fibres.KIND_RULE,
    fibres.CONNECTOR_RULE,
    wavelengths.CHANNEL_RULE,
    MAP_RULE,
    airwires.AIRWIRE_RULE,
)


@dataclass(frozen=True)
class AgainstSpec:
    """What differs from a spec.

    Attributes:
        faults: of circuit, fibres, wavelengths and bumps.
        violations: of the devices' sizes, those against their own record included.
        circuits: by flattened cell, for the places of the faults.
        rules: names of the rules that ran.
        counted: devices, optical nets, lanes; parameters that were held against the spec.
    """

    faults: tuple[Fault, ...]
    violations: list[Violation]
    circuits: Mapping[str, Circuit]
    rules: tuple[str, ...]
    counted: dict[str, int]


def against_spec(
    file: LayoutFile,
    netlists: Netlists,
    sheets: Mapping[str, Sheet],
    spec: PackageSpec,
    readings: Mapping[str, Reading],
    metal: MetalNets,
    known: list[Violation],
) -> AgainstSpec:
    """Hold a file against its spec.

    Args:
        file: the layout.
        netlists: of `file`.
        sheets: by name.
        spec: the package.
        readings: what was measured, by cell.
        metal: the nets of the metals.
        known: violations of the devices against their own record.
    """
    match = match_package(file, netlists, sheets, spec)
    faults = list(match.faults)
    times = {cell.name: count for cell, count in netlists.placed()}
    resonance, grid, filtering = _rule("LVS.RESONANCE"), _rule("LVS.BUMP_GRID"), _rule("LVS.FILTER")
    rings = Rings(netlists, readings, match.asked.channels_um, spec.engine.heater_bias_nm, resonance.value)
    stages = Interferometers(netlists, sheets, readings, match.asked, filtering)
    ringed = spec.engine.architecture in RINGS
    checked = 0
    lanes: dict[str, dict[str, tuple[float, float]]] = {}
    for cell, engine in match.engines.items():
        faults += ring_faults(match.asked, engine, rings, spec, resonance) if ringed else stages.faults(engine)
        bumps = Pins(match.asked, engine, metal)
        faults += bump_faults(bumps, spec, grid)
        lanes[cell] = bumps.lane_bumps()
        placed = [d for k, d in engine.matched.device.items() if match.asked.devices[k].role in wavelengths.ROLES]
        tuned = len(placed) if ringed else stages.count(engine)
        checked += times[cell] * (tuned + len(bumps.bumps))
    if match.stands is not None and match.stands.stands:
        wires = airwires.Airwires(file, spec, match.asked, match.stands, lanes)
        faults += wires.faults()
        checked += len(wires.drawn)
    violations, compared = against_sheets(parts_played(match), netlists, readings, known, spec)
    circuits = {cell: engine.circuit for cell, engine in match.engines.items()}
    if match.package is not None:
        circuits[match.package.cell] = match.package
    counted = {
        "devices": match.devices,
        "optical_nets": match.nets,
        "lanes": match.lanes,
        "parameters": compared + checked,
    }
    return AgainstSpec(
        tuple(faults), violations, circuits, (*RULES, resonance.name if ringed else filtering.name, grid.name), counted
    )


def _rule(name: str) -> Rule:
    return next(rule for rule in load_rules(group="lvs") if rule.name == name)

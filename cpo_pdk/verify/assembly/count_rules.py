"""How many engines, fibres and connectors there are, against what was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.placement import share_of
from cpo_pdk.spec.port_plan import port_plan
from cpo_pdk.verify.assembly.connector_rules import by_connector, is_laser
from cpo_pdk.verify.assembly.engine_rules import beside
from cpo_pdk.verify.assembly.outcome import Outcome, Question
from cpo_pdk.verify.assembly.parts import Package
from cpo_pdk.verify.assembly.support_rules import board_name, engines_on
from cpo_pdk.verify.findings import Violation


def part_count(question: Question) -> Outcome:
    """Engines, their sides and boards, fibres and connectors are as many as asked for; a package has an engine."""
    package, spec = question.package, question.spec
    outcome = Outcome(looked_at=package.number_of_parts)
    outcome.counted.update(
        engines=len(package.engines),
        fibres=len(package.fibres),
        connectors=len(package.connectors),
        asics=len(package.asics),
    )
    if spec is None:
        if not package.engines and (package.substrates or package.asics):
            outcome.tell(_wrong(question, "engines", 0, "1 or more", "", "FLOORPLAN"))
        return outcome
    if package.is_one_engine:
        return outcome  # the file of an engine, not of a package: its circuit is compared, there is nothing to count
    lasers = sum(plane == 0 for plane in package.planes)
    asked = spec.fibre_counts
    data = sum(package.planes[plug.fibre] > 0 for plug in package.plugged)
    checks = [
        ("engines", len(package.engines), spec.engines.placed, "engines.count", "FLOORPLAN"),
        ("laser fibres", lasers, asked["laser"], "engine.laser_fibres", "FIBER_PM"),
        ("other fibres", len(package.fibres) - lasers, asked["total"] - asked["laser"], "engine.tx_fibres", "FIBER"),
        ("data fibres at connectors", data, asked["tx"] + asked["rx"], "engine.tx_fibres", "FIBER"),
        *_connectors(package, spec),
        *_supports(package, spec),
        *_sides(package, spec),
    ]
    for what, found, wanted, path, layer in checks:
        if found != wanted:
            outcome.tell(_wrong(question, what, found, str(wanted), path, layer))
    return outcome


#: what is counted, how many were found and asked for, the path in the spec, a layer
_Count = tuple[str, int, int, str, str]


def _connectors(package: Package, spec: PackageSpec) -> Iterator[_Count]:
    """Connectors with fibres in them, and those without; not in the files of a part of a package."""
    if not package.plugged:
        return
    used = by_connector(package)
    yield "connectors without a fibre", len(package.connectors) - len(used), 0, "faceplate.connector", "CONNECTOR"
    lasers = sum(is_laser(package, number, ends) for number, ends in used.items())
    plan = port_plan(spec)
    modules = sum(connector.level == 0 for connector in plan)
    if len(used) > lasers:
        yield "data connectors", len(used) - lasers, len(plan) - modules, "faceplate.connector", "CONNECTOR"
    if lasers:
        yield "laser modules", lasers, modules, "laser.fibres_per_module", "CONNECTOR_PM"


def _supports(package: Package, spec: PackageSpec) -> Iterator[_Count]:
    """Switch dies, substrates, interposers and boards; not in the files of a part of a package."""
    if not package.substrates and not package.asics:
        return
    yield "switch dies", len(package.asics), 1, "asic.size_mm", "ASIC"
    yield "substrates", len(package.substrates), 1, "substrate.size_mm", "SUBSTRATE"
    yield "interposers", len(package.drawn("INTERPOSER")), int(spec.interposer is not None), "interposer", "INTERPOSER"
    boards, carrier = package.drawn("CARRIER"), spec.engines.carrier
    if carrier is None:
        yield "boards of sub-assemblies", len(boards), 0, "engines.mount", "CARRIER"
        return
    wanted = spec.engines.placed // carrier.engines
    yield "boards of sub-assemblies", len(boards), wanted, "engines.carrier.engines", "CARRIER"
    for board in boards:
        there = len(engines_on(package, board))
        name = f"engines on {board_name(package, board)}"
        yield name, there, carrier.engines, "engines.carrier.engines", "CARRIER"


def _sides(package: Package, spec: PackageSpec) -> Iterator[_Count]:
    """Engines on each side of the switch die."""
    if not package.asics:
        return
    sides: Counter[str] = Counter()
    for number, nearest in package.nearest_asics.items():
        sides[beside(package.engines[number], package.asics[nearest])[0]] += 1
    share = share_of(spec)
    for side in SIDES:
        yield f"engines in the {side}", sides[side], share.of(side), f"engines.per_side.{side}", "FLOORPLAN"


def _wrong(question: Question, what: str, found: int, wanted: str, path: str, layer: str) -> Violation:
    box = question.package.file.top.dbbox()
    return question.violation(
        [box],
        f"{what}: {found} found, {wanted} asked; build the package again or change the spec",
        asked_at=question.line(path) if path else "",
        layer=layer,
    )

"""How many engines, fibres and connectors there are, against what was asked."""

from __future__ import annotations

from collections import Counter

from cpo_pdk.spec.package import SIDES
from cpo_pdk.spec.placement import share_of
from cpo_pdk.verify.assembly.connector_rules import by_connector, is_laser
from cpo_pdk.verify.assembly.engine_rules import beside
from cpo_pdk.verify.assembly.outcome import Outcome, Question
from cpo_pdk.verify.findings import Violation


def part_count(question: Question) -> Outcome:
    """Engines, their sides, fibres and connectors are as many as asked for; a package has one engine at least."""
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
    sides: Counter[str] = Counter()
    for number, nearest in package.nearest_asics.items():
        sides[beside(package.engines[number], package.asics[nearest])[0]] += 1
    lasers = sum(fibre.layer == "FIBER_PM" for fibre in package.fibres)
    asked = spec.fibre_counts
    per_plug = spec.faceplate.fibres_per_connector
    data = sum(package.fibres[plug.fibre].layer == "FIBER" for plug in package.plugged)
    plugs = sum(not is_laser(package, number, ends) for number, ends in by_connector(package).items())
    checks = [
        ("engines", len(package.engines), spec.engines.count, "engines.count", "FLOORPLAN"),
        ("laser fibres", lasers, asked["laser"], "engine.laser_fibres", "FIBER_PM"),
        ("other fibres", len(package.fibres) - lasers, asked["total"] - asked["laser"], "engine.tx_fibres", "FIBER"),
        ("data fibres at connectors", data, asked["tx"] + asked["rx"], "engine.tx_fibres", "FIBER"),
    ]
    # not in the files of a part of a package
    if package.plugged:
        empty = len(package.connectors) - len(by_connector(package))
        checks.append(("connectors without a fibre", empty, 0, "faceplate.connector", "CONNECTOR"))
    if package.substrates or package.asics:
        checks += [
            ("switch dies", len(package.asics), 1, "asic.size_mm", "ASIC"),
            ("substrates", len(package.substrates), 1, "substrate.size_mm", "SUBSTRATE"),
        ]
    if package.asics:
        share = share_of(spec)
        per_side = {side: share.of(side) for side in SIDES}
        checks += [
            (f"engines in the {side}", sides[side], count, f"engines.per_side.{side}", "FLOORPLAN")
            for side, count in per_side.items()
        ]
    for what, found, wanted, path, layer in checks:
        if found != wanted:
            outcome.tell(_wrong(question, what, found, str(wanted), path, layer))
    needed = -(-(asked["tx"] + asked["rx"]) // per_plug)
    if plugs and plugs < needed:
        wanted = f"{needed} or more"
        outcome.tell(_wrong(question, "data connectors", plugs, wanted, "faceplate.connector", "CONNECTOR"))
    return outcome


def _wrong(question: Question, what: str, found: int, wanted: str, path: str, layer: str) -> Violation:
    box = question.package.file.top.dbbox()
    return question.violation(
        [box],
        f"{what}: {found} found, {wanted} asked; build the package again or change the spec",
        asked_at=question.line(path) if path else "",
        layer=layer,
    )

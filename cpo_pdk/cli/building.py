"""`cpo build` and `cpo report`: the whole path, and the part of it after drawing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, TrustOption

if TYPE_CHECKING:
    from cpo_pdk.build_result import BuildResult

SpecArgument = Annotated[str, typer.Argument(metavar="SPEC", help="A package spec: a YAML file, or the name of one.")]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; a subfolder by name is made.")]


def build(
    spec: SpecArgument, out: OutOption = Path("gds_out"), trust: TrustOption = False, json: JsonOption = False
) -> None:
    """Draw the package of SPEC, check it, simulate its lanes, write the report."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import flow

        return _outcome(flow.build(spec, out, progress=progress, trust=trust), progress)

    console.run(work, json)


def report(spec: SpecArgument, out: OutOption = Path("gds_out"), json: JsonOption = False) -> None:
    """Check, simulate and report the package of SPEC that was built before, without drawing it again."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import flow

        return _outcome(flow.report(spec, out, progress=progress), progress)

    console.run(work, json)


def _outcome(result: BuildResult, progress: Progress) -> Outcome:
    progress("")
    for warning in result.warnings:
        progress.warn(warning)
    return Outcome(result.as_json(), _summary(result), 0 if result.clean else 1)


def _summary(result: BuildResult) -> list[Any]:
    from rich.table import Table

    facts = result.as_json()
    fibres, loss = facts["fibres"], facts["insertion_loss_dB"]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0), title=result.name, title_justify="left")
    table.add_row(
        "bandwidth", f"{facts['bandwidth_Tbps']:g} Tb/s in {facts['engines']} engine{'s' * (facts['engines'] > 1)}"
    )
    table.add_row("lanes", f"{facts['lanes_per_direction']} in each direction")
    table.add_row(
        "fibres", f"{fibres['total']} (" + ", ".join(f"{n} {k}" for k, n in fibres.items() if n and k != "total") + ")"
    )
    for check in result.verdict.results:
        looked = check.not_applicable or f"{check.looked_at:,} {check.what} looked at against {len(check.rules)} rules"
        table.add_row(check.group, f"{len(check.violations)} violations, {looked}")
    for direction, what in (("tx", "laser to fibre"), ("rx", "fibre to detector")):
        row = loss[direction]
        table.add_row(
            f"loss {direction}",
            " / ".join(_decibel(row[key], 2) for key in ("min", "median", "max"))
            + f" dB (best, median, worst lane; {what})",
        )
    worst = facts["crosstalk_dB"]["worst"]
    table.add_row("crosstalk", "none (one lane a fibre)" if worst is None else f"{worst:.1f} dB (worst lane)")
    for name, what in _operation_rows(facts["operation"]):
        table.add_row(name, what)
    files = [
        f"{what:8} {path}"
        for what, path in (
            ("package", result.gds),
            ("engine", result.engine_gds),
            ("netlist", result.netlist),
            ("lanes", result.lanes),
            ("report", result.report),
        )
    ]
    return [table, "", *files]


def _operation_rows(facts: dict[str, Any] | None) -> list[tuple[str, str]]:
    """The package at work, each figure at idle, typical and full load, and the limits of the spec."""
    if facts is None:
        return []
    states = facts["states"].values()

    def each(key: str, digits: int) -> str:
        return " / ".join(_decibel(state[key], digits) for state in states)

    rows = [
        ("loads", f"{' / '.join(facts['states'])}: ASIC {each('asic_W', 0)} W"),
        ("margin", " / ".join(_decibel(state["margin_dB"]["min"], 2) for state in states) + " dB (worst lane)"),
        ("energy", f"{each('energy_pJ_bit', 2)} pJ/bit"),
        ("heat", f"ASIC {each('asic_C', 0)} C, engines {each('engine_C', 0)} C, {each('engine_spread_C', 1)} K apart"),
    ]
    lost = [state["unlocked"] for state in states]
    if any(state["rings"] for state in states):
        mean = " / ".join(_decibel(state["heater_mW"]["mean"], 1) for state in states)
        rows.append(("rings", f"{' / '.join(map(str, lost))} not held; heaters {mean} mW in the mean"))
    for gate in facts["gates"]:
        said = "holds" if gate["holds"] else "FAILS"
        rows.append(
            ("require", f"{gate['key']} {gate['limit']:g}: {_decibel(gate['value'], 2)}, {said} ({gate['where']})")
        )
    return rows


def _decibel(value: float | None, digits: int) -> str:
    """A level, or a dash where no light arrives or no lane is."""
    return "-" if value is None else f"{value:.{digits}f}"

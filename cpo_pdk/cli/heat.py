"""`cpo thermal`: how warm dies and rings become, and what the heaters take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, TrustOption, printable
from cpo_pdk.cli.guard import Limits

if TYPE_CHECKING:
    from cpo_pdk.operation.results import Gate, State
    from cpo_pdk.spec import PackageSpec
    from cpo_pdk.thermal.results import Temperatures, Transient

Load = Literal["full", "typical", "idle"]


def thermal(
    target: Annotated[str, typer.Argument(metavar="SPEC|GDS", help="A package spec, or a layout file of a package.")],
    spec: Annotated[
        str | None,
        typer.Option("--spec", metavar="SPEC", help="What a layout was asked to be; default: by its top cell's name."),
    ] = None,
    state: Annotated[Load, typer.Option(help="Load of the ASIC, as the spec's thermal.loads has it.")] = "full",
    cells: Annotated[
        int | None,
        typer.Option(metavar="N", help="Solve the state once more on a grid of about N cells, and say what changes."),
    ] = None,
    step: Annotated[bool, typer.Option("--step", help="Also follow the ASIC's step from idle to full.")] = False,
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Temperatures of ASIC, engines and rings, with what the heaters add to them."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import analysis
        from cpo_pdk.thermal.grid_lines import check_cells

        if cells is not None:
            check_cells(cells)
        prepared = analysis.prepare(target, spec, progress=progress, trust=trust)
        operation = analysis.operate(prepared, progress, transient=step)
        at = operation[state]
        finer = None
        if cells is not None:
            from cpo_pdk.thermal.package_model import model_of

            rings = {ring.instance: (ring.engine, ring.x, ring.y) for ring in at.rings}
            progress(f"once more with {cells} cells")
            finer = model_of(prepared.package, prepared.spec, rings, cells=cells)
            finer = finer.temperatures(at.energy.ledger.by_place())
        progress("")
        warnings = list(dict.fromkeys([*prepared.notes, *operation.warnings]))
        for note in warnings:
            progress.warn(note)
        gates = [gate for gate in operation.gates if gate.key != "margin_dB"]  # that one is of cpo budget
        text = _text(prepared.spec, at, finer, operation.transient, gates)
        document = as_json(prepared.spec, at, finer, operation.transient, gates, warnings)
        return Outcome(document, text, 0 if all(gate.holds for gate in gates) else 1)

    layout = Path(target).suffix.lower() in (".gds", ".gds2", ".gdsii", ".oas", ".oasis", ".gz")
    console.run(work, json, Limits() if layout else None)


def as_json(
    spec: PackageSpec,
    at: State,
    finer: Temperatures | None,
    transient: Transient | None,
    gates: list[Gate],
    warnings: list[str],
) -> dict[str, Any]:
    """What `--json` prints."""
    from cpo_pdk.operation.document import gate_json, rounded, transient_json

    heat = at.temperatures
    rings = list(heat.rings.values())
    return {
        "package": spec.name,
        "state": at.name,
        "converged": at.converged,
        "reason": at.reason,
        "asic_W": rounded(at.asic_W),
        "package_W": rounded(heat.in_W, 6),
        "out_W": rounded(heat.out_W, 6),
        "balance": heat.out_W / heat.in_W - 1 if heat.in_W else 0.0,
        "cells": heat.cells,
        "asic_C": {"max": rounded(heat.asic_max_C), "mean": rounded(heat.asic_mean_C)},
        "engines_C": {
            name: {"mean": rounded(mean), "max": rounded(heat.engines_max_C[name])}
            for name, mean in heat.engines_C.items()
        },
        "engine_spread_C": rounded(heat.engine_spread_C),
        "rings_C": {
            "count": len(rings),
            "min": rounded(min(rings, default=None)),
            "max": rounded(max(rings, default=None)),
            "spread_in_engine": rounded(max(_within(at), default=None)),
        },
        "heaters_W": rounded(_heaters_W(at), 6),
        "lasers_C": {name: rounded(value) for name, value in heat.lasers_C.items()},
        "finer": None if finer is None else _changes(heat, finer),
        "transient": None if transient is None else transient_json(transient),
        "holds": all(gate.holds for gate in gates),
        "gates": [gate_json(gate) for gate in gates],
        "warnings": warnings,
    }


def _changes(heat: Temperatures, finer: Temperatures) -> dict[str, Any]:
    from cpo_pdk.operation.document import rounded

    engines = [abs(finer.engines_C[name] - value) for name, value in heat.engines_C.items()]
    rings = [abs(finer.rings[name] - value) for name, value in heat.rings.items() if name in finer.rings]
    return {
        "cells": finer.cells,
        "asic_max_K": rounded(finer.asic_max_C - heat.asic_max_C),
        "engines_K": rounded(max(engines, default=None)),
        "rings_K": rounded(max(rings, default=None)),
        "spread_K": rounded(finer.engine_spread_C - heat.engine_spread_C),
    }


def _heaters_W(at: State) -> float:
    """Heat of all heaters, their drivers left out."""
    return sum(ring.heater_mW for ring in at.rings) / 1e3


def _within(at: State) -> list[float]:
    """Hottest less coolest ring of each engine, K."""
    by_engine: dict[str, list[float]] = {}
    for ring in at.rings:
        by_engine.setdefault(ring.engine, []).append(at.temperatures.rings[ring.instance])
    return [max(values) - min(values) for values in by_engine.values()]


def _text(
    spec: PackageSpec, at: State, finer: Temperatures | None, transient: Transient | None, gates: list[Gate]
) -> list[Any]:
    from rich.table import Table

    heat, thermal = at.temperatures, spec.thermal
    settled = f"settled in {at.iterations} rounds" if at.converged else "not settled"
    text: list[Any] = [
        f"{spec.name}, {at.name}: {heat.in_W:.1f} W in the package, {at.asic_W:.1f} W of it the ASIC; "
        f"{thermal.kind.replace('_', ' ')} at {thermal.coolant_C:g} C; {heat.cells} cells, {settled}"
    ]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "W", "mean C", "max C", "rings C", "heaters mW"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("ASIC", f"{at.asic_W:.1f}", f"{heat.asic_mean_C:.1f}", f"{heat.asic_max_C:.1f}", "", "")
    watts = at.energy.engines_W
    for name, mean in heat.engines_C.items():
        own = [heat.rings[ring.instance] for ring in at.rings if ring.engine == name]
        spread = f"{min(own):.1f} to {max(own):.1f}" if own else ""
        power = sum(ring.heater_mW for ring in at.rings if ring.engine == name)
        table.add_row(
            printable(name),
            f"{watts[name]:.2f}" if name in watts else "",
            f"{mean:.1f}",
            f"{heat.engines_max_C[name]:.1f}",
            spread,
            f"{power:.1f}" if own else "",
        )
    text.append(table)
    text.append(
        f"engine to engine {heat.engine_spread_C:.2f} K; rings of one engine {max(_within(at), default=0):.2f} K"
    )
    if at.rings:
        optics = at.energy.optics_W
        share = f", {_heaters_W(at) / optics:.1%} of the optics" if optics > 0 else ""
        text.append(f"heaters {_heaters_W(at):.3f} W{share}")
    text.append(f"in {heat.in_W:.6f} W, out {heat.out_W:.6f} W")
    if finer is not None:
        found = _changes(heat, finer)
        text.append(
            f"on {found['cells']} cells: ASIC {found['asic_max_K']:+.2f} K, engines by up to {found['engines_K']:.2f} K"
        )
    if transient is not None:
        text.append(
            f"idle to full: {printable(transient.ring)} rises {transient.fastest_K_s:.2f} K/s at most, 63 % after "
            f"{transient.tau_s:.2g} s; the loops lag by {transient.tracking_error_nm * 1e3:.3g} pm"
        )
    for gate in gates:
        verdict = "holds" if gate.holds else "is missed"
        text.append(f"{gate.line}: {gate.key} {gate.limit:g} {verdict}: {gate.value:.2f} at {gate.where}")
    return text

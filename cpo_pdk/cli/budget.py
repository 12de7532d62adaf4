"""`cpo budget`: the light of every lane from laser to decision, and the margin that is left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, TrustOption, printable
from cpo_pdk.cli.guard import Limits

if TYPE_CHECKING:
    from cpo_pdk.circuit.results import SimulationResult
    from cpo_pdk.link.results import LinkBudget, LinkLane
    from cpo_pdk.operation.results import Gate
    from cpo_pdk.spec import PackageSpec

State = Literal["full", "typical", "idle", "cold"]


def budget(
    target: Annotated[str, typer.Argument(metavar="SPEC|GDS", help="A package spec, or a layout file of a package.")],
    spec: Annotated[
        str | None,
        typer.Option("--spec", metavar="SPEC", help="What a layout was asked to be; default: by its top cell's name."),
    ] = None,
    state: Annotated[
        State,
        typer.Option(help="Load of the ASIC; cold: every device at the temperature it is drawn for, without heat."),
    ] = "full",
    lane: Annotated[
        list[str] | None,
        typer.Option("--lane", metavar="ENGINE/tx_P/C", help="Print this lane's waterfall; may be repeated."),
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst lanes to print.")] = 10,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Also write all lanes to this file.")
    ] = None,
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Link budget of all lanes: power, noise, error ratio, margin, and the laser power that a margin needs."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import analysis
        from cpo_pdk.link.budget import link_budget
        from cpo_pdk.operation.document import budget_csv
        from cpo_pdk.output import refuse_unwritable, write_text

        if csv is not None:
            refuse_unwritable(csv, but=(Path(target),))
        prepared = analysis.prepare(target, spec, progress=progress, trust=trust)
        notes = list(prepared.notes)
        asked = [full_name(prepared.simulation, name) for name in lane or ()]
        if state == "cold":
            progress("making the budget")
            found = link_budget(prepared.spec, prepared.parts, prepared.sheets, prepared.simulation)
            table, gates, each = cold_csv(found), cold_gates(prepared.spec, found), {state: found}
            notes += found.warnings
        else:
            operation = analysis.operate(prepared, progress, transient=False)
            found, table = operation[state].budget, budget_csv(operation)
            each = {one.name: one.budget for one in operation.states}
            gates = [gate for gate in operation.gates if gate.key == "margin_dB"]
            notes += operation.warnings
        chosen = [one for name in asked for one in found.lanes if one.name == name]
        if csv is not None:
            write_text(csv, table)
        progress("")
        warnings = list(dict.fromkeys(notes))
        for note in warnings:
            progress.warn(note)
        text = _text(prepared.spec, each, state, worst, gates)
        for one in chosen:
            text += ["", *_waterfall(one)]
        document = as_json(prepared.spec, each, state, worst, chosen, gates, warnings)
        return Outcome(document, text, 0 if all(gate.holds for gate in gates) else 1)

    layout = Path(target).suffix.lower() in (".gds", ".gds2", ".gdsii", ".oas", ".oasis", ".gz")
    console.run(work, json, Limits() if layout else None)


def full_name(simulation: SimulationResult, name: str) -> str:
    """Name of the lane that `ENGINE/tx_P/C` means, the engine with or without `engine_` before it.

    Raises:
        InputError: there is none.
    """
    from cpo_pdk.errors import InputError
    from cpo_pdk.spec.suggestions import did_you_mean

    names = [f"{lane.engine}/tx_{lane.port}/{lane.channel}" for lane in simulation.lanes if lane.direction == "tx"]
    for known in (name, f"engine_{name}"):
        if known in names:
            return known
    first = f", {names[0]} is the first" if names else ""
    raise InputError(f"--lane {name}: no such lane{did_you_mean(name, names) or f'; there are {len(names)}{first}'}")


def cold_gates(spec: PackageSpec, found: LinkBudget) -> list[Gate]:
    """The required margin against that of the cold package; none where nothing is required."""
    from cpo_pdk.operation.results import Gate

    limit, lane = spec.require.margin_dB, found.worst
    if limit is None or lane is None:
        return []
    problem = spec.problem("require.margin_dB", "")
    line = f"{problem.file.name}:{problem.line}"
    return [Gate("margin_dB", limit, lane.margin_dB, f"{lane.name} (cold)", lane.margin_dB >= limit, line)]


def cold_csv(found: LinkBudget) -> str:
    """All lanes of a cold package as CSV, with the columns of `budget.csv`."""
    import csv
    import io

    from cpo_pdk.operation.document import COLUMNS, lane_row

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(["cold", *lane_row(lane)] for lane in found.lanes)
    return text.getvalue()


def as_json(
    spec: PackageSpec,
    each: Mapping[str, LinkBudget],
    state: str,
    worst: int,
    chosen: list[LinkLane],
    gates: list[Gate],
    warnings: list[str],
) -> dict[str, Any]:
    """What `--json` prints: margins at every state; of one, costs, worst lanes, and waterfalls that were asked for."""
    from cpo_pdk.operation.document import gate_json, rounded

    found = each[state]
    lane = found.worst
    return {
        "package": spec.name,
        "state": state,
        "lanes": len(found.lanes),
        "modulation": found.modulation,
        "baud_GBd": rounded(found.baud_GBd),
        "fec": found.fec,
        "threshold_ber": found.threshold_ber,
        "parts": found.parts,
        "margin_dB": _margins(found),
        "states": {name: _margins(budget) for name, budget in each.items()},
        "laser": _laser_json(spec, lane),
        "holds": all(gate.holds for gate in gates),
        "gates": [gate_json(gate) for gate in gates],
        "costs_dB": [
            {"name": c.name, "mean": rounded(c.mean_dB), "max": rounded(c.max_dB), "share": rounded(c.share)}
            for c in found.costs
        ],
        "bandwidth_dB": {name: rounded(value) for name, value in found.bandwidth_dB.items()},
        "worst": [_lane_json(one, found.fec) for one in _worst(found, worst)],
        "waterfalls": {
            one.name: [
                {**vars(step), "change_dB": rounded(step.change_dB, 6), "level_dBm": rounded(step.level_dBm, 6)}
                for step in one.steps
            ]
            for one in chosen
        },
        "warnings": warnings,
    }


def _margins(found: LinkBudget) -> dict[str, Any]:
    """Least, middle and largest margin of all lanes, and the lane with the least."""
    from cpo_pdk.operation.document import median, rounded

    values, lane = [one.margin_dB for one in found.lanes], found.worst
    return {
        "min": rounded(min(values, default=None)),
        "median": rounded(median(values)),
        "max": rounded(max(values, default=None)),
        "worst_lane": lane.name if lane else None,
    }


def _laser_json(spec: PackageSpec, lane: LinkLane | None) -> dict[str, Any]:
    """Power that the lasers have and that the worst lane needs, a wavelength and a fibre, and their classes."""
    from cpo_pdk.link.laser_classes import class_for, total_dBm
    from cpo_pdk.operation.document import rounded

    def power(dBm: float | None) -> dict[str, Any] | None:
        if dBm is None:
            return None
        total = total_dBm(dBm, spec.engine.grid.channels)
        return {"per_wavelength_dBm": rounded(dBm), "fibre_dBm": rounded(total), "elsfp_class": class_for(total)}

    return {"has": power(spec.laser.per_wavelength_dBm), "needed": power(lane.needed_laser_dBm if lane else None)}


def _lane_json(lane: LinkLane, fec: str) -> dict[str, Any]:
    from cpo_pdk.link.correction import corrected_ber
    from cpo_pdk.operation.document import COLUMNS, lane_row, rounded

    values = dict(zip(COLUMNS[1:], lane_row(lane), strict=True))
    noise = {name: rounded(value) for name, value in lane.noise_uA.items()}
    penalties = {name: rounded(value) for name, value in lane.penalties_dB.items()}
    corrected = float(f"{float(corrected_ber(lane.ber, fec)):.4g}")
    return {
        "name": lane.name,
        **values,
        "ber_corrected": corrected,
        "noise_uA": noise,
        "penalties_dB": penalties,
    }


def _worst(found: LinkBudget, count: int) -> list[LinkLane]:
    return sorted(found.lanes, key=lambda lane: lane.margin_dB)[:count]


def _text(spec: PackageSpec, each: Mapping[str, LinkBudget], state: str, worst: int, gates: list[Gate]) -> list[Any]:
    from rich.table import Table
    from rich.text import Text

    from cpo_pdk.operation.document import median

    found = each[state]
    lane = found.worst
    text: list[Any] = [
        f"{spec.name}, {state}: {len(found.lanes)} lanes, {found.modulation} at {found.baud_GBd:g} GBd, threshold "
        f"{found.threshold_ber:.2g} ({found.fec})"
    ]
    if lane is None:
        return text
    laser = _laser_json(spec, lane)
    has = f"it has {_power(laser['has'])}"
    needed = f"{_power(laser['needed'])} ({has})"
    wanted = spec.require.margin_dB or 0.0
    middle = median(one.margin_dB for one in found.lanes)
    text.append(
        f"margin {lane.margin_dB:.2f} dB ({lane.name}), median {middle:.2f} dB; laser for {wanted:g} dB margin: "
        f"{needed}"
    )
    others = [(name, budget.worst) for name, budget in each.items() if name != state]
    if others:
        listed = (f"{name} {least.margin_dB:.2f} dB ({least.name})" for name, least in others if least is not None)
        text.append(f"least margin at other loads: {', '.join(listed)}")
    slow = ", ".join(f"{name} {value:.2f}" for name, value in found.bandwidth_dB.items())
    text.append(f"bandwidth, dB that each would give back if it were infinitely fast: {slow}")
    for gate in gates:
        verdict = "holds" if gate.holds else "is missed"
        text.append(f"{gate.line}: margin_dB {gate.limit:g} {verdict}: {gate.value:.2f} dB at {gate.where}")
    if worst:
        table = Table(box=None, padding=(0, 2, 0, 0), title="worst lanes", title_justify="left")
        for heading in (
            "lane",
            "nm",
            "launch dBm",
            "ER dB",
            "TDECQ dB",
            "OMA dBm",
            "needs dBm",
            "Q",
            "BER",
            "margin dB",
        ):
            table.add_column(heading, justify="left" if heading == "lane" else "right")
        for one in _worst(found, worst):
            table.add_row(Text(printable(one.name)), *_figures(one))
        text.append(table)
    table = Table(box=None, padding=(0, 2, 0, 0), title="what costs most", title_justify="left")
    for heading in ("step", "mean dB", "max dB", "share"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for cost in found.costs[:12]:
        table.add_row(Text(printable(cost.name)), f"{cost.mean_dB:.2f}", f"{cost.max_dB:.2f}", f"{cost.share:.0%}")
    text.append(table)
    return text


def _power(power: dict[str, Any] | None) -> str:
    if power is None:
        return "no power would do"
    kind = f"class {power['elsfp_class']}" if power["elsfp_class"] else "above every class"
    return f"{power['per_wavelength_dBm']:.2f} dBm a wavelength, {power['fibre_dBm']:.2f} dBm a fibre, {kind}"


def _figures(lane: LinkLane) -> tuple[str, ...]:
    return (
        f"{lane.wl_um * 1e3:.2f}",
        f"{lane.launch_dBm:.2f}",
        f"{lane.extinction_dB:.2f}",
        f"{lane.tdecq_dB:.2f}",
        f"{lane.oma_rx_dBm:.2f}",
        f"{lane.needed_oma_dBm:.2f}",
        f"{lane.q:.2f}",
        f"{lane.ber:.1e}",
        f"{lane.margin_dB:.2f}",
    )


def _waterfall(lane: LinkLane) -> list[Any]:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), title=Text(printable(lane.name)), title_justify="left")
    for heading in ("step", "dB", "dBm", "where", "x mm", "y mm", "from"):
        table.add_column(heading, justify="right" if heading in ("dB", "dBm", "x mm", "y mm") else "left")
    for step in lane.steps:
        change = "" if step.kind == "source" else f"{step.change_dB:+.3f}"
        place = ["" if v is None else f"{v / 1e3:.3f}" for v in (step.x, step.y)]
        where = ("far: " if step.far else "") + step.instance
        cells = (step.name, change, f"{step.level_dBm:.3f}", where, *place, step.source)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    end = (
        f"{lane.bare_oma_dBm:.2f} dBm would do for the amplifier's noise alone: {lane.margin_dB:.2f} dB margin, "
        f"{lane.margin_peak_dB:.2f} dB with crosstalk at its peak"
    )
    return [table, end]

"""`cpo plan`: whether a package can be built and what it comes to, in seconds and without drawing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cpo_pdk.cli import console
from cpo_pdk.cli.building import SpecArgument
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, TrustOption

if TYPE_CHECKING:
    from cpo_pdk.assemblies.overview import Overview


def plan(spec: SpecArgument, trust: TrustOption = False, json: JsonOption = False) -> None:
    """Place the engines of SPEC, assign its SerDes lanes, plan its fibres; say what it comes to, or what forbids it."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import flow
        from cpo_pdk.report.gather import arithmetic_of

        package, result = flow.plan(spec, progress=progress, trust=trust)
        progress("")
        arithmetic = arithmetic_of(package)
        return Outcome({**result.as_json(), "arithmetic": list(arithmetic)}, _summary(result, arithmetic))

    console.run(work, json)


def _summary(result: Overview, arithmetic: tuple[str, ...]) -> list[Any]:
    from rich.table import Table

    facts = result.as_json()
    places = Table("engine", "side", "row", "x mm", "y mm", "", box=None, padding=(0, 2, 0, 0))
    for p in facts["placement"]:
        at = f"{p['x_mm']:g}", f"{p['y_mm']:g}"
        places.add_row(p["name"], p["side"], str(p["row"]), *at, "spare" if p["spare"] else "")
    trace, fibre, worst = facts["traces"], facts["fibre_length_mm"], facts["traces"]["longest"]
    limits = [
        f"{value:g} {unit}"
        for value, unit in ((trace["reach_mm"], "mm"), (trace["reach_dB"], "dB"))
        if value is not None
    ]
    size, longest = facts["engine_size_mm"], result.longest_trace.length * 1e-3
    return [
        *arithmetic,
        "",
        f"engine     {size[0]:g} x {size[1]:g} mm, {facts['architecture']}",
        *([f"pitch      {facts['pitch_mm']:g} mm"] if facts["pitch_mm"] else []),
        f"traces     {trace['count']}, the longest {longest:.2f} mm ({worst['lane']} to {worst['port']} of "
        f"{worst['engine']}), {trace['loss_dB']:.2f} dB at {trace['nyquist_GHz']:g} GHz; {trace['reach']} reaches "
        f"{' and '.join(limits)}",
        f"ribbons    {facts['crossings']} crossings; fibres {fibre['shortest']:.1f} to {fibre['longest']:.1f} mm long",
        "",
        places,
    ]

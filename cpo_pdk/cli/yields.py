"""`cpo yield`: how many packages work, what kills the others, what spares buy, what a good one costs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, TrustOption
from cpo_pdk.cli.places import (
    InsecureOption,
    ResumeOption,
    SchedulerOption,
    TlsCaOption,
    TlsCertOption,
    TlsKeyOption,
    WorkersOption,
    place_of,
)

if TYPE_CHECKING:
    from cpo_pdk.yields.results import Interval, YieldResult


def yield_(
    target: Annotated[str, typer.Argument(metavar="SPEC|GDS", help="A package spec, or a layout file of a package.")],
    spec: Annotated[
        str | None,
        typer.Option("--spec", metavar="SPEC", help="What a layout was asked to be; default: by its top cell's name."),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", help="Packages that are drawn, 1 to 10,000,000.")] = 1000,
    seed: Annotated[int, typer.Option(metavar="K", help="Of all random streams, 0 to 2^63 - 1.")] = 1,
    one_engine: Annotated[
        bool, typer.Option("--one-engine", help="Draw the first engine alone, with its lasers and fibres.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Without what-if runs and sensitivity: yields, spares, life, cost.")
    ] = False,
    rare: Annotated[
        float | None,
        typer.Option(
            "--rare", metavar="DB", help="Also how rarely an engine has a lane of less margin, by subset simulation."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Results go to OUT/<name>_yield/.")] = Path("gds_out"),
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
    tls_ca: TlsCaOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    insecure_cluster: InsecureOption = False,
    resume: ResumeOption = False,
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Yield of a package with its interval, from the variation of the process to the cost of a good Tb/s."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.yields.limits import check_samples

        check_samples(samples, seed, rare)
        place = place_of(workers, scheduler, tls_ca, tls_cert, tls_key, insecure_cluster)

        # what takes long to import comes after what may be refused
        from cpo_pdk import production
        from cpo_pdk.execution import Bar
        from cpo_pdk.report.yield_json import yield_document

        result, folder, interrupted = production.yield_run(
            target,
            spec,
            samples=samples,
            seed=seed,
            one_engine=one_engine,
            quick=quick,
            rare_dB=rare,
            out=out,
            place=place,
            resume=resume,
            trust=trust,
            progress=progress,
            bar=lambda: Bar(sys.stderr, "sampling", "packages"),
        )
        progress("")
        document = {**yield_document(result), "folder": str(folder)}
        code = 130 if interrupted else 0 if result.holds else 1
        return Outcome(document, _text(result, folder), code)

    console.run(work, json)


def share(value: float) -> str:
    """A share in per cent, with as many decimals as tell it from 0 and 100."""
    rest = min(value, 1 - value)
    decimals = 2 if rest <= 0 or rest >= 1e-3 else 4 if rest >= 1e-5 else 6
    return f"{value:.{decimals}%}"


def percent(interval: Interval) -> str:
    """`96.20% (95.10% to 97.00%)`."""
    return f"{share(interval.value)} ({share(interval.low)} to {share(interval.high)})"


def _text(result: YieldResult, folder: Path) -> list[Any]:
    from rich.table import Table

    whole = "" if result.samples == result.asked else f" of {result.asked} asked for: a partial result"
    text: list[Any] = [
        f"{result.name}: {result.samples} packages{whole}, seed {result.seed}, state {result.state}; "
        f"digest {result.digest[:16]}"
    ]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("yield", "value", "95 % interval", "how"):
        table.add_column(heading, justify="left" if heading in ("yield", "how") else "right")
    for words, at in (
        ("rings held", result.ring),
        ("lanes", result.lane),
        ("dies", result.die),
        ("engines with fibres", result.engine),
        ("packages as made", result.package),
        ("from tested dies and engines", result.tested),
        ("shipped after spares, repair and test", result.shipped),
        ("escapes among them", result.escapes),
    ):
        known = at.samples > 0  # no package shipped: no share of escapes
        interval = f"{share(at.low)} to {share(at.high)}" if known else ""
        table.add_row(words, share(at.value) if known else "-", interval, at.method if known else "none shipped")
    text.append(table)
    if result.killers:
        text.append("what kills; yield of packages as it is and without the cause, on the same samples:")
        causes = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("cause", "dead that live without it", "kills alone", "yield", "without it", "Sobol total"):
            causes.add_column(heading, justify="left" if heading == "cause" else "right")
        for killer in result.killers:
            total = killer.sobol_total
            causes.add_row(
                killer.words,
                "" if killer.rescued is None else share(killer.rescued.value),
                share(killer.first_share.value) if killer.alone else "",
                "" if killer.baseline is None else share(killer.baseline.value),
                percent(killer.fixed_yield),
                "" if total is None else f"{total.value:.3f} ({total.low:.3f} to {total.high:.3f})",
            )
        text.append(causes)
    if result.cost is not None:
        cost = result.cost
        text.append(
            f"a good package {cost.package_USD:,.0f} USD, a good Tb/s {cost.USD_Tbps:,.1f} USD "
            f"({cost.interval.low:,.1f} to {cost.interval.high:,.1f})"
            + (f"; {len(cost.placeholders)} prices are placeholders" if cost.placeholders else "")
        )
    if result.rare is not None:
        text.append(
            f"an engine has a lane below {result.rare_dB:g} dB with a probability of {result.rare.value:.3g} "
            f"({result.rare.low:.3g} to {result.rare.high:.3g}; {result.rare.method})"
        )
    for point in result.life[len(result.life) // 2 :: max(1, len(result.life) // 2)]:
        text.append(
            f"after {point.years:g} years: untouched {percent(point.untouched)}, available {percent(point.available)}"
        )
    if result.gate is not None:
        verdict = "holds" if result.holds else "is missed"
        text.append(f"require.yield_pct {result.gate:g} {verdict}: lower end {result.package.low:.2%}")
    text.append("what that rests on:")
    text += [f"  {note}" for note in result.notes]
    text.append(f"report: {folder / 'yield.html'}")
    return text

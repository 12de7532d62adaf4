"""Everything that is said of sampled packages, in one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.spec.part import Part
from cpo_pdk.spec.production import Production
from cpo_pdk.spec.production_choice import ProductionSheets
from cpo_pdk.yields.compose import Composed, compose
from cpo_pdk.yields.cost import Bill, cost_of
from cpo_pdk.yields.histograms import histogram
from cpo_pdk.yields.killers import Indices, killers
from cpo_pdk.yields.lifetime import Life, hardware_of
from cpo_pdk.yields.plan import Plan
from cpo_pdk.yields.results import Cost, Histogram, RingMap, WaferMap, YieldResult
from cpo_pdk.yields.sampled import Sampled
from cpo_pdk.yields.spares import spares_curves, with_engines

_POINTS = 11  # of the curve over the years
_FEW = 100  # tested dies below which packages share too many of them


def yield_result(
    sampled: Sampled,
    *,
    name: str,
    state: str,
    production: Production,
    sheets: ProductionSheets,
    bill: Bill,
    digest: str,
    asked: int,
    notes: Sequence[str] = (),
    gate_pct: float | None = None,
    sobol: Mapping[str, Indices] | None = None,
    rings: RingMap | None = None,
    wafer: WaferMap | None = None,
    losses: Sequence[Histogram] = (),
    seconds: Mapping[str, float] | None = None,
    engine_C: Sequence[float] | None = None,
    laser_C: float | None = None,
    fibres: int | None = None,
) -> YieldResult:
    """Compose sampled packages and say all of it.

    Args:
        sampled: the packages.
        name: of the package; `state` at work that it was sampled in.
        production, sheets: how it is made.
        bill: what is in one package.
        digest: of the samples; `asked` how many were asked for.
        notes: of what came before.
        gate_pct: least yield of packages, %.
        sobol: indices by cause.
        rings, wafer, losses, seconds: handed on.
        engine_C, laser_C: temperatures of the heat model; where None, those that the failure rates hold for.
        fibres: of one engine with its laser fibres; None: its data fibres.

    Raises:
        SpecError: sheets that can't be used, at their line.
        InputError: causes that are not known.
    """
    plan, least = Plan.of(production, sheets.test), production.margin_dB
    there = sampled.margin_dB.shape[1]
    wanted = sampled.must_work + production.spares.engines
    built = with_engines(sampled, wanted) if wanted > there else sampled
    bill = bill.more(max(wanted - there, 0), production.spares.lasers)
    composed = compose(built, plan, least)
    cost = cost_of(composed, sheets.prices, bill, sampled.seed)

    def price(other: Composed, engines: int, modules: int) -> float | None:
        found = cost_of(other, sheets.prices, bill.more(engines, modules), sampled.seed, resamples=1)
        return None if found is None else found.USD_Tbps

    known_C = [sheets.life["engine_at_C"]] if engine_C is None else list(engine_C)
    if len(known_C) == there:
        known_C = [known_C[place % there] for place in range(built.margin_dB.shape[1])]
    hardware = hardware_of(
        built,
        engine_C=known_C,
        laser_C=sheets.life["laser_at_C"] if laser_C is None else laser_C,
        fibres=fibres,
    )
    life = Life.of(sheets.life, hardware, production.spares.wavelengths, production.spares.lasers)
    own = _notes(built, composed, cost, sheets)
    if wanted > there:
        own.append(f"spare engines beyond the {there} that were sampled come from the next sample: dies of other lots")
    if engine_C is None or laser_C is None:
        own.append("life: engines or lasers at the temperature that their failure rate holds for, not at their own")
    return YieldResult(
        name=name,
        samples=sampled.samples,
        asked=asked,
        seed=sampled.seed,
        digest=digest,
        state=state,
        ring=composed.ring,
        lane=composed.lane,
        die=composed.die,
        engine=composed.engine,
        package=composed.package,
        tested=composed.tested,
        shipped=composed.shipped,
        escapes=composed.escapes,
        killers=killers(sampled, least, sobol),
        spares=spares_curves(built, plan, least, price),
        life=life.points(np.linspace(0.0, production.years, _POINTS), composed.escapes),
        cost=cost,
        margins=_margins(sampled),
        losses=tuple(losses),
        rings=rings,
        wafer=wafer,
        notes=(*notes, *own),
        gate=gate_pct,
        holds=gate_pct is None or composed.package.low * 100 >= gate_pct,
        seconds=dict(seconds or {}),
        least_dB=least,
    )


def _margins(sampled: Sampled) -> tuple[Histogram, ...]:
    margin, sends = np.asarray(sampled.margin_dB), sampled.lanes.transmit
    worst: NDArray[np.floating] = np.min(margin[:, : sampled.must_work], axis=(1, 2))
    found = [
        histogram(f"margin of {word} lanes", "dB", margin[:, :, which])
        for word, which in (("transmit", sends), ("receive", ~sends))
        if np.any(which)
    ]
    return (*found, histogram("margin of the worst lane of a package", "dB", worst))


def _notes(sampled: Sampled, composed: Composed, cost: Cost | None, sheets: ProductionSheets) -> list[str]:
    """What has to be known to read the numbers."""
    found = []
    if 0 < composed.stock < _FEW:
        found.append(
            f"packages from tested dies share {composed.stock} dies that passed: their yields have wider intervals "
            "than said; draw more samples"
        )
    if composed.stock == 0:
        found.append("no die passed its test: nothing can be built of tested dies")
    if composed.stock and cost is None:
        found.append("no package left its last test good: a good one has no price")
    for sheet in (sheets.test, sheets.life, sheets.prices):
        text = _choices(sheet)
        if text:
            found.append(text)
    if sampled.mounted is None:
        found.append("bumps of engines are taken to meet those of the substrate")
    return found


def _choices(sheet: Part) -> str:
    """How many numbers of a sheet nobody has published or quoted."""
    chosen = [name for name, parameter in sheet.parameters.items() if parameter.choice]
    if not chosen:
        return ""
    whole = len(sheet.parameters)
    words = {"prices": "placeholders", "test": "assumptions", "life": "assumptions"}[sheet.kind]
    which = "all" if len(chosen) == whole else f"{len(chosen)} of"
    return f"{sheet.name}: {which} {whole} numbers are {words}, not quotations or measurements"

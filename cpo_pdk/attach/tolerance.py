"""The tolerance analysis as one function: samples of a package's fibre arrays, yields, sensitivities, accuracies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cpo_pdk.attach.accuracy import ALL, Study, accuracy, check, samples_for, savings, share_of
from cpo_pdk.attach.bumps import Bumps
from cpo_pdk.attach.limits import Limit
from cpo_pdk.attach.model import AXES, AttachModel
from cpo_pdk.attach.results import BumpResult, ConnectorResult, Share, ToleranceResult
from cpo_pdk.attach.sensitivity import sensitivity
from cpo_pdk.errors import InputError
from cpo_pdk.models.sdict import Array
from cpo_pdk.variation.samples import Draw

#: per cent that losses are given at
QUANTILES = (50.0, 95.0, 99.0, 99.9)
SAMPLES_LEAST, SAMPLES_LIMIT = 10, 1_000_000
#: arrays that are computed at once
PORTION = 50_000
SEEDS = 2**63
#: arrays that accuracies are asked of, at least (where so many are drawn): more only make intervals narrower
STUDIED = 3000
#: arrays that the error of an approximation is looked for in
FEW = 200


@dataclass(frozen=True)
class Asked:
    """What is asked of a package's fibre arrays.

    Attributes:
        name, engine: of the package and the engine's cell.
        engines: in use.
        limit: what an array must keep.
        wanted: yield, 0 to 1; `unit` of what.
        samples: arrays; `seed` of the streams.
    """

    name: str
    engine: str
    engines: int
    limit: Limit
    wanted: float = 0.99
    unit: Literal["array", "package"] = "array"
    samples: int = 10_000
    seed: int = 1


def tolerance(
    model: AttachModel, asked: Asked, *, bumps: Bumps | None = None, pairs: int = 0, connector: str = ""
) -> ToleranceResult:
    """How the fibres are attached, how well they must be, and what limits them.

    Args:
        model: of the arrays.
        asked: the question.
        bumps: of the engine, None where nothing is known of them.
        pairs: mated pairs in a row on the way of a fibre, of the `connector` sheet.

    Raises:
        InputError: samples or yields that can't be.
    """
    check_asked(asked.wanted, asked.samples, asked.seed)
    share = asked.wanted if asked.unit == "array" else asked.wanted ** (1 / asked.engines)
    check(share, asked.samples)
    seconds: dict[str, float] = {}
    started = time.perf_counter()

    def stage(name: str) -> None:
        nonlocal started
        seconds[name], started = time.perf_counter() - started, time.perf_counter()

    draw = Draw(asked.seed, np.arange(asked.samples))
    studied = min(asked.samples, max(STUDIED, 2 * samples_for(share)))
    drawn = model.draws(Draw(asked.seed, draw.samples[:studied]), 1)
    excess = _excess(model, draw)
    kept = asked.limit.kept(excess)
    good = kept.all(-1)
    stage("samples")
    study = Study(model, asked.limit, drawn)
    accuracies = tuple(accuracy(study, name, share) for name in (ALL, *AXES))
    saved = savings(study)
    stage("accuracies")
    sensitive = sensitivity(model)
    stage("sensitivity")
    worst = asked.limit.lost_dB(excess).max(-1)
    array = share_of(int(good.sum()), asked.samples)
    return ToleranceResult(
        name=asked.name,
        engine=asked.engine,
        engines=asked.engines,
        sheet=model.source,
        samples=asked.samples,
        seed=asked.seed,
        limit=asked.limit.words,
        ways=asked.limit.names,
        allowed_dB=asked.limit.allowed_dB,
        wanted=asked.wanted,
        unit=asked.unit,
        fibre=_fibre(kept, asked.samples),
        array=array,
        package=_all_of(array, asked.engines),
        ports=model.ports,
        kinds=model.kinds,
        x_um=model.facet.x_um,
        nominal_dB=model.nominal_dB,
        mean_dB=excess.mean(0),
        sigma_dB=excess.std(0),
        quantiles_dB={q: np.percentile(excess, q, axis=0) for q in QUANTILES},
        correlation=_correlation(excess),
        worst_quantiles_dB={q: float(np.percentile(worst, q)) for q in QUANTILES},
        good_share=kept.mean(0),
        sensitivity=sensitive,
        accuracies=accuracies,
        savings=saved,
        bumps=_bumps(bumps, draw, share) if bumps is not None else None,
        connectors=_connectors(model, draw, pairs, connector),
        notes=_notes(model, asked, model.wavelength_error_dB(drawn.part(slice(0, FEW)))),
        seconds=seconds,
    )


def _excess(model: AttachModel, draw: Draw) -> Array:
    """Loss of every fibre of every array, shape (S, P), portion by portion: a million arrays fit into memory."""
    found = np.empty((len(draw.samples), len(model.ports)))
    for start in range(0, len(found), PORTION):
        rows = slice(start, start + PORTION)
        found[rows] = model.excess_dB(Draw(draw.seed, draw.samples[rows]), 1)[:, 0]
    return found


def check_asked(wanted: float, samples: int, seed: int) -> None:
    """Refuse at once what can't be computed later.

    Raises:
        InputError: samples, seed or yield out of bounds; samples that can't show the yield of an array.
    """
    if not SAMPLES_LEAST <= samples <= SAMPLES_LIMIT:
        raise InputError(f"samples is {samples}, {SAMPLES_LEAST} to {SAMPLES_LIMIT} allowed; give 1000 to 100000")
    if not 0 <= seed < SEEDS:
        raise InputError(f"seed is {seed}, 0 to {SEEDS - 1} allowed; give another")
    check(wanted, samples)


def _fibre(kept: np.ndarray, samples: int) -> Share:
    """Share of all ways of the light; fibres of one array go together, so that the interval rests on arrays."""
    each = kept.mean(-1)
    half = 1.96 * float(each.std(ddof=1)) / np.sqrt(samples)
    value = float(each.mean())
    edge = share_of(round(value * samples), samples)
    if half == 0:
        return Share(value, edge.low, edge.high, samples)
    return Share(value, max(value - half, 0.0), min(value + half, 1.0), samples)


def _all_of(one: Share, count: int) -> Share:
    """Share of groups of so many independent ones that are all good."""
    return Share(one.value**count, one.low**count, one.high**count, one.samples)


def _correlation(excess: Array) -> Array:
    """Of every two fibres; 1 on the diagonal, 0 where a loss doesn't spread."""
    excess = excess[:PORTION].astype(np.float64)
    spread = excess.std(0)
    safe = np.where(spread > 1e-12, spread, np.inf)
    centred = (excess - excess.mean(0)) / safe
    found = centred.T @ centred / len(excess)
    np.fill_diagonal(found, 1.0)
    return found


def _bumps(bumps: Bumps, draw: Draw, share: float) -> BumpResult:
    drawn = bumps.draws(draw, 1)
    offset = bumps.offset_um(drawn)[:, 0]
    return BumpResult(
        pitch_um=bumps.pitch_um,
        reach_um=bumps.reach_um,
        half_mm=(bumps.half_um[0] / 1e3, bumps.half_um[1] / 1e3),
        yield_share=share_of(int((offset <= bumps.reach_um).sum()), len(offset)),
        offset_95_um=float(np.percentile(offset, 95)),
        needed_x_um=bumps.needed(drawn, share, turn=False),
        needed_turn_deg=bumps.needed(drawn, share, turn=True),
    )


def _connectors(model: AttachModel, draw: Draw, pairs: int, sheet: str) -> ConnectorResult | None:
    known = model.connectors
    if known is None or pairs <= 0:
        return None
    lost = known.mean_dB * pairs + known.deviation_dB(draw, 1, pairs)[:, 0]
    found = {q: float(np.percentile(lost, q)) for q in QUANTILES}
    return ConnectorResult(sheet, pairs, known.mean_dB, known.sigma_dB, known.max_dB, found)


def _notes(model: AttachModel, asked: Asked, wavelength_dB: float) -> tuple[str, ...]:
    """What was taken as simpler than it is."""
    couplers = {port.coupler.sheet for port in model.facet.ports}
    spots = sorted({f"{x:.3g} x {y:.3g} um" for p in model.facet.ports for x, y in p.coupler.spots.values()})
    return (
        f"spots of {', '.join(sorted(couplers))} are Gaussian, {', '.join(spots)}; beyond 10 dB fibres catch more",
        "the array is stiff, turned about the middle of its fibres' ends; where it would enter the chip it stands back",
        f"losses are counted from the coupling that the circuit computes; the mean gap of {model.gap_um:g} um alone "
        f"costs {float(model.nominal_dB.max()):.2f} dB",
        f"losses are those of the middle of the channels; at their ends 99 % of the fibres differ by less than "
        f"{max(wavelength_dB, 0.001):.3f} dB",
        f"fibre arrays are independent of each other: the yield of {asked.engines} is that of one to this power",
        "engines off their place move no light: their fibres go with them",
    )

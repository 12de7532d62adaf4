"""A tolerance analysis as a JSON document and as a table of its fibres."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from typing import Any

from cpo_pdk.attach.results import Accuracy, AxisSensitivity, Share, ToleranceResult

FORMAT = "cpo_pdk tolerance 1"


def tolerance_json(result: ToleranceResult) -> dict[str, Any]:
    """Everything that was found; numbers of six digits, so that the last bits of a processor don't show."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "package": result.name,
        "engine": result.engine,
        "engines": result.engines,
        "attach": result.sheet,
        "samples": result.samples,
        "seed": result.seed,
        "limit": result.limit,
        "wanted": {"yield": rounded(result.wanted), "of": result.unit},
        "yield": {"fibre": _share(result.fibre), "array": _share(result.array), "package": _share(result.package)},
        "worst_fibre_dB": {f"{q:g}": rounded(value) for q, value in result.worst_quantiles_dB.items()},
        "accuracies": [_accuracy(one) for one in result.accuracies],
        "savings": [
            {
                "name": one.name,
                "words": one.words,
                "array_yield": _share(one.array),
                "mean_dB": rounded(one.mean_dB),
            }
            for one in result.savings
        ],
        "sensitivity": [_axis(one) for one in result.sensitivity.axes],
        "ways": [
            {"name": name, "allowed_dB": rounded(allowed), "good": rounded(good)}
            for name, allowed, good in zip(result.ways, result.allowed_dB, result.good_share, strict=True)
        ],
        "fibres": [dict(zip(_columns(result), row, strict=True)) for row in _rows(result)],
        "correlation": [_list(row) for row in result.correlation],
        "bumps": None,
        "connectors": None,
        "notes": list(result.notes),
    }
    if result.bumps is not None:
        bumps = result.bumps
        document["bumps"] = {
            "pitch_um": rounded(bumps.pitch_um),
            "reach_um": rounded(bumps.reach_um),
            "half_mm": _list(bumps.half_mm),
            "yield": _share(bumps.yield_share),
            "offset_95_um": rounded(bumps.offset_95_um),
            "needed_x_um": rounded(bumps.needed_x_um),
            "needed_turn_deg": rounded(bumps.needed_turn_deg),
        }
    if result.connectors is not None:
        pair = result.connectors
        document["connectors"] = {
            "part": pair.sheet,
            "pairs": pair.pairs,
            "mean_dB": rounded(pair.mean_dB),
            "sigma_dB": rounded(pair.sigma_dB),
            "max_dB": rounded(pair.max_dB),
            "loss_dB": {f"{q:g}": rounded(value) for q, value in pair.quantiles_dB.items()},
        }
    return document


def tolerance_csv(result: ToleranceResult) -> str:
    """One row a fibre: place, loss in the mean and at quantiles, what each error at one standard deviation costs it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_columns(result))
    writer.writerows(_rows(result))
    return text.getvalue()


def _columns(result: ToleranceResult) -> list[str]:
    quantiles = [f"p{q:g}_dB" for q in result.quantiles_dB]
    errors = [f"{axis.name}_sigma_dB" for axis in result.sensitivity.axes]
    return ["port", "use", "x_um", "nominal_dB", "mean_dB", "sigma_dB", *quantiles, *errors]


def _rows(result: ToleranceResult) -> Iterable[list[Any]]:
    columns = (
        result.x_um,
        result.nominal_dB,
        result.mean_dB,
        result.sigma_dB,
        *result.quantiles_dB.values(),
        *(axis.at_sigma_dB for axis in result.sensitivity.axes),
    )
    for number, (port, use) in enumerate(zip(result.ports, result.kinds, strict=True)):
        yield [port, use, *(rounded(column[number]) for column in columns)]


def rounded(value: float | None) -> float | None:
    """Six digits; None for nothing and for what is no number."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.6g}") + 0.0


def _list(values: Iterable[float]) -> list[float | None]:
    return [rounded(float(value)) for value in values]


def _share(share: Share) -> dict[str, Any]:
    low, high = rounded(share.low), rounded(share.high)
    return {"value": rounded(share.value), "low": low, "high": high, "samples": share.samples}


def _accuracy(one: Accuracy) -> dict[str, Any]:
    errors, kept = one.curve
    return {
        "name": one.name,
        "words": one.words,
        "unit": one.unit,
        "sheet": rounded(one.sheet),
        "needed": rounded(one.needed),
        "low": rounded(one.low),
        "high": rounded(one.high),
        "at_least": one.at_least,
        "alone": rounded(one.alone),
        "ceiling": _share(one.ceiling),
        "curve": {"sigma": _list(errors), "yield": _list(kept)},
    }


def _axis(one: AxisSensitivity) -> dict[str, Any]:
    return {
        "name": one.name,
        "words": one.words,
        "unit": one.unit,
        "sigma": rounded(one.sigma),
        "at_unit_dB": _list(one.at_unit_dB),
        "at_sigma_dB": _list(one.at_sigma_dB),
        "for_1dB": rounded(one.for_1dB),
    }

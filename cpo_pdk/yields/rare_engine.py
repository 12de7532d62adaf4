"""How rarely an engine falls below a margin: subset simulation of its worst lane, by the whole model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.variation.samples import Draw
from cpo_pdk.yields.gather import alone_engine, lanes_of
from cpo_pdk.yields.model import PackageModel
from cpo_pdk.yields.rare_walk import RareFailure, rare_failure
from cpo_pdk.yields.sampled import rings_hold
from cpo_pdk.yields.sampling import sample

NOT_HELD_DB = -1e-3
"""Distance to failure of a lane whose margin is there but whose ring is not held: it has failed, just so."""


def rare_engine(
    model: PackageModel,
    least_dB: float,
    seed: int,
    *,
    samples: int = 200,
    runs: int = 4,
    at_once: int = 256,
    fixed: frozenset[str] = frozenset(),
    progress: Callable[[int], None] | None = None,
) -> RareFailure:
    """Probability that an engine of the package, lasers and fibres with it, has a lane that fails.

    Args:
        model: of the package; its first engine is looked at.
        least_dB: margin below which a lane fails.
        seed: of all streams.
        samples: of each level; `runs` independent runs give the interval.
        at_once: engines that are computed together.
        fixed: causes that stay nominal.
        progress: called with the engines computed so far.

    Raises:
        InputError: too few samples or runs.
    """
    one = alone_engine(model)
    return rare_failure(
        lambda draw: distance(one, draw, least_dB),
        seed,
        samples=samples,
        runs=runs,
        at_once=at_once,
        fixed=fixed,
        progress=progress,
    )


def distance(model: PackageModel, draw: Draw, least_dB: float) -> NDArray[np.float64]:
    """What the worst lane of each package has above the least margin, dB; below 0 where one fails. Shape (S,)."""
    columns = sample(model, draw)
    lanes = lanes_of(model.cells[model.engines[0].cell])
    above = columns["margin_dB"].astype(np.float64) - least_dB
    held = rings_hold(columns["held"], lanes)
    return np.min(np.where(held, above, np.minimum(above, NOT_HELD_DB)), axis=(1, 2))

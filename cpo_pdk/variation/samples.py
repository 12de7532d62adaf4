"""Which samples of which random streams are drawn; the draws themselves are in `streams`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Step:
    """One part of numbers that were walked to: those of other streams, with a weight.

    Attributes:
        seed: of the streams.
        samples: numbers of the samples there, shape (S,).
        weight: of each sample, 0: this step was not taken; shape (S,).
    """

    seed: int
    samples: Whole
    weight: NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """A set of samples: every number of it follows from the seed, the cause, the sample and the device alone.

    Attributes:
        seed: of all streams.
        samples: numbers of the samples, shape (S,).
        fixed: causes that stay at their nominal value.
        swapped: cause -> seed that it is drawn with in place of `seed` (for sensitivity).
        walked: given, every normal number is the weighted sum of those of the steps, whose squared weights add up to 1
            in each sample: how rare failures are walked to without keeping a single number. Seed and numbers of
            samples are not used then.
    """

    seed: int
    samples: Whole
    fixed: frozenset[str] = frozenset()
    swapped: dict[str, int] = field(default_factory=dict)
    walked: tuple[Step, ...] = ()

    def part(self, some: slice | Whole) -> Draw:
        """Some of the samples."""
        steps = tuple(Step(step.seed, step.samples[some], step.weight[some]) for step in self.walked)
        return replace(self, samples=self.samples[some], walked=steps)

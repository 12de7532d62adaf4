"""Which samples of which random streams are drawn; the draws themselves are in `streams`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """A set of samples: every number of it follows from the seed, the cause, the sample and the device alone.

    Attributes:
        seed: of all streams.
        samples: numbers of the samples, shape (S,).
        fixed: causes that stay at their nominal value.
        swapped: cause -> seed that it is drawn with in place of `seed` (for sensitivity).
    """

    seed: int
    samples: Whole
    fixed: frozenset[str] = frozenset()
    swapped: dict[str, int] = field(default_factory=dict)

"""What comes of one design, and what all evaluations of a study share; plain values that travel between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: load at which designs are compared
STATE = "full"
#: how far a design can come
STAGES = ("spec", "plan", "lanes", "work", "done")
#: how the reason begins where it is none of the design
FAULT = "a fault of cpo itself"


@dataclass(frozen=True)
class Evaluation:
    """What came of one design.

    Attributes:
        key: of the design.
        measures: name -> value; empty where it was refused.
        stage: how far it came: spec, plan, lanes, work, done.
        reason: why it was refused; empty where it was not. Before stage done without a reason, it breaks a limit that
            could be looked at there; its measures are those known by then, the margin of stage lanes one without heat.
        gates: limits of the base's `require` that it breaks, in words by measure.
        seconds: that it took.
    """

    key: str
    measures: Mapping[str, float]
    stage: str
    reason: str = ""
    gates: Mapping[str, str] | None = None
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As the journal keeps it."""
        return {**vars(self), "measures": dict(self.measures), "gates": dict(self.gates or {})}


@dataclass(frozen=True)
class Task:
    """What all evaluations of a study share; sent to each process once.

    Attributes:
        project: of the base, with components of its own; None where there is none.
        limits: measure -> least and largest value. A design that breaks one that is known before drawing is not drawn;
            one whose lanes are hopeless without heat is not heated; one that breaks any is not produced.
        trust: run the Python files of the project.
        yield_samples: packages sampled for yield and cost; 0 where neither is asked for.
        seed: of these samples.
    """

    project: Path | None
    limits: Mapping[str, tuple[float | None, float | None]]
    trust: bool = False
    yield_samples: int = 0
    seed: int = 1


def outside(value: float, limit: tuple[float | None, float | None]) -> bool:
    """Whether a value is below the least or above the largest allowed one; NaN always is."""
    low, high = limit
    return (low is not None and not value >= low) or (high is not None and not value <= high)

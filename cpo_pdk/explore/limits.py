"""The limits that a design has to keep: those of the study, and the `require` of its base."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cpo_pdk.explore.design import Base
from cpo_pdk.explore.evaluation import Evaluation, outside
from cpo_pdk.explore.study import Study

#: what a limit of `require` of the same name bounds from below, and from above
_LEAST = ("margin_dB", "heater_headroom_mW", "yield_pct")
_MOST = ("energy_pJ_bit", "asic_C", "engine_C", "engine_spread_C")
#: how bad a limit is missed that only the package itself speaks of
_SOMEWHAT = 0.1
#: how bad a value is that is no number
_UTTERLY = 10.0


@dataclass(frozen=True)
class Held:
    """A limit of one measure, and who set it."""

    low: float | None
    high: float | None
    source: str

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Least and largest allowed value."""
        return self.low, self.high


def limits_of(study: Study, base: Base) -> dict[str, Held]:
    """Measure -> its limit; of two that bound it on one side, the narrower.

    Args:
        study: with its constraints.
        base: with what it requires.
    """
    required = {name: value for name, value in base.spec.require.model_dump().items() if value is not None}
    if not study.produces:
        required.pop("yield_pct", None)
    found = {name: Held(bound.min, bound.max, "study") for name, bound in study.constraints.items()}
    for name, value in required.items():
        if name not in (*_LEAST, *_MOST):
            continue
        before = found.get(name)
        low, high = before.ends if before else (None, None)
        if name in _LEAST:
            low = value if low is None else max(low, value)
        else:
            high = value if high is None else min(high, value)
        source = f"require of {study.base}"
        found[name] = Held(low, high, f"study and {source}" if before else source)
    return found


def missed(limits: Mapping[str, Held], evaluation: Evaluation) -> dict[str, tuple[float, str]]:
    """Measure -> by how much its limit is missed, relative to the limit's size, and in words.

    Args:
        limits: from `limits_of`.
        evaluation: of a design; what it does not know yet is not looked at.
    """
    found = {name: (_SOMEWHAT, text) for name, text in (evaluation.gates or {}).items()}
    for name, held in limits.items():
        value = evaluation.measures.get(name)
        if value is None or not outside(value, held.ends):
            continue
        below = held.low is not None and not value >= held.low
        limit = held.low if below else held.high
        assert limit is not None
        size = abs(value - limit) / max(abs(limit), 1.0)
        text = f"{name} {value:.4g} is {'below' if below else 'above'} {limit:g}"
        if evaluation.stage == "lanes":
            text += " without any heat"
        found[name] = (size if math.isfinite(size) else _UTTERLY, text)
    return found

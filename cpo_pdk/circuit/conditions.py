"""What an engine works under: how warm it is, which channel each ring serves, what its heaters do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cpo_pdk.errors import ModelError

#: temperatures are rounded to these many decimals, K: a lane whose rings are held moves by less than 0.001 dB in 0.1 K
DECIMALS_K = 1
#: and shifts of rings that are not held, a twentieth of a line, and powers of heaters to these, nm and mW
DECIMALS_NM, DECIMALS_MW = 2, 3


@dataclass(frozen=True)
class EngineCondition:
    """One engine at work. Paths are those within the engine (`tx_1/mod_3/ring`), as `RingFacts.path` has them.

    Attributes:
        dT_K: temperature of its devices less the one that they are drawn for.
        channel: ring -> channel, from 0, that it is to serve; a bus is given whole or not at all. Rings that are not
            named serve the channel that takes the least shift.
        tuning_nm: ring -> red shift by heaters that it has in place of the one that takes it to its channel: for rings
            that are not held there, because a heater is at its limit. All others are held exactly on their channel.
        trim_mW: interferometer -> power of its heater in place of the one that takes it to its working point at `dT_K`.

    Raises:
        ModelError: what is no number.
    """

    dT_K: float = 0.0
    channel: Mapping[str, int] = field(default_factory=dict)
    tuning_nm: Mapping[str, float] = field(default_factory=dict)
    trim_mW: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {f"tuning_nm of {ring}": value for ring, value in self.tuning_nm.items()}
        named |= {f"trim_mW of {path}": value for path, value in self.trim_mW.items()}
        for name, value in {"dT_K": self.dT_K, **named}.items():
            if not math.isfinite(value):
                raise ModelError(f"condition of an engine: {name} is {value}, a finite number needed")

    @property
    def rounded(self) -> EngineCondition:
        """What is computed: conditions that need not be told apart are one."""
        return EngineCondition(
            round(self.dT_K, DECIMALS_K) + 0.0,
            dict(sorted(self.channel.items())),
            {path: round(value, DECIMALS_NM) for path, value in sorted(self.tuning_nm.items())},
            {path: round(value, DECIMALS_MW) for path, value in sorted(self.trim_mW.items())},
        )

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal conditions."""
        return (self.dT_K, *(tuple(sorted(m.items())) for m in (self.channel, self.tuning_nm, self.trim_mW)))


def assignment_of(condition: EngineCondition, bus: str, rings: Sequence[str], count: int) -> tuple[int, ...] | None:
    """Channel of every ring of a bus, None where the condition leaves that open.

    Args:
        condition: of the engine.
        bus: what to call it in a message.
        rings: on the bus.
        count: of channels.

    Raises:
        ModelError: the bus is given in part, or its rings don't serve every channel once.
    """
    given = [condition.channel[ring] for ring in rings if ring in condition.channel]
    if not given:
        return None
    if len(given) < len(rings) or sorted(given) != list(range(count)):
        raise ModelError(
            f"bus of {bus}: condition gives {len(given)} of {len(rings)} rings the channels "
            f"{', '.join(map(str, given))}; every channel from 0 to {count - 1} once is needed"
        )
    return tuple(given)

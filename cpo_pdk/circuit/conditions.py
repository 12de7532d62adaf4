"""What an engine works under: how warm it is, which channel each ring serves, what its heaters do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: conditions that agree to these many decimals are one: K, nm, mW
DECIMALS_K, DECIMALS_NM, DECIMALS_MW = 2, 4, 3


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
    """

    dT_K: float = 0.0
    channel: Mapping[str, int] = field(default_factory=dict)
    tuning_nm: Mapping[str, float] = field(default_factory=dict)
    trim_mW: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for conditions that need not be told apart, see `DECIMALS_K` and its neighbours."""
        return (
            round(self.dT_K, DECIMALS_K) + 0.0,
            tuple(sorted(self.channel.items())),
            tuple(sorted((path, round(value, DECIMALS_NM)) for path, value in self.tuning_nm.items())),
            tuple(sorted((path, round(value, DECIMALS_MW)) for path, value in self.trim_mW.items())),
        )

"""What a link budget says; plain frozen values that the report and the command line read.

Powers are means, in dBm. In a waterfall the level is the power of unmodulated light up to the modulator and the outer
modulation amplitude behind it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

StepKind = Literal["source", "loss", "modulation", "penalty"]


@dataclass(frozen=True)
class Step:
    """One bar of a lane's waterfall, in the order of the light.

    Attributes:
        name: what it is in words, `laser`, `connector`, `bend_euler`...
        kind: source (the laser's level), loss (light is lost), modulation (level one to outer modulation amplitude),
            penalty (what noise and distortion cost at the receiver).
        instance: path of the instance in the layout, empty for what is not drawn.
        x, y: where that is in the package, um; None for what is not drawn.
        change_dB: negative where it costs.
        level_dBm: after it.
        source: compact model or sheet that gave the number.
        far: True on the receiving package.
    """

    name: str
    kind: StepKind
    instance: str
    x: float | None
    y: float | None
    change_dB: float
    level_dBm: float
    source: str
    far: bool = False


@dataclass(frozen=True)
class LinkLane:
    """One wavelength of one fibre, from the laser of a package to the receiver of another one of the same kind.

    Attributes:
        engine, port, channel: of the transmit lane.
        far_engine, far_port: of the receive lane that it meets (same channel).
        wl_um: wavelength.
        laser: connector and position of the laser.
        laser_dBm: power of this wavelength out of the laser module.
        launch_dBm: mean power in the fibre at the facet.
        extinction_dB: level one over level zero.
        oma_tx_dBm: outer modulation amplitude in the fibre at the facet.
        oma_rx_dBm: of the light that the detector absorbs or, with a responsivity in A/W, that falls on it.
        received_dBm: mean power there.
        tdecq_dB: computed with the reference equaliser; for NRZ the transmitter's eye closure (TDEC).
        eye_opening: worst-case opening of the (smallest) eye over its height without distortion and noise, 0 to 1.
        noise_uA: what it is made of, rms at the receiver: thermal, shot, rin, crosstalk, mpi...
        penalties_dB: extinction, crosstalk, bandwidth...: positive costs; for words and ranking.
        q: ratio of half the smallest eye to its noise.
        ber: bit error ratio before correction.
        needed_oma_dBm: outer modulation amplitude at the detector that would just do.
        margin_dB: light (optical dB) that could be lost until the threshold is reached; negative: that is missing.
        margin_peak_dB: the same with crosstalk added in its worst phase instead of as noise.
        needed_laser_dBm: per wavelength, for the margin that the spec requires (0 dB where it requires none); None
            where no power would do.
        steps: the waterfall.
        bare_oma_dBm: outer modulation amplitude at the detector that the noise of the amplifier alone would ask for;
            the waterfall ends `margin_dB` above it.
    """

    engine: str
    port: int
    channel: int
    far_engine: str
    far_port: int
    wl_um: float
    laser: str
    laser_dBm: float
    launch_dBm: float
    extinction_dB: float
    oma_tx_dBm: float
    oma_rx_dBm: float
    received_dBm: float
    tdecq_dB: float
    eye_opening: float
    noise_uA: dict[str, float]
    penalties_dB: dict[str, float]
    q: float
    ber: float
    needed_oma_dBm: float
    margin_dB: float
    margin_peak_dB: float
    needed_laser_dBm: float | None
    steps: tuple[Step, ...] = ()
    bare_oma_dBm: float = -math.inf

    @property
    def name(self) -> str:
        """`N1/tx_3/5`."""
        return f"{self.engine}/tx_{self.port}/{self.channel}"


@dataclass(frozen=True)
class Cost:
    """What one kind of step costs over all lanes: mean and largest loss in dB, share of the mean total (0 to 1)."""

    name: str
    mean_dB: float
    max_dB: float
    share: float


@dataclass(frozen=True)
class LinkBudget:
    """Budget of all lanes at one state.

    Attributes:
        lanes: in the order engine, port, channel.
        modulation: NRZ or PAM4.
        baud_GBd: symbol rate.
        threshold_ber: largest bit error ratio before correction, and `fec` its name.
        costs: what costs most, the most first.
        warnings: class or power limits that are exceeded, models out of range..., one line each.
        parts: kind -> name of the sheet.
        bandwidth_dB: driver, modulator, detector, tia -> what each would give back in the worst lane if it were
            infinitely fast, the most first.
    """

    lanes: tuple[LinkLane, ...]
    modulation: str
    baud_GBd: float
    threshold_ber: float
    fec: str
    costs: tuple[Cost, ...] = ()
    warnings: tuple[str, ...] = ()
    parts: dict[str, str] = field(default_factory=dict)
    bandwidth_dB: dict[str, float] = field(default_factory=dict)

    @property
    def worst(self) -> LinkLane | None:
        """The lane with the least margin."""
        return min(self.lanes, key=lambda lane: lane.margin_dB, default=None)

"""Rings of a made-up engine: eight channels, resonances a free spectral range apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.results import RingFacts

SPACING_NM, FSR_NM, NM_PER_K, HEATER = 1.128, 10.4, 0.07, 0.1
CHANNELS_UM = tuple(1.2955 + 1e-3 * SPACING_NM * number for number in range(8))


def ring(
    channel: int, *, bias_nm: float = 0.5, engine: str = "N1", direction: str = "tx", port: int = 1, mode: str = ""
) -> RingFacts:
    """A ring drawn for a channel (from 0), so far below it; 60 um from the next."""
    first = CHANNELS_UM[channel] - 1e-3 * bias_nm
    path = f"{direction}_{port}/ring_{channel}{mode}"
    return RingFacts(
        instance=f"{engine}/{path}",
        path=path,
        engine=engine,
        direction=direction,  # pyright: ignore[reportArgumentType]
        port=port,
        mode=mode,
        channel=channel,
        x=60.0 * channel,
        y=127.0 * port + (30.0 if mode else 0.0),
        channels_um=CHANNELS_UM,
        resonances_um=tuple(first + 1e-3 * FSR_NM * k for k in range(-3, 2)),
        working_nm=0.0,
        fsr_nm=FSR_NM,
        nm_per_K=NM_PER_K,
        heater_nm_mW=HEATER,
        tuning_nm=bias_nm,
        sheet="ring",
        detector=f"{engine}/{direction}_{port}/detector_{channel}" if direction == "rx" else "",
    )


def bus(**given: object) -> tuple[RingFacts, ...]:
    """Eight rings of one port."""
    return tuple(ring(channel, **given) for channel in range(8))  # pyright: ignore[reportArgumentType]


def near(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """How a heater warms a ring so far away."""
    return 0.3 * np.exp(-distance / 30.0)


def alone(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heaters that warm nothing but their own ring."""
    return np.zeros_like(distance)

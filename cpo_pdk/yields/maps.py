"""Where it happens: rings of the package, and dies of one wafer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.variation.samples import Draw
from cpo_pdk.yields.gather import lanes_of
from cpo_pdk.yields.model import PackageModel
from cpo_pdk.yields.results import RingMap, WaferMap
from cpo_pdk.yields.sampled import rings_hold
from cpo_pdk.yields.sampling import margins, solve_engines


def ring_map(model: PackageModel, held: NDArray[np.bool_], heater_mW: NDArray) -> RingMap | None:
    """How often each ring is held and what its heater takes; None without rings.

    Args:
        model: the package.
        held, heater_mW: shape (S, E, R).
    """
    if not held.shape[2]:
        return None
    banks = [engine.bank for engine in model.engines]
    places = np.concatenate([engine.rings_um for engine in model.engines])
    return RingMap(
        names=tuple(name for bank in banks if bank is not None for name in bank.names),
        engine=tuple(engine.name for engine in model.engines for _ in range(held.shape[2])),
        x=places[:, 0],
        y=places[:, 1],
        held=held.mean(axis=0).ravel(),
        heater_mean_mW=heater_mW.mean(axis=0, dtype=np.float64).ravel(),
        heater_95_mW=np.quantile(heater_mW.astype(np.float64), 0.95, axis=0).ravel(),
    )


def wafer_map(model: PackageModel, seed: int, least_dB: float) -> WaferMap:
    """All dies of the first wafer of the first sample, as they are before fibres are attached.

    Args:
        model: the package; lasers, fibres, heaters and detectors are nominal here.
        seed: of the streams.
        least_dB: margin from which on a lane works.
    """
    engine = model.engines[0]
    cell = model.cells[engine.cell]
    wafer = model.process.wafer(Draw(seed, np.zeros(1, np.int64)), cell.sites_um)
    dev = wafer.deviations
    values = {"dw": dev.dw_nm[0], "dh": dev.dh_nm[0], "dslab": dev.dslab_nm[0], "doping": dev.doping[0]}
    light = solve_engines(cell, engine.bank, values, None, None, engine.drift_nm, None)
    margin = margins(cell, light, np.zeros(light.lanes.loss_dB.shape), None, None)
    works = (margin >= least_dB) & rings_hold(light.held, lanes_of(cell))
    return WaferMap(
        wafer_mm=wafer.wafer_mm,
        x_mm=wafer.x_mm,
        y_mm=wafer.y_mm,
        die_mm=wafer.die_mm,
        shift_nm=light.shift_nm,
        width_nm=values["dw"].mean(axis=1),
        thickness_nm=values["dh"].mean(axis=1),
        good=works.mean(axis=1),
    )

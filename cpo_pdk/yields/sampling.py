"""Samples of a package: from the random streams through the circuit to the margin of every lane.

One call computes a chunk of packages; engines of one cell are solved together, as more samples of the same circuit.
Every number follows from seed, cause, sample and device alone, so chunks can be computed anywhere in any order. What
is kept is rounded to what is told apart, so that the last bits of different processors don't show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.batch.lanes import BatchLanes
from cpo_pdk.operation.locking_many import ManyBank, lock_many
from cpo_pdk.variation.samples import Draw
from cpo_pdk.yields.model import FAR, FIBRES, CellModel, PackageModel, bus_linewidth_nm

Real = NDArray[np.float64]
Whole = NDArray[np.int64]

#: speed of light, um GHz
C_UM_GHZ = 299_792.458e0
#: what margins and losses, and heater powers, are rounded to: decimals of dB, of mW
DECIMALS_DB, DECIMALS_MW = 4, 3
#: a dead lane's margin: no light would do
DEAD_DB = -200.0


@dataclass(frozen=True)
class Order:
    """What a worker is asked for: the package, and which streams are drawn."""

    model: PackageModel
    seed: int
    fixed: frozenset[str] = frozenset()
    swapped: dict[str, int] = field(default_factory=dict)


def sample_chunk(order: Order, samples: Whole) -> dict[str, NDArray]:
    """Packages of one chunk; see `sample`."""
    return sample(order.model, Draw(order.seed, np.asarray(samples, np.int64), order.fixed, dict(order.swapped)))


def sample(model: PackageModel, draw: Draw) -> dict[str, NDArray]:
    """Draw packages.

    Args:
        model: the package.
        draw: which samples of which streams, S.

    Returns:
        Columns, E engines, L lanes, R rings, P ports of a fibre array:
        margin_dB, loss_dB (S, E, L), float32: margin of each lane (-200: no light would do) and loss within the engine;
        held (S, E, R) bool, heater_mW (S, E, R) float32;
        attach_dB, fibre_dB (S, E, P), connector_dB, laser_dB (S, E, L), responsivity_dB (S, E, L) float32: what these
        causes take, beyond nominal;
        mounted (S, E) bool: the engine's bumps meet those of the substrate;
        shift_nm (S, E) float32: mean of the rings' resonances less the drawn ones;
        site_mm (S, E, 2) float32, wafer (S, E) int64: where the dies come from.
    """
    engines = model.engines
    first = engines[0]
    cell = model.cells[first.cell]
    numbers = [engine.number for engine in engines]
    samples, count, lanes = len(draw.samples), len(engines), len(cell.channel)
    dev = model.process.deviations(draw, numbers, cell.sites_um)
    rings = len(cell.batch.rings)
    values: dict[str, Real] = {
        "dw": _flat(dev.dw_nm),
        "dh": _flat(dev.dh_nm),
        "dslab": _flat(dev.dslab_nm),
        "doping": _flat(dev.doping),
        "guide_loss": model.spreads.guide_loss(draw, numbers).reshape(-1),
    }
    if rings:
        values["coupling"] = _flat(model.spreads.coupling(draw, numbers, rings, cell.coupling_sheet))
    tx_lines, rx_lines, laser_dB = _lines(model, cell, draw)
    strength = None
    drift = np.stack([engine.drift_nm for engine in engines])
    drift = np.broadcast_to(drift, (samples, count, rings)).reshape(samples * count, rings)
    if rings:
        strength = 1 + _flat(model.spreads.heater(draw, numbers, rings, cell.heater_sheet))
    light = solve_engines(cell, first.bank, values, tx_lines, rx_lines, drift, strength)
    solved = light.lanes
    attach, fibre = _arrays(cell, draw, numbers)
    connector = _connectors(model, cell, draw)
    responsivity = 1 + model.spreads.responsivity(draw, numbers, int((~cell.transmit).sum()), cell.responsivity_sheet)
    on_way = _flat(_of_lanes(attach + fibre, cell)) + _flat(connector) + _flat(laser_dB)
    offset = np.stack([engine.offset_dB for engine in engines])
    change = np.broadcast_to(offset, (samples, count, lanes)).reshape(-1, lanes) - on_way
    sends = cell.transmit
    entering = _flat(laser_dB + _of_lasers(attach + fibre, cell))[:, sends]
    margin = margins(cell, light, change, _flat(responsivity), -entering)
    whole = (samples, count, lanes)
    loss_of_current = np.zeros(whole)
    loss_of_current[:, :, ~sends] = -10 * np.log10(responsivity)
    return {
        "margin_dB": _dB(margin.reshape(whole)),
        "loss_dB": _dB(solved.loss_dB.reshape(whole)),
        "held": light.held.reshape(samples, count, rings),
        "heater_mW": np.round(light.heater_mW, DECIMALS_MW).astype(np.float32).reshape(samples, count, rings),
        "attach_dB": _dB(attach),
        "fibre_dB": _dB(fibre),
        "connector_dB": _dB(connector),
        "laser_dB": _dB(laser_dB),
        "responsivity_dB": _dB(loss_of_current),
        "mounted": cell.bumps.offset_um(cell.bumps.draws(draw, numbers)) <= cell.bumps.reach_um,
        "shift_nm": _dB(light.shift_nm.reshape(samples, count)),
        "site_mm": _dB(dev.site_mm),
        "wafer": np.asarray(dev.wafer, np.int64),
    }


@dataclass(frozen=True)
class Light:
    """Engines with their rings on the lines, S of them.

    Attributes:
        lanes: what the circuit says.
        held: shape (S, R); heater_mW: shape (S, R).
        shift_nm: mean of the rings' resonances less the drawn ones, shape (S,).
        speed: of the modulator ring of each transmit lane, over the same without deviations: linewidth, the part of it
            that its bus makes, swing of its resonance; by the names that `MarginKernel.margins` has, shape (S, Ltx);
            empty where modulators are no rings.
    """

    lanes: BatchLanes
    held: NDArray[np.bool_]
    heater_mW: Real
    shift_nm: Real
    speed: dict[str, Real]


def solve_engines(
    cell: CellModel,
    bank: ManyBank | None,
    values: Mapping[str, Real],
    tx_lines_um: Real | None,
    rx_lines_um: Real | None,
    drift_nm: Real,
    strength: Real | None,
) -> Light:
    """Take rings to their lines and solve the circuit.

    Args:
        cell: of the engines.
        bank: rings; None for engines without.
        values: deviations, see `EngineBatch`, S samples.
        tx_lines_um, rx_lines_um: laser lines at the laser and receive ports; as drawn when None.
        drift_nm: of the rings by temperature, shape (S, R) or (R,).
        strength: of the heaters, 1 as drawn, shape (S, R).
    """
    samples = max(np.shape(value)[0] for value in values.values())
    batch = cell.batch
    if bank is None or not batch.rings:
        solved = batch.solve(values, tx_lines_um=tx_lines_um, rx_lines_um=rx_lines_um)
        return Light(solved, np.ones((samples, 0), bool), np.zeros((samples, 0)), np.zeros(samples), {})
    cold = batch.resonances_nm(values)
    locked = lock_many(
        bank,
        cold,
        targets_nm=None if tx_lines_um is None else batch.targets_nm(tx_lines_um, rx_lines_um),
        drift_nm=drift_nm,
        heater_nm_mW=None if strength is None else bank.heater_nm_mW * strength,
    )
    solved = batch.solve(
        values,
        tx_lines_um=tx_lines_um,
        rx_lines_um=rx_lines_um,
        channel=locked.channel,
        tuning_nm=drift_nm + locked.tuning_nm,
    )
    shift = _shifts_nm(cell, values, cold).mean(axis=1)
    return Light(solved, locked.held, locked.power_mW, shift, _speed(cell, values))


def _shifts_nm(cell: CellModel, values: Mapping[str, Real], cold: Real) -> Real:
    """How far each ring's resonances lie from where they lie without deviations, nm, shape (S, R).

    A shift may be more than a free spectral range, and resonances look alike: the one is taken that lies nearest to
    what the slopes at no deviation foretell.
    """
    sites = np.array([ring.site for ring in cell.batch.rings])
    foretold = np.zeros(cold.shape[:2])
    for axis, slope in cell.slopes_nm.items():
        if axis in values:
            foretold = foretold + slope * values[axis][:, sites]
    from_first = cold - cell.resonances_nm[:, :1]
    nearest = np.nanargmin(np.abs(from_first - foretold[:, :, None]), axis=2)
    return np.take_along_axis(from_first, nearest[:, :, None], axis=2)[:, :, 0]


def _speed(cell: CellModel, values: Mapping[str, Real]) -> dict[str, Real]:
    """See `Light.speed`; the swing goes with the root of the doping, as the width of a depleted junction does."""
    own = cell.ring[cell.transmit]
    if np.any(own < 0):
        return {}
    sites = np.array([cell.batch.rings[ring].site for ring in own])
    found = {
        "linewidth": cell.batch.linewidth_nm(values)[:, own] / cell.linewidth_nm[own],
        "linewidth_bus": bus_linewidth_nm(cell.batch, values)[:, own] / cell.bus_linewidth_nm[own],
    }
    if "doping" in values:
        found["swing"] = np.sqrt(1 + values["doping"][:, sites])
    return found


def margins(
    cell: CellModel, light: Light, change_dB: Real, responsivity: Real | None, entering_dB: Real | None
) -> Real:
    """Margins of lanes, dB, shape (S, L); `DEAD_DB` where no light would do.

    Args:
        cell: of the engines.
        light: their lanes.
        change_dB: light beyond nominal, what the circuit loses left out, shape (S, L).
        responsivity: relative, of the receive lanes, shape (S, Lrx); None: 1.
        entering_dB: light beyond nominal that enters the chip, of the transmit lanes, shape (S, Ltx); None: 0.
    """
    solved = light.lanes
    found = cell.kernel.margins(
        change_dB - (solved.loss_dB - cell.batch.nominal_loss_dB),
        extinction_dB=solved.extinction_dB,
        aggressors=solved.aggressors,
        **light.speed,
        responsivity=responsivity,
        entering_dB=entering_dB,
    )
    return np.where(np.isfinite(found), np.maximum(found, DEAD_DB), DEAD_DB)


def _flat(values: Real) -> Real:
    """Packages and engines as one axis of samples."""
    return values.reshape(-1, *values.shape[2:])


def _dB(values: Real) -> NDArray[np.float32]:
    return (np.round(values, DECIMALS_DB) + 0.0).astype(np.float32)


def _lines(model: PackageModel, cell: CellModel, draw: Draw) -> tuple[Real, Real, Real]:
    """Laser lines at the laser ports and at the receive ports of all engines, um, and what lasers lack, dB.

    Returns:
        Shapes (S * E, laser ports, C), (S * E, receive ports, C), (S, E, L).
    """
    channels = cell.batch.channels_um
    wide = channels.size
    lines = model.places * wide
    near = range(len(model.modules))
    grid = model.spreads.laser_grid_GHz(draw, near, lines)
    power = model.spreads.laser_power_dB(draw, near, lines)
    far = model.spreads.laser_grid_GHz(draw, [FAR + engine.number for engine in model.engines], lines)
    modules = np.stack([engine.modules for engine in model.engines])
    first = np.stack([engine.positions for engine in model.engines]) * wide
    index = first[:, :, None] + np.arange(wide)
    tx = _moved(channels, grid[:, modules[:, :, None], index])
    ports = len(cell.batch.rx_ports)
    rx_index = (np.arange(ports) % model.places)[:, None] * wide + np.arange(wide)
    rx = _moved(channels, far[:, :, rx_index])
    lost = np.zeros((len(draw.samples), len(model.engines), len(cell.channel)))
    sends = cell.transmit
    lost[:, :, sends] = -power[:, modules[:, :, None], index][:, :, cell.laser_row[sends], cell.channel[sends]]
    return _flat(tx), _flat(rx), lost


def _moved(wl_um: Real, grid_GHz: Real) -> Real:
    """Wavelengths of lines whose frequency is off by so much."""
    return C_UM_GHZ / (C_UM_GHZ / wl_um + grid_GHz)


def _arrays(cell: CellModel, draw: Draw, numbers: list[int]) -> tuple[Real, Real]:
    """What the place of the array, and what the fibres in it, cost at each port beyond nominal, dB; (S, E, P) each.

    The loss is no sum of the two: what the fibres cost is what they add to a misplaced array.
    """
    whole = cell.attach.excess_dB(draw, numbers)
    placed = cell.attach.excess_dB(replace(draw, fixed=draw.fixed | {"fibre"}), numbers)
    return placed, whole - placed


def _of_lanes(ports: Real, cell: CellModel) -> Real:
    """What each lane loses at its data port and at the laser port that feeds it; (S, E, L)."""
    return ports[:, :, cell.data_port] + _of_lasers(ports, cell)


def _of_lasers(ports: Real, cell: CellModel) -> Real:
    """What each lane loses at the laser port that feeds it; (S, E, L)."""
    return np.where(cell.laser_port >= 0, ports[:, :, np.maximum(cell.laser_port, 0)], 0.0)


def _connectors(model: PackageModel, cell: CellModel, draw: Draw) -> Real:
    """What the mated pairs on the way of each lane lose more than on average, dB; (S, E, L)."""
    ports = len(cell.attach.ports)
    fibres = [engine.number * FIBRES + port for engine in model.engines for port in range(ports)]
    shape = (len(draw.samples), len(model.engines), ports)

    def pairs(count: int) -> Real:
        return cell.attach.connectors_dB(draw, fibres, count).reshape(shape) if count else np.zeros(shape)

    data = np.where(
        cell.transmit, pairs(model.pairs_tx)[:, :, cell.data_port], pairs(model.pairs_rx)[:, :, cell.data_port]
    )
    return data + _of_lasers(pairs(model.pairs_laser), cell)

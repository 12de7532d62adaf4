"""Everything that a sample of a package needs, made once, and handed to every worker.

What holds for one engine is worked out for its cell: two engines of one cell differ in temperature, fibres, lasers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.attach.bumps import Bumps
from cpo_pdk.attach.model import AttachModel
from cpo_pdk.circuit.batch.engine_batch import EngineBatch, LaneKey
from cpo_pdk.circuit.facet_ports import facets_of
from cpo_pdk.circuit.results import Lane, SimulationResult
from cpo_pdk.circuit.simulation import Simulator
from cpo_pdk.errors import InputError
from cpo_pdk.handover.parts import Package
from cpo_pdk.link.many import MarginKernel
from cpo_pdk.operation.locking_many import ManyBank
from cpo_pdk.operation.operate import fractions_of
from cpo_pdk.operation.results import State
from cpo_pdk.operation.ring_bank import bank_of
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Parts
from cpo_pdk.spec.production_choice import ProductionSheets
from cpo_pdk.variation.process import ProcessVariation
from cpo_pdk.variation.spreads import Spreads, own_spread
from cpo_pdk.yields.reach import reach_of

Real = NDArray[np.float64]
Whole = NDArray[np.int64]
Lanes = Mapping[tuple[str, str, int, int], Lane]
"""Engine, direction, port, channel from 1 -> lane."""

#: numbers of the streams of lasers at the far ends begin here: module of the far end of engine e is this + e
FAR = 1_000_000
#: fibres of one engine are numbered from here on: engine number times this, plus the place
FIBRES = 1000
#: relative step of a ring's coupled power that a slope is taken over
NUDGE = 0.02
#: step of a deviation that the slope of a resonance is taken over, nm
STEP_NM = 0.5


@dataclass(frozen=True)
class EngineModel:
    """One engine of the package.

    Attributes:
        name: of the engine; `number` of its streams.
        cell: of the engine.
        modules: laser module of each laser port, in the order of the batch's lasers, shape (Lp,).
        positions: fibre position in that module, from 0, shape (Lp,).
        bank: its rings, warmed by all heaters of the engine; None without.
        drift_nm: red shift of each ring by its own temperature less that of the batch, shape (R,).
        rings_um: places of its rings in the package, shape (R, 2).
        offset_dB: light that its lanes get more than those of the engine that the kernel was made for, shape (L,).
        nominal_dB: margin of its lanes at the state, shape (L,).
    """

    name: str
    number: int
    cell: str
    modules: Whole
    positions: Whole
    bank: ManyBank | None
    drift_nm: Real
    rings_um: Real
    offset_dB: Real
    nominal_dB: Real


@dataclass(frozen=True)
class CellModel:
    """What engines of one cell share.

    Attributes:
        batch: solves samples of it.
        kernel: margins of its lanes.
        attach: its fibre array; `bumps` those that join it to the substrate.
        sites_um: of `batch.sites_um`, from the middle of the die, shape (K, 2).
        coupling_sheet, heater_sheet: relative spread of each ring by its own sheet, not a number where it says none.
        responsivity_sheet: the same of the detector of each receive lane.
        data_port: number of a lane's port among those of the fibre array, shape (L,).
        laser_port: the same of the laser port that feeds it, -1 for a receive lane, shape (L,).
        laser_row: laser port of a transmit lane within `batch.lasers`, -1 for a receive lane, shape (L,).
        channel: of each lane, from 0, shape (L,).
        ring: of each lane, -1 for none, shape (L,).
        linewidth_nm: of each ring as the batch has it without deviations, shape (R,).
        bus_linewidth_nm: the part of it that the bus makes, shape (R,).
        resonances_nm: of each ring without deviations, shape (R, K).
        slopes_nm: axis of a deviation -> shift of each ring's resonances a nm of it, shape (R,).
    """

    batch: EngineBatch
    kernel: MarginKernel
    attach: AttachModel
    bumps: Bumps
    sites_um: Real
    coupling_sheet: Real
    heater_sheet: Real
    responsivity_sheet: Real
    data_port: Whole
    laser_port: Whole
    laser_row: Whole
    channel: Whole
    ring: Whole
    linewidth_nm: Real
    bus_linewidth_nm: Real
    resonances_nm: Real
    slopes_nm: dict[str, Real]

    @property
    def transmit(self) -> NDArray[np.bool_]:
        """Which lanes leave, shape (L,)."""
        return self.laser_row >= 0


@dataclass(frozen=True)
class PackageModel:
    """A package as it is produced; can be pickled.

    Attributes:
        name: of the package.
        engines: those in use, then the spares.
        needed: engines that must work; `whole` whether these are all that the package has in use.
        cells: by name of the engine's cell.
        process, spreads: what is drawn.
        modules: laser modules; `places` fibre positions of each.
        pairs_tx, pairs_laser, pairs_rx: mated pairs on the way of a transmit lane, of its laser light, of a receive
            lane.
        notes: approximations, with the errors that were found; one line each.
    """

    name: str
    engines: tuple[EngineModel, ...]
    needed: int
    whole: bool
    cells: dict[str, CellModel]
    process: ProcessVariation
    spreads: Spreads
    modules: tuple[str, ...]
    places: int
    pairs_tx: int
    pairs_laser: int
    pairs_rx: int
    notes: tuple[str, ...]


def model_of(
    spec: PackageSpec,
    parts: Parts,
    sheets: Mapping[str, Sheet],
    production: ProductionSheets,
    simulator: Simulator,
    package: Package,
    state: State,
    *,
    one_engine: bool = False,
) -> PackageModel:
    """A package as it is produced.

    Args:
        spec, parts, sheets: the package.
        production: what spreads.
        simulator: of its layout.
        package: its dies.
        state: at work: temperatures.
        one_engine: leave all but the first engine out.

    Raises:
        InputError: engines of different cells.
    """
    at_work = simulator.under(state.conditions)
    names = [engine.name for engine in simulator.engines]
    cell_of = {engine.name: engine.cell for engine in simulator.engines}
    if len(set(cell_of.values())) > 1:
        found = ", ".join(sorted(set(cell_of.values())))
        raise InputError(f"{spec.name}: engines of several cells ({found}), one needed; yield them one by one")
    kept = names[:1] if one_engine else names
    cell = cell_of[kept[0]]
    mean_C = _mean_C(state, names, spec)
    made = _cell_model(spec, parts, sheets, production, simulator, package, at_work, cell, kept[0], mean_C)
    bank = (
        bank_of(simulator.rings, fractions_of(at_work, sheets), spec.thermal.reference_C, spec.engine.heater_max_mW)
        if simulator.rings
        else None
    )
    taken_mW = {name: sum(ring.heater_mW for ring in state.rings if ring.engine == name) for name in kept}
    ring_C = {ring.instance: ring.temperature_C for ring in state.rings}
    keys = made.batch.lane_keys
    by_lane = {(lane.engine, lane.direction, lane.port, lane.channel): lane for lane in at_work.lanes}
    lasers = _laser_places(by_lane, kept, keys)
    modules = tuple(dict.fromkeys(_module_name(laser) for laser in lasers.values()))

    def losses(engine: str) -> Real:
        return np.array([by_lane[engine, k.direction, k.port, k.channel].insertion_loss_dB for k in keys])

    reference = losses(kept[0])
    margins = {(lane.engine, "tx", lane.port, lane.channel): lane.margin_dB for lane in state.budget.lanes}
    margins |= {(lane.far_engine, "rx", lane.far_port, lane.channel): lane.margin_dB for lane in state.budget.lanes}
    engines = []
    for number, name in enumerate(kept):
        many = ManyBank.of(bank, name) if bank is not None else None
        drift = np.empty(0)
        if many is not None:
            drift = many.nm_per_K * np.array([ring_C[path] - mean_C for path in many.names])
            many = many.warmed([state.warming_K_W[path] for path in many.names], taken_mW[name])
            if engines and (first := engines[0].bank) is not None:  # all engines are held with the bank of the first
                drift = drift + first.counted_nm - many.counted_nm
        engines.append(
            EngineModel(
                name=name,
                number=number,
                cell=cell,
                modules=np.array([modules.index(_module_name(lasers[name, p])) for p in made.batch.lasers], np.int64),
                positions=np.array([_position(lasers[name, p]) for p in made.batch.lasers], np.int64),
                bank=many,
                drift_nm=drift,
                rings_um=np.array([[r.x, r.y] for r in simulator.rings if r.engine == name]).reshape(-1, 2),
                offset_dB=reference - losses(name),
                nominal_dB=np.array([margins[name, k.direction, k.port, k.channel] for k in keys]),
            )
        )
    near = spec.link.connectors // 2
    return PackageModel(
        name=spec.name,
        engines=tuple(engines),
        needed=len(engines),
        whole=not one_engine,
        cells={cell: made},
        process=ProcessVariation(production.variation, spec.production.dies, _die_mm(package, cell)),
        spreads=Spreads(production.spread),
        modules=modules,
        places=1 + max(map(_position, lasers.values())),
        pairs_tx=near,
        pairs_laser=spec.link.laser_connectors,
        pairs_rx=spec.link.connectors - near,
        notes=_notes(made, mean_C),
    )


def _cell_model(
    spec: PackageSpec,
    parts: Parts,
    sheets: Mapping[str, Sheet],
    production: ProductionSheets,
    simulator: Simulator,
    package: Package,
    at_work: SimulationResult,
    cell: str,
    engine: str,
    mean_C: float,
) -> CellModel:
    solver = simulator.solvers[cell]
    batch = EngineBatch.of(solver, mean_C - spec.thermal.reference_C, reach_of(production.variation, production.spread))
    facet = facets_of(simulator)[cell]
    attach = AttachModel.of(production.attach, facet, parts.connector)
    keys = batch.lane_keys
    left, bottom, right, top = next(die.outline for die in package.dies if die.name == cell)
    index = {ring.path: number for number, ring in enumerate(batch.rings)}
    sends = [key.direction == "tx" for key in keys]
    still = {"dw": np.zeros((1, len(batch.sites_um)))}
    return CellModel(
        batch=batch,
        kernel=MarginKernel.of(spec, parts, sheets, at_work, engine),
        attach=attach,
        bumps=Bumps.of(production.attach, spec.asic.bump_pitch_um, (right - left, top - bottom)),
        sites_um=batch.sites_um - np.array([(left + right) / 2, (bottom + top) / 2]),
        coupling_sheet=np.array([own_spread("coupling", sheets[ring.sheet]) for ring in batch.rings]),
        heater_sheet=np.array([own_spread("heater", sheets[ring.sheet]) for ring in batch.rings]),
        responsivity_sheet=np.array(
            [own_spread("responsivity", sheets[spec.engine.devices.detector]) for key in keys if key.direction == "rx"]
        ),
        data_port=np.array([facet.index(f"{key.direction}_{key.port}") for key in keys], np.int64),
        laser_port=np.array(
            [facet.index(f"laser_{key.laser}") if out else -1 for key, out in zip(keys, sends, strict=True)], np.int64
        ),
        laser_row=np.array(
            [batch.lasers.index(key.laser) if out else -1 for key, out in zip(keys, sends, strict=True)], np.int64
        ),
        channel=np.array([key.channel - 1 for key in keys], np.int64),
        ring=np.array([index.get(key.ring, -1) for key in keys], np.int64),
        linewidth_nm=batch.linewidth_nm(still)[0] if batch.rings else np.empty(0),
        bus_linewidth_nm=bus_linewidth_nm(batch, still)[0] if batch.rings else np.empty(0),
        resonances_nm=batch.resonances_nm(still)[0] if batch.rings else np.empty((0, 0)),
        slopes_nm=_slopes_nm(batch) if batch.rings else {},
    )


def _slopes_nm(batch: EngineBatch) -> dict[str, Real]:
    """Shift of every ring's resonances a nm of width, height and slab: to the nearest after a small step."""
    places = len(batch.sites_um)
    before = batch.resonances_nm({"dw": np.zeros((1, places))})[0]
    found = {}
    for axis in ("dw", "dh", "dslab"):
        after = batch.resonances_nm({axis: np.full((1, places), STEP_NM)})[0]
        moved = after - before[:, :1]
        nearest = np.nanargmin(np.abs(moved), axis=1)
        found[axis] = moved[np.arange(len(moved)), nearest] / STEP_NM
    return found


def bus_linewidth_nm(batch: EngineBatch, values: Mapping[str, Real]) -> Real:
    """The part of each ring's linewidth that its bus makes, nm, shape (S, R): by the slope over the coupled power."""
    coupling = values.get("coupling", np.zeros((1, len(batch.rings))))
    more = {**values, "coupling": coupling + NUDGE * (1 + coupling)}
    return (batch.linewidth_nm(more) - batch.linewidth_nm(values)) / NUDGE


def _notes(made: CellModel, mean_C: float) -> tuple[str, ...]:
    return (
        *made.batch.approximations,
        *made.kernel.notes,
        f"devices other than rings are at {mean_C:.1f} C, the mean of the engines; rings are at their own temperature",
        "a lane is judged against a nominal other half of its link; the heat of other heaters counts within an engine",
    )


def _mean_C(state: State, names: Sequence[str], spec: PackageSpec) -> float:
    """Mean temperature of the engines, C."""
    rings = [ring.temperature_C for ring in state.rings]
    if rings:
        return float(np.mean(rings))
    known = [state.conditions[name].dT_K for name in names if name in state.conditions]
    return spec.thermal.reference_C + (float(np.mean(known)) if known else 0.0)


def _module_name(laser: str) -> str:
    """`ELS-2` of `ELS-2.6`; a laser port of an engine alone is a module of its own."""
    return laser.rpartition(".")[0] or laser


def _laser_places(by_lane: Lanes, names: Sequence[str], keys: Sequence[LaneKey]) -> dict[tuple[str, int], str]:
    """(engine, number of the laser port) -> connector and position that its light comes from."""
    return {
        (name, key.laser): by_lane[name, "tx", key.port, key.channel].laser
        for name in names
        for key in keys
        if key.direction == "tx"
    }


def _position(laser: str) -> int:
    """Position of a laser fibre in its module, from 0."""
    number = laser.rpartition(".")[2].rpartition("_")[2]
    return int(number) - 1 if number.isdigit() else 0


def _die_mm(package: Package, cell: str) -> tuple[float, float]:
    left, bottom, right, top = next(die.outline for die in package.dies if die.name == cell)
    return (right - left) * 1e-3, (top - bottom) * 1e-3

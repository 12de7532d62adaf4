"""From columns of samples to what is composed: packages, what-ifs, distributions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.variation.causes import CAUSES
from cpo_pdk.variation.samples import Draw
from cpo_pdk.yields.model import CellModel, PackageModel
from cpo_pdk.yields.sampled import Again, Lanes, Sampled
from cpo_pdk.yields.sampling import Order, sample, sample_chunk

Columns = Mapping[str, NDArray]

#: causes that move a lane's margin dB by dB; what the others do has to be computed again. Of attach, fibre and laser
#: power that is true but for the light that absorbs itself less where less of it enters the chip
DIRECT = ("connector", "responsivity")


def lanes_of(cell: CellModel) -> Lanes:
    """What the lanes of an engine are; a receive lane needs the rings of both polarisations."""
    rings: list[list[int]] = []
    by_detector: dict[str, list[int]] = {}
    for number, ring in enumerate(cell.batch.rings):
        if ring.detector:
            by_detector.setdefault(ring.detector, []).append(number)
    for key, own in zip(cell.batch.lane_keys, cell.ring, strict=True):
        rings.append(by_detector.get(key.detector, []) if key.direction == "rx" else [int(own)] if own >= 0 else [])
    wide = max((len(row) for row in rings), default=0)
    ports = {
        port: number for number, port in enumerate(dict.fromkeys((k.direction, k.port) for k in cell.batch.lane_keys))
    }
    return Lanes(
        transmit=cell.transmit,
        fibre=np.array([ports[key.direction, key.port] for key in cell.batch.lane_keys], np.int64),
        channel=cell.channel,
        rings=np.array([row + [-1] * (wide - len(row)) for row in rings], np.int64).reshape(len(rings), wide),
    )


def sampled_of(
    model: PackageModel,
    seed: int,
    columns: Columns,
    fixed: Mapping[str, Again] | None = None,
    alone: Mapping[str, Again] | None = None,
) -> Sampled:
    """What was sampled, as composition takes it.

    Args:
        model: the package.
        seed: of the streams.
        columns: of `sample`.
        fixed, alone: the same packages computed again, by cause.
    """
    cell = model.cells[model.engines[0].cell]
    channels = cell.batch.channels_um.size
    modules = np.stack([engine.modules for engine in model.engines])
    places = np.stack([engine.positions for engine in model.engines])
    fibre = modules * model.places + places
    line = np.full((len(model.engines), len(cell.channel)), -1, np.int64)
    sends = cell.transmit
    line[:, sends] = fibre[:, cell.laser_row[sends]] * channels + cell.channel[sends]
    every = np.arange(len(model.modules) * model.places * channels)
    return Sampled(
        seed=seed,
        lanes=lanes_of(cell),
        margin_dB=columns["margin_dB"],
        held=columns["held"],
        losses_dB=losses_of(cell, columns),
        nominal_dB=np.stack([engine.nominal_dB for engine in model.engines]),
        laser_line=line,
        line_module=every // (model.places * channels),
        line_group=every // channels,
        needed=model.needed,
        engines=tuple(engine.name for engine in model.engines),
        mounted=columns.get("mounted"),
        fixed=dict(fixed or {}),
        alone=dict(alone or {}),
    )


def losses_of(cell: CellModel, columns: Columns) -> dict[str, NDArray]:
    """Cause -> dB that it takes from each lane beyond nominal, shape (S, E, L)."""
    return {
        "attach": _of_ports(columns["attach_dB"], cell) - _of_ports(cell.attach.nominal_dB[None, None], cell),
        "fibre": _of_ports(columns["fibre_dB"], cell),
        "connector": columns["connector_dB"],
        "laser_power": columns["laser_dB"],
        "responsivity": columns["responsivity_dB"],
    }


def _of_ports(ports: NDArray, cell: CellModel) -> NDArray:
    laser = np.where(cell.laser_port >= 0, ports[:, :, np.maximum(cell.laser_port, 0)], 0.0)
    return (ports[:, :, cell.data_port] + laser).astype(np.float32)


def what_ifs(rows: Sequence[int], chunk: int = 64) -> list[tuple[str, str, tuple[int, ...]]]:
    """Work that tells what causes do that can't be told from the columns: mode (fixed or alone), cause, samples."""
    causes = [cause for cause in CAUSES if cause not in DIRECT]
    parts = [tuple(rows[k : k + chunk]) for k in range(0, len(rows), chunk)]
    return [(mode, cause, part) for mode in ("fixed", "alone") for cause in causes for part in parts]


def compute_again(order: Order, item: tuple[str, str, tuple[int, ...]]) -> tuple[NDArray, NDArray]:
    """Margins and held rings of one piece of `what_ifs`."""
    mode, cause, rows = item
    held = frozenset({cause}) if mode == "fixed" else frozenset(CAUSES) - {cause}
    found = sample_chunk(replace(order, fixed=order.fixed | held), np.array(rows, np.int64))
    return found["margin_dB"], found["held"]


def agains(
    pieces: Iterable[tuple[tuple[str, str, tuple[int, ...]], tuple[NDArray, NDArray]]],
) -> tuple[dict[str, Again], dict[str, Again]]:
    """Pieces put together: fixed and alone, by cause."""
    rows: dict[tuple[str, str], list[int]] = {}
    parts: dict[tuple[str, str], list[tuple[NDArray, NDArray]]] = {}
    for (mode, cause, numbers), result in pieces:
        rows.setdefault((mode, cause), []).extend(numbers)
        parts.setdefault((mode, cause), []).append(result)
    found: dict[str, dict[str, Again]] = {"fixed": {}, "alone": {}}
    for (mode, cause), results in parts.items():
        found[mode][cause] = Again(
            np.array(rows[mode, cause], np.int64),
            np.concatenate([margin for margin, _ in results]),
            np.concatenate([held for _, held in results]),
        )
    return found["fixed"], found["alone"]


def least_margin(model: PackageModel, draw: Draw) -> NDArray:
    """Least margin of each package with its rings, held or not, dB, shape (S,): what a variance is taken of."""
    return sample(model, draw)["margin_dB"].min(axis=(1, 2))


def alone_engine(model: PackageModel) -> PackageModel:
    """The first engine as a package of its own, for what is the same for all engines."""
    return replace(model, engines=model.engines[:1], needed=1)

"""What the models say of one drawn file: losses over wavelength, and the few numbers that one asks for first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.catalog.operation import resonance_shifts, sweep_figures, sweeps_of
from cpo_pdk.circuit.binding import Bound, bind, range_warnings
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.flattening import flatten
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.simulation import s_parameters
from cpo_pdk.models import MODELS
from cpo_pdk.models.model import OPERATED
from cpo_pdk.models.readout import C_UM_GHZ, resonances
from cpo_pdk.models.readout import extract as read_out
from cpo_pdk.report.gallery_data import Figure, Physics, Sweep, Trace
from cpo_pdk.spec import Sheet

Floats = NDArray[np.float64]
Matrix = Mapping[tuple[str, str], NDArray[np.complex128]]

#: wavelengths of a spectrum: without and with resonances or interference in it
_PLAIN, _FINE = 401, 8001
#: half of what is looked at round a resonance, in widths of it
_ROUND = 12.0
#: powers below are no path, dB
_NOTHING_dB = 100.0
#: most figures of losses
_LOSSES_SHOWN = 6


def physics_of(file: LayoutFile, info: Mapping[str, Any], sheet: Sheet, sheets: Mapping[str, Sheet]) -> Physics | None:
    """What the models say of the top cell of a file.

    Args:
        file: with one device on top.
        info: of the device; `measurements` of a test block are evaluated.
        sheet: that it was drawn from; gives the wavelengths.
        sheets: by name, to bind its cells.

    Returns:
        None when nothing in it has a model.

    Raises:
        ModelError: drawing, sheets and models disagree.
    """
    netlists = extract(file, leaf_factories(sheets))
    circuit = flatten(netlists, netlists.top)
    bound = bind(netlists, circuit, sheets, MODELS)
    if not any(entry.model is not None for entry in bound.values()):
        return None
    single = next(iter(bound.values())) if netlists.cells[netlists.top].leaf else None
    resonant = any(entry.model is not None and entry.model.resonances is not None for entry in bound.values())
    measured = list(info.get("measurements", ()))
    wl = np.linspace(*sheet.wl_range_um, _FINE if resonant or single is None else _PLAIN)
    matrix = s_parameters(file, wl, sheets)
    warnings = tuple(range_warnings(circuit, bound, wl))
    if measured:
        losses = {m["name"]: _loss(matrix[m["input"], m["output"]]) for m in measured}
        traces = tuple(Trace(f"{m['name']} ({m['input']} → {m['output']})", losses[m["name"]]) for m in measured)
        return Physics(wl, traces, _read(measured, wl, losses), warnings)
    traces = _traces(matrix)
    if resonant:
        wl = _denser(wl, traces)
        matrix = s_parameters(file, wl, sheets)
        traces = _traces(matrix)
    if single is not None:
        traces = (*_biased(single, sheet, wl), *traces)
    figures = [*_losses(wl, traces), *(_ring(file, sheets, wl, traces) if resonant else _band(wl, traces))]
    sweeps: tuple[Sweep, ...] = ()
    model = MODELS.get(single.model.name) if single is not None and single.model is not None else None
    if single is not None and model is not None:
        at = _working_wavelength(wl, traces, figures, sheet, resonant)
        sweeps = sweeps_of(model, single.params, at)
        figures += [*sweep_figures(sweeps), *resonance_shifts(model, single.params, at)]
    return Physics(wl, traces, tuple(figures), warnings, sweeps)


def _working_wavelength(
    wl: Floats, traces: Sequence[Trace], figures: Sequence[Figure], sheet: Sheet, resonant: bool
) -> float:
    """On resonance, with the detuning of the sheet; else where the device is best, or the middle, um."""
    known = {f.name: f.value for f in figures}
    if resonant and "resonance" in known:
        return (known["resonance"] + sheet.operating_values.get("detuning_nm", 0.0)) / 1e3
    return known["best"] / 1e3 if "best" in known else float(wl[0] + wl[-1]) / 2


def _loss(amplitude: NDArray[np.complex128]) -> Floats:
    power = np.maximum(np.abs(amplitude) ** 2, 10 ** (-_NOTHING_dB / 10))
    return -10 * np.log10(power)


def _order(port: str) -> tuple[Any, ...]:
    name, _, mode = port.partition("@")
    parts = re.findall(r"\d+|\D+", name.rpartition(":")[2])
    return (name.rpartition(":")[2].startswith("i"), [(p.isdigit(), int(p) if p.isdigit() else p) for p in parts], mode)


def _shown(port: str) -> str:
    return port.replace("@", " ")


def _traces(matrix: Matrix, suffix: str = "") -> tuple[Trace, ...]:
    """One trace for each set of equal port pairs; of a pair and its reverse only one."""
    groups: list[tuple[Floats, list[tuple[str, str]]]] = []
    for pair in sorted(matrix, key=lambda p: (_order(p[0]), _order(p[1]))):
        a, b = pair
        if (
            (b, a) in matrix
            and _order(b) < _order(a)
            and np.allclose(matrix[pair], matrix[b, a], rtol=1e-9, atol=1e-12)
        ):
            continue
        loss = _loss(matrix[pair])
        if loss.min() >= _NOTHING_dB - 1e-9:
            continue
        for known, pairs in groups:
            if np.allclose(known, loss, rtol=0, atol=1e-6) and _minor(*pairs[0]) == _minor(a, b):
                pairs.append(pair)
                break
        else:
            groups.append((loss, [pair]))
    groups.sort(key=lambda g: (_minor(*g[1][0]), float(g[0].min())))
    return tuple(Trace(_label(pairs) + suffix, loss, _minor(*pairs[0])) for loss, pairs in groups)


def _label(pairs: Sequence[tuple[str, str]]) -> str:
    words = [f"{_shown(a)} → {_shown(b)}" if a != b else f"{_shown(a)} back" for a, b in pairs]
    if len(words) > 2:
        return f"{words[0]} and {len(words) - 1} more"
    return ", ".join(words)


def _minor(a: str, b: str) -> bool:
    return a.partition("@")[0] == b.partition("@")[0]


def _biased(single: Bound, sheet: Sheet, wl: Floats) -> tuple[Trace, ...]:
    """The first path at the voltages that the sheet drives the device with."""
    model = single.model
    volts = sorted({v for key, v in sheet.operating_values.items() if key.startswith("V_")})
    if model is None or "V" not in OPERATED & set(getattr(model, "parameters", ())):
        return ()
    found = []
    for volt in volts:
        matrix = {k: np.asarray(s) for k, s in model.function(wl, **{**single.params, "V": volt}).items()}
        found += [t for t in _traces(matrix, f", {volt:g} V") if not t.minor][:1]
    return tuple(found)


def _losses(wl: Floats, traces: Sequence[Trace]) -> list[Figure]:
    """Loss of the main paths in the middle of the range."""
    at = int(np.argmin(np.abs(wl - (wl[0] + wl[-1]) / 2)))
    return [
        Figure(f"{trace.label}, {wl[at] * 1e3:.4g} nm", float(trace.loss_dB[at]), "dB")
        for trace in [t for t in traces if not t.minor and t.loss_dB.min() < 40][:_LOSSES_SHOWN]
    ]


def _band(wl: Floats, traces: Sequence[Trace]) -> list[Figure]:
    """Where the main path is best and how wide it stays within 1 dB, if it has a best wavelength inside the range."""
    if not traces:
        return []
    loss = traces[0].loss_dB
    best = int(np.argmin(loss))
    if min(loss[0], loss[-1]) < loss[best] + 1:
        return []
    inside = wl[loss <= loss[best] + 1]
    return [
        Figure("best", float(wl[best]) * 1e3, "nm", 5),
        Figure("least loss", float(loss[best]), "dB"),
        Figure("1 dB band", float(inside[-1] - inside[0]) * 1e3, "nm"),
    ]


def _ring(file: LayoutFile, sheets: Mapping[str, Sheet], wl: Floats, traces: Sequence[Trace]) -> list[Figure]:
    """Spacing, width, quality and depth of the resonance nearest to the middle, on a grid of its own round it."""
    paths = [t for t in traces if not t.minor]
    kinds = {t.label: _is_drop(t) for t in paths}
    for trace in sorted(paths, key=lambda t: not kinds[t.label]):
        drop = kinds[trace.label]
        found = resonances(wl, trace.loss_dB, drop=drop)
        if not found:
            continue
        at = int(np.argmin([abs(r.wl - (wl[0] + wl[-1]) / 2) for r in found]))
        coarse = found[at]
        fine = coarse.wl + np.linspace(-_ROUND, _ROUND, _FINE) * coarse.width
        near = {t.label: t for t in _traces(s_parameters(file, fine, sheets))}
        if trace.label not in near:
            continue
        shapes = resonances(fine, near[trace.label].loss_dB, drop=drop)
        one = min(shapes, key=lambda r: abs(r.wl - coarse.wl), default=coarse)
        figures = [Figure("resonance", one.wl * 1e3, "nm", 6)]
        if len(found) > 1:
            beside = found[at + 1].wl - coarse.wl if at + 1 < len(found) else coarse.wl - found[at - 1].wl
            figures.append(Figure("free spectral range", beside * 1e3, "nm", 4))
        figures += [
            Figure("full width at half maximum", C_UM_GHZ * one.width / one.wl**2, "GHz"),
            Figure("loaded Q", one.wl / one.width, ""),
        ]
        for label, other in near.items():
            if kinds.get(label):
                figures.append(Figure(f"{label} on resonance", float(other.loss_dB.min()), "dB"))
            elif label in kinds and np.ptp(other.loss_dB) > 1:
                figures.append(Figure(f"{label}, depth of the dip", float(np.ptp(other.loss_dB)), "dB"))
        return figures
    return []


def _denser(wl: Floats, traces: Sequence[Trace]) -> Floats:
    """The wavelengths with more of them round every resonance, so that a dip is drawn to its bottom."""
    step = np.linspace(-4.0, 4.0, 81)
    found = [r for t in traces if not t.minor for r in resonances(wl, t.loss_dB, drop=_is_drop(t))]
    return np.unique(np.clip(np.concatenate([wl, *(r.wl + r.width * step for r in found)]), wl[0], wl[-1]))


def _is_drop(trace: Trace) -> bool:
    """Whether light passes on resonance: further from its median up than down."""
    level = -trace.loss_dB
    return bool(np.max(level) - np.median(level) > np.median(level) - np.min(level))


def _read(measured: Sequence[Mapping[str, Any]], wl: Floats, losses: Mapping[str, Floats]) -> tuple[Figure, ...]:
    """What the simulated block gives when it is evaluated as a measured one."""
    figures = []
    for found in read_out(measured, wl, losses):
        of = f" ({found.measurements[0]})" if len(found.measurements) == 1 and found.name != "grating_loss_dB" else ""
        figures.append(Figure(f"read out: {found.name}{of}", found.value, "" if found.unit == "1" else found.unit, 4))
    return tuple(figures)

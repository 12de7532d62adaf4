"""Plots of the simulated lanes: spectra, insertion loss, crosstalk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cpo_pdk.circuit.results import Direction, Lane, Spectrum
from cpo_pdk.report.figures import CHANNELS, FAINT, INK, RX, TX, style

_FLOOR_dB = -60.0
_WHAT = {"tx": "Transmit: laser to fibre", "rx": "Receive: fibre to detectors"}


def spectra_figure(spectra: Sequence[Spectrum]) -> Figure:
    """Transmission in dB over wavelength, one panel a macro, with its channels marked."""
    with style():
        figure = Figure(figsize=(10.0, 3.6 * max(1, len(spectra))), layout="constrained")
        for number, spectrum in enumerate(spectra, start=1):
            _spectrum(figure.add_subplot(max(1, len(spectra)), 1, number), spectrum)
    return figure


def _spectrum(axes: Axes, spectrum: Spectrum) -> None:
    nm = spectrum.wl * 1e3
    single = len(spectrum.traces) == 1
    for index, channel in enumerate(spectrum.channels):
        color = CHANNELS[index % len(CHANNELS)]
        axes.axvline(channel * 1e3, color=color if single else FAINT, lw=0.8, ls=(0, (4, 3)))
        above = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "bottom", "fontweight": "bold"}
        axes.annotate(str(index + 1), (channel * 1e3, 1.0), fontsize=8, color=color, **above)
    lowest = 0.0
    for index, (label, power) in enumerate(spectrum.traces.items()):
        level = 10.0 * np.log10(np.maximum(power, 10.0 ** (_FLOOR_dB / 10.0)))
        lowest = min(lowest, float(level.min()))
        axes.plot(nm, level, color=INK if single else CHANNELS[index % len(CHANNELS)], label=label, lw=1.1)
    axes.set(
        xlabel="wavelength (nm)",
        ylabel="transmission (dB)",
        xlim=(nm[0], nm[-1]),
        ylim=(max(_FLOOR_dB, lowest - 2.0), 1.0),
    )
    axes.set_title(f"{_WHAT[spectrum.direction]}, {spectrum.engine}, port {spectrum.port}", pad=16)
    axes.grid(axis="x", visible=False)
    if not single:
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.2)


def loss_figure(lanes: Sequence[Lane]) -> Figure:
    """Insertion loss of every lane: position = port and channel inside an engine, one dot an engine."""
    with style():
        figure = Figure(figsize=(10.0, 5.6), layout="constrained")
        _loss(figure.add_subplot(2, 1, 1), lanes, "tx", TX)
        _loss(figure.add_subplot(2, 1, 2), lanes, "rx", RX)
    return figure


def _loss(axes: Axes, lanes: Sequence[Lane], direction: Direction, color: str) -> None:
    chosen = [lane for lane in lanes if lane.direction == direction]
    places = sorted({(lane.port, lane.channel) for lane in chosen})
    position = {place: index for index, place in enumerate(places)}
    x = np.array([position[(lane.port, lane.channel)] for lane in chosen])
    y = np.array([lane.insertion_loss_dB for lane in chosen])
    engines = len({lane.engine for lane in chosen})
    many = f" of {engines} engines, one on top of the other" if engines > 1 else ""
    median = f", median {np.median(y):.2f} dB" if chosen else ""
    axes.set_title(f"{_WHAT[direction]}: {len(chosen)} lanes{many}{median}")
    axes.set_ylabel("insertion loss (dB)")
    if not chosen:
        return
    axes.axhline(float(np.median(y)), color=INK, lw=0.8, ls=(0, (4, 3)))
    axes.plot(x, y, ls="none", marker="o", ms=4.2, mfc=color, mec="none", alpha=0.75)
    starts = [
        index for index, (_, channel) in enumerate(places) if index == 0 or places[index - 1][0] != places[index][0]
    ]
    for start in starts[1:]:
        axes.axvline(start - 0.5, color=FAINT, lw=0.8)
    middles = [(a + b - 1) / 2 for a, b in zip(starts, [*starts[1:], len(places)], strict=True)]
    axes.set_xticks(middles, [f"port {places[start][0]}" for start in starts], fontsize=8)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="x", visible=False)
    axes.set_xlim(-1, len(places))
    margin = max(0.5 - float(np.ptp(y)) / 2, 0.15 * float(np.ptp(y)))  # at least 1 dB from bottom to top
    axes.set_ylim(float(y.min()) - margin, float(y.max()) + margin)


def crosstalk_figure(matrix: NDArray[np.float64], title: str) -> Figure:
    """Heat map of the crosstalk matrix: row = detector, column = channel, dB relative to the wanted signal."""
    count = len(matrix)
    with style():
        figure = Figure(figsize=(6.4, 5.4), layout="constrained")
        axes = figure.add_subplot(1, 1, 1)
        off = ~np.eye(count, dtype=bool)
        finite = matrix[off & np.isfinite(matrix)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (_FLOOR_dB, 0.0)
        shown = np.where(off, matrix, np.nan)
        axes.imshow(shown, cmap="YlOrRd", vmin=low, vmax=high if high > low else low + 1.0, aspect="equal")
        middle = (low + high) / 2
        for row in range(count):
            for column in range(count):
                value = matrix[row, column]
                if row == column:
                    axes.text(column, row, "wanted", ha="center", va="center", fontsize=6.5, color=INK)
                elif np.isfinite(value):
                    color = "#ffffff" if value > middle else "#222222"
                    axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=8, color=color)
        names = [str(n + 1) for n in range(count)]
        axes.set_xticks(range(count), names)
        axes.set_yticks(range(count), names)
        axes.set(xlabel="wavelength channel", ylabel="detector")
        axes.set_title(title)
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0)
    return figure


def worst_crosstalk(matrices: dict[tuple[str, int], NDArray[np.float64]]) -> tuple[str, int] | None:
    """Engine and port whose receiver sees the most power from other wavelengths, summed; None without matrices."""

    def summed(matrix: NDArray[np.float64]) -> float:
        off = matrix[~np.eye(len(matrix), dtype=bool)].reshape(len(matrix), -1)
        return float(np.max(np.sum(10.0 ** (off / 10.0), axis=1)))

    return max(matrices, key=lambda key: (summed(matrices[key]), -key[1], key[0]), default=None)

"""Measured S-parameters in place of a compact model, as a sheet asks for with `measured:`.

The file's phases are brought to the convention of the models (phase grows with length, `exp(-iwt)`). Between the
wavelengths of the file the delay that all paths share is taken out and the rest is interpolated linearly: a weighted
mean of two passive matrices is passive, which a smoother curve through them need not be.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.circuit.passivity import REPORTED
from cpo_pdk.circuit.sparameter_files import C_UM_HZ, FileMatrix, read_sparameters
from cpo_pdk.errors import InputError, ParameterError
from cpo_pdk.models.model import Model
from cpo_pdk.models.sdict import SDict

#: singular values above 1 by less than this are rounding of the file's digits
ROUNDING = 1e-6
#: paths further apart than this (dB) from their reverse are reported
ASYMMETRY_DB = 0.5
#: what turns by more than this (rad) between two rows of the file, the common delay taken out, is sampled too coarsely
COARSE = np.pi / 2


class MeasuredLike(Protocol):
    """The `measured` section of a sheet, see `cpo_pdk.spec.sheet.Measured`."""

    @property
    def file(self) -> str: ...
    @property
    def ports(self) -> dict[str, str]: ...
    @property
    def time(self) -> str | None: ...
    @property
    def passivity(self) -> str: ...
    @property
    def gain_limit(self) -> float: ...


def measured_model(name: str, measured: MeasuredLike, sheet_file: Path) -> tuple[Model, tuple[str, ...]]:
    """A model that answers with measured data.

    Args:
        name: of the sheet.
        measured: its `measured` section.
        sheet_file: the sheet; the data file is looked up beside it.

    Returns:
        the model, without parameters, and what has to be said about the data.

    Raises:
        InputError: the file lies elsewhere or can't be read, its ports are not those of the sheet, it is not passive,
            or its rows lie too far apart.
    """
    relative = PurePosixPath(measured.file.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or ":" in measured.file:
        raise InputError(
            f"{sheet_file}: measured.file = {measured.file!r} leads out of the sheet's folder; put the data beside it"
        )
    path = sheet_file.parent / relative
    try:
        key = (path.stat().st_mtime_ns, path.stat().st_size)
    except OSError as error:
        raise InputError(
            f"{sheet_file}: measured.file = {measured.file!r}: {error.strerror or error}; put the file beside the sheet"
        ) from error
    ports = tuple(sorted(measured.ports.items()))
    return _load(name, path, ports, measured.time, measured.passivity, measured.gain_limit, key)


@lru_cache(maxsize=64)
def _load(
    name: str,
    path: Path,
    ports: tuple[tuple[str, str], ...],
    time: str | None,
    passivity: str,
    gain_limit: float,
    _version: tuple[int, int],
) -> tuple[Model, tuple[str, ...]]:
    raw = read_sparameters(path)
    names = _mapped(raw, dict(ports))
    S = np.conj(raw.S) if (time or raw.time) == "exp(+jwt)" else raw.S
    delay = _delay(raw.f_Hz, S)
    if delay < 0:
        other = "exp(-iwt)" if (time or raw.time) == "exp(+jwt)" else "exp(+jwt)"
        raise InputError(
            f"{path}: its light would arrive {-delay * 1e12:.3g} ps before it left; write `time: {other}` in the "
            "sheet, or give the phases in rad"
        )
    notes = [note for note in (_asymmetry(path, names, S),) if note]
    S, clipped = _passive(path, raw, S, passivity, gain_limit)
    notes += clipped
    turned = S * np.exp(-2j * np.pi * raw.f_Hz * delay)[:, None, None]
    _fine_enough(path, raw, turned)
    function = Curves(path.name, raw.f_Hz, turned, delay, names)
    low, high = C_UM_HZ / raw.f_Hz[-1], C_UM_HZ / raw.f_Hz[0]
    plain = tuple(dict.fromkeys(port.partition("@")[0] for port in names))
    modes = {p: tuple(n.partition("@")[2] for n in names if n.startswith(f"{p}@")) for p in plain}
    model = Model(
        name=f"measured {path.name}",
        function=function,
        ports=tuple(sorted(plain)),
        modes={port: values for port, values in modes.items() if values},
        ranges={"wl": (float(low), float(high), "um")},
        reciprocal=False,
        gain_limit=gain_limit,
    )
    return model, tuple(f"{name}: {note}" for note in notes)


def _mapped(raw: FileMatrix, ports: dict[str, str]) -> tuple[str, ...]:
    """Names of the device's ports in the order of the file's."""
    if set(ports) != set(raw.ports):
        raise InputError(
            f"{raw.path}: has the ports {', '.join(map(repr, raw.ports))}, the sheet maps "
            f"{', '.join(map(repr, sorted(ports)))}; map each port of the file once"
        )
    names = tuple(ports[port] for port in raw.ports)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{raw.path}: two of its ports are mapped to {twice[0]!r}; map each to a port of its own")
    for name in names:
        port, at, mode = name.partition("@")
        if at and (mode != "TM" or not port):
            raise InputError(
                f"{raw.path}: a port is mapped to {name!r}; TE is the port's bare name, TM is it with @TM, as in o1@TM"
            )
    return names


def _delay(f_Hz: NDArray[np.float64], S: NDArray[np.complex128]) -> float:
    """Group delay in s of the strongest path between different ports (of the reflection, for a single port)."""
    power = np.mean(np.abs(S) ** 2, axis=0)
    if len(power) > 1:
        np.fill_diagonal(power, 0.0)
    b, a = np.unravel_index(int(np.argmax(power)), power.shape)
    path = S[:, b, a]
    steps = np.angle(path[1:] * np.conj(path[:-1])) / (2 * np.pi * np.diff(f_Hz))
    return float(np.median(steps))


def _asymmetry(path: Path, names: tuple[str, ...], S: NDArray[np.complex128]) -> str:
    power = np.mean(np.abs(S) ** 2, axis=0)
    floor = 1e-6
    ratio = np.abs(10 * np.log10((power + floor) / (power.T + floor)))
    b, a = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    if ratio[b, a] <= ASYMMETRY_DB:
        return ""
    return f"{path.name} differs by {ratio[b, a]:.2f} dB between {names[a]} to {names[b]} and back"


def _passive(
    path: Path, raw: FileMatrix, S: NDArray[np.complex128], passivity: str, gain_limit: float
) -> tuple[NDArray[np.complex128], list[str]]:
    u, sigma, vh = np.linalg.svd(S)
    worst = float(sigma.max())
    where = C_UM_HZ / raw.f_Hz[int(np.argmax(sigma.max(axis=1)))]
    text = f"{path.name}: more light out than in, singular value {worst:.6f} at {where:.6f} um"
    if passivity == "clip":
        clipped = (u * np.minimum(sigma, 1.0)[:, None, :]) @ vh
        count = int(np.sum(sigma.max(axis=1) > 1.0 + ROUNDING))
        said = f"{text}; brought down to 1 at {count} of {raw.f_Hz.size} wavelengths, by {20 * np.log10(worst):.4f} dB"
        return clipped, [said] if count else []
    if worst > gain_limit:
        raise InputError(
            f"{path}: {text.partition(': ')[2]}, limit {gain_limit:g}; measure again or write `passivity: clip`"
        )
    return S, [f"{text}, should be at most {REPORTED:g}"] if worst > REPORTED else []


def _fine_enough(path: Path, raw: FileMatrix, turned: NDArray[np.complex128]) -> None:
    strong = np.abs(turned) ** 2 > 1e-3 * np.max(np.abs(turned) ** 2)
    steps = np.abs(np.angle(turned[1:] * np.conj(turned[:-1]))) * (strong[1:] & strong[:-1])
    worst = float(steps.max())
    if worst > COARSE:
        row = int(np.argmax(steps.reshape(len(steps), -1).max(axis=1)))
        raise InputError(
            f"{path}: the phase turns by {worst:.2f} rad between {C_UM_HZ / raw.f_Hz[row + 1]:.6f} and "
            f"{C_UM_HZ / raw.f_Hz[row]:.6f} um, at most {COARSE:.2f} allowed; give more wavelengths"
        )


@dataclass(frozen=True)
class Curves:
    """Measured S-parameters as the function of a model; it travels between processes, which a closure would not.

    Attributes:
        file: name of the data file.
        f_Hz: of its rows, rising.
        turned: S-parameters without the common delay, shape (rows, out, in).
        delay: s.
        names: of the ports.
    """

    file: str
    f_Hz: NDArray[np.float64]
    turned: NDArray[np.complex128]
    delay: float
    names: tuple[str, ...]

    def __call__(self, wl: ArrayLike) -> SDict:
        """S-parameters at `wl` um; `ParameterError` outside the file's wavelengths."""
        f_Hz = self.f_Hz
        low, high = C_UM_HZ / f_Hz[-1], C_UM_HZ / f_Hz[0]
        grid = np.asarray(wl, np.float64)
        outside = (grid < low - 1e-9) | (grid > high + 1e-9)
        if np.any(outside):
            value = float(np.atleast_1d(grid)[np.atleast_1d(outside)][0])
            raise ParameterError(
                f"wl = {value:.6f} um, {self.file} was measured from {low:.6f} to {high:.6f} um; stay within"
            )
        f = np.clip(C_UM_HZ / grid, f_Hz[0], f_Hz[-1])
        row = np.clip(np.searchsorted(f_Hz, f, side="right") - 1, 0, f_Hz.size - 2)
        share = (f - f_Hz[row]) / (f_Hz[row + 1] - f_Hz[row])
        phase = np.exp(2j * np.pi * f * self.delay)
        found: SDict = {}
        for b, out in enumerate(self.names):
            for a, into in enumerate(self.names):
                values = self.turned[:, b, a]
                if np.any(values):
                    found[into, out] = ((1 - share) * values[row] + share * values[row + 1]) * phase
        return found

"""What every model shares: the type of its answer, the check of its arguments, the data files.

Conventions
    `SDict` maps `(port_in, port_out)` to a complex amplitude, an array that has the broadcast shape of `wl` and of all
    parameters. A port is `o1` for TE0 and `o1@TM` for TM0; `i1` is a detector: `|.|^2` is the power that it absorbs.
    Phase grows as `exp(+1j 2 pi neff length / wl)`; cross coupling is `+1j kappa`; a loss in dB is positive.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError

Array = NDArray[np.float64]
SDict = dict[tuple[str, str], NDArray[np.complex128]]

DATA = Path(__file__).parent / "data"


@lru_cache
def data(name: str) -> dict[str, Any]:
    """Return one data file of the models, read once; treat as read-only."""
    return yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))


def number(name: str, value: ArrayLike, low: float, high: float, unit: str = "um") -> Array:
    """Return an argument as a float array after checking it.

    Args:
        name: what it is called in the message.
        value: number or array.
        low: smallest allowed value.
        high: largest allowed value.
        unit: unit in the message.

    Raises:
        ParameterError: not a number, not finite, or outside low..high.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} is {value!r}, not a number; give it in {unit}") from None
    wrong = ~((array >= low) & (array <= high))
    if np.any(wrong):
        inside = np.clip(array, low, high)
        if np.allclose(array, inside, rtol=1e-12, atol=1e-12):  # what a file's decimals leave of a limit
            return inside
        bad = float(array[wrong].flat[0])
        raise ParameterError(f"{name} is {bad:g} {unit}; allowed is {low:g} to {high:g} {unit}")
    return array


def wavelength(wl: ArrayLike) -> Array:
    """Return the wavelength as an array in um; anything that is not near infrared is refused (nm given for um)."""
    return number("wl", wl, 1.0, 2.0)


def amplitude(loss_dB: ArrayLike) -> Array:
    """Amplitude transmission of a loss in dB."""
    return 10 ** (-np.asarray(loss_dB, dtype=np.float64) / 20)


def spread(entries: dict[tuple[str, str], Any], *shapes_of: ArrayLike) -> SDict:
    """Bring all entries, and the arguments that they came from, to one shape (complex)."""
    shape = np.broadcast_shapes(*(np.shape(v) for v in entries.values()), *(np.shape(a) for a in shapes_of))
    return {k: np.broadcast_to(np.asarray(v, dtype=np.complex128), shape) for k, v in entries.items()}


def reciprocal(entries: dict[tuple[str, str], Any], *shapes_of: ArrayLike) -> SDict:
    """As `spread`, with every entry also in the opposite direction."""
    return spread({**entries, **{(b, a): v for (a, b), v in entries.items()}}, *shapes_of)

"""Every compact model by name: the explicit table that the circuit looks models up in. Nothing is guessed."""

from __future__ import annotations

from types import MappingProxyType

from cpo_pdk.models import (
    detector,
    directional,
    fibre_coupling,
    gratings,
    mach_zehnder,
    modulator,
    passive,
    phase_shifters,
    ring,
    ring_filters,
    spiral,
    splitters,
    tap,
    tapers,
    waveguide,
    wide_ring,
)
from cpo_pdk.models.model import Model

#: modules that hold models, each with its own table `MODELS`
_ROOMS = (
    waveguide,
    directional,
    ring,
    ring_filters,
    wide_ring,
    modulator,
    phase_shifters,
    mach_zehnder,
    detector,
    tap,
    fibre_coupling,
    gratings,
    passive,
    spiral,
    splitters,
    tapers,
)


def _collect() -> dict[str, Model]:
    found: dict[str, Model] = {}
    for room in _ROOMS:
        for model in room.MODELS:
            if model.name in found:
                raise ValueError(f"two models are called {model.name!r}; the second is in {room.__name__}")
            found[model.name] = model
    return found


MODELS: MappingProxyType[str, Model] = MappingProxyType(_collect())

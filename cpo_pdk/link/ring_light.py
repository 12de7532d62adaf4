"""Light that heats the ring modulator that it passes: where that makes the ring bistable, it can't be held.

The ring absorbs some of the light and drifts to the red with it. Its heater gives that much less, so that a stable ring
stays at its working point. With more light there are three resonances for one heater power (`models.operating`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from cpo_pdk.circuit.results import DeviceFacts
from cpo_pdk.link.light_path import Link, Losses, modulator_item
from cpo_pdk.models.modulator import ring_modulator
from cpo_pdk.models.operating import hot_detunings_nm, operating_point
from cpo_pdk.spec import PackageSpec

#: of a model's parameters: what heater and drive set, not the drawing or the sheet
_SET_BY_WORK = ("V", "tuning_nm", "heater_mW", "dT")


def ring_warnings(
    spec: PackageSpec, links: Sequence[Link], devices: Mapping[str, DeviceFacts], outside: Losses
) -> Iterator[str]:
    """What to say of ring modulators that their light makes bistable: one line, for the one with the most light.

    Args:
        spec: the package.
        links: all lanes.
        devices: path from the top cell -> modulator.
        outside: loss outside of the packages.
    """
    most: tuple[float, Link, DeviceFacts] | None = None
    for link in links:
        at, facts = modulator_item(link.transmit), devices.get(link.transmit.modulator)
        if at is None or facts is None or not facts.model.startswith("ring_modulator"):
            continue
        before = sum(item.loss_dB for item in link.transmit.items[:at])
        arriving = spec.laser.per_wavelength_dBm - outside.laser_connectors - before
        if most is None or arriving > most[0]:
            most = arriving, link, facts
    if most is None:
        return
    dBm, link, facts = most
    if stable(facts, dBm, link.transmit.wl_um):
        return
    low, high = -20.0, dBm
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (middle, high) if stable(facts, middle, link.transmit.wl_um) else (low, middle)
    yield (
        f"{link.name}: {dBm:.1f} dBm at its ring heat it so much that it is bistable; "
        f"{spec.laser.per_wavelength_dBm - dBm + low:.1f} dBm a wavelength or less from the laser keep it stable"
    )


def stable(facts: DeviceFacts, power_dBm: float, wl_um: float) -> bool:
    """Whether a ring modulator has one resonance at the heater power that holds it at its working point.

    Args:
        facts: of the ring.
        power_dBm: of its wavelength at its input.
        wl_um: of the light.
    """
    known = ring_modulator.__kwdefaults__ or {}
    params = {name: value for name, value in facts.params.items() if name in known and name not in _SET_BY_WORK}
    levels = float(facts.operating["V_one"]), float(facts.operating["V_zero"])
    detuning = round(float(facts.operating.get("detuning_nm", 0.0)), 3)
    return _stable(round(power_dBm, 1), *levels, detuning, round(wl_um, 3), tuple(sorted(params.items())))


@lru_cache(maxsize=256)
def _stable(
    power_dBm: float, V_one: float, V_zero: float, detuning: float, wl_um: float, params: tuple[tuple[str, Any], ...]
) -> bool:
    given = dict(params)
    point = operating_point(V_one, V_zero, detuning_nm=detuning, laser_power_dBm=power_dBm, wl_center=wl_um, **given)
    cold = detuning + point.self_heating_nm
    return len(hot_detunings_nm(cold, power_dBm, V_one, V_zero, wl_center=wl_um, **given)) == 1

"""Classes of external lasers: what a laser may have, and which class gives what a margin needs.

Sources
    OIF ELSFP 2.0 (2025-01-08): power a core of the fibre, within 1.5 dB. CW-WDM MSA (2021-06-04): most power of all
    wavelengths of a fibre, by span of the grid (`spec.grid`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10
from types import MappingProxyType

from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.link.results import LinkLane
from cpo_pdk.spec import PackageSpec
from cpo_pdk.spec.grid import CW_WDM_POWER_DBM
from cpo_pdk.spec.link import FEC
from cpo_pdk.spec.part import Parts

ELSFP_DBM: MappingProxyType[str, float] = MappingProxyType(
    {"LP": 11.0, "MP": 14.0, "HP": 17.0, "VHP": 20.0, "UHP": 23.0, "SHP": 26.0}
)
"""Power class -> dBm a core."""

#: dB; extinction below which a modulator passes the same light whatever it is driven with
_NO_EYE_DB = 0.3
#: dBm; light at a detector that no receiver of such rates sees: a filter that is off its channel
_NO_LIGHT_DBM = -50.0
_ROUNDING_DB = 0.05  # 8 x 17 dBm is 26.03 dBm, and called 26


def total_dBm(per_wavelength_dBm: float, channels: int) -> float:
    """Power of all wavelengths of one laser fibre, dBm."""
    return per_wavelength_dBm + 10 * log10(channels)


def class_for(dBm: float) -> str | None:
    """The lowest ELSFP class with that power in a fibre, None where none has."""
    return next((name for name, most in ELSFP_DBM.items() if dBm <= most + _ROUNDING_DB), None)


def highest(spec: PackageSpec, parts: Parts) -> tuple[float, str]:
    """Most power of one laser fibre that any class allows, dBm, and what sets it."""
    name, most = max(ELSFP_DBM.items(), key=lambda item: item[1])
    limits = [(most, f"ELSFP {name}"), (parts.laser["max_dBm"], f"part {parts.laser.name}")]
    grid = spec.engine.grid
    if grid.standard == "CW-WDM" and grid.span_nm in CW_WDM_POWER_DBM:
        kind, dBm = max(CW_WDM_POWER_DBM[grid.span_nm].items(), key=lambda item: item[1])
        limits.append((dBm, f"CW-WDM {kind} over {grid.span_nm:g} nm"))
    return min(limits)


def check_laser(spec: PackageSpec, parts: Parts) -> None:
    """Refuse a laser that gives more than its part can.

    Raises:
        SpecError: at `laser.per_wavelength_dBm`.
    """
    channels, limit = spec.engine.grid.channels, parts.laser["max_dBm"]
    total = total_dBm(spec.laser.per_wavelength_dBm, channels)
    if total > limit + _ROUNDING_DB:
        raise SpecError([_too_much(spec, parts, channels, total, limit)])


def _too_much(spec: PackageSpec, parts: Parts, channels: int, total: float, limit: float) -> Problem:
    wavelengths = f" x {channels} wavelengths" if channels > 1 else ""
    fitting = limit - total + spec.laser.per_wavelength_dBm
    text = (
        f"laser.per_wavelength_dBm: {spec.laser.per_wavelength_dBm:g} dBm{wavelengths} is {total:.1f} dBm in a laser "
        f"fibre, {parts.laser.name} has at most {limit:g} dBm (max_dBm); use "
        f"{fitting:.1f} dBm or less, or another laser in link.parts.laser"
    )
    return spec.problem("laser.per_wavelength_dBm", text)


def margin_warnings(spec: PackageSpec, parts: Parts, lanes: Sequence[LinkLane]) -> Iterator[str]:
    """What to say of lanes that miss the margin: the power that would do, and whether a laser class has it.

    Args:
        spec: the package; without `require.margin_dB` a margin of 0 dB is asked for.
        parts: its parts.
        lanes: of the budget.
    """
    wanted = spec.require.margin_dB if spec.require.margin_dB is not None else 0.0
    short = [lane for lane in lanes if lane.margin_dB < wanted]
    dark = [lane for lane in short if _is_dark(lane)]
    if dark:
        one = dark[0]
        yield (
            f"{len(dark)} of {len(lanes)} lanes carry no data: {one.name} has {one.extinction_dB:.2f} dB extinction "
            f"and {one.received_dBm:.0f} dBm at its detector; its modulator or filter is not at its working point: see "
            "what is said of its rings, or its sheet's V_one and V_zero"
        )
    never = [lane for lane in short if not _is_dark(lane) and lane.needed_laser_dBm is None]
    if never:
        one = never[0]
        yield (
            f"{len(never)} of {len(lanes)} lanes can't have {wanted:g} dB margin with any laser: noise that grows with "
            f"the light (RIN, crosstalk, reflections) or a closed eye keeps {one.name} (opening {one.eye_opening:.2f}) "
            f"above a BER of {threshold_ber(spec):.1e}; less RIN, less crosstalk or faster parts would help"
        )
    rest = [lane for lane in short if not _is_dark(lane) and lane.needed_laser_dBm is not None]
    if not rest:
        return
    worst = min(rest, key=lambda lane: lane.margin_dB)
    assert worst.needed_laser_dBm is not None, "those without were sorted out"
    many = f"{len(rest)} of {len(lanes)} lanes have less than {wanted:g} dB margin"
    channels = spec.engine.grid.channels
    needed = worst.needed_laser_dBm
    total = total_dBm(needed, channels)
    in_fibre = f" ({total:.1f} dBm in a fibre of {channels} wavelengths)" if channels > 1 else ""
    most, limit = highest(spec, parts)
    if total > most + _ROUNDING_DB:
        yield (
            f"{many}; {worst.name} has {worst.margin_dB:.2f} dB and needs {needed:.1f} dBm a wavelength{in_fibre}, "
            f"which no laser class gives: {limit} ends at {most:g} dBm; take {total - most:.1f} dB out of the path, "
            "split each laser between fewer fibres (engine.laser_fibres) or require less"
        )
    else:
        yield (
            f"{many}; {worst.name} has {worst.margin_dB:.2f} dB; laser.per_wavelength_dBm: {_up(needed)} would do"
            f"{in_fibre}, ELSFP class {class_for(total)}"
        )


def _is_dark(lane: LinkLane) -> bool:
    return lane.extinction_dB < _NO_EYE_DB or lane.received_dBm < _NO_LIGHT_DBM


def threshold_ber(spec: PackageSpec) -> float:
    """Largest bit error ratio before correction that a lane may have."""
    return spec.link.pre_fec_BER if spec.link.pre_fec_BER is not None else FEC[spec.link.fec][0]


def _up(dBm: float) -> str:
    """One digit, rounded up: a power that does."""
    return f"{-(-dBm * 10 // 1) / 10:.1f}"

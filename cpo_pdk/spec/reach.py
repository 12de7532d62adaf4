"""Classes of the electrical interface between ASIC and engines: how long a trace may be and how much it may lose.

The loss of a trace is its length times `electrical.loss_dB_mm`, at the Nyquist frequency: half the symbol rate. Bumps,
vias and the dies' own wires are not in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec


@dataclass(frozen=True)
class ReachClass:
    """What a class of interface allows.

    Attributes:
        length_mm: longest trace; None: the class states a loss alone.
        loss_dB: largest loss from bump to bump at the Nyquist frequency; None: the class states a length alone.
        source: where the numbers come from.
    """

    length_mm: float | None
    loss_dB: float | None
    source: str


REACH: MappingProxyType[str, ReachClass] = MappingProxyType(
    {
        "UCIe-A": ReachClass(2.0, None, "UCIe, advanced package: 2 mm (from memory of the specification)"),
        "UCIe-S": ReachClass(25.0, None, "UCIe, standard package: 25 mm (from memory of the specification)"),
        "XSR": ReachClass(50.0, 10.0, "OIF CEI-112G-XSR: about 10 dB, 50 mm (from memory of the agreement)"),
        "XSR+": ReachClass(None, 13.0, "OIF CEI-112G-XSR+: 13 dB bump to bump (semiconductor-today.com, 2024-01-18)"),
        "VSR": ReachClass(None, 16.0, "OIF CEI-112G-VSR: about 16 dB (from memory of the agreement)"),
    }
)

#: symbols carry this many bits
_BITS = {"NRZ": 1, "PAM4": 2}

RATE_OVERHEAD = 1.2
"""A SerDes lane may run faster than what it carries by this factor at most: 106.25 Gb/s for 100 Gb/s with error
correction, and some room."""


class Trace(Protocol):
    """What is asked of a trace."""

    @property
    def engine(self) -> str:
        """Name of its engine."""
        ...

    @property
    def port(self) -> str:
        """Lane of its engine."""
        ...

    @property
    def length(self) -> float:
        """In um."""
        ...


def rate_Gbps(spec: PackageSpec) -> float:
    """Bit rate of one SerDes lane, Gb/s.

    Args:
        spec: the package.
    """
    return spec.electrical.rate_Gbps if spec.electrical.rate_Gbps is not None else spec.engine.lane_rate_Gbps


def nyquist_GHz(spec: PackageSpec) -> float:
    """Half the symbol rate of a SerDes lane, GHz.

    Args:
        spec: the package.
    """
    return rate_Gbps(spec) / _BITS[spec.engine.modulation] / 2


def trace_loss_dB(spec: PackageSpec, length_um: float) -> float:
    """Loss of a trace at the Nyquist frequency, dB.

    Args:
        spec: the package.
        length_um: of the trace.
    """
    return length_um * 1e-3 * spec.electrical.loss_dB_mm


def longest_mm(spec: PackageSpec) -> float:
    """The longest trace that the reach class and its loss allow, mm.

    Args:
        spec: the package.
    """
    reach = REACH[spec.electrical.reach]
    by_loss = reach.loss_dB / spec.electrical.loss_dB_mm if reach.loss_dB is not None else math.inf
    return min(by_loss, reach.length_mm if reach.length_mm is not None else math.inf)


def trace_problems(spec: PackageSpec, traces: Sequence[Trace]) -> list[Problem]:
    """The longest trace against the reach class, with what would do.

    Args:
        spec: the package.
        traces: all of them.
    """
    if not traces:
        return []
    reach, asked = REACH[spec.electrical.reach], spec.electrical.reach
    worst = max(traces, key=lambda trace: trace.length)
    length, loss = worst.length * 1e-3, trace_loss_dB(spec, worst.length)
    what = f"the longest trace, to {worst.port} of engine {worst.engine}"
    over = length - longest_mm(spec)
    if over <= 1e-6:
        return []
    long = [name for name, c in REACH.items() if c.length_mm is None or length <= c.length_mm]
    others = [name for name in long if loss <= (REACH[name].loss_dB or math.inf)]
    cures = _nearer(spec, over)
    problems = []
    if reach.length_mm is not None and length > reach.length_mm + 1e-9:
        also = [*cures, *(f"reach {name}" for name in (others or long)[:1])]
        problems.append(
            spec.problem(
                "electrical.reach",
                f"{what}, is {length:.2f} mm long, {asked} reaches {reach.length_mm:g} mm; use {' or '.join(also)}",
            )
        )
    if reach.loss_dB is not None and loss > reach.loss_dB + 1e-9:
        less = math.floor(reach.loss_dB / length * 1e4) / 1e4
        also = [*cures, f"loss_dB_mm {less:g}", *(f"reach {name}" for name in others[:1])]
        problems.append(
            spec.problem(
                "electrical.loss_dB_mm",
                f"{what}, loses {length:.2f} mm x {spec.electrical.loss_dB_mm:g} dB/mm = {loss:.2f} dB at "
                f"{nyquist_GHz(spec):g} GHz, {asked} allows {reach.loss_dB:g} dB; use {' or '.join(also)}",
            )
        )
    return problems


def _nearer(spec: PackageSpec, over: float) -> list[str]:
    """What shortens the longest trace by some mm: a smaller gap where there is one, or a shorter way along the edge."""
    if spec.engines.positions is not None:
        return [f"positions {math.ceil(over * 100) / 100:g} mm nearer to the SerDes"]
    carrier = spec.engines.carrier
    least = spec.engines.keepout_um * 1e-3 + (carrier.margin_mm if carrier else 0.0)
    gap = spec.engines.gap_mm - over / spec.engines.rows
    if gap >= max(least, 0.1):
        return [f"gap_mm {math.floor(gap * 100) / 100:g}"]
    return [f"an asic.shoreline_mm shorter by {math.ceil(2 * over * 100) / 100:g} mm"] if spec.asic.shoreline_mm else []

"""The smallest change of one value of the spec with which all fibres reach their connectors, by planning again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cpo_pdk.assemblies.escape.plan import curve_problems, outline_escape
from cpo_pdk.errors import SpecError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import pitch_of, place_engines
from cpo_pdk.spec.placement_checks import engine_problems

_TIGHTEST = 10.0  # bend radius that is proposed at most, mm: minimum design radius of ITU-T G.657.A1 fibre


@dataclass(frozen=True)
class Relaxation:
    """One value that would do, all others kept: dotted path in the spec, what it is now, the nearest one that does."""

    path: str
    now: float
    value: float

    def __str__(self) -> str:
        return f"{self.path} {self.value:g} (now {self.now:g})"


@dataclass(frozen=True)
class _Knob:
    """A value that may be changed: how far, and in which steps."""

    part: str
    key: str
    last: float
    step: float

    @property
    def path(self) -> str:
        return f"{self.part}.{self.key}"


_KNOBS = (
    _Knob("faceplate", "distance_mm", 1000.0, 0.1),
    _Knob("faceplate", "width_mm", 600.0, 0.1),
    _Knob("fibres", "bend_radius_mm", _TIGHTEST, 0.1),
    _Knob("fibres", "ribbon_gap_mm", 0.1, 0.01),
    _Knob("fibres", "levels", 8.0, 1.0),
    _Knob("engines", "pitch_mm", 100.0, 0.1),
)


def relaxations(spec: PackageSpec, size: tuple[float, float]) -> list[Relaxation]:
    """Values that would each do alone; empty when more than one has to change.

    Args:
        spec: a package whose fibres can't all be led to their connectors.
        size: length (towards the facet) and width of the engine in um.
    """
    found = []
    for knob in _KNOBS:
        now = getattr(getattr(spec, knob.part), knob.key)
        if knob.key == "pitch_mm":
            if spec.engines.positions is not None:
                continue
            now = pitch_of(spec, size) * 1e-3
        value = _nearest(spec, size, knob, float(now))
        if value is not None:
            found.append(Relaxation(knob.path, now, value))
    return found


def _nearest(spec: PackageSpec, size: tuple[float, float], knob: _Knob, now: float) -> float | None:
    """The value nearest to the present one with which everything fits, by bisection; None when there is none."""
    sign = 1 if knob.last > now else -1
    low = math.floor(now / knob.step + 1e-9) if sign > 0 else math.ceil(now / knob.step - 1e-9)
    high = round(knob.last / knob.step)

    def fits(index: int, curves: bool = False) -> bool:
        return _fits(_changed(spec, knob, round(index * knob.step, 6)), size, curves)

    # nearer ends first: what is possible at all is mostly possible soon
    reach = 1
    while (high - low) * sign > 0 and not fits(low + sign * reach):
        if reach >= abs(high - low):
            return None
        low, reach = low + sign * reach, min(2 * reach, abs(high - low - sign * reach))
    if (high - low) * sign <= 0:
        return None
    does = low + sign * reach
    while abs(does - low) > 1:
        middle = (does + low) // 2
        low, does = (low, middle) if fits(middle) else (middle, does)
    return round(does * knob.step, 6) if fits(does, curves=True) else None


def _changed(spec: PackageSpec, knob: _Knob, value: float) -> PackageSpec:
    part = getattr(spec, knob.part)
    plain = int(value) if isinstance(getattr(part, knob.key), int) else value
    return spec.model_copy(update={knob.part: part.model_copy(update={knob.key: plain})})


def _fits(spec: PackageSpec, size: tuple[float, float], curves: bool) -> bool:
    """Whether everything has a place; with `curves`, also whether the ribbons themselves are as they should be."""
    if engine_problems(spec, size):
        return False
    try:
        outline = outline_escape(spec, size, place_engines(spec, size))
    except SpecError:
        return False
    return not curves or not curve_problems(spec, size, outline)

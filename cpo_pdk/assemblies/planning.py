"""Where everything of a package stands: engines round the ASIC, fibres from there to the faceplate, connectors.

Pure geometry on frozen values, no layout: what does not fit is found here, with the line of the spec that would have to
change. `cpo_pdk.spec.placement` places the engines, `escape` leads their fibres to the faceplate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cpo_pdk.assemblies.escape import EscapePlan, plan_escape
from cpo_pdk.assemblies.escape.relaxing import relaxations
from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace, place_engines
from cpo_pdk.spec.placement_checks import engine_problems


@dataclass(frozen=True)
class Plan:
    """A package that fits.

    Attributes:
        engines: where the engines stand.
        escape: the fibres and connectors.
    """

    engines: tuple[EnginePlace, ...]
    escape: EscapePlan


def plan(spec: PackageSpec, engine_size: tuple[float, float]) -> Plan:
    """Place the engines and lead their fibres to the faceplate.

    Args:
        spec: the package.
        engine_size: length (towards the facet) and width of the engine in um.

    Raises:
        SpecError: with everything that does not fit, at the lines of the spec.
    """
    engines = place_engines(spec, engine_size)
    problems = engine_problems(spec, engine_size)
    if problems:
        raise SpecError(problems)
    try:
        return Plan(engines, plan_escape(spec, engine_size, engines))
    except SpecError as refused:
        raise SpecError(_with_relaxations(spec, engine_size, refused.problems)) from None


def _with_relaxations(
    spec: PackageSpec, engine_size: tuple[float, float], problems: tuple[Problem, ...]
) -> list[Problem]:
    """The problems, the first of them with the values that would each do alone."""
    found = relaxations(spec, engine_size)
    if not found:
        return list(problems)
    first = replace(problems[0], message=f"{problems[0].message}; alone would do: {', '.join(map(str, found))}")
    return [first, *problems[1:]]

"""Where everything of a package stands: engines round the ASIC, ribbons to the faceplate, connectors.

Pure geometry on frozen values, no layout: what does not fit is found here, with the line of the spec that would have to
change. `engine_places` places the engines, `ribbons` leads their fibres to the faceplate, `slots` sets the connectors.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from cpo_pdk.assemblies.ribbons import (
    Bundle,
    Group,
    Ribbon,
    bundle_of,
    bundle_problems,
    lay_ribbons,
    ribbon_problems,
)
from cpo_pdk.assemblies.slots import give_slots, slot_width
from cpo_pdk.components.fibers import Step
from cpo_pdk.errors import SpecError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace, place_engines
from cpo_pdk.spec.placement_checks import engine_problems


@dataclass(frozen=True)
class Plan:
    """A package that fits.

    Attributes:
        engines: where the engines stand.
        ribbons: in faceplate order, with their connectors.
        bundle: what the ribbons have in common.
        end_length: last stretch before the connectors, in which fibres move sideways to them, um; 0 for none.
    """

    engines: tuple[EnginePlace, ...]
    ribbons: tuple[Ribbon, ...]
    bundle: Bundle
    end_length: float

    def route(self, ribbon: Ribbon, group: Group, index: int) -> tuple[Step, ...]:
        """Steps of one fibre from the facet to its connector, lengths in um.

        Args:
            ribbon: that it runs in.
            group: that it belongs to.
            index: of the fibre in the engine's array (0: southernmost).
        """
        steps = self.bundle.fan_out(index)
        aside = round(self.bundle.place(index) * self.bundle.pitch_ribbon, 3)
        # one run more than bends: the last one goes to the faceplate
        for run, (here, there) in zip(ribbon.runs[:-1], itertools.pairwise(ribbon.turns), strict=True):
            left = 1 if (there - here) % 360 == 90 else -1
            steps += [("line", run, 0.0), ("arc", round(self.bundle.radius_center - left * aside, 3), left * 90.0)]
        steps.append(("line", round(ribbon.runs[-1] - self.end_length, 3), 0.0))
        if self.end_length:
            steps.append(("s", self.end_length, -group.shift))
        return tuple(steps)

    def fibre_x(self, ribbon: Ribbon, group: Group, index: int) -> float:
        """Where a fibre meets its connector, um.

        Args:
            ribbon: that it runs in.
            group: that it belongs to.
            index: of the fibre in the engine's array (0: southernmost).
        """
        return round(ribbon.x - self.bundle.place(index) * self.bundle.pitch_ribbon + group.shift, 3)


def plan(spec: PackageSpec, engine_size: tuple[float, float]) -> Plan:
    """Place the engines and plan the ribbons.

    Args:
        spec: the package.
        engine_size: length (towards the facet) and width of the engine in um.

    Raises:
        SpecError: with everything that does not fit, at the lines of the spec.
    """
    engines, bundle = place_engines(spec, engine_size), bundle_of(spec)
    ribbons = lay_ribbons(spec, engine_size, engines, bundle, slot_width(spec))
    problems = [
        *engine_problems(spec, engine_size),
        *bundle_problems(spec, bundle),
        *ribbon_problems(spec, ribbons, bundle),
    ]
    if problems:
        raise SpecError(problems)
    slotted, end = give_slots(spec, ribbons, bundle)
    return Plan(engines, slotted, bundle, end)

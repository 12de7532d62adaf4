"""What a package comes to, without drawing it: engines placed, traces assigned, fibres planned, and their numbers.

One engine is drawn, because its size and the bumps of its lanes follow from its devices; nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cpo_pdk.assemblies.engines import draw_engine
from cpo_pdk.assemblies.escape import EscapePlan
from cpo_pdk.assemblies.planning import plan
from cpo_pdk.assemblies.serdes import Airwire, assign_lanes
from cpo_pdk.errors import SpecError
from cpo_pdk.spec.carriers import CarrierPlace, place_carriers
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace, pitch_of
from cpo_pdk.spec.reach import REACH, longest_mm, nyquist_GHz, trace_loss_dB, trace_problems
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.spec.shoreline import OIF_MODULE_TBPS_MM, SideDensity, side_densities


@dataclass(frozen=True)
class Overview:
    """A package that can be built.

    Attributes:
        spec: what was asked for.
        engine_size: length (towards the facet) and width of an engine in um.
        engines: where the engines stand, spares with them.
        carriers: where the boards of sub-assemblies lie.
        densities: bandwidth through each side of the ASIC.
        traces: each SerDes lane with the engine lane that it serves.
        escape: fibres and connectors.
    """

    spec: PackageSpec
    engine_size: tuple[float, float]
    engines: tuple[EnginePlace, ...]
    carriers: tuple[CarrierPlace, ...]
    densities: tuple[SideDensity, ...]
    traces: tuple[Airwire, ...]
    escape: EscapePlan

    @property
    def longest_trace(self) -> Airwire:
        """The longest trace; of equal ones the first."""
        return max(self.traces, key=lambda trace: trace.length)

    @property
    def _has_pitch(self) -> bool:
        """Whether engines stand side by side at one pitch."""
        beside = any(place.number > 1 for place in self.engines)
        return beside and self.spec.engines.positions is None

    def as_json(self) -> dict[str, Any]:
        """All numbers as plain values; lengths in mm."""
        spec, worst = self.spec, self.longest_trace
        lengths = sorted(fibre.length for fibre in self.escape.fibres if fibre.connector)
        modules = [c for c in self.escape.connectors if c.plan.level == 0]
        reach = REACH[spec.electrical.reach]
        return {
            "name": spec.name,
            "bandwidth_Tbps": spec.bandwidth_Tbps,
            "electrical_Tbps": spec.electrical_Tbps,
            "engines": spec.engines.count,
            "spares": spec.engines.spares,
            "architecture": spec.engine.architecture,
            "lanes_per_direction": spec.lanes_per_direction,
            "fibres": spec.fibre_counts,
            "lasers": spec.fibre_counts["laser"] * spec.engine.grid.channels,
            "laser_modules": {
                "asked": spec.fibre_counts["laser"] / spec.laser.fibres_per_module,
                "at_faceplate": len(modules),
            },
            "data_connectors": len(self.escape.connectors) - len(modules),
            "engine_size_mm": [_mm(v) for v in self.engine_size],
            "pitch_mm": _mm(pitch_of(spec, self.engine_size)) if self._has_pitch else None,
            "placement": [
                {"name": p.name, "side": p.side, "row": p.row, "x_mm": _mm(p.x), "y_mm": _mm(p.y), "spare": p.spare}
                for p in self.engines
            ],
            "sub_assemblies": [
                {"name": b.name, "engines": list(b.engines), "box_mm": [_mm(v) for v in b.box]} for b in self.carriers
            ],
            "shoreline": [
                {
                    "side": d.side,
                    "engines": d.engines,
                    "spares": d.spares,
                    "Tbps": d.Tbps,
                    "length_mm": d.length_mm,
                    "Tbps_per_mm": round(d.Tbps_mm, 4),
                    "of_oif_module": round(d.of_oif, 2),
                }
                for d in self.densities
            ],
            "oif_module_Tbps_per_mm": OIF_MODULE_TBPS_MM,
            "traces": {
                "count": len(self.traces),
                "longest_mm": _mm(worst.length),
                "mean_mm": _mm(sum(t.length for t in self.traces) / len(self.traces)),
                "longest": {"lane": worst.lane.name, "engine": worst.engine, "port": worst.port},
                "loss_dB": round(trace_loss_dB(spec, worst.length), 3),
                "nyquist_GHz": nyquist_GHz(spec),
                "reach": spec.electrical.reach,
                "reach_mm": reach.length_mm,
                "reach_dB": reach.loss_dB,
                "allowed_mm": _mm(longest_mm(spec) * 1e3),
                "source": reach.source,
            },
            "crossings": len(self.escape.crossings),
            "fibre_length_mm": {"shortest": _mm(lengths[0]), "longest": _mm(lengths[-1])},
        }


def _mm(um: float) -> float:
    return round(um * 1e-3, 3)


def overview(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> Overview:
    """Plan a package and count what it takes.

    Args:
        spec: a spec that closes, from `cpo_pdk.spec.load_spec`.
        sheets: device sheets by name, from `cpo_pdk.spec.load_sheets`.

    Raises:
        SpecError: what does not fit, with file and line.
        AssemblyError: a device that can't play its part.
        ParameterError: a sheet's geometry that its cell refuses.
    """
    engine = draw_engine(spec, sheets)
    length, width = engine.info["size_um"]
    planned = plan(spec, (length, width))
    traces = assign_lanes(spec, planned.engines, (length, width), engine.info["lane_bumps"])
    problems = trace_problems(spec, traces)
    if problems:
        raise SpecError(problems)
    return Overview(
        spec,
        (length, width),
        planned.engines,
        place_carriers(spec, planned.engines, (length, width)),
        side_densities(spec),
        traces,
        planned.escape,
    )

"""The report as one HTML file that needs nothing else: no network, no second file, no server.

Names in it come out of layout files, so everything is escaped, and a content policy allows the scripts of the page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from cpo_pdk.circuit.results import Lane
from cpo_pdk.report.data import ReportData
from cpo_pdk.report.lane_section import lane_section
from cpo_pdk.report.operation_json import operation_json
from cpo_pdk.report.operation_section import operation_section, operation_tiles
from cpo_pdk.report.tables import COLUMNS, loss_spread, shown_row, worst_lanes
from cpo_pdk.report.viewer import embedded_json
from cpo_pdk.verify.findings import Group

#: what the page calls the kinds of checks
CHECKS: dict[Group, str] = {
    "drc": "Design rules",
    "photonic": "Waveguides",
    "connectivity": "Connectivity",
    "lvs": "Layout against spec",
    "assembly": "Assembly",
}
_TEMPLATES = (
    *("page.html", "lane_map.html", "operation.html", "page.css", "view3d.css", "operation.css"),
    *("viewer.js", "view3d.js", "operation.js"),
)
_WORST_SHOWN = 3
_VIOLATIONS_SHOWN = 200
#: kinds of devices in the summary of a lane's loss; what is left is one number
_KINDS_SHOWN = 7


@dataclass(frozen=True)
class Tile:
    """One of the figures at the head of the page."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    bad: bool = False


def page(
    data: ReportData,
    figures: Mapping[str, str],
    scene: dict[str, Any],
    still: bytes,
    space: str = "",
    stills: Mapping[str, bytes] = MappingProxyType({}),
) -> str:
    """Render the page.

    Args:
        data: what is reported.
        figures: name -> SVG of `spectra`, `insertion_loss`, `crosstalk`; of a package at work `energy` and `transient`.
        scene: what the viewer draws, from `viewer.viewer_data`.
        still: PNG of the package, for print and for readers without scripts.
        space: the package in space, from `view3d.embedded_glb`; empty where there is none.
        stills: PNG of `margin` and `temperature`, shown as `still` is.
    """
    templates = {name: (files("cpo_pdk.report") / "templates" / name).read_text("utf-8") for name in _TEMPLATES}
    work = operation_section(data.operation)
    scripts = [templates[name] for name in ("viewer.js", "view3d.js", *(["operation.js"] if work else []))]
    environment = Environment(
        loader=DictLoader(templates), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["db"] = lambda value: f"{value:.2f}"
    lanes = data.simulation.lanes
    return environment.get_template("page.html").render(
        data=data,
        tiles=[*_tiles(data), *(Tile(*tile) for tile in operation_tiles(data.operation))],
        figures={name: Markup(text) for name, text in figures.items()},
        css=Markup("".join(templates[name] for name in _TEMPLATES if name.endswith(".css"))),
        scripts=[Markup(script) for script in scripts],
        script_hashes=["sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts],
        space=Markup(space),
        scene=Markup(embedded_json(scene)),
        still=_inline(still),
        stills={name: _inline(stills[name]) if name in stills else "" for name in ("margin", "temperature")},
        work=work,
        # those of the package at work stand in its own section
        warnings=[text for text in data.warnings if not data.operation or text not in data.operation.warnings],
        work_data=Markup(embedded_json(operation_json(data.operation)) if work and data.operation else ""),
        spreads={d: loss_spread(lanes, d) for d in ("tx", "rx")},
        by_device=_by_device,
        operating_point=_operating_point(data.simulation.modulator),
        worst={d: _worst(lanes, d) for d in ("tx", "rx")},
        best={d: _best(lanes, d) for d in ("tx", "rx")},
        columns=COLUMNS,
        rows=[shown_row(lane) for lane in lanes],
        violations=data.verdict.violations[:_VIOLATIONS_SHOWN],
        violation_count=len(data.verdict.violations),
        lane_map=lane_section(data.lane_map, data.traces),
        checks=[(CHECKS[result.group], result) for result in data.verdict.results],
    )


def _inline(png: bytes) -> str:
    """The address of a picture that stands in the page itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _worst(lanes: tuple[Lane, ...], direction: str) -> list[Lane]:
    """The worst lanes of one direction, of equal engines only one."""
    found: dict[tuple[int, int], Lane] = {}
    for lane in worst_lanes((lane for lane in lanes if lane.direction == direction), len(lanes)):
        found.setdefault((lane.port, lane.channel), lane)
    return list(found.values())[:_WORST_SHOWN]


def _best(lanes: tuple[Lane, ...], direction: str) -> Lane | None:
    return min(
        (lane for lane in lanes if lane.direction == direction), key=lambda lane: lane.insertion_loss_dB, default=None
    )


def _by_device(lane: Lane) -> str:
    """What a lane loses in each kind of device (dB, and how many of them), the most first; empty for a short list."""
    loss: dict[str, float] = {}
    count: dict[str, int] = {}
    for item in lane.items:
        if item.cell != "-":
            loss[item.cell] = loss.get(item.cell, 0.0) + item.loss_dB
            count[item.cell] = count.get(item.cell, 0) + 1
    if len(loss) < 2:
        return ""
    found = sorted(loss, key=lambda cell: -loss[cell])
    texts = [
        f"{cell} {loss[cell]:.2f}" + (f" ({count[cell]} of them)" if count[cell] > 1 else "")
        for cell in found[:_KINDS_SHOWN]
    ]
    rest = sum(loss[cell] for cell in found[_KINDS_SHOWN:])
    return ", ".join([*texts, f"all others {rest:.2f}"] if abs(rest) >= 0.005 else texts)


def _operating_point(point: Mapping[str, float]) -> str:
    """How the modulators are driven, in words; empty without modulators."""
    words = [f"level {w} at {point[key]:g} V" for w, key in (("one", "V_one"), ("zero", "V_zero")) if key in point]
    detuning = point.get("detuning_nm", 0.0)
    if detuning:
        words.append(f"laser {abs(detuning):g} nm {'below' if detuning < 0 else 'above'} the resonance at 0 V")
    if "heater_min_mW" in point:
        words.append(f"heater at {_span(point['heater_min_mW'], point['heater_max_mW'], 1)} mW")
    if "extinction_min_dB" in point:
        words.append(f"extinction {_span(point['extinction_min_dB'], point['extinction_max_dB'], 2)} dB")
    return ", ".join(words)


def _span(low: float, high: float, digits: int) -> str:
    texts = f"{low:.{digits}f}", f"{high:.{digits}f}"
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def _tiles(data: ReportData) -> list[Tile]:
    lanes = data.simulation.lanes
    per_direction = sum(lane.direction == "tx" for lane in lanes)
    kinds = ", ".join(f"{count} {kind}" for kind, count in data.fibres.items() if count and kind != "total")
    tiles = [
        Tile("Bandwidth", f"{data.bandwidth_Tbps:g}", "Tb/s", f"{data.engines} engine{'s' * (data.engines != 1)}"),
        Tile("Lanes", f"{per_direction}", "", "in each direction"),
        Tile("Fibres", f"{data.fibres['total']}", "", kinds),
    ]
    for direction, what in (("tx", "Loss, transmit"), ("rx", "Loss, receive")):
        spread = loss_spread(lanes, direction)
        if spread:
            tiles.append(Tile(what, f"{spread.median:.2f}", "dB", f"{spread.low:.2f} to {spread.high:.2f} dB"))
    disturbed = [lane.crosstalk_dB for lane in lanes if lane.aggressors]
    if disturbed:
        tiles.append(Tile("Crosstalk", f"{max(disturbed):.1f}", "dB", "worst lane"))
    for result in data.verdict.results:
        note = result.not_applicable or f"{result.looked_at:,} {result.what}, {len(result.rules)} rules"
        tiles.append(Tile(CHECKS[result.group], f"{len(result.violations)}", "found", note, not result.clean))
    return tiles

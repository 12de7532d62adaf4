"""What the page says about the lane map: traces and fibres by engine, connectors, cables, banks, and every lane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cpo_pdk.errors import InputError
from cpo_pdk.lanes.banks import Bank, banks_of
from cpo_pdk.lanes.cables import POLARITIES, fitting, join
from cpo_pdk.lanes.rows import FibreRow, LaneMap, LaneRow
from cpo_pdk.lanes.traces import TraceReport

#: problems that are listed
SHOWN = 50
LANE_HEADINGS = (
    "engine",
    "lane",
    "wl (nm)",
    "serial lane",
    "trace (mm)",
    "device",
    "waveguide",
    "fibre",
    "position",
    "laser",
    "bank",
)


@dataclass(frozen=True)
class EngineLine:
    """One engine: numbers and lengths as texts."""

    engine: str
    lanes: str
    trace: str
    loss: str
    fibres: str
    length: str
    slack: str
    latency: str


@dataclass(frozen=True)
class ConnectorLine:
    """One connector: its name, kind, row, how many positions are in use, and the skew of its fibres in ps."""

    name: str
    kind: str
    row: str
    used: str
    engines: str
    skew: str


@dataclass(frozen=True)
class LaneSection:
    """The section as the template wants it.

    Attributes:
        closed: the map is a bijection.
        summary: what the map holds, in a sentence.
        problems: why it is none, with the place (um); at most `SHOWN`.
        more: problems that are not listed.
        engines, connectors: one line each.
        reach: the longest trace against its class; empty without a spec.
        over: some trace is longer than that.
        cable: what cable joins two such packages.
        banks: of the first engine.
        headings, lanes: the whole map.
    """

    closed: bool
    summary: str
    problems: tuple[tuple[str, float, float], ...]
    more: int
    engines: tuple[EngineLine, ...]
    connectors: tuple[ConnectorLine, ...]
    reach: str
    over: bool
    cable: str
    banks: tuple[Bank, ...]
    headings: tuple[str, ...]
    lanes: tuple[tuple[str, ...], ...]


def lane_section(lane_map: LaneMap | None, traces: TraceReport | None) -> LaneSection | None:
    """The section of a package; None where no map was made.

    Args:
        lane_map: of the package.
        traces: the same traces against their reach class, where a spec is known.
    """
    if lane_map is None:
        return None
    found = lane_map.problems
    first = lane_map.engines[0] if lane_map.engines else ""
    return LaneSection(
        closed=lane_map.closed,
        summary=_summary(lane_map),
        problems=tuple((p.message, p.x_um, p.y_um) for p in found[:SHOWN]),
        more=max(0, len(found) - SHOWN),
        engines=tuple(_engine_lines(lane_map, traces)),
        connectors=tuple(_connector_lines(lane_map)),
        reach=_reach(traces),
        over=bool(traces and traces.over),
        cable=_cable(lane_map),
        banks=tuple(bank for bank in banks_of(lane_map) if bank.engine == first),
        headings=LANE_HEADINGS,
        lanes=tuple(_lane(row) for row in lane_map.lanes),
    )


def _counted(count: int, what: str) -> str:
    """`1 engine`, `2 engines`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _summary(found: LaneMap) -> str:
    tx = sum(row.direction == "tx" for row in found.lanes)
    spares = f", {_counted(len(found.spares), 'spare')} without fibres" if found.spares else ""
    data = sum(1 for row in found.fibres if row.use in ("tx", "rx") and row.connector)
    lasers = sum(1 for row in found.fibres if row.use == "laser" and row.connector)
    modules = len({row.laser_connector for row in found.lanes if row.laser_connector})
    return (
        f"{tx} transmit and {len(found.lanes) - tx} receive lanes of {_counted(len(found.engines), 'engine')}{spares}; "
        f"{_counted(data, 'data fibre')}, {_counted(lasers, 'laser fibre')} to {_counted(modules, 'laser module')}"
    )


def _span(values: list[float], digits: int) -> str:
    """`1.2 to 3.4`, or one number where all are the same; a dash without any."""
    if not values:
        return "-"
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low} to {high}"


def _engine_lines(found: LaneMap, traces: TraceReport | None) -> Iterator[EngineLine]:
    loss = {entry.engine: f"{entry.loss_dB:.2f}" for entry in traces.engines} if traces else {}
    lanes: dict[str, list[LaneRow]] = {}
    for row in found.lanes:
        lanes.setdefault(row.engine, []).append(row)
    fibres: dict[str, list[FibreRow]] = {}
    for fibre in found.fibres:
        if fibre.use in ("tx", "rx", "laser"):
            fibres.setdefault(fibre.engine, []).append(fibre)
    for engine in found.engines:
        own, led = lanes.get(engine, []), fibres.get(engine, [])
        tx = sum(row.direction == "tx" for row in own)
        yield EngineLine(
            engine=engine,
            lanes=f"{tx} + {len(own) - tx}",
            trace=_span([row.trace_mm for row in own if row.serdes], 2),
            loss=loss.get(engine, "-"),
            fibres=" + ".join(str(sum(row.use == use for row in led)) for use in ("tx", "rx", "laser")),
            length=_span([row.length_mm for row in led], 1),
            slack=_span([row.slack_mm for row in led], 1),
            latency=_span([row.latency_ps for row in led], 0),
        )


def _connector_lines(found: LaneMap) -> Iterator[ConnectorLine]:
    for connector in found.connectors:
        engines = dict.fromkeys(engine for engine, _ in connector.positions.values())
        yield ConnectorLine(
            name=connector.name,
            kind=connector.kind,
            row=str(connector.level) if connector.level else "laser",
            used=f"{len(connector.positions)} of {connector.size}",
            engines=", ".join(engines) or "-",
            # fibres of a laser module lead to several engines: their skew means nothing
            skew=", ".join(f"{use} {skew:.2f}" for use, skew in connector.skew_ps.items() if use != "laser") or "-",
        )


def _reach(traces: TraceReport | None) -> str:
    worst = traces.worst if traces else None
    if traces is None or worst is None:
        return ""
    return (
        f"The longest trace is {worst.longest_mm:.2f} mm ({worst.worst.name}) and loses {worst.loss_dB:.2f} dB at "
        f"{traces.nyquist_GHz:g} GHz with {traces.loss_dB_mm:g} dB/mm; {traces.reach} allows "
        f"{traces.allowed_mm:.2f} mm."
    )


def _cable(found: LaneMap) -> str:
    try:
        good = fitting(found, found)
    except InputError:
        return ""
    if not good:
        return "No straight, crossed or pair-flipped cable joins two such packages."
    order = join(found, found, good[0])[0].order
    words = " or ".join(f"type {polarity} ({POLARITIES[polarity]})" for polarity in good)
    return f"Array cables of {words} join two such packages; the order of a connector's fibres is {order}."


def _lane(row: LaneRow) -> tuple[str, ...]:
    return (
        row.engine,
        f"{row.direction}_{row.port}/{row.channel}",
        f"{row.wl_um * 1e3:.2f}",
        row.serdes or "-",
        f"{row.trace_mm:.2f}" if row.serdes else "-",
        row.device or "-",
        row.waveguide or "-",
        row.fibre or "-",
        f"{row.connector}.{row.position}" if row.connector else "-",
        f"{row.laser_connector}.{row.laser_position}" if row.laser_connector else "-",
        f"{row.module}.{row.bank}.{row.bank_lane}",
    )

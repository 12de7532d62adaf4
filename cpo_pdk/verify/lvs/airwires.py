"""The airwires of a package: each serial link of the ASIC (SerDes) goes to one lane of an engine, each lane to one.

An airwire is a path of two points on AIRWIRE, from the bump of a link to the bump of a lane: where the metal leads to
the modulator or the detector of the lane, as extracted, not where the cell says that it does. Links stand where the
spec's shoreline has them. They serve the engines of their side, transmit and receive apart, so that the longest trace
is the shortest possible, and of such assignments the sum of squares is smallest: then there are no two airwires whose
ends could be exchanged to make traces shorter, and two that were swapped by hand can be told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.meta import is_optical, read_cell_meta, read_cross_sections
from cpo_pdk.errors import SpecError
from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.serdes import DIRECTIONS, SerdesLane, serdes_lanes
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.lvs.array import SWAPPED_RULE
from cpo_pdk.verify.lvs.asked import AskedEngine
from cpo_pdk.verify.lvs.faults import MARK, Fault
from cpo_pdk.verify.lvs.standing import Standing

AIRWIRE_RULE = "LVS.airwire"

#: function of the cell that is the switch die
_ASIC = "asic"
#: ends are on the 1 nm grid of the file; the place of a bump is rounded once more
_SNAP = 0.002
#: sums of squares of lengths that are rounded to 1 nm differ by this times the longest length, um, without a reason
_ROUNDING = 0.02
#: faults of one kind that are told one by one
_SHOWN = 12
#: pairs of airwires that are looked for on one side; links that are looked at together
_PAIRS, _BLOCK = 100, 500

Place = tuple[float, float]
#: (engine, lane as `tx_3/5`)
Lane = tuple[str, str]


class _Places:
    """Names by place; places that differ by less than the grid are the same."""

    def __init__(self, named: Iterable[tuple[Place, str]]) -> None:
        self.by_cell: dict[tuple[int, int], list[tuple[Place, str]]] = defaultdict(list)
        for place, name in named:
            self.by_cell[self._cell(place)].append((place, name))

    @staticmethod
    def _cell(place: Place) -> tuple[int, int]:
        return (round(place[0]), round(place[1]))

    def at(self, place: Place) -> str | None:
        """The name at a place."""
        u, v = self._cell(place)
        for du in (0, -1, 1):
            for dv in (0, -1, 1):
                for (x, y), name in self.by_cell.get((u + du, v + dv), ()):
                    if abs(x - place[0]) <= _SNAP and abs(y - place[1]) <= _SNAP:
                        return name
        return None


@dataclass(frozen=True)
class _Wire:
    """An airwire from a link to a lane."""

    link: SerdesLane
    lane: Lane
    start: Place
    end: Place

    @property
    def direction(self) -> str:
        return self.lane[1].partition("_")[0]


class Airwires:
    """The airwires of a package, drawn and asked.

    Args:
        file: the layout.
        spec: the package.
        asked: one engine.
        engines: which engine is which.
        bumps: cell of an engine -> lane (`tx_3/5`) -> its bump in the cell, um, as the metal leads there.
    """

    def __init__(
        self,
        file: LayoutFile,
        spec: PackageSpec,
        asked: AskedEngine,
        engines: Standing,
        bumps: Mapping[str, Mapping[str, Place]],
    ) -> None:
        self.top = file.top.name
        self.spec = spec
        self.side = {stand.asked.name: stand.asked.side for stand in engines.stands}
        self.spares = {stand.asked.name for stand in engines.stands if stand.asked.spare}
        self.links, self.middle = _links(file)
        self.lanes = {
            (stand.asked.name, lane): stand.device.place.point(*place)
            for stand in engines.stands
            for lane, place in bumps.get(stand.device.cell, {}).items()
        }
        self.wanted = [
            (stand.asked.name, lane) for stand in engines.stands if not stand.asked.spare for lane in lanes_of(asked)
        ]
        self.mirrored = {stand.asked.name for stand in engines.stands if stand.device.place.mirror}
        self.complete = len(engines.stands) == spec.engines.placed
        self.drawn, self.odd = _drawn(file)

    def faults(self) -> Iterator[Fault]:
        """Everything that is wrong between the ASIC and the engines."""
        try:
            asked = {link.name: link for link in serdes_lanes(self.spec)}
        except SpecError:  # the shoreline is too short: told where the spec is planned
            return
        if not self.links and not self.drawn:
            text = f"no SerDes links on the ASIC and no airwires, {len(asked)} asked; draw the ASIC with its lanes"
            yield self._fault(text, (0.0, 0.0))
            return
        yield from self._links(asked)
        for place in self.odd:
            yield self._fault("a shape on AIRWIRE that is no path of two points; draw one from bump to bump", place)
        wires = []
        loose: list[Fault] = []
        at_link = _Places((place, name) for name, place in self.links.items())
        at_lane = _Places((place, f"{engine} {lane}") for (engine, lane), place in self.lanes.items())
        for start, end in self.drawn:
            link, lane = at_link.at(start), at_lane.at(end)
            if link is None and lane is None:
                link, lane = at_link.at(end), at_lane.at(start)  # drawn from the engine to the ASIC
            if link is None or lane is None:
                loose.append(self._loose(start, end, link, lane))
            elif link in asked:
                engine, _, name = lane.partition(" ")
                wires.append(_Wire(asked[link], (engine, name), start, end))
        met = {wire.lane[0] for wire in wires} - self.mirrored
        apart = [engine for engine in dict.fromkeys(engine for engine, _ in self.lanes) if engine not in met]
        apart = [engine for engine in apart if engine not in self.spares]
        # an engine that is missing, or stands elsewhere, is told as that, not wire by wire
        if self.complete and not (apart and loose):
            yield from _some(loose, "more airwires that end at no link or at no lane")
        elif loose:
            for engine in apart:
                if engine not in self.mirrored:
                    text = (
                        f"no airwire meets a lane of engine {engine}: it stands elsewhere than they lead; move it back"
                    )
                    yield self._fault(text, self.lanes[engine, next(n for e, n in self.lanes if e == engine)])
        gone = set(apart) if loose else set()
        yield from self._counts(asked, [wire for wire in wires if wire.lane[0] not in self.mirrored], gone)
        yield from self._ways([wire for wire in wires if wire.lane[0] not in self.mirrored])

    def _links(self, asked: Mapping[str, SerdesLane]) -> Iterator[Fault]:
        """Ports of the ASIC that are not the links of the spec, or lie elsewhere."""
        missing, extra = sorted(set(asked) - set(self.links)), sorted(set(self.links) - set(asked))
        if missing or extra:
            what = f"{missing[0]} is missing" if missing else f"{extra[0]} was not asked for"
            text = f"{len(self.links)} SerDes links on the ASIC, {len(asked)} asked: {what}; draw one a lane"
            yield self._fault(text, self.middle, "electrical")
        moved = []
        for name, link in asked.items():
            place = self.links.get(name)
            if place is None:
                continue
            dx, dy = place[0] - self.middle[0] - link.x, place[1] - self.middle[1] - link.y
            if max(abs(dx), abs(dy)) > _SNAP:
                text = f"SerDes link {name} lies {dx:+.3f}, {dy:+.3f} um off its bump; move it there"
                moved.append(self._fault(text, place, "asic.shoreline_um"))
        yield from _some(moved, "more SerDes links off their bumps")

    def _loose(self, start: Place, end: Place, link: str | None, lane: str | None) -> Fault:
        """An airwire of which an end is at nothing."""
        if link is not None:
            x, y = end
            text = f"the airwire of {link} ends at ({x:.3f}, {y:.3f}) um, at the bump of no lane; lead it to one"
            return self._fault(text, end)
        if lane is not None:
            x, y = start
            text = f"the airwire of {_lane_words(lane)} starts at ({x:.3f}, {y:.3f}) um, at no link; lead it to one"
            return self._fault(text, start)
        text = "an airwire of which no end is at a link of the ASIC or at the bump of a lane; lead it to both"
        return self._fault(text, start)

    def _counts(self, asked: Mapping[str, SerdesLane], wires: Sequence[_Wire], gone: set[str]) -> Iterator[Fault]:
        """Links and lanes with no airwire, or with several."""
        of_link = Counter(wire.link.name for wire in wires)
        of_lane = Counter(wire.lane for wire in wires)
        several = [
            self._fault(f"SerDes link {name} has {count} airwires, 1 asked; leave one", self.links[name])
            for name, count in sorted(of_link.items())
            if count > 1
        ]
        several += [
            self._fault(
                f"lane {lane} of engine {engine} has {count} airwires, 1 asked; leave one", self.lanes[engine, lane]
            )
            for (engine, lane), count in sorted(of_lane.items())
            if count > 1 and engine not in self.spares
        ]
        yield from _some(several, "more links and lanes with several airwires")
        # a lane whose bump the metal does not lead to is told as that
        bare: dict[str, list[str]] = defaultdict(list)
        for engine, lane in self.wanted:
            if (engine, lane) in self.lanes and engine not in gone and not of_lane[engine, lane]:
                bare[engine].append(lane)
        for engine, lanes in bare.items():
            text = f"{_counted(lanes, 'lane')} of engine {engine} without an airwire, 0 allowed; draw one each"
            yield self._fault(text, self.lanes[engine, lanes[0]])
        idle = [name for name in asked if name in self.links and not of_link[name]]
        if idle and self.complete and not gone:
            text = f"{_counted(idle, 'SerDes link')} without an airwire, 0 allowed; draw one each"
            yield self._fault(text, self.links[idle[0]])
        for engine in sorted({engine for engine, _ in of_lane} & self.spares):
            lanes = sorted(lane for own, lane in of_lane if own == engine)
            text = f"{_counted(lanes, 'lane')} of spare engine {engine} with an airwire, 0 asked; remove them"
            yield self._fault(text, self.lanes[engine, lanes[0]], "engines.spares")

    def _ways(self, wires: Sequence[_Wire]) -> Iterator[Fault]:
        """Airwires of the wrong direction or side, and pairs that are swapped."""
        several = {name for name, n in Counter(wire.link.name for wire in wires).items() if n > 1}
        shared = {lane for lane, n in Counter(wire.lane for wire in wires).items() if n > 1}
        wrong: list[Fault] = []
        good: dict[tuple[str, str], list[_Wire]] = defaultdict(list)
        for wire in wires:
            engine, lane = wire.lane
            if wire.link.direction != wire.direction:
                text = (
                    f"SerDes link {wire.link.name} leads to lane {lane} of engine {engine}, a {wire.link.direction} "
                    "lane asked; lead it to one"
                )
                wrong.append(self._fault(text, wire.end))
            elif wire.link.side != self.side[engine]:
                text = (
                    f"SerDes link {wire.link.name} of the {wire.link.side} leads to engine {engine}, one of the "
                    f"{wire.link.side} asked; lead it there"
                )
                wrong.append(self._fault(text, wire.end))
            elif engine not in self.spares and wire.link.name not in several and wire.lane not in shared:
                good[wire.link.side, wire.direction].append(wire)
        yield from _some(wrong, "more airwires to a lane of the other direction or side")
        crossed = [self._swap(a, b) for side in SIDES for way in DIRECTIONS for a, b in exchanges(good[side, way])]
        yield from _some(crossed, "more pairs of airwires that are swapped")

    def _swap(self, a: _Wire, b: _Wire) -> Fault:
        (first, x), (second, y) = a.lane, b.lane
        ends = f"{x} and {y} of engine {first}" if first == second else f"{first}.{x} and {second}.{y}"
        before, after = max(_length(a, a), _length(b, b)), max(_length(a, b), _length(b, a))
        text = (
            f"the airwires of {a.link.name} and {b.link.name} are swapped: exchanged at {ends}, the longer of the two "
            f"takes {after * 1e-3:.3f} mm, not {before * 1e-3:.3f} mm; exchange them"
            if after < before - _SNAP
            else f"the airwires of {a.link.name} and {b.link.name} are swapped at {ends}: their traces can be shorter "
            "in the mean of squares; exchange them"
        )
        return Fault(SWAPPED_RULE, self.top, text, box=_box(a.end), spec_path="electrical", layer="AIRWIRE")

    def _fault(self, text: str, place: Place, path: str = "electrical") -> Fault:
        return Fault(AIRWIRE_RULE, self.top, text, box=_box(place), spec_path=path, layer="AIRWIRE")


def lanes_of(asked: AskedEngine) -> list[str]:
    """Names of an engine's lanes: `tx_3/5`, port and channel of each modulator and each detector."""
    return [
        f"{device.row}/{device.channel}"
        for device in asked.devices.values()
        if device.role in ("modulator", "detector")
    ]


def exchanges(wires: Sequence[_Wire]) -> list[tuple[_Wire, _Wire]]:
    """Pairs whose ends may be exchanged for shorter traces, the one that gains most first.

    A pair counts when neither trace becomes longer than the longest of all and the sum of the squares of the two
    lengths falls. After each pair the rest is looked at as if it had been exchanged.

    Args:
        wires: of one side and direction.
    """
    if len(wires) < 2:
        return []
    starts, ends = np.array([wire.start for wire in wires]), np.array([wire.end for wire in wires])
    found: list[tuple[_Wire, _Wire]] = []
    while len(found) < _PAIRS:
        own = np.abs(starts - ends).sum(axis=1)
        longest = own.max() + _SNAP
        best, pair = _ROUNDING * longest, (0, 0)
        for first in range(0, len(wires), _BLOCK):
            rows = slice(first, first + _BLOCK)
            to = np.abs(starts[rows, None] - ends[None]).sum(axis=2)  # link i to the lane of link j
            back = np.abs(starts[None] - ends[rows, None]).sum(axis=2)  # link j to the lane of link i
            gain = own[rows, None] ** 2 + own[None] ** 2 - to**2 - back**2
            gain[np.maximum(to, back) > longest] = 0.0
            i, j = divmod(int(np.argmax(gain)), len(wires))
            if gain[i, j] > best:
                best, pair = float(gain[i, j]), (first + i, j)
        if pair == (0, 0):
            break
        i, j = sorted(pair)
        ends[[i, j]] = ends[[j, i]]
        found.append((wires[i], wires[j]))
    return found


def _length(a: _Wire, b: _Wire) -> float:
    """Trace from the link of one airwire to the lane of another, um."""
    return abs(a.start[0] - b.end[0]) + abs(a.start[1] - b.end[1])


def _links(file: LayoutFile) -> tuple[dict[str, Place], Place]:
    """Places of the links of the ASIC by name, and its centre, um."""
    sections = read_cross_sections(file.layout)
    found: dict[str, Place] = {}
    middle = (0.0, 0.0)
    index = file.layout.find_layer(*layer_of("ASIC"))
    if index is None:
        return found, middle
    for inst in file.top.each_inst():
        outline = inst.cell.dbbox_per_layer(index)
        meta = read_cell_meta(inst.cell, sections, file.layout.dbu) if not outline.empty() else None
        if meta is None or meta.function != _ASIC:
            continue
        centre = inst.dcplx_trans * outline.center()
        middle = (centre.x, centre.y)
        for port in meta.ports:
            if not is_optical(port.port_type) and port.name.partition("_")[0] in DIRECTIONS:
                at = inst.dcplx_trans * kdb.DPoint(port.trans.disp.x, port.trans.disp.y)
                found[port.name] = (round(at.x, 3), round(at.y, 3))
    return found, middle


def _drawn(file: LayoutFile) -> tuple[list[tuple[Place, Place]], list[Place]]:
    """The two ends of each airwire, um; and places of shapes that are none."""
    index = file.layout.find_layer(*layer_of("AIRWIRE"))
    wires: list[tuple[Place, Place]] = []
    odd: list[Place] = []
    if index is None:
        return wires, odd
    shapes = file.top.begin_shapes_rec(index)
    while not shapes.at_end():
        shape, trans = shapes.shape(), shapes.dtrans()
        points = [trans * point for point in shape.dpath.each_point()] if shape.is_path() else []
        if len(points) == 2:
            (a, b) = points
            wires.append(((round(a.x, 3), round(a.y, 3)), (round(b.x, 3), round(b.y, 3))))
        else:
            at = (trans * shape.dbbox()).center()
            odd.append((round(at.x, 3), round(at.y, 3)))
        shapes.next()
    return wires, odd


def _some(faults: Sequence[Fault], words: str) -> Iterator[Fault]:
    """The first faults of one kind, and how many more there are."""
    yield from faults[:_SHOWN]
    if len(faults) > _SHOWN:
        first = faults[_SHOWN]
        yield Fault(
            first.rule,
            first.cell,
            f"{len(faults) - _SHOWN} {words}; see the first {_SHOWN}",
            box=first.box,
            spec_path=first.spec_path,
            layer=first.layer,
        )


def _counted(names: Sequence[str], what: str) -> str:
    """`3 lanes (tx_1/1, tx_1/2, ...)`."""
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''} ({shown})"


def _lane_words(lane: str) -> str:
    engine, _, name = lane.partition(" ")
    return f"lane {name} of engine {engine}"


def _box(place: Place) -> tuple[float, float, float, float]:
    x, y = place
    return (round(x - MARK, 3), round(y - MARK, 3), round(x + MARK, 3), round(y + MARK, 3))

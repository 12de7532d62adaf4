"""The ledger of watts: everything that takes electrical power, and where each of its watts becomes heat.

Rules
    Every watt stands once. The serial links' half in the ASIC is part of `asic.power_W`: it is taken out of the ASIC's
    share (`kind` asic) and stands for itself, so that ASIC, host half and their sum agree with the spec.
    The load of a state acts on the ASIC alone. Lanes idle with a pattern: drivers, modulators and serial links take as
    much without traffic as with it, unless the sheet of a part has an `idle_share` below 1 (share of its dynamic power
    that stays without traffic; traffic grows from none at `thermal.loads.idle` to full at `thermal.loads.full`).
    Static is what a part takes whatever it sends (bias, heaters, loops, lasers); dynamic is what switching takes.
    Heaters take what their drivers lose besides; that loss heats the electronic die, the heater its ring.

The electrical power of a laser module becomes heat in it less its light; see `light` for where that ends.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping

from cpo_pdk.circuit.results import DeviceFacts, Lane, SimulationResult
from cpo_pdk.energy.charging import Charging, charging
from cpo_pdk.energy.lasers import wall_plug
from cpo_pdk.energy.light import light_of
from cpo_pdk.energy.results import Consumer, Heat, LaneKey, Ledger
from cpo_pdk.errors import ParameterError, Problem, SpecError
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.line_rate import baud_GBd, serdes_rate_Gbps
from cpo_pdk.spec.part import Part, Parts
from cpo_pdk.spec.reach import rate_Gbps

ASIC = "asic"
OF_ENGINES = ("eic:", "pic:", "ring:")
"""Places of heat that belong to an engine."""


class _Book:
    """What is written down so far."""

    def __init__(self) -> None:
        self.consumers: list[Consumer] = []
        self.warm: dict[tuple[str, str, str], list[float]] = defaultdict(list)  # place, kind, engine

    def add(
        self,
        kind: str,
        watt: float,
        places: Mapping[str, float],
        engine: str = "",
        lane: LaneKey | None = None,
        *,
        static: bool = True,
        source: str = "",
    ) -> None:
        """One taker and where its power becomes heat: place -> share."""
        if watt == 0:
            return
        self.consumers.append(Consumer(kind, watt, engine, lane, static, source))
        for place, share in places.items():
            if share:
                self.warm[place, kind, engine if place.startswith(OF_ENGINES) else ""].append(watt * share)

    def heat(self) -> tuple[Heat, ...]:
        """Heat by place and kind."""
        return tuple(Heat(place, math.fsum(found), kind, engine) for (place, kind, engine), found in self.warm.items())

    def split(
        self, kind: str, watt: float, static_share: float, place: str, engine: str, lane: LaneKey, source: str
    ) -> None:
        """One taker with a static and a dynamic share, all of it heat at one place."""
        self.add(kind, watt * static_share, {place: 1.0}, engine, lane, source=source)
        self.add(kind, watt * (1 - static_share), {place: 1.0}, engine, lane, static=False, source=source)


def traffic_of(spec: PackageSpec, load: float) -> float:
    """Traffic at a load over that at full load, 0 to 1: none at `loads.idle`, all at `loads.full`.

    Args:
        spec: the package.
        load: ASIC power over `asic.power_W`.
    """
    idle, full = spec.thermal.loads.idle, spec.thermal.loads.full
    return 1.0 if full <= idle else min(1.0, max(0.0, (load - idle) / (full - idle)))


def _active(part: Part, traffic: float) -> float:
    """Share of the dynamic power of a part that it takes at some traffic."""
    idle = part.values.get("idle_share", 1.0)
    return idle + (1 - idle) * traffic


class Account:
    """The watts of a package at one load but for its heaters: those a loop of temperature and tuning changes."""

    def __init__(
        self,
        spec: PackageSpec,
        parts: Parts,
        sheets: Mapping[str, Sheet],
        simulation: SimulationResult,
        *,
        load: float,
        laser_case_C: float,
    ) -> None:
        """Arguments and errors as `ledger`."""
        if not (math.isfinite(load) and load >= 0):
            raise ParameterError(f"load is {load}, 0 or more needed; give the ASIC's power over asic.power_W")
        problems = part_problems(spec, parts)
        if problems:
            raise SpecError(problems)
        book, notes = _Book(), []
        traffic = traffic_of(spec, load)
        sent = [lane for lane in simulation.lanes if lane.direction == "tx"]
        _lasers(book, spec, parts, sheets, simulation, laser_case_C)
        _drivers(book, spec, parts, simulation, sent, traffic, notes)
        _amplifiers(book, parts, simulation)
        host = _serdes(book, spec, parts, sent, traffic)
        self._held = _held(simulation)
        _control(book, parts, simulation, self._held)
        core = spec.asic.power_W * load - host
        if core < 0:
            text = (
                f"asic.power_W {spec.asic.power_W:g} W at a load of {load:g} is {spec.asic.power_W * load:.4g} W, the "
                f"serial links in the ASIC take {host:.4g} W of it ({parts.serdes.name}); raise the power or the load"
            )
            raise SpecError([spec.problem("asic.power_W", text)])
        book.add(ASIC, core, {ASIC: 1.0}, static=False, source="asic.power_W")
        self._control = parts.control
        self._consumers, self._heat = tuple(book.consumers), book.heat()
        self._notes = tuple(dict.fromkeys(notes))
        self._lanes = tuple((lane.engine, lane.port, lane.channel) for lane in sent)
        self._Tbps = len(sent) * spec.engine.lane_rate_Gbps * 1e-3

    def with_heaters(self, heaters_mW: Mapping[str, float]) -> Ledger:
        """All watts with those of the heaters.

        Args:
            heaters_mW: path from the top cell of a ring or interferometer -> heat of its heater.

        Raises:
            ParameterError: a heater that isn't in the layout, a power that is no positive number.
        """
        book = _Book()
        _heaters(book, self._control, self._held, heaters_mW)
        consumers, heat = (*self._consumers, *book.consumers), (*self._heat, *book.heat())
        return Ledger(consumers, heat, self._Tbps, self._notes, self._lanes)


def ledger(
    spec: PackageSpec,
    parts: Parts,
    sheets: Mapping[str, Sheet],
    simulation: SimulationResult,
    *,
    heaters_mW: Mapping[str, float],
    load: float,
    laser_case_C: float,
) -> Ledger:
    """All watts of a package at one load.

    Args:
        spec: the package.
        parts: what is bought.
        sheets: of the devices.
        simulation: of the layout, at the state.
        heaters_mW: path from the top cell of a ring or interferometer -> heat of its heater.
        load: ASIC power over `asic.power_W`.
        laser_case_C: temperature of the laser modules' cases.

    Raises:
        ParameterError: a heater that isn't in the layout, powers or a load that are no positive numbers.
        SpecError: parts that don't fit the package, an ASIC whose power doesn't cover its serial links.
    """
    account = Account(spec, parts, sheets, simulation, load=load, laser_case_C=laser_case_C)
    return account.with_heaters(heaters_mW)


def _key(lane: Lane) -> LaneKey:
    return lane.engine, lane.direction, lane.port, lane.channel


def _lasers(
    book: _Book,
    spec: PackageSpec,
    parts: Parts,
    sheets: Mapping[str, Sheet],
    simulation: SimulationResult,
    case_C: float,
) -> None:
    """Laser modules: electrical power, heat in them, and their light wherever it ends."""
    light = light_of(spec, parts, sheets, simulation.lanes)
    efficiency = wall_plug(parts.laser, case_C)
    for (module, engine), watt in light.lasers_W.items():
        book.add("laser", watt / efficiency, {}, engine, source=parts.laser.name)
        book.warm[f"els:{module}", "laser", ""].append(watt / efficiency - watt)
    for place, watt in light.heat_W.items():
        book.warm[place, "light", place.partition(":")[2]].append(watt)


def _drivers(
    book: _Book,
    spec: PackageSpec,
    parts: Parts,
    simulation: SimulationResult,
    sent: list[Lane],
    traffic: float,
    notes: list[str],
) -> None:
    """Drivers and the modulators that they switch."""
    driver = parts.driver
    active = _active(driver, traffic)
    known: dict[int, Charging | None] = {}
    for lane in sent:
        eic, pic = f"eic:{lane.engine}", f"pic:{lane.engine}"
        book.add("driver", driver["static_mW"] * 1e-3, {eic: 1.0}, lane.engine, _key(lane), source=driver.name)
        device: DeviceFacts | None = simulation.devices.get(lane.modulator)
        if device is None:
            notes.append("lanes without a known modulator: power to switch it not counted")
            continue
        if id(device) not in known:
            known[id(device)] = charging(device, spec.engine.modulation, baud_GBd(spec), driver["resistance_ohm"])
        taken = known[id(device)]
        if taken is None:
            notes.append(f"sheet {device.sheet}: its model says nothing of charge, power to switch it not counted")
            continue
        watt = taken.mW * 1e-3 * active
        shares = {pic: taken.photonic_share, eic: 1 - taken.photonic_share}
        book.add("modulator", watt, shares, lane.engine, _key(lane), static=False, source=taken.source)
        lost = watt * (1 / driver["efficiency"] - 1)
        book.add("driver", lost, {eic: 1.0}, lane.engine, _key(lane), static=False, source=driver.name)


def _amplifiers(book: _Book, parts: Parts, simulation: SimulationResult) -> None:
    """Receiver amplifiers."""
    watt = parts.tia["power_mW"] * 1e-3
    for lane in simulation.lanes:
        if lane.direction == "rx":
            book.add("tia", watt, {f"eic:{lane.engine}": 1.0}, lane.engine, _key(lane), source=parts.tia.name)


def _serdes(book: _Book, spec: PackageSpec, parts: Parts, sent: list[Lane], traffic: float) -> float:
    """Serial links, one of each direction a transmit lane; returns what they take in the ASIC, W."""
    serdes = parts.serdes
    static = serdes.values.get("static_share", 1.0)
    now = static + (1 - static) * _active(serdes, traffic)
    share = static / now if now else 0.0
    bits = serdes_rate_Gbps(spec) * 1e-3  # pJ/bit times Tb/s is W
    for lane in sent:
        ends: tuple[tuple[str, float, str], ...] = (
            ("serdes_host", serdes["host_pJ_bit"], ASIC),
            ("serdes_engine", serdes["engine_pJ_bit"], f"eic:{lane.engine}"),
        )
        for kind, pJ, place in ends:
            book.split(kind, pJ * bits * now, share, place, lane.engine, _key(lane), serdes.name)
    return math.fsum(consumer.watt for consumer in book.consumers if consumer.kind == "serdes_host")


def _held(simulation: SimulationResult) -> dict[str, tuple[str, LaneKey | None]]:
    """Path of a ring or interferometer -> its engine and the lane that it is for, where that is one."""
    held: dict[str, tuple[str, LaneKey | None]] = {
        trimmer.instance: (trimmer.engine, None) for trimmer in simulation.trimmers
    }
    for lane in simulation.lanes:
        if lane.modulator in held:
            held[lane.modulator] = (lane.engine, _key(lane))
    for ring in simulation.rings:
        held[ring.instance] = (ring.engine, (ring.engine, ring.direction, ring.port, ring.channel + 1))
    return held


def _heaters(
    book: _Book, control: Part, held: Mapping[str, tuple[str, LaneKey | None]], heaters_mW: Mapping[str, float]
) -> None:
    """Heaters of rings and interferometers, with what their drivers lose."""
    efficiency = control["heater_efficiency"]
    for path, mW in heaters_mW.items():
        if path not in held:
            raise ParameterError(f"heaters_mW: {path} is no ring or interferometer of the layout; give their paths")
        if not (math.isfinite(mW) and mW >= 0):
            raise ParameterError(f"heaters_mW: {path} takes {mW} mW, 0 or more needed; a heater only heats")
        engine, lane = held[path]
        shares = {f"ring:{path}": efficiency, f"eic:{engine}": 1 - efficiency}
        book.add("heater", mW * 1e-3 / efficiency, shares, engine, lane, source=control.name)


def _control(
    book: _Book, parts: Parts, simulation: SimulationResult, held: Mapping[str, tuple[str, LaneKey | None]]
) -> None:
    """Loops of rings and interferometers, controllers of engines."""
    control = parts.control
    for engine, lane in held.values():
        book.add("control", control["ring_mW"] * 1e-3, {f"eic:{engine}": 1.0}, engine, lane, source=control.name)
    for engine in dict.fromkeys(lane.engine for lane in simulation.lanes):
        book.add("control", control["engine_W"], {f"eic:{engine}": 1.0}, engine, source=control.name)


_Rate = Callable[[PackageSpec], float]


def part_problems(spec: PackageSpec, parts: Parts) -> list[Problem]:
    """Parts that are slower than the lanes, at the line of the rate."""
    rates: tuple[tuple[Part, _Rate, str], ...] = (
        (parts.serdes, rate_Gbps, "electrical.rate_Gbps" if spec.electrical.rate_Gbps else "engine.lane_rate_Gbps"),
        (parts.driver, lambda s: s.engine.lane_rate_Gbps, "engine.lane_rate_Gbps"),
        (parts.tia, lambda s: s.engine.lane_rate_Gbps, "engine.lane_rate_Gbps"),
    )
    return [
        spec.problem(
            path,
            f"lanes of {rate(spec):g} Gb/s, {part.name} is made for {part['rate_Gbps']:g} Gb/s at most; name a faster "
            f"one under link.parts.{part.kind}",
        )
        for part, rate, path in rates
        if rate(spec) > part["rate_Gbps"]
    ]

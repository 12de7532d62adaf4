"""A made-up package at work, with random values that agree with each other: a report takes results from anywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cpo_pdk.energy.results import ClusterEnergy, Comparison, Consumer, EnergyResult, Heat, Ledger
from cpo_pdk.link.results import Cost, LinkBudget, LinkLane, Step
from cpo_pdk.operation.results import Gate, Operation, RingState, State, Unlock
from cpo_pdk.thermal.results import TemperatureMap, Temperatures, Transient

GBPS = 100.0
LOADS = {"idle": 0.3, "typical": 0.7, "full": 1.0}


@dataclass(frozen=True)
class Site:
    """An engine of the sample: its name and its middle in um."""

    name: str
    x: float
    y: float


def operation_sample(sites: Sequence[Site], ports: int = 8, channels: int = 8, seed: int = 1) -> Operation:
    """States idle, typical and full of a package with such engines; one ring can't lock at full load.

    Args:
        sites: its engines.
        ports: transmit fibres of an engine.
        channels: wavelengths of a fibre.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    states = tuple(_state(name, load, sites, ports, channels, random) for name, load in LOADS.items())
    worst = states[-1].budget.worst
    assert worst is not None
    t = np.linspace(0.0, 3.0, 61)
    rise = 1.0 - np.exp(-t / 0.4)
    ring = states[-1].rings[0]
    transient = Transient(t, 55.0 + 40.0 * rise, 38.0 + 9.0 * rise, ring.instance, 22.5, 0.4, 2.3e-4)
    unlocks = (
        Unlock("idle", 610.0, ring.instance, "heater off"),
        Unlock("typical", None, "", "all rings follow to 750 W"),
        Unlock("full", 240.0, ring.instance, "heater at its limit"),
    )
    gates = (
        Gate("margin_dB", 1.5, worst.margin_dB, f"{worst.name} at full", worst.margin_dB >= 1.5, "switch.yaml:41"),
        Gate("energy_pJ_bit", 6.0, states[-1].energy.pJ_bit, "full", states[-1].energy.pJ_bit <= 6, "switch.yaml:42"),
    )
    return Operation(states, transient, unlocks, gates, ("1 ring of <b>W1</b> can't lock at full load",))


def _state(
    name: str, load: float, sites: Sequence[Site], ports: int, channels: int, random: np.random.Generator
) -> State:
    asic = 500.0 * load
    celsius = {site.name: 35.0 + 12.0 * load + random.uniform(-1, 1) for site in sites}
    rings = tuple(
        ring for site in sites for port in range(1, ports + 1) for ring in _rings(site, port, channels, celsius, random)
    )
    lanes = tuple(
        _lane(site, port, channel, load, random)
        for site in sites
        for port in range(1, ports + 1)
        for channel in range(1, channels + 1)
    )
    unlocked = [ring.instance for ring in rings if not ring.locked]
    return State(
        name=name,
        load=load,
        asic_W=asic,
        converged=name != "typical",
        reason="" if name != "typical" else "ring temperatures still move by 0.02 K after 40 rounds",
        iterations=5,
        residual_K=4e-4,
        rings=rings,
        temperatures=_temperatures(sites, celsius, rings, asic),
        energy=_energy(sites, lanes, rings, asic),
        budget=LinkBudget(
            lanes,
            "PAM4",
            53.125,
            2.4e-4,
            "KP4",
            (
                Cost("edge_coupler", 4.5, 4.6, 0.4),
                Cost("modulation", 5.1, 5.6, 0.3),
                Cost("connector & <i>x</i>", 2.0, 2.5, 0.2),
            ),
            ("laser of ELS-1 above its class",),
            {"laser": "els_dfb", "connector": "mpo_connector"},
        ),
        warnings=tuple(f"{ring} can't lock" for ring in unlocked),
    )


def _rings(
    site: Site, port: int, channels: int, celsius: dict[str, float], random: np.random.Generator
) -> list[RingState]:
    found = []
    for channel in range(1, channels + 1):
        for direction, mode in (("tx", ""), ("rx", "")):
            power = random.uniform(2, 24)
            found.append(
                RingState(
                    f"{site.name}/{direction}_{port}/unit_{channel}/ring",
                    *(site.name, direction, port, mode),
                    site.x - 1600 + 200 * channel + (1200 if direction == "rx" else 0),
                    site.y + 100 * port,
                    *(channel % channels + 1, channel),
                    celsius[site.name] + 0.02 * channel,
                    power / 10,
                    power,
                    25 - power,
                    power,
                    power < 23.9,
                )
            )
    return found


def _lane(site: Site, port: int, channel: int, load: float, random: np.random.Generator) -> LinkLane:
    level = 12.0
    steps = [Step("laser", "source", "", None, None, level, level, "els_dfb")]

    def step(name: str, kind: str, where: str, x: float | None, cost: float, far: bool = False) -> None:
        nonlocal level
        level -= cost
        y = None if x is None else site.y + 100 * port
        steps.append(Step(name, kind, where, x, y, -cost, level, name, far))  # type: ignore[arg-type]

    step("connector", "loss", "", None, 0.5)
    step("fiber_pm", "loss", f"fibre_{site.name}_laser_1", site.x + 2000, 0.01)
    step("edge_coupler", "loss", f"{site.name}/fibre_array/coupler_{port}", site.x + 1900, 1.5)
    for number in range(30):
        step("straight", "loss", f"{site.name}/tx_{port}/wg_{number}", site.x + 1500 - 90 * number, 0.01)
    for other in range(1, channel):
        where = f"{site.name}/tx_{port}/unit_{other}/modulator"
        step("ring_modulator", "loss", where, site.x - 1500 + 200 * other, 0.02)
    modulator, x = f"{site.name}/tx_{port}/unit_{channel}/modulator", site.x - 1500 + 200 * channel
    step("ring_modulator", "loss", modulator, x, 4.2)
    step("extinction", "modulation", modulator, x, 1.2)
    step("edge_coupler", "loss", f"{site.name}/fibre_array/coupler_{port + 9}", site.x + 1900, 1.5)
    launch = level
    step("fiber", "loss", f"fibre_{site.name}_tx_{port}", site.x + 2000, 0.01)
    for _ in range(4):
        step("connector", "loss", "", None, 0.35)
    step("fibre 100 m", "loss", "", None, 0.04)
    step("edge_coupler", "loss", f"{site.name}/fibre_array/coupler_{port + 20}", site.x + 1900, 1.5, True)
    step("ring_filter", "loss", f"{site.name}/rx_{port}/unit_{channel}/ring", site.x + 300, 0.8 + 0.1 * channel, True)
    oma = level
    step("crosstalk", "penalty", "", None, 0.3 + random.uniform(0, 0.6) + 0.8 * load, True)
    needed = -12.5
    margin = level - needed
    return LinkLane(
        engine=site.name,
        port=port,
        channel=channel,
        far_engine=site.name,
        far_port=port,
        wl_um=1.2961 + 0.00112 * (channel - 1),
        laser=f"ELS-1.{port}",
        laser_dBm=12.0,
        launch_dBm=launch,
        extinction_dB=5.4,
        oma_tx_dBm=launch - 1.2,
        oma_rx_dBm=oma,
        received_dBm=oma + 1.2,
        tdecq_dB=2.1,
        eye_opening=0.62,
        noise_uA={"thermal": 2.1, "shot": 0.4, "rin": 0.8},
        penalties_dB={"extinction": 2.5, "crosstalk": 0.4},
        q=3.4 + 0.2 * margin,
        ber=0.0 if channel == 2 and port == 1 else 2.4e-4 * 10 ** (-margin),
        needed_oma_dBm=needed,
        margin_dB=margin,
        margin_peak_dB=margin - 0.7,
        needed_laser_dBm=None if channel == 3 else 12.0 - margin + 1.5,
        steps=tuple(steps),
    )


def _temperatures(
    sites: Sequence[Site], celsius: dict[str, float], rings: Sequence[RingState], asic: float
) -> Temperatures:
    x = np.sort(np.concatenate([np.linspace(-30000, 30000, 61), [s.x + 10 for s in sites]]))
    y = np.linspace(-30000, 30000, 71)
    xm, ym = np.meshgrid((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2)
    field = 34.0 + 0.12 * asic * np.exp(-(xm**2 + ym**2) / 14000**2)
    field[:, 0] = np.nan
    maps = [TemperatureMap("package", x, y, field)]
    for site in sites:
        edge_x, edge_y = np.linspace(site.x - 2000, site.x + 2000, 21), np.linspace(site.y - 500, site.y + 2500, 16)
        own = celsius[site.name] + np.linspace(-1, 1, 20)[None, :] + np.linspace(0, 0.4, 15)[:, None]
        maps.append(TemperatureMap(site.name, edge_x, edge_y, own))
    return Temperatures(
        asic_max_C=45.0 + 0.1 * asic,
        asic_mean_C=40.0 + 0.1 * asic,
        engines_C=celsius,
        engines_max_C={name: value + 6.0 for name, value in celsius.items()},
        rings={ring.instance: ring.temperature_C for ring in rings},
        lasers_C={"ELS-1": 45.0},
        maps=tuple(maps),
        in_W=asic + 200.0,
        out_W=asic + 200.0,
        cells=120_000,
        iterations=14,
    )


def _energy(sites: Sequence[Site], lanes: Sequence[LinkLane], rings: Sequence[RingState], asic: float) -> EnergyResult:
    share = {"laser": 0.16, "serdes_host": 0.15, "serdes_engine": 0.12, "driver": 0.1, "tia": 0.09, "control": 0.02}
    consumers = [Consumer("asic", asic)]
    heat = [Heat("asic", asic, "asic")]
    engines: dict[str, float] = {}
    for site in sites:
        own = sum(lane.engine == site.name for lane in lanes)
        heater = sum(ring.heater_mW for ring in rings if ring.engine == site.name) / 1000
        watts = {kind: value * own for kind, value in share.items()} | {"heater": heater}
        consumers += [Consumer(kind, watt, site.name) for kind, watt in watts.items()]
        heat += [Heat(f"eic:{site.name}", watt, kind) for kind, watt in watts.items()]
        engines[site.name] = math.fsum(watts.values())
    ledger = Ledger(tuple(consumers), tuple(heat), len(lanes) * GBPS / 1000)
    optics = math.fsum(c.watt for c in consumers if c.kind != "asic")
    tbps = ledger.lanes_Tbps
    stack = {kind: watt / tbps for kind, watt in ledger.by_kind().items() if kind != "asic"}
    return EnergyResult(
        ledger=ledger,
        optics_W=optics,
        pJ_bit=optics / tbps,
        by_kind_pJ_bit=stack,
        static_W=0.7 * optics,
        dynamic_W=0.3 * optics,
        engines_W=engines,
        lanes_pJ_bit={(lane.engine, lane.port, lane.channel): optics / tbps for lane in lanes},
        comparisons=(
            Comparison("Pluggable <8x200G>", 18.75, 18.75 * tbps, "30 W for 1.6 Tb/s"),
            Comparison("CPO, published", 5.625, 5.625 * tbps, "9 W for 1.6 Tb/s"),
        ),
        cluster=ClusterEnergy(1250.5, 3000.0, 9000.0, 1200.0, 3600.0),
    )

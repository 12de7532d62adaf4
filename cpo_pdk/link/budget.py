"""The budget of every lane: light, noise, error ratio, margin, and the laser power that a margin needs.

Method
    The light's way comes from `light_path`, what the chain's bandwidth does to the data from `eye`, what the receiver
    makes of the light from `receiver`. Light of other wavelengths that reaches a detector is weighed by what its own
    transmit lane launches; what neighbouring modulators add to a wavelength is part of the crosstalk as well. More
    laser power is more margin, dB by dB but for what strong light loses to itself: margin is the loss that could be
    added before the detector, and loss before the package is no other than loss behind it.

    Equal lanes are computed once: their numbers are rounded to 0.0001 dB first.

Validity
    Strong light is absorbed in the silicon guide before the first splitter: an estimate of it is counted (`own_light`).
    The light of a ring modulator heats it: warned of where it matters, no margin changes. Chromatic dispersion of
    O-band links up to 2 km is left out (below 0.1 dB at 53 GBd within 10 nm of 1310 nm; from memory).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log10

from cpo_pdk.circuit.results import DeviceFacts, Lane, SimulationResult
from cpo_pdk.errors import LayoutError
from cpo_pdk.link.ber import levels_of, q_of_ber
from cpo_pdk.link.devices import (
    detector_current,
    detector_response,
    driver_response,
    modulator_response,
    tia_response,
)
from cpo_pdk.link.eye import eye_of
from cpo_pdk.link.laser_classes import check_laser, margin_warnings, threshold_ber
from cpo_pdk.link.light_path import Link, Losses, links_of, losses_outside, reflections
from cpo_pdk.link.noise import double_reflections_dB
from cpo_pdk.link.own_light import OwnLight
from cpo_pdk.link.penalties import mean_penalty_dB, oma_of
from cpo_pdk.link.ranking import ranking
from cpo_pdk.link.receiver import Quality, Receiver, Signal, qualities
from cpo_pdk.link.responses import Chain
from cpo_pdk.link.results import LinkBudget, LinkLane
from cpo_pdk.link.ring_light import ring_warnings
from cpo_pdk.link.slowest import shares_dB
from cpo_pdk.link.waterfall import waterfall
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.line_rate import baud_GBd, line_rate_Gbps
from cpo_pdk.spec.part import Parts

_DIGITS = 4  # of dB: what counts as equal
#: dB; a lane whose level one is not above level zero by that has no eye
_LEAST_EXTINCTION_DB = 0.01


@dataclass(frozen=True)
class LaneInputs:
    """One lane before it is judged: its link, mean power in the fibre, light at the detector, receiver, and chain."""

    link: Link
    launch_dBm: float
    signal: Signal
    receiver: Receiver
    chain: Chain


def link_budget(
    spec: PackageSpec, parts: Parts, sheets: Mapping[str, Sheet], simulation: SimulationResult
) -> LinkBudget:
    """Budget of all lanes of a package with one of its own kind at the other end.

    Args:
        spec: the package.
        parts: its parts.
        sheets: of all devices.
        simulation: its lanes at the state that the budget is for.

    Raises:
        SpecError: a laser above what its part gives; a data fibre without attenuation.
        LayoutError: no lanes, a lane without modulator, detector or partner.
        ParameterError: numbers that the models of the devices refuse.
    """
    check_laser(spec, parts)
    links = links_of(simulation)
    outside = losses_outside(spec, parts, sheets)
    threshold = threshold_ber(spec)
    made = LaneMaker(spec, parts, sheets, simulation, outside)
    inputs = [made.inputs(link) for link in links]
    judged = _judged(inputs, threshold)
    splitter = sheets[spec.engine.devices.splitter].cell
    lanes = tuple(
        _lane(entry, judged[k], spec, parts, outside, threshold, splitter, made.own) for k, entry in enumerate(inputs)
    )
    worst = inputs[min(range(len(lanes)), key=lambda k: lanes[k].margin_dB)]
    return LinkBudget(
        lanes=lanes,
        modulation=spec.engine.modulation,
        baud_GBd=baud_GBd(spec),
        threshold_ber=threshold,
        fec=spec.link.fec,
        costs=ranking(lanes),
        warnings=(
            *_slow_parts(spec, parts),
            *margin_warnings(spec, parts, lanes),
            *made.own.warnings(links),
            *ring_warnings(spec, links, simulation.devices, outside),
            *_other_count(spec, len(links)),
        ),
        parts={kind: part.name for kind, part in parts.each().items()},
        bandwidth_dB=shares_dB(worst.chain, spec.engine.modulation, baud_GBd(spec)),
    )


def _slow_parts(spec: PackageSpec, parts: Parts) -> Iterator[str]:
    """What to say of parts that are made for slower lanes."""
    rate = line_rate_Gbps(spec)
    for kind, part in (("driver", parts.driver), ("tia", parts.tia)):
        if part["rate_Gbps"] < rate:
            yield (
                f"link.parts.{kind}: {part.name} is made for {part['rate_Gbps']:g} Gb/s, a lane has {rate:g} Gb/s on "
                f"the line; its bandwidth of {part['bandwidth_GHz']:g} GHz is counted with, its noise may be another: "
                "name a faster one"
            )


def _other_count(spec: PackageSpec, count: int) -> Iterator[str]:
    """What to say of a layout that has more or fewer lanes than its spec."""
    if count != spec.lanes_per_direction:
        yield (
            f"the layout has {count} lanes each way, {spec.name} asks for {spec.lanes_per_direction}; name the spec "
            "that it was drawn from, or draw it anew"
        )


class LaneMaker:
    """Makes signals and receivers of lanes, and keeps what several lanes share."""

    def __init__(
        self,
        spec: PackageSpec,
        parts: Parts,
        sheets: Mapping[str, Sheet],
        simulation: SimulationResult,
        outside: Losses,
    ) -> None:
        self.spec, self.parts, self.sheets, self.outside = spec, parts, sheets, outside
        self.devices = simulation.devices
        self.own = OwnLight(spec, sheets, outside)
        self.launched = {
            (lane.engine, lane.port, lane.channel): self.launch_dBm(lane)
            for lane in simulation.lanes
            if lane.direction == "tx"
        }
        self._receivers: dict[tuple[int, int, float], tuple[Receiver, Chain]] = {}
        self._late: dict[float, tuple[float, ...]] = {}

    def launch_dBm(self, lane: Lane) -> float:
        """Mean power of a transmit lane in the fibre."""
        one = self.spec.laser.per_wavelength_dBm - self.outside.laser_connectors - lane.insertion_loss_dB
        return one - self.own.lost_dB(lane) - float(mean_penalty_dB(extinction_of(lane)))

    def inputs(self, link: Link) -> LaneInputs:
        """Signal and receiver of a lane."""
        lane, far = link.transmit, link.receive
        launch = self.launched[lane.engine, lane.port, lane.channel]
        signal = Signal(
            received_dBm=round(launch - self.outside.between - far.insertion_loss_dB, _DIGITS),
            extinction_dB=round(extinction_of(lane), _DIGITS),
            rin_dB_Hz=self.parts.laser["rin_dB_Hz"],
            crosstalk_dB=tuple(sorted(self._crosstalk(link, launch), reverse=True)),
            interference_dB=self._interference(round(far.insertion_loss_dB, 2)),
        )
        receiver, chain = self._receiver(link)
        return LaneInputs(link, launch, signal, receiver, chain)

    def _crosstalk(self, link: Link, launch: float) -> list[float]:
        """Other data over the wanted data, in dB: neighbouring modulators, and other wavelengths in the detector."""
        lane, far = link.transmit, link.receive
        found = [aggressor.level_dB for aggressor in lane.aggressors]
        for aggressor in far.aggressors:
            channel = channel_named(aggressor.name)
            other = self.launched.get((lane.engine, lane.port, channel), launch)
            found.append(aggressor.level_dB + other - launch)
        return [round(level, _DIGITS) for level in found if level > -150.0]

    def _interference(self, receive_dB: float) -> tuple[float, ...]:
        if receive_dB not in self._late:
            places, between = reflections(self.spec, self.parts, self.sheets, self.outside, receive_dB)
            self._late[receive_dB] = double_reflections_dB(places, between) if len(places) > 1 else ()
        return self._late[receive_dB]

    def _receiver(self, link: Link) -> tuple[Receiver, Chain]:
        lane, far = link.transmit, link.receive
        modulator = self._facts(lane.modulator, lane, "modulator")
        detector = self._facts(far.detector, far, "detector")
        key = (id(modulator), id(detector), lane.wl_um)
        if key not in self._receivers:
            rise = float(detector.operating.get("dT", 0.0))
            current = detector_current(detector.model, detector.params, far.wl_um, rise)
            chain = self._chain(modulator, detector, lane.wl_um)
            receiver = Receiver(
                responsivity_A_W=current.responsivity_A_W,
                dark_nA=current.dark_nA,
                noise_uA=self.parts.tia["noise_uA"],
                eye=eye_of(chain, self.spec.engine.modulation, baud_GBd(self.spec)),
                temperature_C=self.spec.thermal.reference_C + rise,
            )
            self._receivers[key] = receiver, chain
        return self._receivers[key]

    def _chain(self, modulator: DeviceFacts, detector: DeviceFacts, wl_um: float) -> Chain:
        driver = self.parts.driver
        return Chain(
            driver_response(driver),
            modulator_response(
                modulator.model, modulator.params, modulator.operating, wl_um, driver_ohm=driver["resistance_ohm"]
            ),
            detector_response(detector.model, detector.params),
            tia_response(self.parts.tia),
        )

    def _facts(self, path: str, lane: Lane, what: str) -> DeviceFacts:
        if path not in self.devices:
            raise LayoutError(
                f"{lane.engine}: lane {lane.direction} {lane.port}/{lane.channel} has no {what} whose model is known; "
                f"a budget needs its response: give its sheet a model"
            )
        return self.devices[path]


def extinction_of(lane: Lane) -> float:
    """Level one over level zero of a transmit lane, dB, at least 0.01."""
    return max(lane.extinction_dB or 0.0, _LEAST_EXTINCTION_DB)


def channel_named(name: str) -> int:
    """Number of the channel that an aggressor is named after, 0 where it isn't."""
    word, _, number = name.rpartition(" ")
    return int(number) if word == "channel" and number.isdigit() else 0


def _judged(inputs: Sequence[LaneInputs], threshold: float) -> list[Quality]:
    """Quality of every lane; equal ones are computed once."""
    keys = [(entry.signal, id(entry.receiver)) for entry in inputs]
    distinct = dict(zip(keys, inputs, strict=True))
    found = qualities([e.signal for e in distinct.values()], [e.receiver for e in distinct.values()], threshold)
    by_key = dict(zip(distinct, found, strict=True))
    return [by_key[key] for key in keys]


def _lane(
    entry: LaneInputs,
    quality: Quality,
    spec: PackageSpec,
    parts: Parts,
    outside: Losses,
    threshold: float,
    splitter: str,
    own: OwnLight,
) -> LinkLane:
    link, signal, eye = entry.link, entry.signal, entry.receiver.eye
    lane = link.transmit
    laser = spec.laser.per_wavelength_dBm
    wanted = spec.require.margin_dB if spec.require.margin_dB is not None else 0.0
    bare = bare_oma_dBm(entry.receiver, spec.engine.modulation, threshold)
    return LinkLane(
        engine=lane.engine,
        port=lane.port,
        channel=lane.channel,
        far_engine=link.receive.engine,
        far_port=link.receive.port,
        wl_um=lane.wl_um,
        laser=lane.laser,
        laser_dBm=laser,
        launch_dBm=entry.launch_dBm,
        extinction_dB=signal.extinction_dB,
        oma_tx_dBm=float(oma_of(entry.launch_dBm, signal.extinction_dB)),
        oma_rx_dBm=quality.oma_dBm,
        received_dBm=signal.received_dBm,
        tdecq_dB=eye.tdecq_dB,
        eye_opening=eye.opening,
        noise_uA=quality.noise_uA,
        penalties_dB=quality.penalties_dB,
        q=quality.q,
        ber=quality.ber,
        needed_oma_dBm=quality.needed_oma_dBm,
        margin_dB=quality.margin_dB,
        margin_peak_dB=quality.margin_peak_dB,
        needed_laser_dBm=own.needed_dBm(lane, wanted - quality.margin_dB) if isfinite(quality.margin_dB) else None,
        steps=waterfall(
            link,
            spec,
            parts,
            outside,
            signal.extinction_dB,
            waterfall_penalties(quality, bare),
            splitter,
            own.lost_dB(lane),
        ),
        bare_oma_dBm=bare,
    )


def bare_oma_dBm(receiver: Receiver, modulation: str, threshold: float) -> float:
    """Amplitude of an undistorted signal that the noise of the amplifier alone asks for, dBm.

    Args:
        receiver: with an amplifier.
        modulation: NRZ or PAM4.
        threshold: largest bit error ratio before correction.
    """
    noise_A = (receiver.noise_uA or 0.0) * 1e-6
    if noise_A <= 0:
        return -inf
    amplitude = 2 * (levels_of(modulation) - 1) * float(q_of_ber(threshold, modulation)) * noise_A
    return 10 * log10(amplitude / receiver.responsivity_A_W) + 30


def waterfall_penalties(quality: Quality, bare_dBm: float) -> dict[str, float]:
    """Penalties as steps: each as it costs alone, and what they cost together beyond that.

    Args:
        quality: of the lane.
        bare_dBm: see `bare_oma_dBm`.

    Returns:
        Name -> dB, adding up to the needed amplitude less the bare one; empty where no amplitude would do.
    """
    if not (isfinite(quality.needed_oma_dBm) and isfinite(bare_dBm)):
        return {}
    alone = {name: dB for name, dB in quality.penalties_dB.items() if name != "extinction" and isfinite(dB)}
    return {**alone, "together": quality.needed_oma_dBm - bare_dBm - sum(alone.values())}

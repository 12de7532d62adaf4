"""What laser light loses to itself on its way to the first splitter of an engine: an estimate, counted as a loss.

The guide between facet and first splitter carries all the light of a laser fibre; behind the splitter so little is
left that the loss is negligible. How strong light absorbs itself: `safe_power`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log10

from cpo_pdk.circuit.results import Lane
from cpo_pdk.link.laser_classes import total_dBm
from cpo_pdk.link.light_path import Link, Losses
from cpo_pdk.link.safe_power import NEGLIGIBLE_DB, lost_to_itself_dB, safe_dBm
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.tech.waveguides import cross_sections

#: rounds and dBm at which a needed laser power is given up: more light then brings less than it loses
_ROUNDS, _MOST_DBM = 60, 45.0
#: dB; less than this is 0
_NOTHING_DB = 0.001


class OwnLight:
    """Loss of laser light to itself, lane by lane.

    Args:
        spec: the package.
        sheets: of all devices.
        outside: loss outside of the packages.
    """

    def __init__(self, spec: PackageSpec, sheets: Mapping[str, Sheet], outside: Losses) -> None:
        self.spec, self.outside = spec, outside
        self.splitter = sheets[spec.engine.devices.splitter].cell
        self.straight = sheets[spec.engine.devices.waveguide].cell
        self.linear_dB_cm = cross_sections()["strip"].loss_dB_cm["TE"].value

    def lost_dB(self, lane: Lane, laser_dBm: float | None = None) -> float:
        """Loss of a transmit lane, dB.

        Args:
            lane: a transmit lane.
            laser_dBm: power of one wavelength out of the laser; None: that of the spec.
        """
        before, length = self.run(lane)
        if length <= 0:
            return 0.0
        lost = lost_to_itself_dB(
            round(10 ** (self.entering_dBm(before, laser_dBm) / 10), 3),
            length,
            self.linear_dB_cm,
            lane.wl_um,
            self.spec.engine.grid.channels,
        )
        return lost if lost > _NOTHING_DB else 0.0

    def entering_dBm(self, before_dB: float, laser_dBm: float | None = None) -> float:
        """All the light at the beginning of the guide, dBm."""
        power = self.spec.laser.per_wavelength_dBm if laser_dBm is None else laser_dBm
        return total_dBm(power, self.spec.engine.grid.channels) - self.outside.laser_connectors - before_dB

    def run(self, lane: Lane) -> tuple[float, float]:
        """Loss up to the first guide of silicon, dB, and length of straight guide up to the first splitter, um."""
        before, length = 0.0, 0.0
        for item in lane.items:
            if item.cell == self.splitter or item.instance == lane.modulator:
                return round(before, 2), round(length, -1)
            if item.cell == self.straight:
                length += item.loss_dB / self.linear_dB_cm * 1e4
            elif not length:
                before += item.loss_dB
        return round(before, 2), 0.0

    def needed_dBm(self, lane: Lane, missing_dB: float) -> float:
        """Laser power of one wavelength that brings so much more light behind the guide, dBm.

        Where more light loses more than it brings, what would do without the further loss: the least that is needed.

        Args:
            lane: a transmit lane.
            missing_dB: at the receiver; negative where there is more than enough.
        """
        laser = self.spec.laser.per_wavelength_dBm
        linear = laser + missing_dB
        now = self.lost_dB(lane)
        found = linear
        for _ in range(_ROUNDS):
            if found > _MOST_DBM:
                return linear
            again = linear - now + self.lost_dB(lane, found)
            if abs(again - found) < 1e-6:
                return again
            found = again
        return linear

    def warnings(self, links: Sequence[Link]) -> Iterator[str]:
        """What to say of laser light beyond what the first guide of an engine carries without absorbing it."""
        lanes = {self.run(link.transmit): link.transmit for link in reversed(links)}
        lane = max(lanes.values(), key=self.lost_dB, default=None)
        lost = self.lost_dB(lane) if lane is not None else 0.0
        if lane is None or lost <= NEGLIGIBLE_DB:
            return
        (before, length), channels = self.run(lane), self.spec.engine.grid.channels
        safe = safe_dBm(length, self.linear_dB_cm, lane.wl_um, channels) + self.outside.laser_connectors + before
        each = safe - 10 * log10(channels)
        yield (
            f"{lane.engine}: {self.entering_dBm(before):.1f} dBm of laser light in a silicon guide; two-photon "
            f"absorption and the carriers that it leaves cost about {lost:.1f} dB in the {length / 1e3:.1f} mm before "
            f"the first splitter, which the margins count; {each:.1f} dBm a wavelength keep it below "
            f"{NEGLIGIBLE_DB:g} dB, or more laser fibres, or a guide of nitride up to the splitter"
        )

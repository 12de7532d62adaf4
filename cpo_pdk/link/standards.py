"""Optical interfaces of IEEE 802.3 and of multi-source agreements, and how their budgets close.

All of one lane of PAM4 at 53.125 GBd. Numbers as printed in data sheets of modules (`source`), which repeat the
standards'; the standards themselves were not read.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interface:
    """One interface.

    Attributes:
        name: of the interface.
        launch_min_dBm, receive_min_dBm: least mean power a lane, out of the transmitter and at the receiver.
        oma_less_tdecq_dBm: least outer modulation amplitude less TDECQ, out of the transmitter.
        stressed_oma_dBm: outer modulation amplitude at which the receiver has to do with the stressed signal.
        stressed_secq_dB: eye closure of that signal.
        tdecq_max_dB: largest eye closure of a transmitter.
        loss_dB: of the channel.
        source: of the numbers.
    """

    name: str
    launch_min_dBm: float
    receive_min_dBm: float
    oma_less_tdecq_dBm: float
    stressed_oma_dBm: float
    stressed_secq_dB: float
    tdecq_max_dB: float
    loss_dB: float
    source: str

    @property
    def channel_dB(self) -> float:
        """Loss of the channel that least launched and least received mean power leave."""
        return self.launch_min_dBm - self.receive_min_dBm

    @property
    def at_receiver_dBm(self) -> float:
        """Least amplitude less eye closure that arrives."""
        return self.oma_less_tdecq_dBm - self.loss_dB

    @property
    def sensitivity_dBm(self) -> float:
        """Amplitude less eye closure that the receiver has to do with."""
        return self.stressed_oma_dBm - self.stressed_secq_dB

    @property
    def left_dB(self) -> float:
        """What is left for multipath interference and other penalties."""
        return self.at_receiver_dBm - self.sensitivity_dBm

    @property
    def power_budget_dB(self) -> float:
        """Amplitude at the transmitter less sensitivity of an undistorted signal, with the largest eye closure."""
        return self.oma_less_tdecq_dBm + self.tdecq_max_dB - self.sensitivity_dBm


DR4 = Interface("400GBASE-DR4", -2.9, -5.9, -2.2, -1.9, 3.4, 3.4, 3.0, "Edgecore ET7502-DR4 data sheet, p. 2")
FR4 = Interface("400G-FR4", -3.3, -7.3, -1.7, -2.6, 3.4, 3.4, 4.0, "Edgecore ET7502-FR4 data sheet, pp. 2-3")
INTERFACES: dict[str, Interface] = {each.name: each for each in (DR4, FR4)}

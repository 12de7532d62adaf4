"""Budgets, penalties and error ratios of links against published numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from cpo_pdk.link import penalties, ring_crosstalk, sensitivity
from cpo_pdk.link.ber import Array, q_of_ber
from cpo_pdk.link.correction import CODES, codeword_failures
from cpo_pdk.link.standards import DR4, FR4, Interface
from cpo_pdk.models.validation import Case

_BAHADORI = "formula of Bahadori et al., J. Lightwave Technol. 34, 2886 (2016), evaluated apart from this code"
_PHOENIX = "PhoenixSim (Columbia University), fit of a germanium receiver, evaluated apart from this code"
_GAUSS = "Gaussian tail, tables"


def _ratio_dB(value: float) -> float:
    return float(10 * np.log10(value))


def _budget(interface: Interface, channel: float, arrives: float, needed: float, total: float) -> tuple[Case, ...]:
    """How one interface closes, to 0.05 dB."""

    def case(quantity: str, unit: str, published: float, attribute: str) -> Case:
        return Case(
            "link",
            f"{interface.name}: {quantity}",
            unit,
            interface.source,
            published,
            lambda: float(getattr(interface, attribute)),
            0.05,
            relative=False,
        )

    return (
        case("loss of the channel", "dB", channel, "channel_dB"),
        case("OMA less TDECQ that arrives", "dBm", arrives, "at_receiver_dBm"),
        case("stressed OMA less SECQ", "dBm", needed, "sensitivity_dBm"),
        case("left for other penalties", "dB", arrives - needed, "left_dB"),
        case("power budget with TDECQ", "dB", total, "power_budget_dB"),
    )


#: Q, spacing GHz, rate Gb/s, one neighbour dB, steady line dB, sum dB, penalty at 1e-12, at 2.4e-4, truncation dB;
#: 1310 nm, extinction 6 dB, 8 channels, neighbours -4 to +3
CROSSTALK: tuple[tuple[float, ...], ...] = (
    (3000, 200, 25, -14.15, -14.55, -9.66, 2.138, 1.192, 0.478),
    (3000, 400, 25, -20.03, -20.45, -15.57, 0.656, 0.338, 0.478),
    (5000, 100, 32, -12.25, -13.03, -7.73, 2.993, 1.739, 1.079),
    (5000, 200, 25, -18.21, -18.89, -13.74, 0.963, 0.504, 0.827),
    (5000, 200, 32, -18.04, -18.89, -13.57, 0.998, 0.524, 1.079),
    (5000, 200, 50, -17.68, -18.89, -13.21, 1.073, 0.566, 1.727),
    (5000, 400, 50, -23.64, -24.86, -19.19, 0.297, 0.150, 1.727),
    (8000, 200, 32, -21.63, -22.93, -17.16, 0.465, 0.237, 1.769),
    (8000, 400, 50, -27.29, -28.94, -22.84, 0.131, 0.065, 2.710),
    (12000, 200, 32, -24.61, -26.44, -20.12, 0.241, 0.122, 2.612),
)


def _crosstalk(row: tuple[float, ...]) -> tuple[Case, ...]:
    quality, spacing, rate, one, line, total, at_12, at_kp4, truncated = row
    width = float(ring_crosstalk.linewidth_GHz(quality))

    def sum_dB() -> float:
        return _ratio_dB(ring_crosstalk.summed(spacing, width, rate))

    def penalty(ber: float) -> float:
        return float(penalties.crosstalk_penalty_dB(sum_dB(), 6.0, ber))

    where = f"ring Q {quality:g}, {spacing:g} GHz, {rate:g} Gb/s: "
    case = partial(_in_dB, where)
    return (
        case("one neighbour", one, lambda: _ratio_dB(float(ring_crosstalk.neighbour(spacing, width, rate)))),
        case("a steady line", line, lambda: _ratio_dB(float(ring_crosstalk.lorentz(spacing, width)))),
        case("sum of 7", total, sum_dB),
        case("penalty at 1e-12", at_12, partial(penalty, 1e-12)),
        case("penalty at 2.4e-4", at_kp4, partial(penalty, 2.4e-4)),
        case("truncation", truncated, partial(ring_crosstalk.truncation_dB, width, rate)),
    )


def _in_dB(where: str, quantity: str, published: float, ours: Callable[[], float]) -> Case:
    return Case("link", where + quantity, "dB", _BAHADORI, published, ours, 0.01, relative=False)


#: extinction dB, penalty dB, mean below level one dB
EXTINCTION = (
    (3, 4.785, 1.246),
    (4, 3.660, 1.555),
    (5, 2.844, 1.817),
    (6, 2.230, 2.037),
    (8, 1.388, 2.371),
    (10, 0.872, 2.596),
    (12, 0.549, 2.745),
)
_EXTINCTION_FORMULA = "textbook formula as in Bahadori et al., J. Lightwave Technol. 34, 2886 (2016)"

#: rate Gb/s, mean power dBm
GERMANIUM = ((10, -15.42), (16, -14.493), (20, -13.874), (25, -13.116), (32, -12.103), (40, -11.027), (50, -9.804))

#: bit error ratio, Q
RATIOS = ((2.4e-4, 3.4917), (1e-6, 4.7534), (1e-8, 5.612), (1e-9, 5.998), (1e-12, 7.0345), (1e-15, 7.941))


def _penalty(extinction: float, published: float, formula: Callable[[float], Array], words: str) -> Case:
    return Case(
        "link",
        f"extinction {extinction:g} dB: {words}",
        "dB",
        _EXTINCTION_FORMULA,
        published,
        lambda: float(formula(extinction)),
        0.001,
        relative=False,
    )


CASES: tuple[Case, ...] = (
    *_budget(DR4, 3.0, -5.2, -5.3, 6.5),
    *_budget(FR4, 4.0, -5.7, -6.0, 7.7),
    *(case for row in CROSSTALK for case in _crosstalk(row)),
    *(_penalty(er, dB, penalties.extinction_penalty_dB, "penalty") for er, dB, _ in EXTINCTION),
    *(_penalty(er, dB, penalties.mean_penalty_dB, "mean below level one") for er, _, dB in EXTINCTION),
    *(
        Case(
            "link",
            f"germanium receiver, 1e-12, {rate:g} Gb/s: sensitivity",
            "dBm",
            _PHOENIX,
            level,
            lambda rate=rate: float(sensitivity.germanium_sensitivity_dBm(rate)),
            0.005,
            relative=False,
        )
        for rate, level in GERMANIUM
    ),
    *(
        Case(
            "link",
            f"Q of a bit error ratio of {ratio:g}, NRZ",
            "1",
            _GAUSS,
            q,
            lambda ratio=ratio: float(q_of_ber(ratio, "NRZ")),
            0.0005,
            relative=False,
        )
        for ratio, q in RATIOS
    ),
    Case(
        "link",
        "loss of 64-octet frames behind KP4 at a bit error ratio of 2.4e-4",
        "1e-13",
        "IEEE 802.3, lanes of 100GBASE-DR (from memory)",
        9.2,
        lambda: 1e13 * (1 + 64 * 8 / 5140) * float(codeword_failures(2.4e-4, CODES["KP4"])),
        0.05,
    ),
    Case(
        "link",
        "Q of a symbol error ratio of 4.8e-4, PAM4",
        "1",
        "IEEE 802.3 clause 121.8.5.3",
        3.414,
        lambda: float(q_of_ber(2.4e-4, "PAM4")),
        0.0005,
        relative=False,
    ),
)

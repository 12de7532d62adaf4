"""What a tolerance analysis says; plain frozen values that the report and the command line read."""

from __future__ import annotations

from dataclasses import dataclass, field

from cpo_pdk.models.sdict import Array


@dataclass(frozen=True)
class Share:
    """A share of good ones with its interval of 95 % (Wilson), and how many were looked at."""

    value: float
    low: float
    high: float
    samples: int


@dataclass(frozen=True)
class AxisSensitivity:
    """What one error alone costs every fibre, the mean gap included in what it is compared with.

    Attributes:
        name: of the quantity in the sheet (`roll_deg`).
        words: what it is.
        unit: of the error.
        sigma: standard deviation that the sheet says.
        at_unit_dB: loss at an error of one unit, the worse direction, shape (P,).
        at_sigma_dB: at one standard deviation, shape (P,).
        for_1dB: error in its unit that costs the worst fibre 1 dB; None where the largest that is tried does not.
        curve: errors in units, shape (U,), and loss of every fibre, dB, shape (U, P), for a picture.
    """

    name: str
    words: str
    unit: str
    sigma: float
    at_unit_dB: Array
    at_sigma_dB: Array
    for_1dB: float | None
    curve: tuple[Array, Array]


@dataclass(frozen=True)
class Sensitivity:
    """All errors, at the fibres `ports` that lie at `x_um` from the middle of the array, shape (P,)."""

    ports: tuple[str, ...]
    x_um: Array
    axes: tuple[AxisSensitivity, ...]


@dataclass(frozen=True)
class Accuracy:
    """How well one thing must be aligned.

    Attributes:
        name: of the quantity, or "all": every shift and turn of the array, scaled together.
        words, unit: of it; unit "1" for a factor on the sheet's standard deviations.
        sheet: standard deviation (or factor, 1) that the sheet says.
        needed: largest standard deviation (or factor) that gives the yield, all else as the sheet says; None: no
            accuracy of this one alone gives it.
        low, high: interval of `needed` of 95 %, from the samples.
        alone: the same with everything else perfect, None as above.
        ceiling: yield with this one perfect and all else as the sheet says.
        curve: standard deviations in the unit (or factors), shape (U,), and the yield that each gives, shape (U,).
        at_least: `needed` is the largest that was tried: the real one lies above.
    """

    name: str
    words: str
    unit: str
    sheet: float
    needed: float | None
    low: float | None
    high: float | None
    alone: float | None
    ceiling: Share
    curve: tuple[Array, Array]
    at_least: bool = False


@dataclass(frozen=True)
class Saving:
    """What one error costs in the end: yield and mean loss with it at zero, on the same samples."""

    name: str
    words: str
    array: Share
    mean_dB: float


@dataclass(frozen=True)
class BumpResult:
    """Joints of an engine on the substrate.

    Attributes:
        pitch_um: of the bumps.
        reach_um: offset that a joint survives.
        half_mm: half width and half height of the engine's field of bumps.
        yield_share: share of engines with all joints within reach.
        offset_95_um: offset of the worst joint that 95 % of the engines stay below.
        needed_x_um: standard deviation of the place that gives the wanted yield, the turn as the sheet says; None: no
            place is good enough.
        needed_turn_deg: the same of the turn.
    """

    pitch_um: float
    reach_um: float
    half_mm: tuple[float, float]
    yield_share: Share
    offset_95_um: float
    needed_x_um: float | None
    needed_turn_deg: float | None


@dataclass(frozen=True)
class ConnectorResult:
    """One mated pair: mean and spread of its loss, dB, and that of all `pairs` in a row at 50, 95 and 99 %."""

    sheet: str
    pairs: int
    mean_dB: float
    sigma_dB: float
    max_dB: float
    quantiles_dB: dict[float, float]


@dataclass(frozen=True)
class ToleranceResult:
    """How the fibres of one package are attached, and how well they must be.

    Attributes:
        name: of the package; `engine` cell; `engines` in use.
        sheet: of kind attach.
        samples: arrays that were drawn; `seed`.
        limit: what an array must keep, in words.
        ways: names of the ways of the light that the limit holds for, K of them; `allowed_dB` what each may lose.
        wanted: yield that was asked for; `unit` of what: fibre array or package.
        fibre, array, package: yields as the sheet says; a package's is that of independent arrays.
        ports, x_um, kinds: fibres along the facet, P of them.
        nominal_dB: what the mean gap alone costs, shape (P,).
        mean_dB, sigma_dB: of the loss of each fibre, shape (P,).
        quantiles_dB: per cent -> loss of each fibre, shape (P,).
        correlation: of the losses of every two fibres, shape (P, P).
        worst_quantiles_dB: per cent -> loss of an array's worst fibre of the link.
        good_share: of arrays in which each way keeps its limit, shape (K,).
        sensitivity, accuracies, savings: see there; savings the largest gain first.
        bumps, connectors: see there.
        notes: approximations and assumptions, one line each.
        seconds: by stage.
    """

    name: str
    engine: str
    engines: int
    sheet: str
    samples: int
    seed: int
    limit: str
    ways: tuple[str, ...]
    allowed_dB: Array
    wanted: float
    unit: str
    fibre: Share
    array: Share
    package: Share
    ports: tuple[str, ...]
    kinds: tuple[str, ...]
    x_um: Array
    nominal_dB: Array
    mean_dB: Array
    sigma_dB: Array
    quantiles_dB: dict[float, Array]
    correlation: Array
    worst_quantiles_dB: dict[float, float]
    good_share: Array
    sensitivity: Sensitivity
    accuracies: tuple[Accuracy, ...]
    savings: tuple[Saving, ...]
    bumps: BumpResult | None = None
    connectors: ConnectorResult | None = None
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

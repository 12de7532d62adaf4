"""What a good package costs: every price an input, what tests refuse paid for by what they let pass."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.spec.part import Part
from cpo_pdk.yields.compose import TALLIES, Composed
from cpo_pdk.yields.intervals import bootstrap
from cpo_pdk.yields.results import Cost, CostLine

Real = NDArray[np.floating]


@dataclass(frozen=True)
class Bill:
    """What is in one package.

    Attributes:
        engines: with the spare ones.
        laser_modules: with the spare ones.
        connectors: for data.
        bandwidth_Tbps: of a package that works, each direction.
        dies_per_wafer: whole dies of an engine on a wafer.
    """

    engines: int
    laser_modules: int
    connectors: int
    bandwidth_Tbps: float
    dies_per_wafer: int

    def more(self, engines: int = 0, laser_modules: int = 0) -> Bill:
        """The same with more engines and modules."""
        return replace(self, engines=self.engines + engines, laser_modules=self.laser_modules + laser_modules)


@dataclass(frozen=True)
class _Item:
    """One line: price, pieces in a package, and by what scrap multiplies it."""

    name: str
    price: str
    each_USD: float
    count: float
    lost_with: str  # die, engine, package: lost with a refused one of these; kept: plugged in, used again


def cost_of(composed: Composed, prices: Part, bill: Bill, seed: int, *, resamples: int = 400) -> Cost | None:
    """Cost of a good package.

    A part that a test refuses is thrown away with all that was put into it: a die with its test; an engine with its
    dies, fibres and tests; a package with engines, switch die and substrate. Laser modules and connectors are plugged
    in: those of a refused package serve the next one.

    Args:
        composed: how much passes each test.
        prices: sheet of kind prices.
        bill: what is in a package.
        seed: of the interval, a bootstrap over packages.
        resamples: of it.

    Returns:
        None where not one package is good: there is then no price.
    """
    items = _items(prices, bill)
    mean = _flow(np.mean(composed.tallies, axis=0)[None])
    if mean["good"][0] <= 0 or mean["engine_share"][0] <= 0:
        return None
    lines = []
    for item in items:
        bought = item.each_USD * item.count
        total = float(_cost_of_item(item, mean, bill)[0])
        lines.append(CostLine(item.name, bought, total - bought, _placeholder(prices, item.price)))
    exchanged = float(mean["exchanged"][0] / mean["good"][0])
    exchange = prices["repair_USD"] * exchanged
    lines.append(CostLine("exchange of engines", 0.0, exchange, _placeholder(prices, "repair_USD")))

    def statistic(sums: Real) -> Real:
        flow = _flow(sums)
        return _total(items, flow, bill, prices["repair_USD"]) / bill.bandwidth_Tbps

    return Cost(
        lines=tuple(lines),
        package_USD=sum(line.bought_USD + line.scrap_USD for line in lines),
        USD_Tbps=float(statistic(np.mean(composed.tallies, axis=0)[None])[0]),
        interval=bootstrap(statistic, composed.tallies, seed, resamples=resamples),
        placeholders=tuple(sorted(name for name in prices.parameters if _placeholder(prices, name))),
    )


def _placeholder(prices: Part, name: str) -> bool:
    return prices.parameters[name].choice


def _items(prices: Part, bill: Bill) -> list[_Item]:
    engines = bill.engines

    def item(name: str, price: str, count: float, lost_with: str, share: float = 1.0) -> _Item:
        return _Item(name, price, prices[price] * share, count, lost_with)

    return [
        item("photonic dies", "wafer_USD", engines, "die", 1 / bill.dies_per_wafer),
        item("tests of dies", "die_test_USD", engines, "die"),
        item("electronic dies", "eic_USD", engines, "engine"),
        item("fibre arrays", "attach_USD", engines, "engine"),
        item("tests of engines", "engine_test_USD", engines, "engine"),
        item("mounting of engines", "mount_USD", engines, "mounted"),
        item("switch die", "asic_USD", 1, "package"),
        item("substrate", "substrate_USD", 1, "package"),
        item("tests of packages", "package_test_USD", 1, "test"),
        item("laser modules", "laser_module_USD", bill.laser_modules, "kept"),
        item("connectors", "connector_USD", bill.connectors, "kept"),
    ]


def _flow(sums: Real) -> dict[str, NDArray[np.float64]]:
    """Shares out of the means of `TALLIES`, shape (B, 8) -> each (B,)."""
    column = {name: np.asarray(sums[:, number], np.float64) for number, name in enumerate(TALLIES)}
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "die_share": column["dies_passed"] / column["dies"],
            "engine_share": column["engines_passed"] / column["engines"],
            "exchanged": column["exchanged"],
            "good": column["good"],
        }


def _cost_of_item(item: _Item, flow: dict[str, NDArray[np.float64]], bill: Bill) -> NDArray[np.float64]:
    """USD in one good package, shape (B,)."""
    plain = item.each_USD * item.count
    with np.errstate(divide="ignore", invalid="ignore"):
        begun = 1 / flow["good"]
        engines = begun * (1 + flow["exchanged"] / bill.engines)
        factor = {
            "kept": np.ones_like(begun),
            "package": begun,
            "test": begun * (1 + flow["exchanged"]),
            "mounted": engines,
            "engine": engines / flow["engine_share"],
            "die": engines / flow["engine_share"] / flow["die_share"],
        }[item.lost_with]
        return np.where(plain > 0, plain * factor, 0.0)


def _total(items: list[_Item], flow: dict[str, NDArray[np.float64]], bill: Bill, repair_USD: float) -> Real:
    with np.errstate(divide="ignore", invalid="ignore"):
        exchange = np.where(flow["exchanged"] > 0, repair_USD * flow["exchanged"] / flow["good"], 0.0)
    return sum((_cost_of_item(item, flow, bill) for item in items), start=exchange)

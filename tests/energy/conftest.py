"""Packages of made-up lanes: consistent where the ledger looks, and random where it must not matter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cpo_pdk.circuit.results import DeviceFacts, Lane, LossItem, RingFacts, SimulationResult, TrimmerFacts
from cpo_pdk.spec import PackageSpec, Sheet, load_sheets, load_spec
from cpo_pdk.spec.part import Part, Parts
from cpo_pdk.spec.part_choice import load_parts, parts_of

Made = Callable[..., SimulationResult]


@pytest.fixture(scope="session")
def sheets() -> dict[str, Sheet]:
    return load_sheets()


@pytest.fixture(scope="session")
def all_parts() -> dict[str, Part]:
    return load_parts()


@pytest.fixture(scope="session")
def spec() -> PackageSpec:
    package = load_spec("switch_51t2")
    return package.model_copy(update={"laser": package.laser.model_copy(update={"per_wavelength_dBm": 17.0})})


@pytest.fixture(scope="session")
def parts(spec: PackageSpec, all_parts: dict[str, Part]) -> Parts:
    return parts_of(spec, all_parts)


def _item(instance: str, loss_dB: float, inside: bool) -> LossItem:
    return LossItem(instance, "straight", "straight", 0.0, 0.0, "o1>o2", loss_dB, inside)


def _items(engine: str, losses: tuple[float, float, float], closing: float, direction: str) -> tuple[LossItem, ...]:
    before, inside, behind = losses
    found = [_item("fibre_in", before, False)]
    found += [_item(f"{engine}/a", inside / 2, True), _item(f"{engine}/b", inside / 2, True)]
    if direction == "tx":
        found.append(_item("fibre_out", behind, False))
    return (*found, _item("-", closing, True))


@pytest.fixture(scope="session")
def make() -> Made:
    """Lanes of `engines` engines with `ports` ports of `channels` channels, `ways` ports a laser fibre."""

    def made(
        engines: int = 2, ports: int = 2, channels: int = 2, ways: int = 2, seed: int = 0, mzm: bool = False
    ) -> SimulationResult:
        rng = np.random.default_rng(seed)
        ring = DeviceFacts("ring_modulator", "ring_modulator", "ring_modulator", {}, {"V_one": 3.0, "V_zero": 0.0})
        mach = DeviceFacts("mach_zehnder_modulator", "mach_zehnder_modulator", "mzm", {}, {"V_swing": 2.0})
        lanes: list[Lane] = []
        rings: list[RingFacts] = []
        trimmers: list[TrimmerFacts] = []
        devices: dict[str, DeviceFacts] = {}
        for e in range(engines):
            engine = f"engine_N{e + 1}"
            for direction in ("tx", "rx"):
                for port in range(1, ports + 1):
                    for channel in range(1, channels + 1):
                        path = f"{engine}/{direction}_{port}/unit_{channel}"
                        sends = direction == "tx"
                        splits = 10 * np.log10(ways) if sends else 0.0
                        losses = (0.1, float(splits + rng.uniform(2, 9)), 0.2)
                        items = _items(engine, losses, float(rng.uniform(-0.1, 0.1)), direction)
                        lanes.append(
                            Lane(
                                engine=engine,
                                direction="tx" if sends else "rx",
                                port=port,
                                channel=channel,
                                wl_um=1.3 + 0.001 * channel,
                                fibre=f"MPO-{e + 1}.{port}",
                                insertion_loss_dB=sum(item.loss_dB for item in items),
                                crosstalk_dB=-25.0,
                                items=items,
                                extinction_dB=5.0 if sends else None,
                                laser=f"ELS-1.{e * ports + (port - 1) // ways + 1}" if sends else "",
                                modulator=path if sends else "",
                                ring="" if mzm else path,
                            )
                        )
                        if sends:
                            devices[path] = mach if mzm else ring
                        if mzm and sends:
                            trimmers.append(
                                TrimmerFacts(path, path, engine, channel - 1, 0.0, 0.0, 10.0, 28.0, 0.0, np.inf)
                            )
                        elif not mzm:
                            facts = (engine, lanes[-1].direction, port, "", channel - 1, 0.0, 0.0, (1.3,), (1.299,))
                            rings.append(RingFacts(path, path, *facts, 0.0, 10.5, 0.065, 0.1, 0.5))
        return SimulationResult(tuple(lanes), (), {}, rings=tuple(rings), trimmers=tuple(trimmers), devices=devices)

    return made

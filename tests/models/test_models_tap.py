"""Tap with monitor: power balance, which way it listens, and the circuit solver on its parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cpo_pdk.circuit.solver import compile_circuit
from cpo_pdk.models.detector import photodetector
from cpo_pdk.models.directional import directional_coupler
from cpo_pdk.models.passive import terminator
from cpo_pdk.models.tap import tap_monitor
from cpo_pdk.models.waveguide import straight

WL = np.linspace(1.26, 1.36, 11)


def test_forward_light_is_shared_between_through_and_monitor() -> None:
    s = tap_monitor(WL, loss_dB_cm=0.0, length_ge=50.0)
    total = np.abs(s["o1", "o2"]) ** 2 + np.abs(s["o1", "i1"]) ** 2
    assert np.all((total > 0.99) & (total <= 1))
    share = np.abs(tap_monitor(1.31)["o1", "i1"]) ** 2
    assert 0.02 < share < 0.05


def test_it_listens_forward_only() -> None:
    s = tap_monitor(WL, reflection_dB=30.0)
    deaf = 20 * np.log10(np.abs(s["o2", "i1"]) / np.abs(s["o1", "i1"]))
    np.testing.assert_allclose(deaf, -30, atol=0.5)
    silent = tap_monitor(WL, reflection_dB=60.0)
    assert np.max(np.abs(silent["o2", "i1"]) ** 2) < 1e-7


def test_it_is_its_parts_solved_together() -> None:
    wl = WL
    guide: dict[str, Any] = {"loss_dB_cm": 5.0, "dT": 3.0}
    parts = {
        "coupler": directional_coupler(wl, length=4.0, dy=8.0, **guide),
        "monitor": photodetector(wl),
        "end": {k: np.broadcast_to(v, wl.shape) for k, v in terminator(wl, reflection_dB=20.0).items()},
        "first": {k: v for k, v in straight(wl, length=10.0, **guide).items() if "@" not in k[0]},
        "last": {k: v for k, v in straight(wl, length=8.0 + 15.0 + 1.0, **guide).items() if "@" not in k[0]},
    }
    links = [
        (("first", "o2"), ("coupler", "o1")),
        (("end", "o1"), ("coupler", "o2")),
        (("monitor", "o1"), ("coupler", "o3")),
        (("last", "o1"), ("coupler", "o4")),
    ]
    ends = {"o1": ("first", "o1"), "o2": ("last", "o2"), "i1": ("monitor", "i1")}
    expected = compile_circuit({k: v.keys() for k, v in parts.items()}, links, ends).solve(parts)
    ours = tap_monitor(wl, length=4.0, reflection_dB=20.0, **guide)
    for pair, value in ours.items():
        np.testing.assert_allclose(value, expected.get(pair, 0 * wl), atol=1e-12, err_msg=str(pair))
    assert set(expected) <= set(ours)


@pytest.mark.parametrize("length", [0.5, 5.0, 12.0])
def test_a_longer_coupler_taps_more(length: float) -> None:
    assert np.abs(tap_monitor(1.31, length=length + 1)["o1", "i1"]) > np.abs(
        tap_monitor(1.31, length=length)["o1", "i1"]
    )

"""What fibres may lose: the slack of each way of the light, and what lanes feel of a laser fibre's loss."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from cpo_pdk.attach.facet import Coupler, Facet, FacetPort, Use
from cpo_pdk.circuit.results import Lane
from cpo_pdk.errors import InputError
from cpo_pdk.link.fibre_slack import laser_felt, margin_limit
from cpo_pdk.link.own_light import OwnLight


def facet() -> Facet:
    coupler = Coupler("edge_coupler", 1.3, {"TE": (4.0, 4.0), "TM": (4.0, 4.0)}, 4.0)
    uses: tuple[Use, ...] = ("laser", "tx", "tx", "rx", "rx")
    names = ("laser_1", "tx_1", "tx_2", "rx_1", "rx_2")
    ports = zip(names, uses, strict=True)
    return Facet.of(FacetPort(name, use, 127.0 * k, coupler) for k, (name, use) in enumerate(ports))


def lane(engine: str, port: int, far: str, far_port: int, margin: float) -> Any:
    return SimpleNamespace(engine=engine, port=port, far_engine=far, far_port=far_port, margin_dB=margin)


LANES = (lane("N1", 1, "S1", 2, 2.0), lane("N1", 1, "S1", 2, 1.5), lane("S1", 2, "N1", 1, 3.0), lane("X", 9, "X", 9, 0))


def test_each_way_may_lose_the_least_slack_of_its_lanes() -> None:
    limit = margin_limit(facet(), LANES, ["N1", "S1"], {1: 1, 2: 1}, 0.5, {})
    assert limit.words == "every lane keeps a margin of 0.5 dB"
    assert dict(zip(limit.names, limit.allowed_dB.tolist(), strict=True)) == {
        "laser_1 + tx_1": 1.0,
        "rx_2": 1.0,
        "laser_1 + tx_2": 2.5,
        "rx_1": 2.5,
    }
    excess = np.array([[0.6, 0.5, 0.0, 0.0, 0.0], [0.6, 0.3, 1.8, 2.4, 0.9]])
    np.testing.assert_array_equal(limit.good(excess), [False, True])
    with pytest.raises(InputError, match="no lane passes"):
        margin_limit(facet(), LANES, ["W7"], {}, 0.0, {})


def test_lanes_feel_of_a_laser_fibre_what_comes_out_of_the_first_guide() -> None:
    """An own loss of 0.3 dB a decibel up to 10 dBm: less light, less of it."""

    def lost(_: Lane, laser_dBm: float | None = None) -> float:
        return max(0.3 * ((15.0 if laser_dBm is None else laser_dBm) - 10.0), 0.0)

    laser = SimpleNamespace(per_wavelength_dBm=15.0)
    own = cast(OwnLight, SimpleNamespace(spec=SimpleNamespace(laser=laser), lost_dB=lost, run=lambda _: (1.5, 1e3)))
    lanes = [cast(Lane, SimpleNamespace(direction="tx", engine="N1", port=1))]
    felt = laser_felt(own, lanes, ["N1"], {1: 1})
    assert set(felt) == {"laser_1"}
    at = [float(np.interp(x, *felt["laser_1"])) for x in (-0.5, 0.0, 1.0, 4.0, 10.0)]
    assert at == pytest.approx([-0.35, 0.0, 0.7, 2.8, 8.5])
    limit = margin_limit(facet(), LANES, ["N1", "S1"], {1: 1, 2: 1}, 0.5, felt)
    np.testing.assert_allclose(limit.lost_dB(np.array([1.0, 0.2, 0.0, 0.0, 0.3]))[0], 0.9)
    before = np.array([[1.0, 0.2, 0.0, 0.0, 0.3]])
    limit.good(before)
    assert before[0, 0] == 1.0, "what was asked about is left as it was"

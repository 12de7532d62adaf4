"""Facets of drawn engines: places along the facet whichever way it looks, and what no fibre array can meet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from cpo_pdk.circuit.facet_ports import facets_of
from cpo_pdk.circuit.simulation import Simulator
from cpo_pdk.errors import CpoError, LayoutError, ModelError

SPOT = {"mfd_x_um": 4.0, "mfd_y_um": 4.0, "fiber_mfd_um": 4.0}
NAMES = ("laser_1", "tx_1", "rx_1", "bump")


def placed(angle: float = 0.0, **changes: Any) -> Simulator:
    """An engine with ports 0, 127, 300 um along a facet that looks in a direction."""
    turn = np.radians(angle)
    along = np.array([-np.sin(turn), np.cos(turn)])
    ports = []
    for name, place in zip(NAMES, (0.0, 127.0, 300.0, 50.0), strict=True):
        x, y = 1000.0 + along * place
        ports.append(SimpleNamespace(name=name, x=x, y=y, angle=angle))
    for name, change in changes.items():
        for port in ports:
            if port.name == name:
                vars(port).update(change)
    cell = SimpleNamespace(ports=tuple(ports))
    leaf = SimpleNamespace(cell="edge")
    circuit = SimpleNamespace(exposed={n: (f"i/{n}", "o2") for n in NAMES[:3]}, leaves={f"i/{n}": leaf for n in NAMES})
    bound = SimpleNamespace(cell="edge", sheet=SimpleNamespace(name="edge_coupler"), model=object(), params=SPOT)
    return cast(
        Simulator,
        SimpleNamespace(
            solvers={"engine": SimpleNamespace(circuit=circuit)},
            bounds={"engine": {"edge": bound}},
            channels={"engine": np.array([1.296, 1.304])},
            netlists=SimpleNamespace(cells={"engine": cell}),
        ),
    )


@pytest.mark.parametrize("angle", [0.0, 90.0, 180.0, 270.0, 30.0])
def test_a_facet_is_the_same_whichever_way_it_looks(angle: float) -> None:
    facet = facets_of(placed(angle))["engine"]
    assert facet.names == ("laser_1", "tx_1", "rx_1")
    np.testing.assert_allclose(facet.x_um, [-150.0, -23.0, 150.0], atol=1e-3)
    coupler = facet.ports[0].coupler
    assert coupler.wl_um == pytest.approx(1.3) and coupler.band_um == (1.296, 1.304)
    assert all(port.coupler is coupler for port in facet.ports), "one cell is one coupler"


def test_what_no_straight_array_can_meet_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"laser_1 and tx_1 are turned by 90 degrees"):
        facets_of(placed(tx_1={"angle": 90.0}))
    with pytest.raises(LayoutError, match=r"lie 20 um one behind the other"):
        facets_of(placed(rx_1={"x": 1020.0}))
    with pytest.raises(CpoError, match=r"tx_1 and rx_1 are 0\.4 um apart"):
        facets_of(placed(rx_1={"y": 1127.4}))


def test_ports_without_a_device_a_model_or_a_spot_are_refused() -> None:
    open_port = placed()
    open_port.solvers["engine"].circuit.exposed.pop("rx_1")
    with pytest.raises(LayoutError, match="no device lies at facet port rx_1"):
        facets_of(open_port)
    without = placed()
    vars(without.bounds["engine"]["edge"]).update(model=None)
    with pytest.raises(ModelError, match="the device at laser_1 has no model"):
        facets_of(without)
    blind = placed()
    vars(blind.bounds["engine"]["edge"]).update(params={})
    with pytest.raises(ModelError, match="edge_coupler: no mfd_x_um"):
        facets_of(blind)
    bare = placed()
    vars(bare.netlists.cells["engine"]).update(ports=())
    with pytest.raises(LayoutError, match="no port laser_1"):
        facets_of(bare)

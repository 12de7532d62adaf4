"""A fibre array, its sheet and its model, as the tests of this folder want them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cpo_pdk.attach.facet import Coupler, Facet, FacetPort, Use
from cpo_pdk.attach.model import AXES, AttachModel
from cpo_pdk.spec.part import Part
from cpo_pdk.spec.part_choice import load_parts

Make = Callable[..., AttachModel]


@pytest.fixture(scope="session")
def sheets() -> dict[str, Part]:
    """All sheets of parts that ship."""
    return load_parts()


@pytest.fixture(scope="session")
def changed() -> Callable[..., Part]:
    """A sheet with other numbers."""

    def make(part: Part, **values: float) -> Part:
        parameters = {
            name: one.model_copy(update={"value": values.get(name, one.value)}) for name, one in part.parameters.items()
        }
        return part.model_copy(update={"parameters": parameters})

    return make


@pytest.fixture(scope="session")
def array(sheets: dict[str, Part], changed: Callable[..., Part]) -> Make:
    """Model of an array of `count` fibres, every error zero but those that are given."""

    def make(
        count: int = 9,
        use: Use = "tx",
        spots: dict[str, tuple[float, float]] | None = None,
        fiber_mfd_um: float = 4.0,
        pitch: float = 127.0,
        start: float = 0.0,
        **errors: float,
    ) -> AttachModel:
        given = {**dict.fromkeys(AXES, 0.0), "gap_um": 0.0, "index": 1.45, **errors}
        coupler = Coupler("edge_coupler", 1.31, spots or {"TE": (4.0, 4.0), "TM": (4.0, 4.0)}, fiber_mfd_um)
        ports = [FacetPort(f"{use}_{k + 1}", use, start + pitch * k, coupler) for k in range(count)]
        return AttachModel.of(changed(sheets["attach_active"], **given), Facet.of(ports), sheets["mpo_connector"])

    return make

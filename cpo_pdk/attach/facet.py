"""What a fibre array is attached to: the couplers at an engine's facet, their places and the spots that they have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from cpo_pdk.errors import ModelError
from cpo_pdk.models.fibre_coupling import misalignment_dB, tip_growth
from cpo_pdk.models.sdict import Array

Use = Literal["laser", "tx", "rx", "loop"]
USES: tuple[Use, ...] = ("laser", "tx", "rx", "loop")

#: how a fibre stands before a coupler that is drawn and computed as its sheet says
_PLACE = ("dx", "dy", "dz", "tilt_x_deg", "tilt_y_deg")


@dataclass(frozen=True)
class Coupler:
    """An edge coupler with the fibre that its sheet means.

    Attributes:
        sheet: name of the sheet.
        wl_um: wavelength that losses are computed at.
        spots: polarisation ("TE", "TM") -> mode field diameter along the facet and across the wafer, um.
        fiber_mfd_um: mode field diameter of the fibre.
        dx, dy, dz: where the sheet has the fibre, um.
        tilt_x_deg, tilt_y_deg: how the sheet has it stand.
        n_gap: index between facet and fibre that the sheet's loss holds for.
        band_um: lowest and highest wavelength of the light there, for the error of computing at one alone.
    """

    sheet: str
    wl_um: float
    spots: Mapping[str, tuple[float, float]]
    fiber_mfd_um: float
    dx: float = 0.0
    dy: float = 0.0
    dz: float = 0.0
    tilt_x_deg: float = 0.0
    tilt_y_deg: float = 0.0
    n_gap: float = 1.45
    band_um: tuple[float, float] | None = None

    @classmethod
    def of(
        cls, sheet: str, params: Mapping[str, Any], wl_um: float, band_um: tuple[float, float] | None = None
    ) -> Coupler:
        """The coupler that a model's parameters mean.

        Args:
            sheet: name of the sheet, for messages.
            params: of the model: those of `models.fibre_coupling.edge_coupler` or of another with the same names.
            wl_um: wavelength; `band_um` of all the light there.

        Raises:
            ModelError: a parameter that the overlap needs is not there.
        """
        missing = [name for name in ("mfd_x_um", "mfd_y_um", "fiber_mfd_um") if name not in params]
        if missing:
            raise ModelError(
                f"{sheet}: no {', '.join(missing)} among its parameters, which the misalignment of a fibre needs; add "
                "the mode field diameters to its sheet"
            )
        x, y = float(params["mfd_x_um"]), float(params["mfd_y_um"])
        spots: dict[str, tuple[float, float]] = {}
        for mode in ("TE", "TM"):
            wider, higher = 1.0, 1.0
            if "tip_width" in params and "tip_reference_um" in params:
                across, up = tip_growth(params["tip_width"], params["tip_reference_um"], mode)
                wider, higher = float(across), float(up)
            spots[mode] = (x * wider, y * higher)
        place = {name: float(params.get(name, 0.0)) for name in _PLACE}
        n_gap = float(params.get("n_gap", 1.45))
        return cls(sheet, wl_um, spots, float(params["fiber_mfd_um"]), **place, n_gap=n_gap, band_um=band_um)

    def at(self, wl_um: float) -> Coupler:
        """The same at another wavelength."""
        return replace(self, wl_um=wl_um)

    def reference_dB(self, mode: str) -> float:
        """Loss from the mismatch and misplacement that the sheet has already, and the circuit with it."""
        wide, high = self.spots[mode]
        place = {name: getattr(self, name) for name in _PLACE}
        return float(
            misalignment_dB(
                self.wl_um,
                mfd_x_um=wide,
                mfd_y_um=high,
                fiber_mfd_um=self.fiber_mfd_um,
                n_gap=self.n_gap,
                **place,
            )
        )


@dataclass(frozen=True)
class FacetPort:
    """One optical port at the facet: `x_um` from the middle of the fibre array, along the facet."""

    name: str
    use: Use
    x_um: float
    coupler: Coupler


@dataclass(frozen=True)
class Facet:
    """The ports that one fibre array is attached to, in their order along the facet; `x_um` is about their middle."""

    ports: tuple[FacetPort, ...]

    @classmethod
    def of(cls, ports: Iterable[FacetPort]) -> Facet:
        """The facet with these ports, wherever its middle is.

        Raises:
            ModelError: no port, two of one name, or two in one place.
        """
        found = sorted(ports, key=lambda port: (port.x_um, port.name))
        if not found:
            raise ModelError("a facet without ports has no fibre array; draw laser_1, tx_1, rx_1... at the facet")
        for here, there in pairwise(found):
            if there.x_um - here.x_um < 1.0:
                raise ModelError(
                    f"facet ports {here.name} and {there.name} are {there.x_um - here.x_um:g} um apart, no two fibres "
                    "lie closer than their own diameter; correct the layout"
                )
        names = [port.name for port in found]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ModelError(f"facet port {twice} is there twice; rename one")
        middle = (found[0].x_um + found[-1].x_um) / 2
        return cls(tuple(FacetPort(p.name, p.use, p.x_um - middle, p.coupler) for p in found))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the ports."""
        return tuple(port.name for port in self.ports)

    @property
    def x_um(self) -> Array:
        """Places about the middle, um, shape (P,)."""
        return np.array([port.x_um for port in self.ports])

    @property
    def span_um(self) -> float:
        """From the first fibre to the last."""
        return self.ports[-1].x_um - self.ports[0].x_um

    def index(self, name: str) -> int:
        """Number of a port.

        Raises:
            KeyError: there is none of this name.
        """
        for number, port in enumerate(self.ports):
            if port.name == name:
                return number
        raise KeyError(name)

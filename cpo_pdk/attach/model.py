"""Loss of the fibres of attached arrays and of mated connectors, for many samples at once.

All fibres of an array share its six shifts and turns and its run-out, so that their losses go together; core, place in
the groove and mode field are each fibre's own. The loss is that of Gaussian beams (`models.mode_overlap`) between the
coupler that is drawn and a fibre in its place, less what the coupler's sheet, and with it the circuit, has already.

Sources of the closed form: D. Marcuse, Bell Syst. Tech. J. 56, 703 (1977), for fibres and round spots; W. B. Joyce,
B. C. DeLoach, Appl. Opt. 23, 4187 (1984), for elliptical ones with gap, offset and tilt at once.

Validity
    One wavelength, the middle of the channels. Gaussian modes: beyond 1.5 spot radii, about 10 dB, a real fibre catches
    more. No interference between facet and fibre end. Arrays of different engines are independent of each other, and
    so are an array's six shifts and turns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.attach.connectors import Connectors
from cpo_pdk.attach.facet import Coupler, Facet
from cpo_pdk.attach.rigid import Pose, Stand, stand
from cpo_pdk.errors import ModelError, ParameterError
from cpo_pdk.models.fibre_coupling import misalignment_dB
from cpo_pdk.models.sdict import Array
from cpo_pdk.spec.part import Part
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.streams import normals, whole

#: quantity of the sheet -> words; first those of the array as a body
BODY: Mapping[str, str] = MappingProxyType(
    {
        "x_um": "along the facet",
        "y_um": "normal to the chip",
        "z_um": "gap",
        "roll_deg": "roll",
        "pitch_deg": "pitch",
        "yaw_deg": "yaw",
    }
)
FIBRES: Mapping[str, str] = MappingProxyType(
    {
        "pitch_error_um": "place in the groove",
        "run_out_um": "run-out of the pitch",
        "core_um": "core off its fibre's middle",
        "mode_field_pct": "mode field of the fibre",
    }
)
AXES: Mapping[str, str] = MappingProxyType({**BODY, **FIBRES})

_MFD_UM = (0.1, 1000.0)  # mode fields that the closed form of the overlap takes
_POINTS = 100_000  # fibres that are computed at once: their arrays stay in the cache


@dataclass(frozen=True)
class Errors:
    """Errors of arrays and fibres in their units; shapes (S, A) for the body and the run-out, (S, A, P) for fibres."""

    body: Mapping[str, Array]
    run_out_um: Array
    off_x_um: Array
    off_y_um: Array
    mode_field: Array

    def part(self, rows: slice | NDArray[np.intp]) -> Errors:
        """The same for some samples."""
        body = {name: value[rows] for name, value in self.body.items()}
        return Errors(body, self.run_out_um[rows], self.off_x_um[rows], self.off_y_um[rows], self.mode_field[rows])


@dataclass(frozen=True)
class AttachModel:
    """Fibre arrays of one kind of engine.

    Attributes:
        facet: couplers, their places and spots.
        sigma: of every name in `AXES`, in its unit.
        gap_um: mean gap; `index` of what fills it.
        connectors: spread of mated pairs; None where no connector was given.
        source: name of the sheet.
    """

    facet: Facet
    sigma: Mapping[str, float]
    gap_um: float
    index: float
    connectors: Connectors | None = None
    source: str = ""
    _reference: Mapping[str, Array] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, sheet: Part, facet: Facet, connector: Part | None = None) -> AttachModel:
        """The model that a sheet of kind attach means at a facet.

        Raises:
            SpecError: a spread of connectors that can't be, see `Connectors.of`.
        """
        sigma = {name: sheet[name] for name in AXES}
        connectors = Connectors.of(sheet, connector) if connector is not None else None
        return cls(facet, sigma, sheet["gap_um"], sheet["index"], connectors, sheet.name, _references(facet))

    @property
    def ports(self) -> tuple[str, ...]:
        """Names of the facet's ports, in the order of the last axis of all results."""
        return self.facet.names

    @property
    def kinds(self) -> tuple[str, ...]:
        """What each port is: laser, tx, rx, loop."""
        return tuple(port.use for port in self.facet.ports)

    @property
    def nominal_dB(self) -> Array:
        """What the mean gap alone costs, shape (P,): excess with every error at zero."""
        return self.loss_dB(stand(Pose(), self.facet.x_um, self.gap_um))

    def scaled(self, factors: Mapping[str, float]) -> AttachModel:
        """The same with some standard deviations multiplied.

        Raises:
            ParameterError: a name that is none of `AXES`, a negative factor.
        """
        for name, factor in factors.items():
            if name not in self.sigma:
                raise ParameterError(f"{name} is no error of a fibre array; there are: {', '.join(AXES)}")
            if not (math.isfinite(factor) and factor >= 0):
                raise ParameterError(f"factor of {name} is {factor:g}, 0 or more needed; give another")
        return replace(self, sigma={name: value * factors.get(name, 1.0) for name, value in self.sigma.items()})

    def draws(self, draw: Draw, engines: int | Sequence[int]) -> Errors:
        """Standard normal numbers for `errors`: they don't depend on the standard deviations.

        Args:
            draw: samples, seed.
            engines: how many, or their numbers in the package.
        """
        numbers = _numbers(engines)
        body = {name: normals(draw, "attach", numbers, purpose=name) for name in BODY}
        ports = np.arange(len(self.facet.ports))

        def each(purpose: str) -> Array:
            return normals(draw, "fibre", ports, purpose=purpose, groups=numbers)

        run_out = normals(draw, "fibre", numbers, purpose="run_out_um")
        return Errors(body, run_out, each("off_x"), each("off_y"), each("mode_field"))

    def errors(self, drawn: Errors, sigma: Mapping[str, ArrayLike] | None = None) -> Errors:
        """Standard normal numbers made to errors of this model.

        Args:
            drawn: see `draws`.
            sigma: standard deviations in place of the model's, numbers or one a sample, shape (S,).

        Groove and core are normal and independent of each other, so that they are drawn as their sum. The mode field
        diameter is log-normal about its nominal value, so that it can't become negative.
        """
        known = {
            name: np.asarray(value, np.float64)[..., None] for name, value in {**self.sigma, **(sigma or {})}.items()
        }
        off = np.hypot(known["pitch_error_um"], known["core_um"])[..., None]
        relative = np.sqrt(np.log1p((known["mode_field_pct"] / 100) ** 2))[..., None]
        return Errors(
            {name: known[name] * drawn.body[name] for name in BODY},
            known["run_out_um"] * drawn.run_out_um,
            off * drawn.off_x_um,
            off * drawn.off_y_um,
            np.exp(relative * drawn.mode_field),
        )

    def stand(self, errors: Errors) -> Stand:
        """Where the fibres stand with these errors."""
        x, span = self.facet.x_um, self.facet.span_um
        stretch = errors.run_out_um[..., None] * (x / span if span > 0 else np.zeros_like(x))
        pose = Pose(**{name: errors.body[name] for name in BODY})
        return stand(pose, x, self.gap_um, errors.off_x_um + stretch, errors.off_y_um)

    def loss_dB(self, place: Stand, mode_field: Array | float = 1.0) -> Array:
        """Loss beyond the circuit's, dB, shape (..., P).

        Laser and transmit fibres carry TE (or whatever their rotator makes of it on the chip) at the facet; what
        arrives at a receive fibre has any polarisation, and the worse one counts.

        Args:
            place: of every fibre.
            mode_field: diameter over the nominal one, each fibre.
        """
        modes = _modes(self.facet)
        found = [self._of_mode(mode, place, mode_field) for mode in modes]
        if len(found) == 1:
            return found[0]
        either = np.array([kind == "rx" for kind in self.kinds])
        return np.where(either, np.maximum(found[0], found[1]), found[0])

    def _of_mode(self, mode: str, place: Stand, mode_field: Array | float) -> Array:
        couplers = [port.coupler for port in self.facet.ports]
        total = misalignment_dB(
            _column(couplers, "wl_um"),
            mfd_x_um=_same([c.spots[mode][0] for c in couplers]),
            mfd_y_um=_same([c.spots[mode][1] for c in couplers]),
            fiber_mfd_um=np.clip(_column(couplers, "fiber_mfd_um") * mode_field, *_MFD_UM),
            dx=place.dx + _column(couplers, "dx"),
            dy=place.dy + _column(couplers, "dy"),
            dz=place.dz,
            tilt_x_deg=place.tilt_x_deg + _column(couplers, "tilt_x_deg"),
            tilt_y_deg=place.tilt_y_deg + _column(couplers, "tilt_y_deg"),
            n_gap=self.index,
        )
        return np.asarray(total - self._reference[mode])

    def excess_of(self, drawn: Errors, sigma: Mapping[str, ArrayLike] | None = None) -> Array:
        """Loss for numbers that were drawn before, dB, shape (S, A, P); arguments as `errors`."""
        given = {name: np.asarray(value, np.float64) for name, value in (sigma or {}).items()}
        count, arrays, ports = drawn.off_x_um.shape
        found = np.empty((count, arrays, ports))
        step = max(1, _POINTS // max(arrays * ports, 1))
        for start in range(0, count, step):
            rows = slice(start, start + step)
            own = {name: value[rows] if value.ndim else value for name, value in given.items()}
            errors = self.errors(drawn.part(rows), own)
            found[rows] = self.loss_dB(self.stand(errors), errors.mode_field)
        return found

    def excess_dB(self, draw: Draw, engines: int | Sequence[int]) -> Array:
        """Loss of every fibre beyond the coupling that the circuit computes.

        Args:
            draw: samples, seed; with the causes attach and fibre fixed the result is `nominal_dB`.
            engines: how many, or their numbers in the package; a loss doesn't depend on which others are asked for.

        Returns:
            dB, shape (S, E, P). Seldom below 0: a fibre whose mode field fits the coupler better than the nominal one.
        """
        return self.excess_of(self.draws(draw, engines))

    def wavelength_error_dB(self, drawn: Errors) -> float:
        """What 99 % of fibres differ by, at most, between the middle of the channels and their ends, dB."""
        bands = [port.coupler.band_um for port in self.facet.ports]
        found = [0.0]
        for end in range(2):
            ports = [
                replace(port, coupler=port.coupler.at(port.coupler.wl_um if band is None else band[end]))
                for port, band in zip(self.facet.ports, bands, strict=True)
            ]
            facet = Facet(tuple(ports))
            other = replace(self, facet=facet, _reference=_references(facet))
            found.append(float(np.percentile(np.abs(other.excess_of(drawn) - self.excess_of(drawn)), 99.0)))
        return max(found)

    def connectors_dB(self, draw: Draw, fibres: int | Sequence[int], pairs: int) -> Array:
        """Loss of `pairs` mated pairs in a row beyond their mean, dB, shape (S, F); see `Connectors.deviation_dB`.

        Raises:
            ModelError: the model knows no connector.
        """
        if self.connectors is None:
            raise ModelError("this model of attached fibres was made without a connector; give the connector's sheet")
        return self.connectors.deviation_dB(draw, fibres, pairs)


def _numbers(engines: int | Sequence[int]) -> np.ndarray:
    return np.arange(engines) if isinstance(engines, int) else whole("engines", np.asarray(engines))


def _column(couplers: Sequence[Coupler], name: str) -> Array:
    return _same([getattr(coupler, name) for coupler in couplers])


def _same(values: Sequence[float]) -> Array:
    """One number where all are equal: it need not be broadcast over the fibres."""
    return np.asarray(values[0] if len(set(values)) == 1 else values, np.float64)


def _modes(facet: Facet) -> tuple[str, ...]:
    """The polarisations whose spots differ."""
    alike = all(port.coupler.spots["TE"] == port.coupler.spots["TM"] for port in facet.ports)
    return ("TE",) if alike else ("TE", "TM")


def _references(facet: Facet) -> dict[str, Array]:
    known: dict[tuple[int, str], float] = {}
    found: dict[str, Array] = {}
    for mode in ("TE", "TM"):
        for port in facet.ports:
            key = (id(port.coupler), mode)
            if key not in known:
                known[key] = port.coupler.reference_dB(mode)
        found[mode] = np.array([known[id(port.coupler), mode] for port in facet.ports])
    return found

"""Compact models: pure numpy functions of the wavelength and of the same parameter names as the cells.

Conventions: lengths and `wl` in um; keys `(port_in, port_out)`; phase `exp(+1j 2 pi neff length / wl)`; cross
coupling `+1j kappa`; a loss in dB is positive; `o1@TM` is the TM mode of port o1; `|.|^2` of a detector port `i1`
is absorbed power.
"""

from __future__ import annotations

from cpo_pdk.models.model import Model
from cpo_pdk.models.operating import OperatingPoint, operating_point
from cpo_pdk.models.registry import MODELS
from cpo_pdk.models.sdict import SDict

__all__ = ["MODELS", "Model", "OperatingPoint", "SDict", "operating_point"]

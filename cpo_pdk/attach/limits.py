"""When an attached fibre array is good: what its fibres may lose, each alone or along the ways of the light."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.attach.facet import Facet
from cpo_pdk.errors import InputError
from cpo_pdk.models.sdict import Array

#: fibres whose loss matters to the link: loopbacks only align
LINK_USES = ("laser", "tx", "rx")


@dataclass(frozen=True)
class Limit:
    """Ways of the light through an array, and what each may lose beyond the circuit's loss.

    Attributes:
        words: what is asked, for people.
        names: of the ways, K of them.
        ways: numbers of the ports that the light of each passes.
        allowed_dB: shape (K,).
        felt: number of a port -> losses there (dB, rising) and what the link feels of each; a port that is not named
            is felt in full.
    """

    words: str
    names: tuple[str, ...]
    ways: tuple[tuple[int, ...], ...]
    allowed_dB: Array
    felt: Mapping[int, tuple[Array, Array]] = field(default_factory=dict)

    @classmethod
    def each_fibre(cls, facet: Facet, allowed_dB: float) -> Limit:
        """Every fibre that carries light of the link may lose so much.

        Raises:
            InputError: no such fibre, or a limit that is none.
        """
        check_allowed(allowed_dB)
        ways = tuple((number,) for number, port in enumerate(facet.ports) if port.use in LINK_USES)
        if not ways:
            raise InputError("the facet has no laser, tx or rx fibre, only loopbacks; name another engine")
        names = tuple(facet.ports[way[0]].name for way in ways)
        return cls(f"every fibre loses at most {allowed_dB:g} dB more", names, ways, np.full(len(ways), allowed_dB))

    @classmethod
    def lanes(
        cls,
        facet: Facet,
        slack_dB: Mapping[tuple[str, ...], float],
        words: str,
        felt: Mapping[str, tuple[Array, Array]] | None = None,
    ) -> Limit:
        """Lanes keep their margin: the ports along each one's way may lose its slack together.

        Args:
            facet: the array.
            slack_dB: names of the ports on a way -> what the link can spare there.
            words: what is asked.
            felt: name of a port -> losses there and what the link feels of each.

        Raises:
            InputError: no way, or a port that the facet doesn't have.
        """
        if not slack_dB:
            raise InputError("no lane passes this fibre array; nothing can be asked of it")
        try:
            ways = tuple(tuple(facet.index(name) for name in names) for names in slack_dB)
        except KeyError as stray:
            raise InputError(f"a lane passes port {stray.args[0]}, which the facet doesn't have") from None
        names = tuple(" + ".join(names) for names in slack_dB)
        known = {facet.index(name): table for name, table in (felt or {}).items() if name in facet.names}
        return cls(words, names, ways, np.array([*slack_dB.values()], float), known)

    def lost_dB(self, excess_dB: Array) -> Array:
        """Loss along each way, as the link feels it; excess (..., P) -> (..., K)."""
        if self.felt:
            excess_dB = np.array(excess_dB)
            for port, (lost, share) in self.felt.items():
                excess_dB[..., port] = np.interp(excess_dB[..., port], lost, share)
        return np.stack([excess_dB[..., way].sum(-1) for way in map(list, self.ways)], axis=-1)

    def kept(self, excess_dB: Array) -> NDArray[np.bool_]:
        """Whether each way loses no more than it may, shape (..., K)."""
        return self.lost_dB(excess_dB) <= self.allowed_dB

    def good(self, excess_dB: Array) -> NDArray[np.bool_]:
        """Whether an array is good: all its ways are, shape (...)."""
        return self.kept(excess_dB).all(-1)


def check_allowed(allowed_dB: float) -> None:
    """Refuse a loss that no fibre can keep to.

    Raises:
        InputError: it is not above 0, or no number.
    """
    if not (math.isfinite(allowed_dB) and allowed_dB > 0):
        raise InputError(f"a fibre may lose {allowed_dB:g} dB more, a number above 0 needed; give some tenths to 3 dB")


def least(found: Iterable[tuple[tuple[str, ...], float]]) -> dict[tuple[str, ...], float]:
    """The smallest slack of every way, in the order in which ways come first."""
    known: dict[tuple[str, ...], float] = {}
    for names, slack in found:
        known[names] = min(known.get(names, math.inf), slack)
    return known

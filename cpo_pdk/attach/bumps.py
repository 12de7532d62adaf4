"""Engine on the substrate: whether all its joints meet their pads.

The engine is a rigid body on the substrate, shifted by two normal errors and turned by a third. A joint is off by the
shift and by its distance from the middle times the turn; the worst one is at a corner of the field of bumps. Light
does not feel any of this: the fibre array is attached to the engine and goes with it, and the fibres behind it take up
micrometres as bending: two arcs over a length L that end d aside have a radius of L^2 / (4 d): metres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cpo_pdk.errors import InputError
from cpo_pdk.models.sdict import Array
from cpo_pdk.spec.part import Part
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.streams import normals, whole

_HALVINGS = 60


@dataclass(frozen=True)
class Bumps:
    """The field of bumps of an engine.

    Attributes:
        pitch_um: of the bumps.
        half_um: half width and half height of the field.
        reach_um: offset that a joint survives.
        place_um: standard deviation of each direction; `turn_deg` of the turn.
    """

    pitch_um: float
    half_um: tuple[float, float]
    reach_um: float
    place_um: float
    turn_deg: float

    @classmethod
    def of(cls, attach: Part, pitch_um: float, size_um: Sequence[float]) -> Bumps:
        """The field that covers an engine.

        Args:
            attach: sheet of kind attach.
            pitch_um: of the bumps.
            size_um: width and height of the die.

        Raises:
            InputError: no size, no pitch.
        """
        if not (pitch_um > 0 and min(size_um) > 0):
            raise InputError(
                f"bumps at {pitch_um:g} um on an engine of {size_um[0]:g} x {size_um[1]:g} um; give both sizes"
            )
        half = (size_um[0] / 2, size_um[1] / 2)
        return cls(pitch_um, half, attach["bump_reach"] * pitch_um, attach["engine_x_um"], attach["engine_turn_deg"])

    def draws(self, draw: Draw, engines: int | Sequence[int]) -> Array:
        """Standard normal numbers of shift x, shift y and turn, shape (3, S, E)."""
        numbers = np.arange(engines) if isinstance(engines, int) else whole("engines", np.asarray(engines))
        return np.stack([normals(draw, "attach", numbers, purpose=f"engine {name}") for name in ("x", "y", "turn")])

    def offset_um(self, drawn: Array, place_um: float | None = None, turn_deg: float | None = None) -> Array:
        """Offset of the worst joint, um, shape (S, E): that of a corner, as an offset is convex over the field.

        Args:
            drawn: see `draws`.
            place_um, turn_deg: in place of the sheet's.
        """
        place = self.place_um if place_um is None else place_um
        x, y = place * drawn[0], place * drawn[1]
        angle = np.radians(self.turn_deg if turn_deg is None else turn_deg) * drawn[2]
        sine, less = np.sin(angle), np.cos(angle) - 1
        a, b = self.half_um
        found = np.zeros_like(x)
        for cx, cy in ((a, b), (-a, b), (-a, -b), (a, -b)):
            found = np.maximum(found, np.hypot(x + cx * less - cy * sine, y + cx * sine + cy * less))
        return found

    def needed(self, drawn: Array, share: float, *, turn: bool) -> float | None:
        """Largest standard deviation of the place (um) or the turn (degrees), the other as the sheet says.

        Args:
            drawn: see `draws`.
            share: of engines with all joints within reach.
            turn: ask for the turn.

        Returns:
            None where not even 0 is enough.
        """

        def good(sigma: float) -> bool:
            found = self.offset_um(drawn, *((None, sigma) if turn else (sigma, None)))
            return float((found <= self.reach_um).mean()) >= share

        high = math.degrees(self.reach_um / max(self.half_um)) * 100 if turn else self.reach_um * 100
        low = 0.0
        if not good(low):
            return None
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if good(middle) else (low, middle)
        return low

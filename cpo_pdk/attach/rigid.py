"""Where the fibres of an array lie when the array is turned and shifted as one rigid body.

Conventions
    x runs along the facet, y up from the chip, z from the facet into the fibres, in um; the origin is the middle of the
    couplers. The body is turned about the middle of its fibres' ends, first by the roll (about z, counter-clockwise
    seen from the fibres), then by the pitch (about x, positive: the fibres point down into the board as they leave),
    then by the yaw (about y, positive: they point towards +x as they leave), then shifted. Turns are exact, not small.

Validity
    Nothing bends: no warp of chip or array, no movement of the glue but what the spread of x, y and z says. Fibre ends
    are flat and square to their fibres, so that a tilt in the gap is the tilt of the body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.sdict import Array

#: what the closed form of the overlap takes; whatever lies further out has no light left
_FAR_UM = 999.0
_STEEP_DEG = 44.9


@dataclass(frozen=True)
class Pose:
    """How a fibre array sits: shifts in um beyond the mean gap, turns in degrees; arrays of any one shape."""

    x_um: ArrayLike = 0.0
    y_um: ArrayLike = 0.0
    z_um: ArrayLike = 0.0
    roll_deg: ArrayLike = 0.0
    pitch_deg: ArrayLike = 0.0
    yaw_deg: ArrayLike = 0.0


@dataclass(frozen=True)
class Stand:
    """How each fibre stands before its coupler: offsets and gap in um, tilts in degrees, shape (..., P)."""

    dx: Array
    dy: Array
    dz: Array
    tilt_x_deg: Array
    tilt_y_deg: Array


def stand(pose: Pose, x_um: ArrayLike, gap_um: float, off_x_um: ArrayLike = 0.0, off_y_um: ArrayLike = 0.0) -> Stand:
    """Offsets and tilts of every fibre of a rigid array.

    An array can't enter the chip: where a turn or a shift would bring a fibre's end behind the facet, the whole array
    stands back until that fibre touches.

    Args:
        pose: of the array, arrays of shape (...).
        x_um: places of the couplers along the facet about their middle, shape (P,).
        gap_um: mean gap.
        off_x_um, off_y_um: of each core from its place in the array, before the array is turned, shape (..., P).
    """
    x, y, z, roll, pitch, yaw = (
        np.asarray(value, np.float64)[..., None]
        for value in (pose.x_um, pose.y_um, pose.z_um, pose.roll_deg, pose.pitch_deg, pose.yaw_deg)
    )
    here = np.asarray(x_um, np.float64)
    px, py = here + np.asarray(off_x_um, np.float64), np.asarray(off_y_um, np.float64)
    (cr, sr), (cp, sp), (cy, sy) = (_turn(angle) for angle in (roll, pitch, yaw))
    rx, ry = cr * px - sr * py, sr * px + cr * py  # roll
    ty, tz = cp * ry, sp * ry  # pitch: z towards -y, y towards z
    fx, fz = cy * rx + sy * tz, -sy * rx + cy * tz  # yaw: z towards +x
    gap = gap_um + z + fz
    gap = gap - np.minimum(gap.min(axis=-1, keepdims=True), 0.0)
    # the fibres' direction (0, 0, 1) after the turns: only its part across is needed
    ax, ay = sy * cp, -sp
    shape = np.broadcast_shapes(fx.shape, ty.shape, gap.shape)
    return Stand(
        dx=_within(fx + x - here, _FAR_UM, shape),
        dy=_within(ty + y, _FAR_UM, shape),
        dz=_within(gap, _FAR_UM, shape),
        tilt_x_deg=np.clip(np.degrees(np.arcsin(ax)), -_STEEP_DEG, _STEEP_DEG),
        tilt_y_deg=np.clip(np.degrees(np.arcsin(ay)), -_STEEP_DEG, _STEEP_DEG),
    )


def _turn(angle_deg: Array) -> tuple[Array, Array]:
    """Cosine and sine."""
    angle = np.radians(angle_deg)
    return np.cos(angle), np.sin(angle)


def _within(value: Array, far: float, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(np.clip(value, -far, far), shape)

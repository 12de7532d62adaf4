"""The last word on a lane map: that nothing in it belongs to two lanes, looked at without knowing how it was made."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from cpo_pdk.lanes.rows import LaneRow, MapProblem

#: what no two lanes may share -> how to get it from a row
_OWN: dict[str, Callable[[LaneRow], Hashable]] = {
    "serial lane": lambda row: row.serdes,
    "bump of the switch": lambda row: (row.asic_x_um, row.asic_y_um),
    "bump of an engine": lambda row: (row.bump_x_um, row.bump_y_um),
    "device": lambda row: (row.engine, row.device),
    "wavelength in a fibre": lambda row: (row.fibre, row.direction, row.wl_um),
    "wavelength at a position": lambda row: (row.connector, row.position, row.wl_um),
    "place in a bank": lambda row: (row.engine, row.direction, row.module, row.bank, row.bank_lane),
}


def shared(lanes: Iterable[LaneRow]) -> Iterator[MapProblem]:
    """Everything that two lanes have in common and may not.

    Args:
        lanes: of a whole package.
    """
    seen: dict[tuple[str, Hashable], LaneRow] = {}
    for row in lanes:
        for what, key in _OWN.items():
            other = seen.setdefault((what, key(row)), row)
            if other is not row:
                message = f"{row.name} has the same {what} as {other.name}: {_words(key(row))}; give each its own"
                yield MapProblem("shared", message, row.bump_x_um, row.bump_y_um)


def _words(value: Hashable) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)

"""Whether a cable joins the transmit fibres of one package with the receive fibres of another, position by position.

Array cables come in three polarities (ANSI/TIA-568.3, IEC 61754-7 connectors), told by where position p of one plug
leads in the other. In one row of n:

    A  straight       p -> p             key up to key down
    B  crossed        p -> n + 1 - p     key up to key up
    C  pairs flipped  p -> p + 1, p - 1 of each pair

MPO-24 and MPO-32 have two rows, and positions are counted row by row. A ribbon that is turned over between key up and
key down exchanges the rows: type A leads from a place in one row to the same place in the other, type B to the mirrored
place in the same row. (Links that send on one row and receive on the other take MPO-24 cables of type A, as
100GBASE-SR10: fossfiberoptikk.no, MTP/MPO.) Type C is for one row.

Links of parallel fibre send on one half and receive on the other, which type B joins in one row; the order of the
fibres is turned round then. Receivers put lanes in order themselves (alignment markers of IEEE 802.3), so the order is
told but is no fault. Wavelengths must be the same at both ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cpo_pdk.errors import InputError
from cpo_pdk.lanes.rows import ConnectorRow, LaneMap

#: polarity -> what it is called
POLARITIES = {"A": "straight", "B": "crossed", "C": "pairs flipped"}
#: positions of a plug -> those of one of its two rows; other plugs have one row
TWO_ROWS = {24: 12, 32: 16}
#: two channels are the same within this, um: a fifth of the narrowest spacing that is built, 100 GHz or 0.56 nm
SAME_WL_UM = 1e-4
#: position -> `tx_3`
Pattern = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Fit:
    """A cable between two kinds of connectors.

    Attributes:
        polarity: A, B or C.
        near, far: a connector of each kind, by name.
        near_count, far_count: connectors of that kind.
        joined: (near port, far port) of each fibre that carries light from a transmitter to a receiver.
        faults: where light goes astray; one line each.
    """

    polarity: str
    near: str
    far: str
    near_count: int
    far_count: int
    joined: tuple[tuple[str, str], ...]
    faults: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Every transmit fibre meets a receive fibre and the other way round, and there are some."""
        return bool(self.joined) and not self.faults

    @property
    def order(self) -> str:
        """How the fibres arrive: `kept` (1 at 1), `reversed` (1 at the last), or `mixed`."""
        pairs = [(_number(a), _number(b)) for a, b in self.joined if a.startswith("tx")]
        if all(a == b for a, b in pairs):
            return "kept"
        sums = {a + b for a, b in pairs}
        return "reversed" if len(sums) == 1 else "mixed"


def far_position(polarity: str, position: int, size: int) -> int:
    """Position at the far end of a cable.

    Args:
        polarity: A, B or C.
        position: at the near end, from 1.
        size: positions of the plug, see `TWO_ROWS`; even for polarity C.

    Raises:
        InputError: no such polarity, pairs in an odd number of positions, or in two rows.
    """
    row = TWO_ROWS.get(size)
    if polarity == "A":
        return position if row is None else (position + row - 1) % size + 1
    if polarity == "B":
        first = 0 if row is None or position <= row else row
        return 2 * first + (row or size) + 1 - position
    if polarity == "C":
        if size % 2:
            raise InputError(f"polarity C flips pairs, {size} positions are no pairs; use A or B")
        if row is not None:
            raise InputError(f"polarity C is for plugs of one row, one of {size} has two; use A or B")
        return position + 1 if position % 2 else position - 1
    raise InputError(f"polarity {polarity!r}: one of {', '.join(POLARITIES)} is needed")


def join(near: LaneMap, far: LaneMap, polarity: str) -> tuple[Fit, ...]:
    """What a cable does between each kind of data connector of one package and each of the other.

    Connectors that hold the same ports at the same positions are one kind, whatever engine they belong to.

    Args:
        near: one package.
        far: the other; may be the same.
        polarity: A, B or C.

    Raises:
        InputError: no such polarity; a package without data connectors; plugs of different size.
    """
    kinds = [_kinds(package) for package in (near, far)]
    for package, found in zip((near, far), kinds, strict=True):
        if not found:
            raise InputError(f"{package.package}: no data connector with fibres; build the package first")
    wrong = _wavelengths(near, far)
    return tuple(
        _fit(polarity, a, b, wrong) for a in kinds[0].values() for b in kinds[1].values() if a[0].kind == b[0].kind
    ) or (_no_common(kinds[0].values(), kinds[1].values(), polarity),)


def fitting(near: LaneMap, far: LaneMap) -> tuple[str, ...]:
    """Polarities that join every kind of connector of one package with some kind of the other, the simplest first.

    Args:
        near: one package.
        far: the other; may be the same.

    Raises:
        InputError: as `join`.
    """
    found: list[str] = []
    for polarity in POLARITIES:
        try:
            fits = join(near, far, polarity)
        except InputError:
            if polarity != "C":
                raise
            continue
        if {fit.near for fit in fits if fit.fits} == {fit.near for fit in fits}:
            found.append(polarity)
    return tuple(found)


def _kinds(package: LaneMap) -> dict[tuple[str, int, Pattern], list[ConnectorRow]]:
    found: dict[tuple[str, int, Pattern], list[ConnectorRow]] = {}
    for connector in package.connectors:
        pattern = tuple((p, port) for p, (_, port) in sorted(connector.positions.items()))
        if any(port.startswith(("tx_", "rx_")) for _, port in pattern):
            # ports are counted from the first of the connector: the second one of an engine holds tx_9 and on
            found.setdefault((connector.kind, connector.size, _from_one(pattern)), []).append(connector)
    return found


def _from_one(pattern: Pattern) -> Pattern:
    """The pattern with the numbers of each use counted from its lowest."""
    low: dict[str, int] = {}
    for _, port in pattern:
        use = port.partition("_")[0]
        low[use] = min(low.get(use, _number(port)), _number(port))
    return tuple((p, f"{(use := port.partition('_')[0])}_{_number(port) - low[use] + 1}") for p, port in pattern)


def _fit(polarity: str, near: list[ConnectorRow], far: list[ConnectorRow], wrong: tuple[str, ...]) -> Fit:
    a, b = near[0], far[0]
    faults = list(wrong)
    joined: list[tuple[str, str]] = []
    if a.size != b.size:
        faults.append(f"{a.name} has {a.size} positions, {b.name} has {b.size}; use plugs of one size")
        return Fit(polarity, a.name, b.name, len(near), len(far), (), tuple(faults))
    met: set[int] = set()
    for position, (_, port) in sorted(a.positions.items()):
        there = far_position(polarity, position, a.size)
        met.add(there)
        other = b.positions.get(there, ("", ""))[1]
        if {_use(port), _use(other)} == {"tx", "rx"}:
            joined.append((port, other))
        else:
            what = other or "no fibre"
            faults.append(f"{port} at position {position} of {a.name} meets {what} at position {there} of {b.name}")
    for position, (_, port) in sorted(b.positions.items()):
        if position not in met:
            there = far_position(polarity, position, a.size)
            faults.append(f"{port} at position {position} of {b.name} meets no fibre at position {there} of {a.name}")
    return Fit(polarity, a.name, b.name, len(near), len(far), tuple(joined), tuple(faults))


def _no_common(near: Iterable[list[ConnectorRow]], far: Iterable[list[ConnectorRow]], polarity: str) -> Fit:
    a, b = next(iter(near)), next(iter(far))
    fault = f"{a[0].name} is an {a[0].kind}, {b[0].name} an {b[0].kind}; use connectors of one kind"
    return Fit(polarity, a[0].name, b[0].name, len(a), len(b), (), (fault,))


def _wavelengths(near: LaneMap, far: LaneMap) -> tuple[str, ...]:
    """One line where the two packages send on different wavelengths."""
    grids = [sorted({wl for grid in package.wl_um.values() for wl in grid}) for package in (near, far)]
    if len(grids[0]) == len(grids[1]) and all(abs(a - b) <= SAME_WL_UM for a, b in zip(*grids, strict=True)):
        return ()
    words = [f"{len(grid)} from {grid[0] * 1e3:.2f} to {grid[-1] * 1e3:.2f} nm" for grid in grids]
    return (f"wavelengths differ: {near.package} has {words[0]}, {far.package} {words[1]}; use one grid at both ends",)


def _use(port: str) -> str:
    return port.partition("_")[0]


def _number(port: str) -> int:
    return int(port.rpartition("_")[2] or 0)

"""Cut-back blocks: the same device or waveguide in rising number or length between gratings at 127 um.

All structures of a block have the same gratings, the same number of routing bends and the same length of routing, so
that what differs in loss is what is swept, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from cpo_pdk.components.cell import Count, OneOf, Um, cell
from cpo_pdk.components.spirals import spiral
from cpo_pdk.components.splitters import mmi1x2
from cpo_pdk.components.test_row import LEAD, PITCHES, REST, Row
from cpo_pdk.components.waveguides import bend_euler, crossing, taper_strip_rib
from cpo_pdk.tech.gdsfactory_safe import gf

Pitch = Annotated[float, OneOf(PITCHES)]


#: turns of either arm, and radius of the bends in um, of a spiral that fits between two gratings 127 um apart
_SPIRALS = {"strip": (4, 10.0), "rib": (2, 25.0)}


class _Stage(NamedTuple):
    """What one step of a cascade adds: its length along x in um, the devices in it, and how it is drawn on a port."""

    length: float
    devices: int
    draw: Callable[[Row, Any], Any]


@cell
def cutback_block(
    count: Annotated[int, Count(2, 8)] = 4,
    length: Annotated[float, Um(2_000, 100_000)] = 2_000.0,
    length_step: Annotated[float, Um(500, 50_000)] = 10_000.0,
    cross_section: Annotated[str, OneOf(("strip", "rib"))] = "strip",
    pitch: Pitch = 127.0,
) -> gf.Component:
    """Loss of a waveguide: spirals of rising length and equal number of bends between pairs of gratings.

    ::

                .------------.
        f4 -----'.---------. |
                |  -------'| |    longest
        f3 -----------------'
        f2 --.
        f1 --' alignment

    Args:
        count: number of spirals.
        length: of the shortest spiral in um.
        length_step: by which each is longer than the one before it in um.
        cross_section: of the spirals; a rib has a taper from and to the strip on either side.
        pitch: of the gratings in um.
    """
    row = Row(gf.Component(), pitch)
    row.alignment()
    turns, radius = _SPIRALS[cross_section]
    for i in range(count):
        light_in = row.grating()
        label = row.last
        light_out = row.grating()
        path = round(length + i * length_step, 3)
        long = spiral(length=path, n_turns=turns, radius=radius, cross_section=cross_section, same_side=True)
        port = row.straight(light_in, LEAD + row.bend_size)
        if cross_section == "rib":
            port = row.place(taper_strip_rib(), port).ports["o2"]
        port = row.place(long, port, name=f"spiral_{i + 1}").ports["o2"]
        if cross_section == "rib":
            port = row.place(taper_strip_rib(), port, "o2").ports["o1"]
        row.beside(port, light_out)
        swept = {"length_cm": round(path / 1e4, 8)}
        row.measurement(f"length_{i + 1}", label, row.last, f"loss_dB_cm_{cross_section}", swept, "dB/cm", "slope")
    return row.finish()


@cell
def bend_cutback_block(
    count: Annotated[int, Count(2, 8)] = 4,
    bends: Annotated[int, Count(4, 100)] = 8,
    bends_step: Annotated[int, Count(4, 100)] = 24,
    radius: Annotated[float, Um(5, 15)] = 5.0,
    pitch: Pitch = 127.0,
) -> gf.Component:
    """Loss of a 90 degree bend: chains of a rising number of bends between pairs of gratings.

    ::

        f4 ----------------------.
              .-. .-. .-. .-.    |
        f3 ---' '-' '-' '-' '----'

    Args:
        count: number of chains.
        bends: in the first chain; rounded up to whole periods of four.
        bends_step: by which each chain is longer than the one before it; rounded up to whole periods of four.
        radius: of the bends in um.
        pitch: of the gratings in um.
    """

    def draw(row: Row, port: Any) -> Any:
        for left in (True, False, False, True):
            port = row.place(bend_euler(radius=radius), port, mirror=not left).ports["o2"]
        return port

    size = bend_euler(radius=radius).ports["o2"].center[0]
    stage = _Stage(round(4 * size, 3), 4, draw)
    return _cascades(pitch, stage, _rising(count, -(-bends // 4), -(-bends_step // 4)), "loss_dB_bend_90", "bends")


@cell
def device_cutback_block(
    device: Annotated[str, OneOf(("crossing", "mmi1x2", "taper_strip_rib"))] = "crossing",
    count: Annotated[int, Count(2, 8)] = 4,
    stages: Annotated[int, Count(1, 20)] = 4,
    stages_step: Annotated[int, Count(1, 20)] = 8,
    pitch: Pitch = 127.0,
) -> gf.Component:
    """Loss of one device: chains of a rising number of devices between pairs of gratings.

    A crossing is passed straight, with its side arms terminated. An MMI is followed by its mirror image, so that what
    it splits comes together again; a taper to the rib by a taper back: two devices a stage.

    ::

        f4 -------------------.
        f3 ---[ ]-[ ]-[ ]-----'

    Args:
        device: what is measured.
        count: number of chains.
        stages: in the first chain.
        stages_step: by which each chain has more stages than the one before it.
        pitch: of the gratings in um.
    """
    return _cascades(
        pitch, _STAGES[device](), _rising(count, stages, stages_step), f"loss_dB_{device}", "devices", f"{device}_"
    )


def _crossings() -> _Stage:
    def draw(row: Row, port: Any) -> Any:
        placed = row.place(crossing(), port)
        row.end(placed.ports["o2"])
        row.end(placed.ports["o4"])
        return placed.ports["o3"]

    return _Stage(round(2 * crossing().ports["o3"].center[0], 3), 1, draw)


def _mmis() -> _Stage:
    def draw(row: Row, port: Any) -> Any:
        first = row.place(mmi1x2(), port)
        second = row.place(mmi1x2(), first.ports["o2"], "o3")
        return second.ports["o1"]

    ends = mmi1x2().ports
    return _Stage(round(2 * (ends["o2"].center[0] - ends["o1"].center[0]), 3), 2, draw)


def _tapers() -> _Stage:
    def draw(row: Row, port: Any) -> Any:
        opened = row.place(taper_strip_rib(), port)
        return row.place(taper_strip_rib(), opened.ports["o2"], "o2").ports["o1"]

    return _Stage(round(2 * taper_strip_rib().ports["o2"].center[0], 3), 2, draw)


_STAGES: dict[str, Callable[[], _Stage]] = {"crossing": _crossings, "mmi1x2": _mmis, "taper_strip_rib": _tapers}


def _apart(k: int) -> float:
    """Straight behind the k-th stage in um.

    Small reflections of stages at equal distances would add up at some wavelengths; squares modulo a prime repeat no
    distance between them.
    """
    return round(0.5 + 0.03 * (k * k % 17), 3)


def _rising(count: int, first: int, step: int) -> list[int]:
    return [first + i * step for i in range(count)]


def _cascades(
    pitch: float, stage: _Stage, numbers: list[int], extracts: str, swept: str, prefix: str = ""
) -> gf.Component:
    """A block of cascades with `numbers` of stages.

    The waveguide turns back half a cascade further east for a whole cascade more, which keeps the length of all
    straights beside the stages the same in every structure. The straights between the stages are all there are room
    for in the longest cascade; a shorter one has what it doesn't need of them in its lead.
    """
    row = Row(gf.Component(), pitch)
    row.alignment()
    apart = [_apart(k) for k in range(max(numbers))]
    base = LEAD + REST + row.bend_size + max(numbers) * stage.length / 2 + sum(apart)
    for number in numbers:
        light_in = row.grating()
        label = row.last
        light_out = row.grating()
        port = row.straight(light_in, LEAD + sum(apart[number:]))
        for space in apart[:number]:
            port = row.straight(stage.draw(row, port), space)
        row.back(port, round(base + number * stage.length / 2, 3), light_out)
        devices = number * stage.devices
        name = f"{prefix}{swept}_{devices}"
        row.measurement(name, label, row.last, extracts, {swept: devices}, f"dB/{swept[:-1]}", "slope")
    return row.finish()

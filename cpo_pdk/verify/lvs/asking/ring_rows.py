"""Rows of the engines with rings: a bus of modulators a transmit fibre; drop rings, or none, before the detectors."""

from __future__ import annotations

from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.verify.lvs.asking.parts import INTO, Drafting, channel_words

#: where light that enters a device of a role goes on along its row
THROUGH = {"modulator": {"o1": "o2", "o2": "o1"}, "drop_filter": {"o1": "o4", "o4": "o1"}}


def transmit(made: Drafting, row: str, wl: tuple[float, ...]) -> PortRef:
    """A bus of ring modulators, one a channel; returns where laser light comes in.

    Args:
        made: the engine.
        row: `tx_3`.
        wl: wavelengths of the channels, um.
    """
    last: PortRef | None = None
    for number, um in enumerate(wl, start=1):
        words = f"the modulator of {channel_words(number, um)}"
        key = made.add(row, "modulator", f"modulator_{number}", words, number)
        if last is not None:
            made.join(last, (key, "o1"))
        last = (key, "o2")
    assert last is not None  # a grid has a channel
    made.to_fibre(row, last)
    return (f"{row}/modulator_1", "o1")


def receive_bus(made: Drafting, row: str, wl: tuple[float, ...]) -> None:
    """Two buses of drop rings, one a polarisation; both rings of a channel lead to one detector.

    Args:
        made: the engine.
        row: `rx_3`.
        wl: wavelengths of the channels, um.
    """
    last = made.from_fibre(row)
    for number, um in enumerate(wl, start=1):
        channel = channel_words(number, um)
        detector = made.add(row, "detector", f"detector_{number}", f"the detector of {channel}", number)
        for side, into in INTO.items():
            words = f"the {side} ring of {channel}"
            ring = made.add(row, "drop_filter", f"ring_{side}_{number}", words, number)
            end = made.add(row, "terminator", f"end_{side}_{number}", f"the terminator at {words}", number)
            made.join(last[side], (ring, "o4"))
            made.join((ring, "o3"), (detector, into))
            made.join((ring, "o2"), (end, "o1"))
            last[side] = (ring, "o1")
    for side, ref in last.items():
        made.join(ref, (made.add(row, "terminator", f"bus_end_{side}", f"the terminator of the {side} bus"), "o1"))


def receive_direct(made: Drafting, row: str, wl: tuple[float, ...]) -> None:
    """One wavelength: the splitter-rotator leads both polarisations to the two ends of one detector.

    Args:
        made: the engine.
        row: `rx_3`.
        wl: the wavelength, um.
    """
    detector = made.add(row, "detector", "detector_1", f"the detector of {channel_words(1, wl[0])}", 1)
    for side, ref in made.from_fibre(row).items():
        made.join(ref, (detector, INTO[side]))

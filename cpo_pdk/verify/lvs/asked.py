"""The circuit that a spec asks for, from the spec and its sheets alone: nothing here knows what was drawn.

The architecture of an engine, as the spec's keys describe it. From south to north its fibre array holds the first
loopback, laser, transmit and receive fibres, the second loopback, seen with the facet in the east. The last laser fibre
feeds the southernmost group of transmit rows through a tree of 1x2 splitters.

    laser:    edge coupler - tree of splitters - rows of its group
    transmit: (tree) - what modulates - tap - edge coupler; on the tap a monitor and, on the port that no light leaves
              by, a terminator
    receive:  edge coupler - splitter-rotator - one way a polarisation, upper and lower - the two ends of a detector a
              channel

What lies between them differs by `engine.architecture`:

    ring_wdm  transmit: the ring modulator of channel 1 - ... - of channel n. Receive: two buses, each with the ring of
              channel 1 first and a terminator behind that of channel n; both rings of a channel drop into the two ends
              of its detector, the other end of each drop guide is terminated.
    ring_dr   transmit: one ring modulator. Receive: nothing, the splitter-rotator leads to both ends of the detector.
    mzm_wdm   transmit: demultiplexer - a Mach-Zehnder modulator a channel (in by o1, out by o3, o2 and o4 terminated) -
              multiplexer. Receive: a demultiplexer a polarisation.

A demultiplexer is a tree of interferometers. A stage: a 2x2 coupler (light in by o1, o2 terminated), two arms, a heater
in one of them, a second coupler; of the channels that are together the 1st, 3rd, ... leave by its o3, the others by its
o4, each half to a stage of its own until every channel is alone. A multiplexer is the same tree the other way round.
"""

from __future__ import annotations

from pathlib import Path

from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.verify.lvs.asking.engine import asked_engine
from cpo_pdk.verify.lvs.asking.parts import (
    AskedDevice,
    AskedEngine,
    AskedFacet,
    AskedFilter,
    AskedStage,
    channel_words,
)
from cpo_pdk.verify.lvs.asking.places import AskedConnector, AskedPackage, End, asked_package

__all__ = [
    "ROUTING_ROLES",
    "AskedConnector",
    "AskedDevice",
    "AskedEngine",
    "AskedFacet",
    "AskedFilter",
    "AskedPackage",
    "AskedStage",
    "End",
    "asked_at",
    "asked_engine",
    "asked_package",
    "channel_words",
]

#: roles of `engine.devices` that only lead light on: they belong to the nets
ROUTING_ROLES = ("waveguide", "bend", "taper", "fiber", "laser_fiber")


def asked_at(spec: PackageSpec, path: str) -> str:
    """`file:line` of a value of the spec; a file below the working folder is named from there."""
    problem = spec.problem(path, "")
    here = Path.cwd()
    file = problem.file.relative_to(here) if problem.file.is_relative_to(here) else problem.file
    return f"{file.as_posix()}:{problem.line}"

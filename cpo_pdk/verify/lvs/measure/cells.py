"""Every cell of the process with what measures it, and the measuring of one cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import klayout.db as kdb
import numpy as np

from cpo_pdk.circuit.meta import CellMeta, CrossSection, PortMeta, read_cell_meta, read_cross_sections
from cpo_pdk.circuit.netlist import CellNetlist
from cpo_pdk.verify.lvs.measure import (
    couplers,
    detectors,
    fibres,
    guides,
    light_in_out,
    metal,
    phase_shifters,
    ring_modulators,
    rings,
    splitters,
)
from cpo_pdk.verify.lvs.measure.drawn import Box, Drawn, Readings, Terminal

#: what the names of this process's cells begin with
PREFIX = "cpo_"
#: a cell of more shapes than this, counted flat, is no single device
SHAPE_LIMIT = 100_000

MEASURES: dict[str, Callable[[Drawn, Readings], None]] = {
    "straight": guides.straight,
    "bend_euler": guides.bend_euler,
    "bend_s": guides.bend_s,
    "taper": guides.taper,
    "taper_strip_rib": guides.taper_strip_rib,
    "terminator": guides.terminator,
    "crossing": guides.crossing,
    "spiral": guides.spiral,
    "directional_coupler": couplers.directional_coupler,
    "bent_coupler": couplers.bent_coupler,
    "tap_monitor": couplers.tap_monitor,
    "psr": couplers.psr,
    "y_branch": couplers.y_branch,
    "mmi1x2": splitters.multimode,
    "mmi2x2": splitters.multimode,
    "mmi1xn": splitters.multimode,
    "add_drop_ring": rings.add_drop_ring,
    "all_pass_ring": rings.all_pass_ring,
    "double_ring": rings.double_ring,
    "wide_ring": rings.wide_ring,
    "ring_modulator": ring_modulators.ring_modulator,
    "photodetector": detectors.vertical_detector,
    "photodetector_dual": detectors.vertical_detector,
    "photodetector_lateral": detectors.lateral_detector,
    "phase_shifter_pn": phase_shifters.phase_shifter_pn,
    "phase_shifter_thermal": phase_shifters.phase_shifter_thermal,
    "mach_zehnder_modulator": phase_shifters.mach_zehnder_modulator,
    "switch_2x2": phase_shifters.switch_2x2,
    "edge_coupler": light_in_out.edge_coupler,
    "edge_coupler_array": light_in_out.edge_coupler_array,
    "spot_size_converter": light_in_out.spot_size_converter,
    "grating_coupler": light_in_out.grating_coupler,
    "grating_coupler_dual": light_in_out.grating_coupler_dual,
    "fiber": fibres.fiber,
    "connector": fibres.connector,
    "bump": metal.bump,
    "pad": metal.pad,
    "via_stack": metal.via_stack,
    "wire": metal.wire,
    "alignment_mark": metal.alignment_mark,
    "die_frame": metal.die_frame,
}


@dataclass(frozen=True)
class Measured:
    """What was read off the polygons of one cell.

    Attributes:
        factory: function that the cell says drew it, without the process's prefix; empty: not one of `MEASURES`.
        values: by the name of the cell's own argument, and more: um, degrees, pure numbers.
        places: where each was measured: left, bottom, right, top in um, in the cell.
        not_measured: parameter -> why it could not be read off the drawing.
        words: properties that are no numbers: kind of waveguide, layer, kind of junction.
        polarity: terminal -> p, n, heater or metal; p+n where it is joined to both.
        layers: parameter -> layers that it was read off.
        spread: standard deviation of values that follow from a fit, um.
        extremes: the smallest and the largest reading, where a value was read in several places; the value is then
            their median.
        stacks: terminal -> cells of via stacks that it is joined to, and how many of each.
    """

    factory: str = ""
    values: dict[str, float] = field(default_factory=dict)
    places: dict[str, Box] = field(default_factory=dict)
    not_measured: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    polarity: dict[str, str] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    extremes: dict[str, tuple[float, float]] = field(default_factory=dict)
    stacks: dict[str, dict[str, int]] = field(default_factory=dict)


class Measurer:
    """Measures cells of one layout; what several cells share is looked at once."""

    def __init__(self, layout: kdb.Layout) -> None:
        self.layout = layout
        self._sections: dict[str, CrossSection] | None = None
        self._pieces = fibres.Pieces(layout)
        self._shapes: dict[int, int] = {}
        self._metas: dict[int, CellMeta] = {}

    def meta(self, cell: kdb.Cell) -> CellMeta:
        """What a cell says about itself."""
        if self._sections is None:
            self._sections = read_cross_sections(self.layout)
        index = cell.cell_index()
        if index not in self._metas:
            self._metas[index] = read_cell_meta(cell, self._sections, self.layout.dbu)
        return self._metas[index]

    def flat_shapes(self, index: int) -> int:
        """Number of shapes in a cell with every instance counted."""
        if index not in self._shapes:
            cell = self.layout.cell(index)
            own = sum(cell.shapes(layer).size() for layer in self.layout.layer_indexes())
            self._shapes[index] = own + sum(
                inst.size() * self.flat_shapes(inst.cell_index) for inst in cell.each_inst()
            )
        return self._shapes[index]

    def measure(self, cell: kdb.Cell, factory: str, ports: tuple[Terminal, ...]) -> Measured:
        """Read a cell's parameters off its polygons.

        Args:
            cell: of this layout.
            factory: function that drew it, with or without the process's prefix.
            ports: of the cell, electrical ones too.
        """
        name = factory.removeprefix(PREFIX)
        how = MEASURES.get(name)
        if how is None:
            return Measured()
        drawn = Drawn(self.layout, cell, ports)
        found = Readings(drawn.frame)
        shapes = self.flat_shapes(cell.cell_index())
        if shapes > SHAPE_LIMIT:
            found.not_measured["shape"] = f"it holds {shapes} shapes, at most {SHAPE_LIMIT} make one device"
        else:
            with found.attempt("shape"), np.errstate(all="ignore"):
                if name == "fiber":
                    fibres.fiber(drawn, found, self._pieces)
                else:
                    how(drawn, found)
        return Measured(
            name,
            found.values,
            found.places,
            found.not_measured,
            found.words,
            found.polarity,
            found.layers,
            found.spread,
            found.extremes,
            found.stacks,
        )


def terminals_of(ports: tuple[PortMeta, ...]) -> tuple[Terminal, ...]:
    """Ports as `Drawn` takes them."""
    return tuple(
        Terminal(p.name, p.port_type, p.trans.disp.x, p.trans.disp.y, p.trans.angle % 360.0, p.layer) for p in ports
    )


def measure(layout: kdb.Layout, cell: kdb.Cell, netlist: CellNetlist) -> Measured:
    """Read the parameters of one cell off its polygons.

    Args:
        layout: of the cell.
        cell: a device of this process; what is placed in it counts as drawn in it.
        netlist: what the cell says that it is, and its optical ports.

    Returns:
        the values; empty for a cell that is none of `MEASURES`.
    """
    measurer = Measurer(layout)
    electrical = tuple(port for port in terminals_of(measurer.meta(cell).ports) if port.port_type == "electrical")
    optical = tuple(Terminal(p.name, p.port_type, p.x, p.y, p.angle, p.layer) for p in netlist.ports)
    return measurer.measure(cell, netlist.factory or netlist.function, (*optical, *electrical))

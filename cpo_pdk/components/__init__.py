"""Parametric cells of the process. `CELLS` holds them by name; each is also importable from here."""

from cpo_pdk.components.cell import CELLS, cell, limits_of
from cpo_pdk.components.detectors import photodetector, photodetector_dual, photodetector_lateral
from cpo_pdk.components.die import alignment_mark, die_frame
from cpo_pdk.components.directional import bent_coupler, directional_coupler
from cpo_pdk.components.edge_couplers import edge_coupler, edge_coupler_array, spot_size_converter
from cpo_pdk.components.fibers import connector, fiber
from cpo_pdk.components.gratings import grating_coupler, grating_coupler_dual
from cpo_pdk.components.mach_zehnder import mach_zehnder_modulator, switch_2x2
from cpo_pdk.components.metal import bump, pad, via_stack, wire
from cpo_pdk.components.phase_shifters import phase_shifter_pn, phase_shifter_thermal
from cpo_pdk.components.polarization import psr
from cpo_pdk.components.ring_modulators import ring_modulator
from cpo_pdk.components.rings import add_drop_ring, all_pass_ring, double_ring, wide_ring
from cpo_pdk.components.spirals import spiral
from cpo_pdk.components.splitters import mmi1x2, mmi1xn, mmi2x2, y_branch
from cpo_pdk.components.taps import tap_monitor
from cpo_pdk.components.test_blocks import bend_cutback_block, cutback_block, device_cutback_block
from cpo_pdk.components.test_splits import coupler_split_block, ring_split_block
from cpo_pdk.components.waveguides import bend_euler, bend_s, crossing, straight, taper, taper_strip_rib, terminator

__all__ = [
    "CELLS",
    "add_drop_ring",
    "alignment_mark",
    "all_pass_ring",
    "bend_cutback_block",
    "bend_euler",
    "bend_s",
    "bent_coupler",
    "bump",
    "cell",
    "connector",
    "coupler_split_block",
    "crossing",
    "cutback_block",
    "device_cutback_block",
    "die_frame",
    "directional_coupler",
    "double_ring",
    "edge_coupler",
    "edge_coupler_array",
    "fiber",
    "grating_coupler",
    "grating_coupler_dual",
    "limits_of",
    "mach_zehnder_modulator",
    "mmi1x2",
    "mmi1xn",
    "mmi2x2",
    "pad",
    "phase_shifter_pn",
    "phase_shifter_thermal",
    "photodetector",
    "photodetector_dual",
    "photodetector_lateral",
    "psr",
    "ring_modulator",
    "ring_split_block",
    "spiral",
    "spot_size_converter",
    "straight",
    "switch_2x2",
    "tap_monitor",
    "taper",
    "taper_strip_rib",
    "terminator",
    "via_stack",
    "wide_ring",
    "wire",
    "y_branch",
]

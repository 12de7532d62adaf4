"""The numbers that each cell of the process is drawn from, and why a few of them are not measured."""

from __future__ import annotations

_PARTS = "made of cells that are measured each by itself; where they stand is in the netlist"
#: factory -> argument -> why it is not measured
NOT_MEASURED: dict[str, dict[str, str]] = {
    "bend_cutback_block": dict.fromkeys(("count", "bends", "bends_step", "radius", "pitch"), _PARTS),
    "cutback_block": dict.fromkeys(("count", "length", "length_step", "pitch"), _PARTS),
    "device_cutback_block": dict.fromkeys(("count", "stages", "stages_step", "pitch"), _PARTS),
    "ring_split_block": dict.fromkeys(("count", "gap", "gap_step", "radius", "radius_step", "pitch"), _PARTS),
    "coupler_split_block": dict.fromkeys(("count", "length", "length_step", "gap", "pitch"), _PARTS),
    "connector": {
        **dict.fromkeys(
            ("n", "pitch", "wall"),
            "positions are ports, not drawn; (n - 1) pitch + 2 wall is, and is compared as height",
        ),
        "row": "compared as the layer that the body is drawn on",
    },
    "fiber": {"level": "compared as the layer that the fibre is drawn on"},
    "edge_coupler_array": {"length_taper": "measured in the edge couplers that it is made of"},
    "grating_coupler_dual": {"angle_deg": "the drawing is the same for all angles"},
}
#: factory -> arguments that are numbers, as every such cell records them; those that may be left to the cross-section
#: are recorded as none. A test holds this against the cells.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    factory: tuple(names.split())
    for factory, names in {
        "add_drop_ring": "radius gap length_x width width_heater length_bus",
        "alignment_mark": "size width",
        "all_pass_ring": "radius gap length_x width width_heater length_bus",
        "bend_cutback_block": "count bends bends_step radius pitch",
        "bend_euler": "radius angle width",
        "bend_s": "length offset",
        "bent_coupler": "radius angle gap width_inner width_outer length_s dy",
        "bump": "diameter",
        "connector": "n pitch wall depth row",
        "coupler_split_block": "count length length_step gap pitch",
        "crossing": "arm_length width_center",
        "cutback_block": "count length length_step pitch",
        "device_cutback_block": "count stages stages_step pitch",
        "die_frame": "size_x size_y street mark_inset",
        "directional_coupler": "length gap length_s dy",
        "double_ring": "radius gap gap_ring length_x width width_heater length_bus",
        "edge_coupler": "tip_width length_taper",
        "edge_coupler_array": "n pitch tip_width length_taper loopbacks",
        "fiber": "level",
        "grating_coupler": "period fill_factor apodisation chirp n_periods length_taper half_angle angle_deg",
        "grating_coupler_dual": "period diameter n_holes length_taper angle_deg",
        "mach_zehnder_modulator": "length delta_length gap_electrode width_signal width_ground "
        "junction_offset length_heater width_heater",
        "mmi1x2": "width_mmi length_mmi width_taper length_taper separation",
        "mmi1xn": "n width_mmi length_mmi width_taper length_taper separation",
        "mmi2x2": "width_mmi length_mmi width_taper length_taper separation",
        "pad": "size",
        "phase_shifter_pn": "length width junction_offset",
        "phase_shifter_thermal": "length width_heater width",
        "photodetector": "length width_ge length_taper",
        "photodetector_dual": "length width_ge length_taper",
        "photodetector_lateral": "length width_ge length_taper",
        "psr": "length_bilevel length_coupler gap width_hybrid width_narrow dy length_out",
        "ring_modulator": "radius gap gap_drop length_x junction_fill width_heater junction_offset period",
        "ring_split_block": "count gap gap_step radius radius_step pitch",
        "spiral": "length n_turns radius spacing",
        "spot_size_converter": "tip_width width_mid length_first length_second half_membrane "
        "length_window length_tether",
        "straight": "length width",
        "switch_2x2": "length spacing width_heater",
        "tap_monitor": "length gap length_s dy length_ge length_taper length_end",
        "taper": "length width1 width2",
        "taper_strip_rib": "length",
        "terminator": "length tip_width",
        "via_stack": "size",
        "wide_ring": "radius gap length_x width width_wide width_heater length_bus",
        "wire": "width",
        "y_branch": "length_s dy",
    }.items()
}

"""What a sheet of a part says, by its kind: names, units and limits of the numbers.

Two groups: what a link is made of (`LINK_KINDS`), and what says how production spreads, tests, fails and costs
(`PRODUCTION_KINDS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

PartKind = Literal[
    "laser",
    "connector",
    "driver",
    "tia",
    "serdes",
    "control",
    "variation",
    "spread",
    "attach",
    "test",
    "life",
    "prices",
]


@dataclass(frozen=True)
class Quantity:
    """One number that a kind of part has: unit, smallest and largest value, meaning."""

    unit: str
    low: float
    high: float
    meaning: str


LINK_KINDS: MappingProxyType[PartKind, dict[str, Quantity]] = MappingProxyType(
    {
        "laser": {
            "wall_plug": Quantity("1", 0.001, 0.9, "light over electrical power of the whole module at wall_plug_at_C"),
            "wall_plug_at_C": Quantity("C", -40, 125, "case temperature that wall_plug holds for"),
            "wall_plug_drop_per_K": Quantity("1/K", 0, 0.1, "relative loss of wall_plug a kelvin of case temperature"),
            "rin_dB_Hz": Quantity("dB/Hz", -180, -100, "relative intensity noise"),
            "max_dBm": Quantity("dBm", -20, 40, "most light in one fibre of the module, all wavelengths"),
        },
        "connector": {
            "loss_dB": Quantity("dB", 0, 3, "insertion loss of one mated pair"),
            "return_loss_dB": Quantity("dB", 10, 90, "light sent back by one mated pair"),
        },
        "driver": {
            "rate_Gbps": Quantity("Gb/s", 1, 1000, "fastest lane that it is made for"),
            "bandwidth_GHz": Quantity("GHz", 0.1, 500, "3 dB bandwidth"),
            "resistance_ohm": Quantity("ohm", 0, 1000, "output resistance"),
            "static_mW": Quantity("mW", 0, 5000, "power of one lane without what charging the modulator takes"),
            "efficiency": Quantity("1", 0.01, 1, "energy that the modulator takes over what the supply gives for it"),
        },
        "tia": {
            "rate_Gbps": Quantity("Gb/s", 1, 1000, "fastest lane that it is made for"),
            "bandwidth_GHz": Quantity("GHz", 0.1, 500, "3 dB bandwidth"),
            "noise_uA": Quantity("uA", 0.001, 100, "input-referred noise current, rms over the bandwidth"),
            "power_mW": Quantity("mW", 0, 5000, "power of one lane"),
        },
        "serdes": {
            "rate_Gbps": Quantity("Gb/s", 1, 1000, "fastest lane that it is made for"),
            "host_pJ_bit": Quantity("pJ/bit", 0, 100, "energy in the ASIC, both directions, a bit of one direction"),
            "engine_pJ_bit": Quantity(
                "pJ/bit", 0, 100, "energy in the engine, both directions, a bit of one direction"
            ),
        },
        "control": {
            "ring_mW": Quantity("mW", 0, 1000, "loop, converter and monitor of one ring or interferometer"),
            "engine_W": Quantity("W", 0, 100, "controller, clocks and supply of one engine"),
            "heater_efficiency": Quantity("1", 0.01, 1, "heater power over the power that its driver takes"),
        },
    }
)

PRODUCTION_KINDS: MappingProxyType[PartKind, dict[str, Quantity]] = MappingProxyType(
    {
        "variation": {
            "width_die_nm": Quantity("nm", 0, 100, "width of silicon: standard deviation of the field within a wafer"),
            "width_corr_mm": Quantity(
                "mm", 0.001, 1000, "width of silicon: correlation length L of that field, exp(-r^2/L^2)"
            ),
            "width_wafer_nm": Quantity("nm", 0, 100, "width of silicon: standard deviation from wafer to wafer"),
            "width_lot_nm": Quantity("nm", 0, 100, "width of silicon: standard deviation from lot to lot"),
            "width_radial_nm": Quantity(
                "nm", -100, 100, "width of silicon: edge of the wafer less its middle, a parabola"
            ),
            "thickness_die_nm": Quantity(
                "nm", 0, 50, "thickness of silicon: standard deviation of the field within a wafer"
            ),
            "thickness_corr_mm": Quantity(
                "mm", 0.001, 1000, "thickness of silicon: correlation length L of that field, exp(-r^2/L^2)"
            ),
            "thickness_wafer_nm": Quantity("nm", 0, 50, "thickness of silicon: standard deviation from wafer to wafer"),
            "thickness_lot_nm": Quantity("nm", 0, 50, "thickness of silicon: standard deviation from lot to lot"),
            "thickness_radial_nm": Quantity(
                "nm", -50, 50, "thickness of silicon: edge of the wafer less its middle, a parabola"
            ),
            "etch_die_nm": Quantity("nm", 0, 50, "slab of a rib: standard deviation of the field within a wafer"),
            "etch_corr_mm": Quantity(
                "mm", 0.001, 1000, "slab of a rib: correlation length L of that field, exp(-r^2/L^2)"
            ),
            "etch_wafer_nm": Quantity("nm", 0, 50, "slab of a rib: standard deviation from wafer to wafer"),
            "etch_lot_nm": Quantity("nm", 0, 50, "slab of a rib: standard deviation from lot to lot"),
            "etch_radial_nm": Quantity("nm", -50, 50, "slab of a rib: edge of the wafer less its middle, a parabola"),
            "doping_die_pct": Quantity("%", 0, 100, "doping: standard deviation of the field within a wafer"),
            "doping_corr_mm": Quantity("mm", 0.001, 1000, "doping: correlation length L of that field, exp(-r^2/L^2)"),
            "doping_wafer_pct": Quantity("%", 0, 100, "doping: standard deviation from wafer to wafer"),
            "doping_lot_pct": Quantity("%", 0, 100, "doping: standard deviation from lot to lot"),
            "doping_radial_pct": Quantity("%", -100, 100, "doping: edge of the wafer less its middle, a parabola"),
            "width_thickness_correlation": Quantity("1", -1, 1, "correlation of width and thickness at one place"),
            "width_etch_correlation": Quantity("1", -1, 1, "correlation of width and slab at one place"),
            "thickness_etch_correlation": Quantity("1", -1, 1, "correlation of thickness and slab at one place"),
            "wafer_mm": Quantity("mm", 25, 450, "diameter of the wafer"),
            "edge_mm": Quantity("mm", 0, 50, "rim of the wafer without dies"),
        },
        "spread": {
            "ring_coupling_pct": Quantity("%", 0, 100, "coupled power of a ring, device to device"),
            "heater_pct": Quantity(
                "%", 0, 50, "resistance of a heater, and with it its shift a drive, device to device"
            ),
            "responsivity_pct": Quantity("%", 0, 50, "responsivity of a detector, device to device"),
            "guide_loss_pct": Quantity("%", 0, 100, "loss of a waveguide a length, die to die"),
            "laser_power_dB": Quantity("dB", 0, 5, "power of one laser line"),
            "laser_module_dB": Quantity("dB", 0, 5, "power of a module, all lines alike"),
            "laser_line_GHz": Quantity("GHz", 0, 1000, "frequency of one line from its place in the module's comb"),
            "laser_comb_GHz": Quantity("GHz", 0, 1000, "frequency of a module's comb, all lines alike"),
        },
        "attach": {
            "x_um": Quantity("um", 0, 20, "fibre array along the facet, standard deviation"),
            "y_um": Quantity("um", 0, 20, "fibre array normal to the chip, standard deviation"),
            "z_um": Quantity("um", 0, 100, "gap between facet and fibres beyond gap_um, standard deviation"),
            "gap_um": Quantity("um", 0, 200, "mean gap between facet and fibres"),
            "roll_deg": Quantity("deg", 0, 5, "turn of the array about the light's direction, standard deviation"),
            "pitch_deg": Quantity("deg", 0, 5, "tilt of the fibres out of the chip's plane, standard deviation"),
            "yaw_deg": Quantity("deg", 0, 5, "turn of the fibres within the chip's plane, standard deviation"),
            "pitch_error_um": Quantity(
                "um", 0, 5, "groove off its place, each fibre and direction, standard deviation"
            ),
            "run_out_um": Quantity("um", 0, 20, "pitch too long or short, first fibre to last, standard deviation"),
            "core_um": Quantity("um", 0, 5, "core off the middle of its fibre, standard deviation of each direction"),
            "mode_field_pct": Quantity("%", 0, 50, "mode field diameter of a fibre, standard deviation"),
            "index": Quantity("1", 1, 2, "refractive index of the gap: air 1, glue 1.45 to 1.5"),
            "engine_x_um": Quantity("um", 0, 500, "engine on the substrate, each direction, standard deviation"),
            "engine_turn_deg": Quantity("deg", 0, 5, "engine on the substrate, turn, standard deviation"),
            "bump_reach": Quantity("1", 0.01, 1, "offset that a joint survives, share of the pitch of the bumps"),
            "connector_sigma_dB": Quantity("dB", 0, 2, "loss of a mated pair about its mean, standard deviation"),
            "connector_max_dB": Quantity("dB", 0, 5, "loss of a mated pair above which it is made again"),
        },
        "test": {
            "die_coverage": Quantity("1", 0, 1, "share of bad dies that the test of the wafer finds"),
            "die_overkill": Quantity("1", 0, 1, "share of good dies that it refuses"),
            "engine_coverage": Quantity("1", 0, 1, "share of bad engines, fibres attached, that their test finds"),
            "engine_overkill": Quantity("1", 0, 1, "share of good ones that it refuses"),
            "package_coverage": Quantity("1", 0, 1, "share of bad packages that the last test finds"),
            "bond_yield": Quantity("1", 0.01, 1, "share of engines that survive being mounted"),
            "repair_yield": Quantity("1", 0, 1, "share of bad engines that are exchanged well, where they can be"),
            "repairs": Quantity("1", 0, 100, "most exchanges of engines in one package; 0: they can't be detached"),
        },
        "life": {
            "laser_FIT": Quantity("FIT", 0, 1e7, "failures of one laser line in 1e9 h at laser_at_C"),
            "laser_at_C": Quantity("C", -40, 150, "temperature that laser_FIT holds for"),
            "laser_eV": Quantity("eV", 0, 3, "activation energy of a laser's failure"),
            "engine_FIT": Quantity("FIT", 0, 1e7, "failures of one engine in 1e9 h at engine_at_C"),
            "engine_at_C": Quantity("C", -40, 150, "temperature that engine_FIT holds for"),
            "engine_eV": Quantity("eV", 0, 3, "activation energy of an engine's failure"),
            "fibre_FIT": Quantity("FIT", 0, 1e6, "failures of one fibre with its connectors in 1e9 h"),
            "package_FIT": Quantity("FIT", 0, 1e7, "failures of all the rest of the package in 1e9 h"),
            "laser_repair_h": Quantity("h", 0, 1e5, "time to exchange a laser module"),
            "engine_repair_h": Quantity("h", 0, 1e5, "time to exchange an engine, or the package where it can't be"),
        },
        "prices": {
            "wafer_USD": Quantity("USD", 0, 1e6, "processed photonic wafer"),
            "eic_USD": Quantity("USD", 0, 1e5, "electronic die of one engine"),
            "die_test_USD": Quantity("USD", 0, 1e4, "test of one die on the wafer"),
            "attach_USD": Quantity("USD", 0, 1e4, "fibre array of one engine, attached"),
            "engine_test_USD": Quantity("USD", 0, 1e4, "test of one engine"),
            "mount_USD": Quantity("USD", 0, 1e4, "mounting one engine on the substrate"),
            "asic_USD": Quantity("USD", 0, 1e6, "switch die, tested"),
            "substrate_USD": Quantity("USD", 0, 1e5, "package substrate with its lid"),
            "laser_module_USD": Quantity("USD", 0, 1e5, "one laser module"),
            "connector_USD": Quantity("USD", 0, 1e4, "one data connector at the faceplate with its fibres"),
            "package_test_USD": Quantity("USD", 0, 1e5, "last test of one package"),
            "repair_USD": Quantity("USD", 0, 1e5, "one exchange of an engine, without the engine"),
        },
    }
)

PART_KINDS: MappingProxyType[PartKind, dict[str, Quantity]] = MappingProxyType({**LINK_KINDS, **PRODUCTION_KINDS})


PART_OPTIONS: MappingProxyType[str, Quantity] = MappingProxyType(
    {
        "static_share": Quantity("1", 0, 1, "share of the power that is drawn without traffic as well"),
        "idle_share": Quantity("1", 0, 1, "share of the dynamic power that is drawn at idle"),
        "case_min_C": Quantity("C", -60, 150, "coldest case that it is made for"),
        "case_max_C": Quantity("C", -60, 150, "hottest case that it is made for"),
    }
)
"""Numbers that a part may have besides those of its kind."""

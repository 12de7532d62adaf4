"""The kinds of rules that only waveguides have: what measures each, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.bends import bend_radius
from cpo_pdk.verify.photonic.ends import guide_end
from cpo_pdk.verify.photonic.facets import chord_deviation, kink
from cpo_pdk.verify.photonic.guides import Guides
from cpo_pdk.verify.photonic.junctions import guide_crossing
from cpo_pdk.verify.photonic.keepouts import foreign_heater, guide_under
from cpo_pdk.verify.photonic.ports import port_grid
from cpo_pdk.verify.photonic.proximity import proximity
from cpo_pdk.verify.photonic.steps import width_jump
from cpo_pdk.verify.photonic.tapers import taper_slope
from cpo_pdk.verify.process_layers import Finding

PHOTONIC_KINDS: dict[str, Callable[[Guides, Rule], Iterable[Finding]]] = {
    "bend_radius": bend_radius,
    "width_jump": width_jump,
    "guide_end": guide_end,
    "guide_crossing": guide_crossing,
    "taper_slope": taper_slope,
    "chord_deviation": chord_deviation,
    "kink": kink,
    "proximity": proximity,
    "port_grid": port_grid,
    "guide_under": guide_under,
    "foreign_heater": foreign_heater,
}
#: kind -> what is measured, its unit, what to do
WORDS: dict[str, tuple[str, str, str]] = {
    "bend_radius": ("bend radius of the centre line", "um", "use a larger bend"),
    "width_jump": ("width jumps by", "um", "join the two with a taper, or draw both alike"),
    "guide_end": (
        "the guide ends in the open, width",
        "um",
        "end it in a terminator, a taper or a facet, or connect it",
    ),
    "guide_crossing": ("arms that meet in one place:", "", "place a crossing or a splitter, or route one around"),
    "taper_slope": ("half angle of the taper", "degrees", "make the taper longer"),
    "chord_deviation": ("facet off its curve by", "um", "draw the curve with more corners"),
    "kink": ("the guide turns at one corner by", "degrees", "use a bend, drawn with more corners"),
    "proximity": ("light passes over, isolation", "dB", "move the guides apart; a coupler is to be marked as a device"),
    "port_grid": ("port off the grid by", "um", "move it to the grid, turn it as the cells that it meets"),
    "guide_under": ("the guide lies beside what it must keep away from:", "um", "route it around, or move the other"),
    "foreign_heater": ("distance from the heater of another device", "um", "route the guide around it"),
}
#: kinds whose largest value is the worst
LARGEST = frozenset(
    {"width_jump", "guide_end", "guide_crossing", "taper_slope", "chord_deviation", "kink", "port_grid"}
)
#: kinds that judge themselves what is inside a device
OWN_EXEMPTION = frozenset({"proximity", "guide_under", "foreign_heater"})

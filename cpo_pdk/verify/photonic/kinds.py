"""The kinds of rules that only waveguides have: what measures each, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.bends import bend_radius
from cpo_pdk.verify.process_layers import Finding, ProcessLayers

PHOTONIC_KINDS: dict[str, Callable[[ProcessLayers, Rule], Iterable[Finding]]] = {
    "bend_radius": bend_radius,
}
#: kind -> what is measured, its unit, what to do
WORDS: dict[str, tuple[str, str, str]] = {
    "bend_radius": ("bend radius of the centre line", "um", "use a larger bend"),
}

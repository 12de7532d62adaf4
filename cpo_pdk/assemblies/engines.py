"""The engine that a spec asks for: what keeps its devices from making it, how large it is, and its drawing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from cpo_pdk.assemblies.delays import stage_delays
from cpo_pdk.assemblies.engine import engine as ring_engine
from cpo_pdk.assemblies.engine import engine_size as ring_engine_size
from cpo_pdk.assemblies.engine_mzm import engine as mzm_engine
from cpo_pdk.assemblies.engine_mzm import engine_size as mzm_engine_size
from cpo_pdk.assemblies.kit import Kit, kit_of
from cpo_pdk.assemblies.resonances import free_spectral_range_nm, linewidth_nm, rising_radii
from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.architecture import RINGS
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.gdsfactory_safe import gf

#: Smallest bump pitch along a row of rings, um. Found by drawing: at 46 the wires of a unit keep the metal rules, at 45
#: they do not.
BUMP_X_MIN = 47.0


def draw_engine(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> gf.Component:
    """Draw one engine of a package alone.

    Args:
        spec: a spec that closes, from `cpo_pdk.spec.load_spec`.
        sheets: device sheets by name, from `cpo_pdk.spec.load_sheets`.

    Raises:
        SpecError: what does not fit, with file and line.
        AssemblyError: a device that can't play its part.
        ParameterError: a sheet's geometry that its cell refuses.
    """
    return drawn_engine(spec, sheets, measured_engine(spec, sheets)[0])


def measured_engine(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> tuple[Kit, tuple[float, float]]:
    """Devices of an engine that can be drawn, and its length (towards the facet) and width in um.

    Args:
        spec: a spec that closes.
        sheets: device sheets by name.

    Raises:
        SpecError: see `draw_engine`.
        AssemblyError: see `draw_engine`.
        ParameterError: see `draw_engine`.
    """
    kit = kit_of(spec, sheets)
    problems = [*_bump_problems(spec), *_grid_problems(spec, sheets)]
    if problems:
        raise SpecError(problems)
    e = spec.engine
    own = _own_size(spec, sheets, kit)
    west, side = _room(spec, own)
    size = round(own[0] + west, 3), round(own[1] + 2 * side, 3)
    if e.edge_mm is not None and size[1] * 1e-3 > e.edge_mm:
        what = f"{e.fibre_counts['total']} fibres at {e.fibre_pitch_um:g} um"
        if e.architecture not in RINGS:
            what = f"the rows of {e.tx_fibres} transmit and {e.rx_fibres} receive fibres"
        need = f"{what} need an edge of {size[1] * 1e-3:.3f} mm"
        raise SpecError(
            [spec.problem("engine.edge_mm", f"{need}, edge_mm is {e.edge_mm:g}; use fewer fibres or a longer edge")]
        )
    return kit, size


def drawn_engine(spec: PackageSpec, sheets: Mapping[str, Sheet], kit: Kit) -> gf.Component:
    """Draw an engine of devices that are known to fit.

    Args:
        spec: a spec that closes.
        sheets: device sheets by name.
        kit: devices, from `measured_engine`.

    Raises:
        AssemblyError: see `draw_engine`.
        ParameterError: see `draw_engine`.
    """
    e, devices = spec.engine, spec.engine.devices
    wl = tuple(round(w, 9) for w in e.grid.wl_um)
    west, side = _room(spec, _own_size(spec, sheets, kit))
    common = {
        "tx": e.tx_fibres,
        "rx": e.rx_fibres,
        "laser": e.laser_fibres,
        "loopbacks": e.loopbacks,
        "fibre_pitch": e.fibre_pitch_um,
        "bump_x": e.bump_pitch_um[0],
        "bump_y": e.bump_pitch_um[1],
        "west": west,
        "side": side,
    }
    if e.architecture not in RINGS:
        return mzm_engine(kit=kit, wl_um=wl, delays=_delays(spec, sheets), **common)
    filters = rising_radii(sheets[devices.drop_filter], e.grid.wl_um, e.heater_bias_nm) if devices.drop_filter else ()
    modulators = rising_radii(sheets[devices.modulator], e.grid.wl_um, e.heater_bias_nm)
    return ring_engine(kit=kit, wl_um=wl, radii_modulator=modulators, radii_filter=filters, **common)


def _own_size(spec: PackageSpec, sheets: Mapping[str, Sheet], kit: Kit) -> tuple[float, float]:
    """Length and width (um) that the devices take."""
    e = spec.engine
    fibres = (e.tx_fibres, e.rx_fibres, e.laser_fibres, e.loopbacks, e.fibre_pitch_um)
    if e.architecture in RINGS:
        return ring_engine_size(kit, e.grid.channels, *fibres, e.bump_pitch_um[0])
    return mzm_engine_size(kit, _delays(spec, sheets), *fibres, *e.bump_pitch_um)


def _room(spec: PackageSpec, own: tuple[float, float]) -> tuple[float, float]:
    """Room (um) to add in the west, and on either side, for the asked size of the die: whole steps of the bumps."""
    asked = spec.engine.die_mm or (0.0, 0.0)
    x, y = spec.engine.bump_pitch_um
    west = math.ceil(round(max(asked[0] * 1e3 - own[0], 0.0) / x, 6)) * x
    side = math.ceil(round(max(asked[1] * 1e3 - own[1], 0.0) / 2 / y, 6)) * y
    return round(west, 3), round(side, 3)


def _delays(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> tuple[float, ...]:
    by_role = {role: sheets[name] for role, name in spec.engine.devices.by_role().items()}
    return stage_delays(by_role, spec.engine.grid.wl_um)


def _bump_problems(spec: PackageSpec) -> list[Problem]:
    """Rows of rings are one fibre pitch high and hold two rows of bumps; units are three bumps wide."""
    e = spec.engine
    problems: list[Problem] = []
    if e.architecture not in RINGS:
        return problems
    if abs(2 * e.bump_pitch_um[1] - e.fibre_pitch_um) > 1e-6:
        problems.append(
            spec.problem(
                "engine.bump_pitch_um",
                f"bump pitch across the rows {e.bump_pitch_um[1]:g} um is not half the fibre pitch "
                f"{e.fibre_pitch_um:g} um: rows of two bumps would not line up; use {e.fibre_pitch_um / 2:g}",
            )
        )
    if e.bump_pitch_um[0] < BUMP_X_MIN:
        problems.append(
            spec.problem(
                "engine.bump_pitch_um",
                f"bump pitch along the rows {e.bump_pitch_um[0]:g} um leaves {3 * e.bump_pitch_um[0]:g} um for a ring "
                f"with its monitor, which takes {3 * BUMP_X_MIN:g} um; use at least {BUMP_X_MIN:g}",
            )
        )
    return problems


def _ring_sheets(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> Iterator[Sheet]:
    """Sheets of the rings that a wavelength meets."""
    if spec.engine.architecture in RINGS:
        devices = spec.engine.devices.by_role()
        for role in ("modulator", "drop_filter"):
            if role in devices:
                yield sheets[devices[role]]


def _grid_problems(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> list[Problem]:
    """All channels must lie within one free spectral range of every ring."""
    grid, problems = spec.engine.grid, []
    for sheet in _ring_sheets(spec, sheets):
        fsr = free_spectral_range_nm(sheet, grid.wl_um)
        need = grid.channels * grid.spacing_nm
        if fsr < need:
            problems.append(
                spec.problem(
                    "engine.grid.channels",
                    f"{grid.channels} channels x {grid.spacing_nm:.3f} nm = {need:.2f} nm do not fit the free "
                    f"spectral range of {sheet.name}, {fsr:.2f} nm; use fewer channels, a closer grid, or a smaller "
                    "ring",
                )
            )
    return problems


def engine_warnings(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> list[str]:
    """Channels closer than twice a ring's linewidth, one line each.

    At that distance, four half linewidths, a Lorentzian 1 / (1 + 4^2) still takes 6 % of the neighbour's power.

    Args:
        spec: a spec that closes.
        sheets: device sheets by name.
    """
    grid, warnings = spec.engine.grid, []
    for sheet in _ring_sheets(spec, sheets):
        width = linewidth_nm(sheet, grid.wl_um)
        if grid.channels > 1 and grid.spacing_nm < 2 * width:
            problem = spec.problem(
                "engine.grid.spacing_GHz",
                f"channels are {grid.spacing_nm:.3f} nm apart, closer than {sheet.name} resolves: twice its linewidth "
                f"is {2 * width:.3f} nm; widen the grid or weaken the ring's couplers",
            )
            warnings.append(str(problem))
    return warnings

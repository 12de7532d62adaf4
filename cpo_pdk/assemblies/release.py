"""From a spec and its sheets to the drawn package and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cpo_pdk.assemblies.engine import engine, engine_size
from cpo_pdk.assemblies.kit import Kit, kit_of
from cpo_pdk.assemblies.package import draw_package
from cpo_pdk.assemblies.planning import plan
from cpo_pdk.assemblies.resonances import free_spectral_range_nm, linewidth_nm, rising_radii
from cpo_pdk.assemblies.writing import write_gds
from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.architecture import RINGS
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.gdsfactory_safe import gf

#: Smallest bump pitch along a row, um. Found by drawing: at 46 the wires of a unit keep the metal rules, at 45 they
#: do not.
BUMP_X_MIN = 47.0


@dataclass(frozen=True)
class Drawn:
    """A drawn package.

    Attributes:
        package: top component.
        engine: component of its engines.
        warnings: what the designer should know, one line each.
    """

    package: gf.Component
    engine: gf.Component
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PackageFiles:
    """The layout files of a package.

    Attributes:
        package_gds: the package with everything in it.
        engine_gds: one engine alone.
        warnings: what the designer should know, one line each.
    """

    package_gds: Path
    engine_gds: Path
    warnings: tuple[str, ...] = ()


def draw(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> Drawn:
    """Draw a package.

    Args:
        spec: a spec that closes, from `cpo_pdk.spec.load_spec`.
        sheets: device sheets by name, from `cpo_pdk.spec.load_sheets`.

    Raises:
        SpecError: what does not fit, with file and line.
        AssemblyError: a device that can't play its part.
        ParameterError: a sheet's geometry that its cell refuses.
    """
    kit, size = _measured(spec, sheets)
    planned = plan(spec, size)
    drawn = _draw_engine(spec, sheets, kit)
    return Drawn(draw_package(spec, planned, kit, drawn), drawn, tuple(_warnings(spec, sheets)))


def draw_engine(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> gf.Component:
    """Draw one engine of a package alone.

    Args:
        spec: a spec that closes, from `cpo_pdk.spec.load_spec`.
        sheets: device sheets by name, from `cpo_pdk.spec.load_sheets`.

    Raises:
        SpecError: see `draw`.
        AssemblyError: see `draw`.
        ParameterError: see `draw`.
    """
    return _draw_engine(spec, sheets, _measured(spec, sheets)[0])


def _measured(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> tuple[Kit, tuple[float, float]]:
    """Devices of an engine that can be drawn, and its length and width in um."""
    kit = kit_of(spec, sheets)
    problems = _bump_problems(spec)
    problems += _grid_problems(spec, sheets)
    if problems:
        raise SpecError(problems)
    e, wl = spec.engine, spec.engine.grid.wl_um
    size = engine_size(
        kit, len(wl), e.tx_fibres, e.rx_fibres, e.laser_fibres, e.loopbacks, e.fibre_pitch_um, e.bump_pitch_um[0]
    )
    if e.edge_mm is not None and size[1] * 1e-3 > e.edge_mm:
        need = f"{e.fibre_counts['total']} fibres at {e.fibre_pitch_um:g} um need an edge of {size[1] * 1e-3:.3f} mm"
        raise SpecError(
            [spec.problem("engine.edge_mm", f"{need}, edge_mm is {e.edge_mm:g}; use fewer fibres or a longer edge")]
        )
    return kit, size


def _draw_engine(spec: PackageSpec, sheets: Mapping[str, Sheet], kit: Kit) -> gf.Component:
    e, devices, wl = spec.engine, spec.engine.devices, spec.engine.grid.wl_um
    return engine(
        kit=kit,
        wl_um=tuple(round(w, 9) for w in wl),
        radii_modulator=rising_radii(sheets[devices.modulator], wl, e.heater_bias_nm),
        radii_filter=rising_radii(sheets[devices.drop_filter], wl, e.heater_bias_nm) if devices.drop_filter else (),
        tx=e.tx_fibres,
        rx=e.rx_fibres,
        laser=e.laser_fibres,
        loopbacks=e.loopbacks,
        fibre_pitch=e.fibre_pitch_um,
        bump_x=e.bump_pitch_um[0],
        bump_y=e.bump_pitch_um[1],
    )


def _bump_problems(spec: PackageSpec) -> list[Problem]:
    """Rows are one fibre pitch high and hold two rows of bumps; units are three bumps wide."""
    e = spec.engine
    problems = []
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


def _warnings(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> list[str]:
    """Channels closer than twice a ring's linewidth.

    At that distance, four half linewidths, a Lorentzian 1 / (1 + 4^2) still takes 6 % of the neighbour's power.
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


def write_package(spec: PackageSpec, folder: Path, sheets: Mapping[str, Sheet]) -> PackageFiles:
    """Draw a package and write its GDS and its engine's GDS.

    Args:
        spec: a spec that closes, from `cpo_pdk.spec.load_spec`.
        folder: that the files go to; made when it is not there.
        sheets: device sheets by name, from `cpo_pdk.spec.load_sheets`.

    Returns:
        The files, `<name>.gds` and `engine.gds`, and the warnings.

    Raises:
        SpecError: see `draw`.
        AssemblyError: see `draw`.
        ParameterError: see `draw`.
        OutputError: when a file can't be written.
    """
    drawn = draw(spec, sheets)
    names = {drawn.package.name: spec.name, drawn.engine.name: f"{spec.name}_engine"}
    package = write_gds(drawn.package, folder / f"{spec.name}.gds", names)
    one = write_gds(drawn.engine, folder / "engine.gds", names)
    return PackageFiles(package, one, drawn.warnings)

"""From a spec and its sheets to the drawn package and its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cpo_pdk.assemblies.engines import drawn_engine, engine_warnings, measured_engine
from cpo_pdk.assemblies.package import draw_package
from cpo_pdk.assemblies.planning import plan
from cpo_pdk.assemblies.writing import write_gds
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.gdsfactory_safe import gf


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
    kit, size = measured_engine(spec, sheets)
    planned = plan(spec, size)
    drawn = drawn_engine(spec, sheets, kit)
    return Drawn(draw_package(spec, planned, kit, drawn), drawn, tuple(engine_warnings(spec, sheets)))


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

"""Which parts a package has: those that its spec names, else those that fit its architecture, rate and reach."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cpo_pdk.errors import InputError, Problem, SpecError
from cpo_pdk.spec.loading import data_folder
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.part import Part, Parts, load_part_file, unknown_part
from cpo_pdk.spec.part_kinds import LINK_KINDS
from cpo_pdk.spec.reach import rate_Gbps

_RATES = (56, 112, 224)
"""Classes of lane rates that there are default parts for, Gb/s with overhead of error correction."""


def load_parts(project: Path | None = None) -> dict[str, Part]:
    """All parts by name; one in `components/parts/` of the project wins over the shipped one of the same name.

    Raises:
        InputError: a file that would be passed over.
        SpecError: every problem of every sheet.
    """
    folders = [data_folder("components")] + ([Path(project) / "components"] if project is not None else [])
    for stray in (file for folder in folders for file in sorted((folder / "parts").glob("*.yml"))):
        raise InputError(f"{stray}: would be passed over, sheets of parts end in .yaml; rename it")
    files = {file.stem: file for folder in folders for file in sorted((folder / "parts").glob("*.yaml"))}
    parts: dict[str, Part] = {}
    problems: list[Problem] = []
    for name, file in sorted(files.items()):
        try:
            parts[name] = load_part_file(file)
        except SpecError as error:
            problems.extend(error.problems)
    if problems:
        raise SpecError(problems)
    return parts


def default_parts(spec: PackageSpec) -> dict[str, str]:
    """Kind -> name of the part that fits a package.

    Args:
        spec: the package.
    """

    def of_rate(rate: float) -> int:
        return next((fast for fast in _RATES if rate <= fast), _RATES[-1])

    lane = of_rate(spec.engine.lane_rate_Gbps)
    rings = spec.engine.architecture != "mzm_wdm"
    reach = spec.electrical.reach
    serdes = {"UCIe-A": "serdes_ucie_advanced", "UCIe-S": "serdes_ucie"}.get(reach)
    if serdes is None:
        serdes = f"serdes_{reach.rstrip('+').lower()}_{of_rate(rate_Gbps(spec))}g"
    return {
        "laser": "els_dfb",
        "connector": "mpo_connector",
        "driver": f"driver_{'ring' if rings else 'mzm'}_{lane}g",
        "tia": f"tia_{lane}g",
        "serdes": serdes,
        "control": "control_ring" if rings else "control_mzm",
    }


def parts_of(spec: PackageSpec, parts: Mapping[str, Part]) -> Parts:
    """The parts of a package.

    Raises:
        SpecError: a part that is not there, or of another kind, at the line of its name.
    """
    chosen = {**default_parts(spec), **spec.link.parts.named()}
    problems = []
    for kind in LINK_KINDS:
        name = chosen[kind]
        if name not in parts or parts[name].kind != kind:
            problems.append(spec.problem(f"link.parts.{kind}", f"link.parts.{kind}: {unknown_part(name, kind, parts)}"))
    if problems:
        raise SpecError(problems)
    return Parts(**{kind: parts[chosen[kind]] for kind in LINK_KINDS})

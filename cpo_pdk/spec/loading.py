"""Finding and loading: where specs and sheets are, and how a name or path becomes a `PackageSpec` or `Sheet`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from cpo_pdk.errors import InputError, Problem, SpecError
from cpo_pdk.spec.closure import closure_problems
from cpo_pdk.spec.name_rules import check_name, shown
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet, load_sheet_file
from cpo_pdk.spec.suggestions import did_you_mean
from cpo_pdk.spec.validation import dotted, key_paths, problems_of
from cpo_pdk.spec.yaml_source import Source, parse_yaml, read_yaml

Kind = Literal["components", "assemblies"]
_PACKAGE = Path(__file__).resolve().parent.parent


def data_folder(kind: Kind) -> Path:
    """The folder of the shipped sheets (`components`) or specs (`assemblies`).

    An installed wheel carries them inside the package, a checkout has them at its top level.

    Raises:
        InputError: neither is there.
    """
    places = (_PACKAGE / "_data" / kind, _PACKAGE.parent / kind)
    for place in places:
        if place.is_dir():
            return place
    raise InputError(f"the shipped folder {kind!r} is missing from this installation of cpo_pdk; install it again")


def list_specs(project: Path | None = None) -> dict[str, Path]:
    """Package specs by name (file stem): those of the project (default: the working folder) win over shipped ones."""
    return _files("assemblies", project or Path.cwd())


def list_sheets(project: Path | None = None) -> dict[str, Path]:
    """Device sheets by name (file stem): those of the project, if one is given, win over the shipped ones."""
    return _files("components", project)


def find_spec(path_or_name: str | Path, project: Path | None = None) -> Path:
    """The file of a spec.

    Args:
        path_or_name: a path (anything with a folder or a `.yaml` ending), or the name of a spec.
        project: folder that holds `assemblies/`; default the working folder.

    Raises:
        InputError: there is none; lists the names there are.
    """
    path = Path(path_or_name)
    text = str(path_or_name)
    if path.suffix.lower() in (".yaml", ".yml") or len(path.parts) != 1 or "/" in text or "\\" in text:
        if path.is_file():
            return path
        found = list_specs(project)
        if path.is_dir():
            raise InputError(f"{path}: is a folder, a spec file is expected; known specs: {_names(found)}")
        if path.exists():
            raise InputError(f"{path}: is a pipe or device, a spec file is expected; known specs: {_names(found)}")
        raise InputError(f"{path}: no such file{did_you_mean(path.stem, found) or ';'} known specs: {_names(found)}")
    found = list_specs(project)
    check_name(text, "spec")
    if text in found:
        return found[text]
    hint = did_you_mean(text, found) or ";"
    raise InputError(f"no spec {shown(text)} in assemblies/{hint} known specs: {_names(found)}")


def load_spec(path_or_name: str | Path, project: Path | None = None) -> PackageSpec:
    """A package spec, validated, with its arithmetic closed.

    Args:
        path_or_name: as `find_spec`.
        project: as `find_spec`.

    Raises:
        InputError: no such spec.
        SpecError: every problem of the file, each with line and column.
    """
    return _spec_of(read_yaml(find_spec(path_or_name, project)))


def parse_spec(text: str, file: Path = Path("<spec>")) -> PackageSpec:
    """A package spec from memory; `file` is only named in messages.

    Raises:
        SpecError: every problem of the text.
    """
    return _spec_of(parse_yaml(text, file))


def load_sheets(project: Path | None = None) -> dict[str, Sheet]:
    """All device sheets by name; a project's sheet wins over the shipped one of the same name.

    Args:
        project: folder that may hold `components/`; None for the shipped sheets only.

    Raises:
        SpecError: every problem of every sheet.
    """
    sheets: dict[str, Sheet] = {}
    problems: list[Problem] = []
    for name, file in list_sheets(project).items():
        try:
            sheets[name] = load_sheet_file(file)
        except SpecError as error:
            problems.extend(error.problems)
    if problems:
        raise SpecError(problems)
    return sheets


def check_devices(spec: PackageSpec, sheets: Collection[str] | Mapping[str, Sheet]) -> None:
    """Refuse a spec whose `engine.devices` name a sheet that does not exist.

    Raises:
        SpecError: every unknown sheet, at the line of its name.
    """
    problems = []
    for part, name in spec.engine.devices.by_role().items():
        if name not in sheets:
            hint = did_you_mean(name, sheets) or f"; there are: {_names(sheets)}"
            problems.append(spec.problem(f"engine.devices.{part}", f"unknown device sheet {shown(name)}{hint}"))
    if problems:
        raise SpecError(problems)


def _names(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _files(kind: Kind, project: Path | None) -> dict[str, Path]:
    folders = [data_folder(kind)]
    if project is not None:
        folders.append(Path(project) / kind)
    found: dict[str, Path] = {}
    for folder in folders:
        if folder.is_dir():
            for file in sorted(folder.glob("*.yml")):
                raise InputError(f"{file}: would be passed over, sheets and specs end in .yaml; rename it")
            found.update({file.stem: file for file in sorted(folder.glob("*.yaml")) if file.is_file()})
    return dict(sorted(found.items()))


def _spec_of(source: Source) -> PackageSpec:
    problems = _choice_problems(source)
    try:
        spec = PackageSpec.model_validate(source.data).with_source(source)
    except ValidationError as error:
        raise SpecError([*problems_of(error, source, PackageSpec), *problems]) from None
    problems += _empty_problems(source, spec)
    problems += closure_problems(spec)
    if problems:
        raise SpecError(problems)
    return spec


def _empty_problems(source: Source, spec: PackageSpec) -> list[Problem]:
    """Keys without a value where there is a default: more likely forgotten than meant."""

    def empty(data: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
        if data is None:
            yield path
        steps = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
        for key, value in steps:
            yield from empty(value, (*path, key))

    return [
        spec.problem(".".join(map(str, path)), f"{dotted(path)} is empty; give it a value or remove the key")
        for path in empty(source.data, ())
    ]


def _choice_problems(source: Source) -> list[Problem]:
    """Entries of `choices` that are no dotted path of a spec, or are listed twice."""
    listed = source.data.get("choices")
    if not isinstance(listed, list):
        return []  # the model says what is wrong
    known = set(key_paths(PackageSpec))
    problems = []
    for index, entry in enumerate(listed):
        if not isinstance(entry, str):
            continue
        if entry not in known:
            hint = did_you_mean(entry, known) or "; write it as section.key"
            problems.append(source.problem(("choices", index), f"choices: no value {shown(entry)} in a spec{hint}"))
        elif entry in listed[:index]:
            problems.append(source.problem(("choices", index), f"choices: {shown(entry)} is listed twice; keep one"))
    return problems

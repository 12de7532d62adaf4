"""From values of the variables to a design: the text of a package spec, and of the device sheets that it changes.

A design is data like any other package: written into a folder it is a project that `cpo build` builds.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cpo_pdk import output
from cpo_pdk.errors import InputError, ParameterError, SpecError
from cpo_pdk.explore.draft import Draft, in_sheet
from cpo_pdk.explore.expressions import evaluate
from cpo_pdk.explore.study import Study, allows, checked_name, is_helper
from cpo_pdk.project import project_of
from cpo_pdk.report.explore_data import Value
from cpo_pdk.spec import PackageSpec, Sheet, list_sheets
from cpo_pdk.spec.loading import data_folder, find_spec, parse_spec
from cpo_pdk.spec.sheet import parse_sheet
from cpo_pdk.spec.yaml_source import read_yaml
from cpo_pdk.version import __version__

_FORM = 1
"""Counts up when designs of the same text are to be measured anew."""


@dataclass(frozen=True)
class Base:
    """What all designs of a study start from.

    Attributes:
        draft: spec and sheets, with what the study sets for all designs.
        project: folder with components/ of its own; None where there is none.
        digest: of all sheets and parts that a design may use.
    """

    draft: Draft
    project: Path | None
    digest: str

    @property
    def spec(self) -> PackageSpec:
        """The base, validated."""
        return self.draft.defaults


@dataclass(frozen=True)
class Design:
    """One design; plain text, so that it can be sent to other processes.

    Attributes:
        name: of its package.
        key: content address: of all that its results follow from, but for its name.
        spec: text of the package spec.
        sheets: name -> text, of the device sheets that differ from those of the base.
        fault: why it can't be made, where that is known already.
    """

    name: str
    key: str
    spec: str
    sheets: Mapping[str, str]
    fault: str = ""

    def read(self, sheets: Mapping[str, Sheet]) -> tuple[PackageSpec, dict[str, Sheet]]:
        """The spec and all sheets, validated.

        Args:
            sheets: of the base.

        Raises:
            ParameterError: see `fault`.
            SpecError: the values don't make up a package.
        """
        if self.fault:
            raise ParameterError(self.fault)
        own = {name: parse_sheet(text, Path(f"{name}.yaml")) for name, text in self.sheets.items()}
        return parse_spec(self.spec, Path(f"{self.name}.yaml")), {**sheets, **own}

    def write(self, folder: Path, project: Path | None) -> Path:
        """Make it a project, and return the file of its spec.

        Args:
            folder: of the project.
            project: of the base; its components are copied.

        Raises:
            OutputError: it can't be written.
        """
        for sub in ("assemblies", "components/parts"):
            output.make_folder(folder / sub)
        for file in _own_files(project):
            assert project is not None
            target = folder / file.relative_to(project)
            output.make_folder(target.parent)
            output.write_bytes(target, file.read_bytes())
        for name, text in self.sheets.items():
            output.write_text(folder / "components" / f"{name}.yaml", text)
        return output.write_text(folder / "assemblies" / f"{self.name}.yaml", self.spec)


def base_of(study: Study, project: Path | None = None) -> Base:
    """What a study starts from.

    Args:
        study: the study; its base may be a file beside it.
        project: folder with `components/` and `assemblies/`; default: the one that study or base lie in.

    Raises:
        SpecError: there is no such base, it has problems, or has nothing at a path that is set.
    """
    beside = study.origin.parent / study.base
    home = study.origin.resolve().parent
    home = next((one for one in (home, *home.parents[:2]) if (one / "assemblies").is_dir()), home)
    try:
        file = find_spec(beside if beside.is_file() else study.base, project or home)
    except SpecError:
        raise
    except InputError as error:
        raise SpecError([study.problem(("base",), f"base: {error}")]) from None
    sheets_of = _with_components(project or project_of(file))
    sheets = {name: read_yaml(path).data for name, path in list_sheets(sheets_of).items()}
    source = read_yaml(file)
    defaults = parse_spec(file.read_text(encoding="utf-8"), file)
    draft = Draft(copy.deepcopy(source.data), sheets, defaults)
    for path, value in study.set.items():
        try:
            draft.put(path, value)
        except InputError as error:
            raise SpecError([study.problem(("set", path), f"set: {error}", of_key=True)]) from None
    try:
        draft.defaults = parse_spec(_text(draft.data), file)
    except SpecError:  # what is set for all need not close before the variables are in
        draft.defaults = defaults
    return Base(draft, sheets_of, _digest(sheets, sheets_of))


def design_of(study: Study, base: Base, values: Mapping[str, Value], number: int) -> Design:
    """The design that values of the variables make.

    Args:
        study: the study.
        base: what it starts from.
        values: variable -> value, or name of a choice.
        number: becomes part of the package's name.

    Raises:
        InputError: a path that the base has nothing at, arithmetic that can't be computed, a name that is too long.
    """
    draft = base.draft.copy()
    free: dict[str, Any] = {}
    helpers: dict[str, Any] = dict(values)
    for name, variable in study.variables.items():
        if isinstance(variable.choices, Mapping):
            for path, value in dict(variable.choices[str(values[name])]).items():
                (helpers if is_helper(study, path) else free)[path] = value
        elif variable.path is not None:
            free[variable.path] = values[name]
    # values in sheets come second: which sheet plays a role may itself be free
    for path, value in sorted(free.items(), key=lambda item: in_sheet(item[0])):
        draft.put(path, value)
    for path, text in study.derived.items():
        try:
            draft.put(path, evaluate(str(text), lambda one: helpers[one] if one in helpers else draft.get(one)))
        except InputError as error:
            raise InputError(f"derived: {path}: {error}") from None
    fault = ""
    try:
        draft.retune()
    except ParameterError as error:
        fault = str(error)
    sheets = {name: _text(draft.sheets[name]) for name in sorted(draft.changed)}
    asked = [study.limits, base.spec.require.model_dump(), [study.yield_samples, study.seed] if study.produces else []]
    content = json.dumps([_FORM, __version__, base.digest, _text({**draft.data, "name": ""}), sheets, fault, asked])
    key = hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
    name = checked_name(f"{study.name}_{number:04d}")
    said = ", ".join(f"{one} {values[one]}" for one in study.variables)
    spec = f"# design {number} of the study {study.name}: {said}\n{_text({**draft.data, 'name': name})}"
    return Design(name, key, spec, {one: f"# of {name}\n{text}" for one, text in sheets.items()}, fault)


def base_values(study: Study, base: Base) -> dict[str, Value] | None:
    """The values of the variables that the base itself has; None where one is outside of what is free.

    Args:
        study: the study.
        base: what it starts from.
    """

    def at(path: str) -> Any:
        try:
            return base.draft.get(path)
        except KeyError:
            return None

    found: dict[str, Value] = {}
    for name, variable in study.variables.items():
        if isinstance(variable.choices, Mapping):
            fit = [
                label
                for label, paths in variable.choices.items()
                if all(at(path) == value for path, value in dict(paths).items() if not is_helper(study, path))
            ]
            if not fit:
                return None
            found[name] = fit[0]
            continue
        value = at(variable.path or "")
        if not allows(variable, value):
            return None
        found[name] = value
    return found


def _with_components(project: Path | None) -> Path | None:
    """The project, where it has components other than those that ship."""
    if project is None or not (project / "components").is_dir():
        return None
    return None if (project / "components").resolve() == data_folder("components").resolve() else project


def _text(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(_plain(data), sort_keys=False, allow_unicode=True, width=120)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _own_files(project: Path | None) -> list[Path]:
    """Files in the components/ of a project."""
    if project is None:
        return []
    return sorted(f for f in (project / "components").rglob("*") if f.suffix in (".yaml", ".py") and f.is_file())


def _digest(sheets: Mapping[str, Any], project: Path | None) -> str:
    total = hashlib.blake2b(json.dumps(_plain(sheets), sort_keys=True).encode(), digest_size=16)
    for file in [*sorted((data_folder("components") / "parts").glob("*.yaml")), *_own_files(project)]:
        total.update(f"{file.name}\n".encode() + file.read_bytes())
    return total.hexdigest()

"""From values of the variables to a design: the text of a package spec, and of the device sheets that it changes.

A design is data like any other package: written into a folder it is a project that `cpo build` builds.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cpo_pdk import output
from cpo_pdk.errors import InputError, SpecError
from cpo_pdk.explore.expressions import evaluate, whole
from cpo_pdk.explore.study import DEVICES, Study, Variable, checked_name
from cpo_pdk.models.operating import operating_point
from cpo_pdk.project import project_of
from cpo_pdk.report.explore_data import Value
from cpo_pdk.spec import PackageSpec, Sheet, list_sheets
from cpo_pdk.spec import architecture as architectures
from cpo_pdk.spec.grid import Grid
from cpo_pdk.spec.loading import data_folder, find_spec, parse_spec
from cpo_pdk.spec.sheet import parse_sheet
from cpo_pdk.spec.yaml_source import read_yaml
from cpo_pdk.version import __version__

#: model -> whether its sheet carries a detuning that belongs to its geometry
_DETUNED = ("ring_modulator",)
#: arguments of a cell are drawn on the mask grid
_GRID_UM = 0.001
_FORM = 1
"""Counts up when a design of the same text is to be measured anew."""


@dataclass(frozen=True)
class Base:
    """What all designs of a study start from; plain data, so that it can be sent to other processes.

    Attributes:
        data: of the spec.
        spec: the same, validated.
        project: folder with components/ of its own; None where there is none.
        sheets: device sheets by name, as they are in the files.
        digest: of all sheets and parts that a design may use.
    """

    data: dict[str, Any]
    spec: PackageSpec
    project: Path | None
    sheets: dict[str, dict[str, Any]]
    digest: str


@dataclass(frozen=True)
class Design:
    """One design.

    Attributes:
        name: of its package.
        key: content address: of all that its results follow from, but for its name.
        spec: text of the package spec.
        sheets: name -> text, of the device sheets that differ from those of the base.
    """

    name: str
    key: str
    spec: str
    sheets: Mapping[str, str]

    def read(self, sheets: Mapping[str, Sheet]) -> tuple[PackageSpec, dict[str, Sheet]]:
        """The spec and all sheets, validated.

        Args:
            sheets: of the base.

        Raises:
            SpecError: the values don't make up a package.
        """
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
    """What a study starts from, with its `set` applied.

    Args:
        study: the study.
        project: folder with `components/` and `assemblies/`; default: that which the study or the base lies in.

    Raises:
        SpecError: the study names a base that there is not, or the base has problems.
    """
    beside = study.origin.parent / study.base
    asked: str | Path = beside if beside.is_file() else study.base
    home = study.origin.resolve().parent
    home = home.parent if home.name in ("assemblies", "studies") else home
    home = home.parent if home.name == "assemblies" else home
    try:
        file = find_spec(asked, project or home)
    except InputError as error:
        raise SpecError([study.problem(("base",), f"base: {error}")]) from None
    project = project or project_of(file)
    if project is not None and not (project / "components").is_dir():
        project = None
    if project is not None and (project / "components").resolve() == data_folder("components").resolve():
        project = None
    sheets = {name: read_yaml(path).data for name, path in list_sheets(project).items()}
    data = copy.deepcopy(read_yaml(file).data)
    for path, value in study.set.items():
        try:
            _put(data, sheets, path, value, _Touched({}))
        except InputError as error:
            raise SpecError([study.problem(("set", path), f"set: {error}", of_key=True)]) from None
    read = parse_spec(_text(data), file)
    return Base(data, read, project, sheets, _digest(sheets, project))


def design_of(study: Study, base: Base, values: Mapping[str, Value], number: int) -> Design:
    """The design that values of the variables make.

    Args:
        study: the study.
        base: what it starts from.
        values: variable -> value, or name of a choice.
        number: becomes part of the package's name.

    Raises:
        InputError: a path that the base has nothing at, arithmetic that can't be computed.
    """
    data, sheets, touched = copy.deepcopy(base.data), dict(base.sheets), _Touched({})
    for name, variable in study.variables.items():
        value = values[name]
        if isinstance(variable.choices, Mapping):
            for path, one in variable.choices[str(value)].items():
                if not path.startswith(DEVICES) or path.count(".") == 2:
                    _put(data, sheets, path, one, touched)
        elif variable.path is not None and (not variable.path.startswith(DEVICES) or variable.path.count(".") == 2):
            _put(data, sheets, variable.path, value, touched)
    # values in sheets come second: which sheet plays a role may itself be free
    for name, variable in study.variables.items():
        named = variable.choices[str(values[name])] if isinstance(variable.choices, Mapping) else None
        for path, one in (named or {variable.path: values[name]}).items():
            if path is not None and path.startswith(DEVICES) and path.count(".") > 2:
                _put(data, sheets, path, one, touched)

    def look_up(path: str) -> Any:
        return values[path] if path in values else _get(data, sheets, base.spec, path)

    for path, text in study.derived.items():
        try:
            _put(data, sheets, path, evaluate(str(text), look_up), touched)
        except InputError as error:
            raise InputError(f"derived: {path}: {error}") from None
    _retune(data, sheets, touched)
    name = checked_name(f"{study.name}_{number:04d}")
    data["name"] = base.data["name"]
    texts = {one: _text(sheets[one]) for one in sorted(touched.sheets)}
    content = json.dumps([_FORM, __version__, base.digest, _text(data), texts, study.yield_samples * study.produces])
    key = hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
    data["name"] = name
    said = ", ".join(f"{one} {values[one]}" for one in study.variables)
    head = f"# design {number} of the study {study.name}: {said}\n"
    return Design(name, key, head + _text(data), {one: f"# of {name}\n{text}" for one, text in texts.items()})


def base_values(study: Study, base: Base) -> dict[str, Value] | None:
    """The values of the variables that the base itself has; None where one is outside of what is free."""
    found: dict[str, Value] = {}
    for name, variable in study.variables.items():
        if isinstance(variable.choices, Mapping):
            same = [
                label
                for label, paths in variable.choices.items()
                if all(_at(base, path) == value for path, value in paths.items())
            ]
            if not same:
                return None
            found[name] = same[0]
            continue
        assert variable.path is not None
        value = _at(base, variable.path)
        if not _allows(variable, value):
            return None
        found[name] = value
    return found


def _allows(variable: Variable, value: Any) -> bool:
    """Whether a value is one that a variable with a path can take."""
    if isinstance(variable.choices, list):
        return value in variable.choices
    if isinstance(value, bool) or not isinstance(value, int | float) or variable.low is None or variable.high is None:
        return False
    steps = (value - variable.low) / variable.step if variable.step is not None else 0.0
    return variable.low <= value <= variable.high and math.isclose(steps, round(steps), abs_tol=1e-6)


@dataclass
class _Touched:
    """Device sheets that a design changes, and which of their values."""

    sheets: dict[str, set[str]]


def _at(base: Base, path: str) -> Any:
    try:
        return _get(base.data, base.sheets, base.spec, path)
    except KeyError:
        return None


def _devices(data: Mapping[str, Any]) -> dict[str, str]:
    """Role -> name of its sheet, as the spec says or by default."""
    architecture = data.get("engine", {}).get("architecture", "ring_wdm")
    return {**architectures.DEVICES.get(architecture, {}), **data.get("engine", {}).get("devices", {})}


def _get(data: Mapping[str, Any], sheets: Mapping[str, Any], spec: PackageSpec, path: str) -> Any:
    """The value at a path: of the design, else the default; raises `KeyError`."""
    if path.startswith(DEVICES) and path.count(".") > 2:
        role, section, key = path.removeprefix(DEVICES).split(".")
        value = sheets[_devices(data)[role]][section][key]
        return value["value"] if isinstance(value, Mapping) else value
    here: Any = data
    default: Any = spec
    for step in path.split("."):
        if isinstance(here, Mapping) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdigit() and int(step) < len(here):
            here = here[int(step)]
        else:
            here = None
        if isinstance(default, list | tuple):
            default = default[int(step)] if step.isdigit() and int(step) < len(default) else None
        else:
            default = getattr(default, step, None)
    value = default if here is None else here
    if value is None:
        raise KeyError(path)
    return value


def _put(data: dict[str, Any], sheets: dict[str, Any], path: str, value: Any, touched: _Touched) -> None:
    """Set the value at a path, null to remove it; raises `InputError` where there is nothing to set."""
    if path.startswith(DEVICES) and path.count(".") > 2:
        _put_in_sheet(data, sheets, path, value, touched)
        return
    here: Any = data
    *parents, last = path.split(".")
    for step in parents:
        if isinstance(here, list):
            here = here[int(step)] if step.isdigit() and int(step) < len(here) else None
        else:
            here = here.setdefault(step, {})
        if not isinstance(here, dict | list):
            raise InputError(f"{path}: the base has no {step} to set a value in; set all of it")
    if isinstance(here, list):
        if not last.isdigit() or int(last) >= len(here):
            raise InputError(f"{path}: the base has {len(here)} values there, numbered from 0; correct the number")
        here[int(last)] = value
    elif value is None:
        here.pop(last, None)
    else:
        here[last] = copy.deepcopy(value)


def _put_in_sheet(data: dict[str, Any], sheets: dict[str, Any], path: str, value: Any, touched: _Touched) -> None:
    role, section, key = path.removeprefix(DEVICES).split(".")
    name = _devices(data).get(role)
    if name is None or name not in sheets:
        raise InputError(f"{path}: the engine has no {role} with a sheet; correct the role or name its sheet")
    sheet = copy.deepcopy(sheets[name])
    held = sheet.get(section) or {}
    if key not in held:
        raise InputError(f"{path}: {section} of the sheet {name} has no {key}; it has {', '.join(held) or 'nothing'}")
    before = held[key]["value"] if isinstance(held[key], Mapping) else held[key]
    if isinstance(held[key], Mapping):
        source = f"set by a study; before: {held[key]['source']}"
        held[key] = {**held[key], "value": value, "choice": True, "source": source}
    else:
        drawn = isinstance(value, float) and isinstance(before, int | float)
        value = whole(round(round(value / _GRID_UM) * _GRID_UM, 9)) if drawn else value
        held[key] = value
    if value == before:
        return
    sheets[name] = sheet
    touched.sheets.setdefault(name, set()).add(f"{section}.{key}")


def _retune(data: Mapping[str, Any], sheets: dict[str, Any], touched: _Touched) -> None:
    """A modulator of another shape works at another detuning: that with the largest modulation, as its sheet says."""
    for name, changed in touched.sheets.items():
        sheet = sheets[name]
        held = sheet.get("operating") or {}
        if sheet.get("model") not in _DETUNED or "detuning_nm" not in held or "operating.detuning_nm" in changed:
            continue
        values = {**{k: v["value"] for k, v in sheet["parameters"].items()}, **sheet["geometry"]}
        known = {k: v for k, v in values.items() if k not in _NO_MODEL}
        grid = Grid.model_validate(data["engine"]["grid"])
        point = operating_point(
            held["V_one"]["value"], held["V_zero"]["value"], wl_center=grid.wl_um[len(grid.wl_um) // 2], **known
        )
        held["detuning_nm"] = {**held["detuning_nm"], "value": point.detuning_nm}
        touched.sheets[name] = {*changed, "operating.detuning_nm"}


#: arguments of the modulator's cell that shape its drawing only
_NO_MODEL = ("width_heater",)


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
    shipped = sorted((data_folder("components") / "parts").glob("*.yaml"))
    for file in [*shipped, *_own_files(project)]:
        total.update(f"{file.name}\n".encode() + file.read_bytes())
    return total.hexdigest()

"""The spec of a study: which values of a package are free, what is wanted of them, and which limits hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError

from cpo_pdk.errors import InputError, Problem, SpecError
from cpo_pdk.explore.expressions import names_in
from cpo_pdk.explore.measures import MEASURES
from cpo_pdk.report.explore_data import Value
from cpo_pdk.spec.bounds import counted
from cpo_pdk.spec.model import Name, SpecModel
from cpo_pdk.spec.name_rules import check_name, shown
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.suggestions import did_you_mean
from cpo_pdk.spec.validation import key_paths, problems_of
from cpo_pdk.spec.yaml_source import Source, read_yaml

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Scalar = int | float | str | bool
#: part of a path in front of the role of a device, and the sections of its sheet that a study may set
DEVICES = "engine.devices."
SECTIONS = ("geometry", "parameters", "operating")
#: variables of one study
MOST = 40


class Variable(SpecModel):
    """One free value: a range, a list of choices, or named choices that each set several values."""

    path: Annotated[str, Field(strict=True)] | None = Field(
        default=None,
        description="dotted path in the spec; below engine.devices.<role> on into the device's sheet; without a path "
        "it is a number for `derived`",
    )
    low: Number | None = Field(default=None, description="least value of a range")
    high: Number | None = Field(default=None, description="largest value of a range")
    step: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = Field(
        default=None, description="the range is taken in steps of this, from its low end"
    )
    log: Annotated[bool, Field(strict=True)] = Field(default=False, description="search the range by its logarithm")
    choices: list[Scalar] | dict[str, Any] | None = Field(
        default=None,
        description="values of the path; or name -> {path: value, ...}: null removes the key, a name without dots is a "
        "number for `derived`",
    )
    words: str = Field(default="", description="what it is, for tables")

    @property
    def labels(self) -> tuple[Value, ...]:
        """The choices, by value or by name; empty for a range."""
        return tuple(self.choices) if self.choices is not None else ()


class Bound(SpecModel):
    """Limits of one measure."""

    min: Number | None = Field(default=None, description="least allowed value")
    max: Number | None = Field(default=None, description="largest allowed value")


class Study(SpecModel):
    """A whole study; made by `load_study`."""

    name: Name = Field(description="name of the study; its results go to a folder of that name")
    base: Annotated[str, Field(strict=True)] = Field(description="package spec that all designs start from")
    description: str = Field(default="", description="what is looked for")
    designs: Annotated[int, counted(1, 100_000, "designs to evaluate", "hundreds to thousands")] = 200
    generation: Annotated[
        int, counted(1, 1000, "designs asked for at a time", "8 to 50; the same for any number of workers")
    ] = 16
    sampler: Literal["tpe", "nsga2", "random"] = Field(
        default="tpe", description="how designs are chosen: tree of Parzen estimators, genetic, or blindly"
    )
    seed: Annotated[int, counted(0, 2**31 - 1, "seed of the search", "any")] = 1
    variables: dict[Name, Variable] = Field(description="what is free")
    start: list[dict[Name, Scalar]] = Field(
        default=[], max_length=100, description="designs that are asked for first: variable -> value"
    )
    set: dict[str, Any] = Field(default_factory=dict, description="path -> value for all designs; null removes the key")
    derived: dict[str, str | int | float] = Field(
        default_factory=dict, description="path -> arithmetic of variables and paths, in this order"
    )
    objectives: dict[str, str] = Field(description="measure -> minimize or maximize")
    constraints: dict[str, Bound] = Field(
        default_factory=dict, description="measure -> {min, max}; `require` of the base holds besides"
    )
    build: Annotated[int, counted(0, 200, "points of the front built in full", "a build takes half a minute")] = 12
    yield_samples: Annotated[
        int, counted(10, 100_000, "packages sampled where yield or cost is asked", "the more the slower")
    ] = 200
    _source: Source | None = PrivateAttr(default=None)

    @property
    def origin(self) -> Path:
        """The file that the study came from."""
        return self._source.file if self._source else Path(f"<{self.name}>")

    def problem(self, path: tuple[str | int, ...], message: str, *, of_key: bool = False) -> Problem:
        """A problem with one value (or key) of this study, at its line of the file."""
        if self._source is None:
            return Problem(self.origin, 1, 1, message)
        return self._source.problem(path, message, of_key=of_key)

    def with_source(self, source: Source) -> Study:
        """This study, knowing the file it was read from."""
        self._source = source
        return self

    @property
    def produces(self) -> bool:
        """Whether yield or cost is asked for."""
        return any(MEASURES[name].stage == "yield" for name in (*self.objectives, *self.constraints))

    @property
    def limits(self) -> dict[str, tuple[float | None, float | None]]:
        """Measure -> least and largest allowed value."""
        return {name: (bound.min, bound.max) for name, bound in self.constraints.items()}


def load_study(file: str | Path) -> Study:
    """A study, validated; paths and measures are known ones.

    Args:
        file: YAML file.

    Raises:
        InputError: no such file.
        SpecError: every problem of the file, at its line.
    """
    path = Path(file)
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the YAML file of a study (docs/explore.md shows one)")
    source = read_yaml(path)
    try:
        study = Study.model_validate(source.data).with_source(source)
    except ValidationError as error:
        raise SpecError(problems_of(error, source, Study)) from None
    problems = list(_problems(study))
    if problems:
        raise SpecError(problems)
    return study


def path_fault(path: str) -> str:
    """What is wrong with a path as such; empty when nothing is.

    Args:
        path: `engine.grid.channels`, `asic.size_mm.0`, `engine.devices.modulator.geometry.radius`.
    """
    bare = ".".join(step for step in path.split(".") if not step.isdigit())
    known = set(key_paths(PackageSpec)) - {"name", "choices"}
    if path.startswith(DEVICES) and path.count(".") > 2:
        role, section, *rest = path.removeprefix(DEVICES).split(".")
        if f"{DEVICES}{role}" not in known:
            return f"no device {shown(role)} in an engine{did_you_mean(role, _roles(known)) or ''}"
        if section not in SECTIONS or len(rest) != 1:
            return (
                f"{path} leads into no sheet; write {DEVICES}{role}.geometry.<argument> (or {', '.join(SECTIONS[1:])})"
            )
        return ""
    if bare not in known and not any(bare.startswith(f"{one}.") for one in ("engines.per_side",)):
        return f"no value {shown(path)} in a spec{did_you_mean(bare, known) or '; write it as section.key'}"
    return ""


def _roles(known: set[str]) -> list[str]:
    return [path.removeprefix(DEVICES) for path in known if path.startswith(DEVICES)]


def _problems(study: Study) -> Iterator[Problem]:
    if not study.variables:
        yield study.problem(("variables",), "nothing is free; give at least one variable")
    if len(study.variables) > MOST:
        yield study.problem(("variables",), f"{len(study.variables)} variables, at most {MOST} allowed; free fewer")
    if not study.objectives:
        yield study.problem(("objectives",), f"nothing is wanted; give at least one of {', '.join(MEASURES)}")
    for name, direction in study.objectives.items():
        if direction not in ("minimize", "maximize"):
            text = f"objectives.{name} is {shown(direction)}, allowed: minimize, maximize"
            yield study.problem(("objectives", name), text)
    for section, names in (("objectives", study.objectives), ("constraints", study.constraints)):
        for name in names:
            if name not in MEASURES:
                hint = did_you_mean(name, MEASURES) or f"; there are: {', '.join(MEASURES)}"
                yield study.problem((section, name), f"{section}: no measure {shown(name)}{hint}", of_key=True)
    for name, bound in study.constraints.items():
        if bound.min is None and bound.max is None:
            yield study.problem(("constraints", name), f"constraints.{name} sets no limit; give min or max, or both")
        elif bound.min is not None and bound.max is not None and bound.min > bound.max:
            text = f"constraints.{name}: min {bound.min:g} is above max {bound.max:g}, no design holds it; change one"
            yield study.problem(("constraints", name), text)
    yield from _start_problems(study)
    setters: dict[str, str] = {}
    for name, variable in study.variables.items():
        yield from _variable_problems(study, name, variable)
        for path in _paths(variable):
            if path in setters:
                text = f"variables.{name}: {path} is set by {setters[path]} already; keep one of them"
                yield study.problem(("variables", name), text, of_key=True)
            setters[path] = f"variables.{name}"
    for section, paths in (("set", study.set), ("derived", study.derived)):
        for path in paths:
            fault = path_fault(path)
            if fault:
                yield study.problem((section, path), f"{section}: {fault}", of_key=True)
            elif section == "derived" and path in setters:
                text = f"derived: {path} is set by {setters[path]} already; keep one of them"
                yield study.problem((section, path), text, of_key=True)


def _start_problems(study: Study) -> Iterator[Problem]:
    for number, values in enumerate(study.start):
        for name in values.keys() - study.variables.keys():
            hint = did_you_mean(name, study.variables) or f"; there are: {', '.join(study.variables)}"
            yield study.problem(("start", number, name), f"start: no variable {shown(name)}{hint}", of_key=True)
        for name, variable in study.variables.items():
            if name not in values:
                yield study.problem(("start", number), f"start: {name} has no value; give all variables one")
            elif not allows(variable, values[name]):
                text = f"start: {name} is {shown(values[name])}, which it can't take; correct it"
                yield study.problem(("start", number, name), text)


def allows(variable: Variable, value: Any) -> bool:
    """Whether a value, or the name of a choice, is one that a variable can take."""
    if variable.choices is not None:
        return value in variable.labels
    if isinstance(value, bool) or not isinstance(value, int | float) or variable.low is None or variable.high is None:
        return False
    steps = (value - variable.low) / variable.step if variable.step else 0.0
    return variable.low <= value <= variable.high and math.isclose(steps, round(steps), abs_tol=1e-6)


def _paths(variable: Variable) -> list[str]:
    if isinstance(variable.choices, Mapping):
        return list(
            dict.fromkeys(path for one in variable.choices.values() if isinstance(one, Mapping) for path in one)
        )
    return [variable.path] if variable.path else []


def _variable_problems(study: Study, name: str, variable: Variable) -> Iterator[Problem]:
    where, key = f"variables.{name}", ("variables", name)
    ranged = variable.low is not None or variable.high is not None
    named = isinstance(variable.choices, Mapping)
    if ranged == (variable.choices is not None):
        yield study.problem(key, f"{where} needs either low and high, or choices; give one of the two")
        return
    if named and variable.path is not None:
        yield study.problem(key, f"{where}: named choices carry their own paths; remove path")
    if not named and variable.path is None and name not in used_names(study):
        yield study.problem(key, f"{where} has no path, and no arithmetic in derived uses it; give it a path or use it")
    elif variable.path is not None and path_fault(variable.path):
        yield study.problem((*key, "path"), f"{where}: {path_fault(variable.path)}")
    if ranged:
        yield from _range_problems(study, name, variable)
        return
    if variable.step is not None or variable.log:
        yield study.problem(key, f"{where}: step and log belong to a range, it has choices; remove them")
    labels = variable.labels
    if len(labels) < 2:
        yield study.problem(
            (*key, "choices"), f"{where} has {len(labels) or 'no'} choice, 2 are the least; or set it for all"
        )
    if len(set(map(str, labels))) != len(labels):
        yield study.problem((*key, "choices"), f"{where} has a choice twice; keep one")
    for label, values in variable.choices.items() if isinstance(variable.choices, Mapping) else ():
        place = (*key, "choices", label)
        if not isinstance(values, Mapping) or not values:
            yield study.problem(place, f"{where}: choice {shown(label)} sets nothing; write {{path: value}}")
            continue
        for path, value in values.items():
            if is_helper(study, path):
                if isinstance(value, bool) or not isinstance(value, int | float):
                    yield study.problem((*place, path), f"{where}: {path} is {shown(value)}, a number is needed")
            elif path_fault(path):
                yield study.problem((*place, path), f"{where}: {path_fault(path)}", of_key=True)


def _range_problems(study: Study, name: str, variable: Variable) -> Iterator[Problem]:
    where, key = f"variables.{name}", ("variables", name)
    if variable.low is None or variable.high is None:
        yield study.problem(key, f"{where} has only one end; give low and high")
        return
    if variable.low >= variable.high:
        text = f"{where}: low {variable.low:g} is not below high {variable.high:g}; exchange or widen them"
        yield study.problem(key, text)
    elif variable.step is not None and variable.step <= 0:
        yield study.problem((*key, "step"), f"{where}: step is {variable.step:g}, above 0 needed; correct it")
    elif variable.step is not None and variable.step > variable.high - variable.low:
        text = f"{where}: step {variable.step:g} is wider than the range of {variable.high - variable.low:g}; use less"
        yield study.problem((*key, "step"), text)
    if variable.log and (variable.low <= 0 or variable.step is not None):
        yield study.problem((*key, "log"), f"{where}: log needs low above 0 and no step; change one")


def used_names(study: Study) -> set[str]:
    """Bare names that the arithmetic of a study uses."""
    return {name for text in study.derived.values() for name in names_in(str(text))}


def is_helper(study: Study, path: str) -> bool:
    """Whether a key of a named choice is no path but a number for the arithmetic."""
    return "." not in path and path in used_names(study)


def steps_of(variable: Variable) -> int | None:
    """How many values a variable has; None for a range without steps."""
    if variable.choices is not None:
        return len(variable.labels)
    assert variable.low is not None and variable.high is not None
    if variable.step is None:
        return None
    return math.floor((variable.high - variable.low) / variable.step + 1e-9) + 1


def size_of(study: Study) -> int | None:
    """How many designs the variables make up; None where a range has no steps."""
    total = 1
    for variable in study.variables.values():
        steps = steps_of(variable)
        if steps is None:
            return None
        total *= steps
    return total


def checked_name(name: str) -> str:
    """The name of a design's package; raises `InputError` where it is too long."""
    return check_name(name, "name of a design (that of the study and a number)")

"""Sheets of what is bought or given, not drawn: lasers, connectors, amplifiers, but also tolerances, tests, prices.

They lie in `components/parts/`, one YAML a part, and have numbers with sources like the sheets of drawn devices. What
each kind must say is in `PART_KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.model import Name
from cpo_pdk.spec.part_kinds import LINK_KINDS, PART_KINDS, PART_OPTIONS, PartKind
from cpo_pdk.spec.sheet import Parameter, Text
from cpo_pdk.spec.suggestions import did_you_mean
from cpo_pdk.spec.validation import problems_of
from cpo_pdk.spec.yaml_source import Source, read_yaml


class Part(BaseModel):
    """One part; made by `load_parts`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="name of the part, equal to the name of the file")
    kind: PartKind = Field(description="what it is")
    description: Text = Field(description="what it is, one or two sentences")
    parameters: dict[str, Parameter] = Field(description="its numbers: those of its kind, and those that any may have")
    _source: Source | None = PrivateAttr(default=None)

    @property
    def values(self) -> dict[str, float]:
        """The bare numbers."""
        return {name: parameter.value for name, parameter in self.parameters.items()}

    @property
    def origin(self) -> Path:
        """The file that the sheet came from."""
        return self._source.file if self._source else Path(f"<{self.name}>")

    def __getitem__(self, name: str) -> float:
        """One number; raises `KeyError`."""
        return self.parameters[name].value

    def problem(self, path: tuple[str | int, ...], message: str) -> Problem:
        """A problem with one value of this sheet, at its line of the file."""
        if self._source is None:
            return Problem(self.origin, 1, 1, message)
        return self._source.problem(path, message)

    def with_source(self, source: Source) -> Part:
        """This part, knowing the file it was read from."""
        self._source = source
        return self


def load_part_file(file: Path) -> Part:
    """Read one sheet of a part.

    Raises:
        SpecError: every problem of the file.
    """
    source = read_yaml(file)
    try:
        part = Part.model_validate(source.data).with_source(source)
    except ValidationError as error:
        raise SpecError(problems_of(error, source, Part)) from None
    problems = list(_faults(part))
    if problems:
        raise SpecError(problems)
    return part


def _faults(part: Part) -> list[Problem]:
    found: list[Problem] = []
    if part.name != part.origin.stem:
        found.append(part.problem(("name",), f"name {part.name} in a file of name {part.origin.name}; make them equal"))
    known = {**PART_KINDS[part.kind], **PART_OPTIONS}
    for name in part.parameters.keys() - known.keys():
        text = f"a {part.kind} has no {name}{did_you_mean(name, known) or '; it has ' + ', '.join(known)}"
        found.append(part.problem(("parameters", name), text))
    for name, quantity in known.items():
        if name not in part.parameters:
            if name in PART_OPTIONS:
                continue
            found.append(
                part.problem(
                    ("parameters",), f"a {part.kind} needs {name} ({quantity.meaning}, {quantity.unit}); add it"
                )
            )
            continue
        given = part.parameters[name]
        if given.unit != quantity.unit:
            text = f"{name} is in {given.unit}, {quantity.unit} needed; convert it"
            found.append(part.problem(("parameters", name, "unit"), text))
        elif not quantity.low <= given.value <= quantity.high:
            unit = "" if quantity.unit == "1" else f" {quantity.unit}"
            text = f"{name} is {given.value:g}{unit}, {quantity.low:g} to {quantity.high:g} allowed; correct it"
            found.append(part.problem(("parameters", name, "value"), text))
    return found


@dataclass(frozen=True)
class Parts:
    """The parts of one package, by kind."""

    laser: Part
    connector: Part
    driver: Part
    tia: Part
    serdes: Part
    control: Part

    def each(self) -> Mapping[str, Part]:
        """Kind -> part."""
        return {kind: getattr(self, kind) for kind in LINK_KINDS}


def unknown_part(name: str, kind: str, parts: Mapping[str, Part]) -> str:
    """What to say of a part that is not there, or is of another kind."""
    if name in parts:
        kinds = [f"{'an' if one[0] in 'aeiou' else 'a'} {one}" for one in (parts[name].kind, kind)]
        return f"{name} is {kinds[0]}, {kinds[1]} needed; name another"
    known = sorted(n for n, part in parts.items() if part.kind == kind)
    return f'unknown part "{name}"{did_you_mean(name, known) or "; there are: " + ", ".join(known)}'

"""Device sheets: one YAML a device, tying a parametric cell to a compact model, with the source of every number."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import PydanticCustomError

from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.model import Name
from cpo_pdk.spec.name_rules import shown
from cpo_pdk.spec.suggestions import did_you_mean
from cpo_pdk.spec.validation import problems_of
from cpo_pdk.spec.yaml_source import Source, parse_yaml, read_yaml


def _geometry_value(value: Any) -> Any:
    """Validator: what a cell argument can be; a list only of scalars."""
    items = value if isinstance(value, list) else [value]
    for item in items:
        if item is not None and not isinstance(item, bool | int | float | str):
            raise PydanticCustomError("geometry", "a cell argument is a number, text, true/false or a list of them")
        if isinstance(item, float) and not math.isfinite(item):
            raise PydanticCustomError("geometry", "{value} is not finite; write a number", {"value": str(item)})
    return tuple(items) if isinstance(value, list) else value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "is empty; a sheet says what it is and where each number is from")
    return text


Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, Field(strict=True, min_length=1), AfterValidator(_not_blank)]
GeometryValue = Annotated[Any, AfterValidator(_geometry_value)]
Wavelength = Annotated[Number, Field(ge=0.4, le=5.0, json_schema_extra={"unit": "um", "reason": "in micrometres"})]


class Parameter(BaseModel):
    """One number of a model, with where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Number = Field(description="the number, in `unit`")
    unit: Annotated[str, Field(strict=True)] = Field(description='unit of value and spread, "1" for a pure number')
    source: Text = Field(description="publication, table or computation that it comes from, or the reason of a choice")
    choice: Annotated[bool, Field(strict=True)] = Field(default=False, description="true: chosen, no published source")
    spread: Annotated[Number, Field(ge=0)] | None = Field(
        default=None, description="standard deviation over production, in `unit`"
    )


class Measured(BaseModel):
    """S-parameters from a file that stand in for a compact model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Text = Field(
        description="Touchstone (.s2p, .s4p, ...) or Lumerical (.sparam, .dat) file, beside the sheet or below it"
    )
    ports: Annotated[dict[str, Text], Field(min_length=1)] = Field(
        description='port of the file -> port of the device: {"1": o1, "2": o2}; with a mode: {"port 1 mode 2": o1@TM}'
    )
    source: Text = Field(description="what was measured or simulated, where and when")
    time: Literal["exp(-iwt)", "exp(+jwt)"] | None = Field(
        default=None, description="time dependence of the file's phases; Touchstone exp(+jwt), Lumerical exp(-iwt)"
    )
    gain_limit: Annotated[Number, Field(ge=1.0, le=10.0)] = Field(
        default=1.02, description="largest singular value that is let pass, with a warning above 1.001"
    )
    passivity: Literal["refuse", "clip"] = Field(
        default="refuse",
        description="clip: bring singular values above 1 down to 1, and say so in the report; refuse: above gain_limit",
    )


class Sheet(BaseModel):
    """One device; made by `load_sheet_file` or `load_sheets`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="name of the device, equal to the name of the file")
    cell: Name = Field(description="function of cpo_pdk/components/ that draws it")
    factory: Text | None = Field(
        default=None,
        description="base name (or function) that the drawn cell carries, for a cell of another library; "
        "default `cpo_<cell>`, the cell of this process",
    )
    model: Name | None = Field(description="compact model that computes it, null with `measured` or `no_model`")
    no_model: Text | None = Field(default=None, description="why there is none: no optical port, or composed of others")
    measured: Measured | None = Field(default=None, description="a file of S-parameters in place of a model")
    select: dict[str, GeometryValue] = Field(
        default_factory=dict,
        description="arguments that a drawn cell must have for this sheet to be its own, where sheets share a cell",
    )
    description: Text = Field(description="what the device does, one or two sentences")
    geometry: dict[str, GeometryValue] = Field(description="arguments of the cell, um")
    parameters: dict[str, Parameter] = Field(description="numbers of the model that the geometry does not give")
    operating: dict[str, Parameter] = Field(
        default_factory=dict, description="numbers of how the device is driven: voltages, detuning"
    )
    drawn_only: dict[str, Text] = Field(
        default_factory=dict, description="argument of the cell that the model does not take -> why it need not"
    )
    wl_range_um: tuple[Wavelength, Wavelength] = Field(description="[lowest, highest] wavelength the model holds for")
    ranges: dict[str, tuple[Number, Number]] = Field(
        default_factory=dict, description="[lowest, highest] value of an argument or parameter that the sheet holds for"
    )
    _source: Source | None = PrivateAttr(default=None)

    @property
    def origin(self) -> Path:
        """The file that the sheet came from."""
        return self._source.file if self._source else Path(f"<{self.name}>")

    @property
    def drawn_by(self) -> str:
        """Who draws the cells that this sheet speaks of, as they say it in a layout file."""
        return self.factory if self.factory is not None else f"cpo_{self.cell}"

    @property
    def computed(self) -> bool:
        """True when a model or measured data computes the device: it is then one leaf of a circuit."""
        return self.model is not None or self.measured is not None

    @property
    def values(self) -> dict[str, float]:
        """The bare numbers of the parameters."""
        return {name: parameter.value for name, parameter in self.parameters.items()}

    @property
    def operating_values(self) -> dict[str, float]:
        """The bare numbers of how the device is driven."""
        return {name: parameter.value for name, parameter in self.operating.items()}

    def problem(self, path: tuple[str | int, ...], message: str, *, of_key: bool = False) -> Problem:
        """A problem with one value (or key) of this sheet, at its line of the file."""
        if self._source is None:
            return Problem(self.origin, 1, 1, message)
        return self._source.problem(path, message, of_key=of_key)

    def with_source(self, source: Source) -> Sheet:
        """This sheet, knowing the file it was read from."""
        self._source = source
        return self


def load_sheet_file(file: Path) -> Sheet:
    """Read one sheet.

    Args:
        file: the YAML file; its stem must be the sheet's name.

    Raises:
        SpecError: every problem of the file.
    """
    return _sheet_of(read_yaml(file))


def parse_sheet(text: str, file: Path) -> Sheet:
    """Read a sheet from memory; `file` is only named in messages (its stem must be the sheet's name).

    Raises:
        SpecError: every problem of the text.
    """
    return _sheet_of(parse_yaml(text, file))


def check_sheets(
    sheets: Mapping[str, Sheet],
    cells: Collection[str],
    models: Collection[str],
    *,
    arguments: Mapping[str, Collection[str]] | None = None,
    parameters: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Refuse sheets that name a cell or model that does not exist.

    Args:
        sheets: by name.
        cells: names of the parametric cells.
        models: names of the compact models.
        arguments: cell -> its argument names; given, keys of `geometry` are checked too.
        parameters: model -> its parameter names; given, keys of `parameters` are checked too.

    Raises:
        SpecError: every wrong name in every sheet, at the line of the name.
    """
    problems: list[Problem] = []
    for sheet in sheets.values():
        for key, word, name, known in (("cell", "cell", sheet.cell, cells), ("model", "model", sheet.model, models)):
            if name is not None and name not in known:
                problems.append(sheet.problem((key,), f"unknown {word} {shown(name)}{_known(name, known)}"))
        for section, keys, of, table in (
            ("geometry", sheet.geometry, sheet.cell, arguments),
            ("parameters", sheet.parameters, sheet.model, parameters),
        ):
            if table is None or of is None or of not in table:
                continue
            for key in keys:
                if key not in table[of]:
                    text = f"{section}: {of} has no argument {shown(key)}{_known(key, table[of])}"
                    problems.append(sheet.problem((section, key), text, of_key=True))
    if problems:
        raise SpecError(problems)


def _known(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known) or f"; there are: {', '.join(sorted(known)) or 'none'}"


def _sheet_of(source: Source) -> Sheet:
    try:
        sheet = Sheet.model_validate(source.data).with_source(source)
    except ValidationError as error:
        raise SpecError(problems_of(error, source, Sheet)) from None
    problems = list(_cross_faults(sheet))
    if problems:
        raise SpecError(problems)
    return sheet


def _computed_by(sheet: Sheet) -> list[Problem]:
    """A device is computed by a model or by measured data, or says why by neither."""
    found: list[Problem] = []
    if sheet.model is None and sheet.measured is None and sheet.no_model is None:
        text = "model is null without a reason; add `measured:`, `no_model: why` or name a model"
        found.append(sheet.problem(("model",), text))
    if sheet.model is not None and sheet.measured is not None:
        text = f"measured contradicts model: {sheet.model}; write `model: null` or remove measured"
        found.append(sheet.problem(("measured",), text))
    if sheet.no_model is not None and (sheet.model is not None or sheet.measured is not None):
        what = f"model: {sheet.model}" if sheet.model else "measured"
        found.append(sheet.problem(("no_model",), f"no_model contradicts {what}; remove one of them"))
    if sheet.measured is not None and sheet.parameters:
        text = "parameters belong to a model, measured data has none; remove them"
        found.append(sheet.problem(("parameters",), text))
    return found


def _cross_faults(sheet: Sheet) -> list[Problem]:
    """What must fit together inside one sheet."""
    found: list[Problem] = []
    if sheet.name != sheet.origin.stem:
        text = f"name is {shown(sheet.name)} but the file is called {shown(sheet.origin.name)}; make them equal"
        found.append(sheet.problem(("name",), text))
    found += _computed_by(sheet)
    for key in sheet.select:
        if key not in sheet.geometry:
            text = f"select.{key} is no argument of geometry; a sheet is selected by its own geometry"
            found.append(sheet.problem(("select", key), text, of_key=True))
        elif sheet.select[key] != sheet.geometry[key]:
            wanted, given = sheet.select[key], sheet.geometry[key]
            text = f"select.{key} is {wanted!r} but geometry.{key} is {given!r}; make them equal"
            found.append(sheet.problem(("select", key), text))
    low, high = sheet.wl_range_um
    if low >= high:
        found.append(sheet.problem(("wl_range_um",), f"wl_range_um is [{low:g}, {high:g}]; the first must be smaller"))
    for key, (low, high) in sheet.ranges.items():
        if low > high:
            text = f"ranges.{key} is [{low:g}, {high:g}]; the first must not be larger"
            found.append(sheet.problem(("ranges", key), text))
            continue
        for section, value in (
            ("geometry", sheet.geometry.get(key)),
            ("parameters", sheet.values.get(key)),
            ("operating", sheet.operating_values.get(key)),
        ):
            if isinstance(value, int | float) and not isinstance(value, bool) and not low <= value <= high:
                text = f"{section}.{key} = {value:g} is outside ranges.{key} [{low:g}, {high:g}]; widen it or change it"
                path = (section, key) if section == "geometry" else (section, key, "value")
                found.append(sheet.problem(path, text))
    return found

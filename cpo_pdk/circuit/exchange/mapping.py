"""The mapping file: which model computes which cell of a layout that another PDK drew.

::

    layers: {waveguide: 1/0, pins: 1/10, devices: 68/0, fibres: 81/0, labels: 10/0}     # these are the defaults
    cells:
      ebeam_y_1310:                      # name of the cell, of its function, or a text label in it; * and ? are allowed
        model: y_branch
        parameters: {excess_dB: 0.2}     # of the model
        settings: {width: wg_width}      # parameter of the model: setting that the cell was drawn with
        length_from: path                # `length` is the area of the core over its width
        ports: {opt1: o1, opt2: o2}      # port as drawn: port of the model; the others keep their names
      "ebeam_dc_*":
        measured: {file: dc.sparam, ports: {port 1: o1, port 2: o2}, source: "foundry's compact model"}
      ebeam_terminator:
        model: null
        no_model: swallows the light
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from cpo_pdk.circuit.binding import ModelLike, accepted
from cpo_pdk.circuit.exchange.pins import PinLayers
from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.sheet import Measured, Number, Text
from cpo_pdk.spec.suggestions import did_you_mean
from cpo_pdk.spec.validation import problems_of
from cpo_pdk.spec.yaml_source import Source, read_yaml

_LAYER = re.compile(r"(\d{1,5})/(\d{1,5})")
#: how the factory of a mapped cell begins, which ties it to its sheet
FACTORY = "mapping:"


def _layer_text(text: str) -> str:
    if not _LAYER.fullmatch(text):
        raise PydanticCustomError("layer", "{text} is no layer; write number/datatype, as 1/10", {"text": repr(text)})
    return text


def _value(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise PydanticCustomError("value", "a parameter is a number, text or true/false")
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise PydanticCustomError("value", "{value} is not finite; write a number", {"value": str(value)})
    return value


LayerText = Annotated[str, Field(strict=True), AfterValidator(_layer_text)]
Value = Annotated[Any, AfterValidator(_value)]


class LayersEntry(BaseModel):
    """Layers that say what a cell is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    waveguide: LayerText = Field(default="1/0", description="core of the waveguides")
    pins: LayerText = Field(default="1/10", description="paths across the facets, with their names")
    devices: LayerText = Field(default="68/0", description="texts that say what a cell is")
    fibres: LayerText = Field(default="81/0", description="where a fibre is held above a device")
    labels: LayerText = Field(default="10/0", description="other texts that may name a cell")

    def as_layers(self) -> PinLayers:
        """As pairs of numbers."""
        pairs = {}
        for name in type(self).model_fields:
            number, _, datatype = getattr(self, name).partition("/")
            pairs[name] = (int(number), int(datatype))
        return PinLayers(**pairs)


class CellEntry(BaseModel):
    """What computes the cells of one name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Text | None = Field(default=None, description="compact model; null with `measured` or `no_model`")
    no_model: Text | None = Field(default=None, description="why there is none: light that gets there is gone")
    measured: Measured | None = Field(default=None, description="a file of S-parameters, beside the mapping file")
    parameters: dict[str, Value] = Field(default_factory=dict, description="values of parameters of the model")
    settings: dict[str, Text] = Field(
        default_factory=dict, description="parameter of the model -> setting of the drawn cell that gives it"
    )
    length_from: Literal["path"] | None = Field(
        default=None, description="path: `length` is the area of the drawn core over its width"
    )
    ports: dict[str, Text] = Field(default_factory=dict, description="port as drawn -> port of the model")
    wl_range_um: tuple[Number, Number] | None = Field(default=None, description="wavelengths that this holds for")


class MappingFile(BaseModel):
    """A mapping file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: LayersEntry = Field(default_factory=LayersEntry, description="layers that say what a cell is")
    cells: Annotated[dict[str, CellEntry], Field(min_length=1)] = Field(description="name or glob -> what computes it")


@dataclass(frozen=True)
class MappedSheet:
    """One entry in the form of a sheet, see `binding.SheetLike`."""

    name: str
    model: str | None
    measured: Measured | None
    origin: Path
    wl_range_um: tuple[float, float]
    cell: str = ""
    select: Mapping[str, Any] = field(default_factory=dict)
    drawn_only: Mapping[str, str] = field(default_factory=dict)
    geometry: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    operating_values: Mapping[str, float] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def drawn_by(self) -> str:
        """Factory that `foreign` gives the cells of this entry."""
        return FACTORY + self.name

    @property
    def computed(self) -> bool:
        """Every mapped cell is one device, also one that swallows its light."""
        return True


@dataclass(frozen=True)
class CellMapping:
    """A mapping file that was read and checked against the models."""

    file: MappingFile
    source: Source

    @property
    def layers(self) -> PinLayers:
        """Where pins and labels are."""
        return self.file.layers.as_layers()

    def problem(self, path: tuple[str, ...], message: str, *, of_key: bool = False) -> SpecError:
        """An error at one place of the file."""
        return SpecError([self.source.problem(path, message, of_key=of_key)])

    def entry_of(self, names: Iterable[str]) -> str | None:
        """The entry of a cell: the one that is equal to one of its names, else the one whose pattern fits.

        Args:
            names: cell, function, labels, in the order in which they count.

        Raises:
            SpecError: two patterns fit one name.
        """
        names = [name for name in names if name]
        for name in names:
            if name in self.file.cells:
                return name
        for name in names:
            fitting = [pattern for pattern in self.file.cells if fnmatchcase(name, pattern)]
            if len(fitting) > 1:
                text = f"cells: {name!r} fits {fitting[0]!r} and {fitting[1]!r}, 1 allowed; write its name out"
                raise self.problem(("cells", fitting[1]), text, of_key=True)
            if fitting:
                return fitting[0]
        return None

    def sheets(self, models: Mapping[str, ModelLike]) -> dict[str, MappedSheet]:
        """The entries as sheets, by factory."""
        found: dict[str, MappedSheet] = {}
        for name, entry in self.file.cells.items():
            model = models.get(entry.model or "")
            low, high, _ = model.ranges.get("wl", (0.4, 5.0, "um")) if model is not None else (0.4, 5.0, "um")
            sheet = MappedSheet(name, entry.model, entry.measured, self.source.file, entry.wl_range_um or (low, high))
            found[sheet.drawn_by] = sheet
        return found


def load_mapping(file: Path, models: Mapping[str, ModelLike]) -> CellMapping:
    """Read a mapping file.

    Args:
        file: YAML.
        models: compact models by name; names, parameters and ports are checked against them.

    Raises:
        SpecError: every problem, with line, column and cure.
    """
    source = read_yaml(file)
    try:
        mapping = CellMapping(MappingFile.model_validate(source.data), source)
    except ValidationError as error:
        raise SpecError(problems_of(error, source, MappingFile)) from None
    problems = [p for name, entry in mapping.file.cells.items() for p in _faults(source, name, entry, models)]
    if problems:
        raise SpecError(problems)
    return mapping


def _faults(source: Source, name: str, entry: CellEntry, models: Mapping[str, ModelLike]) -> list[Problem]:
    found: list[Problem] = []

    def fault(path: tuple[str, ...], text: str, *, of_key: bool = False) -> None:
        found.append(source.problem(("cells", name, *path), f"cells.{name}: {text}", of_key=of_key))

    given = [key for key in ("model", "measured", "no_model") if getattr(entry, key) is not None]
    if len(given) != 1:
        what = " and ".join(given) or "neither model, measured nor no_model"
        fault(
            (), f"has {what}, exactly one needed; name a model, a measured file, or say why there is none", of_key=True
        )
        return found
    if entry.wl_range_um is not None and not 0.4 <= entry.wl_range_um[0] < entry.wl_range_um[1] <= 5.0:
        fault(
            ("wl_range_um",), f"wl_range_um is {list(entry.wl_range_um)}, rising and 0.4 to 5 um needed; give it in um"
        )
    twice = sorted({port for port in entry.ports.values() if list(entry.ports.values()).count(port) > 1})
    if twice:
        fault(("ports",), f"two drawn ports are {twice[0]!r}, 1 allowed; map each to a port of its own")
    if entry.model is None:
        for key in ("parameters", "settings", "length_from"):
            if getattr(entry, key):
                fault((key,), f"{key} belongs to a model and there is none; remove it", of_key=True)
        return found
    model = models.get(entry.model)
    if model is None:
        fault(("model",), f"unknown model {entry.model!r}{_known(entry.model, models)}")
        return found
    known = accepted(model.function)
    for section in ("parameters", "settings"):
        for key in getattr(entry, section):
            if key not in known:
                text = f"model {entry.model} has no parameter {key!r}{_known(key, known)}"
                fault((section, key), text, of_key=True)
            elif section == "settings" and key in entry.parameters:
                fault((section, key), f"{key} is in parameters too, 1 allowed; remove one", of_key=True)
    if entry.length_from is not None:
        if "length" not in known:
            fault(("length_from",), f"model {entry.model} has no parameter 'length'; remove it", of_key=True)
        elif "length" in entry.parameters or "length" in entry.settings:
            fault(("length_from",), "length is given otherwise too, 1 allowed; remove one", of_key=True)
    for drawn, port in entry.ports.items():
        if port not in model.ports:
            fault(("ports", drawn), f"model {entry.model} has no port {port!r}{_known(port, model.ports)}")
    return found


def _known(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known) or f"; there are: {', '.join(sorted(known)) or 'none'}"

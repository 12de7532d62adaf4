"""Sheets of parts that are bought, not drawn: lasers, connectors, drivers, receivers' amplifiers, serial links.

They lie in `components/parts/`, one YAML a part, and have numbers with sources like the sheets of drawn devices. What
each kind must say is in `PART_KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.model import Name
from cpo_pdk.spec.sheet import Parameter, Text
from cpo_pdk.spec.suggestions import did_you_mean
from cpo_pdk.spec.validation import problems_of
from cpo_pdk.spec.yaml_source import Source, read_yaml

PartKind = Literal["laser", "connector", "driver", "tia", "serdes", "control"]


@dataclass(frozen=True)
class Quantity:
    """One number that a kind of part has: unit, smallest and largest value, meaning."""

    unit: str
    low: float
    high: float
    meaning: str


PART_KINDS: MappingProxyType[PartKind, dict[str, Quantity]] = MappingProxyType(
    {
        "laser": {
            "wall_plug": Quantity("1", 0.001, 0.9, "light over electrical power of the whole module at wall_plug_at_C"),
            "wall_plug_at_C": Quantity("C", -40, 125, "case temperature that wall_plug holds for"),
            "wall_plug_drop_per_K": Quantity("1/K", 0, 0.1, "relative loss of wall_plug a kelvin of case temperature"),
            "rin_dB_Hz": Quantity("dB/Hz", -180, -100, "relative intensity noise"),
            "max_dBm": Quantity("dBm", -20, 40, "most light in one fibre of the module, all wavelengths"),
        },
        "connector": {
            "loss_dB": Quantity("dB", 0, 3, "insertion loss of one mated pair"),
            "return_loss_dB": Quantity("dB", 10, 90, "light sent back by one mated pair"),
        },
        "driver": {
            "rate_Gbps": Quantity("Gb/s", 1, 1000, "fastest lane that it is made for"),
            "bandwidth_GHz": Quantity("GHz", 0.1, 500, "3 dB bandwidth"),
            "resistance_ohm": Quantity("ohm", 0, 1000, "output resistance"),
            "static_mW": Quantity("mW", 0, 5000, "power of one lane without what charging the modulator takes"),
            "efficiency": Quantity("1", 0.01, 1, "energy that the modulator takes over what the supply gives for it"),
        },
        "tia": {
            "rate_Gbps": Quantity("Gb/s", 1, 1000, "fastest lane that it is made for"),
            "bandwidth_GHz": Quantity("GHz", 0.1, 500, "3 dB bandwidth"),
            "noise_uA": Quantity("uA", 0.001, 100, "input-referred noise current, rms over the bandwidth"),
            "power_mW": Quantity("mW", 0, 5000, "power of one lane"),
        },
        "serdes": {
            "rate_Gbps": Quantity("Gb/s", 1, 1000, "fastest lane that it is made for"),
            "host_pJ_bit": Quantity("pJ/bit", 0, 100, "energy in the ASIC, both directions, a bit of one direction"),
            "engine_pJ_bit": Quantity(
                "pJ/bit", 0, 100, "energy in the engine, both directions, a bit of one direction"
            ),
        },
        "control": {
            "ring_mW": Quantity("mW", 0, 1000, "loop, converter and monitor of one ring or interferometer"),
            "engine_W": Quantity("W", 0, 100, "controller, clocks and supply of one engine"),
            "heater_efficiency": Quantity("1", 0.01, 1, "heater power over the power that its driver takes"),
        },
    }
)


PART_OPTIONS: MappingProxyType[str, Quantity] = MappingProxyType(
    {
        "static_share": Quantity("1", 0, 1, "share of the power that is drawn without traffic as well"),
        "idle_share": Quantity("1", 0, 1, "share of the dynamic power that is drawn at idle"),
        "case_min_C": Quantity("C", -60, 150, "coldest case that it is made for"),
        "case_max_C": Quantity("C", -60, 150, "hottest case that it is made for"),
    }
)
"""Numbers that a part may have besides those of its kind."""


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
        return {kind: getattr(self, kind) for kind in PART_KINDS}


def unknown_part(name: str, kind: str, parts: Mapping[str, Part]) -> str:
    """What to say of a part that is not there, or is of another kind."""
    if name in parts:
        return f"{name} is a {parts[name].kind}, a {kind} needed; name another"
    known = sorted(n for n, part in parts.items() if part.kind == kind)
    return f'unknown part "{name}"{did_you_mean(name, known) or "; there are: " + ", ".join(known)}'

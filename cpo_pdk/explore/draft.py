"""A package spec and device sheets as plain data, whose values are read and set by dotted paths."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cpo_pdk.errors import InputError
from cpo_pdk.explore.expressions import whole
from cpo_pdk.explore.study import DEVICES
from cpo_pdk.models.operating import operating_point
from cpo_pdk.spec import architecture as architectures
from cpo_pdk.spec.grid import Grid

#: model -> arguments of its cell that it does not take, of sheets with a detuning that belongs to their geometry
_DETUNED = {"ring_modulator": ("width_heater",)}
#: arguments of a cell are drawn on the mask grid, um
_GRID_UM = 0.001


def in_sheet(path: str) -> bool:
    """Whether a path leads through a role of the engine into its device's sheet."""
    return path.startswith(DEVICES) and path.count(".") > 2


@dataclass
class Draft:
    """A design in the making.

    Attributes:
        data: of the spec.
        sheets: all device sheets by name, as they are in the files.
        defaults: the validated base: what the spec does not say.
        changed: sheet -> its values that are not those of the file.
    """

    data: dict[str, Any]
    sheets: dict[str, dict[str, Any]]
    defaults: Any = None
    changed: dict[str, set[str]] = field(default_factory=dict)

    def copy(self) -> Draft:
        """One that can be changed without this one."""
        changed = {name: set(values) for name, values in self.changed.items()}
        return Draft(copy.deepcopy(self.data), dict(self.sheets), self.defaults, changed)

    def devices(self) -> dict[str, str]:
        """Role -> name of its sheet, as the spec says or by default."""
        engine = self.data.get("engine", {})
        by_default = architectures.DEVICES.get(engine.get("architecture", "ring_wdm"), {})
        return {**by_default, **(engine.get("devices") or {})}

    def get(self, path: str) -> Any:
        """The value at a path: as said, else the default; raises `KeyError` where there is neither."""
        if in_sheet(path):
            role, section, key = path.removeprefix(DEVICES).split(".")
            value = self.sheets[self.devices()[role]][section][key]
            return value["value"] if isinstance(value, Mapping) else value
        here: Any = self.data
        default: Any = self.defaults
        for step in path.split("."):
            here = _step(here, step)
            default = _step(default, step) if isinstance(default, list | tuple) else getattr(default, step, None)
        value = default if here is None else here
        if value is None:
            raise KeyError(path)
        return value

    def put(self, path: str, value: Any) -> None:
        """Set the value at a path; null removes it.

        Args:
            path: as in a study.
            value: plain data.

        Raises:
            InputError: there is nothing to set a value in.
        """
        if in_sheet(path):
            self._put_in_sheet(path, value)
            return
        *parents, last = path.split(".")
        here: Any = self.data
        for number, step in enumerate(parents):
            if isinstance(here, dict) and here.get(step) is None:
                following = parents[number + 1] if number + 1 < len(parents) else last
                here[step] = self._whole_list(".".join(parents[: number + 1])) if following.isdigit() else {}
            here = _step(here, step)
            if not isinstance(here, dict | list):
                raise InputError(f"{path}: the base has no {step} to set a value in; set all of it")
        if isinstance(here, list):
            if not last.isdigit() or int(last) >= len(here):
                raise InputError(f"{path}: the base has {len(here)} values there, numbered from 0; correct the number")
            here[int(last)] = value
        elif last.isdigit():
            raise InputError(f"{path}: the base has no list there; set all of it")
        elif value is None:
            here.pop(last, None)
        else:
            here[last] = copy.deepcopy(value)

    def _whole_list(self, path: str) -> list[Any]:
        """The default at a path, as a list that can be changed."""
        try:
            found = self.get(path)
        except KeyError:
            found = None
        if not isinstance(found, list | tuple):
            raise InputError(f"{path}: the base has no list there; set all of it")
        return list(found)

    def _put_in_sheet(self, path: str, value: Any) -> None:
        role, section, key = path.removeprefix(DEVICES).split(".")
        name = self.devices().get(role)
        if name is None or name not in self.sheets:
            raise InputError(f"{path}: the engine has no {role} with a sheet; correct the role or name its sheet")
        sheet = copy.deepcopy(self.sheets[name])
        held = sheet.get(section) or {}
        if key not in held:
            has = ", ".join(held) or "nothing"
            raise InputError(f"{path}: {section} of the sheet {name} has no {key}; it has {has}")
        before = held[key]
        if isinstance(before, Mapping):
            source = f"set by a study; before: {before['source']}"
            held[key] = {**before, "value": value, "choice": True, "source": source}
            before = before["value"]
        else:
            if isinstance(value, float) and isinstance(before, int | float):
                value = whole(round(round(value / _GRID_UM) * _GRID_UM, 9))
            held[key] = value
        if value != before:
            self.sheets[name] = sheet
            self.changed.setdefault(name, set()).add(f"{section}.{key}")

    def retune(self) -> None:
        """Drive modulators of another shape at another detuning: the one with the largest modulation.

        Raises:
            ParameterError: a shape that has none.
        """
        for name, changed in self.changed.items():
            sheet = self.sheets[name]
            held = sheet.get("operating") or {}
            if sheet.get("model") not in _DETUNED or "detuning_nm" not in held or "operating.detuning_nm" in changed:
                continue
            values = {**{key: one["value"] for key, one in sheet["parameters"].items()}, **sheet["geometry"]}
            known = {key: one for key, one in values.items() if key not in _DETUNED[sheet["model"]]}
            wl = Grid.model_validate(self.data["engine"]["grid"]).wl_um
            levels = held["V_one"]["value"], held["V_zero"]["value"]
            best = operating_point(*levels, wl_center=wl[len(wl) // 2], **known).detuning_nm
            source = f"computed with this sheet, largest modulation; before: {held['detuning_nm']['source']}"
            held["detuning_nm"] = {**held["detuning_nm"], "value": best, "source": source}


def _step(here: Any, step: str) -> Any:
    """One step of a path; None where there is nothing."""
    if isinstance(here, Mapping):
        return here.get(step)
    if isinstance(here, list | tuple):
        return here[int(step)] if step.isdigit() and int(step) < len(here) else None
    return None

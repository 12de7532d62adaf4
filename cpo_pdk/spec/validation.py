"""From pydantic's errors to problems with a place in the YAML file, a limit and a cure."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from cpo_pdk.errors import Problem
from cpo_pdk.spec.name_rules import shown
from cpo_pdk.spec.suggestions import closest
from cpo_pdk.spec.yaml_source import Source

_EXPECTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of keys and values",
    "model_type": "a mapping of keys and values",
    "model_attributes_type": "a mapping of keys and values",
}


def problems_of(error: ValidationError, source: Source, model: type[BaseModel]) -> list[Problem]:
    """Every fault that pydantic found in the data of one file.

    Args:
        error: what validating `source.data` against `model` raised.
        source: the file.
        model: the model.
    """
    faults = error.errors(include_url=False)
    missing = {fault["loc"] for fault in faults if fault["type"] == "missing"}
    explained: set[tuple[int | str, ...]] = set()
    problems = []
    for fault in faults:
        if fault["type"] == "extra_forbidden":
            problem, meant = _unknown_key(fault["loc"], source, model, missing - explained)
            explained |= meant
            problems.append(problem)
    for fault in faults:
        if fault["type"] != "extra_forbidden" and fault["loc"] not in explained:
            problems.append(_problem(fault, source, model))
    return problems


def dotted(path: Sequence[str | int]) -> str:
    """A path as people write it: `engine.bump_pitch_um[0]`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def key_paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """All dotted paths of a model, sections and values: `engine`, `engine.grid`, `engine.grid.channels`."""
    for name, info in model.model_fields.items():
        yield prefix + name
        inner = _plain(info.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from key_paths(inner, f"{prefix}{name}.")


def _unknown_key(
    path: tuple[int | str, ...], source: Source, model: type[BaseModel], missing: set[tuple[int | str, ...]]
) -> tuple[Problem, set[tuple[int | str, ...]]]:
    """The problem of a key that the model does not know, and the missing key that it explains, if any."""
    *parent, key = path
    key = str(key)
    section = dotted(parent) or "the file"
    text = f"unknown key {shown(key)} in {section}"
    container = _plain(_annotation(model, parent))
    known = list(container.model_fields) if isinstance(container, type) and issubclass(container, BaseModel) else []
    siblings = source.data
    for step in parent:
        siblings = siblings[step]  # type: ignore[index]
    absent = [str(p[-1]) for p in missing if list(p[:-1]) == parent]
    present = siblings if isinstance(siblings, Mapping) else {}
    meant = closest(key, absent) or closest(key, [name for name in known if name not in present])
    homes = [p for p in key_paths(model) if p.rpartition(".")[2] == key]
    if meant:
        text += f'; did you mean "{meant}"?'
    elif homes:
        text += f"; it belongs to {homes[0].rpartition('.')[0] or 'the top level'}"
    else:
        text += f"; known keys: {', '.join(known)}"
    explained = {(*parent, meant)} & missing if meant else set()
    return source.problem(path, text, of_key=True), explained


def _problem(fault: Any, source: Source, model: type[BaseModel]) -> Problem:
    kind, path, value = fault["type"], fault["loc"], fault["input"]
    context: dict[str, Any] = fault.get("ctx") or {}
    name = dotted(path)
    info = _field(model, path)
    if kind == "missing":
        *parent, key = path
        if isinstance(key, int):
            return source.problem(parent, f"{dotted(parent)} has too few values; {_meaning(info)}")
        text = f'missing key "{key}" in {dotted(parent) or "the file"}'
        return source.problem(parent, f"{text}: {_meaning(info)}", of_key=True)
    if kind == "too_long" and isinstance(value, list):
        limit = context.get("max_length")
        return source.problem(path, f"{name} has {len(value)} values, {limit} are allowed; remove the others")
    if value is None and kind in _EXPECTED:
        return source.problem(path, f"{name} is empty, {_EXPECTED[kind]} is expected: {_meaning(info)}")
    if kind in _EXPECTED:
        text = f"{name} is {shown(value)}, {_EXPECTED[kind]} is expected{_number_cure(kind, value)}"
        return source.problem(path, text)
    if kind in ("greater_than_equal", "less_than_equal"):
        limit, side = (context["ge"], "below") if kind == "greater_than_equal" else (context["le"], "above")
        extra = info.json_schema_extra if info and isinstance(info.json_schema_extra, dict) else {}
        unit = f" {extra['unit']}" if extra.get("unit") else ""
        reason = f" ({extra['reason']})" if extra.get("reason") else ""
        limits = _limits(info)
        allowed = f"; use {limits['ge']:g} to {limits['le']:g}{unit}" if len(limits) == 2 else "; change it"
        text = f"{name} = {shown(value)}{unit} is {side} the limit {limit:g}{unit}{reason}{allowed}"
        return source.problem(path, text)
    if kind == "finite_number":
        return source.problem(path, f"{name} is {value}, a finite number is expected: {_meaning(info)}")
    if kind == "literal_error":
        allowed = _choices(info)
        meant = closest(value, allowed) if isinstance(value, str) else None
        hint = f'; did you mean "{meant}"?' if meant else ""
        return source.problem(path, f"{name} is {shown(value)}, allowed: {', '.join(allowed)}{hint}")
    if kind == "string_too_short":
        return source.problem(path, f"{name} is empty: {_meaning(info)}")
    message = str(fault["msg"]).removeprefix("Value error, ")
    return source.problem(path, message if message.startswith(f"{name} ") else f"{name}: {message}")


def _number_cure(kind: str, value: Any) -> str:
    if not isinstance(value, str) or kind not in ("float_type", "int_type"):
        return ""
    try:
        float(value)
    except ValueError:
        return "; the key's name carries the unit, write the bare number" if value[:1].isdigit() else ""
    return "; write it without quotes" if "_" not in value else "; write it without underscores"


def _meaning(info: FieldInfo | None) -> str:
    """Description and limits of a field, for messages."""
    if info is None:
        return "see the documentation of the format"
    parts = [info.description or "see the documentation of the format"]
    limits = _limits(info)
    if len(limits) == 2:
        parts.append(f"{limits['ge']:g} to {limits['le']:g}")
    choices = _choices(info)
    if choices:
        parts.append("one of " + ", ".join(choices))
    return ", ".join(parts)


def _limits(info: FieldInfo | None) -> dict[str, float]:
    """`ge` and `le` of a field, those it has."""
    limits: dict[str, float] = {}
    for item in info.metadata if info else ():
        limits.update({side: getattr(item, side) for side in ("ge", "le") if hasattr(item, side)})
    return limits


def _choices(info: FieldInfo | None) -> list[str]:
    """The texts that a Literal field allows."""
    annotation = _plain(info.annotation) if info else None
    return [str(v) for v in get_args(annotation) if isinstance(v, str)]


def _plain(annotation: Any) -> Any:
    """The annotation without `Annotated[...]` and `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            rest = [a for a in get_args(annotation) if a is not type(None)]
            if len(rest) != 1:
                return annotation
            annotation = rest[0]
        else:
            return annotation


def _step(annotation: Any, key: str | int) -> tuple[Any, FieldInfo | None]:
    """Annotation and field one level down."""
    annotation = _plain(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        info = annotation.model_fields.get(str(key))
        return (info.annotation, _of_value(info)) if info else (None, None)
    arguments = get_args(annotation)
    inner: Any = None
    if get_origin(annotation) is dict and len(arguments) == 2:
        inner = arguments[1]
    elif get_origin(annotation) is tuple and arguments:
        inner = arguments[min(key, len(arguments) - 1) if isinstance(key, int) and arguments[-1] is not ... else 0]
    if get_origin(inner) is Annotated:
        return inner, FieldInfo.from_annotation(inner)
    return inner, None


def _of_value(info: FieldInfo) -> FieldInfo:
    """The field with the limits of its value, where the value may also be left out (`Annotated[...] | None`)."""
    if get_origin(info.annotation) in (Union, types.UnionType):
        for part in get_args(info.annotation):
            if get_origin(part) is Annotated:
                inner = FieldInfo.from_annotation(part)
                inner.description = info.description or inner.description
                return inner
    return info


def _annotation(model: type[BaseModel], path: Sequence[str | int]) -> Any:
    annotation: Any = model
    for key in path:
        annotation, _ = _step(annotation, key)
    return annotation


def _field(model: type[BaseModel], path: Sequence[str | int]) -> FieldInfo | None:
    """The field that a path leads to; an element without a field of its own inherits that of its list."""
    annotation: Any = model
    info: FieldInfo | None = None
    for key in path:
        annotation, found = _step(annotation, key)
        info = found if found is not None or not isinstance(key, int) else info
    return info

"""YAML of strangers, read safely, with the line and column of every key and value.

Differences to `yaml.safe_load`: duplicate keys, tags, merge keys and more than one document are refused; aliases, depth
and size are limited; plain scalars follow the core schema of YAML 1.2 (`no`, `yes`, `on` stay text; `1e3` is a number).
The file is read as a stream of events, so nothing is expanded or called before it has been looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.name_rules import shown

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 64
MAX_ALIASES = 20
MAX_VALUES = 100_000
"""Most values that a file may hold, and stand for once its aliases are written out."""
MAX_PROBLEMS = 100
"""Problems after which reading of one file stops."""
MAX_DIGITS = 100

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: first bytes of a GDS (record HEADER) and of an OASIS file
_LAYOUT_MAGIC = (b"\x00\x06\x00\x02", b"%SEMI-OASIS")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCT = re.compile(r"0o[0-7]+", re.ASCII)
_HEX = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INF = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})

Position = tuple[int, int]
"""Line and column, both counted from 1."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the file.

    Attributes:
        value: as plain Python: dict, list, str, int, float, bool, None.
        position: where the value starts.
        children: the nodes of a mapping by key, of a list by index.
        keys: where each key of a mapping starts.
        size: number of values below, this one included, aliases written out.
    """

    value: Any
    position: Position
    children: dict[str | int, Node] = field(default_factory=dict)
    keys: dict[str, Position] = field(default_factory=dict)
    size: int = 1


@dataclass(frozen=True, slots=True)
class Source:
    """A YAML file that was read: its data, and the place of everything in it."""

    file: Path
    top: Node

    @property
    def data(self) -> dict[str, Any]:
        """The top-level mapping as plain Python."""
        return self.top.value

    def position(self, path: Sequence[str | int], *, of_key: bool = False) -> Position:
        """Where a value starts; where the file lacks it, the place of the closest parent that it has.

        Args:
            path: keys and indices from the top, `("engine", "bump_pitch_um", 0)`.
            of_key: the place of the key in front of the value instead.
        """
        node, place = self.top, (1, 1)
        for step in path:
            child = node.children.get(step)
            if child is None:
                return place
            key_place = node.keys.get(step) if isinstance(step, str) else None
            # A value in the line of its key is pointed at itself, a block below its key is pointed at by the key.
            block = key_place is not None and child.position[0] != key_place[0]
            place = key_place if key_place and (of_key or block) else child.position
            node = child
        return place

    def problem(self, path: Sequence[str | int], message: str, *, of_key: bool = False) -> Problem:
        """A problem with the value (or key) at `path`."""
        line, column = self.position(path, of_key=of_key)
        return Problem(self.file, line, column, message)


def read_yaml(file: Path) -> Source:
    """Read one YAML file with a mapping at the top.

    Args:
        file: path; messages name it as given.

    Raises:
        SpecError: the file cannot be read, is no UTF-8, or breaks a rule of this module; with line and column.
    """
    try:
        if not file.is_file():
            raise OSError("is a folder or a device" if file.exists() else "no such file")
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError([Problem(file, 1, 1, f"cannot be read: {reason}")]) from None
    return parse_yaml(raw, file)


def parse_yaml(raw: bytes | str, file: Path) -> Source:
    """Read YAML from memory; `file` is only named in messages.

    Raises:
        SpecError: as `read_yaml`.
    """

    def refuse(line: int, column: int, message: str) -> SpecError:
        return SpecError([Problem(file, line, column, message)])

    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if len(data) > MAX_BYTES:
        raise refuse(1, 1, f"is larger than {MAX_BYTES // 2**20} MB, the limit for a spec or sheet; split it")
    if data.startswith(_LAYOUT_MAGIC):
        raise refuse(1, 1, "is a layout (GDS or OASIS), a YAML file is expected; give the spec that it was built from")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        byte = data[error.start]
        raise refuse(line, column, f"is not UTF-8 text (byte 0x{byte:02x}); save it as UTF-8") from None
    odd = _UNPRINTABLE.search(text)
    if odd:
        line, column = text.count("\n", 0, odd.start()) + 1, odd.start() - text.rfind("\n", 0, odd.start())
        raise refuse(line, column, f"has a control character U+{ord(odd[0]):04X}; remove it")
    try:
        top, problems = _Builder(file).build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.problem, error.context) if part) or "cannot be parsed"
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise refuse(line, column, f"broken YAML: {what}; check indentation, colons and brackets there") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise refuse(1, 1, f"broken YAML: {shown(str(error))}") from None
    if top is None or (top.value is None and not problems):
        raise refuse(1, 1, "is empty; a mapping of keys and values is expected")
    if not isinstance(top.value, dict):
        problems.append(Problem(file, *top.position, "holds no mapping; `key: value` lines are expected at the top"))
    if problems:
        raise SpecError(problems)
    return Source(file, top)


class _Builder:
    """Builds nodes out of the parser's events; problems that let it go on are collected."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}  # None while the anchored value is still being read
        self.aliases = 0
        self.nodes = 0
        self.events: Iterator[Any] = iter(())

    def build(self, text: str) -> tuple[Node | None, list[Problem]]:
        """The top node (None for a file without a document) and what was found on the way."""
        self.events = yaml.parse(text, Loader=_LOADER)
        top: Node | None = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fault(event, "starts a second document; one file holds one, remove the `---`")
                    break
            elif isinstance(event, yaml.NodeEvent):
                top = self._node(event, 1)
        return top, self.problems

    def _place(self, event: Any) -> Position:
        return event.start_mark.line + 1, event.start_mark.column + 1

    def _fault(self, event: Any, message: str) -> None:
        self.problems.append(Problem(self.file, *self._place(event), message))
        if len(self.problems) >= MAX_PROBLEMS:
            raise SpecError(self.problems)

    def _stop(self, event: Any, message: str) -> SpecError:
        return SpecError([*self.problems, Problem(self.file, *self._place(event), message)])

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self.nodes += 1
        if self.nodes > MAX_VALUES:
            raise self._stop(event, f"holds more than {MAX_VALUES} values; no spec or sheet needs that")
        if depth > MAX_DEPTH:
            raise self._stop(event, f"is nested deeper than {MAX_DEPTH} levels; no spec or sheet needs that")
        if event.tag is not None:
            self._fault(event, f"tag {shown(event.tag)} is not allowed; write the plain value without a tag")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(event, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            node = Node(self._scalar(event), self._place(event))
        if node.size > MAX_VALUES:
            raise self._stop(event, f"stands for more than {MAX_VALUES} values; write less, or fewer aliases")
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self._stop(event, f"uses more than {MAX_ALIASES} aliases (`*name`); write the values out")
        node = self.anchors.get(event.anchor)
        if node is None:
            inside = event.anchor in self.anchors
            why = "refers to the value that it is part of" if inside else "refers to no anchor above it"
            raise self._stop(event, f"alias {shown('*' + event.anchor)} {why}")
        return node

    def _mapping(self, start: Any, depth: int) -> Node:
        children: dict[str | int, Node] = {}
        keys: dict[str, Position] = {}
        size = 1
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise self._stop(event, "a key must be plain text, not a list, mapping or alias")
            key = self._key(event)
            node = self._node(next(self.events), depth + 1)
            size += node.size
            if key in keys:
                line, column = keys[key]
                here, _ = self._place(event)
                text = f"key {shown(key)} appears twice, in line {line} (column {column}) and in line {here}; keep one"
                self._fault(event, text)
                continue
            keys[key] = self._place(event)
            children[key] = node
        value = {key: node.value for key, node in children.items()}
        return Node(value, self._place(start), children, keys, size)

    def _key(self, event: Any) -> str:
        if event.tag is not None:
            self._fault(event, f"tag {shown(event.tag)} is not allowed; write the plain key without a tag")
        elif event.value == "<<" and event.implicit[0]:
            self._fault(event, "merge keys (`<<`) are not supported; write the keys out")
        elif not isinstance(self._scalar(event), str):
            self._fault(event, f"key {shown(event.value)} is not text; put it in quotes if it is a name")
        if event.anchor is not None:
            self.anchors[event.anchor] = Node(event.value, self._place(event))
        return event.value

    def _sequence(self, start: Any, depth: int) -> Node:
        children: dict[str | int, Node] = {}
        size = 1
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            node = self._node(event, depth + 1)
            size += node.size
            children[len(children)] = node
        return Node([node.value for node in children.values()], self._place(start), children, size=size)

    def _scalar(self, event: Any) -> Any:
        if event.tag is not None or not event.implicit[0]:  # tagged (refused above) or quoted
            return event.value
        if len(event.value) > MAX_DIGITS and any(form.fullmatch(event.value) for form in (_FLOAT, _OCT, _HEX)):
            self._fault(event, f"number with more than {MAX_DIGITS} digits; shorten it")
            return event.value
        return core_scalar(event.value)


def core_scalar(text: str) -> str | int | float | bool | None:
    """The value of a plain (unquoted) scalar by the core schema of YAML 1.2 (chapter 10.3.2 of the specification)."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _OCT.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INF.fullmatch(text):
        return float("-inf") if text.startswith("-") else float("inf")
    return float("nan") if text in _NAN else text

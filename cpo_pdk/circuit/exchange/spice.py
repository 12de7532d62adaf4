"""Netlists in SPICE form, as KLayout writes and reads them: `.SUBCKT` a cell, `X` an instance, nets by name.

::

    * cell cpo_straight_L10 function=straight factory=cpo_straight
    .SUBCKT cpo_straight_L10 o1 o2
    .ENDS cpo_straight_L10
    .SUBCKT top o1 o2
    * cell instance first r0 *1 0,0
    Xfirst o1 n1 cpo_straight_L10 length=10.0 cross_section='strip'
    .ENDS top

A device is an empty sub-circuit, so that its pins have names; its settings are the parameters of the `X` lines, numbers
as they are, everything else in quotes. KLayout's reader takes these files. Ours does not go through it, because that
one turns names to capitals, gives up on texts as parameters, and says nothing of a pin that is left out.
Other characters than letters, digits and `_ . - : [ ] /` are written `%20`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import klayout.db as kdb

from cpo_pdk.circuit.exchange.plain_circuit import PlainCell, checked
from cpo_pdk.circuit.netlist import CellNetlist, Instance, Netlists, PortRef
from cpo_pdk.errors import InputError

_LINE = 100
_SAFE = "_.-:/"
_TOKEN = re.compile(r"[^\s=']+(?:\s*=\s*(?:'[^']*'|[^\s']+))?")
_PLACED = re.compile(r"\* cell instance (\S+) (\S+ \*1 \S+)")
_CELL = re.compile(r"\* cell (\S+) function=(\S*) factory=(\S*)")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def to_spice(netlists: Netlists) -> str:
    """The netlist as text; the same netlist gives the same text."""
    lines = ["* optical netlist; settings of a device are parameters of its X lines"]
    order = sorted(netlists.cells, key=lambda name: (not netlists.cells[name].leaf, name == netlists.top, name))
    for name in order:
        cell = netlists.cells[name]
        written = _name(name)
        pins = _pins(cell)
        lines.append(f"* cell {written} function={_name(cell.function)} factory={_name(cell.factory)}")
        lines += _folded([".SUBCKT", written, *(_name(pin) for pin in pins)])
        if not cell.leaf:
            lines += _instances(netlists, cell)
        lines.append(f".ENDS {written}")
    return "\n".join(lines) + "\n"


def _pins(cell: CellNetlist) -> list[str]:
    return sorted(port.name for port in cell.ports) if cell.leaf else sorted(cell.exposed)


def _instances(netlists: Netlists, cell: CellNetlist) -> Iterator[str]:
    nets: dict[PortRef, str] = {ref: _name(port) for port, ref in cell.exposed.items()}
    taken = set(nets.values())
    number = 0

    def fresh(stem: str) -> str:
        nonlocal number
        while True:
            number += 1
            if f"{stem}{number}" not in taken:
                return f"{stem}{number}"

    for link in cell.connections:
        nets[link.a] = nets[link.b] = fresh("n")
    for instance in cell.instances:
        placed = netlists.cells[instance.cell]
        place = kdb.DCplxTrans(1.0, instance.rotation, instance.mirror, instance.x + 0.0, instance.y + 0.0)
        name = _name(instance.name)
        yield f"* cell instance {name} {place}"
        pins = _pins(placed)
        words = [f"X{name}", *(nets.get((instance.name, pin)) or fresh("nc_") for pin in pins), _name(placed.name)]
        if placed.leaf:
            words += [f"{_name(key)}={_value(value)}" for key, value in sorted(placed.settings.items())]
        yield from _folded(words)


def _folded(words: list[str]) -> Iterator[str]:
    """Words as lines of bounded length; further lines begin with a plus."""
    line = words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > _LINE:
            yield line
            line = f"+ {word}"
        else:
            line += f" {word}"
    yield line


def _name(name: str) -> str:
    return quote(name, safe=_SAFE + "[]")


def _value(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return repr(value)
    text = value if isinstance(value, str) and not _is_json(value) else json.dumps(value, sort_keys=True)
    return f"'{quote(text, safe=_SAFE)}'"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_parameter(word: str) -> bool:
    """True for `key=value`; KLayout names the variants of a cell by their parameters, `cell(LENGTH=10)`."""
    key, equal, _ = word.partition("=")
    return bool(equal) and "(" not in key


def _read_value(text: str, where: str) -> Any:
    if text.startswith("'"):
        plain = unquote(text.strip("'"))
        return json.loads(plain) if _is_json(plain) else plain
    if not _NUMBER.fullmatch(text):
        raise InputError(f"{where}: {text!r} is no number; write text in single quotes")
    return float(text) if any(c in text for c in ".eE") else int(text)


def read_spice(path: Path, top: str | None = None) -> Netlists:
    """Read a file of this form; see `from_spice`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path}: can't be read ({error}); give a SPICE file") from error
    return from_spice(text, top, str(path))


def from_spice(text: str, top: str | None = None, where: str = "netlist") -> Netlists:
    """Read what `to_spice` or KLayout's writer wrote.

    Args:
        text: of the file; sub-circuits and their instances, nothing else.
        top: name of the top cell; default: the only one that is placed nowhere.
        where: what to call the text in messages.

    Raises:
        InputError: a statement of another kind, a wrong number of nets, a net of more than two ports, several top
            cells, and what `plain_circuit.checked` refuses; with the line where there is one.
    """
    reader = _Reader(where)
    for number, line in _statements(text):
        reader.line(number, line)
    return reader.netlists(top)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations, and the number of the first."""
    held: tuple[int, str] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("+") and held:
            held = (held[0], f"{held[1]} {line[1:].strip()}")
            continue
        if held:
            yield held
        held = (number, line) if line else None
    if held:
        yield held


class _Reader:
    def __init__(self, where: str) -> None:
        self.where = where
        self.cells: dict[str, PlainCell] = {}
        self.pins: dict[str, list[str]] = {}
        self.lines: dict[str, list[tuple[int, str, list[str], str, dict[str, Any]]]] = {}
        self.known: dict[str, tuple[str, str]] = {}
        self.places: dict[tuple[str, str], str] = {}
        self.names: set[tuple[str, str]] = set()
        self.used: set[str] = set()
        self.current = ""

    def fault(self, number: int, text: str) -> InputError:
        return InputError(f"{self.where}:{number}: {text}")

    def line(self, number: int, line: str) -> None:
        if line.startswith("*"):
            self.comment(line)
            return
        words = _TOKEN.findall(line)
        if "".join(words).replace(" ", "") != line.replace(" ", "").replace("\t", ""):
            raise self.fault(number, f"{line[:60]!r} is not understood; check its quotes")
        head = words[0].upper()
        if head == ".SUBCKT":
            self.begin(number, words)
        elif head == ".ENDS":
            if not self.current:
                raise self.fault(number, ".ENDS without .SUBCKT; remove it")
            self.current = ""
        elif head == ".END":
            return
        elif head.startswith("X") and len(head) > 1:
            self.instance(number, words)
        else:
            raise self.fault(number, f"{words[0]!r} is no .SUBCKT, .ENDS or X line; only these are read")

    def comment(self, line: str) -> None:
        placed = _PLACED.fullmatch(line)
        if placed and self.current:
            self.places[self.current, unquote(placed[1])] = placed[2]
        described = _CELL.fullmatch(line)
        if described:
            self.known[unquote(described[1])] = (unquote(described[2]), unquote(described[3]))

    def begin(self, number: int, words: list[str]) -> None:
        if self.current:
            raise self.fault(number, f".SUBCKT inside of {self.current!r}; write .ENDS first")
        if len(words) < 2 or any(_is_parameter(word) for word in words):
            raise self.fault(number, ".SUBCKT needs a name and pins, without parameters; give them to the X lines")
        name = unquote(words[1])
        if name in self.pins:
            raise self.fault(number, f"second .SUBCKT {name!r}, 1 allowed; rename one")
        self.current = name
        self.pins[name] = [unquote(word) for word in words[2:]]
        if len(set(self.pins[name])) < len(self.pins[name]):
            raise self.fault(number, f"a pin of {name!r} is given twice, 1 allowed; rename one")
        self.lines[name] = []

    def instance(self, number: int, words: list[str]) -> None:
        if not self.current:
            raise self.fault(number, f"{words[0]!r} is outside of a .SUBCKT; put it into one")
        plain = [word for word in words[1:] if not _is_parameter(word)]
        if not plain:
            raise self.fault(number, f"{words[0]!r} names no cell; write nets and cell")
        settings: dict[str, Any] = {}
        for word in words[1:]:
            if _is_parameter(word):
                key, _, value = word.partition("=")
                key = unquote(key.strip())
                if key in settings:
                    raise self.fault(number, f"parameter {key!r} is given twice, 1 allowed; remove one")
                settings[key] = _read_value(value.strip(), f"{self.where}:{number}")
        name = unquote(words[0][1:])
        if (self.current, name) in self.names:
            raise self.fault(number, f"second instance {name!r}, 1 allowed; rename one")
        self.names.add((self.current, name))
        nets = [unquote(net) for net in plain[:-1]]
        self.lines[self.current].append((number, name, nets, unquote(plain[-1]), settings))

    def netlists(self, top: str | None) -> Netlists:
        if self.current:
            raise InputError(f"{self.where}: .SUBCKT {self.current!r} has no .ENDS; add it")
        if not self.pins:
            raise InputError(f"{self.where}: no .SUBCKT; give a netlist of sub-circuits")
        for name, lines in self.lines.items():
            function, factory = self.known.get(name, ("", "") if lines else (name, name))
            self.cells[name] = PlainCell(name, function, factory, self.pins[name], leaf=not lines)
        for name, lines in self.lines.items():
            ends: dict[str, list[PortRef]] = {}
            for number, instance, nets, placed, settings in lines:
                self.place(number, name, instance, placed, settings)
                pins = self.pins[placed]
                if len(nets) != len(pins):
                    raise self.fault(number, f"{instance!r} has {len(nets)} nets, cell {placed!r} {len(pins)} pins")
                for net, pin in zip(nets, pins, strict=True):
                    ends.setdefault(net, []).append((instance, pin))
            self.connect(name, ends)
        placed = {instance.cell for cell in self.cells.values() for instance in cell.instances.values()}
        tops = sorted(self.cells.keys() - placed)
        if top is None and len(tops) != 1:
            raise InputError(f"{self.where}: {len(tops)} top cells ({', '.join(tops[:8])}), 1 needed; name one")
        return checked(self.cells, top or tops[0], self.where)

    def place(self, number: int, name: str, instance: str, placed: str, settings: dict[str, Any]) -> None:
        cell = self.cells.get(placed)
        if cell is None:
            raise self.fault(number, f"{instance!r} is of no known cell {placed!r}; add its .SUBCKT")
        if cell.leaf and placed not in self.used:
            self.used.add(placed)
            cell.settings = settings
        elif (cell.settings if cell.leaf else {}) != settings:
            what = "other settings than elsewhere" if cell.leaf else "settings, but is no device"
            raise self.fault(number, f"{instance!r}: cell {placed!r} has {what}; give it a .SUBCKT of its own")
        place = kdb.DCplxTrans.from_s(self.places.get((name, instance), "r0 *1 0,0"))
        self.cells[name].instances[instance] = Instance(
            instance,
            placed,
            "",
            round(place.disp.x, 6),
            round(place.disp.y, 6),
            round(place.angle, 6) % 360.0,
            place.is_mirror(),
        )

    def connect(self, name: str, ends: dict[str, list[PortRef]]) -> None:
        cell = self.cells[name]
        for net, refs in ends.items():
            pin = net in self.pins[name]
            if len(refs) + pin > 2:
                joined = ", ".join(f"{a}.{b}" for a, b in refs[:4])
                raise InputError(
                    f"{self.where}: {name}: net {net!r} joins {len(refs) + pin} ports ({joined}), 2 allowed; light "
                    "does not branch, place a splitter"
                )
            if pin:
                cell.exposed[net] = refs[0]
            elif len(refs) == 2:
                cell.links.append((refs[0], refs[1]))
        loose = sorted(set(self.pins[name]) - set(ends)) if not cell.leaf else []
        if loose:
            raise InputError(f"{self.where}: {name}: pin {loose[0]!r} is the port of no instance; remove or connect it")

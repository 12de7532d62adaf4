"""Recursive netlist dictionaries, as gdsfactory writes them and SAX reads them.

::

    {cell: {"instances": {name: {"component": ..., "settings": {...}, "array": {...}, "info": {...}}},
            "placements": {name: {"x": ..., "y": ..., "rotation": ..., "mirror": ...}},
            "nets": [{"p1": "a,o2", "p2": "b,o1"}], "ports": {"o1": "a,o1"}}}

The top cell comes first. A component that is a key of the dictionary is that cell; any other is a device of that
function with the given settings. Two settings of one function are two cells here, whatever they are called. What SAX
and gdsfactory take no notice of is in `info`: the name of the cell, who drew it, its ports. Names that are no
identifiers are written with `_x2f_` for each other character (SAX takes nothing else). Elements of a regular array,
`name[1,0]`, are one instance with `array`, and `name<1.0>,o1` is a port of one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cpo_pdk.circuit.exchange.plain_circuit import PlainCell, checked
from cpo_pdk.circuit.netlist import CellNetlist, Instance, Netlists, PortRef
from cpo_pdk.errors import InputError

_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = re.compile(r"_x([0-9a-f]{1,6})_")
_ELEMENT = re.compile(r"(.+)\[(\d{1,7}),(\d{1,7})\]", re.DOTALL)
_ARRAY_PORT = re.compile(r"(.+)<(\d{1,7})\.(\d{1,7})>", re.DOTALL)
#: most elements of all arrays that are read
ELEMENT_LIMIT = 1_000_000
#: positions agree within this, um
_POSITION = 1e-6


def escaped(name: str) -> str:
    """The name as an identifier; `unescaped` gives it back."""
    if _SAFE.fullmatch(name) and not _ESCAPED.search(name):
        return name
    body = "".join(c if c.isascii() and c.isalnum() else f"_x{ord(c):x}_" for c in name)
    return f"_x{ord(name[0]):x}_{body[1:]}" if name[:1].isdigit() and name[:1].isascii() else body


def unescaped(name: str) -> str:
    """The name that `escaped` was given."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if int(match[1], 16) < 0x110000 else match[0], name)


def to_dict(netlists: Netlists, *, by_cell: bool = False) -> dict[str, dict[str, Any]]:
    """The recursive netlist dictionary, the top cell first.

    Args:
        netlists: what to write.
        by_cell: a device's component is its cell and its settings are left out, for `sax_models.to_sax_models`.

    Raises:
        InputError: a name with a comma among the ports, which this form can't carry.
    """
    order = [netlists.top, *sorted(name for name in netlists.cells if name != netlists.top)]
    made = (netlists.cells[name] for name in order if not netlists.cells[name].leaf)
    found = {escaped(cell.name): _cell_dict(netlists, cell, by_cell) for cell in made}
    if not found:
        raise InputError(f"cell {netlists.top!r} is one device, a circuit needed; place it in a cell")
    return found


def to_text(netlists: Netlists) -> str:
    """`to_dict` as JSON; the same netlist gives the same text."""
    return json.dumps(to_dict(netlists), indent=1) + "\n"


def _cell_dict(netlists: Netlists, cell: CellNetlist, by_cell: bool) -> dict[str, Any]:
    arrays = _arrays(cell)
    names: dict[str, str] = {}
    instances: dict[str, Any] = {}
    placements: dict[str, Any] = {}
    for instance in cell.instances:
        match = _ELEMENT.fullmatch(instance.name)
        if match and match[1] in arrays:
            names[instance.name] = f"{escaped(match[1])}<{match[2]}.{match[3]}>"
            if (match[2], match[3]) != ("0", "0"):
                continue
            key, array = escaped(match[1]), arrays[match[1]]
        else:
            key, array = escaped(instance.name), None
            names[instance.name] = key
        placed = netlists.cells[instance.cell]
        by_function = placed.leaf and not by_cell
        clash = placed.function in netlists.cells and not netlists.cells[placed.function].leaf
        named = by_function and placed.function and not clash
        entry: dict[str, Any] = {
            "component": escaped(placed.function if named else placed.name),
            "settings": dict(sorted(placed.settings.items())) if by_function else {},
        }
        if array:
            entry["array"] = array
        if by_function:
            ports = sorted(port.name for port in placed.ports)
            entry["info"] = {
                "cell": placed.name,
                "function": placed.function,
                "factory": placed.factory,
                "ports": ports,
            }
        instances[key] = entry
        placements[key] = {
            "x": instance.x + 0.0,  # no -0.0
            "y": instance.y + 0.0,
            "rotation": instance.rotation,
            "mirror": instance.mirror,
        }

    def label(ref: PortRef) -> str:
        if "," in ref[1]:
            raise InputError(f"{cell.name}: port {ref[1]!r} has a comma in its name; rename it")
        return f"{names[ref[0]]},{ref[1]}"

    return {
        "instances": dict(sorted(instances.items())),
        "placements": dict(sorted(placements.items())),
        "nets": [{"p1": label(link.a), "p2": label(link.b)} for link in cell.connections],
        "ports": {port: label(ref) for port, ref in sorted(cell.exposed.items())},
        "info": {"cell": cell.name, "function": cell.function, "factory": cell.factory},
    }


def _arrays(cell: CellNetlist) -> dict[str, dict[str, Any]]:
    """Instances that are the elements of a regular array, by its name."""
    groups: dict[str, dict[tuple[int, int], Instance]] = {}
    plain_names = set()
    for instance in cell.instances:
        match = _ELEMENT.fullmatch(instance.name)
        if match and f"{match[1]}[{int(match[2])},{int(match[3])}]" == instance.name:
            groups.setdefault(match[1], {})[int(match[2]), int(match[3])] = instance
        else:
            plain_names.add(instance.name)
    found: dict[str, dict[str, Any]] = {}
    for stem, elements in groups.items():
        columns = 1 + max(column for column, _ in elements)
        rows = 1 + max(row for _, row in elements)
        if len(elements) != columns * rows or stem in plain_names or len(elements) < 2:
            continue
        first = elements[0, 0]
        dx = elements[1, 0].x - first.x if columns > 1 else 0.0
        dy = elements[0, 1].y - first.y if rows > 1 else 0.0
        regular = all(
            (one.cell, one.rotation, one.mirror) == (first.cell, first.rotation, first.mirror)
            and abs(one.x - first.x - column * dx) < _POSITION
            and abs(one.y - first.y - row * dy) < _POSITION
            for (column, row), one in elements.items()
        )
        if regular:
            pitches = {"column_pitch": round(dx, 6), "row_pitch": round(dy, 6)}
            found[stem] = {"columns": columns, "rows": rows, **pitches}
    return found


def read_netlist(path: Path, top: str | None = None) -> Netlists:
    """Read a JSON file of this form; see `from_dict`.

    Raises:
        InputError: it can't be read, is no JSON, names a key twice, or see `from_dict`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path}: can't be read ({error}); give a JSON file") from error
    return from_text(text, top, str(path))


def from_text(text: str, top: str | None = None, where: str = "netlist") -> Netlists:
    """Read `to_text`, or what `json.dumps` makes of a netlist of gdsfactory."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in pairs:
            if key in made:
                raise InputError(f"{where}: key {key!r} appears twice, 1 allowed; rename or remove one")
            made[key] = value
        return made

    try:
        document = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: no JSON ({error}); write it again") from error
    return from_dict(document, top, where)


def from_dict(document: Any, top: str | None = None, where: str = "netlist") -> Netlists:
    """A netlist from a recursive (or a single) netlist dictionary of gdsfactory or SAX.

    Args:
        document: what gdsfactory's `get_netlist` gives.
        top: name of the top cell; default: the first.
        where: what to call it in messages.

    Raises:
        InputError: something of another form, an unknown instance or port, a port in two connections.
    """
    if isinstance(document, Mapping) and isinstance(document.get("instances"), Mapping):
        document = {top or "top": document}
    if not isinstance(document, Mapping) or not document:
        raise InputError(f"{where}: no netlist; a dictionary of cells with instances, nets and ports is needed")
    cells: dict[str, PlainCell] = {}
    for key, value in document.items():
        if not isinstance(value, Mapping) or not isinstance(value.get("instances"), Mapping):
            raise InputError(f"{where}: {key}: no instances; a dictionary of cells with instances is needed")
        info = _mapping(value, "info", f"{where}: {key}")
        name = str(info.get("cell") or unescaped(str(key)))
        if name in cells:
            raise InputError(f"{where}: two cells are called {name!r}, 1 allowed; rename one")
        cells[name] = PlainCell(name, str(info.get("function") or ""), str(info.get("factory") or ""), leaf=False)
    by_key = {str(key): name for key, name in zip(document, list(cells), strict=True)}
    for key, value in document.items():
        _read_cell(cells, by_key, cells[by_key[str(key)]], value, f"{where}: {key}")
    first = by_key.get(top, top) if top is not None else next(iter(by_key.values()))
    return checked(cells, first, where)


def _mapping(value: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    found = value.get(key)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise InputError(f"{where}: {key} is {type(found).__name__}, a dictionary needed; write it again")
    return found


def _read_cell(
    cells: dict[str, PlainCell], by_key: Mapping[str, str], cell: PlainCell, value: Mapping[str, Any], where: str
) -> None:
    placements = _mapping(value, "placements", where)
    stray = sorted(str(name) for name in placements if name not in value["instances"])
    if stray:
        raise InputError(f"{where}: placement of an unknown instance {stray[0]!r}; rename or remove it")
    arrays: dict[str, tuple[int, int]] = {}
    for key, given in value["instances"].items():
        entry = {"component": given} if isinstance(given, str) else given
        if not isinstance(entry, Mapping) or not isinstance(entry.get("component"), str):
            raise InputError(f"{where}: instance {key!r} names no component; write component: name")
        placed = _placed_cell(cells, by_key, entry, f"{where}: {key}")
        x, y, rotation, mirror = _placement(placements.get(key), f"{where}: {key}")
        name = unescaped(str(key))
        array = entry.get("array")
        if not array:
            cell.instances[name] = Instance(name, placed, "", x, y, rotation, mirror)
            continue
        columns, rows, dx, dy = _array(array, f"{where}: {key}")
        arrays[str(key)] = (columns, rows)
        for column in range(columns):
            for row in range(rows):
                element = f"{name}[{column},{row}]"
                place = (round(x + column * dx, 6), round(y + row * dy, 6))
                cell.instances[element] = Instance(element, placed, "", *place, rotation, mirror)

    def ref(text: Any) -> PortRef:
        instance, comma, port = str(text).rpartition(",")
        if not comma or not instance or not port:
            raise InputError(f"{where}: {text!r} is no port of an instance; write instance,port")
        match = _ARRAY_PORT.fullmatch(instance)
        if match and match[1] in arrays:
            return f"{unescaped(match[1])}[{int(match[2])},{int(match[3])}]", port
        if instance in arrays:
            raise InputError(f"{where}: {text!r} is a port of an array; say of which element: {instance}<0.0>,{port}")
        return unescaped(instance), port

    nets = value.get("nets") or []
    if not isinstance(nets, list | tuple):
        raise InputError(f"{where}: nets is {type(nets).__name__}, a list needed; write it again")
    for net in nets:
        if not isinstance(net, Mapping) or "p1" not in net or "p2" not in net:
            raise InputError(f"{where}: a net has no p1 or p2; write {{p1: 'a,o1', p2: 'b,o1'}}")
        cell.links.append((ref(net["p1"]), ref(net["p2"])))
    for a, b in _mapping(value, "connections", where).items():
        cell.links.append((ref(a), ref(b)))
    cell.exposed.update({str(port): ref(end) for port, end in _mapping(value, "ports", where).items()})


def _placed_cell(cells: dict[str, PlainCell], by_key: Mapping[str, str], entry: Mapping[str, Any], where: str) -> str:
    """Name of the cell that an instance is of; a device gets a cell for each set of settings."""
    component = entry["component"]
    info = _mapping(entry, "info", where)
    if component in by_key and "cell" not in info:
        return by_key[component]
    settings = dict(_mapping(entry, "settings", where))
    function = str(info.get("function", unescaped(component))) if "cell" in info else unescaped(component)
    if "cell" in info:
        name = str(info["cell"])
    else:
        mark = hashlib.blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=4).hexdigest()
        name = f"{function}_{mark}" if settings else function
    ports = info.get("ports") if "cell" in info else None
    if ports is not None and not (isinstance(ports, list) and all(isinstance(port, str) for port in ports)):
        raise InputError(f"{where}: ports is {ports!r}, a list of names needed; write it again")
    known = cells.get(name)
    if known is None:
        factory = str(info.get("factory", function)) if "cell" in info else function
        cells[name] = PlainCell(name, function, factory, ports, settings)
    elif known.settings != settings or not known.leaf:
        raise InputError(f"{where}: cell {name!r} has other settings than elsewhere, 1 set allowed; rename one of them")
    return name


def _number(value: Any, what: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise InputError(f"{where}: {what} is {value!r}, a number needed; write it in um or degrees")
    return float(value)


def _placement(value: Any, where: str) -> tuple[float, float, float, bool]:
    given = value if isinstance(value, Mapping) else {}
    x, y, rotation = (_number(given.get(key, 0.0) or 0.0, key, where) for key in ("x", "y", "rotation"))
    return x, y, rotation, bool(given.get("mirror", False))


def _array(value: Any, where: str) -> tuple[int, int, float, float]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: array is {value!r}, columns and rows needed; write {{columns: 2, rows: 1}}")
    counts = [_number(value.get(key, 1), key, where) for key in ("columns", "rows")]
    if any(count != int(count) or count < 1 for count in counts) or counts[0] * counts[1] > ELEMENT_LIMIT:
        raise InputError(f"{where}: array of {counts[0]:g} x {counts[1]:g}, 1 to {ELEMENT_LIMIT} elements allowed")
    pitches = [_number(value.get(key, 0.0) or 0.0, key, where) for key in ("column_pitch", "row_pitch")]
    return int(counts[0]), int(counts[1]), pitches[0], pitches[1]

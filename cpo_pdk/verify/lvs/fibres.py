"""Where the fibre of each facet ends, and what it is, against what was asked.

A connector is told by the name it bears, a position by where it lies in the connector. What is wrong is told as the
pattern that it is, see `fibre_patterns`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import CONNECTOR
from cpo_pdk.circuit.netlist import CellNetlist, Netlists
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.port_plan import FibreKey
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.layers import CONNECTOR_LEVELS, FIBER_LEVELS, layer_of
from cpo_pdk.verify.lvs.array import MIRRORED_RULE, SWAPPED_RULE, Anchors
from cpo_pdk.verify.lvs.asked import AskedConnector, End
from cpo_pdk.verify.lvs.devices import Circuit, Device
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.fibre_patterns import FibreEnds, ended
from cpo_pdk.verify.lvs.standing import Standing

FIBRE_RULE, KIND_RULE, CONNECTOR_RULE = "LVS.fibre", "LVS.fibre_kind", "LVS.connector"

_PM, _SMF = "PM", "SMF"
#: drawing layer of fibres -> kind and ribbon layer (0: that of the lasers' fibres)
_FIBER_LAYERS = {"FIBER_PM": (_PM, 0), **{name: (_SMF, k) for k, name in enumerate(FIBER_LEVELS, start=1)}}
#: drawing layer of connectors -> row at the faceplate (0: that of the lasers)
_CONNECTOR_LAYERS = {"CONNECTOR_PM": 0, **{name: k for k, name in enumerate(CONNECTOR_LEVELS, start=1)}}


class Fibres:
    """The fibres of a package, drawn and asked.

    Args:
        file: the layout.
        netlists: of the file.
        circuit: of its top cell, with engines as devices.
        spec, sheets: what was asked.
        engines: which engine is which.
        anchors: cell of an engine -> its facets.
    """

    def __init__(
        self,
        file: LayoutFile,
        netlists: Netlists,
        circuit: Circuit,
        spec: PackageSpec,
        sheets: Mapping[str, Sheet],
        engines: Standing,
        anchors: Mapping[str, Anchors],
    ) -> None:
        self.file = file
        self.netlists = netlists
        self.circuit = circuit
        self.spec = spec
        self.sheets = sheets
        self.wanted = engines.asked.connectors
        self.stands = engines.stands
        self.engine: dict[str, Device] = {stand.asked.name: stand.device for stand in engines.stands}
        self.connectors = {d.path: d for d in circuit.devices.values() if d.function == CONNECTOR}
        self.names = {path: self._name(netlists.cells[d.cell]) for path, d in self.connectors.items()}
        self.positions = {d.cell: self._ordered(netlists.cells[d.cell]) for d in self.connectors.values()}
        self.asked: dict[FibreKey, End | None] = {}
        self.drawn: dict[FibreKey, End | None] = {}
        self.via: dict[FibreKey, tuple[str, ...]] = {}
        self.spare: dict[FibreKey, tuple[str, ...]] = {}
        self.use: dict[str, str] = {}
        for stand in engines.stands:
            for facet, found in anchors[stand.device.cell].pairs if stand.device.cell in anchors else ():
                key, ref = (stand.asked.name, facet.name), (stand.device.path, found.port)
                self.use[facet.name] = facet.use
                if stand.asked.spare:
                    self.spare[key] = circuit.via.get(ref, ())
                    continue
                self.asked[key] = engines.asked.ends.get(key)
                self.via[key] = circuit.via.get(ref, ())
                self.drawn[key] = self._end(circuit.partner.get(ref))

    @staticmethod
    def _name(cell: CellNetlist) -> str:
        return str(cell.settings.get("name") or cell.info.get("name") or cell.name)

    @staticmethod
    def _ordered(cell: CellNetlist) -> tuple[str, ...]:
        """Names of a connector's ports in the order of its positions: the fibres come from the west, 1 southernmost."""
        return tuple(port.name for port in sorted(cell.ports, key=lambda port: (port.y, port.x)))

    def _end(self, ref: tuple[str, str] | None) -> End | None:
        if ref is None:
            return None
        if ref[0] not in self.connectors:
            return (f"{ref[0]}.{ref[1]}", 0)
        ports = self.positions[self.connectors[ref[0]].cell]
        return (self.names[ref[0]], ports.index(ref[1]) + 1)

    def faults(self) -> Iterator[Fault]:
        """Everything that is wrong between facets and connectors."""
        yield from self._connectors()
        open_ends, wrong = [], {}
        bare = {name for name in self.engine if not any(cells for key, cells in self.via.items() if key[0] == name)}
        bare -= {stand.asked.name for stand in self.stands if stand.asked.spare}
        for name in sorted(bare):
            text = (
                f"no fibre meets a facet of engine {name}, {self.spec.engine.fibre_counts['total']} asked; move it back"
            )
            yield self._fault(FIBRE_RULE, text, name, "engines.gap_mm")
        mirrored = {stand.asked.name for stand in self.stands if stand.device.place.mirror}
        for key, end in self.asked.items():
            if key[0] in mirrored | bare:
                continue
            if self.drawn[key] != end:
                wrong[key] = end
            elif end is None and not self.via[key]:
                open_ends.append(key)
        for engine, facet in open_ends:
            text = f"no fibre at {facet} of engine {engine}, an alignment fibre asked; place it"
            yield self._fault(FIBRE_RULE, text, engine, "engine.loopbacks")
        yield from self._spares()
        yield from self._patterns(wrong)
        yield from self._kinds(mirrored)

    def _spares(self) -> Iterator[Fault]:
        """Fibres at an engine that waits without any."""
        met: dict[str, list[str]] = {}
        for (engine, facet), cells in self.spare.items():
            if cells:
                met.setdefault(engine, []).append(facet)
        for engine, facets in met.items():
            shown = ", ".join(facets[:4]) + (", ..." if len(facets) > 4 else "")
            text = f"{len(facets)} fibres at spare engine {engine} ({shown}), 0 asked; remove them"
            yield self._fault(FIBRE_RULE, text, engine, "engines.spares")

    def _connectors(self) -> Iterator[Fault]:
        by_name: dict[str, list[str]] = {}
        for path, name in self.names.items():
            by_name.setdefault(name, []).append(path)
        for name, connector in self.wanted.items():
            paths = by_name.get(name, [])
            if len(paths) != 1 and any(engine in self.engine for engine, _ in connector.fibres.values()):
                text = f"{len(paths)} connectors {name}, 1 asked; place one"
                device = self.connectors[paths[0]] if paths else None
                yield Fault(CONNECTOR_RULE, self.circuit.cell, text, device=device, spec_path=connector.spec_path)
            for path in paths:
                yield from self._connector(connector, path)
        if len(self.stands) == self.spec.engines.placed:
            for name in sorted(set(by_name) - set(self.wanted)):
                text = f"a connector {name} that was not asked for; remove or rename it"
                device = self.connectors[by_name[name][0]]
                yield Fault(CONNECTOR_RULE, self.circuit.cell, text, device=device, spec_path="faceplate.connector")

    def _connector(self, asked: AskedConnector, path: str) -> Iterator[Fault]:
        device, name = self.connectors[path], asked.name
        cell, ports = self.netlists.cells[device.cell], self.positions[device.cell]
        told: list[tuple[str, str]] = []
        said = str(cell.settings.get("kind") or cell.info.get("kind") or "")
        if said != asked.kind:
            told.append((CONNECTOR_RULE, f"is a {said or 'connector of no kind'}, {asked.kind} asked; draw that one"))
        if len(ports) != asked.positions:
            told.append((CONNECTOR_RULE, f"has {len(ports)} positions, {asked.positions} asked; draw it with all"))
        if device.place.mirror:
            text = "is mirrored: its positions run from the last to the first; turn it over"
            told.append((MIRRORED_RULE, text))
        wrong = [(port, k) for k, port in enumerate(ports, start=1) if port != f"p{k}"]
        if wrong:
            port, k = wrong[0]
            text = f"has port {port} at position {k}, p{k} asked; name its ports from south to north"
            told.append((CONNECTOR_RULE, text))
        rows = {_CONNECTOR_LAYERS[layer] for layer in self._drawn_on(device.cell, _CONNECTOR_LAYERS)}
        if rows != {asked.level}:
            found = " and ".join(_row_words(row) for row in sorted(rows)) or "no row"
            told.append((CONNECTOR_RULE, f"is drawn in {found}, {_row_words(asked.level)} asked; draw it there"))
        for rule, text in told:
            yield Fault(rule, self.circuit.cell, f"connector {name} {text}", device=device, spec_path=asked.spec_path)

    def _patterns(self, wrong: dict[FibreKey, End | None]) -> Iterator[Fault]:
        """Wrong ends, told as what they are; what fits no pattern fibre by fibre."""
        rules = {"swapped": SWAPPED_RULE, "mirrored": MIRRORED_RULE, "shifted": FIBRE_RULE}
        patterns = FibreEnds(self.wanted, self.asked, self.drawn, self.use)
        for found in patterns.told(wrong):
            yield self._fault(rules[found.kind], found.text, found.engine, found.spec_path or self._path(found.facet))
        for (engine, facet), end in wrong.items():
            found = self.drawn[engine, facet]
            ends = f"ends at {ended(found)}" if found else "ends at no connector"
            if found is None and not self.via[engine, facet]:
                ends = "is missing"
            text = f"the fibre of {facet} of engine {engine} {ends}, {ended(end)} asked; lead it there"
            yield self._fault(FIBRE_RULE, text, engine, self._path(facet))

    def _kinds(self, skip: set[str]) -> Iterator[Fault]:
        """Fibres of another kind, or in another ribbon layer, than asked; both are read from the layer drawn on."""
        devices = self.spec.engine.devices
        kinds: dict[str, str] = {}
        levels: dict[str, frozenset[int]] = {}
        other_kind: dict[tuple[str, str, str, str], list[str]] = {}
        other_level: dict[tuple[str, str, int], list[str]] = {}
        there: dict[str, set[int]] = {}
        suspects: list[tuple[str, tuple[str, str, int], str]] = []
        # ribbons that cross others are lifted as a whole, by all the rows of an engine
        rows = max((connector.level for connector in self.wanted.values()), default=1) or 1
        for (engine, facet), cells in self.via.items():
            if engine in skip:
                continue
            name = devices.laser_fiber if self.use[facet] == "laser" else devices.fiber
            wanted = str(self.sheets[name].geometry.get("kind", self.sheets[name].select.get("kind", _SMF)))
            end = self.asked[engine, facet]
            level = self.wanted[end[0]].level if end is not None else 0
            for cell in cells:
                if cell not in kinds:
                    kinds[cell], levels[cell] = self._drawn_kind(cell)
                if kinds[cell] != wanted:
                    other_kind.setdefault((engine, kinds[cell], wanted, name), []).append(facet)
                elif end is not None and level:
                    there.setdefault(end[0], set()).update(levels[cell])
                    if levels[cell] != {level}:
                        found = " and ".join(map(str, sorted(levels[cell])))
                        suspects.append((end[0], (engine, found, level), facet))
        for connector, which, facet in suspects:
            if not _lifted(there[connector], which[2], rows):
                other_level.setdefault(which, []).append(facet)
        for (engine, found, wanted, name), facets in other_kind.items():
            role = "laser_fiber" if self.use[facets[0]] == "laser" else "fiber"
            text = (
                f"the fibre of {', '.join(dict.fromkeys(facets))} of engine {engine} is {_kind_words(found)}, "
                f"{_kind_words(wanted)} ({name}) asked; draw that one"
            )
            yield self._fault(KIND_RULE, text, engine, f"engine.devices.{role}")
        for (engine, found, level), facets in other_level.items():
            text = (
                f"the fibre of {', '.join(dict.fromkeys(facets))} of engine {engine} lies in ribbon layer {found}, "
                f"{level} asked (or {rows} more, to cross others); draw it there"
            )
            yield self._fault(KIND_RULE, text, engine, "fibres.levels")

    def _drawn_on(self, cell: str, layers: Mapping[str, object]) -> list[str]:
        """Which of some layers a cell, or what is placed in it, draws on."""
        drawn = self.file.layout.cell(cell)
        on = {name: self.file.layout.find_layer(*layer_of(name)) for name in layers}
        return [name for name, index in on.items() if index is not None and not drawn.bbox_per_layer(index).empty()]

    def _drawn_kind(self, cell: str) -> tuple[str, frozenset[int]]:
        """PM or SMF by the layer of the outline, and its ribbon layers; one that says another kind is of neither."""
        found = self._drawn_on(cell, _FIBER_LAYERS)
        kinds = {_FIBER_LAYERS[name][0] for name in found}
        kind = kinds.pop() if len(kinds) == 1 else "/".join(sorted(found)) or "nothing"
        said = str(self.netlists.cells[cell].settings.get("kind", kind))
        kind = kind if said == kind else f"{kind},said_to_be_{said}"
        return kind, frozenset(_FIBER_LAYERS[name][1] for name in found)

    def _path(self, facet: str) -> str:
        return f"engine.{self.use[facet]}_fibres" if self.use[facet] != "loop" else "engine.loopbacks"

    def _fault(self, rule: str, text: str, engine: str, spec_path: str) -> Fault:
        layer = "FIBER" if rule != KIND_RULE else "FIBER/FIBER_PM"
        device = self.engine[engine]
        return Fault(rule, self.circuit.cell, text, device=device, spec_path=spec_path, layer=layer)


def _row_words(row: int) -> str:
    return f"row {row}" if row else "the lasers' row"


def _lifted(found: set[int], asked: int, rows: int) -> bool:
    """True for fibres of a connector that lie in one layer, above the one asked by all the rows of an engine."""
    return len(found) == 1 and all(level > asked and (level - asked) % rows == 0 for level in found)


def _kind_words(kind: str) -> str:
    words = {_PM: "polarisation-maintaining", _SMF: "single-mode"}
    own, _, said = kind.partition(",said_to_be_")
    text = words.get(own, "not drawn at all" if own == "nothing" else f"drawn on {own}")
    return f"{text} by its layer and {words.get(said, said)} by its settings" if said else text

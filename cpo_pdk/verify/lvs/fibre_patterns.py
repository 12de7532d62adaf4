"""Wrong ends of fibres, told as the mistake that they are: connectors exchanged, a ribbon turned over or shifted, the
lasers of two engines exchanged in their modules, two fibres exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cpo_pdk.spec.port_plan import FibreKey
from cpo_pdk.verify.lvs.asked import AskedConnector, End

_USE_WORDS = {"laser": "laser", "tx": "transmit", "rx": "receive"}


@dataclass(frozen=True)
class Pattern:
    """One mistake.

    Attributes:
        kind: "swapped", "mirrored" or "shifted".
        text: what is wrong, and the cure.
        engine, facet: of the first fibre concerned.
        spec_path: key of the spec, empty for that of the facet.
    """

    kind: str
    text: str
    engine: str
    facet: str
    spec_path: str = ""


@dataclass(frozen=True)
class FibreEnds:
    """Where fibres end, drawn and asked.

    Attributes:
        connectors: asked, by name.
        asked, drawn: (engine, facet) -> (connector, position).
        use: facet -> what it is for.
    """

    connectors: Mapping[str, AskedConnector]
    asked: Mapping[FibreKey, End | None]
    drawn: Mapping[FibreKey, End | None]
    use: Mapping[str, str]

    def told(self, wrong: dict[FibreKey, End | None]) -> Iterator[Pattern]:
        """The patterns in what is wrong; the fibres that they account for are taken out of `wrong`."""
        yield from self._whole_connectors(wrong)
        for connector in self.connectors.values():
            yield from self._reversed(connector, wrong)
            yield from self._shifted(connector, wrong)
        yield from self._pairs(wrong)

    def _members(self, connector: AskedConnector) -> dict[FibreKey, int]:
        """Fibres that were asked to end at a connector, of engines that are there, and their positions."""
        return {key: position for position, key in sorted(connector.fibres.items()) if key in self.asked}

    def _whole_connectors(self, wrong: dict[FibreKey, End | None]) -> Iterator[Pattern]:
        """All fibres of one connector at the same positions of another, and the other way round."""
        leads: dict[str, str] = {}
        for name, connector in self.connectors.items():
            members = self._members(connector)
            ends = {key: self.drawn[key] for key in members}
            others = {end[0] for end in ends.values() if end is not None}
            same_places = all(end is not None and end[1] == members[key] for key, end in ends.items())
            if same_places and len(others) == 1 and all(key in wrong for key in members):
                leads[name] = others.pop()
        for name, other in leads.items():
            if leads.get(other) == name and name < other:
                first, second = self._members(self.connectors[name]), self._members(self.connectors[other])
                for key in (*first, *second):
                    del wrong[key]
                counts = f"{len(first)}" if len(first) == len(second) else f"{len(first)} and {len(second)}"
                engine, facet = next(iter(first))
                text = (
                    f"connectors {name} and {other} are swapped: all {counts} fibres of each end at the "
                    "other; lead each to its own"
                )
                yield Pattern("swapped", text, engine, facet, self.connectors[name].spec_path)

    def _reversed(self, connector: AskedConnector, wrong: dict[FibreKey, End | None]) -> Iterator[Pattern]:
        """All fibres of one connector in reverse order: among themselves, or over all positions of the body."""
        members = self._members(connector)
        places = list(members.values())
        ends = [self.drawn[key] for key in members]
        over = [connector.positions + 1 - k for k in places]
        found = [end[1] if end is not None and end[0] == connector.name else 0 for end in ends]
        if len(members) <= 2 or found not in (places[::-1], over) or found == places:
            return
        for key in members:
            wrong.pop(key, None)
        first = connector.fibres[places[0]]
        held = next((key for key, at in zip(members, found, strict=True) if at == places[0]), None)
        text = (
            f"the {len(members)} fibres of {connector.name} are mirrored: position {places[0]} holds "
            f"{self._name(connector, held)}, {self._name(connector, first)} asked; turn the ribbon over"
        )
        yield Pattern("mirrored", text, *first, connector.spec_path)

    def _shifted(self, connector: AskedConnector, wrong: dict[FibreKey, End | None]) -> Iterator[Pattern]:
        """All fibres of one connector some positions further; the last ones then meet none."""
        members = self._members(connector)
        ends = [(position, self.drawn[key]) for key, position in members.items()]
        steps = {end[1] - position for position, end in ends if end is not None and end[0] == connector.name}
        elsewhere = any(end is not None and end[0] != connector.name for _, end in ends)
        met = sum(end is not None for _, end in ends)
        if len(steps) != 1 or steps == {0} or elsewhere or 2 * met <= len(members):
            return
        for key in members:
            wrong.pop(key, None)
        step, (place, end) = steps.pop(), ends[0]
        first = connector.fibres[place]
        text = (
            f"the {len(members)} fibres of {connector.name} are shifted by {abs(step)} position"
            f"{'s' if abs(step) > 1 else ''}: {self._name(connector, first)} meets {ended(end)}, "
            f"{connector.name}.{place} asked; move the connector"
        )
        yield Pattern("shifted", text, *first, connector.spec_path)

    def _pairs(self, wrong: dict[FibreKey, End | None]) -> Iterator[Pattern]:
        """Two fibres that are exchanged; all of one use of two engines exchanged is told as that."""
        at = {end: key for key, end in self.asked.items() if end is not None}
        pairs: list[tuple[FibreKey, FibreKey]] = []
        order = {key: k for k, key in enumerate(self.asked)}
        for key in list(wrong):
            end = self.drawn[key]
            other = at.get(end) if end is not None else None
            if key in wrong and other in wrong and self.drawn[other] == self.asked[key]:
                del wrong[key], wrong[other]
                first, second = sorted((key, other), key=lambda k: order[k])
                pairs.append((first, second))
        groups: dict[tuple[str, str, str], list[tuple[FibreKey, FibreKey]]] = {}
        for first, second in pairs:
            if first[0] != second[0] and first[1] == second[1]:
                groups.setdefault((first[0], second[0], self.use[first[1]]), []).append((first, second))
        for (engine, other, use), group in groups.items():
            count = sum(key[0] == engine and self.use[key[1]] == use for key in self.asked)
            if len(group) < max(count, 2):
                continue
            pairs = [pair for pair in pairs if pair not in group]
            text = (
                f"the {count} {_USE_WORDS.get(use, use)} fibres of engines {engine} and {other} are swapped: "
                f"{engine}.{group[0][0][1]} ends at {ended(self.drawn[group[0][0]])}, "
                f"{ended(self.asked[group[0][0]])} asked; lead each to its own positions"
            )
            yield Pattern("swapped", text, *group[0][0])
        for (engine, a), (second, b) in pairs:
            who = f"{a} and {b} of engine {engine}" if engine == second else f"{engine}.{a} and {second}.{b}"
            ends = f"{ended(self.asked[engine, a])} and {ended(self.asked[second, b])}"
            text = f"the fibres of {who} are swapped at {ends}; lead each to its own position"
            yield Pattern("swapped", text, engine, a)

    @staticmethod
    def _name(connector: AskedConnector, key: FibreKey | None) -> str:
        """A facet; with its engine where a connector serves several."""
        if key is None:
            return "none"
        several = len({engine for engine, _ in connector.fibres.values()}) > 1
        return f"{key[0]}.{key[1]}" if several else key[1]


def ended(end: End | None) -> str:
    """`MPO-N1.3`; words for an end that meets no connector."""
    if end is None:
        return "no connector (an open end)"
    return f"{end[0]}.{end[1]}" if end[1] else end[0]

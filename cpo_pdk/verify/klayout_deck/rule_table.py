"""All rules of the process as a table: for people (`docs/rules.md`), for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cpo_pdk.tech.rules import Rule, load_rules
from cpo_pdk.verify.formats.rule_words import unit_of
from cpo_pdk.verify.klayout_deck.deck import expressed

_HEAD = """# Rules of the process

Written by `cpo rules --out docs/rules.md` from `cpo_pdk/tech/data/rules.yaml`; a test keeps it true. {count} rules:
`cpo check` runs all of them; those marked *deck* KLayout runs too (`cpo klayout install`, then Tools > DRC). A source
in *italics* is a choice: no publication gives the number for this kind of process; the text says why it is what it is.
"""
_GROUPS = {
    "drc": "Design rules",
    "photonic": "Waveguides",
    "connectivity": "Connections",
    "lvs": "Circuit against spec",
    "assembly": "Package",
}
_COLUMNS = ("rule", "kind", "layers", "limit", "engines", "source")


def rule_rows(rules: Sequence[Rule] | None = None) -> list[dict[str, Any]]:
    """One dictionary a rule, in the order of the file.

    Args:
        rules: default: those of the process.

    Returns:
        name, group, kind, layers, value (None for a kind without a limit) and its unit, more (further numbers and
        words), limit (in words), source, choice, deck (whether KLayout runs it too).
    """
    rules = load_rules() if rules is None else tuple(rules)
    in_deck = {rule.name for rule in expressed(rules)}
    return [
        {
            "name": rule.name,
            "group": rule.group,
            "kind": rule.kind,
            "layers": list(rule.layers),
            "value": rule.value or None,
            "unit": unit_of(rule) if rule.value else "",
            "more": {**({"half_width": rule.half_width} if rule.half_width else {}), **rule.more},
            "limit": limit_words(rule),
            "source": rule.source,
            "choice": rule.choice,
            "deck": rule.name in in_deck,
        }
        for rule in rules
    ]


def limit_words(rule: Rule) -> str:
    """The limit with its unit, and whatever else the rule says, in words."""
    words = [f"{rule.value:g} {unit_of(rule)}".strip()] if rule.value else []
    words += [
        f"{key.replace('_', ' ')} {value:g}" if isinstance(value, int | float) else f"{key.replace('_', ' ')} {value}"
        for key, value in rule.more.items()
        if key != "unit"
    ]
    return ", ".join(words)


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows of `rule_rows` as a page."""
    parts = [_HEAD.format(count=len(rows))]
    for group in dict.fromkeys(row["group"] for row in rows):
        parts.append(f"\n## {_GROUPS.get(group, group)}\n\n")
        parts.append("| " + " | ".join(_COLUMNS) + " |\n" + "|---" * len(_COLUMNS) + "|\n")
        parts += [_line(row) for row in rows if row["group"] == group]
    return "".join(parts)


def _line(row: dict[str, Any]) -> str:
    source = row["source"].replace("|", "/").replace("*", "\\*")
    cells = (
        f"`{row['name']}`",
        row["kind"].replace("_", " "),
        ", ".join(row["layers"]) or "-",
        row["limit"] or "-",
        "check, deck" if row["deck"] else "check",
        f"*{source}*" if row["choice"] else source,
    )
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |\n"

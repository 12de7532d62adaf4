"""Names as other tools take them: letters, digits and underscores, each once."""

from __future__ import annotations

import re

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_]+")
_LONGEST = 120


def plain_name(name: str) -> str:
    """A name of letters, digits and underscores that begins with no digit; `tx_3/5` becomes `tx_3_5`."""
    plain = _NOT_PLAIN.sub("_", name)[:_LONGEST] or "_"
    return f"_{plain}" if plain[0].isdigit() else plain


class PlainNames:
    """Plain names that stay apart: the second one that would be equal gets a number."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """The plain name of `name`, the same whenever it is asked for."""
        if name not in self._given:
            stem = made = plain_name(name)
            number = 1
            while made in self._taken:
                number += 1
                made = f"{stem}_{number}"
            self._taken.add(made)
            self._given[name] = made
        return self._given[name]

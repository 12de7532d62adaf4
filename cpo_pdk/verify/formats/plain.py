"""Names and messages out of files as text that can steer nothing: no terminal, no XML parser, no page, no log."""

from __future__ import annotations

import html
import re

#: what Markdown may read as its own; of full stops only the one that begins a link
_MARKUP = re.compile(r"(?<=[wW]{3})\.|[!\"#$&'*:<>@\[\\\]^_`{|}~]")


def plain(text: str, longest: int | None = None) -> str:
    """One line of printable characters: anything else is written as its escape sequence, as `\\n`, `\\x1b`, `\\u202e`.

    Args:
        text: whatever a file holds.
        longest: cut after this many characters.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if longest is None or len(text) <= longest else text[: longest - 3] + "..."


def xml(text: str) -> str:
    """For the text of an element or an attribute in double quotes."""
    return html.escape(plain(text))


def markdown(text: str) -> str:
    """For the text of a table cell or a list item: no markup, no link, no mention of a user or an issue.

    Character references can't open markup. A mention is looked for after they are read: a space without width ends it.
    """
    text = _MARKUP.sub(_reference, plain(text))
    if text[:1].isdigit() or text.startswith((" ", "+", "-")):  # at the start of a line this is a list, or code
        text = f"&#{ord(text[0])};{text[1:]}"
    return text.replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;")


def markdown_code(text: str) -> str:
    """As `markdown`, for a name: in a fixed-width font, in which no mention is looked for."""
    return f"<code>{_MARKUP.sub(_reference, plain(text))}</code>"


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"


def number(count: int, what: str) -> str:
    """`1 violation`, `1,200 violations`."""
    return f"{count:,} {what}" if count != 1 else f"1 {what.removesuffix('s')}"

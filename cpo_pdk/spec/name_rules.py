"""Names that become file names, GDS cell names or connector labels.

One rule for all of them, narrower than any single consumer needs, so that a name means the same on every disk and in
every layout file: it cannot leave the output folder, it is not a device name of Windows, and GDS does not rewrite it.
"""

from __future__ import annotations

import re

from cpo_pdk.errors import InputError

MAX_NAME = 64
"""Longest name, characters: leaves room for prefix and suffix inside the 127 that layout readers accept."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_WINDOWS = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CLOCK$"} | {f"{port}{digit}" for port in ("COM", "LPT") for digit in range(10)}
)


def name_fault(name: str, *, hyphen: bool = False) -> str | None:
    """What is wrong with a name, or None.

    Args:
        name: the name as the user wrote it.
        hyphen: allow `-` after the first letter (connector labels such as `MPO-16`; never cell names).
    """
    if not name:
        return "a name is empty; give it a letter and up to 63 letters, digits or underscores"
    if any(part in name for part in ("/", "\\", "..")):
        return f"name {shown(name)} has path parts; a name stays in the output folder, use letters, digits, underscore"
    if len(name) > MAX_NAME:
        return f"name {shown(name)} has {len(name)} characters, at most {MAX_NAME} are allowed; shorten it"
    if not (_LABEL if hyphen else _NAME).fullmatch(name):
        allowed = "letters, digits, underscore" + (", hyphen" if hyphen else "")
        return f"name {shown(name)} must start with a letter and go on with {allowed} only"
    if name.upper() in _WINDOWS:
        return f"name {shown(name)} is reserved by Windows for a device; choose another one"
    return None


def check_name(name: str, what: str = "name", *, hyphen: bool = False) -> str:
    """The name itself, if it may be used.

    Args:
        name: the name as the user wrote it.
        what: what it names, opens the message.
        hyphen: allow `-` after the first letter.

    Raises:
        InputError: with the reason and the cure.
    """
    fault = name_fault(name, hyphen=hyphen)
    if fault:
        raise InputError(f"{what}: {fault}")
    return name


def shown(value: object, limit: int = 60) -> str:
    """A value from a file, printable on one line: text in quotes, control characters escaped, long ones cut."""
    words = {None: "null", True: "true", False: "false"}
    plain = words[value] if value is None or isinstance(value, bool) else repr(value)
    text = value if isinstance(value, str) else plain
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[: limit + 1])
    text = text[: limit - 3] + "..." if len(text) > limit else text
    return f'"{text}"' if isinstance(value, str) else text

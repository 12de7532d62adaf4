"""The outcome of a check in the formats that people, KLayout and CI read: one module each, all from `Verdict`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from cpo_pdk.errors import InputError
from cpo_pdk.output import write_bytes
from cpo_pdk.spec.name_rules import shown
from cpo_pdk.verify.findings import Verdict

#: verdict, file to write, path of the layout file -> the file
Writer = Callable[[Verdict, Path, str], Path]

#: suffix -> module that has `text(verdict, layout_file)`; imported when asked for
_TEXTS = {
    ".json": "json_document",
    ".lyrdb": "lyrdb",
    ".xml": "junit",
    ".sarif": "sarif",
    ".md": "markdown",
    ".txt": "text",
}


def write_report(
    verdict: Verdict,
    path: str | Path,
    layout_file: str | Path = "",
    *,
    more: Mapping[str, Writer] | None = None,
) -> Path:
    """Write a verdict in the format that the suffix of a file asks for, whole or not at all.

    Args:
        verdict: of a check.
        path: the file: .json (`--json` document), .lyrdb (KLayout), .xml (JUnit), .sarif, .md (Markdown), .txt.
        layout_file: path of the layout file; formats that point at it name it as seen from the working folder.
        more: writers of further suffixes.

    Returns:
        `path`.

    Raises:
        InputError: no format has that suffix.
        OutputError: it can't be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    more = more or {}
    refuse_unknown(path, more)
    if suffix in more:
        return more[suffix](verdict, path, str(layout_file))
    module = importlib.import_module(f"{__name__}.{_TEXTS[suffix]}")
    # what UTF-8 can't say is written as an escape sequence, which JSON reads back
    return write_bytes(path, module.text(verdict, str(layout_file)).encode("utf-8", "backslashreplace"))


def refuse_unknown(path: str | Path, more: Collection[str] = ()) -> None:
    """Raise `InputError` for a file whose suffix is no format, so that a long check isn't made in vain.

    Args:
        path: the file that is to be written.
        more: suffixes known besides those of this module.
    """
    path = Path(path)
    if path.suffix.lower() not in {*_TEXTS, *more}:
        what = f"suffix {shown(path.suffix)} is no format of a report" if path.suffix else "no suffix"
        raise InputError(f"{path}: {what}; use one of {', '.join(sorted({*_TEXTS, *more}))}")

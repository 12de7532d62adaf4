"""Reports of a check in every format there is, by the suffix of the file."""

from __future__ import annotations

from pathlib import Path

from cpo_pdk.verify import formats
from cpo_pdk.verify.findings import Verdict


def write_report(verdict: Verdict, path: str | Path, layout_file: str | Path = "") -> Path:
    """Write a verdict in the format that the suffix of a file asks for, whole or not at all.

    Args:
        verdict: of a check.
        path: the file: those of `verify.formats.write_report`, and .html, a page with pictures.
        layout_file: path of the layout file, which the page reads again for its pictures.

    Returns:
        `path`.

    Raises:
        InputError: no format has that suffix.
        OutputError: it can't be written.
        LayoutError: the layout can't be read for the pictures.
    """
    return formats.write_report(verdict, path, layout_file, more=_MORE)


def refuse_unknown(path: str | Path) -> None:
    """Raise `InputError` for a file whose suffix is no format."""
    formats.refuse_unknown(path, _MORE)


def _page(verdict: Verdict, path: Path, layout_file: str) -> Path:
    from cpo_pdk.report.check_page import write_check_page  # imports matplotlib, which no other format needs

    return write_check_page(verdict, path, layout_file)


_MORE = {".html": _page}

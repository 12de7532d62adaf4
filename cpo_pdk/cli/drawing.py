"""`cpo cells`: draw one device with arguments of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, TrustOption


def cells(
    name: Annotated[str, typer.Argument(help="A cell or a sheet, as 'cpo list' shows them.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An argument of the cell.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the GDS and the picture.")] = Path(
        "gds_out/cells"
    ),
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Draw one device: its GDS and a picture of it."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.cli.one_cell import draw_cell

        progress(f"drawing {name}")
        if trust:
            from cpo_pdk.components.own_cells import load_own_cells

            load_own_cells(Path.cwd())
        document = draw_cell(name, dict(_assignment(text) for text in settings or []), out, Path.cwd())
        progress("")
        text = [f"{key:9} {_words(value)}" for key, value in document.items()]
        return Outcome(document, text)

    console.run(work, json)


def _assignment(text: str) -> tuple[str, Any]:
    from cpo_pdk.errors import InputError
    from cpo_pdk.spec.yaml_source import MAX_DIGITS, core_scalar

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--set {text!r}: give KEY=VALUE, as in --set gap=0.2")
    if len(value) > MAX_DIGITS:
        raise InputError(f"--set {key.strip()}: a value of {len(value)} characters; {MAX_DIGITS} are allowed")
    return key.strip(), core_scalar(value.strip())


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

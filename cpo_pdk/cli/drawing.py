"""`cpo cells`: draw one device with arguments of one's own, or the gallery of all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress, TrustOption


def cells(
    name: Annotated[str | None, typer.Argument(help="A cell or a sheet, as 'cpo list' shows them.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An argument of the cell.")
    ] = None,
    gallery: Annotated[bool, typer.Option("--gallery", help="All devices as one page, gallery.html.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for what is written.")] = Path("gds_out/cells"),
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Draw one device: its GDS, a picture, and what its model says. With --gallery: a page with all of them."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.cli.one_cell import draw_cell, draw_gallery
        from cpo_pdk.errors import InputError

        if (name is None) != gallery or (gallery and settings):
            raise InputError("give either the NAME of a device (with --set as you like) or --gallery")
        if trust:
            from cpo_pdk.components.own_cells import load_own_cells

            load_own_cells(Path.cwd())
        if name is None:
            document = draw_gallery(out, Path.cwd(), progress)
            problems = document["problems"]
        else:
            progress(f"drawing {name}")
            document = draw_cell(name, dict(_assignment(text) for text in settings or []), out, Path.cwd())
            problems = {name: document["problem"]} if "problem" in document else {}
        progress("")
        for warning in document.get("warnings", ()):
            progress.warn(warning)
        hidden = ("warnings", "problems", "problem", "figures")
        text = [f"{key:13} {_words(value)}" for key, value in document.items() if key not in hidden]
        text += [f"{key:36} {_level(one)}" for key, one in document.get("figures", {}).items()]
        text += [f"{device}: {problem}" for device, problem in problems.items()]
        return Outcome(document, text, exit_code=1 if problems else 0)

    console.run(work, json)


def _level(figure: dict[str, Any]) -> str:
    return f"{figure['value']:.5g} {figure['unit']}".removesuffix(" 1")


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

"""`cpo klayout ...` and `cpo rules`: the rules as KLayout runs them, as a technology in its menu, and as a table."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cpo_pdk.cli import console
from cpo_pdk.cli.console import JsonOption, Outcome, Progress
from cpo_pdk.cli.guard import Limits

if TYPE_CHECKING:
    from cpo_pdk.verify.klayout_deck.agreement import RuleAgreement
    from cpo_pdk.verify.klayout_deck.installing import Installation

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", metavar="DIR", help="KLayout's folder; default: KLAYOUT_HOME, else the one in your home."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]

group = typer.Typer(
    name="klayout", help="The technology cpo in KLayout: colours, DRC deck, menu entries.", no_args_is_help=True
)


class Mode(StrEnum):
    """How KLayout runs the deck."""

    FLAT = "flat"
    DEEP = "deep"


@group.command("install")
def install(
    folder: FolderOption = None,
    dry_run: DryRunOption = False,
    remove: Annotated[bool, typer.Option("--uninstall", help="Take it out again, as `cpo klayout uninstall`.")] = False,
    json: JsonOption = False,
) -> None:
    """Put the technology into KLayout: layer colours, DRC deck, and menu entries that run cpo check."""
    if remove:
        uninstall(folder, dry_run, json)

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.verify.klayout_deck import installing

        done = installing.install(installing.klayout_folder(folder), dry_run=dry_run)
        text = _done(done, dry_run)
        if not dry_run:
            text.append("start KLayout anew; open a layout with: klayout -n cpo FILE")
            text.append("KLayout before 0.28.11 needs a copy of it: cpo klayout plain FILE COPY")
        return Outcome({**done.as_json(), "dry_run": dry_run}, text)

    console.run(work, json)


@group.command("uninstall")
def uninstall(folder: FolderOption = None, dry_run: DryRunOption = False, json: JsonOption = False) -> None:
    """Take out of KLayout what install put there, and nothing else."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.verify.klayout_deck import installing

        done = installing.uninstall(installing.klayout_folder(folder), dry_run=dry_run)
        return Outcome({**done.as_json(), "dry_run": dry_run}, _done(done, dry_run))

    console.run(work, json)


@group.command("path")
def path(folder: FolderOption = None, json: JsonOption = False) -> None:
    """Print KLayout's folder, and say what of cpo is installed there."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk import __version__
        from cpo_pdk.verify.klayout_deck import installing

        state = installing.state(installing.klayout_folder(folder))
        if not state.version:
            progress.warn("cpo is not installed there; cpo klayout install puts it there")
        elif state.version != __version__:
            progress.warn(f"version {state.version} is installed, this is {__version__}; cpo klayout install renews it")
        for name in state.missing:
            progress.warn(f"{name} is missing; cpo klayout install puts it back")
        for name in state.changed:
            progress.warn(f"{name} was changed since it was installed")
        document = {
            "folder": str(state.folder),
            "technology": installing.NAME,
            "installed": state.version or None,
            "missing": list(state.missing),
            "changed": list(state.changed),
        }
        return Outcome(document, [str(state.folder)])

    console.run(work, json)


@group.command("plain")
def plain(
    gds: Annotated[Path, typer.Argument(metavar="GDS", help="A GDS or OASIS file.")],
    out: Annotated[Path, typer.Argument(metavar="COPY", help="The copy; .gds or .oas by its ending.")],
    json: JsonOption = False,
) -> None:
    """Copy a layout without its meta information: KLayout before 0.28.11 says 'Invalid record inside a context
    info cell' of a GDS file that has it. Look at the copy, but check and simulate the file itself."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.circuit.layout_file import read_layout
        from cpo_pdk.errors import InputError
        from cpo_pdk.output import refuse_unwritable, write_bytes
        from cpo_pdk.verify.klayout_deck.program import plain_copy

        if out.suffix.lower() not in (".gds", ".oas"):
            raise InputError(f"{out}: ending {out.suffix!r} is no kind of layout; use .gds or .oas")
        refuse_unwritable(out, but=(gds,))
        with tempfile.TemporaryDirectory(prefix="cpo-plain-") as folder:
            write_bytes(out, plain_copy(read_layout(gds), Path(folder) / f"copy{out.suffix.lower()}").read_bytes())
        document = {"gds": gds.as_posix(), "copy": out.as_posix(), "bytes": out.stat().st_size}
        return Outcome(document, [f"wrote {out.as_posix()}: polygons and texts, no meta information"])

    console.run(work, json, Limits())


@group.command("deck")
def deck(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it to this .lydrc file.")] = None,
    json: JsonOption = False,
) -> None:
    """Print the DRC deck that KLayout runs: klayout -b -r FILE -rd input=x.gds -rd report=x.lyrdb."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.output import write_text
        from cpo_pdk.tech.rules import load_rules
        from cpo_pdk.verify.klayout_deck import deck as decks

        rules = load_rules()
        text = decks.deck(rules)
        document: dict[str, Any] = {
            "deck": out.as_posix() if out else None,
            "rules": [rule.name for rule in decks.expressed(rules)],
            "not_in_deck": [rule.name for rule in decks.not_expressed(rules)],
        }
        if out is None:
            return Outcome({**document, "text": text}, verbatim=text)
        write_text(out, text)
        missing = len(document["not_in_deck"])
        words = f"wrote {out.as_posix()}: {len(document['rules'])} rules; {missing} more only in cpo check"
        return Outcome(document, [words])

    console.run(work, json)


@group.command("compare")
def compare(
    gds: Annotated[
        Path | None,
        typer.Argument(metavar="[GDS]", help="A GDS or OASIS file; default: a layout that breaks every rule."),
    ] = None,
    mode: Annotated[Mode, typer.Option("--mode", help="How KLayout runs the deck.")] = Mode.FLAT,
    program: Annotated[str, typer.Option("--klayout", metavar="PROGRAM", help="Name or path of KLayout.")] = "klayout",
    time_limit: Annotated[float, typer.Option("--time-limit", metavar="S", min=1, help="For KLayout, s.")] = 600.0,
    json: JsonOption = False,
) -> None:
    """Run both engines, cpo check and the deck in KLayout, and compare what they find, place by place."""

    def work(progress: Progress) -> Outcome:
        from cpo_pdk.circuit.layout_file import read_layout
        from cpo_pdk.verify.klayout_deck.agreement import compare_engines
        from cpo_pdk.verify.klayout_deck.planted import planted_layout

        progress("reading" if gds else "drawing what breaks every rule")
        file = read_layout(gds) if gds else planted_layout()[0]
        progress("both engines")
        found = compare_engines(file, mode=mode.value, program=program, time_limit=time_limit)
        progress("")
        rows = [
            {
                "rule": a.rule,
                "both": len(a.both),
                "only_check": [[b.left, b.bottom, b.right, b.top] for b in a.only_check],
                "only_deck": [[b.left, b.bottom, b.right, b.top] for b in a.only_deck],
            }
            for a in found
        ]
        agrees = all(a.agrees for a in found)
        words = f"{len(found)} rules, {sum(len(a.both) for a in found)} places: " + (
            "both engines agree" if agrees else "the engines do not agree"
        )
        return Outcome({"agree": agrees, "rules": rows}, [_table(found), words], 0 if agrees else 1)

    console.run(work, json, Limits())


def rules(
    out: Annotated[Path | None, typer.Option("--out", help="Also write the table to this Markdown file.")] = None,
    json: JsonOption = False,
) -> None:
    """Print the rules of the process: layers, limit, where each number comes from, and which engines run it."""

    def work(progress: Progress) -> Outcome:
        from rich.table import Table

        from cpo_pdk.output import write_text
        from cpo_pdk.verify.klayout_deck.rule_table import markdown, rule_rows

        rows = rule_rows()
        if out is not None:
            write_text(out, markdown(rows))
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("rule", "group", "kind", "layers", "limit", "choice", "deck", "source"):
            table.add_column(heading)
        for row in rows:
            marks = ("choice" if row["choice"] else "", "deck" if row["deck"] else "")
            layers = ", ".join(row["layers"])
            table.add_row(row["name"], row["group"], row["kind"], layers, row["limit"], *marks, row["source"])
        deck_count = sum(row["deck"] for row in rows)
        return Outcome({"rules": rows}, [table, f"{len(rows)} rules, {deck_count} of them in the KLayout deck too"])

    console.run(work, json)


def _done(done: Installation, dry_run: bool) -> list[Any]:
    will = "would be " if dry_run else ""
    text = [f"{done.folder}: technology {'unchanged' if not (done.written or done.removed) else 'cpo'}"]
    for word, names in (("written", done.written), ("removed", done.removed)):
        text += [f"  {will}{word}  {name}" for name in names]
    text += [f"  left as it is, it was changed  {name}" for name in done.left]
    return text


def _table(found: tuple[RuleAgreement, ...]) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("rule", "found by both", "only by check", "only by deck"):
        table.add_column(heading, justify="left" if heading == "rule" else "right")
    for a in found:
        style = "" if a.agrees else "bold red"
        table.add_row(a.rule, str(len(a.both)), str(len(a.only_check)), str(len(a.only_deck)), style=style)
    return table

"""The commands put together, and the one place where the parser's own errors are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from cpo_pdk import __version__
from cpo_pdk.cli import (
    budget,
    building,
    census,
    characterizing,
    comparing,
    devices,
    drawing,
    exchanging,
    explore,
    handing_over,
    heat,
    inspecting,
    klayout,
    lanes,
    planning,
    projects,
    releasing,
    tolerance,
    yields,
)
from cpo_pdk.cli.console import settings
from cpo_pdk.cli.streams import stdout_failed

app = typer.Typer(
    name="cpo",
    help="Photonic layout of co-packaged optics: a spec in; a checked GDS, lane margins, energy and heat out.",
    epilog="Exit codes: 0 clean, 1 a check failed, 2 bad input, 3 a fault of cpo itself, 130 interrupted or "
    "terminated, 141 the reader of a pipe went away, 143 terminated before it had begun.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: UsageError, the root of what the parser refuses; its module differs between releases of typer
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(json.dumps({"version": __version__}) if settings.as_json else f"cpo_pdk {__version__}", flush=True)
        raise typer.Exit


@app.callback()
def _global_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As --json behind the command.")] = False,
) -> None:
    settings.debug = debug


app.command("init")(projects.init)
app.command("list")(projects.list_)
app.command("plan")(planning.plan)
app.command("build")(building.build)
app.command("check")(inspecting.check)
app.command("simulate")(inspecting.simulate)
app.command("budget")(budget.budget)
app.command("thermal")(heat.thermal)
app.command("tolerance")(tolerance.tolerance)
app.command("yield")(yields.yield_)
app.command("census")(census.census)
app.command("lanes")(lanes.lanes)
app.command("testmap")(lanes.testmap)
app.command("netlist")(exchanging.netlist)
app.command("export")(handing_over.export)
app.command("spectrum")(exchanging.spectrum)
app.command("report")(building.report)
app.command("explore")(explore.explore)
app.command("diff")(comparing.diff)
app.command("verify")(releasing.verify)
app.command("cells")(drawing.cells)
app.command("schema")(devices.schema)
app.command("validate")(devices.validate)
app.command("rules")(klayout.rules)
app.add_typer(klayout.group)
app.command("characterize")(characterizing.characterize)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run `cpo` with `arguments` (default: those of the process) and return the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    settings.as_json = "--json" in arguments
    try:
        return _parsed(arguments)
    except SystemExit as stop:  # the parser's own way out when the reader of the help went away
        if isinstance(stop.__context__, BrokenPipeError):
            return stdout_failed(stop.__context__)
        raise
    except OSError as error:
        return stdout_failed(error)
    finally:
        settings.as_json = False


def _parsed(arguments: list[str]) -> int:
    try:
        code = app(args=arguments, prog_name="cpo", standalone_mode=False)
        sys.stdout.flush()
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):  # before or after the work of a command
        print("cpo: interrupted; earlier results are untouched", file=sys.stderr)
        return 130
    except _UsageError as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)  # type: ignore[attr-defined]
        if not message:  # `cpo` alone: the help was printed
            return 2
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "cpo"
        print(f"cpo: {message} ({command} --help shows what there is)", file=sys.stderr)
        if settings.as_json:
            document = {"error": {"type": "UsageError", "message": message, "exit_code": 2}}
            print(json.dumps(document), flush=True)
        return 2
    return code if isinstance(code, int) else 0

"""What there is to use: device sheets, bought parts, cells and package specs, those that ship and a project's."""

from __future__ import annotations

import inspect
from pathlib import Path


def inventory(project: Path) -> dict[str, list[dict[str, str]]]:
    """Sheets, parts, cells and specs by kind; `origin` is `shipped` or the file in the project.

    Raises:
        SpecError: a sheet has problems.
    """
    from cpo_pdk.components import CELLS
    from cpo_pdk.spec import data_folder, list_specs, load_sheets
    from cpo_pdk.spec.part_choice import load_parts

    def origin(file: Path, kind: str) -> str:
        shipped = data_folder("assemblies" if kind == "spec" else "components")
        return "shipped" if file.resolve().is_relative_to(shipped.resolve()) else file.as_posix()

    return {
        "sheets": [
            {
                "name": name,
                "cell": sheet.cell,
                "model": sheet.model or (f"measured {sheet.measured.file}" if sheet.measured else "-"),
                "description": sheet.description,
                "origin": origin(sheet.origin, "sheet"),
            }
            for name, sheet in sorted(load_sheets(project).items())
        ],
        "parts": [
            {"name": name, "kind": part.kind, "description": part.description, "origin": origin(part.origin, "part")}
            for name, part in sorted(load_parts(project).items(), key=lambda entry: (entry[1].kind, entry[0]))
        ],
        "cells": [
            {
                "name": name,
                "arguments": ", ".join(f"{p.name}={p.default}" for p in inspect.signature(factory).parameters.values()),
                "description": (inspect.getdoc(factory) or "").partition("\n")[0],
            }
            for name, factory in sorted(CELLS.items())
        ],
        "specs": [{"name": name, "origin": origin(file, "spec")} for name, file in sorted(list_specs(project).items())],
    }

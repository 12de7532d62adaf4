"""Violations as a KLayout marker database (`.lyrdb`): opens beside the layout, each marker at its place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import klayout.db as kdb
import klayout.rdb as rdb

from cpo_pdk.errors import OutputError
from cpo_pdk.tech.rules import load_rules
from cpo_pdk.verify.findings import CheckResult, Verdict


def write_lyrdb(result: CheckResult | Verdict, path: str | Path) -> Path:
    """Write the violations of a check so that KLayout shows them.

    The file is complete or not there: it is written beside its place and moved into it.

    Args:
        result: of `check`, `drc` or `connectivity`.
        path: the file to write, usually `.lyrdb`.

    Returns:
        `path`.

    Raises:
        OutputError: it can't be written.
    """
    path = Path(path)
    database = rdb.ReportDatabase(path.stem)
    database.generator = "cpo check"
    database.description = (
        f"{len(result.violations)} violations, {len(result.rules)} rules, {result.looked_at} things looked at"
    )
    meaning = {rule.name: f"{rule.kind} {rule.layer_names} {rule.value:g}: {rule.source}" for rule in load_rules()}
    categories: dict[str, rdb.RdbCategory] = {}
    cells: dict[str, rdb.RdbCell] = {}
    for violation in result.violations:
        if violation.rule not in categories:
            category = database.create_category(violation.rule)
            category.description = meaning.get(violation.rule, "")
            categories[violation.rule] = category
        if violation.cell not in cells:
            cells[violation.cell] = database.create_cell(violation.cell)
        item = database.create_item(cells[violation.cell].rdb_id(), categories[violation.rule].rdb_id())
        item.add_value(kdb.DBox(*violation.bbox))
        item.add_value(violation.message)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise OutputError(f"{path}: can't be written ({error.strerror or error}); give a folder that exists") from error
    try:
        database.save(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"{path}: can't be written ({' '.join(str(error).split())}); check the folder") from error
    return path

"""Files that say nothing, or something else than they hold: never right by having looked at nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest

from cpo_pdk.errors import SpecError
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.findings import CheckResult

Says = Callable[[CheckResult, str, str], bool]


def _silent(bench: Any, *, only: str = "") -> None:
    """Take what cells say about themselves out of the file."""
    for cell in bench.layout.each_cell():
        if only in cell.name:
            for item in list(cell.each_meta_info()):
                cell.remove_meta_info(item.name)


def test_a_file_that_says_nothing_of_itself_is_not_clean(planted: Callable[..., CheckResult], says: Says) -> None:
    with_spec = planted(_silent)
    assert not with_spec.clean
    assert says(with_spec, "LVS.engines", "0 engines drawn, 2 asked")
    alone = planted(_silent, spec=None)
    assert alone.looked_at == 0
    assert not alone.not_applicable
    assert not alone.clean


def test_a_device_that_says_nothing_of_itself_is_not_the_one_asked_for(
    planted: Callable[..., CheckResult], says: Says
) -> None:
    result = planted(lambda bench: _silent(bench, only="cpo_psr"))
    assert not result.clean
    assert any("psr" in v.message or "splitter-rotator" in v.message for v in result.violations)


def test_a_file_without_devices_has_nothing_to_compare(tmp_path: Path, compared: Callable[..., CheckResult]) -> None:
    layout = kdb.Layout()
    layout.create_cell("top").shapes(layout.layer(*layer_of("M2"))).insert(kdb.DBox(0, 0, 10, 10))
    layout.write(str(tmp_path / "metal.gds"))
    alone = compared(tmp_path / "metal.gds", spec=None)
    assert alone.not_applicable and alone.clean and alone.looked_at == 0
    assert not compared(tmp_path / "metal.gds").clean


def test_a_bump_drawn_by_hand(planted: Callable[..., CheckResult], says: Says) -> None:
    result = planted(lambda bench: bench.box(bench.engine(), "BUMP", 40, 900, 58, 918))
    assert says(result, "LVS.bumps", "1 shapes on BUMP in a cell that is no bump")


def test_a_spec_with_an_unknown_sheet_is_refused(small: Any, compared: Callable[..., CheckResult]) -> None:
    sheets = {name: sheet for name, sheet in small.sheets.items() if name != "psr"}
    with pytest.raises(SpecError, match="psr"):
        compared(small.engine, sheets=sheets)


def test_the_layout_is_left_as_it_was(small: Any, compared: Callable[..., CheckResult]) -> None:
    before = small.engine.read_bytes()
    first, second = compared(small.engine), compared(small.engine)
    assert first.violations == second.violations
    assert first.counted == second.counted
    assert small.engine.read_bytes() == before

"""The mode solver's tables, recomputed where the extra `characterize` is installed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cpo_pdk.cli.app import run

pytest.importorskip("femwell", reason="the extra 'characterize' is not installed")

from cpo_pdk.characterize import etch, guides, pairs
from cpo_pdk.characterize.cross_section import Fineness, graded, strip
from cpo_pdk.models.modes import table


def test_a_node_of_the_table_is_found_again() -> None:
    raw = table("strip_modes")
    i, j = raw["width"].index(0.4), raw["modes"]["TE"]["height"].index(0.22)
    index, slope = guides.guide(strip(0.4, 0.22), raw["wl"][0][1], Fineness(), "TE", 2.9)
    assert index == pytest.approx(raw["modes"]["TE"]["neff"][i][j][0][1], abs=2e-6)
    assert slope == pytest.approx(raw["modes"]["TE"]["dneff_dT"][i][j][0][1], abs=2e-8)


def test_a_pair_of_the_table_is_found_again() -> None:
    raw = table("pair_modes")["strip"]
    i, k = raw["width"].index(0.42), raw["gap"].index(0.15)
    kappa = pairs.kappa(0.42, 0.22, 0.15, 1.31, pairs.FINENESS)
    assert np.log(kappa) == pytest.approx(raw["log_kappa"][i][1][0][1][k], abs=2e-4)


def test_a_slab_of_the_table_is_found_again() -> None:
    raw = table("rib_etch")
    i, j = raw["width"].index(0.4), raw["height"].index(0.22)
    thin, drawn = (
        guides.guide(strip(0.4, 0.22, slab), raw["wl"][0][1], Fineness(), "TE", etch.INDEX_MAX)[0]
        for slab in (0.08, 0.09)
    )
    assert thin - drawn == pytest.approx(raw["dneff"][i][j][0][1][0], abs=2e-6)


def test_mesh_lines_stand_on_the_walls() -> None:
    lines = graded(0.0, 2.0, (0.2, 0.5), Fineness())
    assert lines[0] == 0
    assert lines[-1] == 2
    assert np.all(np.diff(lines) > 0)
    assert {0.2, 0.5} <= set(np.round(lines, 12))
    assert np.diff(lines).max() < 0.21


def test_the_command_writes_its_table_and_says_where(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["characterize", "--quick", "--only", "overlap", "--out", str(tmp_path), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    made = json.loads(Path(told["files"]["overlap"]).read_text(encoding="utf-8"))
    shipped = table("rib_overlap")
    assert made["provenance"]["command"] == "cpo characterize --only overlap --quick"
    np.testing.assert_allclose(np.sum(made["weight"], axis=2), np.sum(shipped["weight"], axis=2), rtol=0.01)

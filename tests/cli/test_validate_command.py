"""`cpo validate`: published numbers of one room or device, as text, JSON and page; an unknown one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cpo_pdk.cli.app import run


def test_links_are_compared_as_devices_are(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "link", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert {case["device"] for case in found["cases"]} == {"link"}
    assert len(found["cases"]) > 90
    assert found["missed"] == 0
    quantities = " ".join(case["quantity"] for case in found["cases"])
    for words in ("400GBASE-DR4", "400G-FR4", "germanium receiver", "penalty at 2.4e-4", "extinction 6 dB"):
        assert words in quantities


def test_page_of_one_room(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "energy.md"
    assert run(["validate", "energy", "--out", str(page)]) == 0
    assert "| energy |" in page.read_text(encoding="utf-8")
    assert "0 missed" in capfd.readouterr().out


def test_unknown_room_is_refused_with_a_guess(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "lnik"]) == 2
    assert 'did you mean "link"?' in capfd.readouterr().err

"""`cpo characterize` without its mode solver, and with a part that there is not."""

from __future__ import annotations

import json

import pytest

from cpo_pdk.cli import characterizing
from cpo_pdk.cli.app import run


def test_a_missing_solver_is_said_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(characterizing, "find_spec", lambda _name: None)
    assert run(["characterize", "--json"]) == 2
    error = json.loads(capfd.readouterr().out)["error"]
    assert error["type"] == "InputError"
    assert 'pip install "cpo-pdk[characterize]"' in error["message"]

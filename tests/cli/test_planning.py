"""`cpo plan`: numbers without a drawing, refusals with exit code 2, nothing written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cpo_pdk.spec import find_spec


def cpo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cpo_pdk", *arguments], cwd=folder, capture_output=True, text=True, timeout=300
    )


def test_plan_says_what_a_package_comes_to(tmp_path: Path) -> None:
    done = cpo(tmp_path, "plan", "optical_io_ucie", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["fibres"]["total"] == 18
    assert facts["traces"]["reach"] == "UCIe-S"
    assert any("8 transmit fibres x 8 wavelengths x 32 Gb/s = 2.048 Tb/s" in line for line in facts["arithmetic"])
    text = cpo(tmp_path, "plan", "optical_io_ucie").stdout
    for words in ("18 an engine", "the longest", "dB at 16 GHz", "0 crossings", "of the OIF 3.2T module", "N1"):
        assert words in text
    assert list(tmp_path.iterdir()) == []


def test_plan_refuses_with_the_line_the_numbers_and_a_cure(tmp_path: Path) -> None:
    text = find_spec("switch_28t8").read_text(encoding="utf-8")
    spec = tmp_path / "narrow.yaml"
    spec.write_text(text.replace("{north: 28,", "{north: 15,"), encoding="utf-8")
    done = cpo(tmp_path, "plan", "narrow.yaml", "--json")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    [north] = error["problems"]
    assert "6 engines do not fit the north side" in north["message"]
    assert "of 15 mm; raise asic.shoreline_mm.north by" in north["message"]
    assert "shoreline_mm" in spec.read_text(encoding="utf-8").splitlines()[north["line"] - 1]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [spec]

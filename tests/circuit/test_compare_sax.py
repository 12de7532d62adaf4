"""The comparison with SAX runs, or says that SAX is not there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "compare_sax.py"


def test_prints_one_object_and_agrees_where_sax_is_installed() -> None:
    command = [sys.executable, str(SCRIPT), "--json", "--circuits", "5", "--wavelengths", "3"]
    document = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if document["sax"] is None:
        assert "pip install sax" in document["skipped"]
    else:
        assert document["random"]["circuits"] == 5
        assert document["random"]["agree"], document

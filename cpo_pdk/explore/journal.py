"""What was computed before, kept by content: a study that is begun again computes only what it has not yet."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cpo_pdk import output
from cpo_pdk.explore.evaluation import FAULT, STAGES, Evaluation


class Journal:
    """One small file a design, named by its key, in one folder.

    Args:
        folder: made when something is first kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str) -> Evaluation | None:
        """What came of a design; None where it was not computed, or its file is damaged."""
        document = read_json(self._file(key))
        if document is None or document.get("key") != key or document.get("stage") not in STAGES:
            return None
        measures, gates = _numbers(document.get("measures")), document.get("gates")
        if measures is None or not isinstance(gates, Mapping) or (document["stage"] == "done" and not measures):
            return None
        seconds = float(document.get("seconds", 0.0))
        return Evaluation(key, measures, document["stage"], str(document.get("reason", "")), gates, seconds)

    def keep(self, evaluation: Evaluation) -> None:
        """Remember what came of a design; faults of the program are tried again next time.

        Raises:
            OutputError: it can't be written.
        """
        if evaluation.reason.startswith(FAULT) or any(not math.isfinite(v) for v in evaluation.measures.values()):
            return
        output.make_folder(self.folder)
        output.write_json(self._file(evaluation.key), evaluation.as_json())

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def read_json(file: Path) -> dict[str, Any] | None:
    """A JSON object from a file; None where it is not there, can't be read, or is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _numbers(found: Any) -> dict[str, float] | None:
    """A mapping of numbers as one; None for anything else."""
    if not isinstance(found, Mapping):
        return None
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in found.values()):
        return None
    return {str(name): float(value) for name, value in found.items()}

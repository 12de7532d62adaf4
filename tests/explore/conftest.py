"""A study that is quick to search: designs are real texts, what they are worth is a formula."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpo_pdk.explore.study import Study, load_study

HERE = str(Path(__file__).parent)
if HERE not in sys.path:  # other processes import the formula by its name
    sys.path.append(HERE)

TEXT = """
name: quick
base: switch_51t2
designs: {designs}
generation: 8
sampler: {sampler}
seed: {seed}
variables:
  laser_dBm: {{path: laser.per_wavelength_dBm, low: 10, high: 18, step: 0.25}}
  bias: {{path: engine.heater_bias_nm, low: 0.2, high: 1.2, step: 0.05}}
  pitch: {{path: engine.fibre_pitch_um, choices: [127, 165, 250]}}
  drop_gap: {{path: engine.devices.drop_filter.geometry.gap, low: 0.12, high: 0.22, step: 0.01}}
  arrangement:
    choices:
      round: {{engines.per_side: {{north: 2, east: 2, south: 2, west: 2}}}}
      two_sides: {{engines.per_side: {{north: 4, south: 4}}, engines.pitch_mm: null, asic.shoreline_um: 1700}}
derived:
  engine.bump_pitch_um.1: pitch / 2
objectives: {objectives}
constraints: {constraints}
build: 3
"""


@pytest.fixture
def quick(tmp_path: Path) -> Callable[..., Study]:
    """Makes the study with some of its values."""

    def make(**changed: Any) -> Study:
        values = {
            "designs": 24,
            "sampler": "tpe",
            "seed": 1,
            "objectives": "{energy_pJ_bit: minimize, margin_dB: maximize}",
            "constraints": "{margin_dB: {min: 0}}",
        }
        file = tmp_path / "quick.yaml"
        file.write_text(TEXT.format(**{**values, **changed}))
        return load_study(file)

    return make

"""An own cell with an own sheet, placed in the engines of a package: the project in `own_project/`.

`own_project/components/boxed_modulator.py` draws it, `boxed_modulator.yaml` beside it ties it to a compact model,
`own_project/assemblies/small_switch.yaml` names the sheet as its modulator. A project's Python files are
run only when one says that it is trusted: `trust=True` here, `--trust` on the command line.

Run: python examples/own_cell.py [OUT]
"""

from __future__ import annotations

import sys
from pathlib import Path

import cpo_pdk
from cpo_pdk.build_result import BuildResult

PROJECT = Path(__file__).parent / "own_project"


def main(out: Path) -> BuildResult:
    """Build, check and simulate the package with the own modulator in it."""
    return cpo_pdk.build(PROJECT / "assemblies" / "small_switch.yaml", out=out, project=PROJECT, trust=True)


if __name__ == "__main__":
    result = main(Path(sys.argv[1] if len(sys.argv) > 1 else "gds_out/examples"))
    own = [item for lane in result.simulation.lanes for item in lane.items if item.cell == "boxed_modulator"]
    print(result.report, f"{len(own)} passes through the own modulator, worst {max(i.loss_dB for i in own):.2f} dB")

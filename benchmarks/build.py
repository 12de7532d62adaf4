"""How long `cpo build` takes, how much memory, how large the results; and what twice the engines cost.

    python benchmarks/build.py [--json]

Each build runs in a process of its own. The doubled package has 16 engines in place of 8 (wall time and GDS of drawing,
checks and simulation together), with everything else of the shipped spec that the larger number allows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cpo_pdk.spec import data_folder

SPEC = data_folder("assemblies") / "switch_51t2.yaml"
#: what the doubled package changes in the text of the shipped spec
DOUBLED = {
    r"name: switch_51t2": "name: switch_102t4",
    r"bandwidth_Tbps: 51\.2": "bandwidth_Tbps: 102.4",
    r"count: 8": "count: 16",
    r"per_side: \{[^}]*\}": "per_side: {north: 4, east: 4, south: 4, west: 4}",
    r"pitch_mm: 12\.0": "pitch_mm: 7.5",
    r"distance_mm: 130": "distance_mm: 200",
    r"shoreline_um: 1100": "shoreline_um: 1700",
}


def measure(spec: Path, folder: Path) -> dict[str, Any]:
    """Build `spec` once: wall time (s), peak memory (MB), stages (s) and sizes (bytes)."""
    command = [sys.executable, "-m", "cpo_pdk", "build", str(spec), "--json", "--out", str(folder)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, err = process.communicate()
    seconds = time.perf_counter() - start
    if process.returncode not in (0, 1):
        raise SystemExit(f"cpo build failed: {err or out}")
    result = json.loads(out)
    gds = Path(result["gds"])
    return {
        "seconds": round(seconds, 2),
        "peak_MB": _peak_MB(),
        "stages": result["seconds"],
        "exit_code": process.returncode,
        "lanes_per_direction": result["lanes_per_direction"],
        "gds_bytes": gds.stat().st_size,
        "report_bytes": Path(result["report"]).stat().st_size,
        "violations": {name: check["violations"] for name, check in result["checks"].items()},
    }


def _peak_MB() -> float | None:
    """Largest memory of any child so far, MB; None where the platform doesn't say."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6, 0)


def doubled(text: str) -> str:
    """The shipped spec with twice the engines."""
    for pattern, replacement in DOUBLED.items():
        text, count = re.subn(pattern, replacement, text, count=1)
        if not count:
            raise SystemExit(f"the shipped spec has no {pattern!r} any more; mend this benchmark")
    return text


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        once = measure(SPEC, folder / "once")
        larger = folder / "switch_102t4.yaml"
        larger.write_text(doubled(SPEC.read_text("utf-8")), "utf-8")
        twice = measure(larger, folder / "twice")
    document = {
        "cores": os.cpu_count(),
        "once": once,
        "twice_the_engines": twice,
        "ratio": {key: round(twice[key] / once[key], 2) for key in ("seconds", "gds_bytes")},
    }
    if as_json:
        print(json.dumps(document))
        return
    for name in ("once", "twice_the_engines"):
        row = document[name]
        print(f"{name:18} {row['seconds']:6.1f} s  {row['peak_MB']} MB  GDS {row['gds_bytes'] / 1e6:.2f} MB")
        print(f"{'':18} {row['stages']}")
    print(f"{'ratio':18} {document['ratio']}")


if __name__ == "__main__":
    main()

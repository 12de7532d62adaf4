"""How long the commands take that do nothing heavy: `cpo --help`, `cpo --version`, `import cpo_pdk`.

    python benchmarks/startup.py [--json] [--runs N]

The best and the median of N runs, after one that is not counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "cpo --help": [sys.executable, "-m", "cpo_pdk", "--help"],
    "cpo --version": [sys.executable, "-m", "cpo_pdk", "--version"],
    "import cpo_pdk": [sys.executable, "-c", "import cpo_pdk"],
    "python alone": [sys.executable, "-c", "pass"],
}


def measure(command: list[str], runs: int) -> dict[str, float]:
    """Best and median wall time of `command`, s."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return {"best": round(min(times[1:]), 3), "median": round(statistics.median(times[1:]), 3)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--runs", type=int, default=7, help="runs that count")
    arguments = parser.parse_args()
    document = {name: measure(command, arguments.runs) for name, command in COMMANDS.items()}
    if arguments.json:
        print(json.dumps(document))
        return
    for name, row in document.items():
        print(f"{name:16} best {row['best']:.3f} s, median {row['median']:.3f} s")


if __name__ == "__main__":
    main()

"""Does the search beat chance? Volume of the objectives covered by each sampler at the same number of designs.

    python benchmarks/explore.py [--study FILE] [--designs N] [--seeds N] [--samplers tpe,nsga2,random] [--workers N]
                                 [--folder DIR] [--json] [--fast]

Every sampler begins with the same known designs and evaluates the same number of distinct ones. The volume is that of
the feasible points that no other one beats, as a share of the box between the best and (a tenth beyond) the worst value
of each objective over all runs, so that the shares can be compared. Designs are computed in full detail but not built;
one that several runs ask for is computed once. `--folder` keeps what was computed for the next time.

`--fast`: the accelerator package of one engine, 24 designs, one seed, for a look.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from cpo_pdk.execution import Bar, Place
from cpo_pdk.explore.front import costs, covered
from cpo_pdk.explore.run import explore
from cpo_pdk.explore.study import Study, load_study

STUDIES = Path(__file__).resolve().parent.parent / "assemblies" / "studies"
FULL, FAST = STUDIES / "rings_51t2.yaml", STUDIES / "rings_ucie.yaml"


def run(study: Study, samplers: list[str], seeds: int, folder: Path, workers: int) -> dict[str, Any]:
    """All runs of all samplers; results by sampler."""
    found: dict[tuple[str, int], list[tuple[int, dict[str, float]]]] = {}
    evaluated, seconds = 0, 0.0
    for sampler in samplers:
        for seed in range(1, seeds + 1):
            one = study.model_copy(update={"sampler": sampler, "seed": seed, "build": 0})
            start = time.perf_counter()
            with Bar(sys.stderr, f"{sampler} {seed}", "designs") as bar:
                result = explore(one, folder, place=Place(workers), count=bar)
            if not result.complete:
                raise SystemExit("interrupted; what was computed is kept where --folder was given")
            seconds += time.perf_counter() - start
            evaluated += len(result.points)
            good = [(point.number, dict(point.measures)) for point in result.points if point.verdict == "feasible"]
            found[sampler, seed] = good
    every = [measures for good in found.values() for _, measures in good]
    if not every:
        raise SystemExit("no design keeps all limits; nothing can be compared")
    table = costs(every, study.objectives)
    ideal, nadir = table.min(axis=0), table.max(axis=0)
    steps = sorted({max(1, study.designs * part // 8) for part in range(1, 9)})
    volumes: dict[str, Any] = {}
    for sampler in samplers:
        rows = []
        for seed in range(1, seeds + 1):
            good = found[sampler, seed]
            rows.append([_volume(good, step, study, ideal, nadir) for step in steps])
        last = np.array(rows)[:, -1]
        volumes[sampler] = {
            "mean": round(float(last.mean()), 4),
            "least": round(float(last.min()), 4),
            "most": round(float(last.max()), 4),
            "feasible": round(float(np.mean([len(found[sampler, seed]) for seed in range(1, seeds + 1)])), 1),
            "after": {str(step): round(float(v), 4) for step, v in zip(steps, np.mean(rows, axis=0), strict=True)},
        }
    return {
        "study": study.name,
        "designs": study.designs,
        "seeds": seeds,
        "volume": volumes,
        "evaluated": evaluated,
        "seconds": round(seconds, 1),
    }


def _volume(
    good: list[tuple[int, dict[str, float]]], step: int, study: Study, ideal: np.ndarray, nadir: np.ndarray
) -> float:
    known = [measures for number, measures in good if number < step]
    return covered(costs(known, study.objectives), ideal, nadir)


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path)
    parser.add_argument("--designs", type=int)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--samplers", default="tpe,nsga2,random")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--fast", action="store_true")
    args = parser.parse_args()
    study = load_study(args.study or (FAST if args.fast else FULL))
    designs = args.designs or (24 if args.fast else 120)
    seeds = args.seeds or (1 if args.fast else 3)
    study = study.model_copy(update={"designs": designs})
    with tempfile.TemporaryDirectory() as scratch:
        found = run(study, args.samplers.split(","), seeds, args.folder or Path(scratch), args.workers)
    if args.json:
        print(json.dumps(found))
        return
    print(f"{found['study']}: {designs} designs, {seeds} seed(s), {found['seconds']} s")
    print(f"{'sampler':8} {'volume':>8} {'least':>8} {'most':>8} {'feasible':>9}   mean volume after so many designs")
    for sampler, one in found["volume"].items():
        after = "  ".join(f"{step}: {value:.3f}" for step, value in one["after"].items())
        print(f"{sampler:8} {one['mean']:8.3f} {one['least']:8.3f} {one['most']:8.3f} {one['feasible']:9.1f}   {after}")


if __name__ == "__main__":
    main()

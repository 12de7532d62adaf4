"""How long `cpo check` takes, next to the same rules as a plain flat KLayout run.

    python benchmarks/drc.py [--json] [--gds FILE] [--engines 8] [--many 64] [--limit 240]

Without `--gds` the largest package in `gds_out/` is taken, or a synthetic one is drawn. The flat side runs KLayout's
polygon checks (width, space, separation, enclosure, overlap, area, inside) with the same rule data on flat regions in
a process of its own, which is stopped after `--limit` seconds: the ratio is then a lower bound (`flat_finished`
false). Bends, grid and angle, which it has no plain check for, only the fast side does. `ratio_many` compares
synthetic packages of `--many` and `--engines` engines without fibres.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import klayout.db as kdb
from drc_package import draw_package

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import load_rules

ROOT = Path(__file__).resolve().parents[1]


def flat_run(path: Path) -> dict[str, int]:
    """Markers by rule of the plain checks on flat, merged regions."""
    layout = kdb.Layout()
    layout.read(str(path))
    top = layout.top_cells()[0]
    regions: dict[str, kdb.Region] = {}

    def region(name: str) -> kdb.Region:
        if name not in regions:
            regions[name] = kdb.Region(top.begin_shapes_rec(layout.layer(*layer_of(name)))).merged()
        return regions[name]

    found: dict[str, int] = {}
    for rule in load_rules():
        d = round(rule.value / layout.dbu)
        first = rule.layers[0]
        if rule.kind == "width":
            result = region(first).width_check(d)
        elif rule.kind == "space":
            result = region(first).space_check(d)
        elif rule.kind == "separation":
            result = region(first).separation_check(region(rule.layers[1]), d)
        elif rule.kind == "enclosure":
            result = region(rule.layers[1]).enclosing_check(region(first), d)
        elif rule.kind == "overlap":
            result = region(first).overlap_check(region(rule.layers[1]), d)
        elif rule.kind == "inside":
            cover = kdb.Region()
            for name in rule.layers[1:]:
                cover += region(name)
            result = region(first) - cover
        elif rule.kind == "area":
            result = region(first).with_area(0, round(rule.value / layout.dbu**2), False)
        elif rule.kind == "collision":
            cover = kdb.Region()
            for name in rule.layers:
                cover += region(name)
            result = cover.merged(False, 2)
        else:
            continue
        found[rule.name] = result.count()
    return found


def check_run(path: Path) -> dict[str, Any]:
    """One `check` of a file, as the command does it."""
    from cpo_pdk.verify import check

    result = check(path)
    return {
        "violations": len(result.violations),
        "by_rule": result.by_rule,
        "shapes": result.looked_at,
        "rules": len(result.rules),
        "peak_MB": _peak_MB(),
    }


def _peak_MB() -> float | None:
    """Largest memory of this process so far, MB; None where the platform doesn't say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def timed(side: str, path: Path, limit: float) -> tuple[float, dict[str, Any] | None]:
    """Wall seconds and outcome of one side in a process of its own; None when it was stopped at `limit` seconds."""
    command = [sys.executable, str(Path(__file__).resolve()), "--side", side, "--gds", str(path)]
    start = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return limit, None
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{side} side failed: {done.stderr.strip()}")
    return seconds, json.loads(done.stdout)


def largest_package() -> Path | None:
    """The largest GDS in a result folder that is named after it, if anything was built."""
    built = [file for file in (ROOT / "gds_out").glob("*/*.gds") if file.stem == file.parent.name]
    return max(built, key=lambda file: file.stat().st_size, default=None)


def measure(gds: Path | None, engines: int, many: int, limit: float) -> dict[str, Any]:
    """The numbers of the benchmark; seconds are wall, whole processes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        package = gds or largest_package() or draw_package(folder / f"synthetic_{engines}.gds", engines)
        seconds, outcome = timed("check", package, 3600)
        flat_seconds, flat = timed("flat", package, limit)
        few = draw_package(folder / "few.gds", engines, 0)
        lots = draw_package(folder / "lots.gds", many, 0)
        few_seconds, many_seconds = (min(timed("check", file, 3600)[0] for _ in range(3)) for file in (few, lots))
    assert outcome is not None
    return {
        "file": package.name,
        "synthetic": package.parent == folder,
        "package_s": round(seconds, 2),
        "flat_s": round(flat_seconds, 2),
        "flat_finished": flat is not None,
        "ratio_flat": round(flat_seconds / seconds, 1),
        "ratio_many": round(many_seconds / few_seconds, 2),
        "few_engines_s": round(few_seconds, 2),
        "many_engines_s": round(many_seconds, 2),
        "engines": [engines, many],
        **outcome,
    }


def main() -> None:
    """Print the numbers, as a table or with `--json` as one object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--gds", type=Path, help="package to check")
    parser.add_argument("--engines", type=int, default=8, help="engines of the synthetic package")
    parser.add_argument("--many", type=int, default=64, help="engines of the large synthetic package")
    parser.add_argument("--limit", type=float, default=240.0, help="seconds after which the flat side is stopped")
    parser.add_argument("--side", choices=("check", "flat"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(check_run(options.gds) if options.side == "check" else flat_run(options.gds)))
        return
    document = measure(options.gds, options.engines, options.many, options.limit)
    if options.json:
        print(json.dumps(document))
        return
    for key, value in document.items():
        print(f"{key:16} {value}")


if __name__ == "__main__":
    main()

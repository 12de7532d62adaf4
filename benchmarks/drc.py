"""How long `cpo check` takes, side by side with the same rules as a flat KLayout deck.

    python benchmarks/drc.py [--json] [--gds FILE] [--engines 8] [--many 64] [--limit 240] [--plain-only]

Without `--gds` the largest package in `gds_out/` is taken, or a synthetic one is drawn. Every side runs in a process of
its own; seconds are wall, ratios are of CPU seconds of whole processes, so that other load does not count.

- `package_s`, `peak_MB`: the whole check, every kind.
- `ratio_flat_deck`: the generated deck in the KLayout program, flat, against the design-rule check of the same rules
  (`flat_engine`, `flat_rules`). Where the program is missing, and with `--plain-only`, it is `ratio_flat`.
- `ratio_flat`: KLayout's polygon checks called one by one on flat merged layers from Python, with no judgement of what
  they find (rounded curves, corners): the least that a flat deck can do. Against our check of those rules
  (`plain_rules`).
- `ratio_64_vs_8`: the whole check of synthetic packages of `--many` and of `--engines` engines, fibres and all;
  `ratio_many`: without fibres.

The slow side is stopped after `--limit` seconds of CPU: the ratio is then a lower bound (`flat_finished` false).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import klayout.db as kdb
from drc_package import draw_package

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.tech.rules import Rule, load_rules

ROOT = Path(__file__).resolve().parents[1]
KLAYOUT = "klayout"
#: seconds of CPU after which anything that is not the slow side counts as hung
_LONG = 3600.0


class Run(NamedTuple):
    """Wall and CPU seconds of a process, and what it printed; None when it was stopped."""

    wall: float
    cpu: float
    said: str | None


def plain_checks(region: Callable[[str], kdb.Region], dbu: float) -> dict[str, Callable[[Rule], kdb.Region | Any]]:
    """Kind -> KLayout's own check of it on flat merged regions; kinds that it has no single word for are not there."""

    def union(names: Sequence[str]) -> kdb.Region:
        cover = kdb.Region()
        for name in names:
            cover += region(name)
        return cover

    def d(rule: Rule) -> int:
        return round(rule.value / dbu)

    def floating(rule: Rule) -> kdb.Region:
        alone = region(rule.layers[0]).not_interacting(union(rule.layers[1:]))
        alone = alone.interacting(region(str(rule.more["die"])))
        return alone.not_covering(region(str(rule.more["mark"]))) if "mark" in rule.more else alone

    return {
        "width": lambda r: region(r.layers[0]).width_check(d(r)),
        "space": lambda r: region(r.layers[0]).space_check(d(r)),
        "notch": lambda r: region(r.layers[0]).notch_check(d(r)),
        "isolation": lambda r: region(r.layers[0]).isolated_check(d(r)),
        "separation": lambda r: region(r.layers[0]).separation_check(region(r.layers[1]), d(r)),
        "enclosure": lambda r: region(r.layers[1]).enclosing_check(region(r.layers[0]), d(r)),
        "extension": lambda r: region(r.layers[0]).enclosing_check(region(r.layers[1]), d(r)),
        "overlap": lambda r: region(r.layers[0]).overlap_check(region(r.layers[1]), d(r)),
        "inside": lambda r: region(r.layers[0]) - union(r.layers[1:]),
        "exclusion": lambda r: region(r.layers[0]) & union(r.layers[1:]),
        "area": lambda r: region(r.layers[0]).with_area(0, round(r.value / dbu**2), False),
        "hole": lambda r: region(r.layers[0]).holes().with_area(0, round(r.value / dbu**2), False),
        "collision": lambda r: union(r.layers).merged(False, 2),
        "in_die": lambda r: union(r.layers) - region(str(r.more["die"])),
        "floating": floating,
    }


def plain_rules() -> tuple[Rule, ...]:
    """Rules that both our check and the plain flat run know."""
    kinds = plain_checks(lambda _name: kdb.Region(), 0.001)
    return tuple(rule for rule in load_rules(group="drc") if rule.kind in kinds)


def flat_run(path: Path) -> dict[str, int]:
    """Markers by rule of the plain checks."""
    layout = kdb.Layout()
    layout.read(str(path))
    top = max(layout.top_cells(), key=lambda cell: cell.bbox().area())
    regions: dict[str, kdb.Region] = {}

    def region(name: str) -> kdb.Region:
        if name not in regions:
            regions[name] = kdb.Region(top.begin_shapes_rec(layout.layer(*layer_of(name)))).merged()
        return regions[name]

    checks = plain_checks(region, layout.dbu)
    return {rule.name: checks[rule.kind](rule).count() for rule in plain_rules()}


def rules_run(path: Path, rules: Sequence[Rule]) -> dict[str, Any]:
    """Our check of some design rules alone."""
    from cpo_pdk.verify.design_rules.run import drc

    result = drc(path, rules)
    return {"by_rule": result.by_rule, "shapes": result.looked_at}


def check_run(path: Path) -> dict[str, Any]:
    """One `check` of a file, as the command does it."""
    from cpo_pdk.verify import check

    verdict = check(path)
    return {
        "violations": len(verdict.violations),
        "by_rule": verdict.by_rule,
        "shapes": sum(result.looked_at for result in verdict.results if result.group == "drc"),
        "rules": len(verdict.rules),
        "seconds": {result.group: round(sum(result.seconds.values()), 2) for result in verdict.results},
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


def timed(command: Sequence[str], limit: float, environment: dict[str, str] | None = None) -> Run:
    """Run a command; it and what it started are stopped after `limit` seconds of CPU.

    A process that gets less than a fourth of a core is stopped after four times the limit.
    """
    before = os.times()
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors, start_new_session=True, env=environment)
        stopped = False
        while process.poll() is None:
            time.sleep(0.02)
            if _cpu_of_group(process.pid) > limit or time.perf_counter() - start > 4 * limit:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                stopped = True
        wall, after = time.perf_counter() - start, os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        if stopped:
            return Run(wall, max(cpu, limit), None)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command[:4])} failed: {errors.read().strip()}")
        out.seek(0)
        return Run(wall, cpu, out.read())


def _cpu_of_group(group: int) -> float:
    """CPU seconds of a process group so far; 0 where the platform doesn't say."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def side(name: str, path: Path, limit: float = _LONG) -> Run:
    """One side of the comparison in a process of its own."""
    return timed([sys.executable, str(Path(__file__).resolve()), "--side", name, "--gds", str(path)], limit)


def deck_side(path: Path, folder: Path, limit: float) -> tuple[Run, str]:
    """The generated deck in the KLayout program, flat, and the name of that program."""
    from cpo_pdk.circuit.layout_file import read_layout
    from cpo_pdk.verify.klayout_deck.deck import deck
    from cpo_pdk.verify.klayout_deck.program import plain_copy

    (folder / "cpo.lydrc").write_text(deck(deck_rules()), encoding="utf-8")
    plain_copy(read_layout(path), folder / "plain.gds")
    command = [KLAYOUT, "-b", "-r", str(folder / "cpo.lydrc")]
    for key, value in (("input", "plain.gds"), ("report", "markers.lyrdb")):
        command += ["-rd", f"{key}={folder / value}"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "KLAYOUT_HOME": str(folder)}
    version = subprocess.run([KLAYOUT, "-v"], capture_output=True, text=True, check=True, env=environment).stdout
    return timed([*command, "-rd", "mode=flat"], limit, environment), f"{version.strip()} -b -r, generated deck"


def deck_rules() -> tuple[Rule, ...]:
    """Design rules that both our check and the generated deck know."""
    from cpo_pdk.verify.klayout_deck.deck import expressed

    return expressed(load_rules(group="drc"))


def largest_package() -> Path | None:
    """The largest GDS in a result folder that is named after it, if anything was built."""
    built = [file for file in (ROOT / "gds_out").glob("*/*.gds") if file.stem == file.parent.name]
    return max(built, key=lambda file: file.stat().st_size, default=None)


def _best(name: str, path: Path, times: int = 3) -> Run:
    return min((side(name, path) for _ in range(times)), key=lambda run: run.cpu)


def measure(gds: Path | None, engines: int, many: int, limit: float, *, plain_only: bool = False) -> dict[str, Any]:
    """The numbers of the benchmark."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        package = gds or largest_package() or draw_package(folder / f"synthetic_{engines}.gds", engines)
        whole = _best("check", package)
        ours = _best("plain-rules", package)
        plain = side("flat", package, limit)
        ratio_plain = plain.cpu / ours.cpu
        deck: dict[str, Any] = {
            "ratio_flat_deck": round(ratio_plain, 1),
            "flat_engine": "klayout module, polygon checks called from Python",
            "flat_s": round(plain.wall, 2),
            "flat_finished": plain.said is not None,
            "flat_rules": len(plain_rules()),
        }
        if shutil.which(KLAYOUT) and not plain_only:
            same = _best("deck-rules", package)
            run, engine = deck_side(package, folder, limit)
            deck = {
                "ratio_flat_deck": round(run.cpu / same.cpu, 1),
                "flat_engine": engine,
                "flat_s": round(run.wall, 2),
                "flat_finished": run.said is not None,
                "flat_rules": len(deck_rules()),
            }
        sizes = {
            (number, fibres): _best("check", draw_package(folder / f"{number}_{fibres}.gds", number, fibres))
            for number in (engines, many)
            for fibres in (0, 22)
        }
        synthetic = package.parent == folder
    assert whole.said is not None
    outcome = json.loads(whole.said)
    return {
        "file": package.name,
        "synthetic": synthetic,
        "package_s": round(whole.wall, 2),
        "package_cpu_s": round(whole.cpu, 2),
        **deck,
        "ratio_flat": round(ratio_plain, 1),
        "plain_cpu_s": round(plain.cpu, 2),
        "plain_finished": plain.said is not None,
        "plain_rules": len(plain_rules()),
        "rules_cpu_s": round(ours.cpu, 2),
        f"ratio_{many}_vs_{engines}": round(sizes[many, 22].cpu / sizes[engines, 22].cpu, 2),
        "ratio_many": round(sizes[many, 0].cpu / sizes[engines, 0].cpu, 2),
        "few_engines_s": round(sizes[engines, 22].cpu, 2),
        "many_engines_s": round(sizes[many, 22].cpu, 2),
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
    parser.add_argument("--limit", type=float, default=240.0, help="CPU seconds after which the flat side is stopped")
    parser.add_argument("--plain-only", action="store_true", help="leave the KLayout program out")
    parser.add_argument("--side", choices=("check", "flat", "plain-rules", "deck-rules"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        sides: dict[str, Callable[[], dict[str, Any]]] = {
            "check": lambda: check_run(options.gds),
            "flat": lambda: dict(flat_run(options.gds)),
            "plain-rules": lambda: rules_run(options.gds, plain_rules()),
            "deck-rules": lambda: rules_run(options.gds, deck_rules()),
        }
        print(json.dumps(sides[options.side]()))
        return
    document = measure(options.gds, options.engines, options.many, options.limit, plain_only=options.plain_only)
    if options.json:
        print(json.dumps(document))
        return
    for key, value in document.items():
        print(f"{key:16} {value}")


if __name__ == "__main__":
    main()

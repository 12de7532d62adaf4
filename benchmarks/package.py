"""What the largest packages cost: 102.4 Tb/s with 32 engines and 4 spares, drawn to the last via.

    python benchmarks/package.py [--json] [--out docs/packages.md]

    build_102t4_s    `cpo build` of the package, from drawing to report, in a process of its own
    peak_MB          largest memory of that process
    gds_MB, oas_MB   its files
    time_slope       power of the number of engines with which the processor time of whole builds grows: 8 to 32 equal
                     engines with 36 fibres each
    size_slope       the same for the GDS
    instances_...    the same for reading and checking engines alone, without fibres: 4, 16, 64 equal ones
    different_...    the same when 1, 2, 4, 8 *different* engines stand among 16
    fibre_route_s    planning of the 1,152 fibres alone
    ratio_flat_...   the same package drawn flat in plain gdsfactory, over ours: write time and size

`--out` builds every package that ships as well and writes the table of what they are.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cpo_pdk.spec import data_folder, list_specs

LARGEST = "switch_102t4"
#: engines on each side of the packages that differ in nothing else
SCALED = (2, 4, 8)
#: what encloses the table in the page that it is written into
BEGIN, END = "<!-- table of packages: benchmarks/package.py --out -->", "<!-- end of the table -->"
#: length and width of its engine, um, as drawn
LARGEST_ENGINE_UM = (940.0, 4772.0)


def build(spec: str | Path, folder: Path) -> dict[str, Any]:
    """`cpo build` in a process of its own: its document with wall and processor seconds, peak memory and sizes."""
    command = [sys.executable, "-m", "cpo_pdk", "build", str(spec), "--json", "--out", str(folder)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f"cpo build {spec} failed: {done.stderr or done.stdout}")
    document = json.loads(done.stdout)
    gds = Path(document["gds"])
    return {
        **document,
        "wall_s": wall,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_MB": after.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
        "gds_MB": gds.stat().st_size / 1e6,
        "oas_MB": gds.with_suffix(".oas").stat().st_size / 1e6,
    }


def scaled(each_side: int) -> str:
    """The text of the largest spec with another number of engines, no spares, and the bandwidth that goes with it."""
    text = (data_folder("assemblies") / f"{LARGEST}.yaml").read_text("utf-8")
    count = 4 * each_side
    sides = ", ".join(f"{side}: {each_side}" for side in ("north", "east", "south", "west"))
    for pattern, replacement in (
        (r"name: \S+", f"name: scaled_{count}"),
        (r"\nbandwidth_Tbps: \S+", f"\nbandwidth_Tbps: {3.2 * count:g}"),
        (r"count: \d+", f"count: {count}"),
        (r"\n  spares: \d+[^\n]*", ""),
        (r"per_side: \{[^}]*\}", f"per_side: {{{sides}}}"),
    ):
        text, found = re.subn(pattern, replacement, text, count=1)
        if not found:
            raise SystemExit(f"{LARGEST}.yaml has no {pattern!r} any more; mend this benchmark")
    return text


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Power with which y grows with x: least squares in the logarithms."""
    u, v = [math.log(a) for a in x], [math.log(b) for b in y]
    mu, mv = sum(u) / len(u), sum(v) / len(v)
    return sum((a - mu) * (b - mv) for a, b in zip(u, v, strict=True)) / sum((a - mu) ** 2 for a in u)


def growth(folder: Path) -> dict[str, Any]:
    """Whole builds of packages with more and more equal engines: processor seconds and GDS size, and their powers."""
    rows = []
    for each_side in SCALED:
        spec = folder / f"scaled_{4 * each_side}.yaml"
        spec.write_text(scaled(each_side), "utf-8")
        made = build(spec, folder / "scaled")
        rows.append({"engines": 4 * each_side, "cpu_s": round(made["cpu_s"], 2), "gds_MB": round(made["gds_MB"], 3)})
    engines = [row["engines"] for row in rows]
    return {
        "equal_engines": rows,
        "time_slope": round(slope(engines, [row["cpu_s"] for row in rows]), 2),
        "size_slope": round(slope(engines, [row["gds_MB"] for row in rows]), 2),
    }


def engines_alone(folder: Path, kinds: int, total: int) -> dict[str, Any]:
    """One file with `total` engines of which `kinds` are different, no fibres: processor seconds to draw and check it.

    The engines differ in the wavelength of their rings, and so in every ring.
    """
    # gdsfactory comes with these
    from cpo_pdk.assemblies import engine, kit_of, write_gds
    from cpo_pdk.assemblies.resonances import rising_radii
    from cpo_pdk.circuit.layout_file import read_layout
    from cpo_pdk.spec import load_sheets, load_spec
    from cpo_pdk.tech.gdsfactory_safe import gf
    from cpo_pdk.verify.run import check_layout

    spec, sheets = load_spec(LARGEST), load_sheets()
    e, drawing = spec.engine, time.process_time()
    top = gf.Component(name=f"engines_{kinds}_{total}")
    for k in range(total):
        wl = (round(1.300 + 0.001 * (k % kinds), 6),)
        part = engine(
            kit=kit_of(spec, sheets),
            wl_um=wl,
            radii_modulator=rising_radii(sheets[e.devices.modulator], wl, e.heater_bias_nm),
            radii_filter=(),
            tx=e.tx_fibres,
            rx=e.rx_fibres,
            laser=e.laser_fibres,
            loopbacks=e.loopbacks,
            fibre_pitch=e.fibre_pitch_um,
            bump_x=e.bump_pitch_um[0],
            bump_y=e.bump_pitch_um[1],
        )
        ref = top << part
        ref.move((0.0, 6000.0 * k))
    path = write_gds(top, folder / f"engines_{kinds}_{total}.gds")
    checking = time.process_time()
    check_layout(read_layout(path), sheets=sheets, only=("drc", "photonic", "connectivity"))
    return {
        "different": kinds,
        "engines": total,
        "draw_s": round(checking - drawing, 2),
        "check_s": round(time.process_time() - checking, 2),
        "gds_MB": round(path.stat().st_size / 1e6, 3),
    }


def different(folder: Path) -> dict[str, Any]:
    """Engines without fibres: more and more equal ones, and more and more different ones among as many."""
    equal = [engines_alone(folder, 1, total) for total in (4, 16, 64)]
    mixed = [equal[1], *(engines_alone(folder, kinds, 16) for kinds in (2, 4, 8))]
    found: dict[str, Any] = {"engines_alone": [*equal, *mixed[1:]]}
    for name, rows, key in (("instances", equal, "engines"), ("different", mixed, "different")):
        found[f"{name}_time_slope"] = round(slope([row[key] for row in rows], [row["check_s"] for row in rows]), 2)
        found[f"{name}_size_slope"] = round(slope([row[key] for row in rows], [row["gds_MB"] for row in rows]), 2)
    return found


def flat(gds: Path, folder: Path) -> dict[str, Any]:
    """The same package without hierarchy, in plain gdsfactory, beside our writing of the same file again.

    A generous comparison: gdsfactory starts from the finished drawing and only flattens and writes it.
    """
    import gdsfactory as gf
    import klayout.db as kdb

    gf.gpdk.PDK.activate()
    start = time.process_time()
    component = gf.import_gds(gds)
    component.flatten()
    path = Path(component.write_gds(folder / "flat.gds", with_metadata=False))
    theirs = time.process_time() - start
    start = time.process_time()
    layout = kdb.Layout()
    layout.read(str(gds))
    layout.write(str(folder / "again.gds"))
    ours = time.process_time() - start
    return {
        "flat_gds_MB": round(path.stat().st_size / 1e6, 1),
        "ratio_flat_size": round(path.stat().st_size / gds.stat().st_size, 1),
        "ratio_flat_write": round(theirs / ours, 1),
    }


def route() -> float:
    """Seconds to place the engines and plan all fibres of the largest package, best of three."""
    from cpo_pdk.assemblies.planning import plan
    from cpo_pdk.spec import load_spec

    spec, size = load_spec(LARGEST), LARGEST_ENGINE_UM
    times = []
    for _ in range(3):
        start = time.perf_counter()
        fibres = plan(spec, size).escape.fibres
        times.append(time.perf_counter() - start)
        if len(fibres) < 1150:
            raise SystemExit(f"{len(fibres)} fibres planned, more than 1,150 were to be; mend this benchmark")
    return min(times)


def measure(folder: Path) -> dict[str, Any]:
    """Everything that `--json` prints."""
    largest = build(LARGEST, folder / "largest")
    if largest["checks"]["drc"]["violations"] or not largest["lane_map"]["bijection"]:
        raise SystemExit(f"{LARGEST} is not clean: {largest['checks']}; nothing to measure")
    return {
        "cores": os.cpu_count(),
        "build_102t4_s": round(largest["wall_s"], 1),
        "peak_MB": round(largest["peak_MB"]),
        "gds_MB": round(largest["gds_MB"], 2),
        "oas_MB": round(largest["oas_MB"], 2),
        "stages_s": largest["seconds"],
        **growth(folder),
        **different(folder),
        "fibre_route_s": round(route(), 2),
        **flat(Path(largest["gds"]), folder),
    }


def packages(folder: Path) -> list[dict[str, Any]]:
    """Every package that ships: what it is, and what it took to build it."""
    rows = []
    for name in sorted(list_specs(), key=_bandwidth):
        made = build(name, folder / "all")
        plan = json.loads(_cpo("plan", name, "--json"))
        lane_map = made["lane_map"]
        rows.append({"name": name, "plan": plan, "lane_map": lane_map, "made": made})
    return rows


def _bandwidth(name: str) -> tuple[float, str]:
    from cpo_pdk.spec import load_spec

    spec = load_spec(name)
    return spec.bandwidth_Tbps + spec.electrical_Tbps, name


def _cpo(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "cpo_pdk", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"cpo {' '.join(arguments)} failed: {done.stderr or done.stdout}")
    return done.stdout


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The packages in Markdown: what each of them is, read back from the drawn layout, and what it took."""
    head = (
        "| package | Tb/s | engines | lanes each way | fibres | lasers | laser modules | longest trace, mm "
        "| most crowded side, Tb/s per mm | crossings of ribbons (above the package) | longest fibre, mm "
        "| violations | build, s | GDS, MB | OASIS, MB |"
    )
    lines = [head, "|---" + "|---:" * (head.count("|") - 2) + "|"]
    for row in rows:
        plan, drawn, made = row["plan"], row["lane_map"], row["made"]
        spares = f" + {plan['spares']}" if plan["spares"] else ""
        electrical = f" + {plan['electrical_Tbps']:g}" if plan["electrical_Tbps"] else ""
        crossings = made["checks"]["assembly"]["counted"]
        cells = [
            f"`{row['name']}`",
            f"{plan['bandwidth_Tbps']:g}{electrical}",
            f"{plan['engines']}{spares}",
            f"{drawn['lanes'] // 2}",
            f"{drawn['fibres']}",
            f"{plan['lasers']}",
            f"{plan['laser_modules']['asked']:g}",
            f"{drawn['longest_trace_mm']:.1f}",
            f"{max(side['Tbps_per_mm'] for side in plan['shoreline']):.3f}",
            f"{crossings['ribbon_crossings']} ({crossings['ribbon_crossings_over_package']})",
            f"{drawn['longest_fibre_mm']:.0f}",
            f"{sum(check['violations'] for check in made['checks'].values())}",
            f"{made['wall_s']:.0f}",
            f"{made['gds_MB']:.2f}",
            f"{made['oas_MB']:.2f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--out", type=Path, help="build all packages that ship and write their table to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if options.out:
            text = options.out.read_text("utf-8") if options.out.exists() else f"{BEGIN}\n{END}\n"
            before, _, rest = text.partition(BEGIN)
            after = rest.partition(END)[2]
            options.out.write_text(f"{before}{BEGIN}\n{table(packages(folder))}{END}{after}", "utf-8")
            return
        document = measure(folder)
    if options.json:
        print(json.dumps(document))
        return
    for key, value in document.items():
        if isinstance(value, list):
            for row in value:
                print(f"{key:22} " + "  ".join(f"{name} {number}" for name, number in row.items()))
        else:
            print(f"{key:22} {value}")


if __name__ == "__main__":
    main()

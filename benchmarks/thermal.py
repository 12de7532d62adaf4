"""What the heat of a package costs: CPU seconds and memory of one solve, side by side with other solvers.

    python benchmarks/thermal.py [--json] [--fast]

The case: 60 x 60 mm of board, balls, substrate, a switch die and eight engines with bumps and paste under a copper
plate, 25 layers of cells, conductivities from 0.03 (air beside the dies) to 390 W/(m K), 500 W and 8 x 20 W. Each run
is a process of its own; seconds are CPU seconds of that process for building the system, preparing and solving it to
1e-8, without the start of the interpreter; memory is the peak of the process, interpreter and libraries included.

`--fast` takes a tenth of the cells, for a look. FiPy (finite volumes, NIST) takes part where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np

from cpo_pdk.thermal.conduction import Conduction, Film
from cpo_pdk.thermal.grid import Grid, Real
from cpo_pdk.thermal.solving import Solver

#: what stands over what: thickness (um), cells, conductivity in the plane and across it, W/(m K)
LAYERS = (
    ("board", 1600, 4, 20.0, 0.4),
    ("balls", 400, 2, 0.3, 8.0),
    ("substrate", 1200, 5, 30.0, 0.6),
    ("bumps", 80, 2, 1.0, 5.0),
    ("die", 700, 5, 120.0, 120.0),
    ("paste", 50, 2, 4.0, 4.0),
    ("plate", 2000, 5, 390.0, 390.0),
)
SIZE, AIR = 60000.0, 0.03
#: columns a side of 1e5, 1e6 and 4e6 cells
SIDES = {"1e5": 64, "1e6": 200, "4e6": 400}
COPIES = 64


def case(side: int) -> tuple[Grid, Real, Real, Real]:
    """The grid, the conductivities in the plane and across it, and the heat (W a cell)."""
    thick = np.concatenate([np.full(count, um / count) for _, um, count, _, _ in LAYERS])
    edges = np.linspace(0, SIZE, side + 1)
    grid = Grid(edges, edges, np.concatenate([[0], np.cumsum(thick)]))
    name = np.repeat([layer[0] for layer in LAYERS], [layer[2] for layer in LAYERS])
    x, y, z = grid.centres
    places = [(0, 0)] + [(i * 20400, j * 20400) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    sizes = [(26400, 26400)] + [(5400, 6000)] * 8
    body = np.zeros((side, side), dtype=bool)
    watts = np.zeros(grid.shape)
    active = np.flatnonzero(name == "die")[0]
    for i, ((cx, cy), (wide, high)) in enumerate(zip(places, sizes, strict=True)):
        here = (np.abs(y[:, None] - SIZE / 2 - cy) < high / 2) & (np.abs(x - SIZE / 2 - cx) < wide / 2)
        body |= here
        watts[active, here] = (20.0 if i else 500.0) / here.sum()
    beside = np.isin(name, ("bumps", "die", "paste"))[:, None, None] & ~body
    k = []
    for column in (3, 4):
        layers = np.array([layer[column] for layer in LAYERS])[np.repeat(range(len(LAYERS)), [n[2] for n in LAYERS])]
        k.append(np.where(beside, AIR, layers[:, None, None]))
    assert len(z) == 25
    return grid, k[0], k[1], watts


def solve(side: int, method: str, copies: int) -> dict[str, Any]:
    """One run in this process."""
    start = time.process_time()
    grid, k, k_z, watts = case(side)
    conduction = Conduction(grid, (k, k, k_z), [Film("top", 2e4, 30.0), Film("bottom", 10.0, 45.0)])
    del k, k_z
    built = time.process_time() - start
    solver = Solver(conduction, method=method)  # type: ignore[arg-type]
    T = solver.solve(watts)
    seconds, first, iterations = time.process_time() - start, solver.solve_s, solver.iterations
    found = {
        "cells": grid.cells,
        "cpu_s": round(seconds, 3),
        "build_s": round(built, 3),
        "setup_s": round(solver.setup_s, 3),
        "solve_s": round(first, 3),
        "iterations": iterations,
        "hottest_C": round(float(T.max()), 4),
        "balance": solver.balance(T, watts).error,
    }
    if copies:
        random = np.random.default_rng(1)
        for done in range(0, copies, 8):
            solver.solve(watts * random.uniform(0, 2, (min(8, copies - done), *grid.shape)))
        found["more_s_each"] = round((solver.solve_s - first) / copies, 3)
    return found


def solve_fipy(side: int) -> dict[str, Any]:
    """The same finite volumes by FiPy: harmonic face values, films as sinks in the cells that touch them."""
    fipy = importlib.import_module("fipy")
    start = time.process_time()
    grid, k, k_z, watts = case(side)
    nz, ny, nx = grid.shape
    dx, dy, dz = (width * 1e-6 for width in grid.widths)
    mesh = fipy.Grid3D(dx=dx, dy=dy, dz=dz, nx=nx, ny=ny, nz=nz)
    lateral = fipy.CellVariable(mesh=mesh, value=k.ravel()).harmonicFaceValue
    vertical = fipy.CellVariable(mesh=mesh, value=k_z.ravel()).harmonicFaceValue
    upright = np.abs(np.asarray(mesh.faceNormals)[2]) > 0.5
    coefficient = fipy.FaceVariable(mesh=mesh, value=np.where(upright, vertical.value, lateral.value))
    sink, fluid = np.zeros(grid.shape), np.zeros(grid.shape)
    for row, htc, T_C in ((-1, 2e4, 30.0), (0, 10.0, 45.0)):
        sink[row] = 1 / (1 / htc + dz[row] / 2 / k_z[row]) / dz[row]
        fluid[row] = T_C
    volume = grid.volumes() * 1e-18
    source = (watts / volume + sink * fluid).ravel()
    T = fipy.CellVariable(mesh=mesh, value=30.0)
    equation = (
        fipy.DiffusionTerm(coeff=coefficient)
        + fipy.CellVariable(mesh=mesh, value=source)
        - fipy.ImplicitSourceTerm(coeff=fipy.CellVariable(mesh=mesh, value=sink.ravel()))
    )
    solver = fipy.LinearPCGSolver(tolerance=1e-8, iterations=20000)
    equation.solve(var=T, solver=solver)
    return {
        "cells": grid.cells,
        "cpu_s": round(time.process_time() - start, 3),
        "version": fipy.__version__,
        "hottest_C": round(float(np.max(T.value)), 4),
    }


def child(side: int, method: str, copies: int = 0) -> dict[str, Any]:
    """One run in a process of its own, with its peak memory."""
    command = [sys.executable, __file__, "--child", str(side), method, str(copies)]
    environment = os.environ | {"FIPY_SOLVERS": "scipy"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{method} with {side} columns a side failed: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def run_child(side: int, method: str, copies: int) -> None:
    """What the child prints."""
    import resource  # not on every platform; the parent does without

    found = solve_fipy(side) if method == "fipy" else solve(side, method, copies)
    unit = 1 if sys.platform == "darwin" else 1024
    found["peak_MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)
    print(json.dumps(found))


def measure(sides: dict[str, int]) -> dict[str, Any]:
    """All runs and the keys that are compared over time."""
    runs = {
        "columns 1e5": child(sides["1e5"], "columns", COPIES),
        "columns 1e6": child(sides["1e6"], "columns"),
        "columns 4e6": child(sides["4e6"], "columns"),
        "ruge_stuben 1e5": child(sides["1e5"], "ruge_stuben"),
        "ruge_stuben 1e6": child(sides["1e6"], "ruge_stuben"),
        "jacobi 1e5": child(sides["1e5"], "jacobi"),
        "jacobi 1e6": child(sides["1e6"], "jacobi"),
    }
    if importlib.util.find_spec("fipy"):
        runs["fipy 1e5"] = child(sides["1e5"], "fipy")
    own = runs["columns 1e6"]
    return {
        "cells_1e6_cpu_s": own["cpu_s"],
        "cells_1e6_peak_MB": own["peak_MB"],
        "cells_4e6_ratio": round(runs["columns 4e6"]["cpu_s"] / own["cpu_s"], 2),
        "ratio_jacobi_cg": round(runs["jacobi 1e6"]["cpu_s"] / own["cpu_s"], 1),
        "ratio_ruge_stuben": round(runs["ruge_stuben 1e6"]["cpu_s"] / own["cpu_s"], 1),
        "more_heat_maps_over_first": round(runs["columns 1e5"]["more_s_each"] / runs["columns 1e5"]["solve_s"], 2),
        "runs": runs,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--fast", action="store_true", help="a tenth of the cells")
    parser.add_argument("--child", nargs=3, metavar=("SIDE", "METHOD", "COPIES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        side, method, copies = arguments.child
        run_child(int(side), method, int(copies))
        return
    sides = {name: round(side / 10**0.5) for name, side in SIDES.items()} if arguments.fast else SIDES
    result = measure(sides)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'solver':18s} {'cells':>9s} {'CPU s':>8s} {'MB':>6s} {'rounds':>7s} {'hottest C':>10s}")
    for name, run in result["runs"].items():
        print(
            f"{name:18s} {run['cells']:9d} {run['cpu_s']:8.2f} {run['peak_MB']:6d} "
            f"{run.get('iterations', ''):>7} {run['hottest_C']:10.4f}"
        )
    for key, value in result.items():
        if key != "runs":
            print(f"{key}: {value}")


if __name__ == "__main__":
    main()

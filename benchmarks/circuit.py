"""The circuit solver against SAX with KLU, side by side: steady state, cold start, memory, Monte Carlo, growth.

    pip install "cpo-pdk[benchmark]"          # SAX, https://github.com/flaport/sax, Apache-2.0
    python benchmarks/circuit.py [--quick] [--package LAYOUT] [--sax-python PYTHON] [--json]

Every measurement runs in a process of its own, so that memory and start-up are those of one tool; both sides compute
the same circuit from the same formulas, and the largest difference of any amplitude is reported. CPU seconds of the
whole process (all threads), best of some. Ratio = SAX's figure over ours. `--sax-python`: an interpreter that has SAX,
when this one has not.

bus:N    N add-drop rings on a bus, each two couplers and two half rings, every ring a little longer than the one before
mesh:N   N x N couplers, each joined to its four neighbours by guides: light runs both ways and in circles
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CORE = {"length": 30.0, "neff": 2.56, "ng": 4.31, "loss_dB_cm": 3.0}
COUPLER = (("o1", "o4"), ("o2", "o3")), (("o1", "o3"), ("o2", "o4"))
CROSS = (("o1", "o3"), ("o2", "o4")), (("o1", "o2"), ("o3", "o4"))
WL = (1.29, 1.31)
Netlist = tuple[dict[str, tuple[str, dict[str, float]]], list[tuple[str, str]], dict[str, str]]


def bus(rings: int) -> Netlist:
    """Instances (model, settings), connections and ports of `bus:N`."""
    instances: dict[str, tuple[str, dict[str, float]]] = {}
    links: list[tuple[str, str]] = []
    ports = {"in": "low0,o1"}
    for n in range(rings):
        half = {"length": 15.0 + 0.011 * n}
        instances |= {f"low{n}": ("coupler", {}), f"top{n}": ("coupler", {})}
        instances |= {f"left{n}": ("guide", half), f"right{n}": ("guide", half)}
        links += [
            (f"low{n},o3", f"right{n},o1"),
            (f"right{n},o2", f"top{n},o4"),
            (f"top{n},o1", f"left{n},o2"),
            (f"left{n},o1", f"low{n},o2"),
        ]
        links += [(f"low{n - 1},o4", f"low{n},o1")] if n else []
        ports[f"drop{n}"] = f"top{n},o2"
    ports["through"] = f"low{rings - 1},o4"
    return instances, links, ports


def mesh(side: int) -> Netlist:
    """Instances, connections and ports of `mesh:N`: o1 west, o2 north, o3 east, o4 south of every crossing coupler."""
    instances: dict[str, tuple[str, dict[str, float]]] = {}
    links: list[tuple[str, str]] = []
    ports: dict[str, str] = {}
    for x in range(side):
        for y in range(side):
            instances[f"x{x}y{y}"] = ("cross", {})
            for name, (dx, dy), near, far in (("e", (1, 0), "o3", "o1"), ("n", (0, 1), "o2", "o4")):
                if x + dx < side and y + dy < side:
                    guide = f"{name}{x}y{y}"
                    instances[guide] = ("guide", {"length": 40.0 + 0.3 * x + 0.7 * y})
                    links += [(f"x{x}y{y},{near}", f"{guide},o1"), (f"{guide},o2", f"x{x + dx}y{y + dy},{far}")]
    for n in range(side):
        ports |= {f"w{n}": f"x0y{n},o1", f"e{n}": f"x{side - 1}y{n},o3"}
        ports |= {f"s{n}": f"x{n}y0,o4", f"t{n}": f"x{n}y{side - 1},o2"}
    return instances, links, ports


CIRCUITS: dict[str, Callable[[int], Netlist]] = {"bus": bus, "mesh": mesh}


def circuit_of(name: str) -> Netlist:
    """The circuit called `bus:64` or `mesh:8`."""
    kind, _, size = name.partition(":")
    return CIRCUITS[kind](int(size))


def models(xp: Any) -> dict[str, Callable[..., dict[tuple[str, str], Any]]]:
    """The three devices, in the functions of numpy or of jax."""

    def both(entries: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
        return {**entries, **{(b, a): value for (a, b), value in entries.items()}}

    def phasor(size: Any, turn: Any) -> Any:
        if xp is not np:
            return size * xp.exp(1j * turn)
        found = np.empty(np.shape(turn), np.complex128)  # the same number, without the copies that numpy would make
        np.cos(turn, out=found.real)
        np.sin(turn, out=found.imag)
        found *= size
        return found

    def guide(wl: Any = 1.3, length: Any = CORE["length"], phase: Any = 0.0) -> dict[tuple[str, str], Any]:
        neff = CORE["neff"] - (wl - 1.3) * (CORE["ng"] - CORE["neff"]) / 1.3
        loss = 10 ** (-CORE["loss_dB_cm"] * length * 1e-4 / 20)
        turn = 2 * np.pi * neff * length / wl + phase
        return both({("o1", "o2"): phasor(loss, turn)})

    def splitting(wl: Any, pairs: Any, k2: float) -> dict[tuple[str, str], Any]:
        one = xp.ones_like(wl)
        straight, cross = np.sqrt(1 - k2) * one + 0j, 1j * np.sqrt(k2) * one
        return both({**dict.fromkeys(pairs[0], straight), **dict.fromkeys(pairs[1], cross)})

    def coupler(wl: Any = 1.3) -> dict[tuple[str, str], Any]:
        return splitting(wl, COUPLER, 0.04)

    def cross(wl: Any = 1.3) -> dict[tuple[str, str], Any]:
        return splitting(wl, CROSS, 0.3)

    return {"guide": guide, "coupler": coupler, "cross": cross}


def peak_MB() -> float:
    """Largest memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))


def best(work: Callable[[], Any], least_s: float = 0.4, most: int = 200) -> float:
    """CPU seconds of the fastest of several runs."""
    times: list[float] = []
    while (sum(times) < least_s and len(times) < most) or len(times) < 3:
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


class Ours:
    """A circuit for the solver of this project; devices with equal settings are computed once."""

    def __init__(self, name: str, engine: str) -> None:
        from cpo_pdk.circuit.solver import compile_circuit

        instances, links, ports = circuit_of(name)
        self.instances = instances
        self.models = models(np)
        self.engine = engine
        start = time.process_time()
        structure = {n: list(self.models[model](1.3)) for n, (model, _) in instances.items()}

        def ref(text: str) -> tuple[str, str]:
            instance, _, port = text.partition(",")
            return instance, port

        self.plan = compile_circuit(
            structure, [(ref(a), ref(b)) for a, b in links], {k: ref(v) for k, v in ports.items()}
        )
        self.compile_s = time.process_time() - start

    def __call__(self, wl: Any, phases: dict[str, Any] | None = None) -> dict[tuple[str, str], Any]:
        known: dict[Any, Any] = {}
        values = {}
        for name, (model, settings) in self.instances.items():
            phase = (phases or {}).get(name)
            key = (model, *sorted(settings.items()), id(phase))
            if key not in known:
                known[key] = self.models[model](wl, **settings, **({} if phase is None else {"phase": phase}))
            values[name] = known[key]
        return self.plan.solve(values, engine=self.engine)  # type: ignore[arg-type]


class Sax:
    """The same circuit for SAX with KLU, jitted."""

    def __init__(self, name: str) -> None:
        jax, jnp, sax = (importlib.import_module(name) for name in ("jax", "jax.numpy", "sax"))

        jax.config.update("jax_enable_x64", True)
        instances, links, ports = circuit_of(name)
        netlist = {
            "instances": {n: {"component": model, "settings": settings} for n, (model, settings) in instances.items()},
            "connections": dict(links),
            "ports": ports,
        }
        circuit, _ = sax.circuit(netlist, models(jnp), backend="klu")
        self.circuit = jax.jit(circuit)
        self.jax = jax

    def __call__(self, wl: Any, phases: dict[str, Any] | None = None) -> dict[tuple[str, str], Any]:
        settings = {name: {"phase": phase} for name, phase in (phases or {}).items()}
        return self.jax.block_until_ready(self.circuit(wl=wl, **settings))


def solver_of(side: str, circuit: str) -> Any:
    """The circuit for one side: sax, numpy, compiled."""
    return Sax(circuit) if side == "sax" else Ours(circuit, side)


def measure(side: str, circuit: str, wavelengths: int) -> dict[str, Any]:
    """First and steady solve of one circuit, and what they answer at three wavelengths."""
    wl = np.linspace(*WL, wavelengths)
    start = time.process_time()
    solve = solver_of(side, circuit)
    answer = solve(wl)
    first = time.process_time() - start
    steady = best(lambda: solve(wl))
    pick = [0, wavelengths // 2, wavelengths - 1]
    ports = list(circuit_of(circuit)[2])
    shown = {
        f"{a}>{b}": [[float(np.real(z)), float(np.imag(z))] for z in np.asarray(answer[a, b])[pick]]
        for a in ports[:1]
        for b in ports
        if (a, b) in answer
    }
    return {"first_s": first, "steady_s": steady, "peak_MB": peak_MB(), "cpu_s": time.process_time(), "answer": shown}


def cold(side: str, circuit: str, wavelengths: int) -> dict[str, Any]:
    """Import, build and one solve: what a script pays that is run once."""
    solver_of(side, circuit)(np.linspace(*WL, wavelengths))
    return {"cpu_s": time.process_time(), "peak_MB": peak_MB()}


def monte_carlo(side: str, circuit: str, wavelengths: int, samples: int, chunk: int) -> dict[str, Any]:
    """Samples with an independent phase error in every ring, solved in chunks; mean drop powers as the answer."""
    rng = np.random.default_rng(1)
    rings = int(circuit.partition(":")[2])
    errors = rng.normal(0.0, 0.1, (samples, rings))
    wl = np.linspace(*WL, wavelengths)
    solve = solver_of(side, circuit)

    def chunk_of(start: int, size: int) -> dict[tuple[str, str], Any]:
        phases: dict[str, Any] = {}
        for n in range(rings):
            phases[f"left{n}"] = phases[f"right{n}"] = errors[start : start + size, n : n + 1]
        return solve(wl, phases)

    solve_first = time.process_time()
    chunk_of(0, chunk)
    solve_first = time.process_time() - solve_first
    start = time.process_time()
    power = 0.0
    for at in range(0, samples, chunk):
        power += float(np.sum(np.abs(np.asarray(chunk_of(at, chunk)["in", "drop3"])) ** 2))
    return {"steady_s": time.process_time() - start, "first_s": solve_first, "peak_MB": peak_MB(), "mean": power}


def package(layout: str, wavelengths: int) -> dict[str, Any]:
    """Every S-parameter of a whole package between its connectors, from the file."""
    from cpo_pdk.circuit.simulation import s_parameters

    wl = np.linspace(1.295, 1.305, wavelengths)
    start = time.process_time()
    found = s_parameters(layout, wl)
    return {"cpu_s": time.process_time() - start, "pairs": len(found), "peak_MB": peak_MB()}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "measure": measure,
    "cold": cold,
    "monte_carlo": monte_carlo,
    "package": package,
}


def run(python: str, task: str, *arguments: Any) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [python, __file__, "--task", json.dumps([task, *arguments])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{task} {arguments}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def largest_difference(a: dict[str, Any], b: dict[str, Any]) -> float:
    """Of the amplitudes that both measurements report."""
    return max(
        abs(complex(*x) - complex(*y))
        for pair in a["answer"]
        if pair in b["answer"]
        for x, y in zip(a["answer"][pair], b["answer"][pair], strict=True)
    )


def slope(sizes: list[int], seconds: list[float]) -> float:
    """Exponent of the growth: slope of log seconds over log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements and their ratios."""
    me, other = sys.executable, options.sax_python or sys.executable
    rings, side, points, samples = (16, 4, 500, 100) if options.quick else (64, 8, 1000, 1000)
    the_bus, the_mesh = f"bus:{rings}", f"mesh:{side}"
    sax, plain, fast = (
        run(p, "measure", s, the_bus, points) for p, s in ((other, "sax"), (me, "numpy"), (me, "compiled"))
    )
    mesh_sax, mesh_fast, mesh_plain = (
        run(p, "measure", s, the_mesh, points) for p, s in ((other, "sax"), (me, "compiled"), (me, "numpy"))
    )
    cold_sax, cold_plain = run(other, "cold", "sax", "bus:16", points), run(me, "cold", "numpy", "bus:16", points)
    chunk = min(100, samples)
    mc_sax = run(other, "monte_carlo", "sax", "bus:16", 200, samples, chunk)
    mc = {s: run(me, "monte_carlo", s, "bus:16", 200, samples, chunk) for s in ("numpy", "compiled")}
    found: dict[str, Any] = {
        "circuit": f"{the_bus}, {points} wavelengths",
        "steady_ratio_numpy": sax["steady_s"] / plain["steady_s"],
        "steady_ratio_compiled": sax["steady_s"] / fast["steady_s"],
        "cold_ratio": cold_sax["cpu_s"] / cold_plain["cpu_s"],
        "memory_ratio": sax["peak_MB"] / plain["peak_MB"],
        "mesh_ratio": mesh_sax["steady_s"] / mesh_fast["steady_s"],
        "mesh_ratio_numpy": mesh_sax["steady_s"] / mesh_plain["steady_s"],
        "montecarlo_ratio": mc_sax["steady_s"] / mc["compiled"]["steady_s"],
        "montecarlo_s": mc["compiled"]["steady_s"],
        "montecarlo_numpy_s": mc["numpy"]["steady_s"],
        "largest_difference": max(
            largest_difference(sax, plain), largest_difference(sax, fast), largest_difference(mesh_sax, mesh_fast)
        ),
        "montecarlo_difference": abs(mc_sax["mean"] / mc["compiled"]["mean"] - 1),
        "seconds": {
            "sax": {k: sax[k] for k in ("first_s", "steady_s", "peak_MB")},
            "numpy": {k: plain[k] for k in ("first_s", "steady_s", "peak_MB")},
            "compiled": {k: fast[k] for k in ("first_s", "steady_s", "peak_MB")},
            "cold_sax": cold_sax,
            "cold_numpy": cold_plain,
            "montecarlo_sax": mc_sax,
        },
    }
    sizes = [8, 16, 32, 64]
    grids = [250, 1000, 4000]
    counts = [50, 200, 800]
    found["growth"] = {
        "rings": slope(sizes, [run(me, "measure", "numpy", f"bus:{n}", 500)["steady_s"] for n in sizes]),
        "wavelengths": slope(grids, [run(me, "measure", "numpy", "bus:16", n)["steady_s"] for n in grids]),
        "samples": slope(counts, [run(me, "monte_carlo", "numpy", "bus:16", 100, n, 50)["steady_s"] for n in counts]),
    }
    layout = Path(options.package)
    if layout.is_file():
        whole = run(me, "package", str(layout), 1000)
        found |= {"package_s": whole["cpu_s"], "package_pairs": whole["pairs"], "package_MB": whole["peak_MB"]}
    else:
        found["package_s"] = None
        print(f"{layout}: not built, package_s left out (cpo build assemblies/switch_51t2.yaml)", file=sys.stderr)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller circuits, for a first look")
    parser.add_argument("--package", default="gds_out/switch_51t2/switch_51t2.gds", help="layout of a whole package")
    parser.add_argument("--sax-python", default="", help="interpreter that has SAX")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--task", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        name, *arguments = json.loads(options.task)
        print(json.dumps(TASKS[name](*arguments)))
        return 0
    python = options.sax_python or sys.executable
    if subprocess.run([python, "-c", "import sax"], capture_output=True, check=False).returncode:
        print(f'{python} has no SAX: pip install "cpo-pdk[benchmark]", or name one that has with --sax-python')
        return 0
    found = compare(options)
    if options.json:
        print(json.dumps(found))
        return 0
    for key, value in found.items():
        print(f"{key:24} {json.dumps(value) if isinstance(value, dict) else value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

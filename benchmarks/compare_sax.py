"""The circuit solver against SAX on the same S-matrices: random circuits with loops, and the macros of an engine.

    python benchmarks/compare_sax.py [--circuits 100] [--layout engine.gds] [--json]

SAX (https://github.com/flaport/sax, Apache-2.0) is no requirement of the project: `pip install sax==0.18.2`. Without
it the script says so and ends well. Reported: the largest difference of any amplitude, and the time of both.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.solver import SDict, compile_circuit

Ref = tuple[str, str]
Complex = NDArray[np.complex128]
#: what both solvers compute is the same when no amplitude differs by more
AGREE = 1e-9
#: the solvers of SAX that are compared with, the second where the first gives up (KLU does on some random circuits)
BACKENDS = ("klu", "filipsson_gunnar")


class Circuit:
    """Instances with their S-matrices, what is connected, and which ports are the circuit's own."""

    def __init__(
        self, name: str, values: dict[str, SDict], links: list[tuple[Ref, Ref]], ports: dict[str, Ref]
    ) -> None:
        self.name = name
        self.values = values
        self.links = links
        self.ports = ports


def random_circuit(rng: np.random.Generator, number: int, wavelengths: int) -> Circuit:
    """Passive devices of 1 to 5 ports, connected at random: loops, reflections and self-loops included."""
    values: dict[str, SDict] = {}
    free: list[Ref] = []
    for index in range(int(rng.integers(2, 12))):
        ports = int(rng.integers(1, 6))
        raw = rng.normal(size=(wavelengths, ports, ports)) + 1j * rng.normal(size=(wavelengths, ports, ports))
        raw[:, rng.random((ports, ports)) < 0.3] = 0.0
        raw *= 0.97 / np.maximum(np.linalg.norm(raw, 2, axis=(1, 2)), 1e-3)[:, None, None]
        name = f"device_{index}"
        values[name] = {
            (f"o{i + 1}", f"o{j + 1}"): raw[:, i, j] for i in range(ports) for j in range(ports) if raw[:, i, j].any()
        }
        free += [(name, f"o{i + 1}") for i in range(ports)]
    rng.shuffle(free)
    refs = [(str(a), str(b)) for a, b in free]
    used = min(len(refs) // 2, int(rng.integers(1, len(refs) // 2 + 1))) if len(refs) > 3 else 0
    links = [(refs[2 * i], refs[2 * i + 1]) for i in range(used)]
    ports = {f"p{i}": ref for i, ref in enumerate(refs[2 * used :])}
    return Circuit(f"random {number}", values, links, ports)


def macros(layout: Path, wl: NDArray[np.float64]) -> list[Circuit]:
    """The transmit and receive macros extracted from a layout, with the models of the project.

    TM is a port of its own here: SAX then sees two waveguides where the project sees two modes. The ports that a mode
    lacks on one side are absorbed in both.
    """
    from cpo_pdk.circuit.binding import bind
    from cpo_pdk.circuit.evaluation import Evaluator
    from cpo_pdk.circuit.extraction import extract
    from cpo_pdk.circuit.flattening import flatten
    from cpo_pdk.circuit.layout_file import read_layout
    from cpo_pdk.circuit.leaves import leaf_factories
    from cpo_pdk.models import MODELS
    from cpo_pdk.spec import load_sheets

    file, sheets = read_layout(layout), load_sheets()
    netlists = extract(file, leaf_factories(sheets))
    found: list[Circuit] = []
    for function in ("tx_macro", "rx_macro"):
        cell = min(name for name, netlist in netlists.cells.items() if netlist.function == function)
        circuit = flatten(netlists, cell)
        bound = bind(netlists, circuit, sheets, MODELS)
        values = Evaluator(wl).circuit(circuit, bound)
        ports = dict(circuit.exposed)
        for path in values:
            model = bound[circuit.leaves[path].cell].model
            ports |= {f"{path}:{name}": (path, name) for name in (model.detectors if model else ())}
        links = [(link.a, link.b) for link in circuit.connections if link.a[0] in values and link.b[0] in values]
        found.append(Circuit(function, values, links, ports))
    return found


def ours(circuit: Circuit) -> tuple[dict[tuple[str, str], Complex], float]:
    """(in, out) -> amplitude of the project's solver, and its seconds."""
    start = time.perf_counter()
    plan = compile_circuit({n: list(v) for n, v in circuit.values.items()}, circuit.links, circuit.ports)
    return plan.solve(circuit.values), time.perf_counter() - start


def theirs(circuit: Circuit, sax: Any) -> tuple[dict[tuple[str, str], Complex], float, str]:
    """The same of SAX, with seconds and solver. Its names know neither `@` nor `:` nor `/`; a mode is a port to it."""
    names = {name: f"x{i}" for i, name in enumerate(circuit.values)}

    def plain(port: str) -> str:
        return port.replace("@", "_")

    def model(matrix: SDict) -> Callable[[], dict[tuple[str, str], Complex]]:
        ports = sorted({port for pair in matrix for port in pair})
        zero = np.zeros(1, np.complex128)
        full = {(plain(a), plain(b)): np.asarray(matrix.get((a, b), zero)) for a in ports for b in ports}
        return lambda: full

    modes = {
        name: {port.partition("@")[0]: set[str]() for pair in matrix for port in pair}
        for name, matrix in circuit.values.items()
    }
    for name, matrix in circuit.values.items():
        for pair in matrix:
            for port in pair:
                base, at, mode = port.partition("@")
                modes[name][base].add(at + mode)
    connections = {
        f"{names[a]},{plain(pa + mode)}": f"{names[b]},{plain(pb + mode)}"
        for (a, pa), (b, pb) in circuit.links
        for mode in modes[a].get(pa, set()) & modes[b].get(pb, set())
    }
    outer: dict[str, str] = {}
    back: dict[str, str] = {}
    for number, (name, (instance, port)) in enumerate(circuit.ports.items()):
        for mode in sorted(modes[instance].get(port, set())):
            key = f"p{number}{plain(mode)}"
            outer[key] = f"{names[instance]},{plain(port + mode)}"
            back[key] = name + mode
    netlist = {"instances": {x: x for x in names.values()}, "connections": connections, "ports": outer}
    if not outer:  # no element leads to a port: SAX refuses such a circuit, and there is nothing to compare
        return {}, 0.0, BACKENDS[0]
    start = time.perf_counter()
    models = {names[n]: model(m) for n, m in circuit.values.items()}
    for backend in BACKENDS:
        try:
            solve, _ = sax.circuit(netlist, models, backend=backend)
            result = sax.sdict(solve())
            break
        except Exception:  # whatever klujax raises for a matrix that it takes for singular
            if backend == BACKENDS[-1]:
                raise
    found = {(back[a], back[b]): np.asarray(value) for (a, b), value in result.items()}
    return found, time.perf_counter() - start, backend


def difference(a: dict[tuple[str, str], Complex], b: dict[tuple[str, str], Complex]) -> float:
    """Largest absolute difference; a pair that one side leaves out counts as 0 there."""
    zero = np.zeros(1)
    return max((float(np.max(np.abs(a.get(k, zero) - b.get(k, zero)))) for k in {*a, *b}), default=0.0)


def compare(circuits: list[Circuit], sax: Any) -> dict[str, Any]:
    """Largest difference and seconds over some circuits."""
    worst, slow, fast, pairs = 0.0, 0.0, 0.0, 0
    used: Counter[str] = Counter()
    for circuit in circuits:
        a, seconds_a = ours(circuit)
        b, seconds_b, backend = theirs(circuit, sax)
        used[backend] += 1
        worst, fast, slow, pairs = max(worst, difference(a, b)), fast + seconds_a, slow + seconds_b, pairs + len(b)
    return {
        "circuits": len(circuits),
        "backends": dict(used),
        "amplitudes": pairs,
        "largest_difference": worst,
        "agree": worst < AGREE,
        "seconds": {"cpo_pdk": round(fast, 4), "sax": round(slow, 4)},
    }


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--circuits", type=int, default=100, help="random circuits")
    parser.add_argument("--wavelengths", type=int, default=11)
    parser.add_argument("--layout", type=Path, help="layout with a tx_macro and an rx_macro; default: random ones only")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    document: dict[str, Any] = {"sax": None}
    try:
        jax, sax = importlib.import_module("jax"), importlib.import_module("sax")
        jax.config.update("jax_enable_x64", True)
    except ImportError as error:
        document["skipped"] = f"SAX is not installed ({error}); pip install sax==0.18.2"
        print(json.dumps(document) if args.json else document["skipped"])
        return
    rng = np.random.default_rng(20261122)
    document["sax"] = sax.__version__
    circuits: list[Circuit] = []
    while len(circuits) < args.circuits:
        circuit = random_circuit(rng, len(circuits), args.wavelengths)
        if circuit.ports and circuit.links:
            circuits.append(circuit)
    document["random"] = compare(circuits, sax)
    if args.layout is not None:
        for circuit in macros(args.layout, np.linspace(1.295, 1.315, args.wavelengths)):
            document[circuit.name] = compare([circuit], sax)
    if args.json:
        print(json.dumps(document))
        return
    print(f"SAX {document['sax']}")
    for name, result in document.items():
        if isinstance(result, dict):
            seconds = result["seconds"]
            print(
                f"{name:10} {result['circuits']:4} circuits, {result['amplitudes']:6} amplitudes, largest difference "
                f"{result['largest_difference']:.1e}, {seconds['cpo_pdk']} s against {seconds['sax']} s"
            )


if __name__ == "__main__":
    main()

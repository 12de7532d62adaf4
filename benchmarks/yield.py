"""Many samples of an engine: how long 10,000 take, how time grows, and SAX on the same circuits and samples.

    pip install "cpo-pdk[benchmark]"          # SAX, https://github.com/flaport/sax, Apache-2.0
    python benchmarks/yield.py [--quick] [--samples N] [--workers 2] [--sax-python PYTHON] [--json]

The engine has 8 transmit and 8 receive ports of 8 wavelengths (128 lanes, 192 rings), drawn from a spec below. A sample
is one die: deviations of every device drawn over the wafer, rings locked to lines that are off themselves, all lanes
solved at both levels of every modulator. `samples_10000_s` is wall time with processes started already.

SAX is given the S-matrices of the devices, one of each sample, and solves the circuits with KLU, jitted and broadcast
over samples and wavelengths, on one core; the same matrices are given to our solver. Both solve the engine in its
separate parts (one a laser port, one a receive port): there SAX has few ports to solve for. CPU seconds of the whole
process, best of some; the largest difference of any power is reported. `ratio_with_devices` has our devices computed as
well, and theirs not.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SPEC = """
name: engine_{ports}
bandwidth_Tbps: {bandwidth}
asic: {{size_mm: [20, 20], power_W: 100}}
substrate: {{size_mm: [90, 90]}}
engines: {{count: 1}}
engine:
  architecture: ring_wdm
  bandwidth_Tbps: {bandwidth}
  tx_fibres: {ports}
  rx_fibres: {ports}
  laser_fibres: {lasers}
  lane_rate_Gbps: 50
  modulation: PAM4
  grid: {{standard: CW-WDM, channels: 8, spacing_GHz: 200}}
laser: {{connector: ELS, per_wavelength_dBm: 8, grid_class: Type1}}
fibres: {{bend_radius_mm: 15}}
faceplate: {{distance_mm: 130, connector: MPO-16}}
choices: []
"""
PORTS = 8
#: samples of one call
CHUNK = 250
#: standard deviation of laser lines, um, and of relative couplings
LINE_UM, COUPLING = 1e-5, 0.03


@dataclass(frozen=True)
class Engine:
    """What a worker needs."""

    batch: Any
    bank: Any
    process: Any
    links: tuple[Any, ...] = ()
    ends: Any = None


def engine_of(ports: int) -> Engine:
    """Draw an engine, read it back, make its tables."""
    from cpo_pdk.assemblies.engines import draw_engine
    from cpo_pdk.assemblies.writing import write_gds
    from cpo_pdk.circuit.batch.engine_batch import EngineBatch
    from cpo_pdk.circuit.simulation import Simulator
    from cpo_pdk.operation.locking_many import ManyBank
    from cpo_pdk.operation.operate import fractions_of
    from cpo_pdk.operation.ring_bank import bank_of
    from cpo_pdk.spec import load_sheets, load_spec
    from cpo_pdk.spec.part_choice import load_parts
    from cpo_pdk.variation.process import ProcessVariation

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "engine.yaml"
        file.write_text(SPEC.format(ports=ports, bandwidth=0.4 * ports, lasers=max(1, ports // 4)), encoding="utf-8")
        spec, sheets = load_spec(file), load_sheets()
        simulator = Simulator(write_gds(draw_engine(spec, sheets), Path(folder) / "engine.gds"))
        solver = next(iter(simulator.solvers.values()))
        batch = EngineBatch.of(solver)
        fractions = fractions_of(simulator.under({}), sheets)
        bank = bank_of(simulator.rings, fractions, 25.0, spec.engine.heater_max_mW)
        low, high = batch.sites_um.min(axis=0), batch.sites_um.max(axis=0)
        size = (float(high[0] - low[0]) / 1e3 + 0.5, float(high[1] - low[1]) / 1e3 + 0.5)
        process = ProcessVariation(load_parts()["variation_uw"], "wafer", size)
        state = solver.drawn
        links = tuple((link.a, link.b) for link in state.circuit.connections)
        ends = {**state.circuit.exposed, **state.detectors}
        return Engine(batch, ManyBank.of(bank, simulator.engines[0].name), process, links, ends)


def drawn(engine: Engine, samples: np.ndarray) -> dict[str, Any]:
    """What a chunk of samples is solved for: deviations, lines, locked rings."""
    from cpo_pdk.operation.locking_many import lock_many
    from cpo_pdk.variation.samples import Draw
    from cpo_pdk.variation.streams import normals

    batch, draw = engine.batch, Draw(1, samples)
    middle = (batch.sites_um.min(axis=0) + batch.sites_um.max(axis=0)) / 2
    found = engine.process.deviations(draw, 1, batch.sites_um - middle)
    rings = np.arange(len(batch.rings))
    dev = {
        "dw": found.dw_nm[:, 0],
        "dh": found.dh_nm[:, 0],
        "dslab": found.dslab_nm[:, 0],
        "doping": found.doping[:, 0],
        "coupling": COUPLING * normals(draw, "coupling", rings),
    }
    count = batch.channels_um.size

    def lines(ports: tuple[int, ...], purpose: str) -> np.ndarray:
        off = normals(draw, "laser_grid", np.arange(len(ports) * count), purpose)
        return batch.channels_um + LINE_UM * off.reshape(-1, len(ports), count)

    tx, rx = lines(batch.lasers, "tx"), lines(batch.rx_ports, "rx")
    locked = lock_many(engine.bank, batch.resonances_nm(dev), targets_nm=batch.targets_nm(tx, rx))
    return {"dev": dev, "tx": tx, "rx": rx, "channel": locked.channel, "tuning": locked.tuning_nm, "held": locked.held}


def solved(engine: Engine, given: Mapping[str, Any]) -> Any:
    """Lanes of drawn samples."""
    return engine.batch.solve(
        given["dev"],
        tx_lines_um=given["tx"],
        rx_lines_um=given["rx"],
        channel=given["channel"],
        tuning_nm=given["tuning"],
    )


_engine: list[Engine] = []


def _take(payload: bytes) -> None:
    _engine[:] = [pickle.loads(payload)]


def _chunk(start: int, stop: int) -> tuple[float, float, float]:
    """Sum of all losses, share of rings that are held, CPU seconds."""
    before = time.process_time()
    given = drawn(_engine[0], np.arange(start, stop))
    lanes = solved(_engine[0], given)
    return float(lanes.loss_dB.sum()), float(given["held"].mean()), time.process_time() - before


def many(engine: Engine, samples: int, workers: int) -> dict[str, float]:
    """Wall time of many samples on some processes."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # for the processes that are started below
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_take, initargs=(pickle.dumps(engine),)) as pool:
        list(pool.map(_chunk, [0] * 4 * workers, [8] * 4 * workers))  # starts them, loads the machine code
        start = time.perf_counter()
        edges = range(0, samples, CHUNK)
        done = list(pool.map(_chunk, edges, [min(samples, at + CHUNK) for at in edges]))
        wall = time.perf_counter() - start
    return {
        "wall_s": wall,
        "cpu_s": sum(seconds for _, _, seconds in done),
        "mean_loss_dB": sum(loss for loss, _, _ in done) / samples / len(engine.batch.lane_keys),
        "held_share": float(np.mean([held for _, held, _ in done])),
    }


def best(work: Callable[[], Any], least_s: float = 1.0, most: int = 7) -> float:
    """CPU seconds of the fastest of several runs."""
    times: list[float] = []
    while not times or (sum(times) < least_s and len(times) < most):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def slope(sizes: list[int], seconds: list[float]) -> float:
    """Exponent of the growth: slope of log seconds over log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def seconds_of(engine: Engine, samples: int) -> float:
    """CPU seconds of so many samples in this process, in chunks."""
    _engine[:] = [engine]

    def work() -> None:
        for at in range(0, samples, CHUNK):
            _chunk(at, min(samples, at + CHUNK))

    return best(work)


def handed_over(engine: Engine, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of an engine with the S-matrices of their devices: level one and each level zero of a transmit part.

    Each: elements (device, port in, port out), their values, shape (elements, levels, samples, wavelengths), links,
    ports by name.
    """
    values = filled(engine, given)
    found: list[dict[str, Any]] = []
    for part in engine.batch.transmit:
        rest = zip(part.rest.program.loads, part.which, strict=True)
        table = [(e, np.repeat(values[part.rest_values][row][None], 1 + part.turns, axis=0)) for e, row in rest]
        for load, row, other, turn in zip(part.into, part.rows, part.zero_rows, part.turn, strict=True):
            levels = np.repeat(values[part.one_values][row][None], 1 + part.turns, axis=0)
            levels[1 + turn] = values[part.zero_values][other]
            table.append((part.whole.program.loads[load], levels))
        elements, matrices = [e for e, _ in table], [levels for _, levels in table]
        found.append(_with_links(engine, elements, matrices, (*part.whole.inputs, *part.whole.outputs)))
    for part in engine.batch.receive:
        table = values[part.values][part.which][:, None]
        found.append(_with_links(engine, part.plan.program.loads, table, (*part.plan.inputs, *part.plan.outputs)))
    return found


def filled(engine: Engine, given: Mapping[str, Any]) -> list[np.ndarray]:
    """Values of the devices, as the plans take them."""
    batch, samples = engine.batch, len(given["tx"])
    values = [np.empty((rows, samples, batch.channels_um.size), complex) for rows in batch.rows]
    dev, _ = batch._deviations(given["dev"])
    lines = batch._lines(given["tx"], given["rx"])
    rest = np.zeros((samples, 0)), np.zeros(samples, np.int64)
    batch._fill(values, dev, lines, given["tuning"], slice(0, samples), *rest)
    return values


def plans(engine: Engine, values: list[np.ndarray]) -> list[np.ndarray]:
    """Power of all results of every part: what SAX is compared with."""
    sent = [[power for _, *power in part.powers(values)] for part in engine.batch.transmit]
    received = [part.powers(values) for part in engine.batch.receive]
    return [np.concatenate([np.concatenate([one[:, None], zero], axis=1) for one, zero in s]) for s in sent] + received


def _with_links(engine: Engine, elements: Any, values: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """A part as SAX takes it: every mode of a port is a port of its own."""
    ports: dict[str, set[str]] = {}
    for path, a, b in elements:
        ports.setdefault(path, set()).update((a, b))
    links = [
        ((a, pa + mode), (b, pb + mode))
        for (a, pa), (b, pb) in engine.links
        for mode in ("", "@TM")
        if pa + mode in ports.get(a, ()) and pb + mode in ports.get(b, ())
    ]
    ends = {}
    for name in dict.fromkeys(names):
        base, at, mode = name.partition("@")
        path, port = engine.ends[base]
        ends[name] = (path, port + at + mode)
    return {"elements": list(elements), "values": np.asarray(values), "links": links, "ends": ends}


def sax_side(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Solve parts with SAX; CPU seconds of all, and the power between the ports of each."""
    jax, klu = importlib.import_module("jax"), importlib.import_module("sax.backends.klu")
    jax.config.update("jax_enable_x64", True)
    seconds, first, powers = 0.0, 0.0, []
    for part in parts:
        order: dict[str, list[int]] = {}
        for number, (path, _, _) in enumerate(part["elements"]):
            order.setdefault(path, []).append(number)
        names = {path: f"x{number}" for number, path in enumerate(order)}
        table = np.moveaxis(part["values"], 0, -1)[..., [n for members in order.values() for n in members]]
        shapes, edges = {}, [0]
        for path, members in order.items():
            ports: dict[str, int] = {}
            for number in members:
                for port in part["elements"][number][1:]:
                    ports.setdefault(port.replace("@", "_"), len(ports))
            pairs = [part["elements"][number][1:] for number in members]
            out = np.array([ports[b.replace("@", "_")] for _, b in pairs], np.int32)
            into = np.array([ports[a.replace("@", "_")] for a, _ in pairs], np.int32)
            shapes[names[path]] = (out, into, ports)
            edges.append(edges[-1] + len(members))

        def instances(values: Any, shapes: Any = shapes, edges: Any = tuple(edges)) -> dict[str, Any]:
            cut = enumerate(shapes.items())
            return {n: (o, i, values[..., edges[k] : edges[k + 1]], ports) for k, (n, (o, i, ports)) in cut}

        nets = [
            {"p1": f"{names[a]},{pa.replace('@', '_')}", "p2": f"{names[b]},{pb.replace('@', '_')}"}
            for (a, pa), (b, pb) in part["links"]
        ]
        ends = {
            f"p{k}": f"{names[a]},{p.replace('@', '_')}" for k, (a, p) in enumerate(part["ends"].values()) if a in names
        }
        start = time.process_time()
        analysed = klu.analyze_circuit_klu(instances(table[:1, :1, :1]), nets, ends)
        run = jax.jit(lambda values, a=analysed, i=instances: klu.evaluate_circuit_klu(a, i(values))[0])
        answer = jax.block_until_ready(run(table))
        first += time.process_time() - start
        seconds += best(lambda run=run, table=table: jax.block_until_ready(run(table)))
        powers.append(np.abs(np.asarray(answer)) ** 2)
    return {"seconds": seconds, "first_s": first, "powers": powers}


def compared(engine: Engine, samples: int, python: str) -> dict[str, Any]:
    """Our solver and SAX on the same matrices."""
    given = drawn(engine, np.arange(samples))
    values = filled(engine, given)
    ours = plans(engine, values)
    solve_s = best(lambda: plans(engine, values))
    whole_s = best(lambda: solved(engine, given))
    with tempfile.TemporaryDirectory() as folder:
        told, said = Path(folder) / "parts.pkl", Path(folder) / "powers.pkl"
        told.write_bytes(pickle.dumps(handed_over(engine, given)))
        command = [python, __file__, "--task", str(told), str(said)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"SAX: {done.stderr.strip().splitlines()[-1]}")
        theirs = pickle.loads(said.read_bytes())
    return {
        "sax_s_sample": theirs["seconds"] / samples,
        "sax_first_s": theirs["first_s"],
        "solver_s_sample": solve_s / samples,
        "with_devices_s_sample": whole_s / samples,
        "ratio_sax_vmap": theirs["seconds"] / solve_s,
        "ratio_with_devices": theirs["seconds"] / whole_s,
        "largest_difference": largest_difference(engine, ours, theirs["powers"]),
    }


def largest_difference(engine: Engine, ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """Of the power of any lane: SAX's answer has (port out, port in) last."""
    worst = 0.0
    batch = engine.batch
    for part, mine, other in zip(batch.transmit, ours, theirs, strict=False):
        place = {name: k for k, name in enumerate(dict.fromkeys((*part.whole.inputs, *part.whole.outputs)))}
        wanted = [other[..., place[f"tx_{port.port}"], place[part.whole.inputs[0]]] for port in part.ports]
        flat = np.concatenate([np.moveaxis(levels, 0, 1) for levels in wanted])
        worst = max(worst, float(np.max(np.abs(flat - mine))))
    for part, mine, other in zip(
        batch.receive, ours[len(batch.transmit) :], theirs[len(batch.transmit) :], strict=True
    ):
        place = {name: k for k, name in enumerate(dict.fromkeys((*part.plan.inputs, *part.plan.outputs)))}
        out = np.zeros_like(mine)
        pairs = list(part.plan.program.results)
        for mode, detector, row in part.results:
            into, leaves = pairs[row]
            out[mode, :, detector] += other[0, ..., place[leaves], place[into]]
        worst = max(worst, float(np.max(np.abs(out - mine))))
    return worst


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements."""
    samples = options.samples or (1000 if options.quick else 10_000)
    sizes = [250, 1000] if options.quick else [250, 1000, 4000]
    engines = {ports: engine_of(ports) for ports in (2, 4, PORTS)}
    engine = engines[PORTS]
    taken = many(engine, samples, options.workers)
    found: dict[str, Any] = {
        "lanes": len(engine.batch.lane_keys),
        "rings": len(engine.batch.rings),
        "devices": len(engine.batch.devices),
        "places": len(engine.batch.sites_um),
        "samples": samples,
        "workers": options.workers,
        "samples_10000_s": taken["wall_s"] * 10_000 / samples,
        **taken,
        "slope_samples": slope(sizes, [seconds_of(engine, size) for size in sizes]),
        "slope_lanes": slope(
            [len(e.batch.lane_keys) for e in engines.values()], [seconds_of(e, 500) for e in engines.values()]
        ),
    }
    try:
        found |= compared(engine, 64 if options.quick else 128, options.sax_python or sys.executable)
    except SystemExit as error:
        found |= {"ratio_sax_vmap": None, "sax": str(error)}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--samples", type=int, default=0, help="samples of the first measurement (default 10,000)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sax-python", default="", help="interpreter that has SAX, when this one has not")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--task", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        told, said = map(Path, options.task)
        said.write_bytes(pickle.dumps(sax_side(pickle.loads(told.read_bytes()))))
        return
    found = measure(options)
    if options.json:
        print(json.dumps(found))
        return
    print(f"engine: {found['lanes']} lanes, {found['rings']} rings, {found['devices']} devices")
    print(
        f"{found['samples']} samples on {found['workers']} processes: {found['wall_s']:.1f} s, {found['cpu_s']:.1f} s "
        f"of CPU; 10,000: {found['samples_10000_s']:.1f} s; {100 * found['held_share']:.2f} % of the rings held"
    )
    print(f"growth with samples: {found['slope_samples']:.2f}, with lanes: {found['slope_lanes']:.2f}")
    if found["ratio_sax_vmap"] is None:
        print(f"SAX left out: {found['sax']}")
        return
    print(
        f"SAX {1e3 * found['sax_s_sample']:.2f} ms a sample, our solver {1e3 * found['solver_s_sample']:.3f} ms: "
        f"{found['ratio_sax_vmap']:.0f} x; our solver and devices {1e3 * found['with_devices_s_sample']:.3f} ms: "
        f"{found['ratio_with_devices']:.0f} x; largest difference of a power {found['largest_difference']:.1e}; SAX's "
        f"first call took {found['sax_first_s']:.0f} s"
    )


if __name__ == "__main__":
    main()

"""S-matrix of a circuit: compiled once a topology, run over any number of wavelengths and samples.

::

    plan = compile_circuit({"a": [("o1", "o2")], ...}, [(("a", "o2"), ("b", "o1"))], {"in": ("a", "o1"), ...})
    s = plan.solve({"a": {("o1", "o2"): values}, ...})          # {("in", "out"): array}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit import compiled
from cpo_pdk.circuit.signal_flow import PortPair, Program, Ref, build_program, modes_of
from cpo_pdk.errors import ModelError

Complex = NDArray[np.complex128]
SDict = Mapping[PortPair, Complex]

#: a loop is singular when |1 - gain| is below this
SINGULAR = 1e-12
#: and suspicious below this
NEARLY_SINGULAR = 1e-6
#: complex numbers in one array of one block; a few such arrays stay in the second-level cache
BLOCK = 8192
#: complex products from which machine code is worth being loaded (half a second), and used once it is loaded
WORTH_LOADING, WORTH_USING = 300_000_000, 200_000
#: and from which it is used for values that are laid out for it already
WORTH_ROWS = 10_000
#: complex numbers of loads and results together that are handed to the machine code at once
CHUNK = 4_000_000

Engine = Literal["auto", "numpy", "compiled"]


@dataclass(frozen=True)
class Plan:
    """A compiled circuit.

    Attributes:
        program: what to compute.
        structure: instance -> elements that are not zero by structure.
        inputs, outputs: names (with modes) of the wanted ports.
    """

    program: Program
    structure: dict[str, frozenset[PortPair]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def pairs(self) -> tuple[PortPair, ...]:
        """The (input, output) pairs between which a path exists; `solve` returns these."""
        return tuple(self.program.results)

    def solve(
        self,
        values: Mapping[str, SDict],
        *,
        wl: NDArray[np.float64] | None = None,
        warnings: list[str] | None = None,
        block: int = BLOCK,
        engine: Engine = "auto",
    ) -> dict[PortPair, Complex]:
        """Run the plan.

        Args:
            values: instance -> its S-matrix; arrays of shape (..., W), all broadcastable against each other.
            wl: wavelengths in um, shape (W,), for messages only.
            warnings: list that gets a line for every loop that is close to singular.
            block: complex numbers an array may have in one pass; only speed and memory depend on it.
            engine: "compiled" runs machine code made by numba (the extra `compiled`), "numpy" does without; "auto"
                takes the first where it is there and pays. Both give the same numbers to rounding.

        Returns:
            (input, output) -> amplitude, complex, all of the shape that the values broadcast to; pairs without a path
            are left out.

        Raises:
            ModelError: an instance or an element without a value, one that the plan takes as zero, a loop that is
                singular; numba asked for and not installed.
        """
        loads = self._loads(values)
        shape = np.broadcast_shapes((1,), *{array.shape for array in loads})
        if self._compiled(engine, int(np.prod(shape, dtype=np.int64))):
            found = self._run_compiled(loads, shape, wl, warnings)
            if found is not None:
                return found
        results: dict[PortPair, Complex] = {pair: np.empty(shape, np.complex128) for pair in self.program.results}
        closest: dict[str, tuple[float, int]] = {}
        for part in _parts(shape, block):
            cut = [array[..., part] if array.ndim and array.shape[-1] > 1 else array for array in loads]
            for pair, array in self._run(cut, part.start, closest, wl).items():
                results[pair][..., part] = array
        if warnings is not None:
            warnings += _uncertain(closest, wl)
        return results

    def solve_rows(self, rows: Complex, which: NDArray[np.int64], *, engine: Engine = "auto") -> Complex:
        """Run the plan on values that are laid out already: what many samples of one circuit are solved with.

        Args:
            rows: distinct values, shape (D, N), contiguous; N = wavelengths times samples.
            which: row of each of `program.loads`, shape (loads,).
            engine: see `solve`.

        Returns:
            amplitudes of `pairs`, in their order, shape (pairs, N).

        Raises:
            ModelError: a loop that is singular; numba asked for and not installed.
        """
        points = rows.shape[1]
        out = np.empty((len(self.program.results), points), np.complex128)
        # many calls follow: loading the machine code pays as soon as using it does
        used = engine == "auto" and self.program.products * points >= WORTH_ROWS and compiled.available()
        if self.program.results and (used or self._compiled(engine, points)):
            gaps, _ = compiled.run(self._registers, rows, which, out)
            if np.all(gaps >= SINGULAR) and np.all(np.isfinite(out)):
                return out
        places = {pair: row for row, pair in enumerate(self.program.results)}
        for start in range(0, points, BLOCK):
            part = slice(start, min(points, start + BLOCK))
            for pair, array in self._run([rows[row, part] for row in which], start, {}, None).items():
                out[places[pair], part] = array
        return out

    def _compiled(self, engine: Engine, points: int) -> bool:
        """Whether the machine code is used for so many points."""
        if engine == "numpy" or (engine == "auto" and not self.program.steps):
            return False
        if engine == "compiled":
            if not compiled.available():
                raise ModelError('engine = "compiled" needs numba; pip install "cpo-pdk[compiled]"')
            return True
        work = self.program.products * points
        return work >= (WORTH_USING if compiled.loaded() else WORTH_LOADING) and compiled.available()

    @cached_property
    def _registers(self) -> compiled.Registers:
        return compiled.allocate(self.program)

    def _run_compiled(
        self,
        loads: list[Complex],
        shape: tuple[int, ...],
        wl: NDArray[np.float64] | None,
        warnings: list[str] | None,
    ) -> dict[PortPair, Complex] | None:
        """Run the machine code; None when a loop is singular or a number is not finite, which numpy then names."""
        width = shape[-1]
        rows = int(np.prod(shape[:-1], dtype=np.int64))
        # devices that are equal share their arrays: each is handed over once
        _, first, which = np.unique(np.fromiter(map(id, loads), np.int64, len(loads)), True, True)
        distinct = [loads[index] for index in first]
        flat = [np.broadcast_to(a, shape).reshape(rows, width) if a.ndim > 2 else np.atleast_2d(a) for a in distinct]
        results = np.empty((len(self.program.results), rows, width), np.complex128)
        closest: dict[str, tuple[float, int]] = {}
        step = max(1, CHUNK // max(1, (len(flat) + len(results)) * width))
        for start in range(0, rows, step):
            stop = min(rows, start + step)
            packed = np.empty((len(flat), stop - start, width), np.complex128)
            for place, array in zip(packed, flat, strict=True):
                place[...] = array[start:stop] if array.shape[0] > 1 else array
            whole = stop - start == rows
            out = (
                results.reshape(len(results), -1)
                if whole
                else np.empty((len(results), (stop - start) * width), complex)
            )
            gaps, where = compiled.run(self._registers, packed.reshape(len(flat), -1), which, out)
            if not (np.all(gaps >= SINGULAR) and np.all(np.isfinite(out))):
                return None
            for index in np.flatnonzero(gaps < NEARLY_SINGULAR):
                instance, gap = self._registers.instances[index], float(gaps[index])
                if instance not in closest or gap < closest[instance][0]:
                    closest[instance] = (gap, int(where[index]) % width)
            if not whole:
                results[:, start:stop] = out.reshape(len(results), stop - start, width)
        if warnings is not None:
            warnings += _uncertain(closest, wl)
        return dict(zip(self.program.results, results.reshape(-1, *shape), strict=True))

    def _loads(self, values: Mapping[str, SDict]) -> list[Complex]:
        """The values in the order of the program's loads, checked for completeness."""
        missing = sorted(self.structure.keys() - values.keys())
        if missing:
            raise ModelError(f"{len(missing)} instances without values ({', '.join(missing[:8])}); give all of them")
        for name, pairs in self.structure.items():
            given = values[name]
            if given.keys() == pairs:
                continue
            lacking = sorted(pairs - given.keys())
            if lacking:
                raise ModelError(f"{name}: no value for {'>'.join(lacking[0])}, which the circuit was compiled with")
            for pair in given.keys() - pairs:
                if np.any(given[pair]):
                    raise ModelError(f"{name}: {'>'.join(pair)} is not zero, but the circuit was compiled without it")
        raw = (values[name][a, b] for name, a, b in self.program.loads)
        return [v if type(v) is np.ndarray and v.dtype == np.complex128 else np.asarray(v, np.complex128) for v in raw]

    def _run(
        self,
        loads: list[Complex],
        offset: int,
        closest: dict[str, tuple[float, int]],
        wl: NDArray[np.float64] | None,
    ) -> dict[PortPair, Complex]:
        slots: list[Complex | None] = [*loads, *([None] * (self.program.slots - len(loads)))]
        owned = bytearray(self.program.slots)
        for step in self.program.steps:
            outgoing = [_value(slots, slot) for slot in step.outgoing]
            gain = None
            if step.loop >= 0:
                rest = 1.0 - _value(slots, step.loop)
                _check_loop(rest, step.instance, offset, closest, wl)
                gain = 1.0 / rest
                slots[step.loop] = None
            position = 0
            for slot_in in step.incoming:
                value_in = _value(slots, slot_in)
                if gain is not None:
                    value_in = value_in * gain
                for value_out in outgoing:
                    target = step.targets[position]
                    position += 1
                    product = value_in * value_out
                    held = slots[target]
                    if held is None:
                        slots[target] = product
                        owned[target] = 1
                    elif owned[target] and held.shape == product.shape:
                        held += product
                    else:
                        slots[target] = held + product
                        owned[target] = 1
                slots[slot_in] = None
            for slot_out in step.outgoing:
                slots[slot_out] = None
        return {pair: _value(slots, slot) for pair, slot in self.program.results.items()}


def _uncertain(closest: Mapping[str, tuple[float, int]], wl: NDArray[np.float64] | None) -> list[str]:
    return [
        f"loop through {instance!r} is nearly lossless and resonant{_at(wl, index)}: |1 - gain| = {gap:.2g}; "
        "the numbers there are uncertain"
        for instance, (gap, index) in sorted(closest.items())
    ]


def _value(slots: list[Complex | None], slot: int) -> Complex:
    value = slots[slot]
    assert value is not None, "the program uses a slot before it is filled"
    return value


def _parts(shape: tuple[int, ...], block: int) -> Iterator[slice]:
    """Slices of the last axis so that the arrays have about `block` numbers each."""
    batch = int(np.prod(shape[:-1], dtype=np.int64))
    step = max(1, block // max(1, batch))
    total = shape[-1]
    count = max(1, -(-total // step))
    step = -(-total // count)
    for start in range(0, total, max(1, step)):
        yield slice(start, min(total, start + step))


def _check_loop(
    rest: Complex,
    instance: str,
    offset: int,
    closest: dict[str, tuple[float, int]],
    wl: NDArray[np.float64] | None,
) -> None:
    size = np.abs(rest)
    least = float(size.min())
    if least >= NEARLY_SINGULAR:
        return
    index = int(np.argmin(size.reshape(-1, size.shape[-1]).min(axis=0))) + offset
    if not least >= SINGULAR:
        raise ModelError(
            f"loop through {instance!r} is lossless and exactly resonant{_at(wl, index)}: |1 - gain| = {least:.2g}, "
            f"at least {SINGULAR:g} needed; add loss or shift the wavelength"
        )
    if instance not in closest or least < closest[instance][0]:
        closest[instance] = (least, index)


def _at(wl: NDArray[np.float64] | None, index: int) -> str:
    if wl is None or (wl.size == 1 and wl.ndim == 0):
        return f" (wavelength number {index})"
    return f" at {float(np.asarray(wl).ravel()[index]):.6f} um"


def compile_circuit(
    instances: Mapping[str, Iterable[PortPair]],
    connections: Iterable[tuple[Ref, Ref]],
    exposed: Mapping[str, Ref],
    outputs_wanted: Iterable[str] | None = None,
    inputs_wanted: Iterable[str] | None = None,
    shuffle: int = 0,
) -> Plan:
    """Compile a circuit for `Plan.solve`.

    A connection carries every mode that both sides have; a mode that one side alone has is absorbed.

    Args:
        instances: instance -> its (port in, port out) pairs that are not zero by structure, ports with modes (`o1@TM`).
        connections: pairs of (instance, port), ports without modes.
        exposed: name -> (instance, port) of the circuit's own ports, without modes; the mode is added to the name. A
            detector (`i1`) is an exposed port that is only an output.
        outputs_wanted: names with modes that light is wanted at; None for all.
        inputs_wanted: names with modes that light is sent into; None for all.
        shuffle: order of the elimination, see `build_program`; every order gives the same amplitudes.

    Returns:
        the plan; parts that no wanted input reaches or no wanted output sees are left out of it.

    Raises:
        ModelError: a port used twice, an unknown instance or a wanted name that is not exposed.
    """
    structure = {name: frozenset(pairs) for name, pairs in instances.items()}
    modes = {name: modes_of(pairs) for name, pairs in structure.items()}
    links: list[tuple[Ref, Ref]] = []
    seen: set[Ref] = set()
    for (a, port_a), (b, port_b) in connections:
        for name, port in ((a, port_a), (b, port_b)):
            if name not in structure:
                raise ModelError(f"connection to {name}.{port}: no such instance in the circuit")
            if (name, port) in seen:
                raise ModelError(f"port {name}.{port} is connected more than once, 1 allowed; remove a connection")
            seen.add((name, port))
        for mode in sorted(modes[a].get(port_a, set()) & modes[b].get(port_b, set())):
            links.append(((a, port_a + mode), (b, port_b + mode)))
    ends: dict[str, Ref] = {}
    for name, (instance, port) in exposed.items():
        if instance not in structure:
            raise ModelError(f"port {name!r} is {instance}.{port}: no such instance in the circuit")
        if (instance, port) in seen:
            raise ModelError(f"port {name!r} is {instance}.{port}, which is connected inside; expose an open port")
        for mode in sorted(modes[instance].get(port, {""})):
            ends[name + mode] = (instance, port + mode)
    wanted_out = tuple(ends) if outputs_wanted is None else tuple(outputs_wanted)
    wanted_in = tuple(ends) if inputs_wanted is None else tuple(inputs_wanted)
    unknown = sorted(name for name in {*wanted_out, *wanted_in} if name not in ends)
    if unknown:
        raise ModelError(f"no port {unknown[0]!r} in the circuit; it has {', '.join(sorted(ends)[:12])}")
    program = build_program(
        structure, links, {name: ends[name] for name in wanted_in}, {name: ends[name] for name in wanted_out}, shuffle
    )
    return Plan(program, structure, wanted_in, wanted_out)

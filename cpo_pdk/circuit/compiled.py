"""The elimination of a circuit as machine code: the same operations as `Plan`, over blocks that stay in cache.

numba (optional) compiles one function, once for all circuits: it interprets the list of operations, and every operation
is a loop over a block of wavelengths, so that interpreting costs nothing. Values live in registers that are handed out
again when an edge of the graph is gone; what a block needs then fits the second-level cache. Real and imaginary parts
are kept apart, which lets the compiler use vector instructions.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.signal_flow import Program

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

#: bytes that the registers of one block may take: half of a common second-level cache
CACHE_BYTES = 512 * 1024
#: fewest and most points in a block
LANES = (8, 256)


@dataclass(frozen=True)
class Registers:
    """A program with its slots mapped to few registers.

    Attributes:
        code: one integer after the other, a step at a time: number of loads that are added to, (register, load) for
            each; 1 when there is a loop, its operand; number of incoming and outgoing edges, their operands; targets
            (register, 1 when it holds nothing yet). An operand is a register, or -1 - load.
        steps: number of steps.
        results: (register, load or -1) of each result.
        registers: how many are needed.
        instances: device at each step, for messages.
    """

    code: Ints
    steps: int
    results: Ints
    registers: int
    instances: tuple[str, ...]


def available() -> bool:
    """True when numba is installed."""
    return importlib.util.find_spec("numba") is not None


def allocate(program: Program) -> Registers:
    """Map the slots of a program to registers: a load takes one only to be added to, an edge gives its own back."""
    free: list[int] = []
    count = 0
    at: dict[int, int] = {}
    loads = len(program.loads)
    code: list[int] = []

    def take(slot: int) -> int:
        nonlocal count
        if free:
            at[slot] = free.pop()
        else:
            at[slot] = count
            count += 1
        return at[slot]

    def operand(slot: int) -> int:
        return at[slot] if slot in at else -1 - slot

    for step in program.steps:
        wanted = [slot for slot in dict.fromkeys(step.targets) if slot not in at and slot < loads]
        code.append(len(wanted))
        for slot in wanted:
            code += [take(slot), slot]
        code += [int(step.loop >= 0), operand(step.loop) if step.loop >= 0 else 0]
        code += [len(step.incoming), len(step.outgoing)]
        code += [operand(slot) for slot in step.incoming]
        code += [operand(slot) for slot in step.outgoing]
        for target, new in zip(step.targets, step.fresh, strict=True):
            register = take(target) if new else at[target]
            code += [register, int(new)]
        for slot in dict.fromkeys((*step.incoming, *step.outgoing, *((step.loop,) if step.loop >= 0 else ()))):
            if slot in at:
                free.append(at.pop(slot))
    results = [(at.get(slot, -1), slot if slot not in at else -1) for slot in program.results.values()]
    return Registers(
        np.asarray(code, np.int64),
        len(program.steps),
        np.asarray(results, np.int64).reshape(-1, 2),
        max(count, 1),
        tuple(step.instance for step in program.steps),
    )


def _kernel(
    code: Ints,
    steps: int,
    results: Ints,
    registers: int,
    lane: int,
    loads: Complex,
    which: Ints,
    out: Complex,
    least: Floats,
    where: Ints,
) -> None:
    """Run the program on all points; see `Registers`.

    Args:
        code, steps, results, registers: the program.
        lane: points in a block.
        loads: distinct values, shape (D, N).
        which: row of `loads` of each load.
        out: results, shape (R, N), written.
        least: smallest |1 - gain|^2 of each step, lowered.
        where: point where it is, written.
    """
    rows, points = loads.shape
    re = np.empty((rows + registers, lane))
    im = np.empty((rows + registers, lane))
    wr = np.empty(lane)
    wi = np.empty(lane)
    gr = np.empty(lane)
    gi = np.empty(lane)
    for start in range(0, points, lane):
        n = min(lane, points - start)
        for row in range(rows):
            for k in range(n):
                value = loads[row, start + k]
                re[row, k] = value.real
                im[row, k] = value.imag
        p = 0
        for step in range(steps):
            wanted = code[p]
            p += 1
            for _ in range(wanted):
                r, row = rows + code[p], which[code[p + 1]]
                p += 2
                for k in range(n):
                    re[r, k] = re[row, k]
                    im[r, k] = im[row, k]
            looped, loop, n_in, n_out = code[p], code[p + 1], code[p + 2], code[p + 3]
            loop = rows + loop if loop >= 0 else which[-1 - loop]
            first_in = p + 4
            first_out = first_in + n_in
            p = first_out + n_out
            if looped == 1:
                for k in range(n):
                    x = 1.0 - re[loop, k]
                    y = -im[loop, k]
                    square = x * x + y * y
                    if square < least[step]:
                        least[step] = square
                        where[step] = start + k
                    gr[k] = x / square
                    gi[k] = -y / square
            for i in range(n_in):
                a = code[first_in + i]
                a = rows + a if a >= 0 else which[-1 - a]
                if looped == 1:
                    for k in range(n):
                        wr[k] = re[a, k] * gr[k] - im[a, k] * gi[k]
                        wi[k] = re[a, k] * gi[k] + im[a, k] * gr[k]
                else:
                    for k in range(n):
                        wr[k] = re[a, k]
                        wi[k] = im[a, k]
                for j in range(n_out):
                    b = code[first_out + j]
                    b = rows + b if b >= 0 else which[-1 - b]
                    t = rows + code[p]
                    if code[p + 1] == 1:
                        for k in range(n):
                            re[t, k] = wr[k] * re[b, k] - wi[k] * im[b, k]
                            im[t, k] = wr[k] * im[b, k] + wi[k] * re[b, k]
                    else:
                        for k in range(n):
                            re[t, k] += wr[k] * re[b, k] - wi[k] * im[b, k]
                            im[t, k] += wr[k] * im[b, k] + wi[k] * re[b, k]
                    p += 2
        for i in range(results.shape[0]):
            r = results[i, 0]
            if r >= 0:
                for k in range(n):
                    out[i, start + k] = complex(re[rows + r, k], im[rows + r, k])
            else:
                row = which[results[i, 1]]
                for k in range(n):
                    out[i, start + k] = loads[row, start + k]


_compiled: list[Any] = []


def loaded() -> bool:
    """True when the kernel is in memory: from then on it costs nothing to use it."""
    return bool(_compiled)


def run(registers: Registers, loads: Complex, which: Ints, out: Complex) -> tuple[Floats, Ints]:
    """Run a program on points.

    Args:
        registers: the program.
        loads: distinct values, shape (D, N), contiguous.
        which: row of `loads` of each load of the program.
        out: results, shape (R, N), written.

    Returns:
        the smallest |1 - gain| of each step and the point where it is; infinite where there is no loop.
    """
    fitting = CACHE_BYTES // (16 * (registers.registers + len(loads)))
    lane = max(LANES[0], min(LANES[1], 1 << max(0, fitting.bit_length() - 1)))
    least = np.full(registers.steps, np.inf)
    where = np.zeros(registers.steps, np.int64)
    kernel()(
        registers.code,
        registers.steps,
        registers.results,
        registers.registers,
        lane,
        loads,
        which,
        out,
        least,
        where,
    )
    return np.sqrt(least), where


def kernel() -> Any:
    """The compiled kernel; compiled at the first call on a machine, then read from numba's cache."""
    if not _compiled:
        # imported where it is needed: numba takes half a second, and small circuits do without
        import numba

        decorated = numba.njit(cache=True, fastmath={"contract"}, error_model="numpy", nogil=True)(_kernel)
        _compiled.append(decorated)
    return _compiled[0]

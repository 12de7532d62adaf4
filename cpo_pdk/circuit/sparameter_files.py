"""Read measured or simulated S-parameters: Touchstone (through scikit-rf), Lumerical's text form, our own tables.

Touchstone files (`.s1p` to `.s99p`) are written by network analysers and most simulators; their ports are numbers.
Lumerical's form (`.sparam`, `.dat`), which SiEPIC's compact models use, is a sequence of blocks ::

    ("port 2","mode 1",1,"port 1",1,"transmission")     output port, label, output mode, input port, input mode, what
    (101,3)
    1.86e+14 0.71 -12.3                                  frequency in Hz, |S|, phase in rad

Its ports are called `port 1`, or `port 1 mode 2` for every mode but the first. Tables (`.nc`, `.parquet`, `.csv`) are
those that `cpo spectrum` writes (`cpo_pdk.circuit.exchange.spectrum_files`); their ports keep their names, detectors
are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.circuit.exchange.spectrum_files import TABLES, read_table
from cpo_pdk.errors import InputError

C_UM_HZ = 2.99792458e14  # speed of light, um/s
SIZE_LIMIT = 64 << 20
PORT_LIMIT = 64
_TOUCHSTONE = re.compile(r"\.s(\d{1,2})p", re.IGNORECASE)
_LUMERICAL = (".sparam", ".dat")
_BLOCK = re.compile(
    r"^\s*\(\s*(?P<q>['\"])(?P<out>[^'\"]+)(?P=q)\s*,\s*(?P=q)(?P<label>[^'\"]*)(?P=q)\s*,\s*(?P<out_mode>\d+)\s*,"
    r"\s*(?P=q)(?P<in>[^'\"]+)(?P=q)\s*,\s*(?P<in_mode>\d+)\s*,\s*(?P=q)(?P<what>[^'\"]*)(?P=q)\s*\)\s*$"
)
# a head that is cut off, or a row beyond those that its block announces
_STRAY = re.compile(r"^\s*(\(|[-+]?\.?\d)")
_SHAPE = re.compile(r"^\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*$")


@dataclass(frozen=True)
class FileMatrix:
    """S-parameters as in a file.

    Attributes:
        path: the file.
        f_Hz: frequencies, rising, shape (F,).
        ports: names of the file's ports.
        S: shape (F, P, P), indices [frequency, output, input].
        time: time dependence that this kind of file has by convention, "exp(+jwt)" or "exp(-iwt)".
    """

    path: Path
    f_Hz: NDArray[np.float64]
    ports: tuple[str, ...]
    S: NDArray[np.complex128]
    time: str


def read_sparameters(path: Path) -> FileMatrix:
    """Read a Touchstone or Lumerical file, or a table of ours.

    Args:
        path: the file; its ending says which kind it is.

    Raises:
        InputError: it can't be read, is of no such kind, is damaged, or holds fewer than two frequencies.
    """
    touchstone = _TOUCHSTONE.fullmatch(path.suffix)
    suffix = path.suffix.lower()
    if not touchstone and suffix not in (*_LUMERICAL, *TABLES):
        raise InputError(
            f"{path}: ending {path.suffix!r} is not known; give .s2p (.s4p, ...), .sparam, .dat, .nc, .parquet or .csv"
        )
    try:
        size = path.stat().st_size
        if size > SIZE_LIMIT:
            raise InputError(f"{path}: {size} bytes, limit {SIZE_LIMIT}; give fewer wavelengths")
        text = path.read_text(encoding="utf-8", errors="replace") if suffix in _LUMERICAL else ""
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error}); check the name in the sheet") from error
    if suffix in TABLES:
        table = read_table(path)
        matrix = FileMatrix(path, table.f_Hz, table.ports, table.S, "exp(-iwt)")
    else:
        matrix = _touchstone(path) if touchstone else _lumerical(path, text)
    if matrix.f_Hz.size < 2:
        raise InputError(f"{path}: {matrix.f_Hz.size} frequencies, at least 2 needed; give a spectrum")
    if not (np.all(np.isfinite(matrix.f_Hz)) and np.all(np.isfinite(matrix.S))):
        raise InputError(f"{path}: holds a value that is not finite; measure or export it again")
    if np.any(np.diff(matrix.f_Hz) <= 0):
        raise InputError(f"{path}: two rows have the same frequency; remove one of them")
    low, high = C_UM_HZ / matrix.f_Hz[-1], C_UM_HZ / matrix.f_Hz[0]
    if not (0.4 < low < high < 5.0):
        raise InputError(
            f"{path}: frequencies are {low:g} to {high:g} um of wavelength, 0.4 to 5 um allowed; "
            + ("correct the unit in its line with #" if touchstone else "give them in Hz")
        )
    return matrix


def _touchstone(path: Path) -> FileMatrix:
    # imported where it is needed: scikit-rf takes most of a second, and few designs have measured devices
    import skrf

    network = skrf.Network()
    try:
        # not `Network(path)`: that unpickles whatever it is given first, and a pickle runs code
        network.read_touchstone(str(path))
    except Exception as error:  # scikit-rf raises whatever its parser trips over
        raise InputError(f"{path}: not a Touchstone file ({type(error).__name__}: {error}); export it again") from error
    ports = tuple(str(n + 1) for n in range(network.nports))
    order = np.argsort(network.f, kind="stable")
    return FileMatrix(path, np.asarray(network.f)[order], ports, np.asarray(network.s)[order], "exp(+jwt)")


def _port_name(port: str, mode: str) -> str:
    return port if mode == "1" else f"{port} mode {mode}"


def _lumerical(path: Path, text: str) -> FileMatrix:
    blocks: dict[tuple[str, str], NDArray[np.float64]] = {}
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        head = _BLOCK.match(lines[number])
        if not head:
            if _STRAY.match(lines[number]):
                raise InputError(f"{path}:{number + 1}: neither head nor row of a block; export it again")
            number += 1
            continue
        shape = _SHAPE.match(lines[number + 1]) if number + 1 < len(lines) else None
        if not shape or int(shape[2]) < 3:
            raise InputError(f"{path}:{number + 2}: (rows,3) expected after the head of a block; export it again")
        rows, start = int(shape[1]), number + 2
        body = lines[start : start + rows]
        try:
            table = np.array([[float(x) for x in line.split()[:3]] for line in body], dtype=np.float64)
        except ValueError as error:
            raise InputError(f"{path}:{start + 1}: {error} in the block that starts here; export it again") from error
        if table.shape != (rows, 3):
            raise InputError(f"{path}:{start + 1}: {rows} rows of 3 numbers expected; export it again")
        pair = (_port_name(head["in"], head["in_mode"]), _port_name(head["out"], head["out_mode"]))
        if head["what"].lower() in ("transmission", "reflection"):
            if pair in blocks:
                raise InputError(f"{path}:{number + 1}: a second block from {pair[0]!r} to {pair[1]!r}; remove one")
            blocks[pair] = table[np.argsort(table[:, 0], kind="stable")]
        number = start + rows
    if not blocks:
        raise InputError(f"{path}: no block of S-parameters found; give a Lumerical .sparam or .dat file")
    ports = tuple(sorted({port for pair in blocks for port in pair}))
    if len(ports) > PORT_LIMIT:
        raise InputError(f"{path}: {len(ports)} ports, limit {PORT_LIMIT}; give a smaller device")
    f_Hz = next(iter(blocks.values()))[:, 0]
    S = np.zeros((f_Hz.size, len(ports), len(ports)), np.complex128)
    for (a, b), table in blocks.items():
        if table.shape[0] != f_Hz.size or not np.array_equal(table[:, 0], f_Hz):
            raise InputError(f"{path}: block {a!r} to {b!r} has other frequencies than the first; export it again")
        S[:, ports.index(b), ports.index(a)] = table[:, 1] * np.exp(1j * table[:, 2])
    return FileMatrix(path, f_Hz, ports, S, "exp(-iwt)")

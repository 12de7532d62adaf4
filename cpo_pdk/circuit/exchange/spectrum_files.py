"""Spectra as files: Touchstone, NetCDF (xarray), Parquet, CSV; read back with the same names and numbers.

Frequencies rise, in Hz; `S[f, out, in]` is in the convention of the models (phase grows as `exp(+1j 2 pi neff L / wl)`,
time as `exp(-iwt)`), except in Touchstone, which is written in its own, `exp(+jwt)`, that is conjugated.
"""

from __future__ import annotations

import csv
import importlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cpo_pdk import output
from cpo_pdk.errors import InputError, OutputError

C_UM_HZ = 2.99792458e14  # speed of light, um/s
Format = Literal["touchstone", "netcdf", "parquet", "csv"]
FORMATS: tuple[Format, ...] = ("touchstone", "netcdf", "parquet", "csv")
#: endings of the files that `read_table` reads
TABLES = (".nc", ".parquet", ".csv")
#: columns of the flat table
COLUMNS = ("f_Hz", "wl_um", "port_in", "port_out", "re", "im")
#: most ports that a Touchstone file can have by its ending
TOUCHSTONE_PORTS = 99
ROW_LIMIT = 20_000_000


@dataclass(frozen=True)
class SpectrumTable:
    """S-parameters over frequency.

    Attributes:
        f_Hz: rising, shape (F,).
        ports: names, with modes (`o1@TM`).
        S: shape (F, P, P), indices [frequency, output, input], convention `exp(-iwt)`.
        detectors: names of ports that only absorb.
        D: shape (F, D, P): |.|^2 is the power that a detector absorbs.
        notes: what has to be said about the numbers.
    """

    f_Hz: NDArray[np.float64]
    ports: tuple[str, ...]
    S: NDArray[np.complex128]
    detectors: tuple[str, ...] = ()
    D: NDArray[np.complex128] = field(default_factory=lambda: np.zeros((0, 0, 0), np.complex128))
    notes: tuple[str, ...] = ()

    @property
    def wl_um(self) -> NDArray[np.float64]:
        """Wavelengths in um, falling."""
        return C_UM_HZ / self.f_Hz

    @property
    def outputs(self) -> tuple[str, ...]:
        """Ports, then detectors."""
        return (*self.ports, *self.detectors)

    @property
    def everything(self) -> NDArray[np.complex128]:
        """S above D, shape (F, P + D, P)."""
        return np.concatenate([self.S, self.D], axis=1) if self.detectors else self.S


def table_of(
    wl_um: NDArray[np.float64],
    matrix: Mapping[tuple[str, str], NDArray[np.complex128]],
    ports: Sequence[str],
    detectors: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> SpectrumTable:
    """Table of an S-matrix as the solver gives it; pairs that are not in it are zero."""
    f_Hz = C_UM_HZ / np.asarray(wl_um, np.float64)
    order = np.argsort(f_Hz, kind="stable")
    outputs = [*ports, *detectors]
    whole = np.zeros((f_Hz.size, len(outputs), len(ports)), np.complex128)
    place_in = {name: index for index, name in enumerate(ports)}
    place_out = {name: index for index, name in enumerate(outputs)}
    for (a, b), value in matrix.items():
        if a in place_in and b in place_out:
            whole[:, place_out[b], place_in[a]] = np.broadcast_to(value, f_Hz.shape)[order]
    split = len(ports)
    return SpectrumTable(f_Hz[order], tuple(ports), whole[:, :split], tuple(detectors), whole[:, split:], tuple(notes))


def write_table(table: SpectrumTable, path: Path, format: Format) -> Path:
    """Write a spectrum.

    Args:
        table: what to write.
        path: of the file; a Touchstone file must end in `.sNp` with N the number of ports.
        format: one of `FORMATS`.

    Raises:
        InputError: a format that needs another ending, fewer ports, or a package that is not installed.
        OutputError: the file can't be written.
    """
    makers = {"touchstone": _touchstone, "netcdf": _netcdf, "parquet": _parquet, "csv": _csv}
    if format not in makers:
        raise InputError(f"format {format!r} is not known; give one of {', '.join(FORMATS)}")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; give the name of a file")
    return output.write_bytes(path, makers[format](table, path))


def read_table(path: Path) -> SpectrumTable:
    """Read what `write_table` wrote as NetCDF, Parquet or CSV.

    Raises:
        InputError: another ending, a damaged file, an entry twice or missing, a package that is not installed.
    """
    readers = {".nc": _read_netcdf, ".parquet": _read_parquet, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: ending {path.suffix!r} is no table of a spectrum; give {', '.join(TABLES)}")
    try:
        return reader(path)
    except (InputError, KeyboardInterrupt):
        raise
    except Exception as error:  # each library raises what its parser trips over
        text = " ".join(str(error).split())
        raise InputError(f"{path}: no spectrum of cpo ({type(error).__name__}: {text}); export it again") from error


def format_of(path: Path) -> Format:
    """The format that the ending of a file asks for.

    Raises:
        InputError: none does.
    """
    suffix = path.suffix.lower()
    if re.fullmatch(r"\.s\d+p", suffix):
        return "touchstone"
    known: dict[str, Format] = {".nc": "netcdf", ".parquet": "parquet", ".csv": "csv"}
    if suffix not in known:
        raise InputError(
            f"{path}: ending {suffix!r} says no format; end in .sNp, .nc, .parquet, .csv, or give --format"
        )
    return known[suffix]


def _touchstone(table: SpectrumTable, path: Path) -> bytes:
    # imported where it is needed: scikit-rf takes most of a second
    import skrf

    count = len(table.ports)
    if count > TOUCHSTONE_PORTS:
        raise InputError(f"{path}: {count} ports, Touchstone has at most {TOUCHSTONE_PORTS}; write netcdf or parquet")
    if path.suffix.lower() != f".s{count}p":
        raise InputError(
            f"{path}: a Touchstone file of {count} ports ends in .s{count}p; call it {path.stem}.s{count}p"
        )
    frequency = skrf.Frequency.from_f(table.f_Hz, unit="Hz")
    network = skrf.Network(frequency=frequency, s=np.conj(table.S), z0=1.0)
    names = "".join(f" Port[{number}] = {name}\n" for number, name in enumerate(table.ports, 1))
    lost = f" detectors are not in this file: {', '.join(table.detectors)}\n" if table.detectors else ""
    notes = "".join(f" {note}\n" for note in table.notes)
    network.comments = f" amplitudes of optical modes, exp(+jwt)\n{names}{lost}{notes}".rstrip("\n")
    text = network.write_touchstone(filename=path.stem, form="ri", return_string=True, skrf_comment=False)
    return str(text).encode("ascii", "replace")


def _netcdf(table: SpectrumTable, path: Path) -> bytes:
    xarray = _needed("xarray")
    whole = table.everything
    dims = ("f_Hz", "port_out", "port_in")
    data = xarray.Dataset(
        {
            "re": (dims, whole.real.copy(), {"long_name": "real part of the amplitude"}),
            "im": (dims, whole.imag.copy(), {"long_name": "imaginary part of the amplitude"}),
            "wl_um": (("f_Hz",), table.wl_um, {"units": "um", "long_name": "wavelength"}),
            "is_detector": (("port_out",), np.array([n in table.detectors for n in table.outputs], np.int8)),
        },
        coords={"f_Hz": table.f_Hz, "port_out": list(table.outputs), "port_in": list(table.ports)},
        attrs={"convention": "exp(-iwt)", "notes": "\n".join(table.notes)},
    )
    # the format of scipy (NetCDF 3), which needs no further package; it knows no complex numbers, hence re and im
    return bytes(data.to_netcdf(engine="scipy"))


def _parquet(table: SpectrumTable, path: Path) -> bytes:
    arrow = _needed("pyarrow")
    parquet = _needed("pyarrow.parquet")
    columns = _columns(table, path)
    made = arrow.table({name: arrow.array(values) for name, values in columns.items()})
    made = made.replace_schema_metadata(
        {
            "ports": "\n".join(table.ports),
            "detectors": "\n".join(table.detectors),
            "convention": "exp(-iwt)",
            "notes": "\n".join(table.notes),
        }
    )
    sink = io.BytesIO()
    parquet.write_table(made, sink)
    return sink.getvalue()


def _csv(table: SpectrumTable, path: Path) -> bytes:
    columns = _columns(table, path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    as_text = [
        values if values.dtype.kind == "U" else [repr(v) for v in values.tolist()] for values in columns.values()
    ]
    writer.writerows(zip(*as_text, strict=True))
    return text.getvalue().encode()


def _columns(table: SpectrumTable, path: Path) -> dict[str, NDArray[Any]]:
    """One row for every frequency, input and output; a detector is told by never being an input."""
    whole = table.everything.transpose(0, 2, 1)
    shape = whole.shape
    if whole.size > ROW_LIMIT:
        raise InputError(f"{path}: {whole.size} rows, limit {ROW_LIMIT}; write netcdf, or fewer points")

    def along(values: Any, axis: int) -> NDArray[Any]:
        form = [1, 1, 1]
        form[axis] = -1
        return np.broadcast_to(np.asarray(values).reshape(form), shape).reshape(-1)

    return {
        "f_Hz": along(table.f_Hz, 0),
        "wl_um": along(table.wl_um, 0),
        "port_in": along(np.array(table.ports, dtype=np.str_), 1),
        "port_out": along(np.array(table.outputs, dtype=np.str_), 2),
        "re": whole.real.reshape(-1),
        "im": whole.imag.reshape(-1),
    }


def _read_netcdf(path: Path) -> SpectrumTable:
    xarray = _needed("xarray")
    with xarray.open_dataset(io.BytesIO(path.read_bytes()), engine="scipy") as data:
        data = data.load()
    whole = (data["re"].values + 1j * data["im"].values).astype(np.complex128)
    outputs = [str(name) for name in data["port_out"].values]
    is_detector = data["is_detector"].values.astype(bool)
    ports = tuple(str(name) for name in data["port_in"].values)
    if tuple(n for n, d in zip(outputs, is_detector, strict=True) if not d) != ports:
        raise InputError(f"{path}: inputs and outputs are not the same ports; export it again")
    notes = tuple(line for line in str(data.attrs.get("notes", "")).split("\n") if line)
    split = len(ports)
    detectors = tuple(outputs[split:])
    f_Hz = np.asarray(data["f_Hz"].values, np.float64)
    return SpectrumTable(f_Hz, ports, whole[:, :split], detectors, whole[:, split:], notes)


def _read_parquet(path: Path) -> SpectrumTable:
    parquet = _needed("pyarrow.parquet")
    made = parquet.read_table(io.BytesIO(path.read_bytes()))
    known = {key.decode(): value.decode() for key, value in (made.schema.metadata or {}).items()}
    columns = {name: made.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS}
    table = _from_columns(path, columns)
    return SpectrumTable(
        table.f_Hz,
        table.ports,
        table.S,
        table.detectors,
        table.D,
        tuple(line for line in known.get("notes", "").split("\n") if line),
    )


def _read_csv(path: Path) -> SpectrumTable:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        head = tuple(next(rows, ()))
        if head != COLUMNS:
            raise InputError(
                f"{path}:1: columns {', '.join(head) or 'none'}, {', '.join(COLUMNS)} needed; export again"
            )
        body: list[list[str]] = []
        for row in rows:
            if len(row) != len(COLUMNS):
                raise InputError(f"{path}:{rows.line_num}: {len(row)} values, {len(COLUMNS)} needed; export it again")
            body.append(row)
    columns = {name: np.array([row[i] for row in body]) for i, name in enumerate(COLUMNS)}
    return _from_columns(path, columns)


def _from_columns(path: Path, columns: Mapping[str, NDArray[Any]]) -> SpectrumTable:
    f = np.asarray(columns["f_Hz"], np.float64)
    f_Hz, row = np.unique(f, return_inverse=True)
    into = [str(name) for name in columns["port_in"]]
    out = [str(name) for name in columns["port_out"]]
    ports = tuple(dict.fromkeys(into))
    outputs = tuple(dict.fromkeys(out))
    detectors = tuple(name for name in outputs if name not in set(ports))
    outputs = (*ports, *detectors)
    place_in = {name: index for index, name in enumerate(ports)}
    place_out = {name: index for index, name in enumerate(outputs)}
    a, b = np.array([place_in[name] for name in into], int), np.array([place_out[name] for name in out], int)
    count = np.zeros((f_Hz.size, len(outputs), len(ports)), np.int64)
    np.add.at(count, (row, b, a), 1)
    if not count.size or np.any(count != 1):
        raise InputError(
            f"{path}: {int(np.sum(count != 1))} entries missing or given twice, 0 allowed; export it again"
        )
    whole = np.empty(count.shape, np.complex128)
    whole[row, b, a] = np.asarray(columns["re"], np.float64) + 1j * np.asarray(columns["im"], np.float64)
    split = len(ports)
    return SpectrumTable(f_Hz, ports, whole[:, :split], detectors, whole[:, split:])


def _needed(name: str) -> Any:
    """A package of the extra `exchange`, or a line that says how to get it."""

    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InputError(f'this format needs {package}, not installed; pip install "cpo-pdk[exchange]"') from error

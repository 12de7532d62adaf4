"""A chunk of samples as one Parquet file, and the digest of numbers that doesn't depend on how they were cut.

One row a sample. A quantity with more axes is a list of fixed length in its row; its shape stands in the metadata of
the column.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]

#: name of the column that holds the numbers of the samples
SAMPLE = "sample"
_KINDS = "biuf"
_SHAPE = b"shape"


class DamagedError(Exception):
    """A file that is no chunk, or not a whole one."""


def checked(result: Mapping[str, Any], samples: NDArray[np.int64]) -> Columns:
    """What a function returned for a chunk as arrays whose bytes don't depend on the machine.

    Args:
        result: by name, first axis k.
        samples: numbers of the samples, shape (k,).

    Returns:
        Arrays in little-endian C order with one kind of zero and one kind of NaN, `sample` first.

    Raises:
        TypeError: an array of another type than bool, int, float32 or float64.
        ValueError: a first axis that isn't k long, or a column called `sample`.
    """
    made: Columns = {SAMPLE: np.ascontiguousarray(samples, dtype="<i8")}
    for name, value in result.items():
        array = np.asarray(value)
        if name == SAMPLE:
            raise ValueError(f"a column may not be called {SAMPLE!r}")
        if array.dtype.kind not in _KINDS or array.dtype.itemsize not in (1, 2, 4, 8) or array.dtype == np.float16:
            raise TypeError(f"column {name!r} has type {array.dtype}; bool, int, float32 and float64 can be stored")
        if array.ndim == 0 or array.shape[0] != len(samples):
            raise ValueError(
                f"column {name!r} has shape {array.shape}; its first axis must be the {len(samples)} samples"
            )
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        if array.dtype.kind == "f":
            array = array + array.dtype.type(0)  # -0 becomes 0
            array[np.isnan(array)] = np.nan
        made[name] = array
    return made


def work_out(
    payload: tuple[Callable[[Any, NDArray[np.int64]], Mapping[str, Any]], Any], item: tuple[int, int, int]
) -> tuple[int, int, int, bytes]:
    """Work out one chunk, in whichever process.

    Args:
        payload: the function of the work and what it needs.
        item: number of the chunk, its first sample, and how many it has.

    Returns:
        The item, and the file of the chunk.
    """
    function, inputs = payload
    number, first, count = item
    samples = np.arange(first, first + count, dtype=np.int64)
    return number, first, count, encode(checked(function(inputs, samples), samples))


def encode(columns: Columns) -> bytes:
    """The Parquet file of a chunk; `columns` as `checked` gives them."""
    fields, arrays = [], []
    for name, array in columns.items():
        flat: pa.Array = pa.array(array.reshape(-1))
        size = int(np.prod(array.shape[1:], dtype=np.int64))
        if array.ndim > 1:
            flat = pa.FixedSizeListArray.from_arrays(flat, size) if size else pa.nulls(len(array), pa.null())
        shape = json.dumps([array.dtype.str, *array.shape[1:]])
        fields.append(pa.field(name, flat.type, metadata={_SHAPE: shape.encode()}))
        arrays.append(flat)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays, schema=pa.schema(fields)), sink, compression="zstd", write_statistics=False)
    return sink.getvalue().to_pybytes()


def decode(data: bytes, names: Iterable[str] | None = None) -> Columns:
    """Arrays of a chunk.

    Args:
        data: the file.
        names: of the wanted columns; all where None.

    Raises:
        DamagedError: the bytes are no chunk.
        KeyError: there is no such column.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        schema = file.schema_arrow
        there = schema.names
        wanted = there if names is None else [SAMPLE, *(n for n in names if n != SAMPLE)]
        missing = [name for name in wanted if name not in there]
        if missing:
            raise KeyError(missing[0])
        table = file.read(columns=wanted, use_threads=False)
        return {name: _array(table[name], schema.field(name), table.num_rows) for name in wanted}
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise DamagedError(str(error).splitlines()[0] if str(error) else type(error).__name__) from error


def _array(column: pa.ChunkedArray, field: pa.Field, rows: int) -> NDArray[Any]:
    kind, *shape = json.loads(field.metadata[_SHAPE])
    if pa.types.is_null(field.type):
        return np.zeros((rows, *shape), dtype=kind)
    values = column.combine_chunks()
    if pa.types.is_fixed_size_list(field.type):
        values = values.flatten()
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=kind).reshape(rows, *shape)


def layout_of(columns: Columns) -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    """Names, types and shapes of a row: equal for all chunks of a run."""
    return tuple((name, array.dtype.str, array.shape[1:]) for name, array in columns.items())


class Digest:
    """SHA-256 of columns that arrive in pieces: the cuts between the pieces don't show."""

    def __init__(self) -> None:
        self._layout: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
        self._hashes: list[Any] = []

    def add(self, columns: Columns) -> None:
        """Take the next samples."""
        if not self._hashes:
            self._layout = layout_of(columns)
            self._hashes = [hashlib.sha256() for _ in columns]
        if layout_of(columns) != self._layout:
            raise ValueError("chunks of one run differ in their columns")
        for running, array in zip(self._hashes, columns.values(), strict=True):
            running.update(array.data if array.size else b"")

    def text(self) -> str:
        """Digest of all that was added, in hexadecimal; the empty string when nothing was."""
        if not self._hashes:
            return ""
        whole = hashlib.sha256(json.dumps(self._layout).encode())
        for running in self._hashes:
            whole.update(running.digest())
        return whole.hexdigest()


def joined(pieces: Sequence[Columns]) -> Columns:
    """Columns of several chunks one behind the other."""
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]} if pieces else {}

"""Read a GDS or OASIS file that may come from anywhere: complete and sane, or refused in one line.

KLayout prints its warnings on file descriptor 1, has exceptions of its own kind for a cut-off or foreign file, and
expands repetitions until the memory is gone; here the output is captured, every fault is a `LayoutError`, memory is
bounded.
"""

from __future__ import annotations

import mmap
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import klayout.db as kdb

from cpo_pdk.errors import LayoutError

#: database unit that the whole tool works in, um
DBU_UM = 0.001
#: more shapes than this, counted flat, are refused
SHAPE_LIMIT = 20_000_000
#: how much address space KLayout may take on top of what the process has when it reads a file, bytes (POSIX only)
MEMORY_LIMIT = 2 << 30
#: cells may be nested this deep
DEPTH_LIMIT = 200
#: larger files are refused
SIZE_LIMIT = 2 << 30

_GDS_MAGIC = b"\x00\x06\x00\x02"
_OASIS_MAGIC = b"%SEMI-OASIS\r\n"
#: the last record of a GDS file, what may pad the file behind it, and what begins another one
_GDS_END = b"\x00\x04\x04\x00"
_SECOND_GDS = re.compile(rb"\x00\x04\x04\x00\x00*" + re.escape(_GDS_MAGIC))
_BLOCK = 4096
_DEEP_NESTING = re.compile(rb"(?:\([^()\x00]{0,64}){500}")


@dataclass(frozen=True)
class LayoutFile:
    """A layout that was read completely.

    Attributes:
        path: the file.
        layout: KLayout's database; keep this object alive as long as a cell of it is used.
        top: the one top cell.
        warnings: what KLayout had to say about the file, one line each.
        flat_shapes: number of shapes when every instance is counted, below `SHAPE_LIMIT`.
    """

    path: Path
    layout: kdb.Layout
    top: kdb.Cell
    warnings: tuple[str, ...] = ()
    flat_shapes: int = field(default=0, compare=False)


@contextmanager
def captured_output() -> Iterator[list[str]]:
    """Catch what C code writes to file descriptors 1 and 2; the list is filled when the block ends.

    Yields:
        a list that holds the lines after the block. Without usable descriptors (a closed stdout) nothing is caught.
    """
    lines: list[str] = []
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue
    with tempfile.TemporaryFile() as sink:
        saved: list[tuple[int, int]] = []
        try:
            for descriptor in (1, 2):
                try:
                    copy = os.dup(descriptor)
                except OSError:
                    continue
                saved.append((descriptor, copy))
                os.dup2(sink.fileno(), descriptor)
            yield lines
        finally:
            for descriptor, copy in saved:
                os.dup2(copy, descriptor)
                os.close(copy)
            sink.seek(0)
            text = sink.read().decode("utf-8", "replace")
            lines.extend(line.strip() for line in text.splitlines() if line.strip())


@contextmanager
def _bounded_memory(extra: int) -> Iterator[None]:
    """Let the process grow by `extra` bytes at most inside the block, where the platform can say so."""
    try:
        import resource

        with open("/proc/self/statm") as statm:
            size = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError, ValueError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = size + extra
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _check_head(path: Path) -> None:
    """Refuse a file that is not there, is empty, is no GDS or OASIS, or would overflow KLayout's parser."""
    if not path.exists():
        raise LayoutError(f"{path}: no such file; give the path of a GDS or OASIS file")
    if not path.is_file():
        raise LayoutError(f"{path}: not a file; give the path of a GDS or OASIS file")
    try:
        size = path.stat().st_size
        if size == 0:
            raise LayoutError(f"{path}: the file is empty (0 bytes); build it again")
        if size > SIZE_LIMIT:
            raise LayoutError(f"{path}: {size} bytes, limit {SIZE_LIMIT}; split the layout")
        with path.open("rb") as stream:
            head = stream.read(len(_OASIS_MAGIC))
            if head[:2] == b"\x1f\x8b":
                raise LayoutError(f"{path}: compressed with gzip; unpack it first")
            if not head.startswith((_GDS_MAGIC, _OASIS_MAGIC)):
                raise LayoutError(f"{path}: neither GDS nor OASIS (starts with {head[:8]!r}); give a layout file")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if _DEEP_NESTING.search(data):
                    raise LayoutError(f"{path}: meta information nested over 500 levels; not written by a layout tool")
    except OSError as error:
        raise LayoutError(f"{path}: can't be read ({error.strerror or error}); check the permissions") from error


def _refuse_more(path: Path) -> None:
    """Refuse a GDS file that goes on behind its end with anything but zeros: readers stop there, nobody looks at it."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[: len(_GDS_MAGIC)] != _GDS_MAGIC:
            return
        size = len(data)
        while size > _BLOCK and not any(data[size - _BLOCK : size]):
            size -= _BLOCK
        last = data[max(0, size - 2 * _BLOCK) : size].rstrip(b"\0")
        if not last.endswith(_GDS_END.rstrip(b"\0")) or _SECOND_GDS.search(data):
            raise LayoutError(f"{path}: goes on behind the end of the layout, only zeros are allowed there; cut it off")


def _call_order(layout: kdb.Layout, path: Path) -> list[int]:
    """Cell indices, callees before callers; raises `LayoutError` on a cell that calls itself."""
    children = {cell.cell_index(): {inst.cell_index for inst in cell.each_inst()} for cell in layout.each_cell()}
    order: list[int] = []
    state: dict[int, int] = {}
    for root in children:
        stack = [(root, iter(children[root]))] if root not in state else []
        state.setdefault(root, 1)
        while stack:
            index, rest = stack[-1]
            for child in rest:
                if state.get(child) == 1:
                    raise LayoutError(f"{path}: cell {layout.cell(child).name!r} contains itself; remove the instance")
                if child not in state:
                    state[child] = 1
                    stack.append((child, iter(children[child])))
                    break
            else:
                stack.pop()
                state[index] = 2
                order.append(index)
    return order


def flat_shape_count(layout: kdb.Layout, top: kdb.Cell, path: Path) -> int:
    """Number of shapes under `top` with every instance counted, without visiting any instance twice.

    Raises:
        LayoutError: a cell contains itself.
    """
    layers = list(layout.layer_indexes())
    total: dict[int, int] = {}
    for index in _call_order(layout, path):
        cell = layout.cell(index)
        count = sum(cell.shapes(layer).size() for layer in layers)
        for inst in cell.each_inst():
            count += total[inst.cell_index] * inst.size()
        total[index] = count
    return total[top.cell_index()]


def _check_names(layout: kdb.Layout, path: Path) -> None:
    """Refuse names that are no text, so that nobody who reads the layout later stumbles over them."""
    for cell in layout.each_cell():
        try:
            _ = cell.name
        except (RuntimeError, UnicodeError) as error:
            raise LayoutError(f"{path}: the name of a cell is no UTF-8 text; copy or build the file again") from error


def _has_meta(cell: kdb.Cell) -> bool:
    try:
        return any(info.name.startswith("kfactory:") for info in cell.each_meta_info())
    except (RuntimeError, UnicodeError):
        return False


def _top_cell(layout: kdb.Layout, path: Path) -> kdb.Cell:
    tops = list(layout.top_cells())
    if not tops:
        raise LayoutError(f"{path}: holds no cell; build it again")
    if len(tops) == 1:
        return tops[0]
    # a second top that holds something would go unchecked: only empty ones are passed over
    drawn = [cell for cell in tops if not cell.bbox().empty()]
    if len(drawn) == 1 and _has_meta(drawn[0]):
        return drawn[0]
    names = sorted(cell.name for cell in tops)
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    raise LayoutError(f"{path}: {len(names)} top cells ({shown}), 1 allowed; keep one")


def read_layout(path: str | Path, *, shape_limit: int = SHAPE_LIMIT) -> LayoutFile:
    """Read a layout file with KLayout.

    Args:
        path: GDS or OASIS file.
        shape_limit: most shapes, counted flat, that are accepted.

    Returns:
        the layout with its one top cell (of several, the only one that carries meta information).

    Raises:
        LayoutError: the file is missing, empty, cut off, no GDS or OASIS, has another database unit than 1 nm, a cell
            that contains itself, too deep a hierarchy, no or several top cells, or more than `shape_limit` shapes.
            One line each.
    """
    path = Path(path)
    _check_head(path)
    layout = kdb.Layout()
    fault: Exception | None = None
    with captured_output() as said, _bounded_memory(MEMORY_LIMIT):
        try:
            layout.read(str(path))
        except (RuntimeError, UnicodeError, MemoryError) as error:
            fault = error
    if fault is not None:
        raise LayoutError(f"{path}: {_cause(fault)}") from fault
    _refuse_more(path)
    if abs(layout.dbu / DBU_UM - 1.0) > 1e-9:
        raise LayoutError(f"{path}: database unit {layout.dbu:.9g} um, must be {DBU_UM} um; scale the layout first")
    _check_names(layout, path)
    warnings = [line for line in said if not (line.startswith("Warning: In file") and line.endswith(":"))]
    top = _top_cell(layout, path)
    ghosts = sorted(cell.name for cell in layout.each_cell() if cell.is_ghost_cell() and not cell.is_top())
    if ghosts:
        warnings.append(f"{len(ghosts)} cells are called but not defined in the file: {', '.join(ghosts[:8])}")
    if top.hierarchy_levels() > DEPTH_LIMIT:
        raise LayoutError(
            f"{path}: cells nested {top.hierarchy_levels()} deep, limit {DEPTH_LIMIT}; flatten some levels"
        )
    count = flat_shape_count(layout, top, path)
    if count > shape_limit:
        raise LayoutError(f"{path}: {count} shapes counted flat, limit {shape_limit}; check the arrays of {top.name!r}")
    return LayoutFile(path=path, layout=layout, top=top, warnings=tuple(warnings), flat_shapes=count)


def _cause(error: Exception) -> str:
    """KLayout's message as one line that says what to do."""
    text = " ".join(str(error).split()).removesuffix(" in Layout.read")
    if "topological_sort" in text:
        return "a cell contains itself; remove the instance"
    if "bad_alloc" in text or isinstance(error, MemoryError):
        return f"reading takes more than {MEMORY_LIMIT >> 30} GB of memory; check the repetitions in it"
    if "end-of-file" in text or "Unexpected end" in text:
        return f"cut off before its end ({text}); copy or build it again"
    return f"can't be read as GDS or OASIS ({text}); copy or build it again"

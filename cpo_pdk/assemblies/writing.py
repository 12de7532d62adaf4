"""Write a component as GDS so that the same component always gives the same bytes, whatever else the session has drawn.

The tree below the component is copied into a fresh layout, cells in the order of their names, with only the meta
information that belongs to it; the file is written beside its place and then renamed into it. Each cell carries a
fingerprint of its polygons (`cpo_pdk.tech.drawn_digest`).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cpo_pdk.errors import OutputError
from cpo_pdk.tech import drawn_digest
from cpo_pdk.tech.gdsfactory_safe import gf, kf

kdb = kf.kdb

#: corners of a polygon in a file; with more, its record is longer than readers that take the length as signed can read
_CORNERS = 4000


def write_gds(component: gf.Component, path: Path, names: Mapping[str, str] | None = None) -> Path:
    """Write the tree below `component` to `path`.

    Args:
        component: what to write; becomes the only top cell.
        path: of the file.
        names: drawn cell name -> name in the file, for cells that deserve a readable one.

    Returns:
        The path.

    Raises:
        OutputError: when the file can't be written.
    """
    layout = canonical_layout(component, names or {})
    options = kdb.SaveLayoutOptions()
    options.format = "GDS2"
    options.gds2_max_vertex_count = _CORNERS
    options.gds2_write_timestamps = False
    options.write_context_info = True
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        layout.write(str(temporary), options)
        drawn = kdb.Layout()
        drawn.read(str(temporary))
        drawn_digest.stamp(drawn, layout)
        layout.write(str(temporary), options)
        _read_again(temporary, path)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"{path}: can't be written ({_cause(error)}); check the folder and the free space") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def _read_again(written: Path, path: Path) -> None:
    """Read what was written: every fingerprint in it must be that of its polygons; raises `OutputError` otherwise."""
    layout = kdb.Layout()
    layout.read(str(written))
    digests = drawn_digest.Digests(layout)
    tops = layout.top_cells()
    if len(tops) != 1 or digests.edited(tops[0], inside=True) is not False:
        raise OutputError(f"{path}: what was written reads back as another drawing; check the disk and build it again")


def _cause(error: OSError | RuntimeError) -> str:
    """What the system said; KLayout wraps its number and the name of the temporary file into a text of its own."""
    number = error.errno if isinstance(error, OSError) else None
    found = re.search(r"errno=(\d+)", str(error))
    number = int(found[1]) if number is None and found else number
    return str(error) if number is None else os.strerror(number)


def canonical_layout(component: gf.Component, names: Mapping[str, str]) -> kdb.Layout:
    """A fresh layout with the tree below a component: cells and layers sorted, meta information of its own cells only.

    Args:
        component: becomes the only top cell.
        names: drawn cell name -> name in the layout.
    """
    source = component.kcl.layout
    top = source.cell(component.cell_index())
    called = sorted(
        {top.cell_index(), *top.called_cells()}, key=lambda i: names.get(source.cell(i).name, source.cell(i).name)
    )
    layout = kdb.Layout()
    layout.dbu = source.dbu
    drawn = [i for i in source.layer_indexes() if not top.bbox(i).empty()]
    layers = [
        (source.get_info(i), i)
        for i in sorted(drawn, key=lambda i: (source.get_info(i).layer, source.get_info(i).datatype))
    ]
    layer_of = {old: layout.layer(info) for info, old in layers}
    new = {index: layout.create_cell(names.get(source.cell(index).name, source.cell(index).name)) for index in called}
    used: set[str] = set()
    for index in called:
        old, cell = source.cell(index), new[index]
        for old_layer, new_layer in layer_of.items():
            cell.shapes(new_layer).insert(old.shapes(old_layer))
        for instance in old.each_inst():
            array = instance.cell_inst.dup()
            array.cell_index = new[instance.cell_index].cell_index()
            placed = cell.insert(array)
            name = instance.property(0)
            if name is not None:
                placed.set_property(0, name)
        for meta in _meta_of(component.kcl[index]):
            cell.add_meta_info(meta)
            if meta.name.startswith("kfactory:ports:"):
                used.add(f"kfactory:cross_section:{meta.value['cross_section']}")
    _copy_layout_meta(component.kcl, layout, used)
    return layout


def _meta_of(cell: Any) -> list[kdb.LayoutMetaInfo]:
    """Meta information of one cell (function, settings, info, ports), by name."""
    cell.set_meta_data()
    found = (m for m in cell.kdb_cell.each_meta_info() if m.persisted and m.name != drawn_digest.META_NAME)
    return sorted(found, key=lambda m: m.name)


def _copy_layout_meta(kcl: Any, layout: kdb.Layout, used: set[str]) -> None:
    """Copy the used cross-sections, their enclosures and the format's version; what else was drawn stays out."""
    kcl.set_meta_data()
    known = {m.name: m for m in kcl.layout.each_meta_info() if m.persisted}
    wanted = {name for name in known if name.startswith("kfactory:settings:")} | used
    wanted |= {f"kfactory:layer_enclosure:{known[name].value['layer_enclosure']}" for name in used}
    for name in sorted(wanted):
        layout.add_meta_info(known[name])

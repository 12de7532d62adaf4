"""Every kind of check on one layout, and the verdict over all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import LayoutFile, read_layout
from cpo_pdk.circuit.leaves import ENGINE, leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.errors import InputError, LayoutError
from cpo_pdk.spec import Sheet, load_sheets
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.tech.layers import NAMES
from cpo_pdk.verify.assembly.run import assembly_layout
from cpo_pdk.verify.connections.run import connectivity_layout
from cpo_pdk.verify.design_rules.run import drc_layout, refuse_foreign
from cpo_pdk.verify.findings import CheckResult, Group, Verdict
from cpo_pdk.verify.lvs.run import lvs_layout
from cpo_pdk.verify.photonic.run import photonic_layout

#: opens a stage of the work: its name, and a few words to the user
Stage = Callable[[str, str], AbstractContextManager[None]]

GROUPS: tuple[Group, ...] = ("drc", "photonic", "connectivity", "lvs", "assembly")
NO_SPEC = "no spec was given: the file was held against itself, not against what was asked for; give --spec"

ONE_ENGINE = (
    "the file holds one engine: it was compared with the engine of the spec, the package around it was not seen"
)


def check(
    path: str | Path,
    leaves: Collection[str] | None = None,
    *,
    sheets: Mapping[str, Sheet] | None = None,
    spec: PackageSpec | None = None,
    only: Collection[Group] | None = None,
) -> Verdict:
    """Run every check on a GDS or OASIS file, which is read once.

    Args:
        path: the file.
        leaves, sheets, spec, only: see `check_layout`.

    Raises:
        LayoutError: the file can't be read, or none of its layers is one of the process.
    """
    return check_layout(read_layout(path), leaves, sheets=sheets, spec=spec, only=only)


def check_layout(
    file: LayoutFile,
    leaves: Collection[str] | None = None,
    *,
    sheets: Mapping[str, Sheet] | None = None,
    spec: PackageSpec | None = None,
    only: Collection[Group] | None = None,
    netlists: Netlists | None = None,
    stage: Stage | None = None,
) -> Verdict:
    """Run the checks on a layout that was read.

    Args:
        file: the layout.
        leaves: functions of cells that are one device; default: those of `sheets`.
        sheets: of the devices, by name; default: those that ship.
        spec: what the package was asked to be; without it the file is only held against itself.
        only: kinds of checks; default: all.
        netlists: of the file, if it was extracted already.
        stage: called around each kind of check.

    Raises:
        InputError: `only` names a kind that does not exist.
        LayoutError: none of the layers of the file is one of the process, it calls cells that it does not define, or
            it is damaged.
    """
    wanted = GROUPS if only is None else tuple(group for group in GROUPS if group in only)
    unknown = sorted(set(only or ()) - set(GROUPS))
    if unknown or not wanted:
        raise InputError(f"no check is called {', '.join(unknown) or '(none given)'}; there are {', '.join(GROUPS)}")
    refuse_foreign(file)
    _refuse_incomplete(file)
    stage = stage or (lambda _name, _words: nullcontext())
    sheets = load_sheets() if sheets is None else sheets
    leaves = leaf_factories(sheets) if leaves is None else leaves
    results: list[CheckResult] = []
    if "drc" in wanted:
        with stage("drc", "checking the design rules"):
            results.append(drc_layout(file))
    if "photonic" in wanted:
        with stage("photonic", "checking the waveguides"):
            results.append(photonic_layout(file, leaves=leaves))
    if netlists is None and set(wanted) - {"drc", "photonic"}:
        with stage("netlist", "extracting the netlist"):
            netlists = extract(file, leaves)
    if "connectivity" in wanted and netlists is not None:
        with stage("connectivity", "checking the connections"):
            results.append(connectivity_layout(file, leaves, netlists))
    if "lvs" in wanted and netlists is not None:
        with stage("lvs", "comparing devices and circuit"):
            results.append(lvs_layout(file, netlists, sheets, spec))
    if "assembly" in wanted and netlists is not None:
        with stage("assembly", "checking the package"):
            results.append(assembly_layout(file, netlists, spec))
    notices = [*file.warnings, *_not_looked_at(file)]
    if spec is None and "lvs" in wanted:
        notices.append(NO_SPEC)
    if spec is not None and netlists is not None and netlists.cells[netlists.top].function == ENGINE:
        notices.append(ONE_ENGINE)
    return Verdict(file=file.path.name, results=tuple(results), notices=tuple(notices), top=file.top.name)


def _refuse_incomplete(file: LayoutFile) -> None:
    """Raise `LayoutError` when cells are called that the file does not hold: what is in them nobody looks at."""
    below = (file.layout.cell(index) for index in file.top.called_cells())
    missing = sorted(cell.name for cell in below if cell.is_ghost_cell())
    if missing:
        shown = ", ".join(repr(name) for name in missing[:6]) + (" ..." if len(missing) > 6 else "")
        raise LayoutError(
            f"{file.path}: calls {len(missing)} cells that it does not define ({shown}), 0 allowed; write it with them"
        )


def _not_looked_at(file: LayoutFile) -> list[str]:
    """One line about what is drawn on layers that the process doesn't have."""
    layout = file.layout
    infos = [(layout.get_info(i), i) for i in layout.layer_indexes()]
    foreign = [info for info, i in infos if (info.layer, info.datatype) not in NAMES and _drawn_on(file, i)]
    if not foreign:
        return []
    shown = ", ".join(str(info) for info in foreign[:6]) + (" ..." if len(foreign) > 6 else "")
    many = "1 layer is not" if len(foreign) == 1 else f"{len(foreign)} layers are not"
    return [f"{many} of the process, nothing on it was looked at: {shown}; remove them, or correct their numbers"]


def _drawn_on(file: LayoutFile, layer: int) -> bool:
    """True when the file holds anything on a layer."""
    return not file.top.bbox_per_layer(layer).empty()

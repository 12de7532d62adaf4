"""The files of a new project: the same top level as that of cpo_pdk, with a package to start from."""

from __future__ import annotations

from pathlib import Path

from cpo_pdk import output
from cpo_pdk.errors import InputError
from cpo_pdk.spec import check_name, data_folder
from cpo_pdk.spec.loading import Kind

_README = """# {name}

A project of cpo_pdk: packages of co-packaged optics, from a spec to a checked GDS
and the loss and crosstalk of its lanes.

    components/   device sheets of your own; one of the same name as a shipped sheet wins over it
    assemblies/   package specs
    gds_out/      what was made; never edited by hand
    tests/        what must stay true of the packages

    cpo plan assemblies/{spec}       # what it comes to, or what forbids it, without drawing it
    cpo build assemblies/{spec}      # GDS, checks, lane table, lane map, report.html in gds_out/
    cpo list                                   # sheets, cells and specs there are
    cpo check gds_out/{stem}/{stem}.gds              # the checks of any layout file
    cpo lanes gds_out/{stem}/{stem}.gds              # from serial lane to connector position
    cpo export gds_out/{stem}/{stem}.gds --out out   # OASIS, 3Dblox, DXF, GLB, ...
"""
_COMPONENTS = """# Device sheets

One YAML file a device: the cell that draws it and its arguments, the compact model and its numbers,
the source of every number. To change a shipped device, copy its sheet here under the same name
(`cpo list` says where it is) and edit the copy. What is bought and not drawn (lasers, connectors,
drivers, amplifiers, serial links) has its sheets in parts/, likewise.
"""
_TEST = '''"""Every package of this project builds, passes its checks and keeps its loss budget. Run: pytest"""

from pathlib import Path

import cpo_pdk
import pytest

PROJECT = Path(__file__).parent.parent
BUDGET_dB = 25.0  # yours to set


@pytest.mark.parametrize("spec", sorted((PROJECT / "assemblies").glob("*.yaml")), ids=lambda path: path.stem)
def test_package(spec: Path, tmp_path: Path) -> None:
    result = cpo_pdk.build(spec, out=tmp_path)
    assert result.clean
    assert max(lane.insertion_loss_dB for lane in result.simulation.lanes) < BUDGET_dB
'''
_SPEC = "switch_51t2.yaml"
#: the first line of every sheet and spec names its schema, beside it, for editors
_SCHEMAS: tuple[tuple[Kind, str], ...] = (
    ("components", "sheet.schema.json"),
    ("components", "parts/part.schema.json"),
    ("assemblies", "package.schema.json"),
)


def create(folder: Path) -> tuple[Path, list[str]]:
    """Make a project in `folder`.

    Returns:
        the folder, and the files made in it, relative to it.

    Raises:
        InputError: the name can't be a folder name everywhere, or the folder exists and holds something.
        OutputError: the folder can't be written.
    """
    check_name(folder.name, "project", hyphen=True)
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise InputError(f"{folder}: exists already; nothing was changed, choose another name")
    spec = (data_folder("assemblies") / _SPEC).read_text("utf-8")
    stem = _SPEC.removesuffix(".yaml")
    texts = {
        "README.md": _README.format(name=folder.name, spec=_SPEC, stem=stem),
        "components/README.md": _COMPONENTS,
        **{f"{kind}/{name}": (data_folder(kind) / name).read_text("utf-8") for kind, name in _SCHEMAS},
        f"assemblies/{_SPEC}": spec,
        "gds_out/.gitkeep": "",
        "tests/test_packages.py": _TEST,
        ".gitignore": "/gds_out/*\n!/gds_out/.gitkeep\n__pycache__/\n",
    }
    existed = folder.exists()
    try:
        for name, text in texts.items():
            output.make_folder((folder / name).parent)
            output.write_text(folder / name, text)
    except BaseException:
        output.remove_made(folder, list(texts), existed)
        raise
    return folder, sorted(texts)

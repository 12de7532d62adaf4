"""What a build leaves is proved by its manifest; one bit anywhere is found."""

from __future__ import annotations

import hashlib
import random
import shutil
from pathlib import Path

import pytest

from cpo_pdk import flow
from cpo_pdk.cli.app import run
from cpo_pdk.errors import InputError
from cpo_pdk.integrity import verify_folder
from cpo_pdk.manifest import MANIFEST

from .conftest import Editor, longer


def test_a_build_is_proved(build: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = verify_folder(build)
    assert result.complete and result.verified == len(list(build.iterdir())) - 1 >= 13
    assert run(["verify", str(build)]) == 0
    out = capfd.readouterr().out
    assert "complete and unaltered" in out and result.manifest.sha256 in out
    manifest, spec = result.manifest, build.parents[1] / "assemblies" / "small.yaml"
    assert (manifest.name, manifest.spec) == ("small", ("small.yaml", hashlib.sha256(spec.read_bytes()).hexdigest()))
    assert {"ring_modulator.yaml", "straight.yaml", "fiber_pm.yaml"} <= set(manifest.sheets)
    assert set(manifest.tools) >= {"cpo_pdk", "klayout", "numpy", "python", "gdsfactory"}
    geometry = manifest.files["small.gds"].geometry
    assert geometry is not None and len(geometry.layers) > 20
    assert str(build).encode() not in (build / MANIFEST).read_bytes()


def test_a_flipped_bit_anywhere_is_found(build: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(build, folder)
    rng = random.Random(20)
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        number = 100 if path.name == MANIFEST else 8
        for position in (0, len(data) - 1, *(rng.randrange(len(data)) for _ in range(number))):
            changed = bytearray(data)
            changed[position] ^= 1 << rng.randrange(8)
            path.write_bytes(changed)
            try:
                found = verify_folder(folder)
            except InputError:
                assert path.name == MANIFEST
            else:
                assert not found.complete, (path.name, position)
                assert path.name in {entry.file for entry in found.found} or path.name == MANIFEST
        path.write_bytes(data)
    assert verify_folder(folder).complete


def test_a_report_of_an_edited_layout_is_a_release_of_its_own(build: Path, tmp_path: Path) -> None:
    shutil.copytree(build.parents[1], tmp_path / "project")
    folder = tmp_path / "project" / "out" / "small"
    editor = Editor(folder / "small.gds")
    longer(editor)
    editor.layout.write(str(folder / "small.gds"))
    before = verify_folder(folder)
    assert {entry.file: entry.kind for entry in before.found} == {"small.gds": "altered"}
    flow.report(tmp_path / "project" / "assemblies" / "small.yaml", out=folder.parent)
    after = verify_folder(folder)
    assert after.complete and after.manifest.files.keys() == before.manifest.files.keys()
    assert after.manifest.inputs_sha256 == before.manifest.inputs_sha256
    assert after.manifest.sha256 != before.manifest.sha256

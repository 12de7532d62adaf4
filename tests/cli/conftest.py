"""A small package of optical I/O that commands are run on, drawn once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cpo_pdk.assemblies import write_package
from cpo_pdk.spec import load_sheets, parse_spec


@pytest.fixture(scope="session")
def small_io(tmp_path_factory: pytest.TempPathFactory, small_io_text: Callable[..., str]) -> tuple[Path, Path]:
    """Spec and layout."""
    text = small_io_text({"name: optical_io_ucie": "name: small"})
    folder = tmp_path_factory.mktemp("small_io")
    spec = folder / "small.yaml"
    spec.write_text(text, "utf-8")
    return spec, Path(write_package(parse_spec(text), folder, load_sheets()).package_gds)

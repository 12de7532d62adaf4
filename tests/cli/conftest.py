"""A small package of optical I/O that commands are run on, drawn once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cpo_pdk.assemblies import write_package
from cpo_pdk.spec import load_sheets, parse_spec

#: words of optical_io_ucie and what they are here: one engine with a fibre of eight wavelengths each way
SMALL_IO = {
    "name: optical_io_ucie": "name: small",
    "bandwidth_Tbps: 2.048            #": "bandwidth_Tbps: 0.256  #",
    "  bandwidth_Tbps: 2.048\n": "  bandwidth_Tbps: 0.256\n",
    "tx_fibres: 8 ": "tx_fibres: 1 ",
    "rx_fibres: 8\n": "rx_fibres: 1\n",
    "laser_fibres: 2\n": "laser_fibres: 1\n",
}


@pytest.fixture(scope="session")
def small_io(tmp_path_factory: pytest.TempPathFactory, reworded: Callable[..., str]) -> tuple[Path, Path]:
    """Spec and layout."""
    text = reworded("optical_io_ucie", SMALL_IO)
    folder = tmp_path_factory.mktemp("small_io")
    spec = folder / "small.yaml"
    spec.write_text(text, "utf-8")
    return spec, Path(write_package(parse_spec(text), folder, load_sheets()).package_gds)

"""What all tests share: random examples that are the same whatever else is imported, and small packages, drawn once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis.internal.conjecture import providers

from cpo_pdk.analysis import Prepared, prepare
from cpo_pdk.spec import find_spec

# Hypothesis takes constants of the modules that happen to be loaded for examples, which makes even derandomised tests
# draw others in another order of the tests. There is no setting for it.
if hasattr(providers, "_get_local_constants"):
    _NONE = providers._get_local_constants.__globals__["Constants"]()
    providers._get_local_constants = lambda: _NONE

#: files of few tests that take long: they go first, or one of two workers has the last of them alone at the end
LONG = (
    "test_packages_of_rings.py",
    "test_components_cells.py",
    "test_flow.py",
    "test_packages_of_mach_zehnders.py",
    "test_faults_in_rings.py",
    "test_budget_command.py",
    "test_yield_sampling.py",
    "test_faults_in_others.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


#: words of switch_51t2 and what they are in a small package: one engine of two fibres with four wavelengths each way
SMALL_RINGS = {
    "name: switch_51t2": "name: small",
    "bandwidth_Tbps: 51.2 ": "bandwidth_Tbps: 0.8 ",
    "count: 8 ": "count: 1 ",
    "{north: 2, east: 2, south: 2, west: 2}": "{north: 1}",
    "bandwidth_Tbps: 6.4": "bandwidth_Tbps: 0.8",
    "tx_fibres: 8": "tx_fibres: 2",
    "rx_fibres: 8": "rx_fibres: 2",
    "laser_fibres: 2": "laser_fibres: 1",
    "channels: 8,": "channels: 4,",
    "loopback_length_mm: 13 ": "loopback_length_mm: 15 ",
}
#: that make two of it
TWO_ENGINES = {"bandwidth_Tbps: 51.2 ": "bandwidth_Tbps: 1.6 ", "count: 8 ": "count: 2 "}

#: words of optical_io_ucie and what they are in a small package: one engine with a fibre of eight wavelengths each way
SMALL_IO = {
    "bandwidth_Tbps: 2.048            #": "bandwidth_Tbps: 0.256  #",
    "  bandwidth_Tbps: 2.048\n": "  bandwidth_Tbps: 0.256\n",
    "tx_fibres: 8 ": "tx_fibres: 1 ",
    "rx_fibres: 8\n": "rx_fibres: 1\n",
    "laser_fibres: 2\n": "laser_fibres: 1\n",
}


@pytest.fixture(scope="session")
def reworded() -> Callable[[str, Mapping[str, str]], str]:
    """Text of a shipped spec with words replaced by others; all of them must be there."""

    def text_of(name: str, words: Mapping[str, str]) -> str:
        text = find_spec(name).read_text(encoding="utf-8")
        for old, new in words.items():
            assert old in text, old
            text = text.replace(old, new)
        return text

    return text_of


@pytest.fixture(scope="session")
def small_io_text(reworded: Callable[..., str]) -> Callable[[Mapping[str, str]], str]:
    """Text of the small package of optical I/O, with further words replaced."""
    return lambda more: reworded("optical_io_ucie", {**SMALL_IO, **more})


@pytest.fixture(scope="session")
def own_spec(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes a text as the spec `small` of a project of its own."""

    def written(text: str) -> Path:
        path = tmp_path_factory.mktemp("project") / "assemblies" / "small.yaml"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture(scope="session")
def two_small_engines(reworded: Callable[..., str], own_spec: Callable[[str], Path]) -> Callable[..., Path]:
    """Writes the spec of two small engines of rings, placed as said; `more` replaces further words of switch_51t2."""

    def written(per_side: str, more: Mapping[str, str] | None = None) -> Path:
        sides = {"{north: 2, east: 2, south: 2, west: 2}": per_side}
        return own_spec(reworded("switch_51t2", {**SMALL_RINGS, **TWO_ENGINES, **sides, **(more or {})}))

    return written


@pytest.fixture(scope="session")
def small_rings(reworded: Callable[..., str], own_spec: Callable[[str], Path]) -> Prepared:
    """One small engine of rings, drawn and simulated."""
    return prepare(own_spec(reworded("switch_51t2", SMALL_RINGS)))

"""Bits and symbols on the line, and parts that fit every class of interface, rate and architecture."""

from __future__ import annotations

import itertools

import pytest

from cpo_pdk.spec import PackageSpec, load_spec
from cpo_pdk.spec.line_rate import baud_GBd, line_rate_Gbps, serdes_rate_Gbps
from cpo_pdk.spec.link import FEC
from cpo_pdk.spec.part import Part
from cpo_pdk.spec.part_choice import default_parts, load_parts
from cpo_pdk.spec.reach import REACH


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    return load_parts()


def _spec(rate: float, modulation: str = "PAM4", fec: str = "KP4", **more: object) -> PackageSpec:
    spec = load_spec("switch_51t2")
    engine = spec.engine.model_copy(update={"lane_rate_Gbps": rate, "modulation": modulation, **more})
    return spec.model_copy(update={"engine": engine, "link": spec.link.model_copy(update={"fec": fec})})


@pytest.mark.parametrize(
    ("rate", "modulation", "fec", "line", "baud"),
    [
        (100, "PAM4", "KP4", 106.25, 53.125),  # 400GBASE-DR4
        (200, "PAM4", "KP4", 212.5, 106.25),
        (25, "NRZ", "KR4", 25.78125, 25.78125),  # 100GBASE-SR4
        (32, "NRZ", "none", 32.0, 32.0),
    ],
)
def test_rates_of_standards(rate: float, modulation: str, fec: str, line: float, baud: float) -> None:
    spec = _spec(rate, modulation, fec)
    assert line_rate_Gbps(spec) == pytest.approx(line)
    assert baud_GBd(spec) == pytest.approx(baud)
    assert serdes_rate_Gbps(spec) == pytest.approx(line)


def test_serdes_rate_that_is_given_is_on_the_line() -> None:
    spec = _spec(100)
    given = spec.model_copy(update={"electrical": spec.electrical.model_copy(update={"rate_Gbps": 112.0})})
    assert serdes_rate_Gbps(given) == 112.0


@pytest.mark.parametrize("fec", FEC)
def test_every_correction_has_its_overhead(fec: str) -> None:
    assert 100 <= line_rate_Gbps(_spec(100, fec=fec)) <= 120


@pytest.mark.parametrize(
    ("reach", "rate", "architecture"),
    list(itertools.product(REACH, (16.0, 32.0, 56.0, 100.0, 112.0, 200.0, 400.0), ("ring_wdm", "ring_dr", "mzm_wdm"))),
)
def test_default_parts_are_there(reach: str, rate: float, architecture: str, parts: dict[str, Part]) -> None:
    spec = _spec(rate, architecture=architecture)
    spec = spec.model_copy(update={"electrical": spec.electrical.model_copy(update={"reach": reach})})
    for kind, name in default_parts(spec).items():
        assert parts[name].kind == kind
    control = parts[default_parts(spec)["control"]]
    assert control.name == ("control_mzm" if architecture == "mzm_wdm" else "control_ring")


def test_serial_links_cost_more_the_farther_they_reach(parts: dict[str, Part]) -> None:
    for rate in ("56g", "112g", "224g"):
        ends = [parts[name]["host_pJ_bit"] for name in ("serdes_ucie_advanced", "serdes_ucie")]
        ends += [parts[f"serdes_{reach}_{rate}"]["host_pJ_bit"] for reach in ("xsr", "vsr")]
        assert ends == sorted(ends)

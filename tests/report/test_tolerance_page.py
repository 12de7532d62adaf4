"""The page of attached fibres: whole, safe, without scripts, and true to the numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from cpo_pdk.attach.results import (
    Accuracy,
    AxisSensitivity,
    BumpResult,
    ConnectorResult,
    Saving,
    Sensitivity,
    Share,
    ToleranceResult,
)
from cpo_pdk.report.tolerance_page import tolerance_html

EVIL = "<script>alert(1)</script>"
_VOID = {"meta", "input", "br", "img", "link", "hr"}
_PORTS = ("laser_1", "tx_1", "rx_1")


class Balance(HTMLParser):
    """Tags that are not closed in order, ids and links inside the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for key, value in attrs if key in ("href", "src", "xlink:href") and value]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def _sample() -> ToleranceResult:
    """Three fibres; roll hurts the outer ones by the square of their distance."""
    x = np.array([-127.0, 0.0, 127.0])
    roll = np.linspace(-1, 1, 21)
    lost = 2e-4 * np.outer(roll**2, x**2)
    axis = AxisSensitivity("roll_deg", "roll", "deg", 0.1, lost[-1], 0.01 * lost[-1], 0.55, (roll, lost))
    good = Share(0.9, 0.88, 0.92, 1000)
    sigmas = np.linspace(0, 0.4, 9)
    falls = np.clip(1 - sigmas, 0, 1)
    return ToleranceResult(
        name="small",
        engine="small_engine",
        engines=2,
        sheet="attach_active",
        samples=1000,
        seed=1,
        limit="every fibre loses at most 1 dB more",
        ways=_PORTS,
        allowed_dB=np.ones(3),
        wanted=0.81,
        unit="package",
        fibre=Share(0.97, 0.96, 0.98, 3000),
        array=good,
        package=Share(0.81, 0.77, 0.85, 1000),
        ports=_PORTS,
        kinds=("laser", "tx", "rx"),
        x_um=x,
        nominal_dB=np.full(3, 0.1),
        mean_dB=np.array([0.4, 0.3, 0.4]),
        sigma_dB=np.array([0.2, 0.1, 0.2]),
        quantiles_dB={q: np.array([0.4, 0.3, 0.4]) * q / 50 for q in (50.0, 95.0, 99.0)},
        correlation=np.eye(3),
        worst_quantiles_dB={50.0: 0.5, 95.0: 1.1},
        good_share=np.array([0.95, 0.99, 0.95]),
        sensitivity=Sensitivity(_PORTS, x, (axis,)),
        accuracies=(
            Accuracy("all", "all shifts and turns", "1", 1.0, 0.8, 0.7, 0.9, 1.2, good, (sigmas, falls)),
            Accuracy("roll_deg", "roll", "deg", 0.1, None, None, None, 0.2, good, (sigmas, falls)),
        ),
        savings=(Saving("roll_deg", "roll", Share(0.95, 0.93, 0.97, 1000), 0.25),),
        bumps=BumpResult(130.0, 32.5, (3.0, 2.0), Share(1.0, 0.996, 1.0, 1000), 13.4, 10.4, None),
        connectors=ConnectorResult("mpo_connector", 4, 0.35, 0.1, 0.75, {50.0: 1.4, 95.0: 1.73}),
        notes=("spots are Gaussian",),
        seconds={"draw": 0.1},
    )


@pytest.fixture(scope="module")
def page() -> str:
    return tolerance_html(_sample())


def test_whole_without_scripts_and_alone(page: str) -> None:
    seen = Balance(page)
    assert not seen.open and not seen.wrong and len(seen.ids) == len(set(seen.ids))
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in seen.links)
    assert {link[1:] for link in seen.links if link.startswith("#")} <= set(seen.ids)
    assert "script-src 'none'" in page and "<script" not in page
    assert "://" not in re.sub(r"http://www.w3.org/[\w/]*", "", page)


def test_what_it_says(page: str) -> None:
    for words in (
        "90.0 %",
        "81 % of each package (90.0 % of each array)",
        "0.800 × the sheet",
        "none gives it",
        "1 dB at 0.550 deg",
        "10.40 µm",
        "1.73 dB at 95 %",
        "spots are Gaussian",
    ):
        assert words in page, words


def test_the_same_again_and_escaped(page: str) -> None:
    assert tolerance_html(_sample()) == page
    sample = replace(_sample(), name=EVIL, ports=(EVIL, "a", "b"), notes=(EVIL,), bumps=None, connectors=None)
    text = tolerance_html(sample)
    assert EVIL not in text and 'id="others"' not in text

"""Specs with damaged values: planned or refused in one line each, never a traceback; the shipped ones are planned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.assemblies.planning import plan
from cpo_pdk.assemblies.serdes import assign_lanes
from cpo_pdk.errors import SpecError
from cpo_pdk.spec import PackageSpec, find_spec, list_specs, parse_spec
from cpo_pdk.spec.reach import trace_problems

NAMES = sorted(list_specs())
TEXTS = {name: find_spec(name).read_text(encoding="utf-8") for name in NAMES}
NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w.])")
EXTRAS = [
    "keepouts: [{kind: stiffener, box_mm: [-20, 19, 20, 24]}]\n",
    "keepouts: [{kind: capacitors, box_mm: [-4, 28, 4, 33], fibres: over}]\n",
    "keepouts: [{kind: lid, box_mm: [-40, -40, -38, 40]}, {kind: lid, box_mm: [38, -40, 40, 40]}]\n",
    "interposer: {size_mm: [70, 70]}\n",
    "electrical: {reach: UCIe-A, loss_dB_mm: 0.6}\n",
]


def estimated(spec: PackageSpec) -> tuple[float, float]:
    """About the size of an engine in um: its array along the facet, or rows of interferometers."""
    width = spec.engine.fibre_counts["total"] * spec.engine.fibre_pitch_um + 200.0
    rows = {"mzm_wdm": (14_000.0, 650.0), "ring_wdm": (2000.0, 0.0), "ring_dr": (1000.0, 0.0)}
    length, pitch = rows[spec.engine.architecture]
    return length, max(width, pitch * spec.engine.tx_fibres)


def planned(text: str) -> int:
    """Fibres that were planned."""
    spec = parse_spec(text, Path("p.yaml"))
    size = estimated(spec)
    found = plan(spec, size)
    fibres = (("tx", spec.engine.tx_fibres), ("rx", spec.engine.rx_fibres))
    channels = range(1, spec.engine.grid.channels + 1)
    bumps = [
        (f"{d}_{k + 1}/{c}", 400.0 + 50 * c, 100.0 + 100 * k) for d, n in fibres for k in range(n) for c in channels
    ]
    problems = trace_problems(spec, assign_lanes(spec, found.engines, size, bumps))
    if problems:
        raise SpecError(problems)
    return len(found.escape.fibres)


@pytest.mark.parametrize("name", NAMES)
def test_shipped_specs_are_planned(name: str) -> None:
    assert planned(TEXTS[name]) == parse_spec(TEXTS[name]).fibre_counts["total"]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    name=st.sampled_from([n for n in NAMES if n != "switch_102t4"]),
    data=st.data(),
    changes=st.integers(1, 2),
    extra=st.sampled_from(["", "", "", *EXTRAS]),
)
def test_changed_numbers_are_planned_or_refused(name: str, data: st.DataObject, changes: int, extra: str) -> None:
    text = TEXTS[name]
    for _ in range(changes):
        body = text[: text.index("choices:")]
        numbers = [m for m in NUMBER.finditer(body) if "#" not in body[body.rfind("\n", 0, m.start()) : m.start()]]
        match = data.draw(st.sampled_from(numbers))
        factor = data.draw(st.sampled_from([0, -1, 1e-3, 0.1, 0.5, 0.9, 1.1, 2, 3, 10, 1e3]))
        value = float(match.group()) * factor
        new = f"{value:g}" if "." in match.group() or value != int(value) else str(int(value))
        text = text[: match.start()] + new + text[match.end() :]
    if extra.split(":")[0] + ":" not in text:
        text = text.replace("choices:", extra + "choices:", 1)
    try:
        assert planned(text) > 0
    except SpecError as error:
        last = text.count("\n") + 1
        assert error.problems
        for problem in error.problems:
            assert "\n" not in problem.message and 1 <= problem.line <= last
            assert any(c.isdigit() for c in problem.message), problem.message

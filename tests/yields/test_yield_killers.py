"""Killers, spares, sensitivity: the cause that was put in is the one that is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from cpo_pdk.errors import InputError
from cpo_pdk.variation.causes import CAUSES
from cpo_pdk.variation.samples import Draw
from cpo_pdk.yields.intervals import generator
from cpo_pdk.yields.killers import killers
from cpo_pdk.yields.plan import Plan
from cpo_pdk.yields.sampled import Again, Lanes, Sampled
from cpo_pdk.yields.sensitivity import designs, sobol
from cpo_pdk.yields.spares import spares_curves, with_engines

PLAN = Plan(die_coverage=0.2, engine_coverage=0.2, package_coverage=0.99, repair_yield=0.9)


def two_causes(samples: int = 4000, width: float = 1.5, attach: float = 0.5) -> Sampled:
    """One engine of two lanes, margin 2 dB less what two independent causes take; width is told by `fixed`."""
    draw = generator(1, "killers")
    a = width * np.abs(draw.standard_normal((samples, 1, 1)))
    b = attach * np.abs(draw.standard_normal((samples, 1, 2)))
    lanes = Lanes(np.array([True, False]), np.array([0, 1]), np.array([0, 0]), np.empty((2, 0), int))
    held = np.ones((samples, 1, 0), bool)
    margin = 2.0 - a - b
    rows = np.arange(0, samples, 2)
    fixed = {"width": Again(rows, (2.0 - b)[rows], held[rows])}
    alone = {"width": Again(rows, np.broadcast_to(2.0 - a, margin.shape)[rows], held[rows])}
    return Sampled(1, lanes, margin, held, {"attach": b}, np.array([2.0, 2.0]), fixed=fixed, alone=alone)


def test_the_worst_cause_comes_first() -> None:
    found = killers(two_causes(), 0.0)
    assert [killer.name for killer in found] == ["width", "attach"]
    worst = found[0]
    assert worst.baseline is not None
    assert worst.fixed_yield.low > worst.baseline.high
    assert worst.alone
    swapped = killers(two_causes(width=0.3, attach=1.5), 0.0)
    assert swapped[0].name == "attach"


def test_fixing_a_cause_is_the_yield_without_it() -> None:
    """Additive cause: exactly the packages that live by the other one alone."""
    sampled = two_causes()
    by_name = {killer.name: killer for killer in killers(sampled, 0.0)}
    without_attach = np.mean(np.all(sampled.margin_dB + sampled.losses_dB["attach"] >= 0, axis=(1, 2)))
    assert by_name["attach"].fixed_yield.value == pytest.approx(without_attach, abs=1e-12)
    dead = np.any(sampled.margin_dB < 0, axis=(1, 2))
    killed = dead & np.any(2.0 - sampled.losses_dB["attach"] < 0, axis=(1, 2))
    assert by_name["attach"].first_share.value == pytest.approx(killed.sum() / dead.sum(), abs=1e-12)


def test_a_cause_that_does_nothing_changes_nothing() -> None:
    sampled = two_causes()
    sampled = replace(sampled, losses_dB={**sampled.losses_dB, "connector": np.zeros((1, 1, 1))})
    nothing = killers(sampled, 0.0)[-1]
    assert nothing.name == "connector"
    assert nothing.fixed_yield == nothing.baseline
    assert nothing.rescued is not None and nothing.rescued.value == 0.0


def test_lanes_rank_where_no_package_works() -> None:
    """No package works with or without; the cause that costs more lanes still comes first."""
    sampled = two_causes()
    lost = np.array([0.0, 50.0])
    fixed = {name: Again(a.rows, a.margin_dB - lost, a.held) for name, a in sampled.fixed.items()}
    hopeless = replace(sampled, margin_dB=sampled.margin_dB - lost, fixed=fixed, alone={}, nominal_dB=None)
    found = killers(hopeless, 0.0)
    assert found[0].name == "width"
    assert found[0].fixed_yield.value == 0.0
    assert not found[0].alone


def test_unknown_causes_and_wrong_shapes_are_refused() -> None:
    sampled = two_causes(20)
    with pytest.raises(InputError, match="unknown cause gravity"):
        killers(replace(sampled, losses_dB={"gravity": np.zeros((1, 1, 1))}), 0.0)
    bad = Again(np.arange(3), np.zeros((3, 1, 5)), np.zeros((3, 1, 0), bool))
    with pytest.raises(InputError, match="computed again"):
        killers(replace(sampled, fixed={"width": bad}), 0.0)


def test_spares_never_hurt() -> None:
    draw = generator(2, "spares")
    lanes = Lanes(np.arange(8) < 4, np.arange(8) // 4, np.arange(8) % 4, np.empty((8, 0), int))
    shared = draw.random((2000, 4, 1)) < 0.97
    margin = np.where((draw.random((2000, 4, 8)) < 0.98) & shared, 1.0, -1.0)
    sampled = Sampled(3, lanes, margin, np.ones((2000, 4, 0), bool))
    curves: dict[str, list[float]] = {}
    for point in spares_curves(sampled, PLAN, 0.0):
        curves.setdefault(point.kind, []).append(point.package_yield.value)
    assert set(curves) == {"wavelengths", "engines", "repairs"}  # no laser that is too weak: no curve of lasers
    for curve in curves.values():
        assert np.all(np.diff(curve) > -0.01)
    assert curves["engines"][1] > curves["engines"][0] + 0.05
    assert curves["repairs"][2] > curves["repairs"][0] + 0.05


def test_more_engines_are_those_of_the_next_package() -> None:
    sampled = two_causes(10)
    more = with_engines(sampled, 3)
    assert more.margin_dB.shape == (10, 3, 2)
    assert more.must_work == 1
    assert np.array_equal(more.margin_dB[:, 0], sampled.margin_dB[:, 0])
    assert np.array_equal(more.margin_dB[:-1, 1], sampled.margin_dB[1:, 0])
    assert np.array_equal(with_engines(more, 1).margin_dB, sampled.margin_dB)


def numbers(draw: Draw, cause: str) -> np.ndarray:
    """A stream as the real ones: of cause, seed and sample alone."""
    if cause in draw.fixed:
        return np.zeros(len(draw.samples))
    return generator(draw.swapped.get(cause, draw.seed), cause).standard_normal(int(draw.samples.max()) + 1)[
        draw.samples
    ]


def test_sobol_indices_of_a_known_function() -> None:
    """y = 3 a + 4 b + 2 a c with standard normals: V = 9 + 16 + 4."""

    def result(draw: Draw) -> np.ndarray:
        a, b, c = (numbers(draw, cause) for cause in ("width", "thickness", "etch"))
        return 3 * a + 4 * b + 2 * a * c

    found = sobol(result, 4096, 1, ("width", "thickness", "etch", "doping"))
    wanted = {"width": (9, 13), "thickness": (16, 16), "etch": (0, 4), "doping": (0, 0)}
    assert found.variance == pytest.approx(29, rel=0.05)
    assert found.evaluations == 6 * 4096
    for cause, (first, total) in wanted.items():
        assert found.indices[cause].first.value == pytest.approx(first / 29, abs=0.045)
        assert found.indices[cause].total.value == pytest.approx(total / 29, abs=0.045)
    assert found.indices["doping"].total.value == 0.0
    assert sobol(result, 64, 0) == sobol(result, 64, 0)


def test_sobol_indices_of_ishigami() -> None:
    """Ishigami, Homma (1990), a = 7, b = 0.1: S 0.3139, 0.4424, 0; ST 0.5576, 0.4424, 0.2437 (in closed form)."""
    causes = ("width", "thickness", "etch")

    def result(draw: Draw) -> np.ndarray:
        x, y, z = (np.pi * (2 * ndtr(numbers(draw, cause)) - 1) for cause in causes)
        return np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)

    found = sobol(result, 8192, 2, causes)
    for cause, first, total in zip(causes, (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437), strict=True):
        assert found.indices[cause].first.value == pytest.approx(first, abs=0.04)
        assert found.indices[cause].total.value == pytest.approx(total, abs=0.03)


def test_sobol_intervals_cover() -> None:
    """Of 40 experiments, at least 85 % hold each index of y = a + b."""

    def result(draw: Draw) -> np.ndarray:
        return numbers(draw, "width") + numbers(draw, "thickness")

    hits = []
    for seed in range(40):
        found = sobol(result, 256, seed, ("width", "thickness")).indices["width"]
        hits += [found.first.low <= 0.5 <= found.first.high, found.total.low <= 0.5 <= found.total.high]
    assert np.mean(hits) >= 0.85


def test_sobol_of_nothing() -> None:
    flat = sobol(lambda draw: np.full(len(draw.samples), 2.0), 16, 1)
    assert flat.variance == 0.0
    assert set(flat.indices) == set(CAUSES)
    assert len(designs(1, 16, tuple(CAUSES))) == len(CAUSES) + 2
    for samples, causes in ((1, ("width",)), (16, ()), (16, ("gravity",))):
        with pytest.raises(InputError):
            sobol(lambda draw: np.zeros(len(draw.samples)), samples, 1, causes)
    with pytest.raises(InputError, match="finite"):
        sobol(lambda draw: np.full(len(draw.samples), np.nan), 16, 1)

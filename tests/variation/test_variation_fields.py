"""Fields over the wafer: the asked covariance, by matrix and by sampling, whoever asks for whatever part."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from cpo_pdk.errors import ParameterError
from cpo_pdk.variation.die_field import die_field
from cpo_pdk.variation.fields import UnitField
from cpo_pdk.variation.samples import Draw

LENGTH = st.floats(0.05, 200.0)


@given(length=LENGTH, place=st.floats(-300.0, 300.0), span=st.floats(0.0, 3.0))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_the_covariance_is_the_asked_one_anywhere(length: float, place: float, span: float) -> None:
    # what white noise gives, exactly: the product of the kernels of two places, along one axis
    field = UnitField(length)
    places = place + np.linspace(0.0, span * length, 9)
    first = np.full(9, field.first_node(place))
    kernels = field.weights(places, first, field.node_count(span * length))
    asked = np.exp(-(((places[:, None] - places) / length) ** 2))
    assert np.abs(kernels @ kernels.T - asked).max() < 1e-9


def test_the_sampled_covariance_is_the_asked_one() -> None:
    field, samples = UnitField(4.5), 8000
    x = np.array([0.0, 0.0, 1.0, 3.0, 3.0, 9.0])
    y = np.array([0.0, 0.0, 0.0, 2.0, -2.0, 9.0])
    drawn = die_field(field, np.stack([x, y], axis=-1), np.array([7.0]), np.array([-31.0])).at(
        Draw(5, np.arange(samples)), "width", *(np.zeros((3, samples, 1), dtype=np.int64))
    )[:, 0]
    asked = np.exp(-((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2) / 4.5**2)
    error = np.abs(drawn.T @ drawn / samples - asked)
    # five standard errors of a product of two normal numbers
    assert (error < 5 * np.sqrt((1 + asked**2) / samples)).all()
    assert (drawn[:, 0] == drawn[:, 1]).all()


@given(
    length=st.floats(0.8, 40.0),
    where=st.tuples(st.floats(-90.0, 90.0), st.floats(-90.0, 90.0)),
    split=st.integers(1, 29),
)
@settings(derandomize=True, deadline=None, max_examples=10)
def test_the_field_belongs_to_the_wafer_and_not_to_who_asks(
    length: float, where: tuple[float, float], split: int
) -> None:
    """Place by place, as devices of a die, in parts, and as devices of another die that reaches the same places."""
    field, draw = UnitField(length), Draw(1, np.array([11]))
    places = np.random.default_rng(3).uniform(-5.0, 5.0, (30, 2))
    zero = np.zeros((1, 1), dtype=np.int64)
    x, y = (where[k] + places[None, None, :, k] for k in (0, 1))
    alone = field.at(draw, "width", zero, x, y)
    axes = (np.array([where[0], where[0] + 4.0]), np.array([where[1]]))
    die = die_field(field, places, *axes).at(draw, "width", zero, zero, zero)
    part = die_field(field, places[:split], *axes).at(draw, "width", zero, zero, zero)
    beside = die_field(field, places - (4.0, 0.0), *axes).at(draw, "width", zero, zero + 1, zero)
    for other in (die, beside):
        assert np.abs(other - alone).max() < 3e-8
    assert np.abs(part - alone[..., :split]).max() < 3e-8
    assert np.abs(field.at(draw, "width", zero + 1, x, y) - alone).max() > 1e-3


def test_short_lengths_are_drawn_place_by_place() -> None:
    field, draw = UnitField(0.05), Draw(1, np.arange(100))
    places = np.random.default_rng(1).uniform(-5, 5, (150, 2))
    over = die_field(field, places, np.zeros(1), np.zeros(1))
    assert over.axes is None
    zero = np.zeros((100, 1), dtype=np.int64)
    drawn = over.at(draw, "width", zero, zero, zero)[:, 0]
    assert drawn.std() == pytest.approx(1.0, abs=0.03)
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1]) < 0.4


def test_no_samples_and_no_devices_are_no_fault() -> None:
    field, none = UnitField(3.0), np.zeros((0, 2), dtype=np.int64)
    one = np.zeros(1)
    assert die_field(field, np.zeros((4, 2)), one, one).at(Draw(1, none[:, 0]), "etch", none, none, none).shape == (
        0,
        2,
        4,
    )
    zero = np.zeros((2, 1), dtype=np.int64)
    assert die_field(field, np.zeros((0, 2)), one, one).at(Draw(1, np.arange(2)), "etch", zero, zero, zero).shape == (
        2,
        1,
        0,
    )


@pytest.mark.parametrize("length", [0.0, -1.0, float("nan"), float("inf")])
def test_a_correlation_length_is_above_zero(length: float) -> None:
    with pytest.raises(ParameterError, match="above 0 needed"):
        UnitField(length)

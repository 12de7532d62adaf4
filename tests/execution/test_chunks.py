"""A chunk comes back as it was written, and the digest knows the numbers and not how they were cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cpo_pdk.execution.chunks import SAMPLE, Columns, DamagedError, Digest, checked, decode, encode

TYPES = st.sampled_from(["?", "<i1", "<i4", "<i8", "<u2", "<f4", "<f8", ">f8"])


def digest_of(*pieces: Columns) -> str:
    digest = Digest()
    for piece in pieces:
        digest.add(piece)
    return digest.text()


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.data())
def test_what_is_written_comes_back(data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 5))
    shapes = data.draw(st.lists(st.lists(st.integers(0, 3), max_size=2), min_size=1, max_size=3))
    result = {f"c{n}": data.draw(hnp.arrays(data.draw(TYPES), (rows, *shape))) for n, shape in enumerate(shapes)}
    columns = checked(result, np.arange(rows))
    back = decode(encode(columns))
    assert list(back) == [SAMPLE, *result]
    for name, array in columns.items():
        assert back[name].dtype == array.dtype and back[name].shape == array.shape
        np.testing.assert_array_equal(back[name], array)
    for name, array in result.items():
        np.testing.assert_array_equal(back[name], array)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.integers(1, 11), st.integers(1, 11))
def test_digest_does_not_see_the_cuts(first: int, second: int) -> None:
    values = np.random.default_rng(3).normal(size=(12, 2, 3)).astype(np.float32)
    whole = checked({"a": values, "b": values[:, 0, 0] > 0}, np.arange(12))

    def piece(begin: int, end: int) -> Columns:
        return {name: array[begin:end] for name, array in whole.items()}

    low, high = sorted((first, second))
    cuts = [(b, e) for b, e in ((0, low), (low, high), (high, 12)) if e > b]
    assert digest_of(*(piece(*cut) for cut in cuts)) == digest_of(whole)


def test_digest_sees_every_number_name_and_order() -> None:
    values = np.arange(6.0).reshape(3, 2)
    base = digest_of(checked({"a": values}, np.arange(3)))
    other = values.copy()
    other[1, 1] = np.nextafter(other[1, 1], 9)
    digests = {
        base,
        digest_of(checked({"b": values}, np.arange(3))),
        digest_of(checked({"a": other}, np.arange(3))),
        digest_of(checked({"a": values}, np.arange(1, 4))),
        digest_of(checked({"a": values.astype(np.float32)}, np.arange(3))),
        digest_of(checked({"a": values[:, :, None]}, np.arange(3))),
        digest_of(checked({"a": values[::-1]}, np.arange(3))),
    }
    assert len(digests) == 7 and "" not in digests
    assert digest_of() == ""


def test_one_zero_and_one_nan() -> None:
    odd_nan = np.frombuffer(np.uint64(0xFFF8000000000123).tobytes(), dtype="<f8")[0]
    one = checked({"a": np.array([-0.0, odd_nan])}, np.arange(2))
    two = checked({"a": np.array([0.0, np.nan])}, np.arange(2))
    assert digest_of(one) == digest_of(two)


def test_the_function_keeps_its_array() -> None:
    mine = np.array([-0.0, 1.0])
    checked({"a": mine}, np.arange(2))
    assert np.signbit(mine[0])


@pytest.mark.parametrize(
    ("result", "error", "words"),
    [
        ({"a": np.zeros(3)}, ValueError, "first axis must be the 2 samples"),
        ({"a": np.float64(1)}, ValueError, "first axis"),
        ({"a": np.zeros(2, dtype=complex)}, TypeError, "complex128"),
        ({"a": np.array(["x", "y"])}, TypeError, "can be stored"),
        ({"a": np.zeros(2, dtype=object)}, TypeError, "object"),
        ({SAMPLE: np.zeros(2)}, ValueError, "may not be called"),
    ],
)
def test_what_cannot_be_stored_is_named(result: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        checked(result, np.arange(2))


def test_wanted_columns_only() -> None:
    data = encode(checked({"a": np.zeros(2), "b": np.ones((2, 3))}, np.arange(2)))
    assert list(decode(data, ["b"])) == [SAMPLE, "b"]
    with pytest.raises(KeyError):
        decode(data, ["c"])


def test_columns_of_a_run_must_agree() -> None:
    digest = Digest()
    digest.add(checked({"a": np.zeros(2)}, np.arange(2)))
    with pytest.raises(ValueError, match="differ"):
        digest.add(checked({"a": np.zeros((2, 1))}, np.arange(2)))


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_file_never_gives_other_than_an_error_or_the_numbers(place: int, byte: int) -> None:
    columns = checked({"a": np.arange(64.0)}, np.arange(64))
    data = bytearray(encode(columns))
    data[place % len(data)] = byte
    try:
        decode(bytes(data))
    except DamagedError:
        return
    with pytest.raises(DamagedError):
        decode(bytes(data[:-9]))

"""Random numbers by counter: the published generator, the same for whoever asks, and as normal as they should be."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from cpo_pdk.errors import ParameterError
from cpo_pdk.variation.philox import BLOCK, philox
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.streams import key_of, normal_of, normals, uniform_of, uniforms

WORD = st.integers(0, 2**64 - 1)


@given(st.tuples(st.integers(0, 2**64 - 3), WORD, WORD, WORD), st.tuples(WORD, WORD))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_words_are_those_of_the_generator_that_numpy_has(counter: tuple[int, ...], key: tuple[int, int]) -> None:
    # numpy counts up before it draws
    known = np.random.Philox(counter=np.array(counter, dtype=np.uint64), key=np.array(key, dtype=np.uint64))
    c0, *rest = counter
    ours = philox(np.array([c0 + 1, c0 + 2], dtype=np.uint64), *(np.uint64(c) for c in rest), key)
    assert ours.ravel().tolist() == known.random_raw(8).tolist()


def test_words_of_the_paper() -> None:
    # known answers that come with the authors' Random123: counter and key all zeros, all ones
    assert [f"{int(w):016x}" for w in philox(0, 0, 0, 0, (0, 0))] == [
        "16554d9eca36314c",
        "db20fe9d672d0fdc",
        "d7e772cee186176b",
        "7e68b68aec7ba23b",
    ]


def test_more_counters_than_fit_at_once_are_the_same() -> None:
    many = philox(np.arange(BLOCK + 3), 1, 2, 3, (4, 5))
    assert (many[-5:] == philox(np.arange(BLOCK - 2, BLOCK + 3), 1, 2, 3, (4, 5))).all()


@given(
    samples=st.lists(st.integers(0, 10**9), min_size=1, max_size=5),
    index=st.lists(st.integers(-50, 10**6), min_size=1, max_size=6),
    groups=st.lists(st.integers(0, 10**4), min_size=1, max_size=3),
)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_a_number_follows_from_its_own_sample_and_device(samples: list, index: list, groups: list) -> None:
    together = normals(Draw(7, np.array(samples)), "width", index, "x", groups)
    for s, sample in enumerate(samples):
        for g, group in enumerate(groups):
            for k, place in enumerate(index):
                alone = normals(Draw(7, np.array([sample])), "width", [place], "x", [group])
                assert alone[0, 0, 0] == together[s, g, k]
    assert (
        normals(Draw(7, np.array(samples)), "width", index, "x", [0])[:, 0]
        == normals(Draw(7, np.array(samples)), "width", index, "x")
    ).all()


def test_seed_cause_purpose_and_group_each_make_other_numbers() -> None:
    def first(seed: int = 1, cause: str = "width", purpose: str = "", group: int = 0) -> float:
        return float(normals(Draw(seed, np.array([0])), cause, [0], purpose, [group])[0, 0, 0])

    assert len({first(), first(seed=2), first(cause="etch"), first(purpose="lot"), first(group=1)}) == 5
    # a name may not run into the next
    assert key_of(1, "ab", "c") != key_of(1, "a", "bc")


def test_a_fixed_cause_is_nominal_and_a_swapped_one_is_another_seeds() -> None:
    draw = Draw(1, np.arange(6), fixed=frozenset({"etch"}), swapped={"width": 2})
    assert (normals(draw, "etch", [0, 1]) == 0).all()
    assert (uniforms(draw, "etch", [0, 1], groups=[0]) == 0.5).all()
    assert (normals(draw, "width", [0, 1]) == normals(Draw(2, np.arange(6)), "width", [0, 1])).all()
    assert (normals(draw, "doping", [0, 1]) == normals(Draw(1, np.arange(6)), "doping", [0, 1])).all()


def test_numbers_never_reach_the_ends() -> None:
    ends = np.array([0, 2**64 - 1], dtype=np.uint64)
    low, high = uniform_of(ends)
    assert 0 < low < high < 1
    assert normal_of(ends) == pytest.approx([-8.2095, 8.2095], abs=1e-3)


def test_numbers_are_spread_as_they_should_be() -> None:
    drawn = normals(Draw(3, np.arange(400)), "width", np.arange(500))
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 1e-3
    # neighbours in device and in sample know nothing of each other: 5 standard errors of 200,000
    for one, other in ((drawn[:, :-1], drawn[:, 1:]), (drawn[:-1], drawn[1:]), (drawn[:, ::4], drawn[:, 1::4])):
        assert abs(np.mean(one * other)) < 5 / np.sqrt(one.size)


@pytest.mark.parametrize("index", [[0.5], [[1]], ["a"]])
def test_devices_have_whole_numbers(index: list) -> None:
    with pytest.raises(ParameterError, match="whole numbers of shape"):
        normals(Draw(1, np.arange(2)), "width", index)


def test_nothing_asked_is_nothing_drawn() -> None:
    assert normals(Draw(1, np.arange(3)), "width", []).shape == (3, 0)
    assert normals(Draw(1, np.arange(0)), "width", [1, 2], groups=[0]).shape == (0, 1, 2)

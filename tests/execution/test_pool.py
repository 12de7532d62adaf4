"""One function for many items: order, faults, dead processes."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import execution_work as work
import psutil
import pytest

from cpo_pdk.errors import ExecutionError, SpecError
from cpo_pdk.execution import Died, Place, each, open_pool

TWO = Place(2)


@pytest.mark.parametrize("workers", [1, 3])
def test_results_in_order(workers: int) -> None:
    assert list(each(work.square, 2.0, range(20), Place(workers))) == [(n, 2.0 * n**2) for n in range(20)]
    assert list(each(work.square, 2.0, [], Place(workers))) == []


def test_in_order_or_as_they_come() -> None:
    items = [12.0, 1.0, 2.0]
    with open_pool(work.sleep_and_tell, 0.05, TWO) as pool:
        list(pool.each([0.0, 0.0]))  # both are started
        assert [item for item, _ in pool.each(items)] == items
        assert [item for item, _ in pool.each(items, ordered=False)] == [1.0, 2.0, 12.0]


def test_processes_are_kept_between_generations() -> None:
    with open_pool(work.process_number, None, TWO) as pool:
        first = {pid for _, pid in pool.each(range(6))}
        second = {pid for _, pid in pool.each(range(6))}
    assert first == second and len(first) == 2 and os.getpid() not in first
    assert not any(psutil.pid_exists(pid) for pid in first)


def test_one_worker_is_this_process() -> None:
    assert [pid for _, pid in each(work.process_number, None, range(2))] == [os.getpid()] * 2


def test_items_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    with open_pool(work.square, 1.0, TWO) as pool:
        for item, _ in pool.each(taken.append(n) or n for n in itertools.count()):
            if item == 10:
                break
        assert len(taken) < 300  # a fast process goes ahead of a slow one, but not for ever
        # what was under way when nobody waited any more doesn't come back among the next
        assert [r for _, r in pool.each([100, 101])] == [10000, 10201]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_keeps_its_kind_its_place_and_its_trace(workers: int) -> None:
    with pytest.raises(SpecError, match="no such part") as caught:
        list(each(work.fail_on_three, None, range(8), Place(workers)))
    assert caught.value.problems[0].line == 4
    assert "fail_on_three" in str(caught.value.__cause__)


def test_a_result_that_cannot_travel_is_told() -> None:
    with pytest.raises(Exception, match="not_picklable"):
        list(each(work.not_picklable, None, range(2), TWO))


def test_a_process_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    with open_pool(work.crash_once, str(tmp_path / "died"), TWO, ahead=2) as pool:
        assert [r for _, r in pool.each(range(10))] == list(range(10))
        assert pool.deaths == 1


def test_an_item_that_always_kills_is_named_and_the_others_are_done() -> None:
    with open_pool(work.crash_on_three, None, TWO, ahead=2) as pool:
        results = dict(pool.each(range(6), deaths="tell"))
        assert [n for n in results if results[n] != n] == [3]
        assert isinstance(results[3], Died) and "3 times (SIGSEGV)" in results[3].text
        with pytest.raises(ExecutionError, match="3: the process that worked on it died 3 times"):
            list(pool.each([3]))


def test_linear_algebra_has_one_thread_everywhere() -> None:
    for place in (Place(), TWO):
        for _, counts in each(work.threads, None, range(2), place):
            assert counts and set(counts) == {1}


def test_no_socket_is_opened() -> None:
    before = {(c.family, c.laddr) for c in psutil.Process().net_connections("all")}
    with open_pool(work.process_number, None, TWO) as pool:
        workers = {pid for _, pid in pool.each(range(6))}
        assert len(workers) == 2
        for child in psutil.Process().children(recursive=True):
            assert child.net_connections("all") == [], child
        assert {(c.family, c.laddr) for c in psutil.Process().net_connections("all")} == before

"""One function for many items, wherever the work is done."""

from __future__ import annotations

import contextlib
import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, Protocol

from cpo_pdk.errors import ExecutionError
from cpo_pdk.execution.here import Here
from cpo_pdk.execution.processes import Processes
from cpo_pdk.execution.work import Died, Place
from cpo_pdk.execution.worker import Failure

Deaths = Literal["raise", "tell"]


class Hands(Protocol):
    """Who does the work: this process, processes of this machine, or a cluster."""

    #: worker processes that died
    deaths: int
    #: what is worth a warning
    notes: tuple[str, ...]

    @property
    def room(self) -> int:
        """How many more items may be submitted now."""
        ...

    def submit(self, number: int, item: object) -> None:
        """Have `item` worked on; `number` comes back with its result."""
        ...

    def wait(self) -> list[tuple[int, Any]]:
        """Wait until at least one item is done; number and result, `Failure` or `Died`."""
        ...

    def close(self, at_once: bool) -> None:
        """End all of it."""
        ...


class Pool:
    """A function and its payload, ready for items; made by `open_pool`."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._numbers = itertools.count()

    @property
    def deaths(self) -> int:
        """Worker processes that died so far."""
        return self._hands.deaths

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth a warning, one line each."""
        return self._hands.notes

    def each(self, items: Iterable[Any], ordered: bool = True, deaths: Deaths = "raise") -> Iterator[tuple[Any, Any]]:
        """Yield `(item, function(payload, item))` for each item.

        Items are taken from `items` as workers get free. An exception of the function is raised here.

        Args:
            items: may be endless; small things, or numbers of larger ones in the payload.
            ordered: in the order of `items`; else as they are done.
            deaths: what an item gives whose process died each time it was tried: `raise` an ExecutionError, or
                `tell` by a `Died` in place of the result.

        Raises:
            ExecutionError: a process died too often, or the cluster was lost.
        """
        source, exhausted = iter(items), False
        flying: dict[int, Any] = {}
        done: dict[int, Any] = {}
        while True:
            while not exhausted and self._hands.room > 0 and len(done) < _MOST_AHEAD:
                try:
                    item = next(source)
                except StopIteration:
                    exhausted = True
                    break
                number = next(self._numbers)
                flying[number] = item
                self._hands.submit(number, item)
            if not flying:
                return
            for number, result in self._hands.wait():
                if number not in flying or number in done:  # left over from items that nobody waited for
                    continue
                if isinstance(result, Failure):
                    raise result.error()
                if isinstance(result, Died) and deaths == "raise":
                    raise ExecutionError(f"{_named(flying[number])}: {result.text}")
                done[number] = result
            ready = sorted(done)
            if ordered:
                ready = list(itertools.takewhile(lambda number: number in done, list(flying)))
            for number in ready:
                yield flying.pop(number), done.pop(number)


#: results that wait for an earlier one before no more items are begun
_MOST_AHEAD = 256


@contextlib.contextmanager
def open_pool(
    function: Callable[[Any, Any], Any], payload: object, place: Place | None = None, ahead: int = 1
) -> Iterator[Pool]:
    """Give a pool of `place`, with its workers started when they are needed and ended with the block.

    Args:
        function: `function(payload, item)`; of a module, since other processes find it by its name.
        payload: travels once.
        place: where; this process where None.
        ahead: items that a worker is given before it has answered the first; 2 keeps it busy when items are short.

    Raises:
        InputError: the place can't be used.
        ExecutionError: a cluster that can't be reached, or has another version of this package.
    """
    place = place or Place()
    place.check()
    hands = _hands(function, payload, place, ahead)
    at_once = True
    try:
        yield Pool(hands)
        at_once = False
    finally:
        hands.close(at_once)


def each(
    function: Callable[[Any, Any], Any],
    payload: object,
    items: Iterable[Any],
    place: Place | None = None,
    ordered: bool = True,
    deaths: Deaths = "raise",
) -> Iterator[tuple[Any, Any]]:
    """Yield `(item, function(payload, item))`; see `open_pool` and `Pool.each`."""
    with open_pool(function, payload, place) as pool:
        yield from pool.each(items, ordered, deaths)


def _hands(function: Callable[[Any, Any], Any], payload: object, place: Place, ahead: int) -> Hands:
    if place.scheduler is not None:
        cluster = importlib.import_module("cpo_pdk.execution.cluster")  # needs the extra `cluster`
        return cluster.Cluster(function, payload, place, ahead)
    if place.workers == 1:
        return Here(function, payload)
    return Processes(function, payload, place.workers, ahead)


def _named(item: object) -> str:
    text = repr(item)
    return text if len(text) <= 80 else text[:77] + "..."

"""Work in this very process: no copy, no start of another, for one worker."""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import threadpoolctl

from cpo_pdk.execution.worker import Failure, answer


class Here:
    """As `Processes`, with this process as the only worker."""

    def __init__(self, function: Callable[[Any, Any], Any], payload: object) -> None:
        self._function, self._payload = function, payload
        self._waiting: deque[tuple[int, Any]] = deque()
        self._limits = contextlib.ExitStack()
        self._limits.enter_context(threadpoolctl.threadpool_limits(1))
        _one_numba_thread(self._limits)
        self.deaths = 0
        self.notes: tuple[str, ...] = ()

    @property
    def room(self) -> int:
        """How many more items may be submitted now."""
        return 1 - len(self._waiting)

    def submit(self, number: int, item: object) -> None:
        """Have `item` worked on when `wait` is called."""
        self._waiting.append((number, item))

    def wait(self) -> list[tuple[int, Any]]:
        """Work on the next item."""
        if not self._waiting:
            return []
        number, item = self._waiting.popleft()
        result: Any | Failure = answer(self._function, self._payload, item)
        return [(number, result)]

    def close(self, at_once: bool) -> None:
        """Give linear algebra its threads back."""
        self._limits.close()


def _one_numba_thread(stack: contextlib.ExitStack) -> None:
    numba = sys.modules.get("numba")  # loaded later, it is asked for one thread nowhere: no kernel of ours is parallel
    if numba is not None:
        before = numba.get_num_threads()
        numba.set_num_threads(1)
        stack.callback(numba.set_num_threads, before)

"""Worker processes of this machine: spawned, talking through pipes, replaced when they die. No socket is opened.

Each process has a pipe of its own for what it is to do and one for what it answers, so that it is known what a process
was doing when it died, and the others work on.
"""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import pickle
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from cpo_pdk.execution.work import Died
from cpo_pdk.execution.worker import ONE_THREAD, serve

#: how often an item is tried whose process dies
_ATTEMPTS = 3
#: how long a process may take to end by itself when its work is done, s
_GRACE_S = 5.0

Answer = tuple[int, Any]


@dataclass
class _Worker:
    process: SpawnProcess
    tasks: Connection
    answers: Connection
    #: what it has: the first is being worked on
    items: deque[tuple[int, Any]] = field(default_factory=deque)


class Processes:
    """A pool of spawned processes that share a function and its payload.

    Args:
        function: `function(payload, item)`, of a module.
        payload: pickled once, to a file that only this user can read; each process loads it once.
        workers: number of processes; each is started when there is something for it to do.
        ahead: items that a process is given before it has answered the first: 1, or 2 so that it needn't wait.
    """

    def __init__(self, function: Callable[[Any, Any], Any], payload: object, workers: int, ahead: int = 1) -> None:
        data = pickle.dumps((function, payload), protocol=pickle.HIGHEST_PROTOCOL)
        self._sha256 = hashlib.sha256(data).hexdigest()
        self._folder = tempfile.mkdtemp(prefix="cpo-")
        self._payload = Path(self._folder) / "payload"
        self._payload.write_bytes(data)
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._most, self._ahead = workers, ahead
        self._again: deque[tuple[int, Any]] = deque()
        self._attempts: dict[int, int] = {}
        #: processes that died
        self.deaths = 0
        self.notes: tuple[str, ...] = ()

    @property
    def room(self) -> int:
        """How many more items may be submitted now."""
        return self._most * self._ahead - sum(len(w.items) for w in self._workers) - len(self._again)

    def submit(self, number: int, item: object) -> None:
        """Have `item` worked on; `number` comes back with its result."""
        self._again.append((number, item))
        self._hand_out()

    def wait(self) -> list[Answer]:
        """Wait until at least one item is done, and give all that are: number and result, `Failure` or `Died`."""
        found: list[Answer] = []
        while not found:
            self._hand_out()
            by_pipe = {w.answers: w for w in self._workers if w.items}
            if not by_pipe:
                return found
            for ready in wait(list(by_pipe)):
                worker = by_pipe[ready]  # pyright: ignore[reportArgumentType]  # connections went in
                try:
                    number, result = worker.answers.recv()
                except (EOFError, OSError):
                    found += self._bury(worker)
                    continue
                worker.items.popleft()
                self._attempts.pop(number, None)
                found.append((number, result))
        return found

    def close(self, at_once: bool) -> None:
        """End all processes, in the middle of their work where `at_once`, and remove the payload."""
        for worker in self._workers:
            if at_once or worker.items:
                worker.process.kill()
            else:
                with contextlib.suppress(OSError):
                    worker.tasks.send(None)
        for worker in self._workers:
            worker.process.join(_GRACE_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            _release(worker)
        self._workers.clear()
        with contextlib.suppress(OSError):
            self._payload.unlink()
            os.rmdir(self._folder)

    def pids(self) -> list[int]:
        """Process numbers of the workers that were started."""
        return [w.process.pid for w in self._workers if w.process.pid is not None]

    def _hand_out(self) -> None:
        while self._again:
            worker = min(self._workers, key=lambda w: len(w.items), default=None)
            if worker is None or (worker.items and len(self._workers) < self._most):
                worker = self._start()
            if len(worker.items) >= self._ahead:
                return
            task = self._again.popleft()
            worker.items.append(task)
            with contextlib.suppress(OSError):  # it is dead: found out when its answer is waited for
                worker.tasks.send(task)

    def _start(self) -> _Worker:
        tasks, give = self._context.Pipe(duplex=False)
        answers, tell = self._context.Pipe(duplex=False)
        # spelled so on purpose: `answers` is where this side reads
        process = self._context.Process(
            target=serve, args=(tasks, tell, str(self._payload), self._sha256), daemon=True, name="cpo worker"
        )
        with as_workers_start():
            process.start()
        tasks.close()
        tell.close()
        worker = _Worker(process, give, answers)
        self._workers.append(worker)
        return worker

    def _bury(self, worker: _Worker) -> list[Answer]:
        """Take a dead process out; its items are done again, except the first if it has killed too many."""
        self._workers.remove(worker)
        worker.process.join(_GRACE_S)
        if worker.process.is_alive():  # it closed its pipe and lives on: no use to anybody
            worker.process.kill()
            worker.process.join()
        why = _why(worker.process.exitcode)
        _release(worker)
        self.deaths += 1
        number, item = worker.items.popleft()
        self._again.extendleft(reversed(worker.items))
        self._attempts[number] = self._attempts.get(number, 0) + 1
        if self._attempts[number] < _ATTEMPTS:
            self._again.appendleft((number, item))
            return []
        del self._attempts[number]
        return [(number, Died(f"the process that worked on it died {_ATTEMPTS} times ({why})"))]


def _release(worker: _Worker) -> None:
    worker.tasks.close()
    worker.answers.close()
    worker.process.close()


@contextlib.contextmanager
def as_workers_start() -> Iterator[None]:
    """Environment and signal mask that a process inherits which is started inside: one thread, deaf to Ctrl-C."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    mask = getattr(signal, "pthread_sigmask", None)  # not on Windows
    if mask:
        resource_tracker.ensure_running()  # it unblocks signals when it starts, which must not happen below
    blocked = mask(signal.SIG_BLOCK, {signal.SIGINT}) if mask else None
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if mask and blocked is not None:
            mask(signal.SIG_SETMASK, blocked)


def _why(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"{name}, as a rule for want of memory: use fewer workers" if name == "SIGKILL" else name

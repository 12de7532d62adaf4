"""Work on a Dask cluster: one of this machine's own, or one whose address is given. Needs the extra `cluster`.

A cluster of this machine listens on 127.0.0.1 alone and lets in only who has the certificate that was made for it. The
bytes that travel are pickles: who can reach a scheduler can run code, so that an address beyond this machine needs TLS
with certificates on both sides (`addresses`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import pickle
import queue
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dask.config
from distributed import Client, Future, KilledWorker, LocalCluster, Security
from distributed.client import ClosedClientError
from distributed.comm.core import connect

from cpo_pdk.errors import ExecutionError, InputError
from cpo_pdk.execution.addresses import LOCAL, is_loopback, parts, reach
from cpo_pdk.execution.fingerprint import Fingerprint, fingerprint
from cpo_pdk.execution.processes import as_workers_start
from cpo_pdk.execution.remote import OtherProgramError, work_on
from cpo_pdk.execution.work import Died, Place, Tls
from cpo_pdk.execution.worker import Failure

#: how long a scheduler may take to answer, s
_CONNECT_S = 5
#: how long to wait for the first worker, s
_WORKERS_S = 30
#: how long a scheduler may be out of reach in the middle of the work before it counts as lost, s
_LOST_S = 5.0
#: items in flight at least: workers may join later
_LEAST_FLYING = 32
#: ask a worker what it runs; expressions, since a worker without this package must be able to answer too
_VERSION = "__import__('importlib').import_module('cpo_pdk.version').__version__"
_PROGRAM = "__import__('importlib').import_module('cpo_pdk.execution.fingerprint').fingerprint()"


class Cluster:
    """As `Processes`, on the workers of a Dask scheduler.

    Raises:
        ExecutionError: the scheduler can't be reached, has no workers, or one that runs another program.
    """

    def __init__(self, function: Callable[[Any, Any], Any], payload: object, place: Place, ahead: int = 1) -> None:
        self._data = pickle.dumps((function, payload), protocol=pickle.HIGHEST_PROTOCOL)
        self._sha256 = hashlib.sha256(self._data).hexdigest()
        self._done: queue.SimpleQueue[tuple[int, Future]] = queue.SimpleQueue()
        self._flying: dict[int, Future] = {}
        #: workers of a cluster are replaced by their nannies, which tell nobody
        self.deaths = 0
        self.notes: tuple[str, ...] = ()
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(_silent())
        try:
            if place.scheduler == LOCAL:
                self._address, self._wanted = LOCAL, None
                self._client = self._stack.enter_context(_own_cluster(place.workers, self._stack))
            else:
                self._address = str(place.scheduler)
                self._wanted: Fingerprint | None = fingerprint()
                self._client = self._stack.enter_context(_connected(self._address, place.tls))
                self._refuse_others(place.insecure)
            threads = sum(_now(self._client.nthreads()).values())
            # a result like any other, which the scheduler can have made again when the workers that had it are gone
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that it is large
                self._payload = self._client.submit(bytes, self._data, key=f"cpo-{self._sha256}", pure=True)
        except OSError as error:  # all that a connection can run into; the messages that are ours are no OSError
            self._stack.close()
            raise self._lost() from error
        except BaseException:
            self._stack.close()
            raise
        self._most = max(ahead * threads, _LEAST_FLYING if self._wanted else 0)

    @property
    def room(self) -> int:
        """How many more items may be submitted now."""
        return self._most - len(self._flying)

    def submit(self, number: int, item: object) -> None:
        """Have `item` worked on; `number` comes back with its result."""
        try:
            future = self._client.submit(work_on, self._payload, self._sha256, self._wanted, item, pure=False)
        except (OSError, ClosedClientError) as error:
            raise self._lost() from error
        self._flying[number] = future
        future.add_done_callback(lambda done: self._done.put((number, done)))

    def wait(self) -> list[tuple[int, Any]]:
        """Wait until at least one item is done; number and result, `Failure` or `Died`."""
        since: float | None = None
        while self._flying:
            try:
                number, future = self._done.get(timeout=0.5)
            except queue.Empty:
                number, future = -1, None
            if self._client.status == "running":
                since = None
            elif since is None:
                since = time.monotonic()
            elif self._client.status == "closed" or time.monotonic() - since > _LOST_S:
                raise self._lost()
            if future is not None and number in self._flying:
                if future.status in ("cancelled", "lost"):
                    raise self._lost()
                result = self._result(future)
                del self._flying[number]
                return [(number, result)]
        return []

    def close(self, at_once: bool) -> None:
        """Let go of the cluster; end it where it is this machine's own."""
        with contextlib.suppress(Exception):  # a scheduler that is gone can't be told
            if self._flying and self._client.status == "running":
                self._client.cancel(list(self._flying.values()), force=True)
        self._flying.clear()
        with contextlib.suppress(Exception):
            self._stack.close()

    def _result(self, future: Future) -> Any:
        try:
            return future.result()
        except KilledWorker as error:
            tries, last = error.allowed_failures + 1, error.last_worker.name
            return Died(f"the workers that worked on it died {tries} times, worker {last} last")
        except OtherProgramError as error:
            raise ExecutionError(f"scheduler {self._address}: a worker that joined {error}; end it") from None
        except OSError as error:
            raise self._lost() from error
        except Exception as error:  # nothing of the function's, whose exceptions come as a Failure
            return Failure.of(error)

    def _lost(self) -> ExecutionError:
        return ExecutionError(f"scheduler {self._address}: was lost in the middle of the work; start it again")

    def _refuse_others(self, insecure: bool) -> None:
        """Refuse workers that run another program, or that listen to everybody."""
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS_S)
        except TimeoutError:
            raise ExecutionError(
                f"scheduler {self._address}: has no worker after {_WORKERS_S} s; start some (docs/cluster.md)"
            ) from None
        workers: Mapping[str, Any] = self._client.scheduler_info(n_workers=-1)["workers"]
        names = {address: str(about.get("name", address)) for address, about in workers.items()}
        faults: list[str] = []
        for address, name in names.items():
            scheme, host, _ = parts(address)
            if scheme != "tls" and not is_loopback(host) and not insecure:
                faults.append(f"worker {name} at {address} has no TLS (allowed by --insecure-cluster)")
        found = _now(self._client.run(eval, _PROGRAM, on_error="return"))
        strange = [address for address, there in found.items() if not isinstance(there, Fingerprint)]
        versions = _now(self._client.run(eval, _VERSION, on_error="return", workers=strange)) if strange else {}
        here = fingerprint()
        for address, there in found.items():
            name, version = names.get(address, address), versions.get(address, here.version)
            if not isinstance(version, str):
                faults.append(f"worker {name} has no cpo_pdk ({_first_line(version)})")
            elif not isinstance(there, Fingerprint):
                faults.append(f"worker {name} runs cpo_pdk {version}, not {here.version} ({_first_line(there)})")
            elif difference := there.differs_from(here):
                faults.append(f"worker {name} {difference}")
            elif there.numpy != here.numpy:
                self.notes += (f"worker {name} has numpy {there.numpy}, here {here.numpy}: last digits may differ",)
            if (threads := int(workers.get(address, {}).get("nthreads", 1))) > 1:
                self.notes += (f"worker {name} has {threads} threads, which take turns; start it with --nthreads 1",)
        if faults:
            more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
            cure = f"give each worker this cpo_pdk {here.version}"
            raise ExecutionError(f"scheduler {self._address}: {'; '.join(sorted(faults)[:3])}{more}; {cure}")


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask from printing what is told in one line anyway."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _own_cluster(workers: int, stack: contextlib.ExitStack) -> Client:
    """A cluster on this machine that listens on loopback alone, to those who have its certificate."""
    routes = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
    stack.enter_context(dask.config.set({"distributed.worker.multiprocessing-method": "spawn", **routes}))
    security = Security.temporary()
    with as_workers_start():
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            protocol="tls",
            security=security,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=logging.CRITICAL + 1,
        )
        stack.enter_context(cluster)
        return Client(cluster, security=security, set_as_default=False)


def greet(address: str, tls: Tls | None) -> None:
    """Shake hands with a scheduler and leave: whatever else listens at the port is found out before work is prepared.

    Raises:
        ExecutionError: nobody opens, or it isn't a Dask scheduler that lets these files in.
    """
    reach(address, _CONNECT_S)
    arguments = {} if tls is None else _security(tls).get_connection_args("client")

    async def hands() -> None:
        comm = await connect(address, timeout=_CONNECT_S, **arguments)
        await comm.close()

    with _silent():
        try:
            asyncio.run(asyncio.wait_for(hands(), 2 * _CONNECT_S))
        except Exception as error:  # what a stranger says may be read as any length: MemoryError, TypeError, ...
            raise _no_scheduler(address, tls, error) from None


def _connected(address: str, tls: Tls | None) -> Client:
    """A client of the scheduler at `address`."""
    greet(address, tls)  # a client that fails on a stranger's answer can't be closed, and says so with a traceback
    security = None if tls is None else _security(tls)
    try:
        return Client(address, security=security, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise _no_scheduler(address, tls, error) from None


def _security(tls: Tls) -> Security:
    files = {"tls_ca_file": str(tls.ca), "tls_client_cert": str(tls.cert), "tls_client_key": str(tls.key)}
    try:
        security = Security(**files, require_encryption=True)
        security.get_connection_args("client")  # reads them
    except (OSError, ValueError) as error:
        raise InputError(
            f"--tls-ca, --tls-cert, --tls-key: can't be used together ({_first_line(error)}); give three PEM files,"
            " the key being that of the certificate"
        ) from None
    return security


def _no_scheduler(address: str, tls: Tls | None, error: Exception) -> ExecutionError:
    cause = "the files of --tls-ca, --tls-cert, --tls-key fit" if tls else "it is a Dask scheduler without TLS"
    # a stranger's first bytes are taken for a length, and the error for that says nothing of what is wrong
    what = _first_line(error) if isinstance(error, OSError) else "something else listens there"
    return ExecutionError(f"scheduler {address}: doesn't answer as a scheduler ({what}); check that {cause}")


def _now(answer: Any) -> Any:
    """The answer of a client that waits for it, which its annotations don't know."""
    return answer


def _first_line(error: object) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__

"""What is to be done, where, and what came of it: plain values."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.errors import InputError
from cpo_pdk.execution.addresses import LOCAL, check_address

Whole = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

#: more processes than this on one machine is a slip of the keyboard
_MOST_WORKERS = 4096
#: samples of a run: file names and memory are made for no more
_MOST_SAMPLES = 1_000_000_000
_MOST_CHUNK = 1_000_000


@dataclass(frozen=True)
class Work:
    """Samples that can be worked out in any order, in chunks.

    Attributes:
        function: `function(payload, samples (k,)) -> {name: array with first axis k}`; a function of a module, since
            its name is what travels to other processes. A pure one: the numbers depend on `samples` and nothing else.
        payload: what it needs besides; anything that can be pickled.
        samples: how many; they are numbered from 0.
        inputs_digest: of all that shapes the numbers: layout, sheets, seed, options. Not of the number of samples, so
            that a run can be made longer.
        name: of the run, for messages.
        chunk: samples that are worked out together and written as one file. It must not follow the number of workers.
    """

    function: Callable[[Any, Whole], Mapping[str, NDArray[Any]]]
    payload: Any
    samples: int
    inputs_digest: str
    name: str
    chunk: int = 64

    def __post_init__(self) -> None:
        for what, value, most in (("samples", self.samples, _MOST_SAMPLES), ("chunk", self.chunk, _MOST_CHUNK)):
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise InputError(
                    f"{what}: {value!r} is not a whole number from 1 to {most:,}; choose one".replace(",", " ")
                )

    @property
    def chunks(self) -> int:
        """Number of chunks; the last may be shorter."""
        return -(-self.samples // self.chunk)

    def bounds(self, number: int) -> tuple[int, int]:
        """First sample of chunk `number`, and how many it has."""
        first = number * self.chunk
        return first, min(self.chunk, self.samples - first)


@dataclass(frozen=True)
class Tls:
    """Files (PEM) that prove to a cluster who we are, and to us who it is.

    Attributes:
        ca: certificate of the authority that signed both sides.
        cert, key: our own.
    """

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True)
class Place:
    """Where work is done.

    Attributes:
        workers: processes on this machine; 1 works in this process. Not used with the address of a cluster.
        scheduler: None for processes of this machine that open no socket; `local` for a Dask cluster on this machine
            that listens on loopback alone; else the address of a Dask scheduler.
        tls: needed for `tls://` addresses.
        insecure: allow a cluster beyond this machine without TLS: whoever reaches its ports can run code on both.
    """

    workers: int = 1
    scheduler: str | None = None
    tls: Tls | None = None
    insecure: bool = False

    def check(self) -> None:
        """Refuse what can't work, before long work.

        Raises:
            InputError: number of workers, address or TLS files can't be used, or Dask isn't installed.
        """
        if isinstance(self.workers, bool) or not isinstance(self.workers, int):
            raise InputError(f"workers: {self.workers!r} is not a whole number")
        if not 1 <= self.workers <= _MOST_WORKERS:
            raise InputError(
                f"workers: {self.workers}, where 1 to {_MOST_WORKERS} can be had; one for each core is best"
            )
        if self.scheduler is None:
            return
        if importlib.util.find_spec("distributed") is None:
            raise InputError(f"scheduler {self.scheduler}: needs Dask; install it with: pip install 'cpo-pdk[cluster]'")
        if self.scheduler == LOCAL:
            if importlib.util.find_spec("cryptography") is None:
                raise InputError("scheduler local: needs cryptography; install it with: pip install 'cpo-pdk[cluster]'")
            return
        files = {} if self.tls is None else {"ca": self.tls.ca, "cert": self.tls.cert, "key": self.tls.key}
        check_address(self.scheduler, files, self.insecure)


@dataclass(frozen=True)
class Outcome:
    """What a run has made.

    Attributes:
        folder: where its chunks are; `read` gives the numbers.
        samples: that the folder holds; `asked` for.
        chunks: that the folder holds.
        complete: all are there.
        interrupted: Ctrl-C or a polite kill ended it early.
        digest: of all numbers in order of samples: equal for equal work, whoever did it and in how many pieces.
        resumed: samples that were found done.
        deaths: worker processes that died and whose chunk was done again.
        notes: what is worth a warning, one line each.
    """

    folder: Path
    samples: int
    asked: int
    chunks: int
    complete: bool
    interrupted: bool
    digest: str
    resumed: int = 0
    deaths: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Died:
    """In place of a result: the process that worked on it died each time it was tried."""

    text: str

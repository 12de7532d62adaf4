"""Work for the tests, in a module that other processes can load."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from cpo_pdk.errors import Problem, SpecError

Whole = NDArray[np.int64]


def numbers(payload: dict[str, Any], samples: Whole) -> dict[str, NDArray[Any]]:
    """Columns of all kinds; `payload["wait_s"]` is how long a chunk takes."""
    time.sleep(payload.get("wait_s", 0.0))
    x = samples[:, None] * np.arange(1.0, 4.0)
    return {
        "sine": np.sin(x).astype(np.float32),
        "cube": np.cos(x)[:, :, None] * np.ones(2),
        "held": samples % 3 == 0,
        "count": samples**2,
        "nothing": np.zeros((len(samples), 0)),
    }


def square(payload: float, item: float) -> float:
    return payload * item**2


def sleep_and_tell(payload: float, item: float) -> float:
    time.sleep(payload * item)
    return item


def process_number(_payload: None, _item: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def crash_on_three(_payload: None, item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    return item


def crash_once(payload: str, item: int) -> int:
    """Dies at item 3 the first time: the file `payload` remembers."""
    if item == 3 and not Path(payload).exists():
        Path(payload).write_text("died")
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def fail_on_three(_payload: None, item: int) -> int:
    if item == 3:
        raise SpecError([Problem(Path("a.yaml"), 4, 2, "no such part")])
    return item


def not_picklable(_payload: None, _item: int) -> object:
    return lambda: 1


def threads(_payload: None, _item: int) -> list[int]:
    """Threads that linear algebra of this process uses."""
    return [library["num_threads"] for library in threadpoolctl.threadpool_info()]

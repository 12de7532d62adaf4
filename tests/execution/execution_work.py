"""Work for the tests, in a module that other processes can load."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import threadpoolctl
from numpy.typing import NDArray

from cpo_pdk.errors import CpoError, Problem, SpecError
from cpo_pdk.execution import Place, Work, run

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


def main() -> None:
    """Run `numbers` as a command would: FOLDER WORKERS SCHEDULER RESUME WAIT_S FILE_LIMIT; the outcome as JSON."""
    folder, workers, scheduler, resume, wait_s, limit = sys.argv[1:]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    task = Work(numbers, {"wait_s": float(wait_s)}, samples=200, inputs_digest="abc", name="test", chunk=10)
    place = Place(int(workers), None if scheduler == "-" else scheduler)

    def progress(done: int, total: int) -> None:
        children = psutil.Process().children(recursive=True)
        pids = [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]
        print(json.dumps({"done": done, "total": total, "children": pids}), flush=True)

    try:
        outcome = run(task, Path(folder), place, resume=resume == "resume", progress=progress)
    except CpoError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    print(json.dumps({k: v for k, v in asdict(outcome).items() if k != "folder"}), flush=True)
    raise SystemExit(130 if outcome.interrupted else 0)


if __name__ == "__main__":
    main()

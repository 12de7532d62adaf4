"""What a worker of a cluster runs."""

from __future__ import annotations

import hashlib
import pickle
import threading
from typing import Any

import threadpoolctl

from cpo_pdk.execution.fingerprint import Fingerprint, fingerprint
from cpo_pdk.execution.worker import Failure, answer

#: what was unpickled last, by the digest of its bytes
_loaded: dict[str, Any] = {}
#: layouts and caches are not made for threads: one item at a time in a process, however many threads the worker has
_one_at_a_time = threading.Lock()


class OtherProgramError(Exception):
    """The worker runs another version; its text says which."""


def work_on(data: bytes, sha256: str, wanted: Fingerprint | None, item: Any) -> Any:
    """Result of one item, or the `Failure` that came in its place.

    Args:
        data: pickle of the function and its payload; kept between items.
        sha256: of `data`.
        wanted: what this worker has to run; not checked where None.
        item: to work on.

    Raises:
        OtherProgramError: this worker joined with another version.
    """
    if wanted is not None and (difference := fingerprint().differs_from(wanted)):
        raise OtherProgramError(difference)
    with _one_at_a_time, threadpoolctl.threadpool_limits(1):
        if sha256 not in _loaded:
            if hashlib.sha256(data).hexdigest() != sha256:
                raise OtherProgramError("was given a payload that was changed on the way")
            _loaded.clear()
            try:
                _loaded[sha256] = pickle.loads(data)
            except Exception as error:
                return Failure.of(error)
        function, payload = _loaded[sha256]
        return answer(function, payload, item)

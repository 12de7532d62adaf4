"""Work in chunks over processes or a cluster: the same bytes for any number of workers, resumed after a fall."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpo_pdk.execution.pool import Pool, each, open_pool
    from cpo_pdk.execution.progress import Bar
    from cpo_pdk.execution.runs import pieces, read, run
    from cpo_pdk.execution.work import Died, Outcome, Place, Tls, Work

__all__ = ["Bar", "Died", "Outcome", "Place", "Pool", "Tls", "Work", "each", "open_pool", "pieces", "read", "run"]

#: name -> module; loaded when asked for, since each worker process begins with this file
_LAZY = {
    **dict.fromkeys(("Pool", "each", "open_pool"), "pool"),
    "Bar": "progress",
    **dict.fromkeys(("pieces", "read", "run"), "runs"),
    **dict.fromkeys(("Died", "Outcome", "Place", "Tls", "Work"), "work"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'cpo_pdk.execution' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"cpo_pdk.execution.{_LAZY[name]}"), name)

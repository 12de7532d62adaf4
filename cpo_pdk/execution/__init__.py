"""Work in chunks over processes or a cluster: the same bytes for any number of workers, resumed after a fall."""

from __future__ import annotations

from cpo_pdk.execution.pool import Pool, each, open_pool
from cpo_pdk.execution.progress import Bar
from cpo_pdk.execution.runs import pieces, read, run
from cpo_pdk.execution.work import Died, Outcome, Place, Tls, Work

__all__ = ["Bar", "Died", "Outcome", "Place", "Pool", "Tls", "Work", "each", "open_pool", "pieces", "read", "run"]

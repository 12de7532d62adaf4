"""A run: all chunks of some work, each written as soon as it is there, continued where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cpo_pdk.errors import ExecutionError, OutputError
from cpo_pdk.execution.chunks import Columns, Digest, joined, work_out
from cpo_pdk.execution.pool import open_pool
from cpo_pdk.execution.store import Store
from cpo_pdk.execution.work import Outcome, Place, Work
from cpo_pdk.output import chosen_folder, locked

Progress = Callable[[int, int], None]


def run(
    work: Work, folder: Path, place: Place | None = None, *, resume: bool = False, progress: Progress | None = None
) -> Outcome:
    """Work out the samples of `work` into `folder`, chunk by chunk.

    What is done stays readable whatever ends the run. Ctrl-C (and a polite kill, where it raises KeyboardInterrupt)
    ends it with an outcome that says so, once there is a sample.

    Args:
        work: what to do.
        folder: of this run alone; made if needed. Without `resume` a run that is there is replaced.
        place: where to work; this process where None.
        resume: keep chunks that were made from the same inputs, by this version.
        progress: told how many samples are done, of how many.

    Raises:
        InputError: the place can't be used, or `resume` and the folder holds another run.
        OutputError: a chunk can't be written (the disk is full); says what is done.
        ExecutionError: a cluster was lost or a chunk kills its process; says what is done.
    """
    place = place or Place()
    place.check()
    folder = chosen_folder(folder)
    with locked(folder):
        store = Store.begin(folder, work, resume=True) if resume else None
        resumed, deaths, interrupted, notes = store.samples if store else 0, 0, False, ()
        if progress is not None:
            progress(resumed, work.samples)
        try:
            if resumed < work.samples:
                with open_pool(work_out, (work.function, work.payload), place, ahead=2) as pool:
                    store = store or Store.begin(folder, work, resume=False)  # only now an earlier run is removed
                    try:
                        for _, (number, first, count, data) in pool.each(_missing(work, store), ordered=False):
                            store.put(number, first, count, data)
                            if progress is not None:
                                progress(store.samples, work.samples)
                    finally:
                        deaths, notes = pool.deaths, pool.notes
        except KeyboardInterrupt:
            if store is None or not store.samples:  # nothing that could be used
                raise
            interrupted = True
        except (ExecutionError, OutputError) as error:
            raise type(error)(f"{error}; {_held(store, work)}") if store and store.samples else error from None
        store = store or Store.open(folder)
        digest = Digest()
        for piece in store.pieces():
            digest.add(piece)
        complete = store.samples == work.samples
        if complete:
            store.finish(digest.text())
        return Outcome(
            folder=folder,
            samples=store.samples,
            asked=work.samples,
            chunks=len(store.numbers),
            complete=complete,
            interrupted=interrupted,
            digest=digest.text(),
            resumed=resumed,
            deaths=deaths,
            notes=notes,
        )


def read(folder: Path, columns: Iterable[str] | None = None) -> Columns:
    """Numbers of a run, in order of samples: those that are done, where it isn't complete.

    Args:
        folder: of the run.
        columns: wanted ones; all where None.

    Returns:
        Arrays by name, first axis the samples; `sample` holds their numbers. Empty where no chunk is done.

    Raises:
        InputError: no run, a damaged chunk, or an unknown column.
    """
    return joined(list(Store.open(folder).pieces(None if columns is None else list(columns))))


def pieces(folder: Path, columns: Iterable[str] | None = None) -> Iterator[Columns]:
    """As `read`, chunk by chunk, for runs that don't fit into memory."""
    return Store.open(folder).pieces(None if columns is None else list(columns))


def _missing(work: Work, store: Store) -> list[tuple[int, int, int]]:
    """Number, first sample and samples of the chunks that aren't done."""
    done = set(store.numbers)
    return [(number, *work.bounds(number)) for number in range(work.chunks) if number not in done]


def _held(store: Store, work: Work) -> str:
    return f"{store.samples} of {work.samples} samples are done and can be used; --resume goes on from there"

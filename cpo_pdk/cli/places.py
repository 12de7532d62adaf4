"""Options that say where long work is done: processes of this machine, or a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cpo_pdk.errors import InputError

if TYPE_CHECKING:
    from cpo_pdk.execution import Place

WorkersOption = Annotated[
    int, typer.Option("--workers", help="Processes on this machine; any number gives the same results.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Work on a Dask cluster: 'local' for one on this machine, or tls://HOST:PORT (docs/cluster.md).",
    ),
]
TlsCaOption = Annotated[
    Path | None, typer.Option("--tls-ca", help="Certificate of the cluster's authority (PEM).", show_default=False)
]
TlsCertOption = Annotated[
    Path | None, typer.Option("--tls-cert", help="Certificate to show to the cluster (PEM).", show_default=False)
]
TlsKeyOption = Annotated[Path | None, typer.Option("--tls-key", help="Its private key (PEM).", show_default=False)]
InsecureOption = Annotated[
    bool,
    typer.Option(
        "--insecure-cluster", help="Allow a cluster without TLS beyond this machine: who reaches it can run code here."
    ),
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on from what an earlier, unfinished run has done.")]


def place_of(
    workers: int,
    scheduler: str | None = None,
    tls_ca: Path | None = None,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    insecure: bool = False,
) -> Place:
    """The place that the options name, checked; a scheduler is greeted, so that nothing is prepared in vain.

    Raises:
        InputError: some TLS files but not all, or what `Place.check` refuses.
        ExecutionError: the scheduler can't be reached, or isn't one.
    """
    from cpo_pdk.execution.addresses import LOCAL
    from cpo_pdk.execution.work import Place, Tls

    files = {"--tls-ca": tls_ca, "--tls-cert": tls_cert, "--tls-key": tls_key}
    missing = [option for option, path in files.items() if path is None]
    tls = Tls(tls_ca, tls_cert, tls_key) if tls_ca and tls_cert and tls_key else None
    if missing and len(missing) < len(files):
        raise InputError(f"{', '.join(missing)}: missing; TLS needs all of {', '.join(files)}")
    if scheduler is None and (tls is not None or insecure):
        raise InputError("--tls-... and --insecure-cluster: are for --scheduler ADDRESS, which is missing")
    place = Place(workers, scheduler, tls, insecure)
    place.check()
    if scheduler not in (None, LOCAL):
        from cpo_pdk.execution.cluster import greet  # Dask: an extra

        greet(scheduler, tls)
    return place

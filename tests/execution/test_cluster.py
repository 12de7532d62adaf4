"""Work on Dask: the same numbers, on loopback alone, with TLS; schedulers and workers that are killed or are others."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import execution_work
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cpo_pdk.errors import ExecutionError, SpecError
from cpo_pdk.execution import Died, Place, Tls, Work, each, open_pool, read, run
from cpo_pdk.execution.fingerprint import fingerprint

pytest.importorskip("distributed")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals are sent as on Unix")
HERE = str(Path(__file__).parent)
ROOT = str(Path(__file__).parents[2])


def task(wait_s: float = 0.0) -> Work:
    return Work(execution_work.numbers, {"wait_s": wait_s}, samples=200, inputs_digest="abc", name="test", chunk=10)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate that signs itself, for both sides."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cluster")])
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    )
    return Tls(folder / "cert.pem", folder / "cert.pem", folder / "key.pem")


@dataclass
class Daemons:
    """A scheduler and workers, as an administrator starts them."""

    folder: Path
    tls: Tls | None = None
    address: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, module: str, *words: str, path: str = f"{HERE}{os.pathsep}{ROOT}") -> None:
        files = () if self.tls is None else ("ca-file", self.tls.ca, "cert", self.tls.cert, "key", self.tls.key)
        options = [f"--tls-{what}={file}" for what, file in zip(files[::2], files[1::2], strict=True)]
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard", "--host=127.0.0.1", *options]
        # nothing that they would say on the terminal of the tests
        self.processes.append(
            subprocess.Popen(
                [*command, *words],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": path},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def scheduler(self) -> None:
        """Start the scheduler and learn its address."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self.start("dask_scheduler", "--port=0", "--dashboard-address=127.0.0.1:0", f"--scheduler-file={file}")
        for _ in range(600):
            with contextlib.suppress(OSError, ValueError):
                self.address = json.loads(file.read_text())["address"]
                return
            time.sleep(0.05)
        raise AssertionError("the scheduler did not start")

    def worker(self, name: str, path: str = f"{HERE}{os.pathsep}{ROOT}") -> None:
        """Start a worker without a nanny."""
        more = ("--no-nanny", "--nthreads=1", f"--name={name}", "--death-timeout=5", "--dashboard-address=127.0.0.1:0")
        self.start("dask_worker", self.address, *more, path=path)

    @property
    def place(self) -> Place:
        """Where they are."""
        return Place(1, self.address, self.tls)


@contextlib.contextmanager
def daemons(folder: Path, tls: Tls | None = None) -> Iterator[Daemons]:
    started = Daemons(folder, tls)
    try:
        started.scheduler()
        yield started
    finally:
        for process in started.processes:
            process.kill()
            process.wait()


@pytest.fixture(autouse=True)
def same_files() -> None:
    """Workers that are started now read the files as they are now."""
    fingerprint.cache_clear()


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run(task(), tmp_path_factory.mktemp("whole")).digest


def test_a_cluster_of_this_machine(tmp_path: Path, digest: str) -> None:
    """Same numbers, errors and deaths as without it; it listens on loopback alone; nothing runs on after it."""
    found: set[str] = set()

    def look(done: int, _total: int) -> None:
        if done == 200:
            for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
                found.update(c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN)

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    outcome = run(task(), tmp_path, Place(2, "local"), progress=look)
    assert outcome.complete and outcome.digest == digest
    assert found == {"127.0.0.1"}
    left = {c.pid for c in psutil.Process().children(recursive=True) if "resource_tracker" not in " ".join(c.cmdline())}
    assert left <= before


def test_a_cluster_at_an_address_with_tls(tmp_path: Path, tls: Tls, digest: str) -> None:
    with daemons(tmp_path, tls) as cluster:
        cluster.worker("first")
        cluster.worker("second")
        assert cluster.address.startswith("tls://")
        outcome = run(task(), tmp_path / "run", cluster.place)
        assert outcome.complete and outcome.digest == digest and not outcome.notes
        with (
            open_pool(execution_work.fail_on_three, None, cluster.place) as pool,
            pytest.raises(SpecError, match="4:2"),
        ):
            list(pool.each(range(5)))
        # somebody without the certificate is not let in
        with pytest.raises(ExecutionError, match="doesn't answer as a scheduler"):
            run(task(), tmp_path / "other", Place(1, cluster.address.replace("tls", "tcp")))
        assert list((tmp_path / "other").iterdir()) == []


def test_a_scheduler_that_is_killed_and_a_worker_that_is_another(tmp_path: Path, digest: str) -> None:
    with daemons(tmp_path) as cluster:
        cluster.worker("good")
        killed: list[float] = []

        def kill(done: int, _total: int) -> None:
            if done >= 50 and not killed:
                killed.append(time.monotonic())
                cluster.processes[0].kill()

        with pytest.raises(ExecutionError, match=r"was lost in the middle of the work.*samples are done") as caught:
            run(task(0.05), tmp_path / "run", cluster.place, progress=kill)
        assert "\n" not in str(caught.value)
        held = len(read(tmp_path / "run")["sample"])
        assert 50 <= held < 200
        assert time.monotonic() - killed[0] < 30
        with pytest.raises(ExecutionError, match="can't be reached"):
            run(task(0.05), tmp_path / "run", cluster.place)  # and without --resume: nothing is removed before
        assert len(read(tmp_path / "run")["sample"]) == held

    stub = tmp_path / "stub" / "cpo_pdk"
    stub.mkdir(parents=True)
    (stub / "__init__.py").write_text("")
    (stub / "version.py").write_text("__version__ = '0.0.9'\n")
    with daemons(tmp_path) as cluster:
        cluster.worker("good")
        again = run(task(), tmp_path / "run", cluster.place, resume=True)
        assert again.resumed == held and again.digest == digest
        cluster.worker("old", path=str(stub.parent))
        with pytest.raises(ExecutionError, match=r"worker old runs cpo_pdk 0\.0\.9, not") as caught:
            for _ in range(100):  # until it has joined
                list(each(execution_work.square, 1.0, range(2), cluster.place))
                time.sleep(0.1)
        assert "\n" not in str(caught.value)


def test_nobody_there(tmp_path: Path) -> None:
    since = time.monotonic()
    with pytest.raises(ExecutionError, match=r"tcp://127\.0\.0\.1:9: can't be reached") as caught:
        run(task(), tmp_path / "run", Place(1, "tcp://127.0.0.1:9"))
    assert "\n" not in str(caught.value)
    assert time.monotonic() - since < 20  # dask itself would try for half a minute
    assert list((tmp_path / "run").iterdir()) == []


def test_an_item_that_kills_its_workers_and_an_interrupt(tmp_path: Path, digest: str) -> None:
    results = dict(each(execution_work.crash_on_three, None, range(5), Place(1, "local"), deaths="tell"))
    died = results.pop(3)
    assert results == {0: 0, 1: 1, 2: 2, 4: 4}
    assert isinstance(died, Died) and "died" in died.text
    timer = None

    def interrupt(done: int, _total: int) -> None:
        nonlocal timer
        if done >= 20 and timer is None:
            timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()

    outcome = run(task(0.05), tmp_path, Place(1, "local"), progress=interrupt)
    assert outcome.interrupted and 20 <= outcome.samples < 200
    assert run(task(), tmp_path, resume=True).digest == digest

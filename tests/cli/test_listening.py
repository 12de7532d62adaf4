"""No command opens a port that others can reach, and none but --scheduler opens one at all.

Two witnesses: an audit hook in every Python process that a command starts writes down each address that a socket is
bound or connected to; psutil looks at the sockets of all processes while they work, whatever opened them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import cpo_pdk
from cpo_pdk.execution.addresses import is_loopback

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are looked at as on Unix")

#: found by Python before anything else in each process; a socket of the Unix kind has no address but a name
WITNESS = """
import json, os, sys

def witness(event, arguments):
    if event in ("socket.bind", "socket.connect", "socket.sendto", "socket.getaddrinfo"):
        address = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        host = address[0] if isinstance(address, tuple) else str(address)
        with open(os.environ["CPO_WITNESS"], "a") as file:
            file.write(json.dumps([event, host]) + "\\n")

sys.addaudithook(witness)
"""
#: one process runs them all: most of the time would go into starting
DRIVER = """
import json, sys
from cpo_pdk.cli.app import run

if __name__ == "__main__":
    for words in json.loads(sys.argv[1]):
        code = run(words)
        if code not in (0, 1):
            raise SystemExit(f"{words} ended with {code}")
"""
#: `cpo yield`, but for a stand-in of the package and of what works out its samples: a real one takes half a minute
SAMPLER = """
import json, sys
from types import SimpleNamespace
import numpy as np

def stand_in(order, samples):
    return {"margin_dB": np.sqrt(samples)}

if __name__ == "__main__":
    from cpo_pdk import production
    from cpo_pdk.cli.app import run
    from cpo_pdk.errors import InputError

    sys.modules["driver"] = sys.modules["__main__"]
    stand_in.__module__ = "driver"
    production.prepare = lambda *_, **__: SimpleNamespace(spec=SimpleNamespace(name="quiet"))
    production.produced = lambda *_, **__: SimpleNamespace(model=SimpleNamespace(name="quiet"), digest="stand-in")
    production.Order = lambda model, seed: seed
    production.sample_chunk = stand_in

    def composed(_made, _order, columns, asked, *_, **__):
        raise InputError(f"sampled {len(columns['margin_dB'])} of {asked}")

    production._composed = composed
    for words in json.loads(sys.argv[1]):
        if run(words) != 2:
            raise SystemExit(f"{words} did something else")
"""
#: modules that can open a socket, and the only files that may load them
NETWORK = frozenset(
    [
        "socket",
        "socketserver",
        "http",
        "ftplib",
        "urllib.request",
        "smtplib",
        "telnetlib",
        "xmlrpc",
        "asyncio",
        "ssl",
        "tornado",
        "distributed",
        "requests",
    ]
)
ALLOWED = {"execution/cluster.py": {"distributed", "asyncio"}, "execution/addresses.py": {"socket"}}


class Run:
    """Commands in a process of their own, with what the two witnesses saw."""

    def __init__(self, folder: Path, commands: list[list[str]], driver: str = DRIVER) -> None:
        (folder / "sitecustomize.py").write_text(WITNESS)
        (folder / "driver.py").write_text(driver)
        log = folder / "witness.jsonl"
        environment = os.environ | {"PYTHONPATH": str(folder), "CPO_WITNESS": str(log)}
        command = [sys.executable, str(folder / "driver.py"), json.dumps(commands)]
        output = folder / "output.txt"
        with output.open("w") as file:
            started = psutil.Popen(command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT)
        self.listening: set[str] = set()
        self.processes: set[int] = set()
        while started.poll() is None:
            for process in (started, *_children(started)):
                self.processes.add(process.pid)
                self.listening |= _listening(process)
            time.sleep(0.1)
        self.output, self.code = output.read_text(), started.returncode
        lines = log.read_text().splitlines() if log.exists() else []
        self.witnessed = {tuple(json.loads(line)) for line in lines}


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _listening(process: psutil.Process) -> set[str]:
    try:
        found = process.net_connections("inet")
    except psutil.Error:
        return set()
    # a UDP socket that is bound takes what comes, and has no state
    return {c.laddr.ip for c in found if c.laddr and (c.status == psutil.CONN_LISTEN or c.type == 2)}


def test_commands_open_no_socket(tmp_path: Path, small_io: tuple[Path, Path]) -> None:
    spec, layout = map(str, small_io)
    commands = [
        ["--version"],
        ["list"],
        ["lanes", layout, "--spec", spec, "--out", "lanes"],
    ]
    seen = Run(tmp_path, commands)
    assert seen.code == 0, seen.output
    assert len(seen.processes) >= 2, "the process that reads the layout was not seen"
    assert seen.witnessed == set()
    assert seen.listening == set()


def test_samples_on_processes_open_no_socket(tmp_path: Path) -> None:
    words = ["yield", "quiet", "--samples", "2000", "--out", "out"]
    seen = Run(tmp_path, [[*words, "--workers", "2"]], SAMPLER)
    assert seen.code == 0 and "sampled 2000 of 2000" in seen.output, seen.output
    assert len(seen.processes) >= 3, "no worker process was seen"
    assert seen.witnessed == set()
    assert seen.listening == set()


def test_a_cluster_of_this_machine_is_reached_by_nobody_else(tmp_path: Path) -> None:
    words = ["yield", "quiet", "--samples", "2000", "--out", "out"]
    seen = Run(tmp_path, [[*words, "--scheduler", "local", "--workers", "1"]], SAMPLER)
    assert seen.code == 0 and "sampled 2000 of 2000" in seen.output, seen.output
    assert seen.listening == {"127.0.0.1"}
    bound = {host for event, host in seen.witnessed if event == "socket.bind"}
    assert "127.0.0.1" in bound and all(is_loopback(host) for host in bound), bound
    assert all(is_loopback(host) for event, host in seen.witnessed if event == "socket.connect")


def test_only_the_cluster_loads_what_can_open_a_socket() -> None:
    root = Path(cpo_pdk.__file__).parent
    looked_at = 0
    for path in sorted(root.rglob("*.py")):
        looked_at += 1
        loaded = set(re.findall(r"^\s*(?:import|from)\s+([\w.]+)", path.read_text("utf-8"), re.MULTILINE))
        network = {name for name in NETWORK if any(m == name or m.startswith(name + ".") for m in loaded)}
        assert network <= ALLOWED.get(path.relative_to(root).as_posix(), set()), path
    assert looked_at > 100


def test_the_witnesses_see(tmp_path: Path) -> None:
    """Both of them find a port that is opened to everybody."""
    opens = "import socket, time; s = socket.create_server(('0.0.0.0', 0)); time.sleep(1)"
    seen = Run(tmp_path, [], opens)
    assert ("socket.bind", "0.0.0.0") in seen.witnessed
    assert seen.listening == {"0.0.0.0"}

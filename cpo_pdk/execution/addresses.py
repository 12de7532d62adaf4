"""Which addresses of a Dask scheduler may be used: beyond this machine only with TLS, unless the user insists."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cpo_pdk.errors import ExecutionError, InputError

#: in place of an address: a cluster of this machine's own
LOCAL = "local"
_SCHEMES = ("tls", "tcp")
_FORM = "it is written tls://HOST:PORT, or tcp://127.0.0.1:PORT, or 'local'"


def check_address(address: str, tls_files: Mapping[str, Path], insecure: bool) -> None:
    """Refuse an address that can't be used, or would let others in.

    Args:
        address: `tls://host:port` or `tcp://host:port`.
        tls_files: `ca`, `cert`, `key`, or nothing.
        insecure: plain TCP may leave this machine.

    Raises:
        InputError: not an address, plain TCP to another machine, TLS without its files, a file that can't be read.
    """
    scheme, host, _ = parts(address)
    if scheme == "tls":
        if not tls_files:
            raise InputError(f"scheduler {address}: TLS needs three files; give --tls-ca, --tls-cert and --tls-key")
        for option, path in tls_files.items():
            if not (path.is_file() and os.access(path, os.R_OK)):
                raise InputError(f"--tls-{option} {path}: is no file that can be read; give the PEM file")
        return
    if tls_files:
        raise InputError(f"scheduler {address}: plain TCP uses no TLS files; write the address as tls://")
    if not is_loopback(host) and not insecure:
        raise InputError(
            f"scheduler {address}: not this machine and no TLS, so whoever reaches the port runs code on both sides;"
            " use tls:// with certificates, or insist with --insecure-cluster"
        )


def reach(address: str, timeout_s: float = 5.0) -> None:
    """Knock at the port of a scheduler, so that nobody prepares for minutes what has nowhere to go.

    Raises:
        InputError: not an address.
        ExecutionError: nobody opens.
    """
    _, host, port = parts(address)
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except OSError as error:
        raise ExecutionError(
            f"scheduler {address}: can't be reached ({error.strerror or error}); start it, or check the address"
        ) from None


def parts(address: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address; raises `InputError`."""
    try:
        split = urlsplit(address)
        scheme, host, port = split.scheme, split.hostname, split.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in _SCHEMES or not host or not port:
        raise InputError(f"scheduler {address!r}: is no address of a scheduler; {_FORM}")
    return scheme, host, port


def is_loopback(host: str) -> bool:
    """True for addresses that never leave this machine; a name counts only if it is `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False

"""Beyond this machine only with TLS, unless the user insists; each refusal names its cure."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.cli.places import place_of
from cpo_pdk.errors import ExecutionError, InputError
from cpo_pdk.execution import Place, Tls
from cpo_pdk.execution.addresses import is_loopback


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    files = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    for file in files:
        file.write_text("-")
    return Tls(*files)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786", "local"])
def test_this_machine_is_fine(address: str) -> None:
    Place(2, address).check()


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0", "head", "localhost.example", "127.0.0.1.example", "[::]"])
def test_plain_tcp_to_others_is_refused(host: str) -> None:
    with pytest.raises(InputError, match=r"no TLS.*--insecure-cluster"):
        Place(2, f"tcp://{host}:8786").check()
    Place(2, f"tcp://{host}:8786", insecure=True).check()


def test_tls_needs_its_files(tls: Tls, tmp_path: Path) -> None:
    Place(2, "tls://head:8786", tls).check()
    with pytest.raises(InputError, match="--tls-ca, --tls-cert and --tls-key"):
        Place(2, "tls://head:8786").check()
    with pytest.raises(InputError, match=r"--tls-key.*no file"):
        Place(2, "tls://head:8786", Tls(tls.ca, tls.cert, tmp_path / "none")).check()
    with pytest.raises(InputError, match="as tls://"):
        Place(2, "tcp://127.0.0.1:8786", tls).check()


@pytest.mark.parametrize(
    "address",
    ["", "head", "head:8786", "ucx://head:1", "inproc://1", "http://head:1", "tls://head", "tls://:1", "tls://h:x"],
)
def test_what_is_no_address_says_how_one_looks(address: str) -> None:
    with pytest.raises(InputError, match="tls://HOST:PORT"):
        Place(2, address, insecure=True).check()


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.text(max_size=40))
def test_any_text_is_refused_in_one_line_or_loopback(text: str) -> None:
    try:
        Place(2, f"tcp://{text}").check()
    except InputError as error:
        assert len(str(error).splitlines()) <= 1 + len(text.splitlines())
    else:
        assert text.startswith(("127.", "localhost", "[::1]"))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.ip_addresses())
def test_loopback_is_what_the_standard_says(address: object) -> None:
    assert is_loopback(str(address)) == str(address).startswith("127.") or str(address) == "::1"
    assert is_loopback("127.1.2.3") and not is_loopback("128.0.0.1")


def test_options_that_do_not_fit_together(tls: Tls) -> None:
    assert place_of(3) == Place(3)
    with pytest.raises(InputError, match="--tls-cert, --tls-key: missing"):
        place_of(1, "tls://h:1", tls.ca)
    with pytest.raises(InputError, match="are for --scheduler"):
        place_of(1, None, tls.ca, tls.cert, tls.key)
    with pytest.raises(InputError, match="are for --scheduler"):
        place_of(1, insecure=True)


def test_a_scheduler_is_greeted_at_once(tls: Tls) -> None:
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(InputError, match=r"--tls-ca.*can't be used together.*three PEM files"):
            place_of(1, f"tls://{address}", tls.ca, tls.cert, tls.key)  # files without a certificate
    with pytest.raises(ExecutionError, match=r"can't be reached.*start it, or check the address"):
        place_of(1, f"tcp://{address}")


def test_what_is_no_scheduler_is_told_in_one_line() -> None:
    pytest.importorskip("distributed")

    def serve(server: socket.socket) -> None:
        while True:
            try:
                visitor, _ = server.accept()
            except OSError:
                return
            with visitor:
                visitor.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        with pytest.raises(ExecutionError, match="doesn't answer as a scheduler") as caught:
            place_of(1, f"tcp://127.0.0.1:{server.getsockname()[1]}")
        server.shutdown(socket.SHUT_RDWR)
    assert "\n" not in str(caught.value)


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'cpo-pdk\[cluster\]'"):
        Place(2, "local").check()

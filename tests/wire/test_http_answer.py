"""Answers that break off at any byte, in the header, between chunks, or under TLS: none of them seems to be whole."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from urllib3.exceptions import HTTPError

from asrcli.wire.dial import Network
from asrcli.wire.http import pools
from tests.support.tls_proxy import server_context

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0010\r\n0123456789abcdef\r\n0000\r\n"
CLOSED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def answering(answers: list[bytes], tls: ssl.SSLContext | None = None, *, says_bye: bool = False) -> Iterator[str]:
    """The address of a server that gives each of `answers` once, and hangs up after it."""

    def serve() -> None:
        for answer in answers:
            connection: Any = server.accept()[0]
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                if says_bye:
                    with contextlib.suppress(OSError):
                        # Nobody says it back.
                        connection.unwrap()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(10)


def got(url: str, network: Network = Network()) -> bytes:  # noqa: B008 - it is frozen
    manager = pools(url, network)
    try:
        answer = manager.request("GET", url, preload_content=False)
        return b"".join(iter(lambda: answer.read1(1000), b""))
    finally:
        manager.clear()


@pytest.mark.parametrize("whole", [CLOSED, CHUNKED], ids=["closed", "chunked"])
def test_an_answer_that_breaks_off_is_none(whole: bytes):
    cuts = [whole[:end] for end in range(len(whole))]
    with answering(cuts) as url:
        for _ in cuts:
            with pytest.raises(HTTPError):
                got(url)


def test_an_answer_that_ends_is_one():
    body = b"0123456789abcdef"
    # Some servers leave out what follows the last chunk.
    with answering([CLOSED, CLOSED + body, CHUNKED, CHUNKED + b"\r\n", CHUNKED + b"Trailer: x\r\n\r\n"]) as url:
        assert [got(url) for _ in range(5)] == [b"", body, body, body, body]


def test_what_is_cut_under_tls_is_not_all(tmp_path: Path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    network = Network(None, tmp_path / "authority.pem")
    context = server_context(authority)
    with answering([CLOSED + b"half"], context) as url, pytest.raises(HTTPError):
        got(url, network)
    with answering([CLOSED + b"all"], context, says_bye=True) as url:
        assert got(url, network) == b"all"

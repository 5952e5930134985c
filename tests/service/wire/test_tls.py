"""The service over TLS: whom its certificate convinces, where the authority lies, and faults beneath and above it."""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import websocket

from asrcli.service.faults.kinds import parse_fault
from asrcli.service.server import ServerOptions, Service
from asrcli.values.errors import UsageError
from tests.service.client import Client, finish_task, run_task
from tests.support.service import TALK_SCRIPT, TALK_TEXT, running_service
from tests.support.wording import says

TALK = TALK_TEXT.read_text("utf-8").splitlines()
SECOND = bytes(32_000)
# A quarter of a second: the talk has not begun yet.
QUIET = bytes(8_000)


@contextmanager
def served(*faults: str) -> Iterator[Service]:
    with running_service(tls=True, faults=tuple(map(parse_fault, faults))) as service:
        yield service


def connect(service: Service) -> Client:
    return Client(service.url, ca_file=service.ca_file)


def test_the_talk_is_transcribed_over_tls(talk_pcm: bytes) -> None:
    with served() as service, connect(service) as client:
        assert service.url.startswith("wss://127.0.0.1:")
        assert client.transcribe(talk_pcm) == TALK


def test_nobody_believes_it_without_its_authority() -> None:
    with served() as one, served() as other:
        for ca_file in (None, other.ca_file):
            with pytest.raises(ssl.SSLCertVerificationError):
                Client(one.url, ca_file=ca_file)
        # The service bears no grudge.
        with connect(one) as client:
            assert client.transcribe(QUIET) == []


def test_the_authority_in_a_temporary_file_is_gone_with_the_service() -> None:
    with served() as service:
        path = service.ca_file
        assert path is not None
        assert path.read_bytes().count(b"BEGIN CERTIFICATE") == 1
        assert b"PRIVATE" not in path.read_bytes()
    assert not path.exists()


def test_a_named_file_stays_and_is_written_over_by_the_next_run_only(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    written = set()
    for _ in range(2):
        with running_service(tls=True, tls_ca=path) as service:
            assert service.ca_file == path
            written.add(path.read_bytes())
    assert len(written) == 2
    path.write_text("something dear")
    with pytest.raises(UsageError, match=r"ca\.pem exists already"):
        Service(ServerOptions(port=0, recognizer=TALK_SCRIPT, tls=True, tls_ca=path)).start()
    assert path.read_text() == "something dear"


@pytest.mark.parametrize("place", ["nowhere/ca.pem", ""])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    with pytest.raises(UsageError, match=f"cannot write the certificate's authority to {tmp_path}"):
        Service(ServerOptions(port=0, recognizer=TALK_SCRIPT, tls=True, tls_ca=tmp_path / place)).start()


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.delitem(sys.modules, "asrcli.service.wire.certificate", raising=False)
    with pytest.raises(UsageError, check=says(r"cryptography is not installed \(pip install 'asrcli\[serve\]'\)")):
        Service(ServerOptions(port=0, recognizer=TALK_SCRIPT, tls=True)).start()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_strict_verifiers_accept_every_name_of_loopback(host: str) -> None:
    with running_service(tls=True, host=host) as service:
        strict = ssl.create_default_context(cafile=service.ca_file)
        strict.verify_flags |= ssl.VERIFY_X509_STRICT
        port = service.url.rpartition(":")[2]
        link = websocket.create_connection(
            f"wss://{f'[{host}]' if ':' in host else host}:{port}/api-ws/v1/inference",
            header=["Authorization: k"],
            http_no_proxy=["*"],
            sslopt={"context": strict},
            timeout=10,
        )
        link.shutdown()


def test_a_plain_client_does_no_harm_to_a_tls_service() -> None:
    with served() as service:
        with pytest.raises((websocket.WebSocketException, OSError)):
            Client(service.url.replace("wss://", "ws://"))
        with connect(service) as client:
            assert client.transcribe(QUIET) == []


# --- faults ---------------------------------------------------------------------------------------------------------


def test_a_reset_ends_the_connection_without_a_word_of_tls_or_websocket() -> None:
    with served("reset@1s") as service, connect(service) as client:
        # What OpenSSL says of a connection that ends without TLS's own end; otherwise Python keeps it to itself.
        client.socket.sock.suppress_ragged_eofs = False
        client.say(run_task())
        client.audio(SECOND)
        with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
            while client.hear() is not None:
                pass
    assert client.close_code is None


def test_a_stalled_service_answers_pings_and_nothing_else() -> None:
    with served("stall@1s") as service, connect(service) as client:
        client.say(run_task())
        client.hear_until("task-started")
        client.audio(SECOND)
        client.say(finish_task())
        client.socket.ping("still there?")
        assert client.socket.recv_data(control_frame=True) == (websocket.ABNF.OPCODE_PONG, b"still there?")


def test_a_close_comes_with_its_code_and_reason() -> None:
    with served("close=1012:restarting@1s") as service, connect(service) as client:
        client.say(run_task())
        client.audio(SECOND)
        client.hear_out()
        assert (client.close_code, client.close_reason) == (1012, "restarting")


def test_a_refusal_is_read_to_its_end() -> None:
    with served("refuse=503") as service:
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            connect(service)
        assert caught.value.status_code == 503
        assert b"ModelUnavailable" in caught.value.resp_body


def test_split_and_doubled_messages_arrive_whole(talk_pcm: bytes) -> None:
    with served("split", "duplicate=1") as service, connect(service) as client:
        client.transcribe(talk_pcm[: 32 * 5_000])
        client.hear_until("task-finished")
    assert client.seen[0::2] == client.seen[1::2]
    assert len(client.seen) > 10


def test_a_deaf_service_takes_nothing_any_more() -> None:
    with served("deaf@1s") as service, connect(service) as client:
        client.say(run_task())
        client.audio(SECOND)
        client.socket.settimeout(0.2)
        with pytest.raises((TimeoutError, websocket.WebSocketTimeoutException)):
            for _ in range(1000):
                client.audio(SECOND * 4)


def test_every_round_trip_takes_the_delay_from_the_set_up_on() -> None:
    """Cold there are four: the connection, TLS, the upgrade, run-task. Warm there is one."""
    with served("delay=15ms#1") as service:
        begin = time.monotonic()
        with connect(service) as client:
            client.say(run_task("a"))
            client.hear_until("task-started")
            cold_s = time.monotonic() - begin
            client.say(finish_task("a"))
            client.hear_until("task-finished")
            begin = time.monotonic()
            client.say(run_task("b"))
            client.hear_until("task-started")
            warm_s = time.monotonic() - begin
    assert cold_s >= 8 * 0.015
    assert warm_s >= 2 * 0.015


def test_a_reset_comes_after_the_words_that_were_under_way() -> None:
    with served("delay=15ms", "reset@1msg") as service, connect(service) as client:
        client.say(run_task())
        assert client.hear_until("task-started")
        with pytest.raises((OSError, websocket.WebSocketConnectionClosedException)):
            client.hear()
    assert client.close_code is None

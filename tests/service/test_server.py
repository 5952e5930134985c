"""The service on real loopback sockets: tasks, limits, the beginning and the end."""

from __future__ import annotations

import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from asrcli.service import server
from asrcli.service.protocols.base import Limits
from asrcli.service.recognizers.base import (
    OnResult,
    Opened,
    Pcm,
    RecognitionEnded,
    RecognitionError,
    RecognitionSettings,
)
from asrcli.service.server import Service
from asrcli.values.errors import UsageError
from tests.service.client import Client, finish_task, run_task
from tests.support.service import TALK_SCRIPT, TALK_TEXT, running_service, write_script

TALK = TALK_TEXT.read_text("utf-8").splitlines()
# A quarter of a second: the talk has not begun yet.
QUIET = bytes(8_000)


# --- tasks ----------------------------------------------------------------------------------------------------------


def test_the_talk_is_transcribed(scripted: Service, talk_pcm: bytes) -> None:
    with Client(scripted.url) as client:
        assert client.transcribe(talk_pcm) == TALK
        events = [message["header"]["event"] for message in client.seen]
        assert (events[0], events[-1]) == ("task-started", "task-finished")
        assert client.seen[-1]["payload"] == {"output": {}, "usage": None}


def test_results_follow_the_protocol(scripted: Service, talk_pcm: bytes) -> None:
    """Ids, times and usage are those of the pages, in each result of a talk."""
    with Client(scripted.url) as client:
        client.transcribe(talk_pcm)
        results = [m["payload"] for m in client.seen if m["header"]["event"] == "result-generated"]
    known, billed_s = 0, 0
    for result in results:
        sentence = result["output"]["sentence"]
        assert sentence["sentence_begin"] == (sentence["sentence_id"] == known + 1)
        known = sentence["sentence_id"]
        assert (sentence["heartbeat"], sentence["channel_id"]) == (False, 0)
        assert "end_time" in sentence
        if sentence["sentence_end"]:
            assert sentence["end_time"] > sentence["begin_time"]
            assert all(word["fixed"] for word in sentence["words"])
            assert result["usage"]["duration"] >= max(billed_s, sentence["end_time"] / 1000)
            billed_s = result["usage"]["duration"]
        else:
            assert sentence["end_time"] is None
            assert result["usage"] is None
    assert (known, billed_s) == (8, 34)


def test_one_connection_carries_many_tasks(scripted: Service, talk_pcm: bytes) -> None:
    with Client(scripted.url) as client:
        for task in ("a", "b", "c"):
            assert client.transcribe(talk_pcm[: 32 * 9000], task, chunk=12_800) == TALK[:2]
        client.say(run_task("b"))
        assert client.hear_until("task-failed")["header"]["error_code"] == "InvalidParameter"
        client.hear_out()
        assert client.close_code == 1000


def test_the_same_task_id_is_welcome_on_another_connection(scripted: Service) -> None:
    with Client(scripted.url) as one, Client(scripted.url) as other:
        for client in (one, other):
            client.say(run_task("same"))
            client.hear_until("task-started")


def test_a_failure_reaches_a_client_that_goes_on_sending(scripted: Service) -> None:
    """A socket closed with unread data is reset, and the reason is lost: so the service reads on for a while."""
    for _ in range(20):
        with Client(scripted.url) as client:
            for _ in range(40):
                client.audio(bytes(12_800))
            assert client.hear_until("task-failed")["header"]["error_code"] == "InvalidParameter"
            client.hear_out()
            assert client.close_code == 1000


def test_too_large_a_message_closes_with_1009(scripted: Service) -> None:
    with Client(scripted.url) as client:
        client.say(run_task())
        client.hear_until("task-started")
        client.audio(bytes(2 * 1024 * 1024))
        client.hear_out()
        assert client.close_code == 1009


def test_audio_that_is_not_what_it_is_said_to_be_fails_the_task(scripted: Service) -> None:
    with Client(scripted.url) as client:
        client.say(run_task(format="wav"))
        client.hear_until("task-started")
        # Half a second of stereo.
        client.audio(
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 2, 16000, 64000, 4, 16) + b"data\0\0\0\0"
        )
        assert client.hear_until("task-failed")["header"]["error_code"] == "NO_VALID_AUDIO_ERROR"


def test_finish_without_audio_is_finished(scripted: Service) -> None:
    with Client(scripted.url) as client:
        assert client.transcribe(b"") == []


def test_a_client_that_vanishes_frees_its_place(talk_pcm: bytes) -> None:
    with running_service(max_tasks=1) as service:
        for _ in range(3):
            client = Client(service.url)
            client.say(run_task())
            client.hear_until("task-started")
            client.audio(QUIET)
            client.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.socket.shutdown()
            # Freed when the service notices, which the next task has to wait for.
            while True:
                with Client(service.url) as second:
                    second.say(run_task())
                    if (answer := second.hear()) and answer["header"]["event"] == "task-started":
                        break


def test_more_tasks_than_places_are_throttled() -> None:
    with running_service(max_tasks=2) as service, Client(service.url) as one, Client(service.url) as two:
        for client in (one, two):
            client.say(run_task())
            client.hear_until("task-started")
        with Client(service.url) as three:
            three.say(run_task())
            header = three.hear_until("task-failed")["header"]
            assert header["error_code"] == "Throttling.RateQuota"
            assert "2 tasks at once" in header["error_message"]
        one.say(finish_task())
        one.hear_until("task-finished")
        with Client(service.url) as four:
            assert four.transcribe(QUIET) == []


# --- time -----------------------------------------------------------------------------------------------------------


def test_a_task_without_audio_times_out() -> None:
    with running_service(limits=Limits(no_audio_s=0.1)) as service, Client(service.url) as client:
        client.say(run_task())
        header = client.hear_until("task-failed")["header"]
        assert (header["error_code"], header["error_message"]) == (
            "CLIENT_ERROR",
            "request timeout after 0.1 seconds.",
        )
        client.hear_out()
        assert client.close_code == 1000


def test_an_idle_connection_is_closed() -> None:
    with running_service(limits=Limits(idle_s=0.1)) as service, Client(service.url) as client:
        assert client.transcribe(QUIET) == []
        client.hear_out()
        assert (client.close_code, client.close_reason) == (1000, "no task for 0.1 seconds")


def test_heartbeats_come_while_nobody_speaks() -> None:
    with running_service(limits=Limits(heartbeat_s=0.05)) as service, Client(service.url) as client:
        client.say(run_task(heartbeat=True))
        for _ in range(3):
            sentence = client.hear_until("result-generated")["payload"]["output"]["sentence"]
            assert (sentence["sentence_id"], sentence["heartbeat"], sentence["end_time"]) == (0, True, None)


# --- slow and broken recognisers ------------------------------------------------------------------------------------


class Stubborn:
    """A recogniser that takes no audio: `feed` ends in the error that a stalled decoder gives."""

    capacity = 5

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> Stubborn:
        on_result(Opened())
        self.on_result = on_result
        return self

    def feed(self, pcm: Pcm) -> None:
        raise RecognitionError("ModelServingError", "the recogniser is overloaded")

    def finish(self) -> None:
        self.on_result(RecognitionEnded(0))

    def close(self) -> None:
        pass


def test_an_overloaded_recogniser_fails_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "open_recognizer", lambda name, stall_s: Stubborn())
    with running_service() as service, Client(service.url) as client:
        client.say(run_task())
        client.hear_until("task-started")
        client.audio(QUIET)
        header = client.hear_until("task-failed")["header"]
        assert (header["error_code"], header["error_message"]) == ("ModelServingError", "the recogniser is overloaded")


# --- the end, and the beginning -------------------------------------------------------------------------------------


def test_close_says_1001_to_everyone_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with running_service() as service:
        clients = [Client(service.url) for _ in range(5)]
        clients[0].say(run_task())
        clients[0].hear_until("task-started")
        with ThreadPoolExecutor() as pool:
            closing = pool.submit(service.close)
            for client in clients:
                client.hear_out()
                assert client.close_code == 1001
                client.socket.shutdown()
            closing.result(10)
    assert {thread for thread in threading.enumerate() if thread not in before and not thread.daemon} == set()


def test_close_ends_connections_that_do_not_answer() -> None:
    with running_service() as service:
        client = Client(service.url)
        client.say(run_task())
        client.hear_until("task-started")
        service.close()
        client.socket.shutdown()


def test_many_clients_at_once(talk_pcm: bytes) -> None:
    """Fifty streams, each with its own results."""

    def one(number: int) -> list[str]:
        with Client(scripted_url) as client:
            return client.transcribe(talk_pcm[: 32 * 13_000], f"task-{number}", chunk=12_800)

    with running_service() as service, ThreadPoolExecutor(50) as pool:
        scripted_url = service.url
        assert list(pool.map(one, range(50))) == [TALK[:3]] * 50


def test_a_port_in_use_is_said_in_one_line(scripted: Service) -> None:
    port = int(scripted.url.rpartition(":")[2])
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
        Service(server.ServerOptions(port=port, recognizer=TALK_SCRIPT)).start()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org", ""])
def test_only_loopback_is_listened_on(host: str) -> None:
    with pytest.raises(UsageError):
        Service(server.ServerOptions(host=host, port=0, recognizer=TALK_SCRIPT)).start()


@pytest.mark.parametrize("name", ["", "script", "script:", "whisper", "sphinx:large"])
def test_an_unknown_recogniser_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="there is no recogniser"):
        Service(server.ServerOptions(port=0, recognizer=name)).start()


def test_chinese_goes_out_as_it_is(tmp_path: Path) -> None:
    name = write_script(tmp_path / "s.jsonl", {"begin_ms": 0, "end_ms": 600, "text": "你好，世界。"})
    with running_service(name) as service, Client(service.url) as client:
        assert client.transcribe(bytes(32_000)) == ["你好，世界。"]

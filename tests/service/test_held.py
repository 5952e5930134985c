"""A client that sends faster than the recogniser hears is held back, and sees all the while that the service lives."""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from asrcli.service import server
from asrcli.service.hearing import recognition as hearing
from asrcli.service.protocols.base import Limits
from asrcli.service.recognizers.base import OnResult, Opened, Pcm, RecognitionEnded, RecognitionSettings
from tests.service.client import Client, finish_task, run_task
from tests.support.service import running_service

PATIENCE_S = 20
CHUNK = bytes(6_400)
SIOCOUTQ = 0x5411
# A sign of life every 10 ms, and a heartbeat as often.
BRISK = Limits(alive_s=0.01, heartbeat_s=0.01)


class Busy:
    """A recogniser on a machine that is busy with something else: hears nothing until it is `free`."""

    capacity = 5

    def __init__(self) -> None:
        self.free = threading.Event()
        self.heard_bytes = 0

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> Busy:
        self._on_result = on_result
        on_result(Opened())
        return self

    def feed(self, pcm: Pcm) -> None:
        assert self.free.wait(PATIENCE_S)
        self.heard_bytes += len(pcm.data)

    def finish(self) -> None:
        assert self.free.wait(PATIENCE_S)
        self._on_result(RecognitionEnded(self.heard_bytes // 32))

    def close(self) -> None:
        self.free.set()


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Busy]:
    recognizer = Busy()
    monkeypatch.setattr(server, "open_recognizer", lambda name, stall_s: recognizer)
    yield recognizer
    recognizer.free.set()


class Flood:
    """A client that sends as fast as the network takes it, and never waits to read."""

    def __init__(self, url: str, **parameters: Any) -> None:
        self.client = Client(url)
        self.client.say(run_task(**parameters))
        self.client.hear_until("task-started")
        assert self.client.socket.sock is not None
        self.socket: socket.socket = self.client.socket.sock
        self.socket.settimeout(0)
        self.protocol = Protocol(CLIENT)
        self.sent_bytes = 0
        self._unsent = b""

    def send(self, frames: int) -> int:
        """Chunks of sound, until the network takes no more; returns how many it took whole."""
        for count in range(frames):
            self.protocol.send_binary(CHUNK)
            self.sent_bytes += len(CHUNK)
            if not self.flush():
                return count
        return frames

    def ping(self, data: bytes) -> None:
        self.protocol.send_ping(data)
        self.flush()

    def flush(self) -> bool:
        """Whether the network took it all."""
        self._unsent += b"".join(self.protocol.data_to_send())
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        return not self._unsent

    def hear(self) -> list[Frame]:
        """What came, waiting for it."""
        self.socket.settimeout(PATIENCE_S)
        data = self.socket.recv(1 << 16)
        self.socket.settimeout(0)
        assert data, "the service has closed the connection"
        self.protocol.receive_data(data)
        return [event for event in self.protocol.events_received() if isinstance(event, Frame)]

    def unacknowledged_bytes(self) -> int:
        """What the service's system has not taken."""
        return int(struct.unpack("i", fcntl.ioctl(self.socket, SIOCOUTQ, bytes(4)))[0])


@contextlib.contextmanager
def flooding(limits: Limits, **parameters: object) -> Iterator[Flood]:
    with running_service(limits=limits) as service:
        flood = Flood(service.url, **parameters)
        with flood.client:
            yield flood


def test_a_ping_behind_half_a_minute_of_sound_is_answered_while_nothing_is_heard(busy: Busy) -> None:
    with flooding(Limits()) as flood:
        seconds = 30
        while flood.sent_bytes < 32_000 * seconds:
            flood.send(10)
        flood.ping(b"there?")
        assert [(frame.opcode, bytes(frame.data)) for frame in flood.hear()] == [(Opcode.PONG, b"there?")]
        assert busy.heard_bytes == 0


def test_a_client_that_is_held_back_hears_that_the_service_lives(busy: Busy) -> None:
    """Its own ping stands behind minutes of sound: the pongs come unasked. Heartbeats come to who wants them."""
    with flooding(BRISK, heartbeat=True) as flood:
        while flood.send(100):
            pass
        flood.ping(b"there?")
        pongs, heartbeats = 0, 0
        while pongs < 20 or heartbeats < 20:
            for frame in flood.hear():
                if frame.opcode is Opcode.PONG:
                    assert bytes(frame.data) == b""
                    pongs += 1
                else:
                    sentence = json.loads(bytes(frame.data))["payload"]["output"]["sentence"]
                    assert sentence["heartbeat"] is True
                    heartbeats += 1
        assert busy.heard_bytes == 0


def test_sound_goes_on_leaving_a_client_that_is_held_back_and_what_waits_is_bounded(
    busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "_BACKLOG_BYTES", 64 * 1024)
    monkeypatch.setattr(hearing, "_LARGEST_BACKLOG_BYTES", 512 * 1024)
    with flooding(BRISK) as flood:
        while flood.send(100):
            pass
        # Nothing is heard, and yet the system takes more of it, again and again.
        steps, left = 0, flood.unacknowledged_bytes()
        while steps < 5:
            flood.hear()
            now_left = flood.unacknowledged_bytes()
            steps, left = steps + (now_left < left), now_left
        # But not for ever.
        for _ in range(100):
            flood.hear()
        left = flood.unacknowledged_bytes()
        for _ in range(20):
            flood.hear()
        assert flood.unacknowledged_bytes() == left
        assert flood.sent_bytes - left < 1024 * 1024
        assert busy.heard_bytes == 0


def test_all_that_was_held_back_is_heard(busy: Busy) -> None:
    """A quarter of an hour, as fast as it goes."""
    with flooding(BRISK) as flood:
        while flood.send(100):
            pass
        assert flood.hear()[0].opcode is Opcode.PONG
        busy.free.set()
        flood.socket.settimeout(PATIENCE_S)
        while flood.sent_bytes < 32_000 * 900:
            assert flood.send(100)
        flood.protocol.send_text(json.dumps(finish_task()).encode())
        flood.flush()
        while (last := flood.hear()[-1]).opcode is Opcode.PONG:
            pass
        assert json.loads(bytes(last.data))["header"]["event"] == "task-finished"
        assert busy.heard_bytes == flood.sent_bytes


def test_the_client_is_gone_though_it_is_held_back(busy: Busy) -> None:
    """Its place is free at once for somebody else."""
    with running_service(limits=BRISK, max_tasks=1) as service:
        flood = Flood(service.url)
        while flood.send(100):
            pass
        flood.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        flood.client.socket.shutdown()
        while True:
            with Client(service.url) as second:
                second.say(run_task())
                if (answer := second.hear()) and answer["header"]["event"] == "task-started":
                    break

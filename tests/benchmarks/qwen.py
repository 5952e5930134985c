"""Qwen-ASR-Realtime beside the vendor's SDK, on the same service in the same run: `python -m tests.benchmarks.qwen`."""

from __future__ import annotations

import contextlib
import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.benchmarks.clients import Run, asrcli, python, run, steady_cpu_ms
from tests.benchmarks.rows import Row, table
from tests.benchmarks.sounds import talk_of

LONG_S = 20.0
_STEADY_S = (3.0, 13.0)
_TRANSCRIPTION = "conversation.item.input_audio_transcription"
# An utterance ends after 200 ms of audio, in base64.
_UTTERANCE_CHARACTERS = 6400 * 4 / 3

# The vendor's documented loop: 100 ms of audio, then a sleep of 100 ms.
SDK = """
import base64, sys, time, wave
from dashscope.audio.qwen_omni import MultiModality, OmniRealtimeCallback, OmniRealtimeConversation
from dashscope.audio.qwen_omni.omni_realtime import TranscriptionParams
url, path, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
class Show(OmniRealtimeCallback):
    def on_event(self, message):
        if message["type"].endswith(".completed"):
            print(message["transcript"], flush=True)
talk = OmniRealtimeConversation(
    model="qwen3-asr-flash-realtime", callback=Show(), url=url + "/api-ws/v1/realtime", api_key="bench"
)
talk.connect()
talk.update_session(
    output_modalities=[MultiModality.TEXT],
    transcription_params=TranscriptionParams(language="en", sample_rate=16000, input_audio_format="pcm"),
)
with wave.open(path) as audio:
    for _ in range(round(seconds * 10)):
        talk.append_audio(base64.b64encode(audio.readframes(1600)).decode())
        time.sleep(0.1)
talk.end_session()
talk.close()
"""
SDK_CONNECT = """
import sys, time
from dashscope.audio.qwen_omni import OmniRealtimeCallback, OmniRealtimeConversation
for _ in range(10):
    talk = OmniRealtimeConversation(
        model="qwen3-asr-flash-realtime", callback=OmniRealtimeCallback(), url=sys.argv[1] + "/api-ws/v1/realtime",
        api_key="bench",
    )
    began = time.perf_counter()
    talk.connect()
    print(time.perf_counter() - began, flush=True)
    talk.close()
"""
OUR_CONNECT = """
import queue, sys, time
from asrcli.values.events import SessionStarted
from asrcli.wire.link_events import MessageReceived
from asrcli.wire.link import Link
from asrcli.system.loop import Loop
from asrcli.protocols.base import Send
from asrcli.values.recognition import (Endpoint, RecognitionOptions)
from asrcli.protocols.realtime import Realtime
loop = Loop()
loop.hold()
for _ in range(10):
    inbox = queue.SimpleQueue()
    protocol = Realtime(RecognitionOptions(model="qwen3-asr-flash-realtime"), Endpoint(sys.argv[1], "bench"))
    began = time.perf_counter()
    link = Link(protocol.connect_request(), inbox.put, loop)
    loop.call(link.open)
    ready = False
    while not ready:
        item = inbox.get(timeout=10)
        for step in protocol.receive(item.message) if isinstance(item, MessageReceived) else ():
            if isinstance(step, Send):
                loop.call(lambda: link.send(step.message))
            ready = ready or isinstance(step, SessionStarted)
    print(time.perf_counter() - began, flush=True)
    loop.call(link.close)
"""


def qwen(folder: Path) -> list[Row]:
    """A talk in real time through both clients, ten sessions of each."""
    long = talk_of(folder, LONG_S)
    done: dict[str, Run] = {}
    with sessions() as url:
        ours_s = _median_s(run(python(OUR_CONNECT, url)))
        theirs_s = _median_s(run(python(SDK_CONNECT, url)))
        jobs = [
            threading.Thread(target=lambda: done.update(ours=run(_ours(url, long)))),
            threading.Thread(target=lambda: done.update(theirs=run(_theirs(url, long, LONG_S)))),
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        # By turns, and not beside each other: on two cores they would count each other's wake-ups.
        cpu = [
            [steady_cpu_ms(command, *_STEADY_S) for command in (_ours(url, long), _theirs(url, long, LONG_S))]
            for _ in range(3)
        ]
        ours_cpu, theirs_cpu = (statistics.median(each) for each in zip(*cpu, strict=True))
    delays = {name: _delay_ms(client) for name, client in done.items()}
    return [
        Row("qwen: event to shown line, median", delays["ours"], "ms", delays["theirs"], "SDK", aim=1.5, noise=0.25),
        Row("qwen: CPU per second of audio", ours_cpu, "ms", theirs_cpu, "SDK", aim=1.0, noise=0.15),
        Row("qwen: session ready", ours_s * 1000, "ms", theirs_s * 1000, "SDK, connect alone", aim=0.1, noise=0.25,
            note="to session.updated"),
    ]  # fmt: skip


@contextlib.contextmanager
def sessions() -> Iterator[str]:
    """Serve the protocol on a free port; each final's text is the moment of the system-wide clock at which it left."""
    with serve(_converse, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def _converse(connection: ServerConnection) -> None:
    def say(kind: str, **fields: object) -> None:
        connection.send(json.dumps({"event_id": "event_1", "type": kind, **fields}))

    with contextlib.suppress(ConnectionClosed):
        say("session.created", session={"id": "sess_1"})
        numbers = itertools.count(1)
        heard = 0
        for message in connection:
            event = json.loads(message)
            kind = event["type"]
            if kind == "session.update":
                say("session.updated", session={"id": "sess_1"})
            elif kind == "session.finish":
                say("session.finished")
            elif kind == "input_audio_buffer.append":
                heard += len(event["audio"])
                if heard >= _UTTERANCE_CHARACTERS:
                    heard = 0
                    text, item_id = f"{time.monotonic():.6f}", f"item_{next(numbers)}"
                    say(f"{_TRANSCRIPTION}.completed", item_id=item_id, content_index=0, transcript=text)


def _ours(url: str, path: Path) -> list[str]:
    return asrcli("qwen", str(path), "--endpoint", url)


def _theirs(url: str, path: Path, seconds: float) -> list[str]:
    return python(SDK, url, str(path), f"{seconds:g}")


def _delay_ms(client: Run) -> float:
    """Median from the service's send to the line that can be read."""
    return statistics.median((read_at - float(line)) * 1000 for read_at, line in client.lines)


def _median_s(client: Run) -> float:
    return statistics.median(float(line) for _, line in client.lines)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        Console().print(table(qwen(Path(name))))

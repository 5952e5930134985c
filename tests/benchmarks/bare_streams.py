"""Streams with nothing but what the wire needs: `python -m tests.benchmarks.bare_streams N SECONDS SOUND CA URL`.

One thread, websocket-client, no file, no recovery, no events: each message is sent at its moment, each result parsed.
Prints one JSON object: its CPU in milliseconds per stream and second, how late 99 of 100 messages left at most, and its
memory per stream.
"""

from __future__ import annotations

import heapq
import json
import os
import resource
import selectors
import ssl
import sys
import time
import uuid
import wave
from array import array

import websocket

from tests.benchmarks.clients import resident_kb

_CHUNK_S = 0.2
_SLOTS = 20


def connected(url: str, context: ssl.SSLContext) -> websocket.WebSocket:
    """A link whose task takes audio."""
    link = websocket.create_connection(
        url + "/api-ws/v1/inference",
        header={"Authorization": "Bearer bench"},
        skip_utf8_validation=True,
        enable_multithread=False,
        sslopt={"context": context},
    )
    payload = {"task_group": "audio", "task": "asr", "function": "recognition", "model": "fun-asr-realtime",
               "parameters": {"format": "pcm", "sample_rate": 16000}, "input": {}}  # fmt: skip
    header = {"action": "run-task", "task_id": uuid.uuid4().hex, "streaming": "duplex"}
    link.send(json.dumps({"header": header, "payload": payload}))
    while json.loads(link.recv())["header"]["event"] != "task-started":
        pass
    return link


def main(count: int, seconds: float, sound: str, ca_bundle: str, url: str) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    with wave.open(sound) as audio:
        samples = round(audio.getframerate() * _CHUNK_S)
        chunks = []
        while data := audio.readframes(samples):
            chunks.append(data)
    context = ssl.create_default_context(cafile=ca_bundle)
    # One loads what is loaded once.
    connected(url, context).close()
    before_kb = resident_kb()
    links = [connected(url, context) for _ in range(count)]
    selector = selectors.DefaultSelector()
    for link in links:
        assert link.sock is not None
        selector.register(link.sock, selectors.EVENT_READ, link)
    begin = time.monotonic() + 0.1
    due = [(begin + number % _SLOTS / _SLOTS * _CHUNK_S, number, 0) for number in range(count)]
    heapq.heapify(due)
    measured_from, cpu_s = begin + 2.0, 0.0
    late = array("d")
    while (now := time.monotonic()) < measured_from + seconds:
        if not cpu_s and now >= measured_from:
            cpu_s = time.process_time()
            del late[:]
        while due[0][0] <= now:
            moment, number, sent = due[0]
            links[number].send_binary(chunks[sent])
            late.append(time.monotonic() - moment)
            heapq.heapreplace(due, (moment + _CHUNK_S, number, sent + 1))
        time.sleep(max(0.0, due[0][0] - time.monotonic()))
        for key, _ in selector.select(0):
            json.loads(key.data.recv())
    cpu_ms = (time.process_time() - cpu_s) / seconds / count * 1000
    memory_kb = (resident_kb() - before_kb) / count
    late_ms = sorted(late)[int(len(late) * 0.99)] * 1000
    print(json.dumps({"cpu_ms_per_s": cpu_ms, "late_p99_ms": late_ms, "memory_kb": memory_kb}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:6])

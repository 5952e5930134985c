"""Real-time streams through the engine: `python -m tests.benchmarks.stream_client N SECONDS SOUND CA URL`.

Prints one JSON object: what was measured from two seconds after the last stream was ready, for SECONDS.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from array import array
from pathlib import Path

from asrcli.audio.opening import open_source
from asrcli.engine.many import Job, transcribe_many
from asrcli.engine.wiring import Engine
from asrcli.protocols.run_task import RunTask
from asrcli.system.crowd import make_room
from asrcli.values.events import Ended, FinalResult, PartialResult, Reconnecting, SessionStarted
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.wire.dial import Network
from asrcli.wire.link import Link
from tests.benchmarks.clients import resident_kb

_SETTLE_S = 2.0


def main(count: int, seconds: float, sound: str, ca_bundle: str, url: str) -> None:
    make_room(count)
    # Not a list: it would count as memory of the streams.
    late = array("d")
    network = Network(ca_bundle=Path(ca_bundle) if ca_bundle else None)
    options = RecognitionOptions(model="fun-asr-realtime")
    engine = Engine(
        lambda _: RunTask(options, Endpoint(url, "bench")),
        lateness=late.append,
        new_link=functools.partial(Link, network=network),
        tick_s=1.0,
    )
    # One stream loads what is loaded once.
    for _ in transcribe_many([Job(lambda _: open_source(sound))], engine, 1):
        if late:
            break
    del late[:]
    before_kb = resident_kb()
    figures: dict[str, float] = {"streams": count, "results": 0, "failed": 0, "reconnects": 0}
    began = time.monotonic()
    begin_at = end_at = float("inf")
    ready = 0
    for _, what in transcribe_many([Job(lambda _: open_source(sound))] * count, engine, count):
        now = time.monotonic()
        if isinstance(what, SessionStarted):
            ready += 1
            if ready == count and "ready_s" not in figures:
                figures["ready_s"] = now - began
                begin_at = now + _SETTLE_S
        elif isinstance(what, Ended):
            figures["failed"] += what.error is not None
        elif isinstance(what, Reconnecting):
            figures["reconnects"] += 1
        elif isinstance(what, PartialResult | FinalResult) and now < end_at < float("inf"):
            figures["results"] += 1
        if now >= end_at:
            break
        if now >= begin_at:
            begin_at, end_at = float("inf"), now + seconds
            cpu_s, from_at = time.process_time(), now
            del late[:]
    if end_at == float("inf"):
        sys.exit(f"{ready} of {count} streams were ready, {figures['failed']} failed")
    took_s = time.monotonic() - from_at
    after_kb = resident_kb()
    lateness = sorted(late)
    figures |= {
        "chunks_per_s": len(lateness) / took_s / count,
        "late_p50_ms": lateness[len(lateness) // 2] * 1000,
        "late_p99_ms": lateness[int(len(lateness) * 0.99)] * 1000,
        "late_max_ms": lateness[-1] * 1000,
        "cpu_ms_per_s": (time.process_time() - cpu_s) / took_s / count * 1000,
        "memory_kb": (after_kb - before_kb) / count,
    }
    print(json.dumps(figures), flush=True)
    # Saying goodbye a thousand times is not what is measured.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:6])

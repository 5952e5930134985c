"""What a kept connection saves, as `asrcli reuse-bench` tells it, over TLS on loopback."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from tests.benchmarks.clients import TALK, asrcli, run
from tests.benchmarks.rows import Row
from tests.benchmarks.scale import service
from tests.benchmarks.sounds import talk_of

TASKS = 20
ONE_WAY_MS = 50


def kept(folder: Path) -> list[Row]:
    """Until a task is ready for audio: cold and warm, without and with a way of ONE_WAY_MS."""
    far = "--fault", f"delay={ONE_WAY_MS}ms"
    return [
        *_ready("a task is ready, over TLS", 0.33),
        *_ready(f"the same, {ONE_WAY_MS} ms each way", 0.25, *far),
        *_ahead(f"a Qwen session is ready, {ONE_WAY_MS} ms each way", talk_of(folder, 1.0), *far),
    ]


def _ready(what: str, aim: float, *faults: str) -> list[Row]:
    with service(*faults) as (url, ca):
        there = ["--endpoint", url, "--ca-bundle", ca]
        command = asrcli("reuse-bench", str(TALK), *there, "--tasks", str(TASKS), "--clip", "1", "--json")
        ready = json.loads(run(command).lines[-1][1])["phases"]["ready"]
    cold_ms, warm_ms = (ready[kind]["median_ms"] for kind in ("cold", "warm"))
    return [Row(what, warm_ms, "ms", cold_ms, "new", aim=aim, noise=0.15, note="kept")]


def _ahead(what: str, talk: Path, *faults: str) -> list[Row]:
    """The first session of a batch, and those whose connection was made while the one before ended."""
    with service(*faults) as (url, ca):
        there = ["--endpoint", url, "--ca-bundle", ca]
        done = run(asrcli("qwen", *[str(talk)] * (TASKS + 1), *there, "--pace", "fast", "--json"))
    ends = [json.loads(line) for _, line in done.lines if '"type":"end"' in line]
    new_ms, ahead_ms = ends[0]["ready_ms"], statistics.median(end["ready_ms"] for end in ends[1:])
    return [Row(what, ahead_ms, "ms", new_ms, "new", aim=0.8, note="made ahead")]

"""What a kept connection saves, as `asrcli reuse-bench` tells it, over TLS on loopback."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.clients import TALK, asrcli, run
from tests.bench.scale import service

Row = tuple[str, str, str, str, str]

TASKS = 20
ONE_WAY_MS = 50


def kept(_: Path) -> list[Row]:
    """Until a task is ready for audio: cold and warm, without and with a way of ONE_WAY_MS."""
    return _ready("a task is ready, over TLS", "× 0.33") + _ready(
        f"the same, {ONE_WAY_MS} ms each way", "× 0.25", "--fault", f"delay={ONE_WAY_MS}ms"
    )


def _ready(what: str, aim: str, *faults: str) -> list[Row]:
    with service(*faults) as (url, ca):
        there = ["--endpoint", url, "--ca-bundle", ca]
        command = asrcli("reuse-bench", str(TALK), *there, "--tasks", str(TASKS), "--clip", "1", "--json")
        ready = json.loads(run(command).lines[-1][1])["phases"]["ready"]
    cold_ms, warm_ms = (ready[kind]["median_ms"] for kind in ("cold", "warm"))
    return [(what, f"{warm_ms:.1f} ms (kept)", f"{cold_ms:.1f} ms (new)", f"× {warm_ms / cold_ms:.3f}", aim)]

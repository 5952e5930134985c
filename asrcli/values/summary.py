"""What a transcription came to: amounts and delays."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """One transcription in numbers.

    `audio_ms`: audio that left; `sent_bytes`: what the messages had that carried it, what was sent again included, and
    `kbit_s` that for each second of audio. `billed_s` and tokens: what the service reported, over all sessions.
    `connect_ms`: the first handshake, 0 for a kept connection. `ready_ms`: from the begin to the first session's start.
    `first_partial_ms`: from the first audio sent to the first result. `last_final_ms`: from the end of the audio to
    the last final after it. `real_time_factor`: `wall_s` divided by the audio's length. `reconnects`: attempts to
    connect again. `complete`: all results of all the audio are in. `truncated`: the source held less audio than its
    header says. `resent_ms`: sound that went over once more, after its session was lost.
    """

    source: str
    complete: bool
    wall_s: float
    sentences: int = 0
    reconnects: int = 0
    task_ids: tuple[str, ...] = ()
    audio_ms: int | None = None
    billed_s: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    connect_ms: float | None = None
    ready_ms: int | None = None
    first_partial_ms: int | None = None
    last_final_ms: int | None = None
    real_time_factor: float | None = None
    truncated: bool = False
    sent_bytes: int | None = None
    kbit_s: float | None = None
    resent_ms: int = 0


@dataclass(frozen=True, slots=True)
class RunSummary:
    """All transcriptions of one run in numbers.

    How many are `done`, have `failed`, were `interrupted`, were `skipped` because they were done before, and were not
    begun. `audio_ms`, `billed_s` and `wall_s` as in Summary. `resent_ms`: sound that went over once more, because its
    session or its worker was lost. `workers_lost` is None where there were no workers.
    """

    done: int
    failed: int
    interrupted: int
    skipped: int
    not_begun: int
    audio_ms: int
    billed_s: int | None
    wall_s: float
    resent_ms: int
    workers_lost: int | None = None

"""What a transcription measured: delays, amounts and the real-time factor, folded from its events.

Knows events and a clock; not who shows the numbers. What did not happen is None.
"""

from __future__ import annotations

from asrcli.system.clock import Clock
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    Event,
    FinalResult,
    LinkReady,
    Notice,
    PartialResult,
    Reconnecting,
    SessionStarted,
    UsageReported,
)
from asrcli.values.summary import Summary


class Metrics:
    """Counts one transcription of `source`, from its construction on. Moments are those of `observe`."""

    def __init__(self, source: str, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._begin_at = clock.now()
        self._ready_at: float | None = None
        self._first_sent_at: float | None = None
        self._first_result_at: float | None = None
        self._audio_end_at: float | None = None
        self._last_final_at: float | None = None
        self._connect_ms: float | None = None
        self._audio_ms: int | None = None
        self._sent_bytes: int | None = None
        self._resent_ms = 0
        self._final_indexes: set[int] = set()
        self.has_words = False
        """Whether anything was recognised: a final that is not empty."""
        self._task_ids: list[str] = []
        self._reconnects = 0
        self._truncated = False
        self._past_usage = UsageReported()
        self._usage = UsageReported()

    def observe(self, event: Event) -> None:
        """Take note of `event`, as happening now."""
        now = self._clock.now()
        match event:
            case LinkReady(connect_ms):
                self._connect_ms = connect_ms if self._connect_ms is None else self._connect_ms
            case SessionStarted(session_id):
                self._ready_at = now if self._ready_at is None else self._ready_at
                self._task_ids.append(session_id)
                self._past_usage, self._usage = self._past_usage.plus(self._usage), UsageReported()
            case AudioSent():
                self._first_sent_at = now if self._first_sent_at is None else self._first_sent_at
                self._observe_sent(event)
            case AudioFinished():
                self._audio_end_at = now if self._audio_end_at is None else self._audio_end_at
                self._observe_sent(event)
            case PartialResult() | FinalResult():
                self._observe_result(event, now)
            case UsageReported():
                self._usage = self._usage.then(event)
            case Reconnecting(is_told=True):
                # Heard once more from its beginning, and perhaps from another file.
                self._reconnects += 1
                self._audio_ms = None
            case Reconnecting():
                self._reconnects += 1
            case Notice(truncated=True):
                self._truncated = True

    def elapsed_ms(self) -> int:
        """How long ago the transcription began."""
        return round((self._clock.now() - self._begin_at) * 1000)

    def summary(self, complete: bool) -> Summary:
        """The numbers so far; `wall_s` ends now."""
        wall_s = self._clock.now() - self._begin_at
        usage = self._past_usage.plus(self._usage)
        return Summary(
            source=self._source,
            complete=complete,
            wall_s=wall_s,
            sentences=len(self._final_indexes),
            reconnects=self._reconnects,
            task_ids=tuple(self._task_ids),
            audio_ms=self._audio_ms,
            billed_s=usage.billed_s,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            connect_ms=self._connect_ms,
            ready_ms=_between_ms(self._begin_at, self._ready_at),
            first_partial_ms=_between_ms(self._first_sent_at, self._first_result_at),
            last_final_ms=_between_ms(self._audio_end_at, self._last_final_at),
            real_time_factor=wall_s * 1000 / self._audio_ms if self._audio_ms else None,
            truncated=self._truncated,
            sent_bytes=self._sent_bytes,
            kbit_s=_kbit_s(self._sent_bytes, self._audio_ms),
            resent_ms=self._resent_ms,
        )

    def _observe_sent(self, event: AudioSent | AudioFinished) -> None:
        self._audio_ms = max(event.end_ms, self._audio_ms or 0)
        self._sent_bytes, self._resent_ms = event.sent_bytes, event.resent_ms

    def _observe_result(self, event: PartialResult | FinalResult, now: float) -> None:
        if self._first_result_at is None and self._first_sent_at is not None:
            self._first_result_at = now
        if isinstance(event, FinalResult):
            self._final_indexes.add(event.sentence.index)
            self.has_words = self.has_words or bool(event.sentence.text.strip())
            if self._audio_end_at is not None:
                self._last_final_at = now


def _kbit_s(sent_bytes: int | None, audio_ms: int | None) -> float | None:
    return sent_bytes * 8 / audio_ms if sent_bytes is not None and audio_ms else None


def _between_ms(start: float | None, end: float | None) -> int | None:
    return None if start is None or end is None else round((end - start) * 1000)

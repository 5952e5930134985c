"""What can happen in a transcription, as plain values.

No JSON and no service's field names live here: a protocol translates its dialect into these events, and everything
after it speaks only them. Times are whole milliseconds from the first sample of the transcription; unknown is None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from asrcli.values.errors import AsrcliError


class Word(NamedTuple):
    """One word (or character) of a sentence; `punctuation` is what follows it.

    No dataclass, which takes three times as long to make: ten hours have a hundred thousand words.
    """

    text: str
    begin_ms: int | None
    end_ms: int | None
    punctuation: str = ""
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """Text that the service treats as one unit, always whole: a later one with the same index replaces it.

    `index` counts from 1 over the transcription. `end_ms` is None while the sentence is open; `heard_ms` is then where
    its last word ends. Words belong to a final one.
    """

    index: int
    text: str
    begin_ms: int | None = None
    end_ms: int | None = None
    words: tuple[Word, ...] = ()
    language: str | None = None
    emotion: str | None = None
    emotion_confidence: float | None = None
    speaker: str | None = None
    heard_ms: int | None = None


# --- what a transcription tells the outside -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectPhases:
    """What a handshake took, step by step. `tls_ms` is None without TLS; a proxy's steps count as TCP."""

    dns_ms: float
    tcp_ms: float
    tls_ms: float | None
    upgrade_ms: float


@dataclass(frozen=True, slots=True)
class LinkReady:
    """The connection stands. `connect_ms` is what it took; 0 for a kept one, which has no phases."""

    connect_ms: float
    phases: ConnectPhases | None = None


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """The service is ready for audio. `session_id` is the task id or session id."""

    session_id: str


@dataclass(frozen=True, slots=True)
class AudioSent:
    """Audio up to `end_ms` has left. Told for the first audio, before other events, and now and then.

    `sent_bytes`: what all messages have that carried audio until then, those of lost sessions too. `resent_ms`: how
    much of it had left before, in a session that was lost, and had to go once more.
    """

    end_ms: int
    sent_bytes: int = field(default=0, compare=False)
    resent_ms: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class AudioFinished:
    """The source has ended and the service was told so; results may still come. The rest: see AudioSent."""

    end_ms: int
    sent_bytes: int = field(default=0, compare=False)
    resent_ms: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class UsageReported:
    """What the service says it bills, cumulative for one session; None where it did not say."""

    billed_s: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    def plus(self, other: UsageReported) -> UsageReported:
        """What two sessions report together."""
        return self._with(other, lambda one, two: one + two)

    def then(self, later: UsageReported) -> UsageReported:
        """What is known of a session that has reported this, and `later`."""
        return self._with(later, lambda _, new: new)

    def since(self, before: UsageReported) -> UsageReported:
        """What has come to `before`; `before` says nothing that this does not."""
        return self._with(before, lambda now, then: now - then)

    def _with(self, other: UsageReported, both: Callable[[int, int], int]) -> UsageReported:
        """`both` of each figure that both have said; else the one that is known."""

        def figure(left: int | None, right: int | None) -> int | None:
            return right if left is None else left if right is None else both(left, right)

        return UsageReported(
            figure(self.billed_s, other.billed_s),
            figure(self.input_tokens, other.input_tokens),
            figure(self.output_tokens, other.output_tokens),
        )


@dataclass(frozen=True, slots=True)
class PartialResult:
    """A hypothesis that may still change. `received_ms`: when it came, from the begin of its transcription."""

    sentence: Sentence
    received_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FinalResult:
    """Text that will not change any more.

    `received_ms`: when it came, from the begin of its transcription; in one of several parts, when its turn came.
    `usage`: what the service had billed by then for the one session that it is from, where it said so with this result.
    """

    sentence: Sentence
    received_ms: int | None = None
    usage: UsageReported | None = None


@dataclass(frozen=True, slots=True)
class UtteranceFailed:
    """The service could not recognise one utterance; the others are not touched."""

    index: int
    code: str
    message: str
    begin_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection was lost and is made again; recognition resumes at `resume_ms`."""

    attempt: int
    resume_ms: int
    reason: str
    code: str = ""
    """The service's own name for the reason, where it gave one."""
    wait_s: float = 0.0
    """How long until the next try."""
    throttled: bool = False
    """Whether the reason was that the service has too much to do."""
    is_told: bool = False
    """Whether the person has heard of the reason, which is the same for several."""


@dataclass(frozen=True, slots=True)
class EncodingChanged:
    """The sound goes over in `encoding` from `from_ms` on, in a session of its own; for good."""

    encoding: str
    from_ms: int


@dataclass(frozen=True, slots=True)
class SessionFinished:
    """The service has said all it will say."""

    session_id: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know that does not end the run, a truncated file for example.

    `truncated`: less sound came than the source's header says it holds.
    """

    message: str
    hint: str = ""
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class SoundLevel:
    """How loud a microphone is now, in dB below full scale (0.0); None for digital silence."""

    peak_dbfs: float | None
    rms_dbfs: float | None


@dataclass(frozen=True, slots=True)
class WorkersChanged:
    """Who works on the sources of this run now: so many `workers`, of which `lost` have gone until now.

    `resent_ms`: sound that went over, or may have gone over, and has to go once more, because its worker was lost.
    """

    workers: int
    lost: int = 0
    resent_ms: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened for a while: a chance to redraw."""


Event = (
    LinkReady
    | SessionStarted
    | AudioSent
    | AudioFinished
    | SpeechStarted
    | SpeechStopped
    | PartialResult
    | FinalResult
    | UtteranceFailed
    | UsageReported
    | Reconnecting
    | EncodingChanged
    | SessionFinished
    | Notice
    | SoundLevel
    | WorkersChanged
    | Tick
)


@dataclass(frozen=True, slots=True)
class Ended:
    """A transcription is over; `error` is what ended it early, None when all results of all the audio are in.

    `worker` is who had it last, "" where that was this process, or nobody.
    """

    error: AsrcliError | None = None
    worker: str = ""

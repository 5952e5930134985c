"""What the parts of one source tell, joined into what one transcription of the whole would have told.

Knows the events of each part and where in the whole it lies; not how the parts are recognised, or what they are cut of.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from asrcli.engine.joining.sessions import joined
from asrcli.values.errors import AsrcliError, Bug, Interrupted, Missing, ServiceError
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    EncodingChanged,
    Event,
    FinalResult,
    LinkReady,
    Notice,
    PartialResult,
    Reconnecting,
    SessionFinished,
    SessionStarted,
    SpeechStarted,
    SpeechStopped,
    UsageReported,
    UtteranceFailed,
)

# Less than a chunk is not worth a word.
_NOTHING_MS = 100


@dataclass
class _Part:
    """How far one part has come. All times are its own, from its first sample."""

    begin_ms: int
    length_ms: int | None
    sentences: int = 0
    sent_ms: int = 0
    sent_bytes: int = 0
    resent_ms: int = 0
    final_ms: int = 0
    """Where its last sentence ends."""
    all_sent: bool = False
    all_heard: bool = False
    """The service has said all about all that was sent."""
    ended: bool = False
    error: AsrcliError | None = None
    held: list[Event] = field(default_factory=list)

    def observe(self, event: Event) -> None:
        """Note what `event` says of how far this part is."""
        match event:
            case AudioSent(end_ms) | AudioFinished(end_ms):
                self.sent_ms, self.sent_bytes = max(self.sent_ms, end_ms), event.sent_bytes
                self.resent_ms, self.all_sent = event.resent_ms, self.all_sent or isinstance(event, AudioFinished)
            case SessionFinished():
                self.all_heard = self.all_sent
            case FinalResult(sentence):
                self.sentences = max(self.sentences, sentence.index)
                self.final_ms = max(self.final_ms, sentence.end_ms or 0)
            case UtteranceFailed(index=index):
                self.sentences = max(self.sentences, index)

    def was_silent(self) -> bool:
        """Whether the service heard all of it and refused it for want of speech."""
        return self.all_sent and isinstance(self.error, ServiceError) and self.error.no_speech

    def missing(self) -> Iterator[tuple[int, int | None]]:
        """From when to when in the whole nothing was recognised: given up on the way, or not reached any more."""
        heard_ms = self.sent_ms if self.all_heard else self.final_ms
        for begin, end in self.error.missing if self.error is not None else ():
            if end is not None and end <= heard_ms:
                yield self.begin_ms + begin, self.begin_ms + end
        if self.error is not None and (self.length_ms is None or self.length_ms - heard_ms >= _NOTHING_MS):
            yield self.begin_ms + heard_ms, None if self.length_ms is None else self.begin_ms + self.length_ms


class Whole:
    """What the parts have told so far, and what of it may be told of the whole.

    `stretches` holds begin and end of each part in milliseconds; the end of the last one is None where it is not known.
    Parts are numbered from 0.
    """

    def __init__(self, stretches: Sequence[tuple[int, int | None]]) -> None:
        self._parts = [_Part(begin, None if end is None else end - begin) for begin, end in stretches]
        # The first part that has not ended; the number of parts when all have.
        self._first = 0
        self._sentences_before = 0
        self._usage = _Usage()
        self._is_linked = False
        self._notices: set[Notice] = set()

    def take(self, number: int, event: Event) -> Iterator[Event]:
        """What is to be told when part `number` tells `event`."""
        part = self._parts[number]
        part.observe(event)
        match event:
            case FinalResult() | UtteranceFailed() if number != self._first:
                part.held.append(event)
            case PartialResult() | SpeechStarted() | SpeechStopped() if number != self._first:
                pass
            case AudioSent() | AudioFinished():
                sent_ms = sum(each.sent_ms for each in self._parts)
                is_last = isinstance(event, AudioFinished) and all(each.all_sent for each in self._parts)
                told = AudioFinished if is_last else AudioSent
                sent_bytes = sum(each.sent_bytes for each in self._parts)
                resent_ms = sum(each.resent_ms for each in self._parts)
                yield told(sent_ms, sent_bytes, resent_ms)
            case SessionStarted():
                self._usage.begin(number)
                yield event
            case UsageReported():
                yield self._usage.add(number, event)
            case Reconnecting():
                yield replace(event, resume_ms=event.resume_ms + part.begin_ms)
            case EncodingChanged():
                yield replace(event, from_ms=event.from_ms + part.begin_ms)
            case LinkReady():
                if not self._is_linked:
                    self._is_linked = True
                    yield event
            case Notice():
                # What befalls one part befalls others in the same words.
                if event not in self._notices:
                    self._notices.add(event)
                    yield event
            case _:
                yield joined(event, part.begin_ms, self._sentences_before)

    def end(self, number: int, error: AsrcliError | None) -> Iterator[Event]:
        """What may be told now that part `number` has ended."""
        self._parts[number].ended, self._parts[number].error = True, error
        while self._first < len(self._parts) and self._parts[self._first].ended:
            self._sentences_before += self._parts[self._first].sentences
            self._first += 1
            if self._first < len(self._parts):
                part = self._parts[self._first]
                yield from (joined(event, part.begin_ms, self._sentences_before) for event in part.held)
                part.held.clear()

    def judge(self) -> None:
        """Raise the error of the first part that failed, or a bug, with all that is missing. All parts have ended."""
        spoke = any(part.error is None for part in self._parts)
        failed = [part for part in self._parts if part.error is not None and not (spoke and part.was_silent())]
        if not failed:
            return
        error = next((part.error for part in failed if isinstance(part.error, Bug)), failed[0].error)
        assert error is not None
        if not isinstance(error, Interrupted) and any(part.sent_ms for part in self._parts):
            # Instead of what it says in the times of its own part.
            error.missing = _joined(stretch for part in failed for stretch in part.missing())
        raise error


def _joined(missing: Iterable[tuple[int, int | None]]) -> Missing:
    """The stretches in order, those that meet as one."""
    stretches: list[tuple[int, int | None]] = []
    for begin, end in missing:
        meets = stretches and stretches[-1][1] == begin
        stretches.append((stretches.pop()[0] if meets else begin, end))
    return tuple(stretches)


class _Usage:
    """What all sessions report, in the terms of sessions that follow one another.

    Usage is cumulative in a session and counts anew with each that begins; of several at a time, what all have reported
    since the last one began is told.
    """

    def __init__(self) -> None:
        self._sessions: list[UsageReported] = []
        self._session_of: dict[int, int] = {}
        self._before = UsageReported()

    def begin(self, part: int) -> None:
        """A session of that part begins."""
        self._before = self._total()
        self._session_of[part] = len(self._sessions)
        self._sessions.append(UsageReported())

    def add(self, part: int, usage: UsageReported) -> UsageReported:
        """The session of that part reports `usage`; what is to be told of it."""
        session = self._session_of[part]
        self._sessions[session] = self._sessions[session].then(usage)
        return self._total().since(self._before)

    def _total(self) -> UsageReported:
        return functools.reduce(UsageReported.plus, self._sessions, UsageReported())

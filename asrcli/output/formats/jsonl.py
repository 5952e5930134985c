"""JSON lines: one object a line, `type` first, only ever extended.

Knows the names that scripts rely on, and nothing of where the lines go. Times are ms from the first sample; unknown
is null. Keys are masked wherever no transcript stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import ClassVar, Self

from asrcli.output.base import Begin, Shape
from asrcli.output.masking import mask
from asrcli.values.errors import AsrcliError, Interrupted, OutputError
from asrcli.values.events import (
    EncodingChanged,
    Event,
    FinalResult,
    Notice,
    PartialResult,
    Reconnecting,
    Sentence,
    SessionStarted,
    SpeechStarted,
    SpeechStopped,
    UsageReported,
    Word,
    WorkersChanged,
)
from asrcli.values.json_text import json_text
from asrcli.values.summary import Summary

VERSION = 1

# What is known of an error beside its message, by the names of its fields; left out where nothing is.
_FACTS = ("refused_by", "http_status", "excerpt", "utterances", "tries", "missing")

_Object = dict[str, object]


class JsonLines:
    """Every line of a transcription carries its `source`. `partials` and `notices` are left out where that is False.

    A partial that says nothing new is not written again. `usage` of a final is what its session has cost by then, so
    that it begins anew with each `session` line; of several sessions at a time, each counts for itself.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".json", ".ndjson")
    names_source: ClassVar[bool] = True
    stands_alone: ClassVar[bool] = False
    shaped_by: ClassVar[tuple[str, ...]] = ("partials",)

    def __init__(self, partials: bool = True, notices: bool = True) -> None:
        self._partials = partials
        self._notices = notices
        self._source: str | None = None
        self._last_partials: dict[int, _Object] = {}
        # Where the speech that has not ended yet begins.
        self._speech_ms: int | None = None

    @classmethod
    def of(cls, shape: Shape) -> Self:
        return cls(shape.partials, shape.notices)

    def begin(self, info: Begin) -> str:
        """`begin`; what is not known of the source is left out."""
        self._source = mask(info.source)
        line: _Object = {
            "type": "begin",
            "v": VERSION,
            "source": self._source,
            # Not known of saved lines whose own is missing.
            "model": info.model or None,
            "region": info.region or None,
            "protocol": info.protocol or None,
            "sample_rate_hz": info.sample_rate_hz or None,
        }
        if info.duration_ms is not None:
            line["duration_ms"] = info.duration_ms
        if info.captured_at is not None:
            line["captured_at"] = info.captured_at
        if info.begun_at is not None:
            line["begun_at"] = info.begun_at
        if info.send is not None:
            line["send"] = info.send
        if info.audio not in (None, info.source):
            line["audio"] = info.audio
        return mask(_line(line))

    def event(self, event: Event) -> str:
        """`session`, `speech`, `partial`, `final`, `reconnect`, `encoding`, `workers` or `notice`, or ""."""
        match event:
            case PartialResult():
                return self._partial(event) if self._partials else ""
            case FinalResult(sentence):
                self._last_partials.pop(sentence.index, None)
                return _line(self._result("final", sentence) | _received(event) | _details(sentence))
            case SpeechStarted(at_ms) if at_ms is not None:
                self._speech_ms = at_ms
                return self._speech(at_ms, None)
            case SpeechStopped(at_ms) if at_ms is not None:
                begin_ms, self._speech_ms = self._speech_ms, None
                return self._speech(begin_ms, at_ms)
            case SessionStarted(session_id):
                return mask(_line({"type": "session", "source": self._source, "task_id": session_id}))
            case Reconnecting(attempt, resume_ms, reason, code, wait_s):
                line: _Object = {"type": "reconnect", "source": self._source, "attempt": attempt}
                line |= {"resume_ms": resume_ms, "reason": reason, "code": code or None}
                return mask(_line(line | {"wait_ms": round(wait_s * 1000)}))
            case EncodingChanged(encoding, from_ms):
                line = {"type": "encoding", "source": self._source, "encoding": encoding, "resume_ms": from_ms}
                return mask(_line(line))
            case WorkersChanged(workers, lost, resent_ms):
                return _line({"type": "workers", "workers": workers, "lost": lost, "resent_s": resent_ms / 1000})
            case Notice(message, hint) if self._notices:
                return mask(_line({"type": "notice", "source": self._source, "message": message, "hint": hint}))
            case _:
                return ""

    def end(self, summary: Summary) -> str:
        """`end`; what is not known is null."""
        line: _Object = {
            "type": "end",
            "source": summary.source,
            "audio_ms": summary.audio_ms,
            "sentences": summary.sentences,
            "billed_s": summary.billed_s,
            "first_partial_ms": summary.first_partial_ms,
            "last_final_ms": summary.last_final_ms,
            "task_ids": summary.task_ids,
            "reconnects": summary.reconnects,
            "complete": summary.complete,
            "input_tokens": summary.input_tokens,
            "output_tokens": summary.output_tokens,
            "connect_ms": _rounded(summary.connect_ms),
            "ready_ms": summary.ready_ms,
            "wall_s": _rounded(summary.wall_s),
            "real_time_factor": _rounded(summary.real_time_factor),
            "truncated": summary.truncated,
            "sent_bytes": summary.sent_bytes,
            "kbit_s": _rounded(summary.kbit_s),
            "resent_s": _rounded(summary.resent_ms / 1000),
        }
        return mask(_line(line))

    def error(self, error: AsrcliError, source: str | None) -> str:
        line: _Object = {
            "type": "error",
            "source": source,
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "retryable": error.retryable,
            "request_id": getattr(error, "request_id", None),
        }
        return mask(_line(line | facts(error)))

    def _partial(self, event: PartialResult) -> str:
        sentence = event.sentence
        line = self._result("partial", sentence) | _tone(sentence)
        if line == self._last_partials.get(sentence.index):
            return ""
        self._last_partials[sentence.index] = line
        return _line(line | _received(event))

    def _speech(self, begin_ms: int | None, end_ms: int | None) -> str:
        return _line({"type": "speech", "source": self._source, "begin_ms": begin_ms, "end_ms": end_ms})

    def _result(self, kind: str, sentence: Sentence) -> _Object:
        return {
            "type": kind,
            "source": self._source,
            "index": sentence.index,
            "begin_ms": sentence.begin_ms,
            "end_ms": sentence.end_ms,
            "text": sentence.text,
        }


def plan_line(plan: Mapping[str, object]) -> str:
    """`plan`: what a run would do; see output.plan."""
    return mask(_line({"type": "plan", "v": VERSION, **plan}))


def facts(error: AsrcliError) -> dict[str, object]:
    """What is known of `error` beside its message; `after` is the error before it, which could not be told."""
    found = {name: value for name in _FACTS if (value := getattr(error, name, None))}
    if isinstance(error, Interrupted) and error.total is not None:
        found |= {"done": error.done, "total": error.total}
    if isinstance(error, OutputError) and error.after is not None:
        found["after"] = {"code": error.after.code, "message": error.after.message} | facts(error.after)
    return found


def _received(event: PartialResult | FinalResult) -> _Object:
    """When it came, and what was billed by then, where that is known."""
    known: _Object = {} if event.received_ms is None else {"received_ms": event.received_ms}
    if isinstance(event, FinalResult) and event.usage is not None:
        figures = ((item.name, getattr(event.usage, item.name)) for item in fields(UsageReported))
        known["usage"] = {name: value for name, value in figures if value is not None}
    return known


def _tone(sentence: Sentence) -> _Object:
    """What the service has heard beside words, where it sent that."""
    heard = {"language": sentence.language, "emotion": sentence.emotion}
    return {name: value for name, value in heard.items() if value is not None}


def _details(sentence: Sentence) -> _Object:
    """What a final holds beyond its text, each only where the service sent it."""
    details: _Object = {}
    if sentence.words:
        details["words"] = [_word(word) for word in sentence.words]
    details |= _tone(sentence)
    # NaN has no place in JSON, though Python reads it from the service's.
    if sentence.emotion_confidence is not None and math.isfinite(sentence.emotion_confidence):
        details["emotion_confidence"] = sentence.emotion_confidence
    if sentence.speaker is not None:
        details["speaker"] = sentence.speaker
    return details


def _word(word: Word) -> _Object:
    line: _Object = {"text": word.text, "begin_ms": word.begin_ms, "end_ms": word.end_ms}
    line["punctuation"] = word.punctuation
    if word.speaker is not None:
        line["speaker"] = word.speaker
    return line


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _line(line: _Object) -> str:
    return json_text(line) + "\n"

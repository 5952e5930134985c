"""One JSON object of version 1 becomes the value that it was made from.

Types and fields that are not known here are skipped, because later versions add some. A number that is none counts as
not known, and that is told: a sentence is not lost for a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

from asrcli.output.base import Begin
from asrcli.output.formats.jsonl import VERSION
from asrcli.values.errors import AsrcliError, Missing
from asrcli.values.events import (
    Event,
    FinalResult,
    Notice,
    Reconnecting,
    Sentence,
    SessionStarted,
    SpeechStarted,
    SpeechStopped,
    UsageReported,
    Word,
)
from asrcli.values.summary import Summary

RESULT = "a line of --results, which has no times"
"""What is wrong with one."""

# Thirty years of sound; more is no time but a mistake.
_MOST = 10**12


class Unreadable(Exception):  # noqa: N818 - it names what a line is
    """A line that should be one of ours and is not; says why."""


class SavedError(AsrcliError):
    """An error that a run has told, by what stands in its line; what is not there is "", 0 or None."""

    refused_by = ""
    http_status: int | None = None
    excerpt = ""
    utterances = 0

    def __init__(self, service_code: str, message: str, *, hint: str, request_id: str | None) -> None:
        super().__init__(message, hint=hint)
        self.service_code = service_code
        self.request_id = request_id

    @property
    def code(self) -> str:
        return self.service_code


class Saved(NamedTuple):
    """What a line says of `source`, None where it names none. `value`: None for what may still have changed then.

    `doubts`: what of it could not be read, and counts as not known.
    """

    source: str | None
    value: Begin | Event | Summary | SavedError | None
    doubts: tuple[str, ...] = ()


def read_value(line: Mapping[str, Any], *, with_words: bool = True) -> Saved | None:
    """What `line` says; None where its type is not known. Without `with_words` a final has no more than its first word.

    Raises Unreadable.
    """
    kind = line.get("type")
    if not isinstance(kind, str):
        if isinstance(line.get("id"), str) and isinstance(line.get("complete"), bool):
            raise Unreadable(RESULT)
        raise Unreadable("an object without a type, which is no line of asrcli")
    fields = _Fields(line)
    source = line.get("source")
    match kind:
        case "begin":
            value: Begin | Event | Summary | SavedError | None = _begin(fields)
        case "partial":
            value = None
        case "final":
            value = _final(fields, with_words=with_words)
        case "end":
            value = _summary(fields)
        case "error":
            value = _error(fields)
        case "session":
            value = SessionStarted(fields.text("task_id"))
        case "speech":
            end_ms = fields.number("end_ms")
            value = SpeechStarted(fields.number("begin_ms")) if end_ms is None else SpeechStopped(end_ms)
        case "reconnect":
            value = _reconnecting(fields)
        case "notice":
            value = Notice(fields.text("message"), fields.text("hint"))
        case _:
            return None
    return Saved(source if isinstance(source, str) else None, value, tuple(fields.doubts))


class _Fields:
    """The fields of a line by kind; what is of another kind is noted in `doubts`."""

    def __init__(self, line: Mapping[str, Any]) -> None:
        self._line = line
        self.doubts: list[str] = []

    def text(self, name: str) -> str:
        """ "" where there is none."""
        return self.known_text(name) or ""

    def known_text(self, name: str) -> str | None:
        value = self._line.get(name)
        if isinstance(value, str):
            return value
        self._doubt_about(name, "text", value)
        return None

    def number(self, name: str) -> int | None:
        """A whole number that is not negative."""
        value = self._line.get(name)
        if _is_count(value):
            return value
        self._doubt_about(name, "number", value)
        return None

    def decimal(self, name: str) -> float | None:
        value = self._line.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and -_MOST < value < _MOST:
            return value
        self._doubt_about(name, "number", value)
        return None

    def raw(self, name: str) -> Any:
        """Whatever stands there."""
        return self._line.get(name)

    def doubt(self, text: str) -> None:
        self.doubts.append(text)

    def _doubt_about(self, name: str, kind: str, value: object) -> None:
        if value is not None:
            self.doubts.append(f"{name} is no {kind}")


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < _MOST


def _begin(fields: _Fields) -> Begin:
    if fields.raw("v") != VERSION:
        fields.doubt(f"not of version {VERSION}, and read as if it were")
    return Begin(
        source=fields.text("source"),
        model=fields.text("model"),
        region=fields.text("region"),
        protocol=fields.text("protocol"),
        sample_rate_hz=fields.number("sample_rate_hz") or 0,
        duration_ms=fields.number("duration_ms"),
        captured_at=fields.known_text("captured_at"),
        begun_at=fields.known_text("begun_at"),
        audio=fields.known_text("audio"),
        send=fields.known_text("send"),
    )


def _final(fields: _Fields, *, with_words: bool) -> FinalResult:
    text = fields.raw("text")
    if not isinstance(text, str):
        raise Unreadable("a final without a text")
    confidence = fields.decimal("emotion_confidence")
    sentence = Sentence(
        index=fields.number("index") or 0,
        text=text,
        begin_ms=fields.number("begin_ms"),
        end_ms=fields.number("end_ms"),
        words=_words(fields, with_words=with_words),
        language=fields.known_text("language"),
        emotion=fields.known_text("emotion"),
        emotion_confidence=confidence,
        speaker=fields.known_text("speaker"),
    )
    return FinalResult(sentence, fields.number("received_ms"), _usage(fields))


def _words(fields: _Fields, *, with_words: bool) -> tuple[Word, ...]:
    words = fields.raw("words")
    if words is None:
        return ()
    if isinstance(words, list):
        try:
            return tuple(map(_word, words if with_words else words[:1]))
        except Unreadable:
            pass
    fields.doubt("its words are not as asrcli writes them, and left out")
    return ()


def _word(word: Any) -> Word:
    if not isinstance(word, dict):
        raise Unreadable
    text, begin_ms, end_ms = word.get("text"), word.get("begin_ms"), word.get("end_ms")
    punctuation, speaker = word.get("punctuation", ""), word.get("speaker")
    if (
        isinstance(text, str)
        and isinstance(punctuation, str)
        # As _is_count, without a call for each: there are a hundred thousand in ten hours.
        and (begin_ms is None or (type(begin_ms) is int and 0 <= begin_ms < _MOST))
        and (end_ms is None or (type(end_ms) is int and 0 <= end_ms < _MOST))
        and (speaker is None or isinstance(speaker, str))
    ):
        return Word(text, begin_ms, end_ms, punctuation, speaker)
    raise Unreadable


def _usage(fields: _Fields) -> UsageReported | None:
    said = fields.raw("usage")
    if not isinstance(said, dict):
        return None
    usage = _Fields(said)
    return UsageReported(usage.number("billed_s"), usage.number("input_tokens"), usage.number("output_tokens"))


def _reconnecting(fields: _Fields) -> Reconnecting:
    return Reconnecting(
        attempt=fields.number("attempt") or 0,
        resume_ms=fields.number("resume_ms") or 0,
        reason=fields.text("reason"),
        code=fields.text("code"),
        wait_s=(fields.number("wait_ms") or 0) / 1000,
    )


def _summary(fields: _Fields) -> Summary:
    task_ids = fields.raw("task_ids")
    return Summary(
        source=fields.text("source"),
        complete=fields.raw("complete") is True,
        wall_s=fields.decimal("wall_s") or 0.0,
        sentences=fields.number("sentences") or 0,
        reconnects=fields.number("reconnects") or 0,
        task_ids=tuple(each for each in task_ids if isinstance(each, str)) if isinstance(task_ids, list) else (),
        audio_ms=fields.number("audio_ms"),
        billed_s=fields.number("billed_s"),
        input_tokens=fields.number("input_tokens"),
        output_tokens=fields.number("output_tokens"),
        connect_ms=fields.decimal("connect_ms"),
        ready_ms=fields.number("ready_ms"),
        first_partial_ms=fields.number("first_partial_ms"),
        last_final_ms=fields.number("last_final_ms"),
        real_time_factor=fields.decimal("real_time_factor"),
        truncated=fields.raw("truncated") is True,
        sent_bytes=fields.number("sent_bytes"),
        kbit_s=fields.decimal("kbit_s"),
        resent_ms=round((fields.decimal("resent_s") or 0) * 1000),
    )


def _error(fields: _Fields) -> SavedError:
    error = SavedError(
        fields.text("code"),
        fields.text("message"),
        hint=fields.text("hint"),
        request_id=fields.known_text("request_id"),
    )
    error.retryable = fields.raw("retryable") is True
    error.tries = fields.number("tries") or 0
    error.missing = _missing(fields.raw("missing"))
    error.refused_by, error.http_status = fields.text("refused_by"), fields.number("http_status")
    error.excerpt, error.utterances = fields.text("excerpt"), fields.number("utterances") or 0
    return error


def _missing(said: Any) -> Missing:
    """The stretches without a result; what is no such thing is left out."""
    pairs = (
        [tuple(pair) for pair in said if isinstance(pair, list) and len(pair) == 2] if isinstance(said, list) else []
    )
    return tuple((begin, end) for begin, end in pairs if _is_count(begin) and (end is None or _is_count(end)))

"""The run-task protocol: Fun-ASR, Paraformer and Qwen-Audio-ASR on `/api-ws/v1/inference`.

    run-task → task-started → binary audio … (continue-task) … finish-task → result-generated … → task-finished

Sources: the vendor's Fun-ASR, Paraformer and Qwen-Audio-ASR pages "WebSocket API", "client events" and "server
events" of 2026. No socket, thread or clock here.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from asrcli.errors import LinkError, ProtocolViolation, ServiceError
from asrcli.events import (
    FinalResult,
    PartialResult,
    Sentence,
    SessionFinished,
    SessionStarted,
    UsageReported,
    Word,
)
from asrcli.pcm import Chunk
from asrcli.protocols.base import ConnectRequest, Endpoint, Message, RecognitionOptions, Send, Step, address
from asrcli.protocols.faults import service_error

# Our neutral option → the service's field in payload.parameters.
_PARAMETERS = {
    "hotwords_id": "vocabulary_id",
    "max_sentence_silence_ms": "max_sentence_silence",
    "semantic_punctuation": "semantic_punctuation_enabled",
    "multi_threshold": "multi_threshold_mode_enabled",
    "noise_threshold": "speech_noise_threshold",
    "heartbeat": "heartbeat",
    "disfluency_removal": "disfluency_removal_enabled",
}
_EXCERPT_CHARACTERS = 120


class RunTask:
    """One task. `session_id` is its task id: 32 hex digits, new for each task, as a reused connection demands."""

    name: ClassVar[str] = "run-task"
    path: ClassVar[str] = "/api-ws/v1/inference"

    def __init__(self, options: RecognitionOptions, endpoint: Endpoint) -> None:
        self._options = options
        self._endpoint = endpoint
        self.session_id = uuid.uuid4().hex
        self.audio_format = options.audio_format
        self._numbering = Numbering()
        self._started = False
        self._finished = False

    def connect_request(self) -> ConnectRequest:
        """`Authorization` is what the service checks; the data-inspection header is left out, as the pages advise."""
        headers = {"Authorization": f"Bearer {self._endpoint.api_key}", "User-Agent": self._endpoint.user_agent}
        if self._endpoint.workspace:
            headers["X-DashScope-WorkSpace"] = self._endpoint.workspace
        return ConnectRequest(address(self._endpoint.url, self.path), headers)

    def start(self) -> Iterable[Step]:
        """run-task, with only those parameters that the user set: a foreign one can fail the task."""
        payload = {
            "task_group": "audio",
            "task": "asr",
            "function": "recognition",
            "model": self._options.model,
            "parameters": run_task_parameters(self._options),
            "input": _input(self._options.context),
        }
        yield self._action("run-task", payload)

    def audio(self, chunk: Chunk) -> Iterable[Message]:
        return (chunk.data,)

    def update_context(self, context: str) -> Iterable[Step]:
        """continue-task: replaces the context while the task runs. The service does not answer it."""
        yield self._action("continue-task", {"input": _input(context)})

    def finish(self) -> Iterable[Step]:
        yield self._action("finish-task", {"input": {}})

    def receive(self, message: Message) -> Iterable[Step]:
        header, payload = _parse(message)
        task_id = header.get("task_id")
        if task_id not in (None, "", self.session_id):
            return  # A late message of the task that used this connection before.
        event = header.get("event")
        if event == "result-generated":
            yield from self._result(payload, message)
        elif event == "task-started":
            self._started = True
            yield SessionStarted(self.session_id)
        elif event == "task-finished":
            self._finished = True
            yield from _usage(payload.get("usage"))
            yield SessionFinished(self.session_id)
        elif event == "task-failed":
            raise service_error(_text(header, "error_code"), _text(header, "error_message"), self.session_id)
        elif not isinstance(event, str):
            raise ProtocolViolation("the service sent a message without an event name", excerpt=_excerpt(message))

    def closed(self, code: int | None, reason: str) -> Iterable[Step]:
        """A close is regular only after task-finished."""
        if self._finished:
            return ()
        said = f"code {code}" if code is not None else "no close code"
        if reason:
            said += f", {reason!r}"
        if code == 1007 or code == 1008:
            raise ServiceError(f"close {code}", reason or "no reason given", request_id=self.session_id)
        stage = "before the task was finished" if self._started else "before the task was started"
        raise LinkError(f"the service closed the connection {stage} ({said})", hint="try again")

    def _action(self, action: str, payload: Mapping[str, object]) -> Send:
        header = {"action": action, "task_id": self.session_id, "streaming": "duplex"}
        return Send(json.dumps({"header": header, "payload": payload}, ensure_ascii=False))

    def _result(self, payload: Mapping[str, Any], message: Message) -> Iterable[Step]:
        output = payload.get("output")
        raw = output.get("sentence") if isinstance(output, dict) else None
        if not isinstance(raw, dict):
            raise ProtocolViolation("the service sent a result without a sentence", excerpt=_excerpt(message))
        # Heartbeat results say that nothing was recognised; an empty text opens a sentence that has no word yet.
        if raw.get("heartbeat") is True:
            return
        text = raw.get("text")
        begin_ms = _ms(raw.get("begin_time"))
        index = self._numbering.index(raw.get("sentence_id"), begin_ms)
        if index is not None and isinstance(text, str) and text.strip():
            sentence = _sentence(raw, index, text, begin_ms)
            # The vendor's Paraformer sample has sentence_end true with end_time null, its SDK reads end_time alone.
            if raw.get("sentence_end") is True or sentence.end_ms is not None:
                self._numbering.close(raw.get("sentence_id"), begin_ms)
                yield FinalResult(sentence)
            else:
                yield PartialResult(sentence)
        yield from _usage(payload.get("usage"))


class Numbering:
    """Gives each sentence of a task its index, counted from 1, whatever the service calls it.

    A sentence is known by its sentence_id; where there is none (Paraformer) sentences come strictly one after another
    and begin_time tells a repeated one. Results for a sentence that is already final are stale and get no index.
    """

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[object, int] = {}
        self._closed: set[object] = set()

    def index(self, sentence_id: object, begin_ms: int | None) -> int | None:
        """The index of the sentence, new or known; None if it was closed before."""
        key, identity = self._names(sentence_id, begin_ms)
        if identity in self._closed:
            return None
        if key not in self._open:
            self._count += 1
            self._open[key] = self._count
        return self._open[key]

    def close(self, sentence_id: object, begin_ms: int | None) -> None:
        """The sentence is final."""
        key, identity = self._names(sentence_id, begin_ms)
        del self._open[key]
        if identity is not None:
            self._closed.add(identity)

    @staticmethod
    def _names(sentence_id: object, begin_ms: int | None) -> tuple[object, object]:
        if isinstance(sentence_id, int | str) and sentence_id:
            return sentence_id, sentence_id
        return None, None if begin_ms is None else ("begins at", begin_ms)


def _sentence(raw: Mapping[str, Any], index: int, text: str, begin_ms: int | None) -> Sentence:
    words = raw.get("words")
    return Sentence(
        index=index,
        text=text,
        begin_ms=begin_ms,
        end_ms=_ms(raw.get("end_time")),
        words=tuple(_words(words)) if isinstance(words, list) else (),
        emotion=_string(raw.get("emo_tag")),
        emotion_confidence=_number(raw.get("emo_confidence")),
        speaker=_string(raw.get("speaker_id")),
    )


def run_task_parameters(options: RecognitionOptions) -> dict[str, object]:
    """`payload.parameters` of run-task: format and sample rate always, everything else only where it was set."""
    parameters: dict[str, object] = {"format": "pcm", "sample_rate": options.audio_format.sample_rate_hz}
    if options.languages:
        parameters["language_hints"] = list(options.languages)
    if options.hotwords:
        parameters["vocabulary"] = dict(options.hotwords)
    for ours, theirs in _PARAMETERS.items():
        value = getattr(options, ours)
        if value is not None:
            parameters[theirs] = value
    parameters.update(options.extra)
    return parameters


def _input(context: str | None) -> dict[str, object]:
    """`payload.input` must be there, empty without context; context is a list of turns."""
    if not context:
        return {}
    return {"context": [{"role": "user", "content": [{"type": "input_text", "text": context}]}]}


def _parse(message: Message) -> tuple[dict[str, Any], dict[str, Any]]:
    if isinstance(message, bytes):
        raise ProtocolViolation("the service sent a binary message where text was due", excerpt=_excerpt(message))
    try:
        document = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation("the service sent something that is not JSON", excerpt=_excerpt(message)) from error
    header = document.get("header") if isinstance(document, dict) else None
    if not isinstance(header, dict):
        raise ProtocolViolation("the service sent a message without a header", excerpt=_excerpt(message))
    payload = document.get("payload")
    return header, payload if isinstance(payload, dict) else {}


def _usage(raw: object) -> Iterable[Step]:
    if isinstance(raw, dict):
        figures = [_count(raw.get(key)) for key in ("duration", "input_tokens", "output_tokens")]
        if any(figure is not None for figure in figures):
            yield UsageReported(*figures)


def _words(raw: list[object]) -> Iterable[Word]:
    for item in raw:
        if isinstance(item, dict) and isinstance(item.get("text"), str):
            yield Word(
                text=item["text"],
                begin_ms=_ms(item.get("begin_time")),
                end_ms=_ms(item.get("end_time")),
                punctuation=_string(item.get("punctuation")) or "",
                speaker=_string(item.get("speaker_id")),
            )


def _ms(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _count(value: object) -> int | None:
    number = _number(value)
    # Billed seconds are whole; a fraction would be a part of a second that is billed in full.
    return None if number is None else -int(-number // 1)


def _number(value: object) -> float | None:
    """A finite number, or None: JSON in the wild holds NaN, strings and booleans where numbers are due."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Compared, not converted: an integer of a thousand digits has no float.
    return value if -1e15 < value < 1e15 else None


def _string(value: object) -> str | None:
    if isinstance(value, bool) or value is None or value == "":
        return None
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else None


def _text(header: Mapping[str, Any], key: str) -> str:
    value = header.get(key)
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _excerpt(message: Message) -> str:
    if isinstance(message, bytes):
        return f"{len(message)} bytes beginning {message[:16].hex(' ')}"
    return repr(message[:_EXCERPT_CHARACTERS]) + ("…" if len(message) > _EXCERPT_CHARACTERS else "")

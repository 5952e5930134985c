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

from asrcli.protocols.base import Encoder, NewEncoder, Send, Step, Timeline, address, handshake_headers
from asrcli.protocols.error_codes import closed_early, reported, service_error
from asrcli.protocols.reading import count, excerpt, json_object, milliseconds, number, string
from asrcli.values.context import Context
from asrcli.values.errors import ProtocolViolation
from asrcli.values.events import (
    FinalResult,
    PartialResult,
    Sentence,
    SessionFinished,
    SessionStarted,
    UsageReported,
    Word,
)
from asrcli.values.messages import ConnectRequest, Message
from asrcli.values.parameters import run_task_fields
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import Chunk


class RunTask:
    """One task. `session_id` is its task id: 32 hex digits, new for each task, as a reused connection demands."""

    name: ClassVar[str] = "run-task"
    path: ClassVar[str] = "/api-ws/v1/inference"
    keeps_link: ClassVar[bool] = True
    times_words: ClassVar[bool] = True
    changes_context: ClassVar[bool] = True
    encodings: ClassVar[tuple[str, ...]] = ("pcm", "wav", "mp3", "opus", "speex", "aac", "amr")

    def __init__(self, options: RecognitionOptions, endpoint: Endpoint, new_encoder: NewEncoder | None = None) -> None:
        self._options = options
        self._endpoint = endpoint
        self._new_encoder = new_encoder
        self._encoder: Encoder | None = None
        self.session_id = uuid.uuid4().hex
        self.audio_format = options.audio_format
        self.context = options.context
        self.max_session_ms: int | None = None
        self._numbering = Numbering()
        self._timeline = Timeline(options.audio_format)
        self._started = False
        self._finished = False

    def connect_request(self) -> ConnectRequest:
        return ConnectRequest(address(self._endpoint.url, self.path), handshake_headers(self._endpoint))

    def start(self) -> Iterable[Step]:
        """run-task, with only those parameters that the user set: a foreign one can fail the task."""
        payload: dict[str, object] = {
            "task_group": "audio",
            "task": "asr",
            "function": "recognition",
            "model": self._options.model,
            "parameters": run_task_parameters(self._options),
            "input": _input(self.context),
        }
        if phrases := self._options.parameters.get("phrase_list"):
            payload["resources"] = [{"resource_id": phrases, "resource_type": "asr_phrase"}]
        yield self._action("run-task", payload)

    def audio(self, chunk: Chunk) -> Iterable[Message]:
        self._timeline.sent(chunk)
        if self._new_encoder is None:
            return (chunk.data,)
        if self._encoder is None:
            self._encoder = self._new_encoder(self.audio_format)
        data = self._encoder.encode(chunk.data)
        return (data,) if data else ()

    def update_context(self, context: Context) -> Iterable[Step]:
        """continue-task: replaces the context while the task runs. The service does not answer it."""
        self.context = context
        yield self._action("continue-task", {"input": _input(context)})

    def finish(self) -> Iterable[Step]:
        if self._encoder is not None and (data := self._encoder.finish()):
            yield Send(data, has_sound=True)
        yield self._action("finish-task", {"input": {}})

    def receive(self, message: Message) -> Iterable[Step]:
        """By the `event` of its header; what belongs to another task is dropped."""
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
        elif event in ("task-failed", "error"):
            # Some gateways call it "error", and put what the vendor has in the header into the payload.
            raise service_error(*reported(header, payload), self.session_id)
        elif not isinstance(event, str):
            raise ProtocolViolation("the service sent a message without an event name", excerpt=excerpt(message))

    def closed(self, code: int | None, reason: str) -> Iterable[Step]:
        """A close is regular only after task-finished."""
        if self._finished:
            return ()
        raise closed_early(code, reason, started=self._started, request_id=self.session_id)

    def _action(self, action: str, payload: Mapping[str, object]) -> Send:
        header = {"action": action, "task_id": self.session_id, "streaming": "duplex"}
        return Send(json.dumps({"header": header, "payload": payload}, ensure_ascii=False))

    def _result(self, payload: Mapping[str, Any], message: Message) -> Iterable[Step]:
        output = payload.get("output")
        raw = output.get("sentence") if isinstance(output, dict) else None
        if not isinstance(raw, dict):
            raise ProtocolViolation("the service sent a result without a sentence", excerpt=excerpt(message))
        # Heartbeat results say that nothing was recognised; an empty text opens a sentence that has no word yet.
        if raw.get("heartbeat") is True:
            return
        text = raw.get("text")
        begin_ms = self._timeline.source_ms(milliseconds(raw.get("begin_time")))
        index = self._numbering.index(raw.get("sentence_id"), begin_ms)
        usage = _usage(payload.get("usage"))
        if index is not None and isinstance(text, str) and text.strip():
            sentence = _sentence(raw, index, text, begin_ms, self._timeline)
            if _is_final(raw):
                self._numbering.close(raw.get("sentence_id"), begin_ms)
                yield FinalResult(sentence, usage=next(iter(usage), None))
            else:
                yield PartialResult(sentence)
        yield from usage


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


def _is_final(raw: Mapping[str, Any]) -> bool:
    """`sentence_end` decides where it is there: the vendor's Paraformer sample has it true with end_time null.

    Without it a numeric end_time does; the vendor's SDK knows only that.
    """
    said = raw.get("sentence_end")
    return said if isinstance(said, bool) else milliseconds(raw.get("end_time")) is not None


def _sentence(raw: Mapping[str, Any], index: int, text: str, begin_ms: int | None, timeline: Timeline) -> Sentence:
    words = raw.get("words")
    words = words if isinstance(words, list) else []
    # Ten partial results to a final one, each with all its words: of those only the last one's end is of use.
    is_final = _is_final(raw)
    last = words[-1] if words and isinstance(words[-1], dict) else {}
    return Sentence(
        index=index,
        text=text,
        begin_ms=begin_ms,
        end_ms=timeline.source_ms(milliseconds(raw.get("end_time"))) if is_final else None,
        heard_ms=None if is_final else timeline.source_ms(milliseconds(last.get("end_time"))),
        words=tuple(_words(words, timeline)) if is_final else (),
        emotion=string(raw.get("emo_tag")),
        emotion_confidence=number(raw.get("emo_confidence")),
        speaker=string(raw.get("speaker_id")),
    )


def run_task_parameters(options: RecognitionOptions) -> dict[str, object]:
    """`payload.parameters` of run-task: format and sample rate always, everything else only where it was set."""
    parameters: dict[str, object] = {"format": options.encoding, "sample_rate": options.audio_format.sample_rate_hz}
    named = {"languages": options.languages, "hotwords_id": options.hotwords_id, "hotwords": options.hotwords}
    said = {name: value for name, value in named.items() if value}
    return {**parameters, **run_task_fields({**said, **options.parameters}), **options.extra}


def _input(context: Context) -> dict[str, object]:
    """`payload.input` must be there, empty without context; in each turn the user comes first."""
    if not context:
        return {}
    said: list[dict[str, object]] = []
    for user, assistant in context:
        said.append({"role": "user", "content": [{"type": "input_text", "text": user}]})
        if assistant:
            said.append({"role": "assistant", "content": [{"type": "text", "text": assistant}]})
    return {"context": said}


def _parse(message: Message) -> tuple[dict[str, Any], dict[str, Any]]:
    document = json_object(message)
    header, payload = document.get("header"), document.get("payload")
    if not isinstance(header, dict):
        raise ProtocolViolation("the service sent a message without a header", excerpt=excerpt(message))
    return header, payload if isinstance(payload, dict) else {}


def _usage(raw: object) -> list[UsageReported]:
    """What the service bills for this task until now; nothing where it does not say."""
    if isinstance(raw, dict):
        figures = [count(raw.get(key)) for key in ("duration", "input_tokens", "output_tokens")]
        if any(figure is not None for figure in figures):
            return [UsageReported(*figures)]
    return []


def _words(raw: list[object], timeline: Timeline) -> Iterable[Word]:
    for item in raw:
        if isinstance(item, dict) and isinstance(item.get("text"), str):
            yield Word(
                text=item["text"],
                begin_ms=timeline.source_ms(milliseconds(item.get("begin_time"))),
                end_ms=timeline.source_ms(milliseconds(item.get("end_time"))),
                punctuation=string(item.get("punctuation")) or "",
                speaker=string(item.get("speaker_id")),
            )

"""The session protocol of Qwen-ASR-Realtime, on `/api-ws/v1/realtime?model=…`.

    session.created → session.update → session.updated → append … (commit) … → session.finish → … → session.finished

In VAD mode the service finds the utterances itself; in manual mode each commit ends one. One connection carries one
session, and we close it. Sources: the vendor's Qwen-ASR-Realtime pages "interaction process", "client events" and
"server events" of 2026. No socket, thread or clock here.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from asrcli.protocols.base import Encoder, NewEncoder, Send, Step, Timeline, address, handshake_headers
from asrcli.protocols.error_codes import closed_early, reported, service_error
from asrcli.protocols.reading import excerpt, json_object, milliseconds, string
from asrcli.values.context import Context
from asrcli.values.errors import AsrcliError, ProtocolViolation, brief
from asrcli.values.events import (
    FinalResult,
    Notice,
    PartialResult,
    Sentence,
    SessionFinished,
    SessionStarted,
    SpeechStarted,
    SpeechStopped,
    UtteranceFailed,
)
from asrcli.values.messages import ConnectRequest, Message
from asrcli.values.parameters import session_fields
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import Chunk

_TRANSCRIPTION = "conversation.item.input_audio_transcription."
# Audio of one session in manual mode; the vendor's limit is 60 s.
_MANUAL_SESSION_MS = 55_000
# What the service calls an utterance without speech; the rest after the last utterance often is one.
_NO_SPEECH = {"EmptyAudio", "NO_VALID_AUDIO_ERROR", "NO_INPUT_AUDIO_ERROR"}
# The vendor answers less than about 200 ms of audio with an error; what is left after an utterance is silence.
_LEAST_COMMIT_MS = 200


@dataclass(slots=True)
class _Item:
    """One utterance, as far as it is known. `closed`: it is completed or failed."""

    index: int
    begin_ms: int | None = None
    end_ms: int | None = None
    closed: bool = False


class Realtime:
    """One session. `session_id` is the service's, empty until session.created."""

    name: ClassVar[str] = "realtime"
    path: ClassVar[str] = "/api-ws/v1/realtime"
    keeps_link: ClassVar[bool] = False
    times_words: ClassVar[bool] = False
    changes_context: ClassVar[bool] = False
    # Others pass the settings, and may then fail.
    encodings: ClassVar[tuple[str, ...]] = ("pcm", "opus")

    def __init__(self, options: RecognitionOptions, endpoint: Endpoint, new_encoder: NewEncoder | None = None) -> None:
        self._new_encoder = new_encoder
        self._options = options
        self._endpoint = endpoint
        self.session_id = ""
        self.audio_format = options.audio_format
        self.context = options.context
        self.max_session_ms = _MANUAL_SESSION_MS if options.manual else None
        self._timeline = Timeline(options.audio_format)
        self._event_numbers = itertools.count(1)
        self._items: dict[str, _Item] = {}
        self._last_error: tuple[str, str] | None = None
        self._started = False
        self._finished = False
        # Used by the uplink until the audio has ended, and only then by `finish`.
        self._encoder: Encoder | None = None
        self._first_sample: int | None = None
        self._end_sample = 0
        self._committed_sample = 0
        # What each commit covered, in order, until the service has said which item it became.
        self._commits: deque[tuple[int, int]] = deque()

    def connect_request(self) -> ConnectRequest:
        """The model stands in the query. `OpenAI-Beta` is optional and left out, as the vendor's SDK does."""
        url = address(self._endpoint.url, self.path)
        separator = "&" if "?" in url else "?"
        url += f"{separator}model={quote(self._options.model, safe='')}"
        return ConnectRequest(url, handshake_headers(self._endpoint))

    def start(self) -> Iterable[Step]:
        """Nothing: the service speaks first."""
        return ()

    def audio(self, chunk: Chunk) -> Iterable[Message]:
        self._timeline.sent(chunk)
        if self._first_sample is None and not chunk.is_filler:
            self._first_sample = chunk.end_sample - chunk.samples
            self._committed_sample = self._first_sample
        self._end_sample = chunk.end_sample
        yield from self._append(self._encoded(chunk.data))
        if self._options.manual and chunk.ends_utterance:
            yield from self._append(self._end_of_stream())
            yield self._commit()

    def update_context(self, context: Context) -> Iterable[Step]:
        """Nothing: what a session is told, it is told at its beginning."""
        self.context = context
        return ()

    def finish(self) -> Iterable[Step]:
        for message in self._append(self._end_of_stream()):
            yield Send(message, has_sound=True)
        left_ms = self.audio_format.ms(self._end_sample - self._committed_sample)
        if self._options.manual and left_ms >= _LEAST_COMMIT_MS:
            yield Send(self._commit())
        yield self._event("session.finish")

    def receive(self, message: Message) -> Iterable[Step]:
        """By its `type`: of the session, of the sound's buffer, or of one item's transcription."""
        document = json_object(message)
        kind = document.get("type")
        if not isinstance(kind, str):
            raise ProtocolViolation("the service sent an event without a type", excerpt=excerpt(message))
        if kind.startswith(_TRANSCRIPTION):
            yield from self._transcription(kind.removeprefix(_TRANSCRIPTION), document)
        elif kind == "session.created":
            session = document.get("session")
            self.session_id = brief((string(session.get("id")) if isinstance(session, dict) else None) or "unnamed")
            yield self._event("session.update", session=session_settings(self._options))
        elif kind == "session.updated":
            if not self._started:
                self._started = True
                yield SessionStarted(self.session_id)
        elif kind == "session.finished":
            self._finished = True
            yield SessionFinished(self.session_id)
        elif kind == "error":
            yield from self._error(document)
        elif kind.startswith("input_audio_buffer."):
            yield from self._buffer(kind.removeprefix("input_audio_buffer."), document)

    def closed(self, code: int | None, reason: str) -> Iterable[Step]:
        """We close, after session.finished. An error event that came before says more than the close code."""
        if self._finished:
            return ()
        if self._last_error is not None:
            raise self._refusal(*self._last_error)
        raise closed_early(code, reason, started=self._started, request_id=self.session_id or None, id_of="session")

    def _append(self, data: bytes) -> Iterable[str]:
        if data:
            encoded = base64.b64encode(data).decode("ascii")
            number = next(self._event_numbers)
            yield f'{{"event_id":"event_{number}","type":"input_audio_buffer.append","audio":"{encoded}"}}'

    def _encoded(self, data: bytes) -> bytes:
        if self._new_encoder is None:
            return data
        if self._encoder is None:
            self._encoder = self._new_encoder(self.audio_format)
        return self._encoder.encode(data)

    def _end_of_stream(self) -> bytes:
        """What the encoder still holds; each commit is a stream of its own, or its last second would stay behind."""
        encoder, self._encoder = self._encoder, None
        return encoder.finish() if encoder is not None else b""

    def _event(self, kind: str, **fields: object) -> Send:
        return Send(self._text(kind, **fields))

    def _text(self, kind: str, **fields: object) -> str:
        document = {"event_id": f"event_{next(self._event_numbers)}", "type": kind, **fields}
        return json.dumps(document, ensure_ascii=False)

    def _commit(self) -> str:
        begin, end = self._committed_sample, self._end_sample
        self._committed_sample = end
        start = self._first_sample or 0
        self._commits.append((self.audio_format.ms(begin - start), self.audio_format.ms(end - start)))
        return self._text("input_audio_buffer.commit")

    def _item(self, document: Mapping[str, Any]) -> _Item:
        """The item that an event speaks of, new or known; utterances may overlap, so everything goes by item_id."""
        item_id = string(document.get("item_id")) or ""
        if item_id not in self._items:
            self._items[item_id] = _Item(len(self._items) + 1)
        return self._items[item_id]

    def _buffer(self, kind: str, document: Mapping[str, Any]) -> Iterable[Step]:
        if kind == "speech_started":
            item = self._item(document)
            item.begin_ms = self._timeline.source_ms(milliseconds(document.get("audio_start_ms")))
            yield SpeechStarted(item.begin_ms)
        elif kind == "speech_stopped":
            item = self._item(document)
            item.end_ms = self._timeline.source_ms(milliseconds(document.get("audio_end_ms")))
            yield SpeechStopped(item.end_ms)
        elif kind == "committed" and self._options.manual:
            item = self._item(document)
            # Once an item: some gateways deliver a message twice.
            if self._commits and item.end_ms is None:
                # Our own cut: the sentence lies between these, which is all that is known of it.
                item.begin_ms, item.end_ms = self._commits.popleft()

    def _transcription(self, kind: str, document: Mapping[str, Any]) -> Iterable[Step]:
        item = self._item(document)
        if item.closed:
            return
        if kind in ("text", "delta"):
            text = _text_of(document, "text") + _text_of(document, "stash")
            if text.strip():
                yield PartialResult(_sentence(item, text, document, end_ms=None))
        elif kind == "completed":
            item.closed = True
            text = _text_of(document, "transcript")
            if text.strip():
                yield FinalResult(_sentence(item, text, document, end_ms=item.end_ms))
        elif kind == "failed":
            item.closed = True
            code, message = _fault(document)
            if code in _NO_SPEECH and self._options.manual:
                return
            yield UtteranceFailed(item.index, code, message, item.begin_ms, item.end_ms)

    def _error(self, document: Mapping[str, Any]) -> Iterable[Step]:
        """Before the session stands an error ends it; later ones need not, the vendor does not say: the close tells."""
        code, message = self._last_error = _fault(document)
        if not self._started:
            raise self._refusal(code, message)
        yield Notice(f"the service reports {code}: {message}")

    def _refusal(self, code: str, message: str) -> AsrcliError:
        return service_error(code, message, self.session_id or None, id_of="session")


def session_settings(options: RecognitionOptions) -> dict[str, object]:
    """`session` of session.update: format and rate always, the mode always, everything else only where it was set."""
    # It takes a text in which all terms stand, whoever said them.
    terms = "\n".join(text for turn in options.context for text in turn if text)
    said: dict[str, object] = {"context": terms} if terms else {}
    # It takes one.
    said |= {"languages": options.languages[0]} if options.languages else {}
    fields = session_fields({**said, **options.parameters})
    detection = {"type": "server_vad", **fields.pop("turn_detection", {})}
    return {
        "modalities": ["text"],
        "input_audio_format": options.encoding,
        "sample_rate": options.audio_format.sample_rate_hz,
        "turn_detection": None if options.manual else detection,
        **fields,
        **options.extra,
    }


def _sentence(item: _Item, text: str, document: Mapping[str, Any], *, end_ms: int | None) -> Sentence:
    return Sentence(
        index=item.index,
        text=text,
        begin_ms=item.begin_ms,
        end_ms=end_ms,
        language=string(document.get("language")),
        emotion=string(document.get("emotion")),
    )


def _text_of(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _fault(document: Mapping[str, Any]) -> tuple[str, str]:
    """Code and message of what failed; the parameter that is named belongs to the message.

    They stand in `error`; some gateways put them into `payload`.
    """
    places = [value for value in (document.get("error"), document.get("payload")) if isinstance(value, dict)]
    if not places:
        return "unknown", "no reason given"
    code, message = reported(*places)
    message = message or "no message"
    parameter = string(places[0].get("param"))
    named = f" ({parameter})" if parameter and parameter not in message else ""
    return brief(code or "unknown"), brief(f"{message}{named}")

"""The service's half of the session protocol of Qwen-ASR-Realtime: no socket, thread or recogniser, an injected clock.

    session.created … (session.update → session.updated) … append … (commit) … session.finish → … → session.finished

    VAD mode     speech_started → .text … → speech_stopped → committed → conversation.item.created → .completed
    manual mode  commit → committed → conversation.item.created → .text … → .completed

Sources: the vendor's pages "interaction process", "client events" and "server events" of Qwen-ASR-Realtime and its
guide, of 2026. Whatever breaks the protocol is answered with an error event, and the session goes on; the client
closes it.

Ours, where the vendor is silent: the settings of the recogniser are fixed with the first audio; a commit of more than
60 s (the vendor advises against it) is refused and its audio dropped; audio that cannot be decoded fails its item, or
is an error event where there is none, and the rest of the session hears nothing; with opus, each commit is a stream of
its own; what was not committed when the session is finished is dropped.
"""

from __future__ import annotations

import base64
import enum
import json
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from asrcli.service.protocols.base import (
    Action,
    EndUtterance,
    Feed,
    FinishRecognition,
    Handshake,
    Hangup,
    Limits,
    OpenRecognition,
)
from asrcli.service.protocols.session_events import SessionEvents
from asrcli.service.protocols.session_settings import DECODABLE, SessionSettings, SettingsRefused, knows_model, updated
from asrcli.service.recognizers.base import Failed, Hypothesis, Opened, RecognitionEnded, Result
from asrcli.system.clock import Clock

_LARGEST_APPEND_BYTES = 15 * 1024 * 1024
_LONGEST_COMMIT_S = 60
# What a recognition ends with by the client's fault; anything else is ours.
_NOT_AUDIO = "NO_VALID_AUDIO_ERROR"
_CLIENTS_FAULT, _OUR_FAULT = "invalid_request_error", "server_error"
_LONGEST_REASON_BYTES = 123


class _State(enum.Enum):
    OPEN = "open"
    FINISHING = "being finished"
    FINISHED = "finished"


class Realtime:
    """One connection, which carries one session."""

    path: ClassVar[str] = "/api-ws/v1/realtime"
    # The largest append in base64 and its JSON, and a little more, so that one that is too large can be answered.
    largest_message_bytes: ClassVar[int] = 21 * 1024 * 1024

    def __init__(self, handshake: Handshake, limits: Limits, clock: Clock) -> None:
        self._model = handshake.query.get("model", "")
        self._limits = limits
        self._clock = clock
        self._state = _State.OPEN
        self._settings = SessionSettings()
        self._events = SessionEvents(f"sess_{uuid.uuid4().hex}", self._model)
        self._since = clock.now()  # When audio came last, or what else the client does not owe any for.
        self._listening = False
        self._heard_audio = False
        self._failure: tuple[str, str] | None = None
        # VAD mode: the item of the open utterance. Manual mode: those of the commits that wait for their text, in
        # order, None for one that was refused; and what was heard of the utterance that is not committed yet.
        self._open_item: str | None = None
        self._commits: deque[str | None] = deque()
        self._uncommitted: Hypothesis | None = None
        self._uncommitted_bytes = 0

    def connected(self) -> Iterable[Action]:
        if not knows_model(self._model):
            reason = f"Model not found ({self._model})!".encode()
            yield Hangup(1007, reason[:_LONGEST_REASON_BYTES].decode(errors="ignore"))
            return
        yield self._events.session("created", self._settings)

    def receive(self, message: str | bytes) -> Iterable[Action]:
        """What an event of the client leads to; what it breaks is an error event."""
        event: Mapping[str, Any] = {}
        try:
            event = _parse(message)
            if self._state is not _State.OPEN:
                raise SettingsRefused(f"the session is {self._state.value}: open a new one", parameter="type")
            yield from self._instruction(event)
        except SettingsRefused as error:
            event_id = event.get("event_id")
            yield self._events.error(
                error.code,
                str(error),
                kind=_CLIENTS_FAULT,
                parameter=error.parameter,
                event_id=event_id if isinstance(event_id, str) else None,
            )

    def result(self, result: Result) -> Iterable[Action]:
        match result:
            case Opened():
                pass  # The client need not know: it may send audio at any time.
            case Hypothesis() if self._listening:
                yield from self._committed_heard(result) if self._settings.manual else self._heard(result)
            case RecognitionEnded():
                self._listening = False
                yield self._finished()
            case Failed(code, message):
                yield from self._fail(code, message)

    def deadline(self) -> float | None:
        return self._since + self._limits.session_idle_s

    def idle(self) -> Iterable[Action]:
        if self._state is _State.FINISHING:
            yield from self.busy()
        elif self._clock.now() >= self._since + self._limits.session_idle_s:
            yield Hangup(1011, "Internal server error")

    def busy(self) -> Iterable[Action]:
        self._since = self._clock.now()
        return ()

    # --- what the client says ---------------------------------------------------------------------------------------

    def _instruction(self, event: Mapping[str, Any]) -> Iterable[Action]:
        kind = event["type"]
        if kind == "session.update":
            yield self._update(event.get("session"))
        elif kind == "input_audio_buffer.append":
            yield from self._append(event.get("audio"))
        elif kind == "input_audio_buffer.commit":
            yield from self._commit()
        elif kind == "session.finish":
            self._state = _State.FINISHING
            self._since = self._clock.now()
            yield FinishRecognition() if self._listening else self._finished()
        else:
            raise SettingsRefused(f"unknown event type {kind!r}"[:200], parameter="type")

    def _update(self, session: object) -> Action:
        settings = updated(self._settings, session)
        if self._heard_audio and settings.for_recogniser() != self._settings.for_recogniser():
            raise SettingsRefused(
                "audio format, sample rate and turn detection are fixed with the first audio", parameter="session"
            )
        self._settings = settings
        return self._events.session("updated", self._settings)

    def _append(self, encoded: object) -> Iterable[Action]:
        audio = _decoded(encoded)
        self._since = self._clock.now()
        if not audio or self._failure is not None:
            return
        self._heard_audio = True
        audio_format = self._settings.input_audio_format
        if audio_format not in DECODABLE:
            self._failure = ("invalid_value", f"audio in the format {audio_format} cannot be decoded")
            raise SettingsRefused(self._failure[1], parameter="session.input_audio_format")
        if not self._listening:
            self._listening = True
            yield OpenRecognition(self._settings.for_recogniser(), self._model)
        self._uncommitted_bytes += len(audio)
        yield Feed(audio)

    def _commit(self) -> Iterable[Action]:
        if not self._settings.manual:
            raise SettingsRefused(
                "commit is for manual mode: with turn detection the service ends utterances", parameter="type"
            )
        if self._failure is not None:
            lost = self._events.new_item()
            yield from self._events.committed(lost)
            yield self._events.failed(lost, *self._failure)
            return
        if not self._uncommitted_bytes:
            raise SettingsRefused("there is no audio to commit", parameter="type")
        too_long = self._uncommitted_s() > _LONGEST_COMMIT_S
        item = None if too_long else self._events.new_item()
        heard, self._uncommitted, self._uncommitted_bytes = self._uncommitted, None, 0
        self._commits.append(item)
        if item is not None:
            yield from self._events.committed(item)
            if heard is not None:
                yield from self._text(item, heard)
        yield EndUtterance()
        if too_long:
            message = f"a commit holds {_LONGEST_COMMIT_S} seconds of audio at most; this one was dropped"
            raise SettingsRefused(message, parameter="type", code="input_audio_buffer_too_long")

    def _uncommitted_s(self) -> float:
        """How long the audio is that waits for its commit; 0 for opus, whose bytes do not tell."""
        is_pcm = self._settings.input_audio_format == "pcm"
        return self._uncommitted_bytes / 2 / self._settings.sample_rate if is_pcm else 0

    # --- what the recogniser says -----------------------------------------------------------------------------------

    def _heard(self, hypothesis: Hypothesis) -> Iterable[Action]:
        """VAD mode."""
        if self._open_item is None:
            self._open_item = self._events.new_item()
            yield self._events.speech_started(self._open_item, hypothesis.begin_ms)
        item = self._open_item
        if not hypothesis.final:
            yield from self._text(item, hypothesis)
            return
        self._open_item = None
        yield self._events.speech_stopped(item, hypothesis.end_ms)
        yield from self._events.committed(item)
        yield self._completed(item, hypothesis)

    def _committed_heard(self, hypothesis: Hypothesis) -> Iterable[Action]:
        """Manual mode: nothing is shown of an utterance before its commit."""
        if not self._commits:
            self._uncommitted = hypothesis
            return
        item = self._commits.popleft() if hypothesis.final else self._commits[0]
        if item is None:
            return
        if hypothesis.final:
            yield self._completed(item, hypothesis)
        else:
            yield from self._text(item, hypothesis)

    def _fail(self, code: str, message: str) -> Iterable[Action]:
        self._listening = False
        if code != _NOT_AUDIO:
            yield self._events.error(code, message, kind=_OUR_FAULT)
            yield Hangup(1011, "Internal server error")
            return
        self._failure = (code, message)
        items = [item for item in (self._open_item, *self._commits) if item is not None]
        yield from (self._events.failed(item, code, message) for item in items)
        if not items:
            yield self._events.error(code, message, kind=_CLIENTS_FAULT)
        self._open_item = None
        self._commits.clear()
        if self._state is _State.FINISHING:
            yield self._finished()

    def _text(self, item: str, hypothesis: Hypothesis) -> Iterable[Action]:
        if hypothesis.text:
            yield self._events.text(item, hypothesis, self._settings.language)

    def _completed(self, item: str, hypothesis: Hypothesis) -> Action:
        return self._events.completed(item, hypothesis.text, self._settings.language)

    def _finished(self) -> Action:
        self._state = _State.FINISHED
        self._since = self._clock.now()
        return self._events.finished()


def _parse(message: str | bytes) -> Mapping[str, Any]:
    """The client's event; it has a type."""
    if isinstance(message, bytes):
        raise SettingsRefused("binary messages are not part of this protocol: send audio as base64 in an append event")
    try:
        document = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise SettingsRefused("the message is not valid JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        raise SettingsRefused("an event must be an object with a type", parameter="type")
    return document


def _decoded(encoded: object) -> bytes:
    if not isinstance(encoded, str):
        raise SettingsRefused("audio must be a base64 string", parameter="audio")
    # Three bytes are four characters.
    if len(encoded) > _LARGEST_APPEND_BYTES // 3 * 4:
        raise SettingsRefused(f"an append holds {_LARGEST_APPEND_BYTES} bytes of audio at most", parameter="audio")
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise SettingsRefused("audio is not valid base64", parameter="audio") from error

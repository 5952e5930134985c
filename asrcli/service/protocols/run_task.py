"""The service's half of the run-task protocol. No socket, thread or recogniser here; the clock is injected.

    run-task → task-started → binary audio … (continue-task) … finish-task → result-generated … → task-finished

Sources: the vendor's Fun-ASR, Paraformer and Qwen-Audio-ASR pages "WebSocket API", "client events" and "server
events", its samples and its error code page, all of 2026. Whatever breaks the protocol is answered with task-failed,
and a connection whose task failed is closed.

The samples take more liberties than the pages allow, and what they do is good here: audio, and even finish-task, that
comes before task-started (the Java SDK does not wait for it), a finish-task that bears another task id and an empty
list for an empty object (PHP), parameters without a format (Node.js).
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from asrcli.service.protocols.base import (
    Action,
    ChangeContext,
    Feed,
    FinishRecognition,
    Handshake,
    Hangup,
    Limits,
    OpenRecognition,
)
from asrcli.service.protocols.parameters import ParameterError, context_in_force, only_realtime, settings_of, those_set
from asrcli.service.protocols.task_events import TaskEvents
from asrcli.service.recognizers.base import Failed, Hypothesis, Opened, RecognitionEnded, Result
from asrcli.system.clock import Clock

_TASK_KIND = {"task_group": "audio", "task": "asr", "function": "recognition"}


class _State(enum.Enum):
    IDLE = "no task"
    STARTING = "run-task was received, task-started not yet sent"
    RUNNING = "task-started was sent"
    FINISHING = "finish-task was received"


class _TaskError(Exception):
    """Fails the task with one of the vendor's codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RunTask:
    """One connection, which carries one task after another, each with a task id of its own."""

    path: ClassVar[str] = "/api-ws/v1/inference"
    # The advice is 16 KB of audio at most.
    largest_message_bytes: ClassVar[int] = 1024 * 1024

    def __init__(self, handshake: Handshake, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._words_for = handshake.words_for
        self._state = _State.IDLE
        self._used_task_ids: set[str] = set()
        self._model = ""
        self._events = TaskEvents("")
        self._started = self._keeps_alive = False
        self._since = clock.now()  # When the wait of the current state began: for a task, for audio.
        self._spoke_at = self._since
        self._heartbeat_at = self._since
        # How much sound came since somebody spoke, and what a second of it is; None where bytes do not tell.
        self._quiet_bytes = 0
        self._bytes_per_s: int | None = None

    def connected(self) -> Iterable[Action]:
        return ()

    def receive(self, message: str | bytes) -> Iterable[Action]:
        """What a message of the client leads to; what it breaks fails the task."""
        try:
            if isinstance(message, bytes):
                yield self._audio(message)
            else:
                yield from self._instruction(message)
        except (_TaskError, ParameterError) as error:
            yield from self._fail(error.code, str(error))

    def result(self, result: Result) -> Iterable[Action]:
        """What the recogniser's `result` leads to."""
        match result:
            case Opened():
                if self._state is _State.STARTING:
                    self._state = _State.RUNNING
                self._started = True
                self._nobody_owes()
                self._heartbeat_at = self._since
                yield self._events.started()
            case Hypothesis():
                self._spoke_at = self._heartbeat_at = self._clock.now()
                self._quiet_bytes = 0
                yield from self._events.sentence(result)
            case RecognitionEnded(heard_ms):
                self._state = _State.IDLE
                self._started = False
                self._since = self._clock.now()
                yield self._events.finished(heard_ms)
            case Failed(code, message):
                yield from self._fail(code, message)

    def deadline(self) -> float | None:
        # While a task starts or finishes the client owes nothing; the moment given then is that of the state which
        # follows, if it followed now, so that a result never brings it nearer.
        if self._state is _State.IDLE:
            return self._since + self._limits.idle_s
        if self._state is _State.FINISHING:
            idle_at = self._since + self._limits.idle_s
            return min(idle_at, self._silence_deadline()) if self._keeps_alive else idle_at
        return min(self._since + self._limits.no_audio_s, self._silence_deadline())

    def idle(self) -> Iterable[Action]:
        """The deadline has passed: what the client's or the speaker's silence leads to."""
        now = self._clock.now()
        if self._state is _State.FINISHING or self._state is _State.STARTING:
            yield from self.busy()
        elif self._state is _State.IDLE:
            if now >= self._since + self._limits.idle_s:
                yield Hangup(1000, f"no task for {self._limits.idle_s:g} seconds")
        elif now >= self._since + self._limits.no_audio_s:
            yield from self._fail("CLIENT_ERROR", f"request timeout after {self._limits.no_audio_s:g} seconds.")
        elif now >= self._silence_deadline():
            if self._keeps_alive:
                yield from self._heartbeat()
            elif (quiet_s := self._quiet_s()) < self._limits.silence_s:
                # A client may send its sound at a third of its pace: what lasts a minute is the silence in it.
                self._spoke_at = now - quiet_s
            else:
                yield from self._fail("ResponseTimeout", "Response timeout!")

    def busy(self) -> Iterable[Action]:
        self._nobody_owes()
        if self._keeps_alive and self._clock.now() >= self._silence_deadline():
            yield from self._heartbeat()

    def _heartbeat(self) -> Iterable[Action]:
        self._heartbeat_at = self._clock.now()
        # The first word of a task is task-started, which may come after finish-task; its last is task-finished.
        if self._started:
            yield self._events.heartbeat()

    def _nobody_owes(self) -> None:
        self._since = self._spoke_at = self._clock.now()
        self._quiet_bytes = 0

    def _silence_deadline(self) -> float:
        if self._keeps_alive:
            return self._heartbeat_at + self._limits.heartbeat_s
        return self._spoke_at + self._limits.silence_s

    def _quiet_s(self) -> float:
        return math.inf if self._bytes_per_s is None else self._quiet_bytes / self._bytes_per_s

    # --- what the client says ---------------------------------------------------------------------------------------

    def _audio(self, audio: bytes) -> Action:
        if self._state is not _State.RUNNING and self._state is not _State.STARTING:
            raise _TaskError("InvalidParameter", f"audio is only welcome in a running task; now: {self._state.value}")
        if len(audio) > self._limits.audio_message_bytes:
            raise _TaskError("InvalidParameter", f"decoded text message too big: {len(audio)} bytes of audio at once")
        self._since = self._clock.now()
        self._quiet_bytes += len(audio)
        return Feed(audio)

    def _instruction(self, message: str) -> Iterable[Action]:
        header, payload = _parse(message)
        task_id, action = header.get("task_id"), header.get("action")
        if not isinstance(task_id, str) or not task_id:
            raise _TaskError("InvalidParameter", "Missing required parameter 'header.task_id'!")
        if self._state is _State.IDLE:
            self._events = TaskEvents(task_id)
        if action == "run-task":
            yield self._run(task_id, header, payload)
        elif action == "continue-task":
            self._check_running(action)
            if task_id != self._events.task_id:
                raise _TaskError("InvalidParameter", f"{action} for another task_id than that of the running task")
            context = _context(self._model, payload)
            if context is not None:
                yield ChangeContext(context)
        elif action == "finish-task":
            self._check_running(action)
            _input(payload)
            self._state = _State.FINISHING
            self._since = self._clock.now()
            yield FinishRecognition()
        else:
            raise _TaskError("InvalidParameter", f"unknown action {action!r}"[:200])

    def _run(self, task_id: str, header: Mapping[str, Any], payload: Mapping[str, Any]) -> Action:
        if self._state is not _State.IDLE:
            raise _TaskError("InvalidParameter", f"run-task while task {self._events.task_id} is not finished")
        if task_id in self._used_task_ids:
            raise _TaskError("InvalidParameter", "this task_id was used on this connection before")
        self._used_task_ids.add(task_id)
        if header.get("streaming", "duplex") != "duplex":
            raise _TaskError("InvalidParameter", "header.streaming must be 'duplex'")
        _check_kind(payload)
        model = payload.get("model")
        if not isinstance(model, str) or not model:
            raise _TaskError(
                "InvalidParameter", "Missing required parameter 'payload.model'! Please follow the protocol!"
            )
        if only_realtime(model):
            raise _TaskError("ModelNotFound", f"Model not found ({model})!")
        given = {} if payload.get("parameters") is None else _object(payload["parameters"])
        if given is None:
            raise _TaskError("InvalidParameter", "'payload.parameters' must be an object")
        context = _context(model, payload)
        parameters = those_set(model, given)
        settings = settings_of(parameters, self._listed(model, parameters), context or "")
        self._model = model
        self._events = TaskEvents(task_id, model, parameters)
        self._started, self._keeps_alive = False, parameters.get("heartbeat", False)
        self._bytes_per_s = 2 * settings.sample_rate_hz if settings.audio_format in ("pcm", "wav") else None
        self._state = _State.STARTING
        self._nobody_owes()
        self._heartbeat_at = self._since
        return OpenRecognition(settings, model)

    def _listed(self, model: str, parameters: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """The words of the list that the parameters name."""
        list_id = parameters.get("vocabulary_id")
        if not list_id or self._words_for is None:
            return ()
        words = self._words_for(list_id, model)
        if words is None:
            raise _TaskError("BadRequest.ResourceNotExist", f"The vocabulary does not exist: {list_id}"[:200])
        return words

    def _check_running(self, action: str) -> None:
        if self._state is not _State.RUNNING and self._state is not _State.STARTING:
            raise _TaskError("InvalidParameter", f"{action} without a running task; now: {self._state.value}")

    def _fail(self, code: str, message: str) -> Iterable[Action]:
        yield self._events.failed(code, message)
        yield Hangup()


def _parse(message: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        document = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise _TaskError("InvalidParameter", "the message is not valid JSON") from error
    header = document.get("header") if isinstance(document, dict) else None
    if not isinstance(header, dict):
        raise _TaskError("InvalidParameter", "the message has no header")
    payload = document.get("payload")
    if not isinstance(payload, dict):
        raise _TaskError("InvalidParameter", "Invalid payload data")
    return header, payload


def _object(value: object) -> dict[str, Any] | None:
    """An object; None where `value` is none. PHP writes an empty one as an empty list."""
    if isinstance(value, dict):
        return value
    return {} if value == [] else None


def _input(payload: Mapping[str, Any]) -> dict[str, Any]:
    value = _object(payload.get("input"))
    if value is None:
        raise _TaskError("InvalidParameter", "Invalid payload data")
    return value


def _context(model: str, payload: Mapping[str, Any]) -> str | None:
    """What the input says is spoken of; None where it does not say."""
    context = _input(payload).get("context")
    return None if context is None else context_in_force(model, context)


def _check_kind(payload: Mapping[str, Any]) -> None:
    for name, expected in _TASK_KIND.items():
        value = payload.get(name)
        if value is None:
            raise _TaskError("InvalidParameter", f"{name} can not be null")
        if value != expected:
            raise _TaskError("InvalidParameter", f"{name} must be '{expected}'")

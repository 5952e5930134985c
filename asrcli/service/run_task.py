"""The service's half of the run-task protocol. No socket, thread or recogniser here; the clock is injected.

    run-task → task-started → binary audio … (continue-task) … finish-task → result-generated … → task-finished

Sources: the vendor's Fun-ASR, Paraformer and Qwen-Audio-ASR pages "WebSocket API", "client events" and "server
events", and its error code page, all of 2026. Whatever breaks the protocol is answered with task-failed, and a
connection whose task failed is closed.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from asrcli.service.base import Action, Feed, FinishRecognition, Handshake, Hangup, Limits, OpenRecognition, Reply
from asrcli.service.parameters import (
    ParameterError,
    check_context,
    check_parameters,
    only_realtime,
    reports_tokens,
    settings_of,
    shows_partials,
)
from asrcli.service.recognizer import Ended, Failed, HeardWord, Hypothesis, Opened, Result
from asrcli.timing import Clock

# "About 25 tokens per second of audio" (model card of Qwen-Audio 3.1).
_TOKENS_PER_AUDIO_S = 25
# json.dumps makes an encoder for each call that has options.
_to_json = json.JSONEncoder(ensure_ascii=False).encode
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
        self._state = _State.IDLE
        self._task_id = ""
        self._used_task_ids: set[str] = set()
        self._model = ""
        self._parameters: Mapping[str, Any] = {}
        self._sentences = 0
        self._sentence_open = False
        self._words_said = 0
        self._since = clock.now()  # When the wait of the current state began: for a task, for audio.
        self._spoke_at = self._since
        self._heartbeat_at = self._since

    def connected(self) -> Iterable[Action]:
        return ()

    def receive(self, message: str | bytes) -> Iterable[Action]:
        """What a message of the client leads to; what it breaks fails the task."""
        try:
            if isinstance(message, bytes):
                yield self._audio(message)
            else:
                yield from self._instruction(message)
        except _TaskError as error:
            yield from self._fail(error.code, str(error))
        except ParameterError as error:
            yield from self._fail(error.code, str(error))

    def result(self, result: Result) -> Iterable[Action]:
        """What the recogniser's `result` leads to."""
        match result:
            case Opened():
                self._state = _State.RUNNING
                self._since = self._spoke_at = self._heartbeat_at = self._clock.now()
                yield self._event("task-started", {})
            case Hypothesis():
                self._spoke_at = self._heartbeat_at = self._clock.now()
                yield from self._sentence(result)
            case Ended(heard_ms):
                self._state = _State.IDLE
                self._since = self._clock.now()
                usage = self._usage(heard_ms) if reports_tokens(self._model) else None
                yield self._event("task-finished", {"output": {}, "usage": usage})
            case Failed(code, message):
                yield from self._fail(code, message)

    def deadline(self) -> float | None:
        # While a task starts or finishes the client owes nothing; the moment given then is that of the state which
        # follows, if it followed now, so that a result never brings it nearer.
        if self._state is _State.IDLE or self._state is _State.FINISHING:
            return self._since + self._limits.idle_s
        return min(self._since + self._limits.no_audio_s, self._silence_deadline())

    def idle(self) -> Iterable[Action]:
        """The deadline has passed: what the client's or the speaker's silence leads to."""
        now = self._clock.now()
        if self._state is _State.FINISHING or self._state is _State.STARTING:
            self._since = self._spoke_at = self._heartbeat_at = now
        elif self._state is _State.IDLE:
            if now >= self._since + self._limits.idle_s:
                yield Hangup(1000, f"no task for {self._limits.idle_s:g} seconds")
        elif now >= self._since + self._limits.no_audio_s:
            yield from self._fail("CLIENT_ERROR", f"request timeout after {self._limits.no_audio_s:g} seconds.")
        elif now >= self._silence_deadline():
            if self._keeps_alive():
                self._heartbeat_at = now
                yield self._event("result-generated", {"output": {"sentence": _HEARTBEAT}, "usage": None})
            else:
                yield from self._fail("ResponseTimeout", "Response timeout!")

    def _keeps_alive(self) -> bool:
        return bool(self._parameters.get("heartbeat", False))

    def _silence_deadline(self) -> float:
        if self._keeps_alive():
            return self._heartbeat_at + self._limits.heartbeat_s
        return self._spoke_at + self._limits.silence_s

    # --- what the client says ---------------------------------------------------------------------------------------

    def _audio(self, audio: bytes) -> Action:
        if self._state is not _State.RUNNING:
            raise _TaskError("InvalidParameter", f"audio is only welcome in a running task; now: {self._state.value}")
        if len(audio) > self._limits.audio_message_bytes:
            raise _TaskError("InvalidParameter", f"decoded text message too big: {len(audio)} bytes of audio at once")
        self._since = self._clock.now()
        return Feed(audio)

    def _instruction(self, message: str) -> Iterable[Action]:
        header, payload = _parse(message)
        task_id, action = header.get("task_id"), header.get("action")
        if not isinstance(task_id, str) or not task_id:
            raise _TaskError("InvalidParameter", "Missing required parameter 'header.task_id'!")
        if self._state is _State.IDLE:
            self._task_id = task_id
        if action == "run-task":
            yield self._run(task_id, header, payload)
        elif action == "continue-task":
            self._check_running(task_id, action)
            if "context" in _input(payload):
                check_context(_input(payload)["context"])
        elif action == "finish-task":
            self._check_running(task_id, action)
            _input(payload)
            self._state = _State.FINISHING
            self._since = self._clock.now()
            yield FinishRecognition()
        else:
            raise _TaskError("InvalidParameter", f"unknown action {action!r}"[:200])

    def _run(self, task_id: str, header: Mapping[str, Any], payload: Mapping[str, Any]) -> Action:
        if self._state is not _State.IDLE:
            raise _TaskError("InvalidParameter", f"run-task while task {self._task_id} is not finished")
        if task_id in self._used_task_ids:
            raise _TaskError("InvalidParameter", "this task_id was used on this connection before")
        self._used_task_ids.add(task_id)
        if header.get("streaming", "duplex") != "duplex":
            raise _TaskError("InvalidParameter", "header.streaming must be 'duplex'")
        _check_kind(payload)
        model, parameters = payload.get("model"), payload.get("parameters", {})
        if not isinstance(model, str) or not model:
            raise _TaskError(
                "InvalidParameter", "Missing required parameter 'payload.model'! Please follow the protocol!"
            )
        if only_realtime(model):
            raise _TaskError("ModelNotFound", f"Model not found ({model})!")
        if not isinstance(parameters, dict):
            raise _TaskError("InvalidParameter", "'payload.parameters' must be an object")
        if "context" in _input(payload):
            check_context(_input(payload)["context"])
        check_parameters(model, parameters)
        self._model, self._parameters = model, parameters
        self._sentences, self._sentence_open, self._words_said = 0, False, 0
        self._state = _State.STARTING
        self._since = self._spoke_at = self._heartbeat_at = self._clock.now()
        return OpenRecognition(settings_of(parameters))

    def _check_running(self, task_id: str, action: str) -> None:
        if self._state is not _State.RUNNING:
            raise _TaskError("InvalidParameter", f"{action} without a running task; now: {self._state.value}")
        if task_id != self._task_id:
            raise _TaskError("InvalidParameter", f"{action} for another task_id than that of the running task")

    # --- what the service says --------------------------------------------------------------------------------------

    def _event(self, event: str, payload: Mapping[str, object], **more: str) -> Reply:
        header = {"task_id": self._task_id, "event": event, **more, "attributes": {}}
        # The client's task id is echoed, and JSON may hold half a surrogate pair, which UTF-8 cannot.
        text = _to_json({"header": header, "payload": payload})
        return Reply(text.encode(errors="replace").decode())

    def _fail(self, code: str, message: str) -> Iterable[Action]:
        yield self._event("task-failed", {}, error_code=code, error_message=message)
        yield Hangup()

    def _sentence(self, hypothesis: Hypothesis) -> Iterable[Action]:
        if not hypothesis.text and not self._sentence_open:
            return  # Speech without a word yet, or a noise that never became one.
        if not hypothesis.final and not shows_partials(self._model, self._parameters):
            return
        begins = not self._sentence_open
        self._sentences += begins
        self._sentence_open = not hypothesis.final
        self._words_said += len(hypothesis.words) if hypothesis.final else 0
        sentence = {
            "sentence_id": self._sentences,
            "begin_time": hypothesis.begin_ms,
            # The key is there in every result: the vendor's SDK loses its worker thread without it.
            "end_time": hypothesis.end_ms if hypothesis.final else None,
            "text": hypothesis.text,
            "heartbeat": False,
            "sentence_begin": begins,
            "sentence_end": hypothesis.final,
            "channel_id": 0,
            "words": [_word(word, fixed=hypothesis.final) for word in hypothesis.words],
        }
        usage = self._usage(hypothesis.heard_ms) if hypothesis.final else None
        yield self._event("result-generated", {"output": {"sentence": sentence}, "usage": usage})

    def _usage(self, heard_ms: int) -> dict[str, int]:
        """What is billed for the task so far: begun seconds, and tokens where the model counts them."""
        usage = {"duration": -(-heard_ms // 1000)}
        if reports_tokens(self._model):
            input_tokens = usage["duration"] * _TOKENS_PER_AUDIO_S
            usage |= {"input_tokens": input_tokens, "output_tokens": self._words_said}
            usage["total_tokens"] = input_tokens + self._words_said
        return usage


_HEARTBEAT: Mapping[str, object] = {
    "sentence_id": 0,
    "begin_time": 0,
    "end_time": None,
    "text": "",
    "heartbeat": True,
    "sentence_begin": False,
    "sentence_end": False,
    "channel_id": 0,
    "words": [],
}


def _word(word: HeardWord, *, fixed: bool) -> dict[str, object]:
    return {
        "begin_time": word.begin_ms,
        "end_time": word.end_ms,
        "text": word.text,
        "punctuation": word.punctuation,
        "fixed": fixed,
    }


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


def _input(payload: Mapping[str, Any]) -> dict[str, Any]:
    value = payload.get("input")
    if not isinstance(value, dict):
        raise _TaskError("InvalidParameter", "Invalid payload data")
    return value


def _check_kind(payload: Mapping[str, Any]) -> None:
    for name, expected in _TASK_KIND.items():
        value = payload.get(name)
        if value is None:
            raise _TaskError("InvalidParameter", f"{name} can not be null")
        if value != expected:
            raise _TaskError("InvalidParameter", f"{name} must be '{expected}'")

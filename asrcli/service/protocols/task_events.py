"""The events that the service sends in a run-task connection: their fields, not their order.

Sources: the vendor's Fun-ASR, Paraformer and Qwen-Audio-ASR pages "server events" of 2026. The emotion is a constant,
because the recogniser cannot tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from asrcli.service.protocols.base import Reply
from asrcli.service.protocols.parameters import reports_tokens, shows_emotions, shows_partials
from asrcli.service.protocols.word_filter import filter_of
from asrcli.service.recognizers.base import HeardWord, Hypothesis

# "About 25 tokens per second of audio" (model card of Qwen-Audio 3.1).
_TOKENS_PER_AUDIO_S = 25
_EMOTION = {"emo_tag": "neutral", "emo_confidence": 0.5}
# json.dumps makes an encoder for each call that has options.
_to_json = json.JSONEncoder(ensure_ascii=False).encode


class TaskEvents:
    """The events of one task; it counts the sentences and what is billed."""

    def __init__(self, task_id: str, model: str = "", parameters: Mapping[str, Any] | None = None) -> None:
        self.task_id = task_id
        self._model = model
        self._shows_partials = shows_partials(model, parameters or {})
        self._shows_emotions = shows_emotions(model, parameters or {})
        self._filter = filter_of(parameters or {})
        self._sentences = 0
        self._sentence_open = False
        self._words_said = 0

    def started(self) -> Reply:
        return self._event("task-started", {})

    def finished(self, heard_ms: int) -> Reply:
        usage = self._usage(heard_ms) if reports_tokens(self._model) else None
        return self._event("task-finished", {"output": {}, "usage": usage})

    def failed(self, code: str, message: str) -> Reply:
        reply = self._event("task-failed", {}, error_code=code, error_message=message)
        return replace(reply, failure=f"{code}: {message}")

    def heartbeat(self) -> Reply:
        return self._event("result-generated", {"output": {"sentence": _HEARTBEAT}, "usage": None})

    def sentence(self, hypothesis: Hypothesis) -> Iterator[Reply]:
        """The result for `hypothesis`, where there is one to tell."""
        if self._filter is not None:
            hypothesis = self._filter(hypothesis)
        if not hypothesis.text and not self._sentence_open:
            return  # Speech without a word yet, or a noise that never became one.
        if not hypothesis.final and not self._shows_partials:
            return
        begins = not self._sentence_open
        self._sentences += begins
        self._sentence_open = not hypothesis.final
        self._words_said += len(hypothesis.words) if hypothesis.final else 0
        sentence: dict[str, object] = {
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
        if hypothesis.final and self._shows_emotions:
            sentence |= _EMOTION
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

    def _event(self, event: str, payload: Mapping[str, object], **more: str) -> Reply:
        header = {"task_id": self.task_id, "event": event, **more, "attributes": {}}
        # The client's task id is echoed, and JSON may hold half a surrogate pair, which UTF-8 cannot.
        text = _to_json({"header": header, "payload": payload})
        return Reply(text.encode(errors="replace").decode())


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

"""The events that the service sends in a session of Qwen-ASR-Realtime: their fields and their numbers, not their order.

Source: the vendor's page "server events" of Qwen-ASR-Realtime, 2026. Emotion and language are constants, because the
recogniser cannot tell: "neutral", and the language that was set or "en".
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace

from asrcli.service.protocols.base import Reply
from asrcli.service.protocols.session_settings import SessionSettings
from asrcli.service.recognizers.base import Hypothesis

EMOTION = "neutral"
LANGUAGE = "en"

_TRANSCRIPTION = "conversation.item.input_audio_transcription."
# The words at the end of a hypothesis that are most likely to change.
_STASH_WORDS = 2


class SessionEvents:
    """One session's events; it counts them and its items, and remembers the item before."""

    def __init__(self, session_id: str, model: str) -> None:
        self._session_id = session_id
        self._model = model
        self._event_numbers = itertools.count(1)
        self._item_numbers = itertools.count(1)
        self._previous_item: str | None = None

    def new_item(self) -> str:
        """An id that no other item of the session has."""
        return f"item_{next(self._item_numbers)}"

    def session(self, kind: str, settings: SessionSettings) -> Reply:
        """session.created or session.updated, with the values in force."""
        described = {"id": self._session_id, "object": "realtime.session", "model": self._model}
        return self._event(f"session.{kind}", session=described | settings.described())

    def finished(self) -> Reply:
        return self._event("session.finished")

    def speech_started(self, item: str, at_ms: int) -> Reply:
        return self._event("input_audio_buffer.speech_started", audio_start_ms=at_ms, item_id=item)

    def speech_stopped(self, item: str, at_ms: int | None) -> Reply:
        return self._event("input_audio_buffer.speech_stopped", audio_end_ms=at_ms, item_id=item)

    def committed(self, item: str) -> Iterator[Reply]:
        """The audio of `item` is complete, and the item is there."""
        previous, self._previous_item = self._previous_item, item
        yield self._event("input_audio_buffer.committed", previous_item_id=previous, item_id=item)
        described = {
            "id": item,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        yield self._event("conversation.item.created", previous_item_id=previous, item=described)

    def text(self, item: str, hypothesis: Hypothesis, language: str | None) -> Reply:
        """What is heard so far: `text` is settled, `stash` may change."""
        text, stash = parted(hypothesis)
        return self._transcribed("text", item, language, text=text, stash=stash)

    def completed(self, item: str, transcript: str, language: str | None) -> Reply:
        return self._transcribed("completed", item, language, transcript=transcript)

    def failed(self, item: str, code: str, message: str) -> Reply:
        error = {"code": code, "message": message, "param": None}
        reply = self._event(f"{_TRANSCRIPTION}failed", item_id=item, content_index=0, error=error)
        return replace(reply, failure=f"{code}: {message}")

    def error(
        self, code: str, message: str, *, kind: str, parameter: str | None = None, event_id: str | None = None
    ) -> Reply:
        """`event_id` is that of the client's event which is at fault."""
        error = {"type": kind, "code": code, "message": message, "param": parameter, "event_id": event_id}
        return replace(self._event("error", error=error), failure=f"{code}: {message}")

    def _transcribed(self, kind: str, item: str, language: str | None, **text: str) -> Reply:
        heard = {"language": language or LANGUAGE, "emotion": EMOTION}
        return self._event(_TRANSCRIPTION + kind, item_id=item, content_index=0, **heard, **text)

    def _event(self, kind: str, **fields: object) -> Reply:
        document = {"event_id": f"event_{next(self._event_numbers)}", "type": kind, **fields}
        # What the client said is echoed, and JSON may hold half a surrogate pair, which UTF-8 cannot.
        return Reply(json.dumps(document, ensure_ascii=False).encode(errors="replace").decode())


def parted(hypothesis: Hypothesis) -> tuple[str, str]:
    """The text of a hypothesis, parted before its last words; the space between belongs to the second part."""
    text = hypothesis.text
    at = len(text)
    for word in reversed(hypothesis.words[-_STASH_WORDS:]):
        at = max(text.rfind(word.text, 0, at), 0)
    settled = text[:at].rstrip()
    return settled, text[len(settled) :]

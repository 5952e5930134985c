"""A client of the session protocol for tests: the events it sends, and a connection that reads to one of a type."""

from __future__ import annotations

import base64
from typing import Any

from tests.service.client import Client

MODEL = "qwen3-asr-flash-realtime"
PATH = f"/api-ws/v1/realtime?model={MODEL}"
TRANSCRIPTION = "conversation.item.input_audio_transcription."


def update(**session: object) -> dict[str, Any]:
    return {"event_id": "event_update", "type": "session.update", "session": session}


def append(pcm: bytes) -> dict[str, Any]:
    encoded = base64.b64encode(pcm).decode()
    return {"event_id": "event_append", "type": "input_audio_buffer.append", "audio": encoded}


def commit() -> dict[str, Any]:
    return {"event_id": "event_commit", "type": "input_audio_buffer.commit"}


def finish() -> dict[str, Any]:
    return {"event_id": "event_finish", "type": "session.finish"}


class SessionClient(Client):
    """One connection."""

    def __init__(self, url: str, *, path: str = PATH, **more: Any) -> None:
        super().__init__(url, path=path, **more)

    def hear_until(self, event: str) -> dict[str, Any]:
        """Read on until an event whose type ends so comes."""
        while (message := self.hear()) is not None:
            if message["type"].endswith(event):
                return message
        raise AssertionError(
            f"closed with {self.close_code} {self.close_reason!r} before {event}; heard {self.kinds()}"
        )

    def append(self, pcm: bytes, chunk: int = 3200) -> None:
        for start in range(0, len(pcm), chunk):
            self.say(append(pcm[start : start + chunk]))

    def kinds(self) -> list[str]:
        """The types of all events so far, with their last part only."""
        return [message["type"].removeprefix(TRANSCRIPTION) for message in self.seen]

    def transcripts(self) -> list[str]:
        return [message["transcript"] for message in self.seen if message["type"].endswith(".completed")]

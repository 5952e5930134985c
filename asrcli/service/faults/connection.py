"""A connection that misbehaves as its faults say: where `asrcli serve --fault` acts, except for `delay` and `refuse`.

It stands between a connection and the conversation over it and knows no protocol, except where a client names its
sample rate, where audio stands in a message, and which results are partial. Everything happens on the loop's thread.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from asrcli.service.faults.kinds import (
    Close,
    Deaf,
    Deed,
    Drop,
    Duplicate,
    Fail,
    Fault,
    Fragment,
    Garbage,
    Reorder,
    Reset,
    Stall,
)
from asrcli.service.hearing.decoding import AudioDecoder, open_decoder
from asrcli.service.protocols.conversation import Conversation
from asrcli.service.recognizers.base import RecognitionError, RecognitionSettings
from asrcli.service.wire.fair_loop import Share
from asrcli.service.wire.websocket import WebSocket

GARBAGE = "<html><body>upstream connect error</body></html>"
_Lasting = TypeVar("_Lasting", Duplicate, Reorder, Fragment)


class FaultyConnection:
    """The connection as the conversation sees it, and the conversation as the connection sees it."""

    def __init__(self, connection: WebSocket, faults: Sequence[Fault], chance: Random, loop: Share) -> None:
        self.conversation: Conversation
        """Set before anything is received."""
        self._connection = connection
        self._chance = chance
        self._loop = loop
        self._meter = _AudioMeter()
        self._sent = 0
        self._silent = False
        self._failure: Fail | None = None
        self._held: str | None = None
        self._to_come = [fault for fault in faults if not isinstance(fault.deed, Duplicate | Reorder | Fragment)]
        self._duplicate = _lasting(faults, Duplicate)
        self._reorder = _lasting(faults, Reorder)
        self._split = _lasting(faults, Fragment) is not None

    # --- to the conversation ----------------------------------------------------------------------------------------

    def opened(self) -> None:
        self._act()
        self.conversation.opened()

    def received(self, message: str | bytes) -> None:
        self._meter.add(message)
        self._act()
        if self._failure is None:
            self.conversation.received(message)

    def closed(self) -> None:
        self.conversation.closed()

    # --- to the connection ------------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Send `text`, or do to it what the faults say."""
        for each in self._order(text):
            if self._silent:
                return
            self._deliver(each)
            self._sent += 1
            self._act()

    def close(self, code: int, reason: str) -> None:
        self._silent = True
        self._connection.close(code, reason)

    def hold(self) -> None:
        self._connection.hold()

    def go_on(self) -> None:
        self._connection.go_on()

    def show_life(self) -> None:
        self._connection.show_life()

    def read_once(self) -> None:
        self._connection.read_once()

    def _order(self, text: str) -> Sequence[str]:
        """What is to be sent now in place of `text`: it may be held back, sent twice, or bring along another."""
        if self._reorder is not None and self._held is None and is_partial(text) and self._hits(self._reorder):
            self._held = text
            return ()
        once = [text, text] if self._duplicate is not None and self._hits(self._duplicate) else [text]
        held, self._held = self._held, None
        return once if held is None else [*once, held]

    def _hits(self, fault: Duplicate | Reorder) -> bool:
        return self._chance.random() < fault.probability

    def _deliver(self, text: str) -> None:
        data = text.encode()
        if self._split and len(data) >= 3:
            third = len(data) // 3
            self._connection.send_fragments([data[:third], data[third : 2 * third], data[2 * third :]])
        else:
            self._connection.send(text)

    # --- what happens at a moment -----------------------------------------------------------------------------------

    def _act(self) -> None:
        """Do what is due."""
        if not self._to_come:
            return
        due = [fault for fault in self._to_come if self._is_due(fault)]
        for fault in due:
            self._to_come.remove(fault)
            self._do(fault.deed)

    def _is_due(self, fault: Fault) -> bool:
        return self._meter.seconds >= fault.at.audio_s and self._sent >= fault.at.messages

    def _do(self, deed: Deed) -> None:
        match deed:
            case Close(code, reason):
                self.close(code, reason)
            case Reset() | Drop():
                self._silent = True
                self._connection.reset()
            case Stall():
                self._silent = True
            case Deaf():
                self._connection.deafen()
            case Garbage():
                if not self._silent:
                    self._deliver(GARBAGE)
            case Fail():
                self._failure = deed
                # The conversation may be in the middle of saying something.
                self._loop.call(self._fail)

    def _fail(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            self.conversation.fail(failure.code, failure.message)


class _AudioMeter:
    """Counts the seconds of audio in a client's messages, in the format and at the rate that the client names."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._settings = RecognitionSettings()
        # Of what has no samples to count it takes a second decoder to know how long it is.
        self._decoder: AudioDecoder | None = None

    def add(self, message: str | bytes) -> None:
        """Count the audio that `message` of the client carries, in either protocol."""
        if isinstance(message, bytes):
            self._hear(message)
            return
        document = _object(message)
        if isinstance(audio := document.get("audio"), str):
            with contextlib.suppress(ValueError):
                self._hear(base64.b64decode(audio))
        parameters, session = _within(document, "payload", "parameters"), _within(document, "session")
        if parameters or session:
            self._begin(parameters.get("format") or session.get("input_audio_format"), parameters or session)

    def _begin(self, audio_format: object, named: dict[str, Any]) -> None:
        rate_hz = named.get("sample_rate")
        self._settings = RecognitionSettings(
            audio_format if isinstance(audio_format, str) else "pcm",
            rate_hz if isinstance(rate_hz, int) and rate_hz > 0 else self._settings.sample_rate_hz,
        )
        self._decoder = None

    def _hear(self, audio: bytes) -> None:
        if self._settings.audio_format in ("pcm", "wav"):
            self._count(len(audio), self._settings.sample_rate_hz)
            return
        # What is wrong with it the conversation will say.
        with contextlib.suppress(RecognitionError):
            if self._decoder is None:
                self._decoder = open_decoder(self._settings, lambda pcm: self._count(len(pcm.data), pcm.sample_rate_hz))
            self._decoder.feed(audio)

    def _count(self, length_bytes: int, rate_hz: int) -> None:
        self.seconds += length_bytes / 2 / rate_hz


def is_partial(text: str) -> bool:
    """Whether a message of ours is a result that may still change: only such may be overtaken."""
    document = _object(text)
    sentence = _within(document, "payload", "output", "sentence")
    kind = document.get("type")
    return sentence.get("sentence_end") is False or (isinstance(kind, str) and kind.endswith("transcription.text"))


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _within(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        inner = document.get(key)
        document = inner if isinstance(inner, dict) else {}
    return document


def _lasting(faults: Sequence[Fault], kind: type[_Lasting]) -> _Lasting | None:
    """What acts on every message and not at a moment; the first of its kind counts."""
    return next((fault.deed for fault in faults if isinstance(fault.deed, kind)), None)

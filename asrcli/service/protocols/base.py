"""The seam between the service and the protocols it speaks: messages and results in, actions out.

A protocol half owns no socket, thread or recogniser. It is made anew for each connection and called by one thread at
a time; the server carries out the actions in the order in which they come.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asrcli.service.recognizers.base import RecognitionSettings, Result
from asrcli.system.clock import Clock

WordsFor = Callable[[str, str], Sequence[Mapping[str, Any]] | None]
"""Id of a hotword list and model → the words that it brings, as they were sent; None where there is no such list."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a connection asked for: its path without a trailing slash, and the parameters after the `?`.

    `words_for` knows the hotword lists of whoever asked; None knows of none, and takes every id.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    words_for: WordsFor | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the service puts up with what, in seconds, and how large an audio message may be.

    The first three are the vendor's figures: the 23 s without audio in a task, the 60 s of silence in a task, the
    60 s between two tasks. Sources: "Paraformer server events", "Fun-ASR Python SDK", "Fun-ASR WebSocket API" of
    2026. `session_idle_s`, without audio in a session, is what users report. The vendor advises audio messages of 1
    to 16 KB and publishes no interval for heartbeat results: these two are ours, and so is `alive_s`, how often a
    client that is held back hears that the service lives.
    """

    no_audio_s: float = 23.0
    silence_s: float = 60.0
    idle_s: float = 60.0
    session_idle_s: float = 60.0
    heartbeat_s: float = 5.0
    alive_s: float = 5.0
    audio_message_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """Send this text message. `failure`: code and reason, where it tells the client that it does not get something."""

    text: str
    failure: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class OpenRecognition:
    """Begin a recognition by `model`. The server answers with Opened or Failed; at most one is open at a time."""

    settings: RecognitionSettings
    model: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Feed:
    """Hand this audio, as the client sent it, to the open recognition."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """What is spoken of in the open recognition from here on."""

    context: str


@dataclass(frozen=True, slots=True)
class EndUtterance:
    """What was fed since the last time is one utterance; for settings without a silence that ends one."""


@dataclass(frozen=True, slots=True)
class FinishRecognition:
    """No more audio comes. The server answers with the last hypotheses and Ended, or with Failed."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """Close the connection; an open recognition is dropped. Always the last action."""

    code: int = 1000
    reason: str = ""


Action = Reply | OpenRecognition | Feed | ChangeContext | EndUtterance | FinishRecognition | Hangup


class ServerHalf(typing.Protocol):
    """The service's side of one protocol on one connection."""

    path: typing.ClassVar[str]
    largest_message_bytes: typing.ClassVar[int]
    """What is beyond this is closed with 1009."""

    def __init__(self, handshake: Handshake, limits: Limits, clock: Clock) -> None: ...

    def connected(self) -> Iterable[Action]:
        """Called once, when the handshake is done."""
        ...

    def receive(self, message: str | bytes) -> Iterable[Action]:
        """What the client's message leads to."""
        ...

    def result(self, result: Result) -> Iterable[Action]:
        """What the recogniser's word leads to: Reply and Hangup only. After Failed nothing is open any more."""
        ...

    def deadline(self) -> float | None:
        """The moment on the clock at which `idle` is due; None for never.

        It is asked for after each of the client's messages, which may bring it nearer. A result may only move it
        away.
        """
        ...

    def idle(self) -> Iterable[Action]:
        """Called at the deadline, and harmless before it."""
        ...

    def busy(self) -> Iterable[Action]:
        """Called while the recogniser is behind, now and then and in place of `idle`: the client owes nothing then.

        What it owes may lie unread before us. The deadline is later afterwards.
        """
        ...

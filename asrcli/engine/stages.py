"""The stages of a session and of a transcription, what leads from each to the next, and how long each may last."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from asrcli.values.errors import ProtocolViolation, ServiceTimeout


class Stage(enum.Enum):
    """Where a session is."""

    CONNECTING = "connect"
    STARTING = "start"
    STREAMING = "stream"
    FINISHING = "finish"
    BROKEN = "broken"
    """Something of ours could not be sent: the service may still tell why."""
    DONE = "done"
    """The service has said all."""
    CLOSED = "closed"


class Turn(enum.Enum):
    """What leads a session from one stage to another. An error does not: it is raised, and the session closed then."""

    ALLOWED = "it may begin"
    CONNECTED = "the connection stands"
    STARTED = "the service takes audio"
    AUDIO_ENDED = "no more audio comes"
    FINISHED = "the service has finished"
    EXPIRED = "the deadline has passed"
    SEND_FAILED = "a message could not be sent"
    CLOSED = "nobody listens any more"


# As names of the module they are found in a fifth of the time, and each chunk asks several times.
CONNECTING, STARTING, STREAMING, FINISHING, BROKEN, DONE, CLOSED = Stage

# What is told twice leads no further: some gateways deliver a message again.
SESSION: Mapping[Stage, Mapping[Turn, Stage]] = {
    CONNECTING: {Turn.ALLOWED: CONNECTING, Turn.CONNECTED: STARTING, Turn.CLOSED: CLOSED},
    STARTING: {Turn.STARTED: STREAMING, Turn.SEND_FAILED: BROKEN, Turn.CLOSED: CLOSED},
    STREAMING: {
        Turn.STARTED: STREAMING,
        Turn.EXPIRED: STREAMING,
        Turn.AUDIO_ENDED: FINISHING,
        Turn.SEND_FAILED: BROKEN,
        Turn.CLOSED: CLOSED,
    },
    FINISHING: {
        Turn.STARTED: FINISHING,
        Turn.EXPIRED: FINISHING,
        Turn.FINISHED: DONE,
        Turn.SEND_FAILED: BROKEN,
        Turn.CLOSED: CLOSED,
    },
    BROKEN: {Turn.STARTED: BROKEN, Turn.SEND_FAILED: BROKEN, Turn.CLOSED: CLOSED},
    DONE: {Turn.CLOSED: CLOSED},
    CLOSED: {},
}


class Wake(enum.Enum):
    """What makes a transcription look what there is to do, besides word of its link."""

    BEGINNING = "it is to begin"
    OUTSIDE = "the outside wants something, or has something to tell"
    SOUND = "there is sound again, or room for more"
    MOMENT = "a moment has come that it waited for"


class State(enum.Enum):
    """Where a transcription is."""

    NEW = "not begun"
    RUNNING = "a session runs, or is being made"
    WAITING = "until it is time for another try"
    CLOSING = "how it ends is known, and its source is being freed"
    ENDED = "its end was told"


class Change(enum.Enum):
    """What leads a transcription from one state to another."""

    OPENED = "a session is begun"
    LOST = "the session has failed, and another is worth a try"
    SETTLED = "how it ends is known"
    TOLD = "its end is told"


NEW, RUNNING, WAITING, CLOSING, ENDED = State

# From session to session while it runs, because one may carry no more than so much audio.
TRANSCRIPTION: Mapping[State, Mapping[Change, State]] = {
    NEW: {Change.OPENED: RUNNING, Change.SETTLED: CLOSING},
    RUNNING: {Change.OPENED: RUNNING, Change.LOST: WAITING, Change.SETTLED: CLOSING},
    WAITING: {Change.OPENED: RUNNING, Change.SETTLED: CLOSING},
    CLOSING: {Change.TOLD: ENDED},
    ENDED: {},
}

_At = TypeVar("_At", bound=enum.Enum)
_What = TypeVar("_What", bound=enum.Enum)


class Machine(Generic[_At, _What]):
    """Where something is: first where its table begins, and then as that says and not otherwise."""

    __slots__ = ("_table", "at")

    def __init__(self, table: Mapping[_At, Mapping[_What, _At]]) -> None:
        self._table = table
        self.at = next(iter(table))

    def move(self, what: _What) -> bool:
        """Go where `what` leads; False where that is no further.

        What has no place in the table is a bug of ours, or a ProtocolViolation where the service said it.
        """
        at = self._table[self.at].get(what)
        if at is None:
            if what is Turn.FINISHED:
                raise ProtocolViolation("the service finished before the audio had ended")
            raise RuntimeError(f"{what.value}: this has no place in {self.at}")
        moves, self.at = at is not self.at, at
        return moves


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each kind of waiting may last, in seconds.

    `finish_s` bounds the silence after the last audio, anew after each message: the tail of a sentence takes a
    while, and users report that ten seconds are needed. `grace_s` is what a failed send waits for the service's own
    reason, which arrives a moment later. `stall_s` bounds the silence after words of a sentence that is open, while
    sound goes out: more words or its end must come. At any other time silence says nothing: it may be silent in the
    room.
    """

    connect_s: float = 10.0
    start_s: float = 10.0
    finish_s: float = 10.0
    grace_s: float = 1.0
    stall_s: float = 20.0

    def of(self, stage: Stage) -> float | None:
        """How long `stage` may last, None where that is not bounded."""
        bounds = {
            CONNECTING: self.connect_s,
            STARTING: self.start_s,
            FINISHING: self.finish_s,
            BROKEN: self.grace_s,
        }
        return bounds.get(stage)


_WAITED_FOR = {
    CONNECTING: ("no connection to {where} within {waited:g} s", "check the network and --endpoint"),
    STARTING: ("{where} did not start the recognition within {waited:g} s", "safe to try again"),
    STREAMING: ("{where} fell silent in the middle of a sentence, {waited:g} s ago", "safe to try again"),
    FINISHING: (
        "{where} sent nothing for {waited:g} s after the end of the audio",
        "what was final is kept; safe to try again",
    ),
}


def timed_out(stage: Stage, where: str, waited_s: float) -> ServiceTimeout:
    """The error of a service at `where` that has kept silent in `stage` for so long."""
    message, hint = _WAITED_FOR[stage]
    return ServiceTimeout(stage.value, waited_s, message=message.format(where=where, waited=waited_s), hint=hint)

"""The stages of a session, how long each may last, and the error of one that lasts longer."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from asrcli.values.errors import ServiceTimeout


@dataclass(frozen=True, slots=True)
class Limits:
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


class Stage(enum.Enum):
    CONNECTING = "connect"
    STARTING = "start"
    STREAMING = "stream"
    FINISHING = "finish"
    BROKEN = "broken"
    DONE = "done"


_WAITED_FOR = {
    Stage.CONNECTING: ("connect", "no connection to {where} within {waited:g} s", "check the network and --endpoint"),
    Stage.STARTING: ("start", "{where} did not start the recognition within {waited:g} s", "safe to try again"),
    Stage.STREAMING: (
        "stream",
        "{where} fell silent in the middle of a sentence, {waited:g} s ago",
        "safe to try again",
    ),
    Stage.FINISHING: (
        "finish",
        "{where} sent nothing for {waited:g} s after the end of the audio",
        "what was final is kept; safe to try again",
    ),
}


def timed_out(stage: Stage, where: str, waited_s: float) -> ServiceTimeout:
    """The error of a service at `where` that has kept silent in `stage` for so long."""
    name, message, hint = _WAITED_FOR[stage]
    return ServiceTimeout(name, waited_s, message=message.format(where=where, waited=waited_s), hint=hint)

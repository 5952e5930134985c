"""Faults on demand: what `asrcli serve --fault SPEC` understands, and which connection gets which of them.

    SPEC = KIND[=VALUE][@MOMENT][#CONNECTIONS]

    close=1011@2s      close with this code; close=1012:restarting@10msg gives a reason too
    reset@3.5s         cut the connection without a word
    stall@2s           keep the link and fall silent
    deaf@2s            keep the link and stop reading
    garbage@2s         send a message that is no JSON
    fail=CODE@2s       fail as the protocol does; fail=CODE:MESSAGE@2s
    drop=every:3       cut every third connection as soon as it stands, or at its moment
    delay=50ms         every byte takes so much longer, each way, from the connection's set-up on
    duplicate=0.1      this part of the messages is sent twice
    reorder=0.1        this part of the partial results comes after the message that follows it
    split              each message comes in several WebSocket fragments
    refuse=503         refuse the handshake; refuse=429:2 twice, refuse=429:2:1 with Retry-After of one second
    seed=7             what chance decides: which message is sent twice, for example

A moment is `2s`, seconds of audio received on that connection (as 16-bit samples at the rate the client named, so
that it is the same at any pace), or `10msg`, messages sent to the client; without one the fault acts at once.
Connections count from 1 as they are accepted, refused ones included: `#2`, or `#1-3`; without them it acts on all.
No socket here; what a fault does to a connection is the business of `faulty`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from asrcli.values.errors import UsageError


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """TCP's RST instead of a close frame."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing is sent any more; pings are answered."""


@dataclass(frozen=True, slots=True)
class Deaf:
    """Nothing is read any more."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """A text message that is no JSON."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The recognition fails with one of the vendor's codes."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Drop:
    """A reset of every `every`-th connection."""

    every: int


@dataclass(frozen=True, slots=True)
class Delay:
    """Of every byte beneath TLS, as if the network were so much longer; a round trip takes twice that."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Duplicate:
    probability: float


@dataclass(frozen=True, slots=True)
class Reorder:
    probability: float


@dataclass(frozen=True, slots=True)
class Fragment:
    """Three fragments a message, cut in the middle of characters too."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """`times` None is for ever; `retry_after_s` None says nothing of it."""

    status: HTTPStatus
    times: int | None = None
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Seed:
    number: int


Deed = Close | Reset | Stall | Deaf | Garbage | Fail | Drop | Delay | Duplicate | Reorder | Fragment | Refuse | Seed


@dataclass(frozen=True, slots=True)
class Moment:
    """When at least `audio_s` of audio have come and at least `messages` have been sent."""

    audio_s: float = 0.0
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """`deed` at the moment `at`, on connections `first` to `last`; None is without an end."""

    deed: Deed
    at: Moment = Moment()
    first: int = 1
    last: int | None = None

    def concerns(self, connection: int) -> bool:
        """Whether it acts on the connection with that number."""
        if isinstance(self.deed, Drop) and connection % self.deed.every:
            return False
        return self.first <= connection and (self.last is None or connection <= self.last)


# --- reading a SPEC ------------------------------------------------------------------------------------------------

_HINT = "such as close=1011@2s, reset@10msg#1, refuse=429:2; see `asrcli serve --help`"
# Codes that a close frame may carry (RFC 6455, 7.4): the others never stand on the wire.
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)})
_MESSAGES = {"CLIENT_ERROR": "request timeout after 23 seconds."}
_SPEC = re.compile(r"(?P<kind>[a-z]+)(=(?P<value>.*?))?(@(?P<at>[^@#]*))?(#(?P<which>[^@#]*))?", re.DOTALL)
_LARGEST = 1_000_000_000


def parse_fault(spec: str) -> Fault:
    """The fault that `spec` describes. Raises UsageError that names the part that is wrong."""
    match = _SPEC.fullmatch(spec.strip())
    kind = match["kind"] if match else ""
    if match is None or kind not in _KINDS:
        raise UsageError(f"unknown fault {spec!r}: one of {', '.join(_KINDS)}", hint=_HINT)
    read, timed = _KINDS[kind]
    try:
        deed = read(match["value"])
        if match["at"] is not None and not timed:
            raise ValueError(f"{kind} takes no moment (@{match['at']})")
        at = Moment() if match["at"] is None else _moment(match["at"])
        first, last = (1, None) if match["which"] is None else _connections(match["which"])
    except ValueError as error:
        raise UsageError(f"fault {spec!r}: {error}", hint=_HINT) from error
    return Fault(deed, at, first, last)


def _whole(text: str | None, what: str, low: int = 1, high: int = _LARGEST) -> int:
    if text is None or not re.fullmatch(r"[0-9]{1,10}", text) or not low <= int(text) <= high:
        raise ValueError(f"{what} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _number(text: str | None, what: str, high: float = _LARGEST) -> float:
    if text is None or not re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,9})?", text) or float(text) > high:
        raise ValueError(f"{what} must be a number up to {high:g}, not {text!r}")
    return float(text)


def _moment(text: str) -> Moment:
    if text.endswith("msg"):
        return Moment(messages=_whole(text.removesuffix("msg"), "the number before msg", 0))
    if text.endswith("s"):
        return Moment(audio_s=_number(text.removesuffix("s"), "the number before s"))
    raise ValueError(f"the moment must be like 2s (of audio) or 10msg, not {text!r}")


def _connections(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    begin = _whole(first, "the connection after #")
    return begin, _whole(last, "the last connection", begin) if dash else begin


def _nothing(deed: Deed) -> Callable[[str | None], Deed]:
    def read(value: str | None) -> Deed:
        if value is not None:
            raise ValueError(f"it takes no value (={value})")
        return deed

    return read


def _close(value: str | None) -> Deed:
    number, _, reason = (value or "").partition(":")
    code = _whole(number, "the close code", 1000, 4999)
    if code not in _CLOSE_CODES:
        raise ValueError(f"{code} cannot stand in a close frame; reset is a connection that ends without one")
    if len(reason.encode(errors="replace")) > 120:
        raise ValueError("the reason is longer than a close frame, 120 bytes")
    return Close(code, reason)


def _fail(value: str | None) -> Deed:
    code, _, message = (value or "").partition(":")
    if not code:
        raise ValueError("fail needs a code, such as fail=InternalError")
    return Fail(code, message or _MESSAGES.get(code, "a fault on demand"))


def _delay(value: str | None) -> Deed:
    if value is None or not value.endswith("ms"):
        raise ValueError(f"the delay must be like 50ms, not {value!r}")
    return Delay(_number(value.removesuffix("ms"), "the number before ms", 60_000) / 1000)


def _refuse(value: str | None) -> Deed:
    status, times, *rest = [*(value or "").split(":", 2), None, None]
    number = _whole(status, "the HTTP status", 400, 599)
    if number not in set(HTTPStatus):
        raise ValueError(f"there is no HTTP status {number}")
    return Refuse(
        HTTPStatus(number),
        None if times is None else _whole(times, "how many times"),
        None if rest[0] is None else _whole(rest[0], "Retry-After", 0),
    )


def _drop(value: str | None) -> Deed:
    if value is None or not value.startswith("every:"):
        raise ValueError(f"drop must be like every:3, not {value!r}")
    return Drop(_whole(value.removeprefix("every:"), "the number after every:"))


# Kind → how its value is read, and whether it has a moment.
_KINDS: dict[str, tuple[Callable[[str | None], Deed], bool]] = {
    "close": (_close, True),
    "reset": (_nothing(Reset()), True),
    "stall": (_nothing(Stall()), True),
    "deaf": (_nothing(Deaf()), True),
    "garbage": (_nothing(Garbage()), True),
    "fail": (_fail, True),
    "drop": (_drop, True),
    "delay": (_delay, False),
    "duplicate": (lambda value: Duplicate(_number(value, "the probability", 1)), False),
    "reorder": (lambda value: Reorder(_number(value, "the probability", 1)), False),
    "split": (_nothing(Fragment()), False),
    "refuse": (_refuse, False),
    "seed": (lambda value: Seed(_whole(value, "the seed", 0)), False),
}


# --- which connection gets which -----------------------------------------------------------------------------------


class FaultPlan:
    """The faults of one service: numbers its connections, and deals out what concerns each."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._seed = next((fault.deed.number for fault in faults if isinstance(fault.deed, Seed)), 0)
        self._count = 0
        self._refused = [0] * len(faults)

    def next_connection(self) -> int:
        """The number of the connection that is accepted now."""
        self._count += 1
        return self._count

    def delay_s(self, connection: int) -> float:
        """How far away the client with that number is: one way."""
        concerning = (fault.deed for fault in self._faults if fault.concerns(connection))
        return next((deed.seconds for deed in concerning if isinstance(deed, Delay)), 0.0)

    def refusal(self, connection: int) -> Refuse | None:
        """The refusal that the connection with that number gets in its handshake, if it does."""
        for index, fault in enumerate(self._faults):
            deed = fault.deed
            if not isinstance(deed, Refuse) or not fault.concerns(connection):
                continue
            if deed.times is None or self._refused[index] < deed.times:
                self._refused[index] += 1
                return deed
        return None

    def share(self, connection: int) -> tuple[list[Fault], random.Random]:
        """What is done to the messages and at the moments of the connection with that number, and its own chance."""
        faults = [fault for fault in self._faults if fault.concerns(connection)]
        kept = [fault for fault in faults if not isinstance(fault.deed, Delay | Refuse | Seed)]
        return kept, random.Random(f"{self._seed}/{connection}")

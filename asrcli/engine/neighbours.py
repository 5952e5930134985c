"""What a session needs of its sound and of its link."""

from __future__ import annotations

from typing import Protocol

from asrcli.values.messages import Message
from asrcli.values.sound import Chunk


class Chunks(Protocol):
    """The sound of one session. `next` gives None where there is nothing yet, and where it is `over`."""

    start_sample: int
    over: bool

    @property
    def cause(self) -> BaseException | None: ...
    def next(self) -> Chunk | None: ...
    def close(self) -> None: ...


class LinkLike(Protocol):
    """What a session needs of a link. `release` is for a session that ended as it should, `close` for any other.

    `undelivered_bytes` is what has not reached the other end, as far as the system knows.
    """

    @property
    def congested(self) -> bool: ...
    @property
    def undelivered_bytes(self) -> int: ...
    def open(self) -> None: ...
    def send(self, message: Message, *, more: bool = False) -> None: ...
    def flush(self) -> None: ...
    def release(self) -> None: ...
    def close(self) -> None: ...

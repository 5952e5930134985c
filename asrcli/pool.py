"""Links that are kept when their session has ended, for the next one to the same service.

A link is kept only after its session ended as it should; one that saw an error or a close is never used again. Knows no
protocol: a session says by `release` that its link may be kept, and late messages of an old task are dropped by their
task id, in the protocol.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from asrcli.dial import Network
from asrcli.events import InboxItem, LinkClosed, LinkOpened
from asrcli.link import Link
from asrcli.loop import Loop, Timer
from asrcli.protocols.base import ConnectRequest, Message
from asrcli.timing import SystemClock

# The service closes a link that has been idle for 60 s; a task that starts in that moment would be lost.
IDLE_S = 50.0


@dataclass(slots=True)
class _Kept:
    """A link without a session, and the moment at which it will be given up."""

    link: Link
    request: ConnectRequest
    retirement: Timer


class Pool:
    """`new_link` has the form of Engine.new_link, for engines that share a loop. `close` ends what is kept."""

    def __init__(self, network: Network | None = None, *, idle_s: float = IDLE_S) -> None:
        self._network = network
        self._idle_s = idle_s
        self._clock = SystemClock()
        self._idle: list[_Kept] = []
        self._loop: Loop | None = None

    @property
    def idle_count(self) -> int:
        """How many links wait for a session."""
        return len(self._idle)

    def new_link(self, request: ConnectRequest, post: Callable[[InboxItem], None], loop: Loop) -> Lease:
        """A link for one session: a kept one if there is one when it is opened."""
        if self._loop is None:
            # Kept links must be listened to between two sessions: the service pings them, or closes them.
            self._loop = loop
            loop.hold()
        assert self._loop is loop
        return Lease(self, request, post, loop)

    def close(self) -> None:
        """Say goodbye on every link that is kept. For the thread that owns the pool."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call(self._close_all)
            loop.release()

    # --- on the loop's thread ----------------------------------------------------------------------------------------

    def take(self, request: ConnectRequest) -> Link | None:
        """The link that was kept last for the same address and the same key; the others may get old and retire."""
        for kept in reversed(self._idle):
            if kept.request == request:
                self._idle.remove(kept)
                kept.retirement.cancel()
                return kept.link
        return None

    def make(self, request: ConnectRequest, post: Callable[[InboxItem], None], loop: Loop) -> Link:
        return Link(request, post, loop, self._network)

    def keep(self, link: Link, request: ConnectRequest, loop: Loop) -> None:
        """Keep `link` until it is wanted, too old, or closed from the other side."""
        if self._loop is None:
            link.close()
            return
        retirement = loop.at(self._clock.now() + self._idle_s, link.close)
        kept = _Kept(link, request, retirement)
        link.post = functools.partial(self._heard_while_idle, kept)
        self._idle.append(kept)

    def _heard_while_idle(self, kept: _Kept, item: InboxItem) -> None:
        # Anything else is a late word of the task before.
        if isinstance(item, LinkClosed):
            kept.retirement.cancel()
            if kept in self._idle:
                self._idle.remove(kept)

    def _close_all(self) -> None:
        for kept in self._idle:
            kept.retirement.cancel()
            kept.link.close()
        self._idle.clear()


class Lease:
    """What one session has of a link; see LinkLike."""

    def __init__(self, pool: Pool, request: ConnectRequest, post: Callable[[InboxItem], None], loop: Loop) -> None:
        self._pool = pool
        self._request = request
        self._post = post
        self._loop = loop
        self._link: Link | None = None
        self._lost = False

    @property
    def congested(self) -> bool:
        return self._link is not None and self._link.congested

    def open(self) -> None:
        """Take a kept link, at once, or connect."""
        self._link = self._pool.take(self._request)
        if self._link is None:
            self._link = self._pool.make(self._request, self._heard, self._loop)
            self._link.open()
            return
        self._link.post = self._heard
        self._loop.call(self._say_open)

    def send(self, message: Message, *, more: bool = False) -> None:
        assert self._link is not None
        self._link.send(message, more=more)

    def flush(self) -> None:
        assert self._link is not None
        self._link.flush()

    def release(self) -> None:
        """The session has ended as it should: the link may carry another."""
        link, self._link = self._link, None
        if link is not None and not self._lost:
            self._pool.keep(link, self._request, self._loop)

    def close(self) -> None:
        """The session has ended otherwise: nothing may follow on this link."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _say_open(self) -> None:
        if not self._lost:
            self._post(LinkOpened(0.0))

    def _heard(self, item: InboxItem) -> None:
        if isinstance(item, LinkClosed):
            self._lost = True
        self._post(item)

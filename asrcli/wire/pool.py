"""Links without a session: kept from the one that has ended, or made ahead for the one that will follow.

A link is kept only after its session ended as it should; one that saw an error or a close is never used again. Knows no
protocol: a session says by `release` that its link may be kept, and late messages of an old task are dropped by their
task id, in the protocol. Where links are not kept, the next one is made while the session before still waits for its
last results.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from asrcli.system.clock import SystemClock
from asrcli.system.loop import Loop
from asrcli.system.moments import Timer
from asrcli.values.messages import ConnectRequest, Message
from asrcli.wire.dial import Network
from asrcli.wire.link import Link
from asrcli.wire.link_events import InboxItem, LinkClosed, LinkOpened

# The service closes a link that has been idle for 60 s; a task that starts in that moment would be lost.
IDLE_S = 50.0


@dataclass(slots=True)
class _Idle:
    """A link without a session, and what its next session is to hear first. `retirement` gives it up."""

    link: Link
    request: ConnectRequest
    retirement: Timer
    said: list[InboxItem]
    is_new: bool
    """Whether it had no session yet: then all that the service says is for the first one."""


class Pool:
    """`new_link` has the form of Engine.new_link, for engines that share a loop. `close` ends what is kept."""

    def __init__(self, network: Network | None = None, *, idle_s: float = IDLE_S) -> None:
        self._network = network
        self._idle_s = idle_s
        self._clock = SystemClock()
        self._idle: list[_Idle] = []
        self.ahead_is_refused = False
        """Whether the service has refused a connection that no session needed yet: it is not asked for another."""
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

    def connect_ahead(self, request: ConnectRequest, loop: Loop) -> None:
        """Make a link for a session that will follow soon."""
        if self._loop is not None and not self.ahead_is_refused:
            link = self.make(request, _nobody_listens, loop)
            self._put_aside(link, request, loop, said=[], is_new=True)
            link.open()

    def take(self, request: ConnectRequest) -> _Idle | None:
        """The link that came last for the same address and the same key; the others may get old and retire."""
        for idle in reversed(self._idle):
            if idle.request == request:
                self._idle.remove(idle)
                idle.retirement.cancel()
                return idle
        return None

    def make(self, request: ConnectRequest, post: Callable[[InboxItem], None], loop: Loop) -> Link:
        return Link(request, post, loop, self._network)

    def keep(self, link: Link, request: ConnectRequest, loop: Loop) -> None:
        """Keep `link` until it is wanted, too old, or closed from the other side."""
        if self._loop is None:
            link.close()
            return
        self._put_aside(link, request, loop, said=[LinkOpened(0.0)], is_new=False)

    def _put_aside(
        self, link: Link, request: ConnectRequest, loop: Loop, *, said: list[InboxItem], is_new: bool
    ) -> None:
        def retire() -> None:
            self._idle.remove(idle)
            link.close()

        idle = _Idle(link, request, loop.at(self._clock.now() + self._idle_s, retire), said, is_new)
        link.post = functools.partial(self._heard_while_idle, idle)
        self._idle.append(idle)

    def _heard_while_idle(self, idle: _Idle, item: InboxItem) -> None:
        if isinstance(item, LinkClosed):
            if idle in self._idle:
                self._idle.remove(idle)
                idle.retirement.cancel()
                self.ahead_is_refused = self.ahead_is_refused or not idle.said
            # A session that is just taking it over need not try.
            idle.said[:] = [item]
        elif idle.is_new:
            idle.said.append(item)
        # Anything else is a late word of the task before.

    def _close_all(self) -> None:
        for idle in self._idle:
            idle.retirement.cancel()
            idle.link.close()
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
        # Until a link that was there already has said something.
        self._is_unproven = False

    @property
    def congested(self) -> bool:
        return self._link is not None and self._link.congested

    @property
    def undelivered_bytes(self) -> int:
        return 0 if self._link is None else self._link.undelivered_bytes

    def open(self) -> None:
        """Take a link that is there already, or connect."""
        idle = self._pool.take(self._request)
        if idle is None:
            self._connect()
            return
        self._link = idle.link
        self._is_unproven = True
        self._loop.call(lambda: self._take_over(idle))

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

    def _connect(self) -> None:
        self._link = self._pool.make(self._request, self._heard, self._loop)
        self._link.open()

    def _take_over(self, idle: _Idle) -> None:
        if self._link is not None:
            self._link.post = self._heard
            for item in idle.said:
                self._heard(item)

    def _heard(self, item: InboxItem) -> None:
        is_unproven, self._is_unproven = self._is_unproven, False
        if isinstance(item, LinkClosed):
            if is_unproven and self._link is not None:
                # The session has not begun: it can have a link of its own.
                self._pool.ahead_is_refused = True
                self._connect()
                return
            self._lost = True
        self._post(item)


def _nobody_listens(item: InboxItem) -> None:
    """Until it is put aside."""

"""What a transcription runs on: how sessions are made, how patient they are, and what becomes of the sound."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from asrcli.engine.allowance import Allowance
from asrcli.engine.delivery import Sent
from asrcli.engine.neighbours import Chunks, LinkLike
from asrcli.engine.session import Session
from asrcli.engine.sound.tape import IDLE_S, KEEP_S
from asrcli.engine.stages import Timeouts, Turn
from asrcli.engine.starts import Starts
from asrcli.engine.uplink import Economy
from asrcli.protocols.base import Protocol
from asrcli.system.clock import Clock, SystemClock
from asrcli.system.loop import Loop
from asrcli.values.context import Context
from asrcli.values.errors import AsrcliError
from asrcli.values.messages import ConnectRequest
from asrcli.values.sound import Chunk, SoundFormat
from asrcli.wire.failures import place
from asrcli.wire.link import Link
from asrcli.wire.link_events import InboxItem
from asrcli.wire.retry import Retry

NewLink = Callable[[ConnectRequest, Callable[[InboxItem], None], Loop], LinkLike]
"""Makes a link that posts to the callable given, on the loop given."""


@dataclass(frozen=True)
class Engine:
    """Everything that all sessions of a transcription have in common."""

    new_protocol: Callable[[SoundFormat | None], Protocol]
    """Makes the protocol of a further session, for the format of a source that is sent as it is, None for any other."""
    speed: float | None = 1.0
    """The pace of the audio: 1.0 is real time, None as fast as it goes."""
    tick_s: float | None = None
    """How long nothing may happen before there is a Tick, and how often progress is told; None for never."""
    idle_s: float | None = IDLE_S
    """How long the source may pause before it is bridged with silence; None for ever."""
    keep_s: float = KEEP_S
    """How much sound without a final result is kept to be sent again."""
    is_compressed: bool = False
    """Whether PCM is, or may have to be, compressed: what an encoder holds back waits for the next chunk."""
    cut: Callable[[Iterator[Chunk]], Iterator[Chunk]] | None = None
    """Marks where utterances end, where we and not the service decide that."""
    context: Callable[[], Context] | None = None
    """What is spoken of, asked for at each chunk where that changes: another object is sent ahead of the sound."""
    record: Callable[[Chunk], None] | None = None
    """Is handed each chunk once, on its way to the service; must not raise."""
    rescue: Callable[[Iterator[Chunk], SoundFormat | None], str | None] | None = None
    """Is given live sound that was not recognised when all tries are used up, and its format where it is not PCM; says
    where it lies."""
    lateness: Callable[[float], None] | None = None
    """Is told how many seconds after its moment each chunk was sent, where the link was ready for it."""
    economy: Economy | None = None
    """Says to `new_protocol` when PCM is to become Opus; None: never."""
    starts: Starts | None = None
    """When sessions may begin; None: at once."""
    allowance: Allowance | None = None
    """What the account allows all that this process runs; None: whatever the service bears."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    retry: Retry = field(default_factory=Retry)
    clock: Clock = field(default_factory=SystemClock)
    loop: Loop = field(default_factory=Loop, repr=False)
    new_link: NewLink = Link
    connect_ahead: Callable[[ConnectRequest, Loop], None] | None = None
    """Makes a link before its session is there; None: nobody does."""

    def new_session(
        self, protocol: Protocol, chunks: Chunks, post: Callable[[InboxItem | Turn], None], before: Sent
    ) -> Session:
        """One that sends `chunks` by a link of its own, which posts to `post`; `before`: see Delivery."""
        request = protocol.connect_request()
        return Session(
            protocol,
            self.new_link(request, post, self.loop),
            chunks,
            where=place(request.url),
            timeouts=self.timeouts,
            clock=self.clock,
            context=self.context,
            ask=None
            if self.starts is None
            else functools.partial(self.starts.ask, functools.partial(post, Turn.ALLOWED)),
            before=before,
        )

    def prepare_session(self) -> None:
        """A session will follow one that waits for its last results: have it find its link made. On the loop's thread.

        Where links are kept it will have that one, without a handshake.
        """
        if self.connect_ahead is not None:
            # What is wrong now will be so, and told, when the session begins.
            with contextlib.suppress(AsrcliError):
                protocol = self.new_protocol(None)
                if not protocol.keeps_link:
                    self.connect_ahead(protocol.connect_request(), self.loop)

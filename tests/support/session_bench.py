"""A session between a link, a clock and chunks that a test holds in its hand."""

from __future__ import annotations

import json
from collections.abc import Iterable

from asrcli.engine.session import Session
from asrcli.engine.stages import Timeouts, Turn
from asrcli.protocols.run_task import RunTask
from asrcli.values.events import Event
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import Chunk
from asrcli.wire.link_events import InboxItem, LinkOpened, MessageReceived
from tests.support.fakes import FakeClock, FakeLink
from tests.support.sounds import pcm_chunk

LIMITS = Timeouts(connect_s=5, start_s=6, finish_s=7, grace_s=1, stall_s=4)


class HandedChunks:
    """Chunks from a list, as a tape's reader would hand them out."""

    start_sample = 0

    def __init__(self, chunks: Iterable[Chunk], cause: BaseException | None = None) -> None:
        self._chunks = iter(chunks)
        self.over = False
        self.closed = False
        self.cause = cause

    def next(self) -> Chunk | None:
        chunk = next(self._chunks, None)
        self.over = chunk is None
        return chunk

    def close(self) -> None:
        self.closed = True


class Bench:
    """A session of the run-task protocol, opened."""

    def __init__(self, chunks: Iterable[Chunk] = (), cause: BaseException | None = None) -> None:
        self.clock = FakeClock()
        self.link = FakeLink()
        self.chunks = HandedChunks(chunks, cause)
        self.protocol = RunTask(RecognitionOptions(model="m"), Endpoint("ws://127.0.0.1", "k"))
        self.session = Session(
            self.protocol, self.link, self.chunks, where="ws://here", timeouts=LIMITS, clock=self.clock
        )
        self.session.open()

    def handle(self, what: InboxItem | Turn) -> list[Event]:
        return list(self.session.handle(what))

    def say(self, event: str, payload: object = None, **header: object) -> list[Event]:
        document = {"header": {"task_id": self.protocol.session_id, "event": event, **header}, "payload": payload}
        return self.handle(MessageReceived(json.dumps(document)))

    def say_sentence(self, index: int, text: str, end_ms: int | None = None, end: bool = False) -> list[Event]:
        sentence = {"sentence_id": index, "text": text, "begin_time": 0, "end_time": end_ms, "sentence_end": end}
        return self.say("result-generated", {"output": {"sentence": sentence}})

    def started(self) -> Bench:
        self.handle(LinkOpened(3.0))
        self.say("task-started")
        return self

    def until_audio_ended(self) -> list[Event]:
        """Send all that there is, and its end."""
        while self.session.pump(3):
            pass
        return list(self.session.handle(Turn.AUDIO_ENDED)) if self.session.takes_audio else []

    def actions(self) -> list[str]:
        return [json.loads(m)["header"]["action"] if isinstance(m, str) else "audio" for m in self.link.sent]


def chunks(count: int) -> list[Chunk]:
    return [pcm_chunk(bytes(3200), 1600 * (index + 1)) for index in range(count)]

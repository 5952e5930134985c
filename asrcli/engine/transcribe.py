"""One source, from its first sample to its last: the engine of every command, as a generator of events."""

from __future__ import annotations

import queue
from collections.abc import Generator

from asrcli.audio.source import Source
from asrcli.engine.control import Control
from asrcli.engine.transcription import Transcription
from asrcli.engine.wiring import Engine
from asrcli.values.events import Ended, Event, Tick


def transcribe(source: Source, engine: Engine, control: Control) -> Generator[Event, None, None]:
    """Yield the events of the whole transcription; raise what ended it early, after everything that was recognised.

    A source that breaks off raises its AudioError after the last result of what could be read. Closing the generator
    ends the session, the link and the source.
    """
    told: queue.SimpleQueue[Event | Ended] = queue.SimpleQueue()
    run = Transcription(source, engine, control, told.put)
    engine.loop.hold()
    try:
        run.start()
        while True:
            try:
                event = told.get(timeout=engine.tick_s)
            except queue.Empty:
                yield Tick()
                continue
            if isinstance(event, Ended):
                break
            yield event
        if event.error is not None:
            raise event.error
    finally:
        run.cancel()
        run.wait()
        engine.loop.release()

"""Recognitions as a conversation sees them: none beyond what the recogniser can do, and none that makes it wait.

A prompt recogniser is called at once with samples. Any other one, and compressed sound, gets a thread for each
recognition; what is heard there comes back by way of the loop.
"""

from __future__ import annotations

import logging
import queue
from functools import partial
from typing import Protocol
from weakref import WeakSet

from asrcli.service.hearing.decoding import AudioDecoder, open_decoder
from asrcli.service.recognizers.base import (
    Failed,
    OnResult,
    PromptRecognizer,
    Recognition,
    RecognitionError,
    RecognitionSettings,
    Recognizer,
)
from asrcli.system.loop import Loop
from asrcli.system.moments import Work
from asrcli.system.threads import Thread
from asrcli.values.errors import Shortage

# A message of compressed sound may hold minutes, which take seconds to decode.
_PROMPT_FORMATS = frozenset({"pcm", "wav"})
# Half a minute of sound. The client is held back while more than this waits for a recogniser: then its pings, which
# stand behind its sound, are not read either. On a busy machine a recogniser may take nothing for a while; that much
# may be taken from the client meanwhile.
_BACKLOG_BYTES = 1024 * 1024
_LARGEST_BACKLOG_BYTES = 2 * _BACKLOG_BYTES
_END_S = 5.0

_log = logging.getLogger(__name__)


class SoundFeed(Protocol):
    """Whom the audio comes from."""

    def hold(self) -> None: ...

    def go_on(self) -> None: ...


class Hearing(Protocol):
    """One recognition, from audio as the client sent it to results. Whatever goes wrong is told as Failed."""

    def begin(self) -> None: ...

    def feed(self, audio: bytes) -> None: ...

    def change_context(self, context: str) -> None: ...

    def end_utterance(self) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None:
        """Let go of everything; harmless a second time."""
        ...

    def bears_more(self) -> bool:
        """Whether a little more may be fed, although the source is on hold."""
        ...


class Hearings:
    """All recognitions of a service. `close` and `join` are called by any thread, the rest by the loop's."""

    def __init__(self, recognizer: Recognizer, most: int, loop: Loop) -> None:
        self._recognizer = recognizer
        self._prompt = isinstance(recognizer, PromptRecognizer)
        self._most = self._free = most
        self._loop = loop
        self._threads: WeakSet[Thread] = WeakSet()

    def take_place(self) -> None:
        """Raises RecognitionError where as many recognitions run as there may be."""
        if not self._free:
            message = f"Requests rate limit exceeded: this service runs {self._most} tasks at once (--max-tasks)"
            raise RecognitionError("Throttling.RateQuota", message)
        self._free -= 1

    def free_place(self) -> None:
        self._free += 1

    def new(self, settings: RecognitionSettings, tell: OnResult, source: SoundFeed) -> Hearing:
        """A hearing that has not begun."""
        if self._prompt and settings.audio_format in _PROMPT_FORMATS:
            return _Hearing(self._recognizer, settings, tell)
        hearing = _Hearing(self._recognizer, settings, lambda result: self._loop.call(lambda: tell(result)))
        waiting = _Waiting(hearing, source, self._loop)
        self._threads.add(waiting.thread)
        return waiting

    def close(self) -> None:
        """End every recognition and every process."""
        self._recognizer.close()

    def join(self) -> None:
        """Wait for the threads of closed hearings."""
        for thread in list(self._threads):
            if thread.is_alive():
                thread.join(_END_S)


class _Hearing:
    """In the thread that calls it."""

    def __init__(self, recognizer: Recognizer, settings: RecognitionSettings, tell: OnResult) -> None:
        self._recognizer = recognizer
        self._settings = settings
        self._tell = tell
        self._recognition: Recognition | None = None
        self._decoder: AudioDecoder | None = None

    def begin(self) -> None:
        try:
            self._recognition = self._recognizer.open(self._settings, self._tell)
        except RecognitionError as error:
            self.fail(error.code, str(error))

    def feed(self, audio: bytes) -> None:
        try:
            if self._decoder is None:
                self._decoder = open_decoder(self._settings, self._opened().feed)
            self._decoder.feed(audio)
        except RecognitionError as error:
            self.fail(error.code, str(error))

    def change_context(self, context: str) -> None:
        if self._recognition is not None:
            self._recognition.change_context(context)

    def end_utterance(self) -> None:
        self._after_decoding(lambda: self._opened().end_utterance())

    def finish(self) -> None:
        self._after_decoding(lambda: self._opened().finish())

    def close(self) -> None:
        if self._recognition is not None:
            self._recognition.close()

    def bears_more(self) -> bool:
        return True

    def _opened(self) -> Recognition:
        if self._recognition is None:
            raise RecognitionError("InternalError", "the recognition did not begin")
        return self._recognition

    def _after_decoding(self, work: Work) -> None:
        """All that was fed reaches the recognition first; what follows is a stream of its own."""
        decoder, self._decoder = self._decoder, None
        try:
            if decoder is not None:
                decoder.finish()
            work()
        except RecognitionError as error:
            self.fail(error.code, str(error))

    def fail(self, code: str, message: str) -> None:
        self._tell(Failed(code, message))


class _Waiting:
    """In a thread of its own, which lives from the beginning to `close`."""

    def __init__(self, hearing: _Hearing, source: SoundFeed, loop: Loop) -> None:
        self._hearing = hearing
        self._source = source
        self._loop = loop
        self._work: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._backlog_bytes = 0
        self._behind = False
        self._closing = False
        self.thread = Thread("recognition", self._run, self._died)

    def begin(self) -> None:
        try:
            self.thread.start()
        except Shortage as error:
            self._hearing.fail("InternalError", error.message)
            return
        self._work.put(self._hearing.begin)

    def feed(self, audio: bytes) -> None:
        self._backlog_bytes += len(audio)
        if self._backlog_bytes > _BACKLOG_BYTES and not self._behind:
            self._behind = True
            self._source.hold()
        self._work.put(partial(self._hearing.feed, audio))
        self._work.put(partial(self._loop.call, partial(self._fed, len(audio))))

    def change_context(self, context: str) -> None:
        self._work.put(partial(self._hearing.change_context, context))

    def end_utterance(self) -> None:
        self._work.put(self._hearing.end_utterance)

    def finish(self) -> None:
        self._work.put(self._hearing.finish)

    def close(self) -> None:
        self._closing = True
        self._work.put(lambda: None)
        self._catch_up()

    def bears_more(self) -> bool:
        return self._backlog_bytes <= _LARGEST_BACKLOG_BYTES

    def _fed(self, count: int) -> None:
        self._backlog_bytes -= count
        if self._backlog_bytes <= _BACKLOG_BYTES:
            self._catch_up()

    def _catch_up(self) -> None:
        if self._behind:
            self._behind = False
            self._source.go_on()

    def _run(self) -> None:
        while True:
            work = self._work.get()
            if self._closing:
                break
            try:
                work()
            except Exception as bug:
                self._died(bug)
        self._hearing.close()

    def _died(self, bug: BaseException) -> None:
        _log.error("a recognition broke", exc_info=bug)
        self._hearing.fail("InternalError", "the recogniser broke")

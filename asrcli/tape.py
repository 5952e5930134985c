"""The sound between source and service: captured, and not yet covered by a final result.

One thread appends, one reader at a time sends; after a lost link a new reader starts again at the last final. Knows
neither where the sound comes from nor where it goes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from asrcli.pcm import BYTES_PER_SAMPLE, Chunk, PcmFormat
from asrcli.spool import Parked, Spool

# What is kept for a new try when no final result comes, in a long silence for example: 9.6 MB at 16 kHz.
KEEP_S = 300.0
# A reader that begins at the oldest sound is given this part more, so that it still finds it when its link stands.
_SLACK = 0.2
# A source that pauses: after this long the service is sent silence, first enough to end a sentence, then now and then.
# It gives up after 23 s without audio.
IDLE_S = 5.0
_FIRST_FILLER_MS = 2000
_FILLER_MS = 100
# A file is read no further ahead of what was sent.
AHEAD_S = 2.0


class Tape:
    """Chunks in order, from the oldest that may be needed again to the newest.

    `ahead_s` bounds how far `append` may run ahead of the reader, by waiting; None for live sound, which cannot wait.
    What is older than `keep_s` before the newest chunk is dropped, the oldest first, a little later where it is about
    to be read; `begin_sample` tells from where on there is sound. A reader that has waited `idle_s` for a chunk gets
    filler instead, and again; None for never.
    """

    def __init__(
        self,
        pcm: PcmFormat,
        *,
        ahead_s: float | None = AHEAD_S,
        keep_s: float = KEEP_S,
        idle_s: float | None = None,
    ) -> None:
        self._pcm = pcm
        self._idle_s = idle_s
        self._ahead_samples = None if ahead_s is None else int(ahead_s * pcm.sample_rate_hz)
        self._keep_samples = int(keep_s * pcm.sample_rate_hz)
        self._changed = threading.Condition()
        self._chunks: deque[Parked] = deque()
        self._spool = Spool()
        self._dropped = 0
        self._reader: TapeReader | None = None
        self.read_sample = 0
        """Where the sound ends that was handed to the last reader."""
        self._ended = False
        self._closed = False
        self.begin_sample = 0
        self.end_sample = 0
        self.cause: BaseException | None = None
        """Why the sound ended early; None at its regular end."""

    def append(self, chunk: Chunk) -> bool:
        """Add the next chunk, waiting while the reader is far behind; False when nobody will want it any more."""
        with self._changed:
            while self._too_far_ahead() and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            self._chunks.append(self._spool.put(chunk))
            self.end_sample = chunk.end_sample
            self._drop_until(self._oldest_kept())
            self._changed.notify_all()
            return True

    def end(self, cause: BaseException | None = None) -> None:
        """No more sound comes."""
        with self._changed:
            self._ended = True
            self.cause = cause
            self._changed.notify_all()

    def forget(self, before_sample: int) -> None:
        """The sound before `before_sample` will not be asked for again."""
        with self._changed:
            self._drop_until(before_sample)

    def close(self) -> None:
        """Wake everyone who waits; readers end, and the sound is gone."""
        with self._changed:
            self._closed = True
            self._chunks.clear()
            self._spool.close()
            self._changed.notify_all()

    def rest(self, from_sample: int) -> Iterator[Chunk]:
        """What is there from `from_sample` on, without waiting for more. For when nobody reads any more."""
        with self._changed:
            for parked in self._chunks:
                if parked.end_sample > from_sample:
                    yield _cut(self._spool.get(parked), from_sample)

    def reader(self, from_sample: int, most_samples: int | None = None) -> TapeReader:
        """Everything from `from_sample` on, as far back as it is still there, but no more than `most_samples`."""
        with self._changed:
            self.read_sample = max(from_sample, self.begin_sample)
            self._reader = TapeReader(self, self.read_sample, most_samples)
            return self._reader

    def _too_far_ahead(self) -> bool:
        return self._ahead_samples is not None and self.end_sample - self.read_sample > self._ahead_samples

    def _oldest_kept(self) -> int:
        oldest = self.end_sample - self._keep_samples
        if self._reader is None or self._reader.closed or self.read_sample >= oldest:
            return oldest
        return max(self.read_sample, oldest - int(_SLACK * self._keep_samples))

    def _drop_until(self, sample: int) -> None:
        while self._chunks and self._chunks[0].end_sample <= sample:
            oldest = self._chunks.popleft()
            self._spool.drop(oldest)
            self.begin_sample = oldest.end_sample
            self._dropped += 1

    def _take(self, number: int | None, from_sample: int, reader: TapeReader) -> tuple[int, Chunk] | None:
        """The chunk with that number, or the one that holds `from_sample`; waits for it. None when there is no more."""
        with self._changed:
            while True:
                if self._closed or reader.closed:
                    return None
                number = self._number_at(from_sample) if number is None else max(number, self._dropped)
                if number - self._dropped < len(self._chunks):
                    chunk = self._spool.get(self._chunks[number - self._dropped])
                    self.read_sample = chunk.end_sample
                    self._changed.notify_all()
                    return number, chunk
                if self._ended:
                    return None
                if not self._changed.wait(self._idle_s):
                    return number, self._filler(reader)

    def _filler(self, reader: TapeReader) -> Chunk:
        length_ms = _FILLER_MS if reader.is_idle else _FIRST_FILLER_MS
        return Chunk(bytes(self._pcm.bytes(length_ms)), self.end_sample, is_filler=True)

    def _number_at(self, sample: int) -> int:
        for offset, chunk in enumerate(self._chunks):
            if chunk.end_sample > sample:
                return self._dropped + offset
        return self._dropped + len(self._chunks)


class TapeReader:
    """Iterates over the chunks from `start_sample` on, waiting for those to come. For one thread, but for `close`.

    Raises the tape's `cause` where the sound broke off. Ends before sound that was dropped unread, because times count
    on there being no gap. With `most_samples` it ends there, or where an utterance ends
    after more than half of that.
    """

    def __init__(self, tape: Tape, start_sample: int, most_samples: int | None = None) -> None:
        self._tape = tape
        self._most_samples = most_samples
        self.start_sample = start_sample
        self.next_sample = start_sample
        self.closed = False
        self.is_idle = False
        self.exhausted = False
        """True once the end of all sound was reached."""

    def __iter__(self) -> Iterator[Chunk]:
        number: int | None = None
        while (taken := self._tape._take(number, self.start_sample, self)) is not None:
            number, chunk = taken
            self.is_idle = chunk.is_filler
            if chunk.is_filler:
                yield chunk
                continue
            if chunk.end_sample - chunk.samples > self.next_sample:
                return
            number += 1
            yield _cut(chunk, self.start_sample)
            self.next_sample = chunk.end_sample
            if self._enough(chunk):
                return
        if not self.closed:
            self.exhausted = True
            if self._tape.cause is not None:
                raise self._tape.cause

    def close(self) -> None:
        """End the iteration, from another thread."""
        with self._tape._changed:
            self.closed = True
            self._tape._changed.notify_all()

    def _enough(self, chunk: Chunk) -> bool:
        if self._most_samples is None:
            return False
        read = chunk.end_sample - self.start_sample
        # Another chunk of the same size must still fit.
        return read + chunk.samples > self._most_samples or (chunk.ends_utterance and 2 * read > self._most_samples)


def _cut(chunk: Chunk, from_sample: int) -> Chunk:
    """A chunk that begins before `from_sample`, without its first part."""
    before = from_sample - (chunk.end_sample - chunk.samples)
    return replace(chunk, data=chunk.data[before * BYTES_PER_SAMPLE :]) if before > 0 else chunk

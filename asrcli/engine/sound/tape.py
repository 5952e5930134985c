"""The sound between source and service: captured, and not yet covered by a final result.

One reader at a time sends; after a lost link a new reader starts again at the last final. Knows neither where the sound
comes from nor where it goes, and waits for nothing. For one thread.
"""

from __future__ import annotations

import functools
import math
from collections import deque
from collections.abc import Iterator

from asrcli.engine.sound.spool import Parked, Spool
from asrcli.values.pcm import BYTES_PER_SAMPLE, PcmFormat
from asrcli.values.sound import PCM, Chunk, SoundFormat

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

    What is older than `keep_s` before the newest chunk is dropped, the oldest first, a little later where it is about
    to be read; `begin_sample` tells from where on there is sound. `sound` is what the chunks are in, None for PCM;
    `filler` is a stretch of silence in that.
    """

    def __init__(
        self, pcm: PcmFormat, *, keep_s: float = KEEP_S, sound: SoundFormat | None = None, filler: Chunk | None = None
    ) -> None:
        self._pcm = pcm
        self.sound = sound
        self.filler = filler if sound is not None else _silence(pcm)
        """Silence to bridge pauses with, as often as it takes; None where there is none."""
        self._preroll_samples = 0 if sound is None else sound.preroll_samples
        begin_sample = 0 if sound is None else -sound.lead_samples
        self._ahead_samples = int(min(AHEAD_S, keep_s / 2) * pcm.sample_rate_hz)
        self._keep_samples = int(keep_s * pcm.sample_rate_hz)
        self._chunks: deque[Parked] = deque()
        self._spool = Spool()
        self._dropped = 0
        self._reader: TapeReader | None = None
        self.read_sample = begin_sample
        """Where the sound ends that was handed to the last reader."""
        self.ended = False
        self.begin_sample = begin_sample
        self.end_sample = begin_sample
        self.cause: BaseException | None = None
        """Why the sound ended early; None at its regular end."""

    @property
    def end_ms(self) -> int:
        """How far the sound is that has been put in."""
        return self._pcm.ms(self.end_sample)

    @property
    def has_unread(self) -> bool:
        """Whether there is sound that was not handed to the last reader."""
        return self.read_sample < self.end_sample

    @property
    def is_far_ahead(self) -> bool:
        """Whether there is more unread sound than it takes to keep a reader busy."""
        return self.end_sample - self.read_sample > self._ahead_samples

    @property
    def is_full(self) -> bool:
        """Whether more would push out what was not read: what can wait is better left where it is."""
        return self.is_far_ahead and self.end_sample - self.begin_sample >= self._keep_samples

    def append(self, chunk: Chunk) -> None:
        self._chunks.append(self._spool.put(chunk))
        self.end_sample = chunk.end_sample
        if chunk.end_sample - self.begin_sample > self._keep_samples:
            self._drop_until(self._oldest_kept())

    def end(self, cause: BaseException | None = None) -> None:
        """No more sound comes."""
        self.ended = True
        self.cause = cause

    def forget(self, before_sample: int) -> None:
        """The sound before `before_sample` will not be asked for again."""
        self._drop_until(before_sample - self._preroll_samples)

    def close(self) -> None:
        """The sound is gone."""
        self._chunks.clear()
        self._spool.close()

    def rest(self, from_sample: int) -> Iterator[Chunk]:
        """What is there from `from_sample` on, as exactly as it can be cut. For when nobody reads any more."""
        for parked in self._chunks:
            if parked.end_sample > from_sample:
                yield self._cut(self._spool.get(parked), from_sample)

    def reader(self, from_sample: int, most_samples: int | None = None) -> TapeReader:
        """Everything from `from_sample` on, as far back as it is still there, but no more than `most_samples`.

        PCM begins there. Another encoding begins sooner, where a decoder can, so that this one is right by then.
        """
        begin_sample = from_sample if self.sound is None else self._entry(from_sample - self._preroll_samples)
        self.read_sample = max(begin_sample, self.begin_sample)
        self._reader = TapeReader(self, self.read_sample, most_samples)
        return self._reader

    def _entry(self, sample: int) -> int:
        """Where a decoder can begin, at `sample` or a little before it."""
        number = self._number_at(sample) - self._dropped
        if number >= len(self._chunks):
            return self.end_sample
        chunk = self._cut(self._spool.get(self._chunks[number]), sample)
        return chunk.end_sample - chunk.samples

    def _cut(self, chunk: Chunk, from_sample: int) -> Chunk:
        """`chunk` without what is before `from_sample`, as exactly as it can be cut."""
        before = from_sample - (chunk.end_sample - chunk.samples)
        if before <= 0:
            return chunk
        if chunk.encoding == PCM:
            return chunk._replace(data=chunk.data[before * BYTES_PER_SAMPLE :], samples=chunk.samples - before)
        from asrcli.audio.encoded.cutting import cut

        return cut(chunk, from_sample, self._pcm.sample_rate_hz)

    def _oldest_kept(self) -> int:
        oldest = self.end_sample - self._keep_samples
        if self._reader is None or self._reader.over or self.read_sample >= oldest:
            return oldest
        return max(self.read_sample, oldest - int(_SLACK * self._keep_samples))

    def _drop_until(self, sample: int) -> None:
        while self._chunks and self._chunks[0].end_sample <= sample:
            oldest = self._chunks.popleft()
            self._spool.drop(oldest)
            self.begin_sample = oldest.end_sample
            self._dropped += 1

    def _take(self, number: int | None, from_sample: int) -> tuple[int, Chunk | None]:
        """The chunk with that number, or the one that holds `from_sample`; None where there is none yet."""
        number = self._number_at(from_sample) if number is None else max(number, self._dropped)
        if number - self._dropped >= len(self._chunks):
            return number, None
        chunk = self._spool.get(self._chunks[number - self._dropped])
        self.read_sample = chunk.end_sample
        return number, chunk

    def _number_at(self, sample: int) -> int:
        for offset, chunk in enumerate(self._chunks):
            if chunk.end_sample > sample:
                return self._dropped + offset
        return self._dropped + len(self._chunks)


class TapeReader:
    """Hands out the chunks from `start_sample` on.

    Ends before sound that was dropped unread, because times count on there being no gap. With `most_samples` it ends
    there, or where an utterance ends after more than half of that.
    """

    def __init__(self, tape: Tape, start_sample: int, most_samples: int | None = None) -> None:
        self._tape = tape
        self._most_samples = most_samples
        self._number: int | None = None
        self._bridged = False
        self.start_sample = start_sample
        self.next_sample = start_sample
        self.over = False
        """True once nothing more will come from this reader."""
        self.exhausted = False
        """True once the end of all sound was reached."""

    @property
    def cause(self) -> BaseException | None:
        """Why the sound broke off where this reader ended; None where it did not."""
        return self._tape.cause if self.exhausted else None

    def next(self) -> Chunk | None:
        """The next chunk; None where there is none yet, or where this reader is over."""
        if self.over or (self.next_sample >= self._tape.end_sample and not self._tape.ended):
            return None
        number, chunk = self._tape._take(self._number, self.start_sample)
        if chunk is None:
            if self._tape.ended:
                self.over = self.exhausted = True
            elif number:
                self._number = number
            return None
        begin_sample = chunk.end_sample - chunk.samples
        if begin_sample > self.next_sample:
            self.over = True
            return None
        self._number = number + 1
        self._bridged = False
        self.next_sample = chunk.end_sample
        if self._most_samples is not None:
            self.over = self._enough(chunk, self._most_samples)
        return chunk if begin_sample >= self.start_sample else self._tape._cut(chunk, self.start_sample)

    def filler(self) -> Chunk:
        """Silence that keeps the service waiting: first enough to end a sentence, then a little now and then."""
        filler = self._tape.filler
        assert filler is not None
        length_ms = _FILLER_MS if self._bridged else _FIRST_FILLER_MS
        self._bridged = True
        times = math.ceil(self._tape._pcm.samples(length_ms) / filler.samples)
        return filler._replace(
            data=filler.data * times, end_sample=self._tape.end_sample, samples=filler.samples * times, is_filler=True
        )

    def close(self) -> None:
        """Nobody reads any more."""
        self.over = True

    def _enough(self, chunk: Chunk, most_samples: int) -> bool:
        read = chunk.end_sample - self.start_sample
        # Another chunk of the same size must still fit.
        return read + chunk.samples > most_samples or (chunk.ends_utterance and 2 * read > most_samples)


@functools.cache
def _silence(pcm: PcmFormat) -> Chunk:
    return Chunk(bytes(pcm.bytes(_FILLER_MS)), 0, pcm.samples(_FILLER_MS))

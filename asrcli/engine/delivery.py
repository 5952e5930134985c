"""How much of the sound of a session has left, in how many bytes, and how much of that has got to the other end."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from asrcli.engine.neighbours import LinkLike
from asrcli.values.events import AudioSent
from asrcli.values.pcm import PcmFormat

_MARK_MS = 1000


class Sent(NamedTuple):
    """What sessions of one transcription have sent: how many bytes, up to where, and how much of that once more."""

    bytes: int = 0
    end_sample: int = 0
    again_samples: int = 0


NOTHING = Sent()


class Delivery:
    """Counts what leaves by `link`, from `start_sample` on; `before`: what the sessions before have sent.

    Bytes say little of samples, since encodings have more of them for speech than for silence: once a second it is
    marked where the sound was, and what has arrived lies between two marks. Those that were passed are forgotten.
    """

    __slots__ = (
        "_before",
        "_link",
        "_mark_at",
        "_mark_samples",
        "_marks",
        "_passed",
        "_pcm",
        "_start",
        "bytes",
        "sample",
    )

    def __init__(self, link: LinkLike, pcm: PcmFormat, start_sample: int, before: Sent = NOTHING) -> None:
        self._link, self._pcm = link, pcm
        self._before, self._start = before, start_sample
        self.bytes = before.bytes
        """What the messages have that carried sound, those of the sessions before too."""
        self.sample = start_sample
        """Where the sound ends that has left."""
        self._mark_samples = pcm.samples(_MARK_MS)
        self._mark_at = start_sample + self._mark_samples
        self._passed = before.bytes, start_sample
        self._marks: deque[tuple[int, int]] = deque()

    def left(self, length_bytes: int, end_sample: int) -> None:
        """A chunk that ends at `end_sample` has left in so many bytes."""
        self.bytes += length_bytes
        if end_sample > self.sample:
            self.sample = end_sample
            if end_sample > self._mark_at:
                self._mark_at = end_sample + self._mark_samples
                self._marks.append((self.bytes, end_sample))
                self._pass_marks()

    @property
    def so_far(self) -> Sent:
        """What this session has sent and those before it."""
        again_samples = max(0, min(self.sample, self._before.end_sample) - self._start)
        furthest = max(self.sample, self._before.end_sample)
        return Sent(self.bytes, furthest, self._before.again_samples + again_samples)

    @property
    def again_ms(self) -> int:
        """How much of the sound had left before, in an earlier session, and has left once more."""
        return self._pcm.ms(self.so_far.again_samples)

    def report(self, sent_ms: int) -> AudioSent:
        """What is to be told where sound up to `sent_ms` has left."""
        return AudioSent(sent_ms, self.bytes, self.again_ms)

    @property
    def carried_sample(self) -> int:
        """How far the sound has got to the other end, rather less than more."""
        arrived_bytes = self._pass_marks()
        before_bytes, before_sample = self._passed
        after_bytes, after_sample = self._marks[0] if self._marks else (self.bytes, self.sample)
        if after_bytes <= before_bytes:
            return after_sample
        further = max(0, arrived_bytes - before_bytes)
        return before_sample + (after_sample - before_sample) * further // (after_bytes - before_bytes)

    def _pass_marks(self) -> int:
        arrived_bytes = self.bytes - self._link.undelivered_bytes
        while self._marks and self._marks[0][0] <= arrived_bytes:
            self._passed = self._marks.popleft()
        return arrived_bytes

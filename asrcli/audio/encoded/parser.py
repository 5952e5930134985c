"""What all containers have in common: bytes in pieces of any size become parts that must not be torn.

Pure: no file, no clock. What is not there yet is waited for and what is of no use is passed over, not kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

# So much in a row that is no sound is no damage any more: it is something else.
MOST_RUBBISH_BYTES = 1 << 20


class Part(NamedTuple):
    """What a decoder takes whole: a frame, a page, some samples. `samples` is its span at `Traits.rate_hz`.

    `is_whole`: nothing of it continues in the next one, so that a decoder can begin with that.
    """

    data: bytes
    samples: int
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a stream from its beginning.

    `name` is the service's word for the format. `rate_hz`: what spans are counted at. `original_hz`: the rate of the
    sound in it, as far as the container tells. `header` has to precede whatever part a decoder begins with.
    `lead_samples` of a decoder's output are before the first sample of the sound. `total_samples`: the length that the
    stream states, None where it states none. `preroll_samples`: what a decoder has to hear before it is right.
    """

    name: str
    rate_hz: int
    channels: int
    original_hz: int
    header: bytes = b""
    lead_samples: int = 0
    total_samples: int | None = None
    preroll_samples: int = 0


class Unfit(Exception):  # noqa: N818 - it is no error of the sound
    """This stream cannot be taken apart, or goes on as something else; `reason` completes "it …"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seen = b""
        """What was read until then, but for tags."""


class Parser(ABC):
    """Takes one stream apart. However it is fed, the same parts come.

    `traits` are there with the first part at the latest, and `is_passing` says that all so far was of no use.
    `lost_bytes` were passed over though they were no tags, the first of them `damaged_at` samples after the beginning;
    `is_cut`: the end of the last part is missing.
    """

    def __init__(self) -> None:
        self.traits: Traits | None = None
        self.kept_bytes = self.lost_bytes = 0
        self.damaged_at: int | None = None
        self.is_cut = False
        self.lacks_end = False
        """Whether the stream does not say that it has ended, where that kind does."""
        self.frame_samples = 1
        """What its sound can be cut into, as far as that shows at its beginning."""
        self.samples = 0
        """Of all parts so far."""
        self._data = b""
        self._arrived = bytearray()
        self._wanted_bytes = 1
        self._passed_bytes = 0
        self._found: list[Part] = []
        self._rubbish_bytes = 0

    def feed(self, data: bytes) -> list[Part]:
        """The parts that `data` completes. Raises Unfit."""
        if self._passed_bytes:
            passed = min(self._passed_bytes, len(data))
            self._passed_bytes -= passed
            data = data[passed:]
        self._arrived += data
        return self._take_apart(is_end=False) if len(self._arrived) >= self._wanted_bytes else []

    def end(self) -> list[Part]:
        """What remains when nothing more comes. Raises Unfit where there was no sound at all."""
        parts = self._take_apart(is_end=True)
        if self._passed_bytes:
            self.is_cut = True
        if self.traits is None:
            raise Unfit(f"holds no {self.KIND}")
        return parts

    def left(self) -> list[Part]:
        """The parts that were found before the stream turned out to be Unfit, and were not given yet."""
        return self._taken()

    KIND = "sound"
    """For messages."""

    @property
    def loss(self) -> str:
        """What the damage is, in words."""
        return f"{self.lost_bytes} bytes are no sound"

    @property
    def is_passing(self) -> bool:
        return self._passed_bytes > 0 and self.traits is None

    @abstractmethod
    def silence(self) -> Part:
        """A short part in which nothing is heard, in the encoding of this stream. To be asked for behind `traits`."""

    @abstractmethod
    def _step(self, data: bytes, at: int, is_end: bool) -> int:
        """Look at `data` from `at` on, and say how many bytes are done with: more than there are passes over the rest.

        A number below 1 is how many there have to be in all, as a negative one; never so where it `is_end`.
        """

    def _take_apart(self, is_end: bool) -> list[Part]:
        data = bytes(self._arrived)
        at = 0
        self._wanted_bytes = 1
        while at < len(data):
            done = self._step(data, at, is_end)
            if done < 1:
                assert not is_end
                self._wanted_bytes = max(len(data) - at + 1, -done)
                break
            at += done
        self._passed_bytes += max(0, at - len(data))
        del self._arrived[:at]
        return self._taken()

    def _taken(self) -> list[Part]:
        found, self._found = self._found, []
        return found

    def _keep(self, part: Part) -> None:
        self._found.append(part)
        self.kept_bytes += len(part.data)
        self.samples += part.samples
        self._rubbish_bytes = 0

    def _lose(self, length: int) -> int:
        """`length` bytes are neither sound nor a tag. Raises Unfit where these were too many."""
        self.lost_bytes += length
        self._rubbish_bytes += length
        if self._rubbish_bytes > MOST_RUBBISH_BYTES:
            where = "" if self.traits is None else f" any more after {self.samples / self.traits.rate_hz:.1f} s"
            raise Unfit(f"holds no {self.KIND}{where}")
        if self.damaged_at is None:
            self.damaged_at = self.samples
        return length

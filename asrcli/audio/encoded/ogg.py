"""Opus and Speex in Ogg: the pages of the one stream that is sound, whatever else there is.

Streams behind one another (chained, as radio stations send them) go on as one: their pages get the serial number, the
count and the clock of the first one, since not every decoder follows such a chain.
"""

from __future__ import annotations

from asrcli.audio.encoded import ogg_pages
from asrcli.audio.encoded.ogg_codecs import Codec, OtherSound, codec_of
from asrcli.audio.encoded.ogg_pages import BEGINS, CONTINUED, ENDS, HEADER_BYTES, MAGIC, NO_GRANULE, Page
from asrcli.audio.encoded.parser import Parser, Part, Traits, Unfit

# Tags with a picture in them would be sent again with each session: longer ones are left out.
_MOST_COMMENT_BYTES = 4096
_MOST_SOUNDS = 9
_SILENT_PACKETS = 5
SILENT_NUMBER = 0xFFFFFFFF
# More packets than any head has.
_ALL = 1 << 16


class OggParser(Parser):
    """Pages of Opus or Speex, each a part; `lost_pages` are missing between them."""

    KIND = "Ogg"

    def __init__(self) -> None:
        super().__init__()
        self.lost_pages = 0
        self._first: Codec | None = None
        self._link = _Link()
        # A page that is marked as the last one, its span, and how much of that is sound; with another stream behind it,
        # it is not the last, and all of it is.
        self._last: tuple[Page, int, int] | None = None
        self._serial = 0
        self._number = 0
        self._is_relabelled = False
        self._granule = 0

    @property
    def loss(self) -> str:
        """What the damage is, in words."""
        are_missing = "page is missing" if self.lost_pages == 1 else "pages are missing"
        return f"{self.lost_pages} {are_missing}" if self.lost_pages else super().loss

    def end(self) -> list[Part]:
        parts = super().end()
        self.lacks_end = self._last is None
        return parts + self.left()

    def left(self) -> list[Part]:
        if self._last is not None:
            page, span, samples = self._last
            self._last = None
            self._pass_on(page, samples, span)
        return super().left()

    def samples_until(self, last: bytes) -> int | None:
        """How much sound there is if `last` is the last page; None if it belongs to another stream."""
        if len(last) < HEADER_BYTES or self._first is None:
            return None
        page = ogg_pages.read_page(last[: ogg_pages.page_bytes(last)] or last)
        if page is None or page.serial != self._serial or page.granule == NO_GRANULE:
            return None
        return max(0, page.granule - self._first.skip_samples)

    def silence(self) -> Part:
        """A page of silence, whose number and place in time are those that are due when it is sent."""
        assert self._first is not None
        packets = [self._first.silence] * _SILENT_PACKETS
        page = ogg_pages.new_page(packets, flags=0, granule=NO_GRANULE, serial=self._serial, number=SILENT_NUMBER)
        return Part(page.data, sum(map(self._first.samples, packets)))

    def _step(self, data: bytes, at: int, is_end: bool) -> int:
        if not data.startswith(MAGIC, at):
            return self._to_next_page(data, at, is_end)
        length = ogg_pages.page_bytes(data[at : at + HEADER_BYTES + 255])
        if not length or len(data) - at < length:
            if not is_end:
                return -(length or len(data) - at + 1)
            if data.find(MAGIC, at + 4) >= 0:
                return self._lose(4)
            self.is_cut = True
            return len(data) - at
        page = ogg_pages.read_page(data[at : at + length])
        if page is None:
            return self._lose(len(MAGIC))
        self._take(page)
        return length

    def _to_next_page(self, data: bytes, at: int, is_end: bool) -> int:
        following = data.find(MAGIC, at)
        if following >= 0:
            return self._lose(following - at)
        # The last bytes may begin a page.
        left = len(data) - at
        if is_end:
            return self._lose(left)
        return self._lose(left - 3) if left > 3 else -4

    def _take(self, page: Page) -> None:
        if page.flags & BEGINS:
            if self._link.is_begun:
                self._link = _Link()
            self._link.see(page)
            return
        if not self._link.is_begun:
            self._begin(self._link.begin())
        if page.serial != self._link.serial:
            return
        lost = self._link.lost_before(page)
        if lost and self.damaged_at is None:
            self.damaged_at = self.samples
        self.lost_pages += lost
        if self._link.takes_as_head(page):
            if self.traits is None and self._link.is_ready:
                self._open()
            return
        if self.traits is None:
            self._open()
        samples = self._link.measure(page)
        if not self.samples and page.packets:
            self.frame_samples = max(1, samples // len(page.packets))
        if self._last is not None:
            # The stream went on, so that one was not the last.
            last, span, _ = self._last
            self._last = None
            self._is_relabelled = True
            self._pass_on(last._replace(flags=last.flags & ~ENDS), span, span)
        if page.flags & ENDS:
            self._last = (page, samples, self._link.trimmed(page, samples))
        else:
            self._pass_on(page, samples, samples)

    def _begin(self, codec: Codec) -> None:
        """A stream begins, the first one or one that has to go on like it."""
        if self._first is None:
            self._first, self._serial = codec, self._link.serial
            return
        alike = (self._first.name, self._first.rate_hz, self._first.channels)
        if (codec.name, codec.rate_hz, codec.channels) != alike:
            rate_hz = self._first.rate_hz
            raise Unfit(f"goes on as a stream of another kind after {self.samples / rate_hz:.1f} s")
        self._is_relabelled = True

    def _open(self) -> None:
        codec = self._link.codec
        assert codec is not None
        self.traits = Traits(
            name=codec.name,
            rate_hz=codec.rate_hz,
            channels=codec.channels,
            original_hz=codec.original_hz,
            header=self._link.header(),
            preroll_samples=codec.preroll_samples,
        )

    def _pass_on(self, page: Page, samples: int, whole_samples: int) -> None:
        """`samples` of the `whole_samples` in the page are sound of ours."""
        if self._is_relabelled:
            self._granule += whole_samples
            granule = page.granule if page.granule == NO_GRANULE else self._granule
            self._number += 1
            page = ogg_pages.changed(page, flags=page.flags, granule=granule, serial=self._serial, number=self._number)
        else:
            self._granule = self._granule + samples if page.granule == NO_GRANULE else page.granule
            self._number = page.number
        self._keep(Part(page.data, samples, page.is_whole))


class _Link:
    """One stream of sound, from its first page to its last, and what goes on beside it."""

    def __init__(self) -> None:
        self.codec: Codec | None = None
        self.serial = 0
        self.is_begun = False
        self._sounds: list[tuple[Codec | OtherSound, Page]] = []
        self._head_packets = 0
        self._head: list[Page] = []
        self._head_is_plain = True
        self._number: int | None = None
        self._open_samples = 0
        # Of the last page, and of the one before it.
        self._granule = self._before = 0

    def see(self, page: Page) -> None:
        """The first page of one of the streams."""
        packets = page.packets
        sound = codec_of(packets[0][0]) if packets else None
        # Two are too many already.
        if sound is not None and len(self._sounds) < _MOST_SOUNDS:
            self._sounds.append((sound, page))

    def begin(self) -> Codec:
        """All streams are known: which is it? Raises Unfit."""
        self.is_begun = True
        if not self._sounds:
            raise Unfit("is Ogg without Opus or Speex")
        if len(self._sounds) > 1:
            raise Unfit(f"is Ogg with {len(self._sounds)} streams of sound")
        sound, page = self._sounds[0]
        if isinstance(sound, OtherSound):
            raise Unfit(f"is {sound.name} in Ogg, and the service takes Opus and Speex only")
        self.codec, self.serial, self._number = sound, page.serial, page.number
        self._head, self._head_packets = [page], 1
        return sound

    def lost_before(self, page: Page) -> int:
        """How many pages of this stream are missing before `page`."""
        assert self._number is not None
        lost = page.number - self._number - 1
        self._number = page.number
        if lost:
            self._open_samples = 0
        return max(0, lost)

    @property
    def is_ready(self) -> bool:
        return self.codec is not None and self._head_packets >= self.codec.head_packets

    def takes_as_head(self, page: Page) -> bool:
        """Whether `page` still belongs to what precedes the sound."""
        if self.is_ready:
            return False
        if page.granule not in (0, NO_GRANULE):
            # Sound already: what should stand before it was lost.
            self._head_packets, self._head_is_plain = _ALL, False
            return False
        ended = sum(is_whole for _, is_whole in page.packets)
        self._head_packets += ended
        self._head.append(page)
        if sum(len(each.data) for each in self._head) > _MOST_COMMENT_BYTES or page.flags & CONTINUED:
            # To be replaced.
            self._head_is_plain = False
            del self._head[1:]
        return True

    def header(self) -> bytes:
        """The pages that precede the sound."""
        assert self.codec is not None
        head = self._head[0]
        if self._head_is_plain:
            return b"".join(page.data for page in self._head)
        comments = [self.codec.comments] + [b""] * (self.codec.head_packets - 2)
        return head.data + ogg_pages.new_page(comments, flags=0, granule=0, serial=head.serial, number=1).data

    def measure(self, page: Page) -> int:
        """How long the packets last that end in `page`."""
        assert self.codec is not None
        samples = 0
        for position, (packet, is_whole) in enumerate(page.packets):
            if position or not page.flags & CONTINUED:
                self._open_samples = self.codec.samples(packet)
            if is_whole:
                samples += self._open_samples
                self._open_samples = 0
        self._before, self._granule = self._granule, page.granule if page.granule != NO_GRANULE else self._granule
        return samples

    def trimmed(self, page: Page, samples: int) -> int:
        """How much of the `samples` in the last page is sound, by its own word."""
        assert self.codec is not None
        if page.granule == NO_GRANULE:
            return samples
        return max(0, min(samples, page.granule - self._before) - self.codec.skip_samples)

"""A source that gives its sound as it is: parts of a file or a stream, put together into chunks."""

from __future__ import annotations

import os
import typing
from collections.abc import Iterable, Iterator

from asrcli.audio.encoded.parser import Parser, Part, Traits, Unfit
from asrcli.audio.source import LEAST_SHARE, NoticeSink
from asrcli.system.descriptor import let_go
from asrcli.values.errors import DecodeError
from asrcli.values.sound import Chunk, SoundFormat
from asrcli.values.source_name import label

# As much as a message may have.
_MOST_CHUNK_BYTES = 16_000
# A second or two of sound: of a thousand sources each holds so much.
_READ_BYTES = 1 << 13
# What the length that a file states may be wrong by, without a word about it.
_MISSING_S = 0.1
PCM_HINT = "--send pcm decodes it here"


class Reader(typing.Protocol):
    """Where the bytes come from. `read` gives b"" at the end, and after `stop`. Raises DecodeError."""

    @property
    def stopped(self) -> bool: ...
    def read(self) -> bytes: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...


class FileReader:
    """Reads the file `fd` from where it is, and closes it in the end."""

    def __init__(self, fd: int, shown: str) -> None:
        self._fd: int | None = fd
        self._shown = shown
        self.stopped = False

    def read(self) -> bytes:
        """The next bytes."""
        if self.stopped or self._fd is None:
            return b""
        try:
            return os.read(self._fd, _READ_BYTES)
        except OSError as error:
            raise DecodeError(f"cannot read {self._shown}: {error.strerror}") from error

    def stop(self) -> None:
        """No more."""
        self.stopped = True

    def close(self) -> None:
        """Let go of the file."""
        self.stopped = True
        fd, self._fd = self._fd, None
        if fd is not None:
            let_go(fd)


class EncodedInput:
    """An EncodedSource: what `reader` gives, taken apart by `parser`, which has seen the beginning.

    `first`: the parts in what was read so far. `sample_rate_hz`: what the service is told. `duration_ms` as far as it
    is known. `waits`: reading may have to.
    """

    can_wait = True
    captured_at: str | None = None
    sound: str | None = None

    def __init__(
        self,
        reader: Reader,
        parser: Parser,
        first: list[Part],
        *,
        name: str,
        sample_rate_hz: int,
        live: bool,
        duration_ms: int | None,
        notice: NoticeSink,
        waits: bool = False,
    ) -> None:
        assert parser.traits is not None
        self._traits = traits = parser.traits
        self.name = name
        self.rate_hz = sample_rate_hz
        self.channels = traits.channels
        self.duration_ms = duration_ms
        self.live = live
        self.waits = waits
        self.sound_format = SoundFormat(
            name=traits.name,
            sample_rate_hz=sample_rate_hz,
            header=traits.header,
            preroll_samples=-(-traits.preroll_samples * sample_rate_hz // traits.rate_hz),
            lead_samples=-(-traits.lead_samples * sample_rate_hz // traits.rate_hz),
        )
        self._reader = reader
        self._parser = parser
        self._first = first
        self._notice = notice
        self.filler: Chunk | None = None
        if live:
            part = parser.silence()
            samples = part.samples * sample_rate_hz // traits.rate_hz
            self.filler = Chunk(part.data, 0, samples, traits.name, is_filler=True)

    def probe(self) -> None:
        """Nothing to wait for: what is sent was known before this was made."""

    def chunks(self, chunk_ms: int) -> Iterator[Chunk]:
        """As EncodedSource says. The first one may begin before sample 0: a decoder needs it, but it is no sound."""
        joining = _Joining(self._traits, self.rate_hz, chunk_ms)
        found, self._first = self._first, []
        yield from joining.add(found)
        shown = label(self.name)
        try:
            while data := self._reader.read():
                yield from joining.add(self._parser.feed(data))
            if not self._reader.stopped:
                yield from joining.add(self._parser.end())
        except Unfit as unfit:
            yield from joining.add(self._parser.left())
            yield from joining.rest()
            raise DecodeError(f"{shown} cannot go on as it is: it {unfit.reason}", hint=PCM_HINT) from unfit
        yield from joining.rest()
        if not self._reader.stopped:
            self._judge_end()

    def entry(self, sample: int) -> int:
        """Where the last frame begins by `sample`, both at our rate."""
        traits, frame = self._traits, self._parser.frame_samples
        at = sample * traits.rate_hz // self.rate_hz + traits.lead_samples
        return (max(0, at // frame) * frame - traits.lead_samples) * self.rate_hz // traits.rate_hz

    def stop(self) -> None:
        """End a read that waits."""
        self._reader.stop()

    def close(self) -> None:
        """Close what is read."""
        self._reader.close()

    def _judge_end(self) -> None:
        """Tell of sound that is missing. Raises DecodeError where all is."""
        parser, traits, shown = self._parser, self._traits, label(self.name)
        read_s = (parser.samples - traits.lead_samples) / traits.rate_hz
        if not parser.samples:
            raise DecodeError(f"{shown} holds no audio: nothing follows its header")
        if parser.damaged_at is not None:
            self._refuse_if_most_is_lost(read_s)
            after_s = max(0, parser.damaged_at - traits.lead_samples) / traits.rate_hz
            hint = "times after the damage are too early by what is missing"
            self._notice(f"{shown} is damaged after {after_s:.1f} s: {parser.loss}", hint, True)
        total_s = None if traits.total_samples is None else traits.total_samples / traits.rate_hz
        if total_s is not None and total_s - read_s > _MISSING_S:
            self._notice(f"{shown} is cut short or damaged: {read_s:.1f} of {total_s:.1f} s could be read", "", True)
        elif parser.is_cut or (parser.lacks_end and not self.live):
            self._notice(f"{shown} is cut short after {read_s:.1f} s", "", True)

    def _refuse_if_most_is_lost(self, read_s: float) -> None:
        parser, stated_s = self._parser, (self.duration_ms or 0) / 1000
        if read_s < LEAST_SHARE * stated_s:
            told = f"{read_s:.1f} of {stated_s:.1f} s could be read"
        elif parser.kept_bytes < LEAST_SHARE * (parser.kept_bytes + parser.lost_bytes):
            told = parser.loss
        else:
            return
        raise DecodeError(f"cannot read most of {label(self.name)}: it is damaged: {told}")


class _Joining:
    """Puts parts together until there are about `chunk_ms` of them, and counts their samples at `rate_hz`."""

    def __init__(self, traits: Traits, rate_hz: int, chunk_ms: int) -> None:
        self._encoding = traits.name
        self._rate_hz = rate_hz
        self._per_s = traits.rate_hz
        self._wanted = traits.rate_hz * chunk_ms // 1000
        # Of the parts so far, at their own rate; of the chunks at ours.
        self._samples = -traits.lead_samples
        self._begin = self._at_our_rate()
        self._taken: list[bytes] = []
        self._span = self._bytes = 0

    def add(self, parts: Iterable[Part]) -> Iterator[Chunk]:
        """The chunks that `parts` complete."""
        is_whole = True
        for part in parts:
            if self._taken and is_whole and self._bytes + len(part.data) > _MOST_CHUNK_BYTES:
                yield from self.rest()
            self._taken.append(part.data)
            self._span += part.samples
            self._bytes += len(part.data)
            self._samples += part.samples
            is_whole = part.is_whole
            if is_whole and self._span >= self._wanted:
                yield from self.rest()

    def rest(self) -> Iterator[Chunk]:
        """What there is, however little."""
        if self._taken:
            begin, self._begin = self._begin, self._at_our_rate()
            data = b"".join(self._taken)
            self._taken = []
            self._span = self._bytes = 0
            yield Chunk(data, self._begin, self._begin - begin, self._encoding)

    def _at_our_rate(self) -> int:
        return self._samples * self._rate_hz // self._per_s

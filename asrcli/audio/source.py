"""What a source of sound is: all that the rest of the program has to know about one."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass

from asrcli.audio.sample_encodings import ENCODINGS, layout_problem
from asrcli.values.choices import choose_one
from asrcli.values.errors import UsageError
from asrcli.values.sound import Chunk, SoundFormat

if typing.TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block as Block


LEAST_SHARE = 0.5
"""A damaged file of which less than this could be read has failed."""


class NoticeSink(typing.Protocol):
    """Takes something the user should know that does not end the run, a truncated file for example.

    `truncated`: less sound came than the header of the source says it holds.
    """

    def __call__(self, message: str, hint: str, truncated: bool = False, /) -> None: ...


def ignore(message: str, hint: str, truncated: bool = False, /) -> None:
    """A NoticeSink that forgets."""


class Heard(typing.Protocol):
    """What is known of a source before its sound comes, wherever that is heard.

    `waits` is True where reading may have to wait for something slower than a disk: a pipe, a child, a device.
    `name` is what the user typed. `duration_ms` is None where it is not known. `live` is True where sound comes in its
    own time and cannot be had again. `rate_hz` and `channels` are certain after `probe`; before that, those of a
    stream are the ones it has if it turns out to be raw samples. `captured_at` is the wall clock at the first sample,
    ISO 8601, where it is known. `sound_format` is that of sound which is sent as it is, None for samples. `sound` is
    what a change of its bytes would show in, where the source itself knows that.
    """

    name: str
    rate_hz: int
    channels: int
    duration_ms: int | None
    live: bool
    can_wait: bool
    waits: bool
    captured_at: str | None

    @property
    def sound_format(self) -> SoundFormat | None: ...
    @property
    def sound(self) -> str | None: ...


class AnySource(Heard, typing.Protocol):
    """What all sources have in common that are heard here."""

    def probe(self) -> None:
        """Wait until rate and channels are known; at once for most files, with the first bytes for a stream.

        Raises DecodeError where the stream holds nothing that can be decoded. Returns early after `stop`.
        """
        ...

    def stop(self) -> None:
        """Make `probe` and what yields the sound end promptly, also where they wait for a pipe or a child.

        For other threads.
        """
        ...

    def close(self) -> None:
        """Free files and children; may be called again. The thread that reads the sound must be done with it."""
        ...


class DecodedSource(AnySource, typing.Protocol):
    """Sound as samples."""

    @property
    def sound_format(self) -> None: ...

    def blocks(self) -> Iterator[Block]:
        """Yield blocks of shape (n, channels), any n above 0: float32 with full scale 1.0, or int16 of one channel.

        Ends with the audio, or soon after `stop`. Raises DecodeError where the audio breaks off badly. To be called
        once, by one thread.
        """
        ...


@typing.runtime_checkable
class EncodedSource(AnySource, typing.Protocol):
    """Sound that is sent as it is, in the encoding it has; nothing decodes it here.

    `sound_format` is certain from the beginning: the service is told before the first chunk leaves. `filler` is a short
    stretch of silence in that encoding, None where there is none: a pause of the source is not bridged then.
    """

    sound_format: SoundFormat
    filler: Chunk | None

    def chunks(self, chunk_ms: int) -> Iterator[Chunk]:
        """Yield the sound in chunks of about `chunk_ms`, which begin and end where a decoder can.

        They are without `SoundFormat.header` and leave no sample out: each begins where the one before it ends. Ends
        and raises as `DecodedSource.blocks`.
        """
        ...


Source = DecodedSource | EncodedSource
"""Sound on its way in."""


@dataclass(frozen=True, slots=True)
class RawFormat:
    """What samples without a header look like. `encoding` is a name in ENCODINGS. Raises UsageError."""

    rate_hz: int = 16000
    channels: int = 1
    encoding: str = "s16le"

    def __post_init__(self) -> None:
        if problem := layout_problem(self.rate_hz, self.channels):
            raise UsageError(problem)
        if self.encoding not in ENCODINGS:
            raise UsageError(f"--encoding {self.encoding!r} is not known", hint=choose_one(self.encoding, ENCODINGS))


@dataclass(frozen=True, slots=True)
class AsIs:
    """What the service takes as it is: `formats` by its own words for them, at `rates_hz`, () for any.

    `insists`: what it does not take is refused; else that is decoded, and told of.
    """

    formats: tuple[str, ...]
    rates_hz: tuple[int, ...] = ()
    insists: bool = False

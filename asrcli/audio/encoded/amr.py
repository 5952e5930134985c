"""AMR narrow band in its own file format: 20 ms of 8 kHz a frame (RFC 4867, 5)."""

from __future__ import annotations

from asrcli.audio.encoded.frames import FrameParser
from asrcli.audio.encoded.headers import Header
from asrcli.audio.encoded.parser import Part, Traits, Unfit

MAGIC = b"#!AMR\n"
_RATE_HZ = 8000
_FRAME_SAMPLES = 160
# Of speech by the eight modes, of comfort noise, and of nothing at all, with the header.
_LENGTHS = {**dict(enumerate((13, 14, 16, 18, 20, 21, 27, 32, 6))), 15: 1}
# Shorter ones hold no speech: comfort noise, or nothing at all.
_LEAST_SPEECH_BYTES = 13
# What an encoder writes at 4.75 kbit/s when it hears nothing; between frames of any mode it is silent.
SILENCE = bytes.fromhex("04363cc7f0670435ffe0000000")
# What decoders keep from frame to frame has settled by then.
_PREROLL_FRAMES = 5
_KIND = (_RATE_HZ,)
# A hole full of zeros is damage, though a zero could begin a frame, of the lowest bit rate and bad by its own word.
_HEADERS: list[Header | None] = [
    Header(_LENGTHS[byte >> 3], _FRAME_SAMPLES, _KIND) if byte and byte >> 3 in _LENGTHS and not byte & 3 else None
    for byte in range(256)
]


class AmrParser(FrameParser):
    """Frames of AMR-NB, behind the magic number.

    In pauses a stream may do without speech (SID, NO_DATA). Not every decoder makes a pause of that: ffmpeg's leaves it
    out, and all later times would be too early. So there is a frame of silence in the place of each.
    """

    KIND = "AMR"
    HEADER_BYTES = 1
    # A header is a byte, and one of twelve looks like one.
    IN_A_ROW = 8

    def silence(self) -> Part:
        """A frame of silence."""
        return Part(SILENCE, _FRAME_SAMPLES)

    def _step(self, data: bytes, at: int, is_end: bool) -> int:
        if self.traits is not None:
            return super()._step(data, at, is_end)
        head = data[at : at + 9]
        if head.startswith(MAGIC):
            self.traits = Traits(
                name="amr",
                rate_hz=_RATE_HZ,
                channels=1,
                original_hz=_RATE_HZ,
                header=MAGIC,
                preroll_samples=_PREROLL_FRAMES * _FRAME_SAMPLES,
            )
            self.kind = _KIND
            self.frame_samples = _FRAME_SAMPLES
            # The first frame follows at once, however few there are.
            self._is_in_step = True
            return len(MAGIC)
        if len(head) < 9 and not is_end:
            return -9
        if head.startswith(b"#!AMR-WB"):
            raise Unfit("is AMR-WB, and the service takes AMR-NB only")
        if head.startswith(b"#!AMR"):
            raise Unfit("is AMR of several channels")
        raise Unfit("holds no AMR")

    def _keep(self, part: Part) -> None:
        super()._keep(part if len(part.data) >= _LEAST_SPEECH_BYTES else part._replace(data=SILENCE))

    def header_at(self, data: bytes, at: int) -> Header | None:
        return _HEADERS[data[at]]

    def _begin(self, frame: bytes, header: Header) -> bool:
        return True

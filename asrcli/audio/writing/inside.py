"""The sound of a source small enough to be put into another file: Opus in Ogg, of one channel."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from asrcli.audio.chunks.pipeline import chunks_of
from asrcli.audio.source import DecodedSource
from asrcli.audio.writing.encoding import encode
from asrcli.audio.writing.kinds import KINDS, OPUS_BITRATE
from asrcli.values.errors import OutputError
from asrcli.values.pcm import PcmFormat

MOST_BYTES = 32 << 20
MOST_S = MOST_BYTES * 8 // OPUS_BITRATE
# Of Opus' rates those at which speech is as good as it gets at that bit rate.
_RATES_HZ = (16000, 24000)
_STRETCH_MS = 5000


def ogg_opus(source: DecodedSource) -> bytes:
    """All of `source`, which stays open, a stretch at a time.

    Raises OutputError where it comes to more than MOST_BYTES, or there is no room for it meanwhile, and what the source
    raises.
    """
    source.probe()
    pcm = PcmFormat(_RATES_HZ[source.rate_hz >= _RATES_HZ[1]])
    try:
        with tempfile.TemporaryDirectory(prefix="asrcli-") as folder:
            path = Path(folder) / "sound.opus"
            encode(_bounded(source, pcm, path), pcm, path, KINDS[".opus"])
            _check(path)
            return path.read_bytes()
    except OSError as error:
        raise OutputError(error.strerror or str(error)) from error


def _bounded(source: DecodedSource, pcm: PcmFormat, path: Path) -> Iterator[bytes]:
    for chunk in chunks_of(source, pcm, _STRETCH_MS):
        yield chunk.data
        # Not to go on for hours; what is still on its way through a pipe is seen in the end.
        if path.exists():
            _check(path)


def _check(path: Path) -> None:
    if path.stat().st_size > MOST_BYTES:
        raise OutputError(f"it is larger than {MOST_BYTES >> 20} MiB")

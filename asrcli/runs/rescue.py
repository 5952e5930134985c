"""Live sound that could not be recognised: kept where the next try finds it."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from asrcli.audio.rescued import PATTERN, folder, rescued
from asrcli.audio.writing.growing import EncodedWriter, GrowingFile
from asrcli.audio.writing.kinds import ENCODED
from asrcli.audio.writing.wav_writer import WavWriter
from asrcli.system.clock import stamp
from asrcli.values.errors import AsrcliError, AudioError
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk, SoundFormat

# Older ones go; a talk that nobody has asked for after so many failures will not be missed.
_MOST_KEPT = 20


def rescue(chunks: Iterator[Chunk], sound: SoundFormat | None = None, *, model: str, pcm: PcmFormat) -> str | None:
    """Write `chunks`, PCM or in the format `sound`, to a file of their own and say how to redo it.

    What went wrong where that cannot be done.
    """
    kept = folder(os.environ, Path.home())
    path = kept / PATTERN.replace("*", f"{stamp()}-{os.getpid()}")
    try:
        # The sound of a microphone is nobody else's business.
        kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        return f"that sound is lost: {kept} cannot be made: {error.strerror}"
    recording = _file_of(path, sound, pcm)
    failure: AsrcliError | None = None
    try:
        for chunk in chunks:
            recording.write(chunk)
    except AudioError as error:
        failure = error
    recording.close()
    failure = recording.error or failure
    with contextlib.suppress(OSError):
        for old in rescued(os.environ, Path.home())[:-_MOST_KEPT]:
            old.unlink(missing_ok=True)
    again = f"asrcli file {shlex.quote(str(recording.path))} --model {shlex.quote(model)}"
    if failure is None:
        return f"that sound is kept: {again}"
    if not recording.seconds:
        return f"that sound is lost: {failure.message}"
    return f"the first {recording.seconds:.1f} s of that sound are kept: {again}; the rest is lost: {failure.message}"


def _file_of(path: Path, sound: SoundFormat | None, pcm: PcmFormat) -> GrowingFile:
    if sound is None:
        return WavWriter(path.with_suffix(".wav"), pcm)
    if sound.name not in ENCODED:
        return WavWriter(path.with_suffix(".wav"), PcmFormat(sound.sample_rate_hz))
    return EncodedWriter(path.with_suffix(ENCODED[sound.name][0]), sound)

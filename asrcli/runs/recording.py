"""The file of --save-audio, and the rule that no result is written over what it is made from."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.cli.flags.options import OutputFlags
from asrcli.values.errors import UsageError

if TYPE_CHECKING:
    from asrcli.audio.writing.wav_writer import WavWriter
    from asrcli.output.base import Output
    from asrcli.values.pcm import PcmFormat


def recording_of(flags: OutputFlags, names: Sequence[str], pcm: PcmFormat) -> WavWriter | None:
    """The file of --save-audio, checked and not yet made. Raises UsageError."""
    from asrcli.audio.writing.wav_writer import WavWriter
    from asrcli.output.places.sinks import FileSink

    path = flags.save_audio
    if path is None:
        return None
    if len(names) > 1:
        raise UsageError("--save-audio keeps the sound of one source only", hint="name one file")
    if flags.output is not None and path.resolve() == flags.output.resolve():
        raise UsageError(f"--save-audio and --output both name {path}", hint="give them different names")
    FileSink(path, flags.force).check()
    return WavWriter(path, pcm, force=flags.force)


def spare_the_sources(flags: OutputFlags, names: Sequence[str]) -> None:
    """Raise UsageError where a result would be written over what it is made from."""
    for option, path in (("--output", flags.output), ("--save-audio", flags.save_audio)):
        for name in names:
            with contextlib.suppress(OSError):
                if path is not None and Path(name).samefile(path):
                    raise UsageError(f"{option} {path} is the source itself", hint="choose another file")


def kept(recording: WavWriter, code: int, output: Output) -> int:
    """Close `recording`; the exit code of a run that would end with `code`."""
    from asrcli.runs.run import exit_code

    recording.close()
    if recording.error is None:
        return code
    output.error(recording.error)
    return code or exit_code(recording.error)

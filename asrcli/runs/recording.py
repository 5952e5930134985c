"""The file of --save-audio, and the rule that no result is written over what it is made from."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.runs.choose_forms import STANDARD_OUTPUT
from asrcli.runs.request import OutputOptions
from asrcli.values.errors import UsageError
from asrcli.values.source_name import STANDARD_INPUT

if TYPE_CHECKING:
    from asrcli.audio.writing.wav_writer import WavWriter
    from asrcli.output.output import Output
    from asrcli.system.file_state import FileState
    from asrcli.values.pcm import PcmFormat


def recording_of(options: OutputOptions, names: Sequence[str], pcm: PcmFormat) -> WavWriter | None:
    """The file of --save-audio, checked and not yet made. Raises UsageError."""
    from asrcli.audio.writing.wav_writer import WavWriter
    from asrcli.output.places.sinks import FileSink

    path = options.save_audio
    if path is None:
        return None
    if len(names) > 1:
        raise UsageError("--save-audio keeps the sound of one source only", hint="name one file")
    if any(path.resolve() == output.resolve() for output in options.output if output != STANDARD_OUTPUT):
        raise UsageError(f"--save-audio and --output both name {path}", hint="give them different names")
    FileSink(path, options.force).check()
    return WavWriter(path, pcm, force=options.force)


def spare_the_sources(options: OutputOptions, names: Sequence[str]) -> None:
    """Raise UsageError where a result would be written over what it is made from."""
    places = [("--output", path) for path in options.output if path != STANDARD_OUTPUT]
    places += [("--save-audio", path) for path in [options.save_audio] if path is not None]
    for option, path in places:
        for name in names:
            with contextlib.suppress(OSError):
                if Path(name).samefile(path):
                    raise UsageError(f"{option} {path} is the source itself", hint="choose another file")


def heard_in(source: str, state: FileState | None, save_audio: Path | None) -> str | None:
    """The path of a file in which a transcription can be heard: the source, if its `state` says that it is one."""
    if state is not None and source != STANDARD_INPUT:
        return source
    return None if save_audio is None else str(save_audio)


def kept(recording: WavWriter, code: int, output: Output) -> int:
    """Close `recording`; the exit code of a run that would end with `code`."""
    from asrcli.runs.exits import exit_code

    recording.close()
    if recording.error is None:
        return code
    output.error(recording.error)
    return code or exit_code(recording.error)

"""The file of --save-audio, and the rule that no result is written over what it is made from."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.runs.choose_forms import STANDARD_OUTPUT
from asrcli.runs.request import OutputOptions
from asrcli.values.errors import AsrcliError, UsageError
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


def spare_the_sources(output: Output, options: OutputOptions, names: Sequence[str]) -> None:
    """Raise UsageError where a result would be written over what it is made from; nor is that error written there."""
    for path, destination in zip(options.output, output.destinations, strict=False):
        if path != STANDARD_OUTPUT and (error := _is_a_source("--output", path, names)):
            destination.refuse(error)
            raise error
    if options.save_audio is not None and (error := _is_a_source("--save-audio", options.save_audio, names)):
        raise error


def spare_what_is_there(output: Output, options: OutputOptions, error: AsrcliError) -> None:
    """Have `error` written over no file: it came before it was known what the sources are."""
    for path, destination in zip(options.output, output.destinations, strict=False):
        if path != STANDARD_OUTPUT and path.is_file():
            destination.refuse(error)


def _is_a_source(option: str, path: Path, names: Sequence[str]) -> UsageError | None:
    for name in names:
        with contextlib.suppress(OSError):
            if Path(name).samefile(path):
                return UsageError(f"{option} {path} is the source itself", hint="choose another file")
    return None


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

"""The file of --save-audio, and the rule that no result is written over what it is made from.

It holds the sound that was sent: as it is, where it goes so, in a file of its own kind; of what is compressed here what
goes into the encoder, because each session has a stream of its own, and what is sent again would be there twice. What
is written while the run goes on is a wav, which is good at every moment. Where the name asks for another kind,
the wav has a name of its own until that one is whole: FILE.mp3.wav for FILE.mp3.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.runs.choose_forms import STANDARD_OUTPUT
from asrcli.runs.request import OutputOptions
from asrcli.values.errors import AsrcliError, Interrupted, OutputError, UsageError
from asrcli.values.source_name import STANDARD_INPUT

if TYPE_CHECKING:
    from asrcli.audio.source import NoticeSink, Source
    from asrcli.audio.writing.growing import GrowingFile
    from asrcli.audio.writing.kinds import Kind
    from asrcli.audio.writing.wav_writer import WavWriter
    from asrcli.output.base import Begin
    from asrcli.output.output import Output
    from asrcli.system.file_state import FileState
    from asrcli.system.signals import Signals
    from asrcli.values.pcm import PcmFormat

_WAV = ".wav"
# Less sound than this is converted before anybody asks why the program does not end.
_LONG_S = 60


class Recording:
    """The sound of one run in the file `path`, by way of `wav`; `kind` is what that becomes, None where it stays.

    `begin` has to be told of the source.
    """

    def __init__(self, path: Path, wav: WavWriter, kind: Kind | None, *, force: bool) -> None:
        self.path = path
        self.wav = wav
        self.file: GrowingFile = wav
        """What the sound is written to."""
        self._kind = kind
        self._force = force

    def begin(self, source: Source | None, notice: NoticeSink) -> None:
        """The sound will be that of `source`. Raises UsageError where it cannot be kept under the name it is to have.

        `notice`: see GrowingFile.
        """
        from asrcli.audio.writing.kinds import ENCODED, KINDS

        sound = None if source is None else source.sound_format
        ending = self.path.suffix.lower() or _WAV
        if sound is not None and sound.name in ENCODED:
            from asrcli.audio.writing.growing import EncodedWriter

            if ending not in ENCODED[sound.name]:
                raise UsageError(
                    f"--save-audio {self.path}: the sound goes as {sound.name}, and is kept so",
                    hint=f"end the name in {' or '.join(ENCODED[sound.name])}, or leave --send as-is out",
                )
            self.file, self._kind = EncodedWriter(self.path, sound, force=self._force), None
        elif ending not in KINDS:
            raise _unknown_kind(self.path)
        elif sound is not None:
            self.wav.pcm = replace(self.wav.pcm, sample_rate_hz=sound.sample_rate_hz)
        self.file.notice = notice

    def kept(self, work: Callable[[], int], output: Output, signals: Signals) -> int:
        """Do `work`, which records, then put the file in order; the exit code of both. Raises what `work` does."""
        from asrcli.output.places.streams import ClosedPipe
        from asrcli.runs.exits import exit_code

        try:
            code = work()
        except ClosedPipe:
            # Nobody reads the results; the sound is wanted all the same.
            code = 0
        except Exception:
            self.file.close()
            if self._kind is not None and self.wav.seconds:
                output.notice(f"{self.path} is not made", f"the sound is in {self.wav.path}")
            raise
        self.file.close()
        error: AsrcliError | None = self.file.error
        if self._kind is not None and self.wav.seconds and error is None:
            error = self._converted(self._kind, output, signals)
        if error is None:
            return code
        told = output.error(error)
        return code or exit_code(told)

    def _converted(self, kind: Kind, output: Output, signals: Signals) -> AsrcliError | None:
        """Make the file from the wav, which goes only when that is whole; what went wrong, if something did."""
        from asrcli.audio.writing.encoding import convert
        from asrcli.system.signals import interrupted

        if signals.received is not None and signals.in_haste:
            return self._failed(interrupted(signals.received))
        if self.wav.seconds > _LONG_S and sys.stderr.isatty():
            output.say(f"writing {self.path} …")
        try:
            with signals.after_the_run():
                convert(self.wav, self.path, kind, force=self._force)
        except OutputError as error:
            return self._failed(error)
        except Interrupted as error:
            # Without the wav the file is made, and the signal came too late.
            return self._failed(error) if self.wav.path.exists() else None
        return None

    def _failed(self, error: AsrcliError) -> AsrcliError:
        """`error` as what is told: of which file, and where the sound is."""
        message = f"{self.path} is not made: {error.message}"
        hint = f"the sound is in {self.wav.path}"
        if not isinstance(error, Interrupted):
            return OutputError(message, hint=hint)
        told = Interrupted(error.signal_number, message)
        told.hint = hint
        return told


def recording_of(
    options: OutputOptions, names: Sequence[str], pcm: PcmFormat, *, as_is: bool = False
) -> Recording | None:
    """The file of --save-audio, checked and not yet made; `as_is`: the sound may go so. Raises UsageError."""
    from asrcli.audio.writing.kinds import ENCODED, KINDS
    from asrcli.audio.writing.wav_writer import WavWriter
    from asrcli.output.places.sinks import FileSink

    path = options.save_audio
    if path is None:
        return None
    if len(names) > 1:
        raise UsageError("--save-audio keeps the sound of one source only", hint="name one file")
    kind = KINDS.get(path.suffix.lower() or _WAV)
    if kind is None and not (as_is and any(path.suffix.lower() in endings for endings in ENCODED.values())):
        raise _unknown_kind(path)
    wav, *others = _files(path)
    for file in (wav, *others):
        if any(_is_same(file, output) for output in options.output if output != STANDARD_OUTPUT):
            raise UsageError(f"--save-audio and --output both name {file}", hint="give them different names")
        FileSink(file, options.force).check()
    if others and kind is not None:
        _check_encoder(path, kind)
    return Recording(path, WavWriter(wav, pcm, force=options.force), kind if others else None, force=options.force)


def _unknown_kind(path: Path) -> UsageError:
    from asrcli.audio.writing.kinds import listed

    return UsageError(f"--save-audio writes no {path.suffix} files", hint=f"end the name in one of {listed()}")


def _is_same(path: Path, other: Path) -> bool:
    """Whether both are one file, also one that is not there yet."""
    try:
        return path.samefile(other)
    except OSError:
        return path.resolve() == other.resolve()


def _files(path: Path) -> list[Path]:
    """The files that --save-audio writes for `path`: the wav first."""
    return [path] if path.suffix.lower() in ("", _WAV) else [path.with_name(path.name + _WAV), path]


def _check_encoder(path: Path, kind: Kind) -> None:
    from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg, how_to_install

    if path.exists() and not path.is_file():
        raise UsageError(f"cannot write to {path}: it is no file", hint="a wav can be written there")
    if kind.libsndfile is None and find_ffmpeg() is None:
        raise UsageError(f"{path.suffix} files take ffmpeg, which is not installed", hint=how_to_install())


def spare_the_sources(output: Output, options: OutputOptions, names: Sequence[str]) -> None:
    """Raise UsageError where a result would be written over what it is made from; nor is that error written there."""
    for path, destination in zip(options.output, output.destinations, strict=False):
        if path != STANDARD_OUTPUT and (error := _is_a_source("--output", path, names)):
            destination.refuse(error)
            raise error
    if options.log is not None and (error := _is_a_source("--log", options.log, names)):
        raise error
    for path in () if options.save_audio is None else _files(options.save_audio):
        if error := _is_a_source("--save-audio", path, names):
            raise error


def spare_what_is_there(output: Output, options: OutputOptions, error: AsrcliError) -> None:
    """Have `error` written over no file: it came before it was known what the sources are."""
    for path, destination in zip(options.output, output.destinations, strict=False):
        if path != STANDARD_OUTPUT and path.is_file():
            destination.refuse(error)


def _is_a_source(option: str, path: Path, names: Sequence[str]) -> UsageError | None:
    if not path.exists():
        return None
    for name in names:
        with contextlib.suppress(OSError, ValueError):
            if Path(name).samefile(path):
                return UsageError(f"{option} {path} is the source itself", hint="choose another file")
    return None


def sound_of(info: Begin, beside: Sequence[Path]) -> tuple[str, Path | None]:
    """Where a saved transcription was heard, "" where nothing tells that, and where it can be heard now.

    It is looked for there, and in the folders `beside`, where what was moved together still lies.
    """
    # What has the time of its capture is from a microphone, of which only the name is known.
    name = info.audio or ("" if info.captured_at is not None or info.source == STANDARD_INPUT else info.source)
    if not name:
        return "", None
    places = [Path(name), *(folder / each for folder in beside for each in (name, Path(name).name))]
    return name, next((place for place in places if _is_file(place)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        # No file can be called so.
        return False


def heard_in(source: str, state: FileState | None, save_audio: Path | None) -> str | None:
    """The path of a file in which a transcription can be heard: the source, if its `state` says that it is one."""
    if state is not None and source != STANDARD_INPUT:
        return source
    return None if save_audio is None else str(save_audio)

"""`asrcli render`: saved JSON lines go through the same output as those of a run do, and become any other form.

They are read twice. First it is found out which transcriptions there are, and how each ends: then titles, files and
what is missing are known before anything is written. Nothing of their text is kept for that.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.output.base import Begin, Failure
from asrcli.output.formats.text import title
from asrcli.output.places.lanes import InFilesAnyway, InOrder
from asrcli.output.places.rendered import rendered_files, stem
from asrcli.output.sanitize import name as shown
from asrcli.output.saved.transcripts import Sorting, Transcript
from asrcli.output.saved.values import SavedError
from asrcli.output.wording import warning_line
from asrcli.runs.choose_forms import Form, embeds, forms_of
from asrcli.runs.choose_output import open_output
from asrcli.runs.clips import ClipOptions, Clips
from asrcli.runs.embedding import Embedding, check_file
from asrcli.runs.recording import sound_of, spare_the_sources
from asrcli.runs.run import told
from asrcli.runs.saved_files import SavedFile, changed
from asrcli.values.errors import UsageError
from asrcli.values.events import FinalResult
from asrcli.values.source_name import STANDARD_INPUT
from asrcli.values.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrcli.output.output import Output
    from asrcli.output.saved.values import Saved
    from asrcli.runs.request import OutputOptions
    from asrcli.system.signals import Signals

# Of broken lines of one file so many are told of one by one.
_MOST_TOLD = 10


def render(
    names: Sequence[str],
    options: OutputOptions,
    folder: Path | None = None,
    cutting: ClipOptions | None = None,
    audio: Path | None = None,
) -> int:
    """Make what `options` ask for of the JSON lines in `names`; with `folder` a file for each transcription.

    With `cutting` clips are made; text is then written only where that is asked for too. `audio`: where the sound is,
    if not where the lines say. The exit code is 0 where all of them are complete and every line could be read.
    """
    if cutting is not None and not (options.output or options.format or options.json or folder):
        options = replace(options, output=(Path(os.devnull),))
    embedding = Embedding() if embeds(options, folder) else None
    output = open_output(options, folder, past=True, sound_of=embedding)

    def work(signals: Signals) -> int:
        """Read what was saved, write what is asked for, and say with which exit code that ends."""
        with ExitStack() as stack:
            spare_the_sources(output, options, names)
            if list(names).count(STANDARD_INPUT) > 1:
                raise UsageError("- stands for standard input and can be given only once")
            files = [SavedFile(name, stack, signals) for name in names]
            clips = None if cutting is None else Clips(cutting, audio, force=options.force, quiet=options.quiet)
            found = _looked_through(files, clips)
            forms = forms_of(options, folder)
            beside = [Path(name).parent for name in names if name != STANDARD_INPUT]
            infos = [_info(transcript, audio, beside) for transcript in found]
            _check_audio(found, infos, audio, is_inside=embedding is not None)
            spare_the_sources(output, options, [info.audio for info in infos if info.audio is not None])
            results = list(options.output)
            if folder is not None:
                results = _to_folder(output, forms, found, folder, names, force=options.force)
            else:
                _to_places(output, forms, found)
            if clips is not None:
                inputs = [Path(name) for name in names if name != STANDARD_INPUT]
                clips.check(found, beside, [*inputs, *results])
            _tell_of_options(output, options, forms, found, infos)
            subtitles = any("max_cue_ms" in form.format.shaped_by for form in forms)
            needs_times = subtitles and not options.quiet
            code = _Rendering(output, files, found, infos, needs_times=needs_times).code()
            if embedding is not None:
                code = embedding.told(code, output)
            return code if clips is None or clips.make(output) else 1

    return told(output, work)


def _looked_through(files: Sequence[SavedFile], clips: Clips | None) -> list[Transcript]:
    sorting = Sorting()
    for file in files:
        sorting.begin_file(file.stem)
        for line in file.look_through():
            if line.saved is not None:
                transcript = sorting.take(line.saved)
                if clips is not None and transcript is not None and isinstance(line.saved.value, FinalResult):
                    clips.take(transcript.number, line.saved.value.sentence)
    return sorting.found


def _to_places(output: Output, forms: Sequence[Form], found: Sequence[Transcript]) -> None:
    """Each form of all that was found to one place. Raises UsageError for one that holds a single transcription."""
    for form, destination in zip(forms, output.destinations, strict=True):
        if len(found) > 1 and form.format.stands_alone:
            hint = "a file for each: --output-dir DIR"
            raise UsageError(f"{form.name} is for one transcription, and there are {len(found)}", hint=hint)
        if len(found) > 1:
            title_of = None if form.format.names_source else lambda number: title(found[number].name)
            destination.through(InOrder(destination.deliver, title_of))


def _to_folder(
    output: Output,
    forms: Sequence[Form],
    found: Sequence[Transcript],
    folder: Path,
    inputs: Sequence[str],
    *,
    force: bool,
) -> list[Path]:
    """A file for each in each form. Raises UsageError for files that cannot be made or may not be replaced."""
    sources = [(transcript.name, _stem(transcript)) for transcript in found]
    paths = []
    for form, destination in zip(forms, output.destinations, strict=True):
        files = rendered_files(folder, sources, form.format.suffixes[0], inputs, force=force)
        paths += [file.path for file in files]
        destination.through(InFilesAnyway(destination.deliver, files))
    return paths


def _tell_of_options(
    output: Output, options: OutputOptions, forms: Sequence[Form], found: Sequence[Transcript], infos: Sequence[Begin]
) -> None:
    if options.quiet:
        return
    silent = [info.source for info in infos if info.audio is None]
    if silent and any(form.name == "html" for form in forms):
        more = f", and of {len(silent) - 1} more," if len(silent) > 1 else ""
        _warn(output, f"the sound of {shown(silent[0])}{more} is not found: its page is silent", "--audio FILE")
    if options.embed and not any(form.name == "html" for form in forms):
        _warn(output, "--embed is for html, and is left out")
    if options.karaoke and not any("karaoke" in form.format.shaped_by for form in forms):
        _warn(output, f"--karaoke is not for {' and '.join(form.name for form in forms)}, and is left out")
    elif options.karaoke and not any(transcript.has_word_times for transcript in found):
        _warn(output, "there are no times of words", "--karaoke is left out")


def _warn(output: Output, message: str, hint: str = "") -> None:
    """A warning for the person alone: it is no part of what the lines told."""
    output.say(warning_line(message, hint))


def _check_audio(found: Sequence[Transcript], infos: Sequence[Begin], audio: Path | None, *, is_inside: bool) -> None:
    """Raise UsageError where `audio` is to be the sound of several, or sound that is to be in a page cannot be."""
    begun = [info for transcript, info in zip(found, infos, strict=True) if transcript.has_begun]
    if audio is not None and len(begun) > 1:
        raise UsageError(f"--audio is for one transcription, and there are {len(begun)}", hint="render one at a time")
    for info in begun if is_inside else ():
        if info.audio is None:
            reason = f"--embed: the sound of {shown(info.source)} is not there"
            raise UsageError(reason, hint="say where it is with --audio FILE")
        check_file(Path(info.audio))


def _info(transcript: Transcript, audio: Path | None, beside: Sequence[Path]) -> Begin:
    """What is known of it, with where it can be heard; see runs.recording.sound_of."""
    info = transcript.info()
    path = audio or sound_of(info, beside)[1]
    return replace(info, audio=None if path is None else str(path), stem=_stem(transcript))


def _stem(transcript: Transcript) -> str:
    return stem(transcript.name, transcript.info().audio)


class _Rendering:
    """The second reading: all that is told goes to the output."""

    def __init__(
        self,
        output: Output,
        files: Sequence[SavedFile],
        found: Sequence[Transcript],
        infos: Sequence[Begin],
        *,
        needs_times: bool,
    ) -> None:
        self._infos = infos
        self._needs_times = needs_times
        self._output = output
        self._files = files
        self._found = found
        self._begun: set[int] = set()
        self._is_whole = True

    def code(self) -> int:
        """The exit code, once all is told."""
        again = Sorting()
        for file in self._files:
            again.begin_file(file.stem)
            problems = 0
            for line in file.read():
                for problem in (line.problem,) if line.saved is None else line.saved.doubts:
                    problems += 1
                    if problems <= _MOST_TOLD:
                        self._tell_lack(f"{file.label}: line {line.number}: {problem}")
                if line.saved is not None:
                    self._pass_on(again.take(line.saved), line.saved)
            if problems > _MOST_TOLD:
                self._tell_lack(f"{file.label}: {problems - _MOST_TOLD} more lines like that")
        if again.found != self._found:
            raise changed(", ".join(file.label for file in self._files))
        return 0 if self._is_whole else 1

    def _pass_on(self, transcript: Transcript | None, saved: Saved) -> None:
        value = saved.value
        if transcript is None:
            if isinstance(value, SavedError):
                self._is_whole = False
                self._output.error(value)
            return
        number = transcript.number
        if number >= len(self._found):
            return  # It has changed, which is told in the end.
        whole = self._found[number]
        if number not in self._begun and whole.has_begun:
            self._begun.add(number)
            self._output.begin(self._infos[number], number)
        if not isinstance(value, Begin | Summary | SavedError | None):
            self._output.event(value, number)
        if transcript.last == whole.last:
            self._end(whole)

    def _end(self, transcript: Transcript) -> None:
        error, name = transcript.error, transcript.name
        failure = None if error is None else Failure(error, name, silent=True)
        self._output.end(transcript.outcome(), transcript.number, failure)
        if self._needs_times:
            self._tell_times(transcript)
        if lack := transcript.lack():
            self._tell_lack(f"{shown(name)} is not complete: {lack}")

    def _tell_times(self, transcript: Transcript) -> None:
        """What is wrong with them costs no text, and is not the fault of who reads it."""
        for count, one, more in (
            (
                transcript.early,
                "sentence begins before the one before has ended",
                "sentences begin before the one before has ended",
            ),
            (
                transcript.untimed,
                "sentence has no times; they are guessed",
                "sentences have no times; they are guessed",
            ),
        ):
            if count:
                self._output.say(f"asrcli: {shown(transcript.name)}: {count} {one if count == 1 else more}")

    def _tell_lack(self, text: str) -> None:
        self._is_whole = False
        self._output.say(f"asrcli: {text}")

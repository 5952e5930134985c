"""--embed: the sound of a transcription inside its page."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.audio.opening import Files, Input, open_source
from asrcli.output.sanitize import name as shown
from asrcli.runs.exits import exit_code
from asrcli.runs.recording import heard_in
from asrcli.values.clock_time import clock_time
from asrcli.values.errors import AsrcliError, AudioError, Interrupted, OutputError, UsageError
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from asrcli.audio.source import NoticeSink, RawFormat
    from asrcli.output.output import Output
    from asrcli.runs.recording import Recording
    from asrcli.runs.sources import Prepared


class Embedding:
    """Makes data URLs, as Shape.sound_of wants it. What could not be put inside is told when the run is over."""

    def __init__(self) -> None:
        self._raw: RawFormat | None = None
        self._recording: Recording | None = None
        self._errors: list[AsrcliError] = []
        self._notices: list[tuple[str, str]] = []

    def begin(self, how: Input, recording: Recording | None) -> None:
        """How sources are opened; of `recording` there may be only a wav while pages are made."""
        self._raw = how.raw if isinstance(how, Files) else None
        self._recording = recording

    def __call__(self, path: str) -> str | None:
        """The sound of the file `path` as a data URL; None where it cannot be had."""
        from asrcli.audio.writing.inside import ogg_opus

        file = str(self._recording.file.path) if self._recording and path == str(self._recording.path) else path
        try:
            with contextlib.closing(open_source(file, raw=self._raw, notice=self._noticed(path))) as source:
                return f"data:audio/ogg;codecs=opus;base64,{base64.b64encode(ogg_opus(source)).decode()}"
        except Interrupted as error:
            # What is told of the run is told all the same.
            self._errors.append(error)
        except AsrcliError as error:
            reason = f"the sound of {shown(path)} is not in its page, which links to it: {error.message}"
            self._errors.append(OutputError(reason, hint=error.hint))
        return None

    def _noticed(self, path: str) -> NoticeSink:
        """Keeps that some of the sound of `path` is missing, which its page does not show."""

        def take(message: str, hint: str, truncated: bool = False) -> None:
            if truncated:
                self._notices.append((f"not all of the sound of {shown(path)} is in its page: {message}", hint))

        return take

    def check_sources(self, sources: Sequence[Prepared]) -> None:
        """Raise UsageError for one of `sources` that is too long, or of which the sound is in no file."""
        for item in sources:
            kept = None if self._recording is None else self._recording.path
            if heard_in(item.name, item.state, kept) is None:
                raise UsageError(f"--embed: the sound of {label(item.name)} is in no file", hint="--save-audio FILE")
            check_length(item.name, item.duration_ms)

    def told(self, code: int, output: Output) -> int:
        """Tell of what could not be put inside; the exit code of a run that would end with `code`."""
        for message, hint in self._notices:
            output.notice(message, hint)
        for error in self._errors:
            told = output.error(error)
            code = code or exit_code(told)
        return code


def check_file(path: Path) -> None:
    """Raise UsageError where the sound of a file cannot be put into a page, as far as that shows beforehand."""
    try:
        with contextlib.closing(open_source(str(path))) as source:
            check_length(str(path), source.duration_ms)
    except AudioError as error:
        raise UsageError(error.message, hint=error.hint) from error


def check_length(name: str, duration_ms: int | None) -> None:
    """Raise UsageError for sound that is longer than what fits into a page."""
    from asrcli.audio.writing.inside import MOST_S

    if duration_ms is not None and duration_ms > MOST_S * 1000:
        has, most = clock_time(duration_ms / 1000), clock_time(MOST_S)
        raise UsageError(f"--embed: {label(name)} is {has} long, and {most} fit into a page", hint="leave --embed out")

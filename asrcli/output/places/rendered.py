"""`render --output-dir`: a file for each transcription, named after its source; complete or not, it is there."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from asrcli.output.places.result_file import SPOOL_BYTES, clear_leftovers, locked, told, written_beside
from asrcli.output.places.sinks import why_no_file
from asrcli.output.sanitize import name as shown
from asrcli.values.addresses import is_address
from asrcli.values.errors import OutputError, UsageError
from asrcli.values.source_name import STANDARD_INPUT, label, result_stem

_NAME_BYTES = 255
# Controls, and surrogates that stand for no byte of a name that is no UTF-8.
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udc7f\udd00-\udfff]")


class RenderedFile:
    """See output.places.lanes.ResultFile. Written beside `path` and moved there, so that no half of it is ever seen."""

    def __init__(self, path: Path, *, force: bool) -> None:
        self.path = path
        self._force = force
        self._text: tempfile.SpooledTemporaryFile[bytes] | None = None

    def write(self, text: str) -> None:
        with told(self.path):
            self._text = self._text or tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed by drop
            self._text.write(text.encode("utf-8", "backslashreplace"))

    def keep(self) -> None:
        self.write("")
        assert self._text is not None
        with told(self.path), contextlib.ExitStack() as stack:
            stack.callback(self.drop)
            stack.enter_context(locked(self.path.parent))
            if self.path.exists() and not self._force:
                raise OutputError(f"{shown(self.path)} was made by another program meanwhile", hint="start again")
            self._text.seek(0)
            stack.enter_context(written_beside(self.path, self._text)).replace(self.path)

    def drop(self) -> None:
        if self._text is not None:
            self._text.close()
            self._text = None


def rendered_files(
    folder: Path, sources: Sequence[tuple[str, str]], suffix: str, inputs: Sequence[str] = (), *, force: bool
) -> list[RenderedFile]:
    """One for each of `sources` in `folder`, which is made if need be. They are pairs of its name and its stem.

    Raises UsageError where two would be the same, where one is there already and `force` is not given or it is one of
    `inputs`, and for a folder that cannot be written to.
    """
    places = [folder / f"{named}{suffix}" for _, named in sources]
    first: dict[str, int] = {}
    for number, ((source, _), place) in enumerate(zip(sources, places, strict=True)):
        # A talk.srt and a Talk.srt are the same file on some systems.
        same = first.setdefault(unicodedata.normalize("NFC", place.name).casefold(), number)
        if same != number:
            other = sources[same][0]
            raise UsageError(
                f"both {shown(other)} and {shown(source)} would be {shown(place)}",
                hint="render them one at a time, each with an --output-dir of its own",
            )
        if len(os.fsencode(place.name)) > _NAME_BYTES:
            raise UsageError(f"the name of {shown(source)} is too long for a file", hint="use -o FILE")
    there = [place for place in places if place.is_dir() or (place.exists() and not force)]
    if there:
        more = f", and {len(there) - 1} more" if len(there) > 1 else ""
        hint = "move them away, or replace them with --force" if more else "move it away, or replace it with --force"
        raise UsageError(f"{shown(there[0])} exists already{more}", hint=hint)
    for place in places:
        with contextlib.suppress(OSError):
            if any(place.samefile(name) for name in inputs if name != STANDARD_INPUT):
                raise UsageError(f"{shown(place)} would be made of itself", hint="choose another --output-dir")
    make_folder(folder, "--output-dir")
    with contextlib.suppress(OSError):
        clear_leftovers(folder)
    return [RenderedFile(place, force=force) for place in places]


def make_folder(folder: Path, option: str) -> None:
    """Make the folder of `option`, if it is not there. Raises UsageError where none can be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the folder {shown(folder)}: {error.strerror}", hint=f"choose another {option}"
        ) from error
    if problem := why_no_file(folder):
        raise UsageError(f"cannot write to {shown(folder)}: {problem}", hint=f"choose another {option}")


def stem(source: str, audio: str | None) -> str:
    """What a run calls the files of what it calls `source`, whatever stands in that: never one in another folder.

    `audio` is where a file is that was heard, if that is not `source`.
    """
    if source == STANDARD_INPUT:
        return label(source)
    path = Path(source)
    # What a microphone is called has no suffix.
    is_device = audio is None and " " in path.suffix and not is_address(source)
    known = source if audio is None or is_address(source) else audio
    return _UNFIT.sub("_", path.name if is_device else result_stem(source, known)) or "transcript"

"""`render --clips`: each sentence as a sound file, and a manifest that says what is said in it.

The manifest comes last, so that a folder that has one has all of its clips.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.audio.opening import open_source
from asrcli.audio.writing.kinds import KINDS
from asrcli.output.places.rendered import make_folder
from asrcli.output.sanitize import name as shown
from asrcli.runs.recording import sound_of
from asrcli.values.choices import choose_one
from asrcli.values.errors import AsrcliError, AudioError, OutputError, UsageError

if TYPE_CHECKING:
    from asrcli.audio.writing.clips import Stretch
    from asrcli.output.output import Output
    from asrcli.output.saved.transcripts import Transcript
    from asrcli.values.events import Sentence

MANIFEST = "manifest.jsonl"
_SLUG_CHARACTERS = 48
# The system allows 255, of which the number and the ending need some.
_SLUG_BYTES = 200
# As many take some seconds, in which somebody waits.
_MANY = 50
_OURS = re.compile(r"\d{3,}(-[^/\\]*)?\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """Where clips go, and of which kind they are."""

    folder: Path
    format: str = "wav"


class Clips:
    """The clips of one command: first told of all sentences, then checked, then made.

    `audio`: where the sound is, if not where the lines say.
    """

    def __init__(self, options: ClipOptions, audio: Path | None, *, force: bool, quiet: bool) -> None:
        self._folder = options.folder
        self._ending = f".{options.format.removeprefix('.').lower()}"
        self._audio = audio
        self._force = force
        self._quiet = quiet
        self._said: list[tuple[int, Sentence]] = []
        self._untimed = 0
        self._stretches: list[tuple[Stretch, int, Sentence]] = []
        """What each sentence is to become, with the number of its transcription."""
        self._paths: dict[int, Path] = {}
        self._names: dict[int, str] = {}
        if self._ending not in KINDS:
            raise UsageError(
                f"--clip-format {options.format!r} is not known",
                hint=choose_one(self._ending[1:], [kind[1:] for kind in KINDS]),
            )

    def take(self, number: int, sentence: Sentence) -> None:
        """One more sentence of the transcription `number`."""
        if sentence.text.strip():
            self._said.append((number, sentence))

    def check(self, found: Sequence[Transcript], beside: Sequence[Path], spared: Sequence[Path] = ()) -> None:
        """Look at all that can be seen before work: names, folder and sound. Raises UsageError; makes the folder.

        `beside`: where relative names of sources are looked for, if not here. `spared`: files that have to stay.
        """
        from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg, how_to_install

        if self._ending != ".wav" and find_ffmpeg() is None:
            raise UsageError(f"{self._ending} clips take ffmpeg, which is not installed", hint=how_to_install())
        self._name()
        for number in dict.fromkeys(number for _, number, _ in self._stretches):
            self._names[number] = found[number].name
            self._paths[number] = path = self._audio or _heard(found[number], beside)
            self._check_sound(path, self._of(number))
        self._check_folder([*self._paths.values(), *spared])

    def make(self, output: Output) -> bool:
        """Make them, then the manifest; whether every sentence has become one. Raises AudioError and OutputError."""
        total, done = len(self._stretches), 0
        try:
            with _told(self._folder / MANIFEST):
                self._clear()
            if total > _MANY and not self._quiet and sys.stderr.isatty():
                output.say(f"cutting {total} clips …")
            notices = _Notices(output)
            for _ in self._cut(notices):
                done += 1
            self._write_manifest()
        except AsrcliError:
            output.say(f"asrcli: {done} of {total} clips are in {shown(self._folder)}, and no {MANIFEST}")
            raise
        if not self._quiet:
            output.say(f"{total} {'clip' if total == 1 else 'clips'} and {MANIFEST} written to {shown(self._folder)}")
        if self._untimed:
            lack = "sentence has no times and no clip" if self._untimed == 1 else "sentences have no times and no clips"
            output.say(f"asrcli: {self._untimed} {lack}")
        return not self._untimed and not notices.is_truncated

    def _name(self) -> None:
        from asrcli.audio.writing.clips import Stretch

        digits = max(3, len(str(len(self._said))))
        for place, (number, sentence) in enumerate(self._said, 1):
            begin_ms, end_ms = sentence.begin_ms, sentence.end_ms
            if begin_ms is None or end_ms is None or end_ms <= begin_ms:
                self._untimed += 1
                continue
            name = f"{place:0{digits}}{_slug(sentence.text)}{self._ending}"
            self._stretches.append((Stretch(begin_ms, end_ms, name), number, sentence))

    def _of(self, number: int) -> list[Stretch]:
        return [stretch for stretch, of, _ in self._stretches if of == number]

    def _check_sound(self, path: Path, stretches: list[Stretch]) -> None:
        from asrcli.audio.writing.clips import TOLERANCE_MS, too_short

        try:
            with contextlib.closing(open_source(str(path))) as source:
                last = max(stretches, key=lambda stretch: stretch.end_ms)
                duration_ms = source.duration_ms
                if duration_ms is not None and duration_ms < last.end_ms - TOLERANCE_MS:
                    raise too_short(str(path), duration_ms, last)
        except AudioError as error:
            raise UsageError(error.message, hint=error.hint) from error

    def _check_folder(self, spared: Sequence[Path]) -> None:
        names = [MANIFEST, *(stretch.name for stretch, _, _ in self._stretches)]
        gone = set(names)
        with contextlib.suppress(OSError):
            gone.update(_listed(self._folder / MANIFEST) if self._force else ())
        for path in spared:
            if any(_is_same(path, self._folder / name) for name in gone):
                raise UsageError(f"{shown(path)} would be replaced by the clips", hint="choose another folder")
        there = [self._folder / name for name in names if os.path.lexists(self._folder / name)]
        folders = [path for path in there if path.is_dir()]
        if folders or (there and not self._force):
            path = (folders or there)[0]
            more = f", and {len(there) - 1} more" if len(there) > 1 else ""
            raise UsageError(
                f"{shown(path)} exists already{more}", hint="choose another folder, or replace them with --force"
            )
        make_folder(self._folder, "--clips")

    def _clear(self) -> None:
        """Remove the manifest of a set that was there before, and what it lists: the new one may have other names."""
        manifest = self._folder / MANIFEST
        listed = _listed(manifest)
        manifest.unlink(missing_ok=True)
        for name in listed:
            # What is no file of that name, or no name of a file, is none of ours.
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()

    def _cut(self, notices: _Notices) -> Iterator[Stretch]:
        from asrcli.audio.writing.clips import cut

        for number, path in self._paths.items():
            with contextlib.closing(open_source(str(path), notice=notices)) as source:
                yield from cut(source, self._of(number), self._folder, KINDS[self._ending])

    def _write_manifest(self) -> None:
        from asrcli.system.beside import beside, settle

        manifest = self._folder / MANIFEST
        with _told(manifest), beside(manifest, ".part") as part:
            # All together: where one is on the disk, mostly those before it are.
            for stretch, _, _ in reversed(self._stretches):
                settle(self._folder / stretch.name)
            with part.open("xb") as file:
                file.writelines(
                    _line(stretch.name, self._names[number], sentence) for stretch, number, sentence in self._stretches
                )
            settle(part)
            part.replace(manifest)


class _Notices:
    """Tells what is noticed of a source while it is read."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.is_truncated = False
        """Whether sound is missing, after which times are of another place."""

    def __call__(self, message: str, hint: str, truncated: bool = False) -> None:
        self.is_truncated = self.is_truncated or truncated
        self._output.notice(message, hint)


def _listed(manifest: Path) -> list[str]:
    """The names of clips that `manifest` lists; none where it is not there. Raises OSError where it cannot be read."""
    found = []
    for line in manifest.read_bytes().splitlines() if manifest.is_file() else ():
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            name = json.loads(line)["audio"]
            if _OURS.fullmatch(name) and "\0" not in name and name.encode():
                found.append(name)
    return found


def _is_same(path: Path, other: Path) -> bool:
    """Whether both are one file, also one that is not there yet."""
    try:
        return path.samefile(other)
    except OSError:
        return path.name == other.name and path.parent.resolve() == other.parent.resolve()


def _heard(transcript: Transcript, beside: Sequence[Path]) -> Path:
    """The file in which a transcription can be heard. Raises UsageError."""
    name, path = sound_of(transcript.info(), beside) if transcript.begin is not None else ("", None)
    say_where = "say where it is with --audio FILE"
    if not name:
        raise UsageError(f"nothing tells where the sound of {shown(transcript.name)} is", hint=say_where)
    if path is None:
        raise UsageError(f"the sound is not there any more: {shown(name)}", hint=say_where)
    return path


def _slug(text: str) -> str:
    """What a file is called after `text`: "-" and its words, in any script, and nothing that a system minds."""
    plain = unicodedata.normalize("NFC", re.sub("['’]", "", text.lower()))
    kept = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else "-" for c in plain)
    slug = re.sub("-+", "-", kept).strip("-")
    if len(slug) > _SLUG_CHARACTERS:
        start = slug[: _SLUG_CHARACTERS + 1]
        slug = start.rpartition("-")[0] or slug[:_SLUG_CHARACTERS]
    slug = slug.encode()[:_SLUG_BYTES].decode(errors="ignore").strip("-")
    return f"-{slug}" if slug else ""


def _line(name: str, source: str, sentence: Sentence) -> bytes:
    line = {
        "audio": name,
        "text": sentence.text,
        "begin_ms": sentence.begin_ms,
        "end_ms": sentence.end_ms,
        "language": sentence.language,
        "emotion": sentence.emotion,
        "speaker": sentence.speaker,
        "source": source,
    }
    known = {key: value for key, value in line.items() if value is not None}
    # What no UTF-8 can hold is an escape of JSON then.
    return (json.dumps(known, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {shown(path)}: {error.strerror}") from error

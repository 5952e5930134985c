"""`--output-dir`: result files of each source, one a form, complete or not there; sidecars say what they are made from.

What is done already is left out of a rerun: a result whose sidecar names the same audio and the same options. A source
of which one form is not done is recognised again for that one, and the others stay as they are. For what is to be made
one question counts, whether an existing file may be replaced:

- made by us and untouched since (the sidecar knows its hash): replaced;
- made by us and changed since, or not made by us at all: refused, as -o does, unless --force is given; but one that was
  changed and still fits is done, and the change stays;
- a broken sidecar proves nothing, and yet only we make such a file: the source is done again, and the old result is
  kept beside the new one with ~ behind its name.
"""

from __future__ import annotations

import contextlib
import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from asrcli.output.places import sidecar
from asrcli.output.places.result_file import Result, clear_leftovers
from asrcli.output.places.sidecar import Audio, BrokenSidecar, Sidecar
from asrcli.output.places.sinks import why_no_file
from asrcli.output.sanitize import name as shown
from asrcli.system.file_state import file_sha256
from asrcli.values.addresses import typed_address
from asrcli.values.errors import UsageError
from asrcli.values.source_name import STANDARD_INPUT
from asrcli.values.source_name import stem as stem_of

_NAME_BYTES = 255


class Folder:
    """Where the results of one run go, for each source a file a form.

    `forms`: what the files of each end in, and the hash of all options that shape them. `say` speaks to the person
    alone.
    """

    def __init__(self, path: Path, forms: Mapping[str, str], *, force: bool, say: Callable[[str], None]) -> None:
        self._path = path
        self._forms = forms
        self._force = force
        self._say = say
        self.sha256s: list[str | None] = []
        """The hash of each file's bytes, once `results` has looked at them; None for what is no file."""

    def files_of(self, stem: str) -> list[Path]:
        """Where the results of a source lie, or would, in the order of the forms; `stem` is what they are called."""
        return [self._place(stem, suffix) for suffix in self._forms]

    def check(self, names: Sequence[str]) -> None:
        """Raise UsageError for sources and a folder that cannot work. Touches nothing."""
        if STANDARD_INPUT in names:
            raise UsageError("--output-dir is for files, not for standard input", hint="write to one file with -o FILE")
        self.check_folder()
        first: dict[str, str] = {}
        clashes: list[str] = []
        # In each form the same: what is told of one holds for all of them.
        suffix = next(iter(self._forms))
        for name in names:
            target = self._place(stem_of(name), suffix)
            # A talk.txt and a Talk.txt are the same file on some systems, and it may be any one's who looks for them.
            key = unicodedata.normalize("NFC", target.name).casefold()
            other = first.get(key)
            first.setdefault(key, name)
            if other is not None and Path(other).resolve() == Path(name).resolve():
                raise UsageError(f"{shown(name)} is given twice", hint="leave one of them out")
            if other is not None:
                clashes.append(f"the results of {shown(other)} and {shown(name)} would both be {shown(target)}")
            for each in self._forms:
                self._check_place(name, self._place(stem_of(name), each))
        if clashes:
            raise UsageError(_with_more(clashes), hint="rename one, or give it an --output-dir of its own")

    def results(
        self,
        names: Sequence[str],
        warn: Callable[[str], None],
        sounds: Mapping[str, Audio] | None = None,
        *,
        tells_done: bool = True,
    ) -> list[list[Result | None]]:
        """Of each source a file for each form; None for one that is done already. `sounds`: of those in no file.

        Tells the person what is done again and, with `tells_done`, how many are left out. Raises UsageError where an
        existing file stands in the way, and for a source whose bytes cannot be had again.
        """
        found: list[list[Result | None]] = []
        in_the_way: list[str] = []
        for name in names:
            audio = (sounds or {}).get(name) or audio_of(name)
            self.sha256s.append(None if audio.state is None else audio.sha256)
            found.append([])
            for suffix in self._forms:
                try:
                    found[-1].append(self._result(name, stem_of(name), suffix, audio, warn))
                except _InTheWayError as error:
                    in_the_way.append(error.message)
        if in_the_way:
            hint = "move it away" if len(in_the_way) == 1 else "move them away"
            raise UsageError(_with_more(in_the_way), hint=f"{hint}, or replace all results with --force")
        self._tell_what_is_to_do(names, found, tells_done=tells_done)
        return found

    def results_of(self, name: str, stem: str, audio: Audio, warn: Callable[[str], None]) -> list[Result | None]:
        """Of one source of a corpus, at its turn, a file for each form; None for one that is done already.

        `stem` is what they are called. Raises UsageError where an existing file stands in the way, or a file cannot be.
        """
        found = []
        for suffix in self._forms:
            self._check_place(name, self._place(stem, suffix))
            try:
                found.append(self._result(name, stem, suffix, audio, warn))
            except _InTheWayError as error:
                raise UsageError(error.message, hint="move it away, or replace all results with --force") from error
        if any(result is not None and result.has_changed_audio for result in found):
            self._say(f"{shown(name)} has changed and is done again")
        return found

    def has_results_of(self, stem: str, is_sound: Callable[[str], bool]) -> bool:
        """Whether all results of a source are there and, as far as their sidecars tell, made like this from its sound.

        `is_sound` is asked about the hash of the bytes that they are made from.
        """
        places = {self._place(stem, suffix): digest for suffix, digest in self._forms.items()}
        return all(path.exists() and _is_made(path, digest, is_sound) for path, digest in places.items())

    def tell_written(self, results: Sequence[Sequence[Result | None]]) -> None:
        """Say of how many sources `results` are there now, in every form."""
        self.tell_count(sum(all(result is None or result.is_kept for result in forms) for forms in results))

    def tell_count(self, written: int) -> None:
        """Say that the results of so many sources are there now."""
        self._say(f"{written} {'result' if written == 1 else 'results'} written to {shown(self._path)}")

    def make(self) -> None:
        """Make the folder if it is not there, and clear away what killed runs have left in it. Raises UsageError."""
        try:
            self._path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot make the folder {shown(self._path)}: {error.strerror}", hint="choose another --output-dir"
            ) from error
        if problem := why_no_file(self._path):
            raise UsageError(f"cannot write to {shown(self._path)}: {problem}", hint="choose another --output-dir")
        with contextlib.suppress(OSError):
            clear_leftovers(self._path)

    def check_folder(self) -> None:
        """Raise UsageError where there can be no such folder. Touches nothing."""
        if (address := typed_address(self._path)) is not None and not self._path.exists():
            raise UsageError(
                f"--output-dir takes a folder of this machine, not an address: {shown(address)}",
                hint="--results takes one, for a line with the text of each source",
            )
        there = next(path for path in (self._path, *self._path.absolute().parents) if path.exists())
        if not there.is_dir():
            raise UsageError(f"--output-dir {shown(self._path)}: {shown(there)} is not a folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise UsageError(
                f"--output-dir {shown(self._path)}: no permission to write in {shown(there)}", hint="choose another"
            )

    def is_too_long(self, stem: str) -> bool:
        """Whether no file could be called by `stem`, with what stands around it."""
        return any(_is_too_long(path) for path in self.files_of(stem))

    def _check_place(self, name: str, target: Path) -> None:
        """Raise UsageError where the result of a source cannot have its name, or would be the source."""
        if _is_too_long(target):
            raise UsageError(f"the name of {shown(name)} is too long for a result file", hint="rename it")
        with contextlib.suppress(OSError):
            if target.samefile(name):
                raise UsageError(f"the result of {shown(name)} would be the source itself", hint="rename it")

    def _tell_what_is_to_do(
        self, names: Sequence[str], found: Sequence[Sequence[Result | None]], *, tells_done: bool
    ) -> None:
        others = partly = done = 0
        for name, results in zip(names, found, strict=True):
            to_make = [result for result in results if result is not None]
            if any(result.has_changed_audio for result in to_make):
                self._say(f"{shown(name)} has changed and will be done again")
            elif any(result.has_other_options for result in to_make):
                others += 1
            elif not to_make:
                done += 1
            elif None in results:
                partly += 1
        if others:
            self._say(f"{others} of {len(names)} will be done again, with other options")
        if partly:
            self._say(f"{partly} of {len(names)} will be done again, for a form that is missing")
        if done and tells_done:
            self._say(f"{done} of {len(names)} {'is' if done == 1 else 'are'} done already")

    def _place(self, stem: str, suffix: str) -> Path:
        return self._path / f"{stem}{suffix}"

    def _result(self, name: str, stem: str, suffix: str, audio: Audio, warn: Callable[[str], None]) -> Result | None:
        result = Result(self._place(stem, suffix), name, audio, self._forms[suffix])
        for what, path in (("result", result.path), ("sidecar", sidecar.place(result.path))):
            if path.is_dir():
                raise UsageError(f"{shown(path)} is a folder, and the {what} of {shown(name)} would be there")
        result.replaces = self._force and result.path.exists()
        if self._force or not result.path.exists():
            return result
        try:
            beside = sidecar.read(sidecar.place(result.path))
        except BrokenSidecar:
            warn(
                f"the sidecar {shown(sidecar.place(result.path))} is broken; {shown(name)} is done again, and what was"
                f" there is kept as {shown(result.path.name)}~"
            )
            result.replaces = result.keeps_old = True
            return result
        return self._result_again(result, beside, audio, self._forms[suffix])

    def _result_again(self, result: Result, beside: Sidecar | None, audio: Audio, options_sha256: str) -> Result | None:
        """`result`, of which there is one already with the sidecar `beside`; None where that one will do."""
        fits = beside is not None and beside.fits(audio.sha256, options_sha256)
        try:
            if beside is not None and fits and not beside.replaced_sha256:
                return None
            there_sha256 = file_sha256(result.path)
        except OSError as error:
            raise UsageError(f"cannot read {shown(result.path)}: {error.strerror}") from error
        if beside is not None and fits and not beside.awaits_its_result(there_sha256):
            return None
        if beside is None or not beside.made(there_sha256):
            reason = (
                "exists already, and asrcli did not make it" if beside is None else "was changed since asrcli made it"
            )
            raise _InTheWayError(f"{shown(result.path)} {reason}")
        result.replaces = True
        result.has_other_options = not fits and beside.audio_sha256 == audio.sha256
        result.has_changed_audio = not fits and not result.has_other_options
        return result


class _InTheWayError(UsageError):
    """An existing file that may not be replaced."""


def _is_made(result: Path, options_sha256: str, is_sound: Callable[[str], bool]) -> bool:
    """Whether the sidecar of `result`, if there is one, says nothing else."""
    try:
        beside = sidecar.read(sidecar.place(result))
        if beside is None:
            return True
        is_there = not beside.replaced_sha256 or not beside.awaits_its_result(file_sha256(result))
    except (BrokenSidecar, OSError):
        return False
    is_of_it = not beside.audio_sha256 or is_sound(beside.audio_sha256)
    return is_there and is_of_it and beside.options_sha256 == options_sha256


def _is_too_long(target: Path) -> bool:
    return len(os.fsencode(sidecar.place(target).name)) > _NAME_BYTES


def audio_of(name: str) -> Audio:
    """The bytes of a source. Raises UsageError where they cannot be had again."""
    if not Path(name).is_file():
        raise UsageError(f"--output-dir is for files, and {shown(name)} is none", hint="use -o FILE")
    try:
        return sidecar.audio_of(name)
    except OSError as error:
        raise UsageError(f"cannot read {shown(name)}: {error.strerror}") from error


def _with_more(messages: Sequence[str]) -> str:
    """The first one, and how many more there are."""
    more = len(messages) - 1
    return messages[0] + (f"; and {more} more like that" if more else "")

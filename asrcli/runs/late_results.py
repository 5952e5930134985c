"""--output-dir and --results of a corpus: which of its sources are done already, and what is to be made.

Lines of results are asked at the beginning, and so is what those sources at addresses are now that were done. The files
of each source are looked at when its turn comes, which takes as long as to read its sound.
"""

from __future__ import annotations

import functools
import unicodedata
from array import array
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.fleet.ledger import Standing
from asrcli.fleet.shards import digest_of
from asrcli.output.places import sidecar
from asrcli.output.places.folder import Folder, audio_of
from asrcli.output.places.lanes import FilesByNumber
from asrcli.output.places.result_file import Result
from asrcli.output.places.sidecar import Audio
from asrcli.output.sanitize import name as shown
from asrcli.remote.places import open_remote
from asrcli.runs.identities import identify
from asrcli.runs.results import Results, folder_of
from asrcli.runs.sources import AlreadyDone
from asrcli.values.addresses import is_address
from asrcli.values.errors import UsageError

if TYPE_CHECKING:
    from asrcli.fleet.manifest import Row
    from asrcli.output.output import Output
    from asrcli.runs.choose_spec import Choice
    from asrcli.runs.request import Request
    from asrcli.runs.rows import Rows
    from asrcli.runs.sources import Prepared


# So many characters, in any encoding and with whatever stands around them, are a name.
_SHORT = 50


class LateResults(Results):
    """As Results. A source that is found to be done at its turn is not sent; what is wrong there is its own failure."""

    def __init__(self, request: Request, choices: Sequence[Choice], output: Output, rows: Rows) -> None:
        self._rows = rows
        self._folders: dict[tuple[int, int | None], Folder] = {}
        # Of those that run.
        self._made: dict[int, list[Result | None]] = {}
        self._written = 0
        super().__init__(request, choices, output)

    def to_do(self, sources: Sequence[Prepared], stack: ExitStack) -> list[Prepared]:
        """Those of `sources` of which the lines of results and the names in the folder do not say that they are done.

        Raises UsageError.
        """
        if self.keeping is None:
            return list(sources)
        self.keeping.look(sources)
        away = [item for item in sources if is_address(item.name)]
        # Only of those is it of use to know whether they are the same.
        identify([item for item in away if self.keeping.standing(item, self._digest(item)) is Standing.DONE], self._way)
        wanted = [item for item in sources if not self._is_noted(item)]
        for item in away:
            # At its turn counts what it is then.
            item.sound = None
        if not wanted:
            self.keeping.begin(self.outcome)
        self._tell_what_is_again(len(sources))
        self._tell_done(len(sources), len(sources) - len(wanted))
        return wanted

    def begin(self, stack: ExitStack) -> None:
        """Make the folder; at the end of `stack` say how many results were written. Raises UsageError."""
        if self.keeping is not None:
            self.keeping.begin(self.outcome)
        if self._folder is not None:
            self._folder.make()
            stack.callback(self._finish, self._folder)

    def of_form(self, at: int) -> FilesByNumber:
        """The files of the sources that run, by their numbers, in the form at that place."""
        return _OfForm(self._made, at)

    def before(self, number: int, item: Prepared) -> None:
        """The turn of a source has come. Raises AlreadyDone where nothing of it is to be done, and UsageError."""
        if self._folder is None or number in self._made:
            return
        folder = self._folder_for(item)
        audio = self._audio(item, folder)
        item.state, item.sha256 = audio.state, None if audio.state is None else audio.sha256
        results = folder.results_of(item.name, item.row.stem, audio, self._output.notice)
        to_make = [result for result in results if result is not None]
        if not to_make and self._is_adopted_or_alone(item, folder):
            raise AlreadyDone(f"{item.row.id} is done already")
        if is_address(item.name):
            item.check_again = functools.partial(_note_identity, item, to_make)
        elif to_make:
            item.check_again = to_make[0].check_source
        self._made[number] = results

    def planned(self, item: Prepared) -> None:
        """As `before`, where nobody may be asked and nothing is kept; an object is taken for what it was."""
        # Where nothing is there, a hundred thousand files would be read in vain.
        if self._folder is None or self._request.output.force or not self._has_some(item, self._folder):
            return
        folder = self._folder_for(item)
        if not is_address(item.name):
            try:
                self.before(0, item)
            finally:
                self.over(0)
        elif folder.has_results_of(item.row.stem, lambda _: True) and self._is_adopted_or_alone(item, folder):
            raise AlreadyDone(f"{item.row.id} is done already")

    def over(self, number: int) -> None:
        """It is over, however it ended: what was not kept is dropped."""
        results = self._made.pop(number, None)
        if results is not None:
            self._written += all(result is None or result.is_kept for result in results)
            _drop(results)

    def _audio(self, item: Prepared, folder: Folder) -> Audio:
        """Its bytes, where they are here; whoever opens it says what is wrong with it.

        At an address it is asked only where that may save sending it. Raises UsageError and RemoteError.
        """
        if is_address(item.name):
            if self._has_some(item, folder):
                item.sound = open_remote(item.name, self._way).identity
            return Audio("", None) if item.sound is None else sidecar.fetched_audio(item.name, item.sound)
        return audio_of(item.name) if Path(item.name).is_file() else Audio("", None)

    def _is_adopted_or_alone(self, item: Prepared, folder: Folder) -> bool:
        """Whether the files of it are all that is wanted, or say what a line is to say."""
        return self.keeping is None or self.is_adopted(item, folder)

    def _has_some(self, item: Prepared, folder: Folder) -> bool:
        """Whether something is called as a result of it would be."""
        return any(file.exists() for file in folder.files_of(item.row.stem))

    def _finish(self, folder: Folder) -> None:
        for results in self._made.values():
            _drop(results)
        folder.tell_count(self._written)

    def _folder_for(self, item: Prepared) -> Folder:
        key = item.variant, item.row.channel
        if key not in self._folders:
            made = folder_of(self._request, self._choices[item.variant], self._output, item.row.channel)
            assert made is not None
            self._folders[key] = made
        return self._folders[key]

    def _is_noted(self, item: Prepared) -> bool:
        """Whether its line says that it is done, and so do its files where there are to be some."""
        assert self.keeping is not None
        standing = self.keeping.standing(item, self._digest(item))
        self._standings[standing] += 1
        if standing is not Standing.DONE or self._folder is None:
            return standing is Standing.DONE
        return self._folder_for(item).has_results_of(item.row.stem, functools.partial(self._is_sound, item))

    def _is_sound(self, item: Prepared, sha256: str) -> bool:
        """Whether a result that was made from bytes of that hash is of what its line speaks of."""
        assert self.keeping is not None
        if is_address(item.name):
            return item.sound is None or sidecar.fetched_audio(item.name, item.sound).sha256 == sha256
        return self.keeping.is_of(item, sha256)

    def _check_names(self) -> None:
        """Raise UsageError for a folder that cannot be, for names that no file can have, and for two that are one."""
        if self._folder is None:
            return
        self._folder.check_folder()
        for index, row in enumerate(self._rows.rows):
            # Short ones cannot be, and there may be very many.
            if len(row.id) > _SHORT and self._folder.is_too_long(row.stem):
                where, begin = self._rows.where(index), shown(row.id[:_SHORT])
                raise UsageError(
                    f"{where}: {begin}… is too long for the name of a result file", hint='give it a shorter "id"'
                )
        digests = array("Q", (digest_of(_key(row)) for row in self._rows.rows))
        if len(set(digests)) == len(digests):
            return
        first: dict[str, Row] = {}
        for row in self._rows.rows:
            other = first.setdefault(_key(row), row)
            if other is not row:
                raise UsageError(
                    f"the results of {shown(other.id)} and {shown(row.id)} would both be called {shown(row.stem)}",
                    hint='give each an "id" of its own, which its results are called by',
                )


class _OfForm:
    """Of each source by its number the file of one form; None where there is none to be made."""

    def __init__(self, made: Mapping[int, Sequence[Result | None]], at: int) -> None:
        self._made = made
        self._at = at

    def __getitem__(self, number: int, /) -> Result | None:
        # One that could not be opened has none.
        return self._made[number][self._at] if number in self._made else None


def _key(row: Row) -> str:
    # A talk.txt and a Talk.txt are the same file on some systems.
    return row.stem.casefold() if row.stem.isascii() else unicodedata.normalize("NFC", row.stem).casefold()


def _note_identity(item: Prepared, results: Sequence[Result]) -> None:
    """What lies at an address was heard: note what it was."""
    if item.sound is not None:
        for result in results:
            result.audio = sidecar.fetched_audio(item.name, item.sound)


def _drop(results: Sequence[Result | None]) -> None:
    for result in results:
        if result is not None:
            result.drop()

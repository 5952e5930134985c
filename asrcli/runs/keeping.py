"""--results in a run: what is done already, and a line for each source that is over, on the disk before that counts.

The sound of a file is hashed when its line is made, in a thread of its own: it tells a copy from a change.
"""

from __future__ import annotations

import contextlib
import functools
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.fleet.ledger import Ledger, Standing
from asrcli.fleet.numbers import Numbers
from asrcli.fleet.result_lines import KEY, Outcome, Sound
from asrcli.fleet.shards import digest_of
from asrcli.output.masking import mask
from asrcli.output.places.sidecar import audio_of
from asrcli.output.sanitize import name as shown_name
from asrcli.output.wording import sentence_line
from asrcli.remote.base import NothingThere, RemoteError
from asrcli.remote.places import open_lines, read_lines
from asrcli.runs.exits import exit_code
from asrcli.runs.notes import Notes
from asrcli.runs.results_place import check_place
from asrcli.system.clock import date_and_time
from asrcli.system.durable_lines import check_writable
from asrcli.system.file_state import FileState
from asrcli.values.addresses import is_address, local, shown
from asrcli.values.errors import AsrcliError, Bug, OutputError, UsageError
from asrcli.values.events import FinalResult
from asrcli.values.source_name import STANDARD_INPUT

if TYPE_CHECKING:
    from asrcli.output.base import Failure
    from asrcli.output.output import Output
    from asrcli.remote.stored_lines import StoredLines
    from asrcli.runs.request import Request
    from asrcli.runs.sources import Prepared
    from asrcli.system.durable_lines import DurableLines
    from asrcli.values.events import PartialResult
    from asrcli.values.recognition import RecognitionOptions
    from asrcli.values.summary import Summary

OutcomeOf = Callable[["Prepared", "Summary | None", "AsrcliError | None"], Outcome]


def keeping_of(request: Request, output: Output) -> Keeping | None:
    """What --results asks for. Raises UsageError for a place that cannot be meant; touches nothing."""
    if request.corpus.results is None:
        return None
    place = local(request.corpus.results)
    check_place(place, request, output)
    return Keeping(place, output, does_all=request.output.force)


class Keeping(Notes):
    """The lines of results at `place`. `open`, `begin` and `close` belong to a run; the others change nothing.

    With `does_all` nothing is done already, whatever they say: the last one of a source counts.
    """

    def __init__(self, place: str, output: Output, *, does_all: bool = False) -> None:
        self.label = shown_name(shown(place))
        self._place = place
        self._output = output
        self._does_all = does_all
        self._ledger = Ledger()
        self._lines: DurableLines | StoredLines | None = None
        self._hashing: ThreadPoolExecutor | None = None
        self._bug: AsrcliError | None = None
        self._outcome_of: OutcomeOf | None = None
        self._is_settled = False
        # Of those that run, by their numbers.
        self._sentences: dict[int, list[str]] = {}
        self._states: dict[int, FileState | None] = {}
        self._finished = 0
        self._noted = 0

    def open(self) -> None:
        """Take a file for this run alone. Raises UsageError where another run has it, or it cannot be written."""
        self._lines = open_lines(self._place, KEY)
        if self._lines.mended_bytes:
            cut = f"{self._lines.mended_bytes} bytes"
            self._output.notice(f"{self.label} ended in a line that was cut off: {cut} are removed")

    def check_place(self) -> None:
        """Raise UsageError where `open` would, as far as that shows here. Touches nothing."""
        if not is_address(self._place):
            check_writable(self._place, KEY)

    def look(self, sources: Sequence[Prepared]) -> None:
        """Read what is done. Raises UsageError where that cannot be read, or two of `sources` would be one in it."""
        _check_ids(sources)
        if self._does_all:
            return
        try:
            self._ledger = Ledger(read_lines(self._place, KEY))
        except NothingThere:
            return
        except RemoteError as error:
            raise UsageError(error.message, hint=error.hint) from error
        if self._ledger.broken:
            where = ", ".join(map(str, self._ledger.first_broken))
            others = self._ledger.broken - len(self._ledger.first_broken)
            more = f" and {others} more" if others else ""
            is_one = self._ledger.broken == 1
            lines, counts = (f"line {where}", "counts") if is_one else (f"lines {where}{more}", "count")
            self._output.notice(f"{self.label}: {lines} cannot be read, and {counts} for nothing")

    def standing(self, item: Prepared, options: str) -> Standing:
        """Whether `item` is done, with options of that hash."""
        # Most are not known, and to look at a hundred thousand files takes seconds.
        if not self._ledger.knows(_id_of(item)) or _comes_once(item):
            return Standing.NOT_DONE
        made = functools.partial(_sha256_of, item)
        return self._ledger.standing(_id_of(item), options, _sound_now(item), made, safe(item.name))

    def is_of(self, item: Prepared, sha256: str) -> bool:
        """Whether its line says that it was made from bytes of that hash."""
        return self._ledger.is_of(_id_of(item), sha256)

    def begin(self, outcome_of: OutcomeOf) -> None:
        """Sources are about to be done; from now on the file stays, with lines or without."""
        self._outcome_of = outcome_of

    def heard(self, number: int, result: PartialResult | FinalResult) -> None:
        """A sentence without text is no line."""
        if isinstance(result, FinalResult) and (line := sentence_line(result.sentence, seen=False)):
            self._sentences.setdefault(number, []).append(line)

    def begun(self, number: int, item: Prepared) -> None:
        """What it is now is what its line speaks of, unless others opened it."""
        self._states[number] = item.state or (None if item.sound else FileState.of(item.name))

    def over(
        self,
        number: int,
        item: Prepared,
        summary: Summary | None,
        failure: Failure | None,
        kept: Callable[[int], object],
    ) -> None:
        """Have its line written; if need be its sound is hashed before."""
        assert self._outcome_of is not None
        outcome = self._outcome_of(item, summary, None if failure is None else failure.error)
        text = "\n".join(self._sentences.pop(number, ()))
        begun = self._states.pop(number, None)
        state = item.at_turn or begun or item.state
        outcome = replace(outcome, text=text, sound=_sound(item, state))
        self._finished += 1
        then = functools.partial(kept, number)
        if outcome.complete and item.state is not None and item.sha256 is None:
            # Those that are heard elsewhere are not fetched for that.
            self._hashing = self._hashing or ThreadPoolExecutor(1, "hash sounds")
            self._hashing.submit(self._hash_and_append, item, outcome, then)
        else:
            self._append(outcome, then)

    def add(self, item: Prepared, outcome: Outcome) -> None:
        """Note what was found to be done, where lines are written."""
        if self._lines is None:
            return
        self._finished += 1
        self._append(replace(outcome, sound=_sound(item, item.state)), lambda: None)

    def check(self) -> None:
        if self._bug is not None or (self._lines is not None and self._lines.error is not None):
            raise self._failed()

    def close(self) -> None:
        if self._is_settled or self._lines is None:
            return
        if self._hashing is not None:
            self._hashing.shutdown()
        with contextlib.suppress(AsrcliError):
            self._lines.close(keep=self._outcome_of is not None)
        self._is_settled = True
        self.check()

    def _hash_and_append(self, item: Prepared, outcome: Outcome, then: Callable[[], object]) -> None:
        try:
            made = _sha256_of(item)
            sound = outcome.sound and replace(outcome.sound, sha256=made)
            self._append(replace(outcome, sound=sound), then)
        except Exception as error:
            self._bug = self._bug or Bug.of(error)

    def _append(self, outcome: Outcome, then: Callable[[], object]) -> None:
        assert self._lines is not None
        try:
            self._lines.append(outcome.line(), functools.partial(self._note, then))
        except AsrcliError as error:
            raise self._failed() from error

    def _note(self, then: Callable[[], object]) -> None:
        self._noted += 1
        then()

    def _failed(self) -> AsrcliError:
        """Why lines are lost, and how many there are for all that."""
        # What the hashing met may be no more than that.
        error = (self._lines.error if self._lines is not None else None) or self._bug
        assert error is not None
        if not isinstance(error, OutputError):
            return error
        lost = self._finished - self._noted
        count = f"of {self._finished} that are over, {lost} {'is' if lost == 1 else 'are'} not noted there"
        return OutputError(f"{shown_name(error.message)}; {count}", hint=f"{error.hint}, then run the same again")


def outcome_of(
    item: Prepared,
    options: RecognitionOptions,
    digest: str,
    summary: Summary | None,
    error: AsrcliError | None,
    paths: tuple[str, ...],
) -> Outcome:
    """What became of `item`, as far as its numbers tell; `digest` is the hash of its options."""
    return Outcome(
        id=_id_of(item),
        audio=safe(item.name),
        complete=error is None and summary is not None and summary.complete,
        options=digest,
        at=date_and_time(),
        paths=paths,
        seconds=None if summary is None or summary.audio_ms is None else summary.audio_ms / 1000,
        billed_s=None if summary is None else summary.billed_s,
        model=options.model,
        languages=options.languages,
        reconnects=0 if summary is None else summary.reconnects,
        resent_s=0.0 if summary is None else summary.resent_ms / 1000,
        truncated=summary is not None and summary.truncated,
        error=None if error is None else _error(error),
        others=item.row.others,
    )


def _error(error: AsrcliError) -> dict[str, object]:
    hint = {"hint": safe(error.hint)} if error.hint else {}
    return {"code": error.code, "message": safe(error.message), **hint, "exit": exit_code(error)}


def safe(text: str) -> str:
    """`text` without keys, and without what lets one in at an address."""
    return mask(shown(text))


def _id_of(item: Prepared) -> str:
    return safe(item.row.id)


def _check_ids(sources: Sequence[Prepared]) -> None:
    numbers = Numbers()
    for count, item in enumerate(sources):
        if numbers.add(digest_of(_id_of(item))) < count:
            raise UsageError(f"{shown_name(_id_of(item))} is given twice", hint="leave one of them out")


def _sound(item: Prepared, state: FileState | None) -> Sound | None:
    if item.sound is not None:
        return Sound(identity=item.sound)
    if state is None:
        return None
    # What others have heard is what is seen here, where that is alike.
    elsewhere = item.hashed[1] if item.hashed is not None and item.hashed[0].is_alike(state) else None
    return Sound(state.size_bytes, state.modified_ns, sha256=item.sha256 or elsewhere)


def _sound_now(item: Prepared) -> Sound | None:
    """What `item` is before it is opened; None where that cannot be seen from here."""
    return _sound(item, item.state or FileState.of(item.name))


def _sha256_of(item: Prepared) -> str | None:
    """The hash of a file's bytes; None where they cannot be read, or are not any more what was opened."""
    try:
        made = audio_of(item.name)
    except OSError:
        return None
    is_same = made.state == FileState.of(item.name) and (item.state is None or made.state == item.state)
    return made.sha256 if is_same else None


def _comes_once(item: Prepared) -> bool:
    """Whether what `item` holds is gone when it was heard, so that the next one of its name is another."""
    if item.name == STANDARD_INPUT:
        return item.state is None
    if is_address(item.name):
        return False
    try:
        return not stat.S_ISREG(Path(item.name).stat().st_mode)
    except OSError:
        return False

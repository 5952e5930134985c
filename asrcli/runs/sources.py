"""The sources of one command: all opened and looked at before anything is sent."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from asrcli.audio.opening import Input, Microphone, open_input
from asrcli.audio.source import Source
from asrcli.engine.control import Control, StopRequested
from asrcli.fleet.manifest import Row
from asrcli.output.output import Output
from asrcli.remote.base import RemoteError
from asrcli.runs.exits import Refused, exit_code
from asrcli.runs.looking import looked_at
from asrcli.system.file_state import FileState, change_since, changed
from asrcli.values.addresses import is_address
from asrcli.values.errors import AsrcliError, DecodeError, Interrupted, OutputError, UsageError
from asrcli.values.events import Notice
from asrcli.values.source_name import STANDARD_INPUT, public


def _counts() -> None:
    """What was recognised does."""


class AlreadyDone(AsrcliError):  # noqa: N818 - it names what was found
    """A source of a corpus of which at its turn all results are there: nothing is sent for it."""


@dataclass(slots=True)
class Prepared:
    """A source that is to be done. `source`: it is open already, and is not opened again.

    `variant`: which of those of the run says how it is recognised. `state`: of the file when it was opened; `at_turn`:
    when others were to open it, where they do. `sound` is what a change of its bytes would show in, where that is
    known, and `sha256` their hash, where it was made; `hashed` is that of what others heard, and of which state.
    `check_again` is called when all of it has been recognised, and raises AsrcliError where that does not count after
    all.
    """

    row: Row
    variant: int = 0
    control: Control = field(default_factory=Control)
    source: Source | None = None
    duration_ms: int | None = None
    state: FileState | None = None
    at_turn: FileState | None = None
    sound: str | None = None
    sha256: str | None = None
    hashed: tuple[FileState, str] | None = None
    check_again: Callable[[], None] = _counts

    @property
    def name(self) -> str:
        """What is opened: a path, - or an address."""
        return self.row.audio

    def goes_elsewhere(self) -> None:
        """Others open it from now on, at a moment that is not known: as long as they do it may not change."""
        self.at_turn = FileState.of(self.name)
        if self.state != self.at_turn:
            # That was of other bytes.
            self.sha256 = None

    def over(self) -> None:
        """It is done: let go of what it took, of which the sound is the least."""
        self.close()
        self.control.leave()
        self.check_again = _counts
        self.at_turn = self.hashed = None

    def close(self) -> None:
        """Close what was opened and has not been handed over."""
        if self.source is not None:
            self.source.close()
            self.source = None


class Opener:
    """Opens sources as one of `hows` says, which the variant of each names.

    At most `most_open` files stay open until their turn; any other source always does.

    What cannot be opened a second time (a pipe, a microphone) is opened once, and so is a file, as far as the system
    lets so many be open.
    """

    def __init__(self, hows: Sequence[Input], most_open: int) -> None:
        self._hows = hows
        self._most_open = most_open

    def check(self, names: Sequence[str], output: Output) -> list[Prepared]:
        """Open every source. Tells `output` of each bad one, then raises Refused."""
        prepared = [Prepared(Row.named(name)) for name in names]
        bad: list[AsrcliError] = []
        try:
            away = self._look_away(prepared)
            for number, item in enumerate(prepared):
                error = away[number] if number in away else self._problem(number, item)
                if error is not None:
                    bad.append(output.error(error, public(item.name)))
                    if bad[-1] is not error:
                        break  # The results can be told of nothing more.
            if bad:
                raise _refused(bad, names, output)
        except BaseException:
            for item in prepared:
                item.close()
            raise
        return prepared

    def _look_away(self, prepared: Sequence[Prepared]) -> dict[int, AsrcliError | None]:
        """Look at those at addresses; what is wrong with each."""
        addresses = [number for number, item in enumerate(prepared) if is_address(item.name)]
        if len(addresses) < 2:
            return {}
        with contextlib.closing(looked_at(addresses, lambda number: self._problem(number, prepared[number]))) as told:
            return dict(told)

    def open(self, item: Prepared, control: Control) -> Source:
        """The source of `item`: the one that is open, else opened now.

        A file that has changed while it waited for its turn is opened anew: what it is now counts. Standard input is
        not: what was taken from it cannot be had again.
        """
        source, item.source = item.source, None
        is_file = item.state is not None and item.name != STANDARD_INPUT
        if source is not None and is_file and FileState.of(item.name) != item.state:
            source.close()
            source = None
            # What was said of it as it was; a wish to end stays one.
            for said in control.take():
                if isinstance(said, StopRequested):
                    control.stop(said.signal_number)
        if source is None:
            source = self._opened(item, control)
            if is_address(item.name):
                # What is fetched when it is read does not know it yet.
                source.duration_ms = item.duration_ms
        return source

    def open_again(self, item: Prepared, control: Control) -> Source:
        """The source of `item` once more, as what it was before. Raises DecodeError where it has changed."""
        before = item.state
        source = self._opened(item, control)
        now, item.state = item.state, before
        if now != before:
            source.close()
            raise changed(item.name)
        return source

    def _opened(self, item: Prepared, control: Control, *, looks: bool = False) -> Source:
        how = self._hows[item.variant]
        before = item.state
        if isinstance(how, Microphone):
            item.state = None
        else:
            item.state = FileState.of(item.name)
            if item.state != before:
                # That was of other bytes.
                item.sha256 = None
            how = how if item.row.channel is None else replace(how, channel=item.row.channel)
        if is_address(item.name):
            return open_input(how, item.name, control.notice, control.level, known=item.sound, looks=looks)
        return open_input(how, item.name, control.notice, control.level)

    def _problem(self, number: int, item: Prepared) -> AsrcliError | None:
        """Look at one; what is wrong with it."""
        try:
            self._look_at(item, stays_open=number < self._most_open or _is_had_once(item.name))
        except Interrupted:
            raise
        except AsrcliError as error:
            return error
        return None

    def _look_at(self, item: Prepared, *, stays_open: bool) -> None:
        source = self._opened(item, item.control if stays_open else Control(), looks=True)
        item.duration_ms = source.duration_ms
        if is_address(item.name):
            item.sound = source.sound
        if stays_open:
            item.source = source
        else:
            source.close()


def _is_had_once(name: str) -> bool:
    """Whether what it is called cannot be opened a second time, as far as anybody knows."""
    return not (is_address(name) or Path(name).is_file())


def change_of(item: Prepared) -> AsrcliError | Notice | None:
    """What has happened to a file while it was read: what makes its results doubtful, or is to be told."""
    try:
        item.check_again()
    except AsrcliError as error:
        return error
    if item.at_turn is not None and FileState.of(item.name) != item.at_turn:
        return changed(item.name)
    return change_since(item.name, item.state)


def _refused(bad: list[AsrcliError], names: Sequence[str], output: Output) -> Refused:
    if isinstance(bad[-1], OutputError):
        return Refused(exit_code(bad[-1]))
    total = len(names)
    if total > 1:
        # A run on a corpus looks at none of them before its turn comes.
        rest = "leave them out, or do the others with asrcli file … --cluster local:1"
        hint = rest if len(bad) < total and STANDARD_INPUT not in names else ""
        output.error(UsageError(f"{len(bad)} of {total} sources cannot be read; nothing was sent", hint=hint))
    # What holds no audio is bad input, however that shows, and so is what is not there; a microphone that is gone is
    # not, nor is a network.
    is_bad_input = isinstance(bad[0], DecodeError) or (isinstance(bad[0], RemoteError) and not bad[0].retryable)
    is_bad_input |= total > 1
    return Refused(exit_code(UsageError("")) if is_bad_input else exit_code(bad[0]))

"""`asrcli merge`: results of several runs or shards become one file, with one line for each source."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import stat
import sys
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from asrcli.fleet.joined import Joined
from asrcli.fleet.manifest import ids
from asrcli.fleet.result_lines import Broken, parse
from asrcli.output.output import Output
from asrcli.output.places.result_file import told as told_of
from asrcli.output.places.sinks import FileSink, Sink, is_special
from asrcli.output.places.streams import ClosedOutput, StreamSink
from asrcli.output.sanitize import name as shown
from asrcli.output.views.plain import PastView
from asrcli.remote.base import NothingThere
from asrcli.remote.places import read_lines, write_lines
from asrcli.runs.choose_forms import STANDARD_OUTPUT
from asrcli.runs.keeping import safe
from asrcli.runs.run import told
from asrcli.system.beside import settle
from asrcli.system.open_files import allow_many
from asrcli.system.signals import Signals
from asrcli.values.addresses import is_address
from asrcli.values.errors import AsrcliError, UsageError
from asrcli.values.source_name import STANDARD_INPUT, label

# So many ids, or broken lines of one file, are named one by one.
_NAMED = 3
_BATCH_BYTES = 1 << 18
_BOM = b"\xef\xbb\xbf"


def merge(places: Sequence[str], output: str | None, manifest: str | None, *, force: bool, quiet: bool) -> int:
    """Join the results at `places` into `output`, or to standard output; with `manifest` its sources, in its order.

    The exit code is 0 where all of them are complete.
    """
    told_to = Output([], PastView(sys.stderr, quiet=quiet))

    def work(signals: Signals) -> int:
        """Read all, write what counts, and say what is missing."""
        with ExitStack() as stack:
            _check_inputs(places)
            sink = _sink(places, output, manifest, force=force)
            allow_many()
            merging = _Merging(told_to, [_Input(place, stack) for place in places])
            numbers = merging.all_of(manifest) if manifest is not None else range(len(merging.joined))
            _write(merging.lines(numbers), sink, output)
            if not quiet:
                merging.tell_of(numbers, knows_all=manifest is not None)
            return merging.code(numbers, knows_all=manifest is not None)

    return told(told_to, work)


class _Input:
    """One file of results. What cannot be read twice is kept meanwhile. Raises UsageError for what cannot be read."""

    def __init__(self, place: str, stack: ExitStack) -> None:
        self.label = shown(label(place))
        self.broken: list[int] = []
        """Its lines that cannot be read, counted from 1."""
        self.is_cut = False
        """Whether the last one of them is also the last one of the file, and has no end."""
        path = Path(place)
        try:
            if not is_address(place) and place != STANDARD_INPUT and stat.S_ISREG(path.stat().st_mode):
                self._file: IO[bytes] = stack.enter_context(path.open("rb"))
                return
            self._file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed by the stack
            if is_address(place):
                self._file.writelines(line + b"\n" for line in read_lines(place))
            else:
                with path.open("rb") if place != STANDARD_INPUT else sys.stdin.buffer as pipe:
                    shutil.copyfileobj(pipe, self._file)
        except OSError as error:
            raise UsageError(f"cannot read {self.label}: {error.strerror}", hint="check the name") from error
        except NothingThere as error:
            raise UsageError(error.message, hint="check the name") from error

    def join(self, joined: Joined, file: int) -> None:
        """Have all its lines taken, as those of the file of that number. Raises UsageError where it has none."""
        self._file.seek(0)
        offset, before = 0, joined.lines
        for count, line in enumerate(self._file, 1):
            mark = len(_BOM) if count == 1 and line.startswith(_BOM) else 0
            if text := line[mark:].strip():
                try:
                    joined.take(file, offset + mark, text)
                except Broken:
                    self.broken.append(count)
                    self.is_cut = not line.endswith(b"\n")
            offset += len(line)
        if joined.lines == before and len(self.broken) > self.is_cut:
            raise UsageError(f"{self.label} holds no results", hint="asrcli file … --results FILE makes some")

    def line_at(self, offset: int) -> bytes:
        """The line that begins there."""
        self._file.seek(offset)
        return self._file.readline().strip()


class _Merging:
    """What was joined, and what is to be said of it."""

    def __init__(self, output: Output, inputs: Sequence[_Input]) -> None:
        self.joined = Joined()
        self._output = output
        self._inputs = inputs
        self._missing: list[str] = []
        self._missing_count = 0
        for file, each in enumerate(inputs):
            each.join(self.joined, file)

    def all_of(self, manifest: str) -> Sequence[int]:
        """The numbers of the ids in `manifest`, in its order, as far as they came. Raises as fleet.manifest.ids."""
        numbers = array("Q")
        for id in ids(manifest):
            number = self.joined.find(safe(id))
            if number is not None:
                numbers.append(number)
                continue
            self._missing_count += 1
            if len(self._missing) < _NAMED:
                self._missing.append(safe(id))
        return numbers

    def lines(self, numbers: Iterable[int]) -> Iterator[bytes]:
        """The lines that count, without their ends. Raises AsrcliError where a file has changed since."""
        for number in numbers:
            file, offset = self.joined.place(number)
            line = self._inputs[file].line_at(offset)
            if not self.joined.is_still(number, line):
                raise AsrcliError(
                    f"{self._inputs[file].label} changed while it was read",
                    hint="do it again when nothing writes to it any more",
                )
            yield line

    def tell_of(self, numbers: Sequence[int], *, knows_all: bool) -> None:
        """Say what is worth knowing and no failure; `knows_all`: see `code`."""
        joined = self.joined
        for each in self._inputs:
            self._tell_of_broken(each)
        others = [number for number in range(len(joined)) if joined.has_other_options(number)]
        if others:
            what = f"{_count(len(others))} {_was(len(others))} done with other options too: {self._names(others)}"
            self._output.notice(what, "the last of them counts")
        others = [number for number in range(len(joined)) if joined.has_other_sound(number)]
        if others:
            what = f"{_count(len(others))} {_was(len(others))} done of other sound too: {self._names(others)}"
            self._output.notice(what, "the last of them counts")
        if left_out := len(joined) - len(numbers):
            self._output.notice(f"{_count(left_out)} {_is(left_out)} not in the manifest, and left out")
        done = sum(map(joined.is_complete, numbers))
        total = len(numbers) + self._missing_count
        replaced = joined.lines - len(joined)
        lines = "1 line is" if replaced == 1 else f"{replaced} lines are"
        more = f"; {lines} left out for others of the same source" if replaced else ""
        unknown = "" if knows_all else "; --manifest FILE tells whether any is missing"
        self._output.say(f"{done} of {total} {'is' if total == 1 else 'are'} complete{more}{unknown}")

    def code(self, numbers: Sequence[int], *, knows_all: bool) -> int:
        """Say what keeps all from being there, and return the exit code; `knows_all`: a manifest says what all is."""
        failed = [number for number in numbers if not self.joined.is_complete(number)]
        total = len(numbers) + self._missing_count
        again = "run again what made them, with the same --results"
        if failed:
            self._fail(f"{len(failed)} of {total} {_is(len(failed))} not complete: {self._names(failed)}", again)
        if self._missing_count:
            names = _and_more(list(map(shown, self._missing)), self._missing_count)
            self._fail(f"{self._missing_count} of {total} {_is(self._missing_count)} missing: {names}", again)
        broken = sum(len(each.broken) for each in self._inputs)
        if broken and not knows_all:
            what = f"{broken} {'line' if broken == 1 else 'lines'} of results cannot be read: perhaps not all is here"
            self._fail(what, "--manifest FILE tells what all is")
        return 1 if failed or self._missing_count or (broken and not knows_all) else 0

    def _tell_of_broken(self, file: _Input) -> None:
        whole = file.broken[:-1] if file.is_cut else file.broken
        if whole:
            numbers = _and_more(list(map(str, whole[:_NAMED])), len(whole))
            which = f"line {numbers} is" if len(whole) == 1 else f"lines {numbers} are"
            self._output.notice(f"{file.label}: {which} no line of results, and left out")
        if file.is_cut:
            self._output.notice(f"{file.label}: the last line is cut off, and left out")

    def _names(self, numbers: Sequence[int]) -> str:
        found = [str(parse(line)["id"]) for line in self.lines(numbers[:_NAMED])]
        return _and_more(list(map(shown, found)), len(numbers))

    def _fail(self, message: str, hint: str) -> None:
        self._output.error(AsrcliError(message, hint=hint))


def _check_inputs(places: Sequence[str]) -> None:
    if list(places).count(STANDARD_INPUT) > 1:
        raise UsageError("- stands for standard input and can be given only once")
    known: set[object] = set()
    for place in places:
        path = Path(place)
        if not is_address(place) and path.is_dir():
            raise UsageError(f"{shown(place)} is a folder", hint="name the files in it")
        key: object = place if is_address(place) or place == STANDARD_INPUT else os.path.realpath(path)
        if key in known:
            raise UsageError(f"{shown(label(place))} is given twice", hint="leave one of them out")
        known.add(key)


def _sink(places: Sequence[str], output: str | None, manifest: str | None, *, force: bool) -> Sink | None:
    """Where lines are written as they come; None for what is there as a whole or not at all. Raises UsageError."""
    if output is None or output == str(STANDARD_OUTPUT):
        if isinstance(sys.stdout, ClosedOutput):
            # Raises that.
            sys.stdout.write("")
        return StreamSink(sys.stdout)
    for place in (*places, *([] if manifest is None else [manifest])):
        if place == output or (not is_address(place) and os.path.realpath(place) == os.path.realpath(output)):
            raise UsageError(f"{shown(output)} is one of the files that are read", hint="choose another -o FILE")
    if is_address(output):
        return None
    sink = FileSink(output, force)
    sink.check()
    return sink if is_special(Path(output)) else None


def _write(lines: Iterable[bytes], sink: Sink | None, output: str | None) -> None:
    if sink is not None:
        with contextlib.closing(sink):
            for text in _batches(lines):
                sink.write(text)
        return
    assert output is not None
    place = output if is_address(output) else os.path.realpath(output)
    with told_of(Path(output)):
        write_lines(place, map(functools.partial(str, encoding="utf-8"), lines))
        if not is_address(output):
            settle(Path(place).parent)


def _batches(lines: Iterable[bytes]) -> Iterator[str]:
    """Lines with their ends, many at a time."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line + b"\n")
        size += len(line)
        if size > _BATCH_BYTES:
            yield b"".join(batch).decode()
            batch, size = [], 0
    if batch:
        yield b"".join(batch).decode()


def _and_more(names: Sequence[str], total: int) -> str:
    return ", ".join(names) + (f" and {total - len(names)} more" if total > len(names) else "")


def _count(number: int) -> str:
    return f"{number} {'source' if number == 1 else 'sources'}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"

"""Lines in an object store, which cannot append: each group of them is an object of its own, a part, beside the name.

The lines of s3://bucket/run.jsonl are in s3://bucket/run.jsonl.parts/part-….jsonl, in the order of those names. A name
begins with the time, and what is by chance follows: two runs that write at once do not get in each other's way.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import queue
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from asrcli.remote import stores
from asrcli.remote.base import RemoteError
from asrcli.remote.stores import Entry
from asrcli.remote.tries import tried
from asrcli.system.clock import Clock, SystemClock, utc_stamp
from asrcli.system.threads import Thread
from asrcli.values.addresses import shown
from asrcli.values.errors import AsrcliError, Bug, OutputError, UsageError
from asrcli.wire.retry import Retry

_BEGINNING, _ENDING = "part-", ".jsonl"
# How long lines gather: the longer the more parts there are, which somebody has to read again.
_FIRST_GATHER_S, _GATHER_S_A_PART, _LONGEST_GATHER_S = 0.2, 0.01, 5.0
# Enough for the first look at a store, and for the end of a run, where somebody waits.
_FEW_TRIES = 4
# A store answers thousands at once; more of them than this keep a processor busy, and no more come in.
_READS_AT_ONCE = 32
_HINT = "safe to try again"


class _Waiting(NamedTuple):
    """A line with its end, and what is to be called when it is there."""

    data: bytes
    then: Callable[[], object]


class StoredLines:
    """Lines beside `place`, an address: as DurableLines, for any number of runs at once.

    A thread writes what has gathered in some tenths of a second, later in some seconds, as one object, and then calls
    what was to be called, in order and in that thread. It tries again as `retry` says. Raises UsageError where nothing
    can be written there; Shortage where there is no further thread.
    """

    def __init__(self, place: str, *, clock: Clock | None = None, retry: Retry = Retry()) -> None:  # noqa: B008 - it is frozen
        self.error: AsrcliError | None = None
        """What ended the writing; nothing that is appended after it gets there."""
        self.mended_bytes = 0
        """As DurableLines has it: what is there is there as a whole."""
        self._place = place
        self._clock = clock or SystemClock()
        self._retry = retry
        self._names = _names(place)
        self._name = next(self._names)
        self._is_empty = True
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        try:
            # Whether it can be written to is to be known before anything is paid for. The first lines take its place.
            self._put(b"", _FEW_TRIES)
        except RemoteError as error:
            raise UsageError(f"cannot write to {shown(place)}: {error.message}", hint=error.hint) from error
        self._thread = Thread("stored lines", self._work, self._died)
        self._thread.start()

    def append(self, line: str, then: Callable[[], object] = lambda: None) -> None:
        """Have `line` written, without a line's end, and `then` called once it is there. Returns at once.

        Raises what has ended the writing: OutputError.
        """
        assert not self._closing.is_set()
        if self.error is not None:
            raise self.error
        self._waiting.put(_Waiting(line.encode() + b"\n", then))

    def close(self, *, keep: bool = True) -> None:
        """Wait until all lines are there. Raises what ended the writing before that.

        Without `keep` nothing is left where no line was written. May be called more than once.
        """
        if not self._closing.is_set():
            self._closing.set()
            self._waiting.put(None)
        # Once more where a signal has ended the wait.
        self._thread.join()
        if self._is_empty and not keep:
            # Who may write may not always remove.
            with contextlib.suppress(RemoteError):
                stores.remove(self._name)
        if self.error is not None:
            raise self.error

    def _work(self) -> None:
        for count in itertools.count():
            gathered = [self._waiting.get()]
            gather_s = min(_FIRST_GATHER_S + count * _GATHER_S_A_PART, _LONGEST_GATHER_S)
            self._clock.wait_until(self._clock.now() + gather_s, self._closing)
            with contextlib.suppress(queue.Empty):
                while True:
                    gathered.append(self._waiting.get_nowait())
            is_last = gathered[-1] is None
            lines = [each for each in gathered if each is not None]
            if lines and not self._is_written(lines):
                return
            for each in lines:
                each.then()
            if is_last:
                return

    def _is_written(self, lines: list[_Waiting]) -> bool:
        """Write a part; where that fails for good, `error` says why."""
        try:
            self._put(b"".join(each.data for each in lines), self._retry.tries)
        except RemoteError as error:
            self.error = OutputError(f"cannot write to {shown(self._place)}: {error.message}", hint=error.hint or _HINT)
            return False
        self._is_empty = False
        self._name = next(self._names)
        return True

    def _put(self, content: bytes, tries: int) -> None:
        """Write the part whose turn it is. What may have got there before a failure is written over by itself."""
        tried(
            lambda: stores.put(self._name, content),
            self._retry,
            lambda: min(tries, _FEW_TRIES) if self._closing.is_set() else tries,
            self._wait,
        )

    def _wait(self, wait_s: float) -> None:
        # The end of the run cuts one wait short, and is no reason not to wait any more.
        wake = threading.Event() if self._closing.is_set() else self._closing
        self._clock.wait_until(self._clock.now() + wait_s, wake)

    def _died(self, bug: BaseException) -> None:
        self.error = Bug.of(bug)


def _names(place: str) -> Iterator[str]:
    """Addresses of one run's parts: later ones sort behind earlier ones, whatever the wall clock does."""
    run, time = secrets.token_hex(8), ""
    for number in itertools.count():
        time = max(time, utc_stamp())
        yield f"{_folder(place)}{_BEGINNING}{time}-{run}-{number:06}{_ENDING}"


def _folder(place: str) -> str:
    # Not of the same name as an object: where folders are real, one of them would keep the other away.
    return f"{place.rstrip('/')}.parts/"


def parts(place: str, retry: Retry = Retry()) -> list[Entry]:  # noqa: B008 - it is frozen
    """The parts of the lines beside `place`, in order. Raises RemoteError."""
    folder = _folder(place)
    return [
        each
        for each in tried(lambda: stores.in_folder(folder), retry)
        if each.address.startswith(folder + _BEGINNING) and each.address.endswith(_ENDING)
    ]


def lines_of(found: Iterable[Entry], retry: Retry = Retry()) -> Iterator[bytes]:  # noqa: B008 - it is frozen
    """The lines of parts, in order, without their ends; many parts are read at once. Raises RemoteError."""
    waiting: deque[Future[bytes]] = deque()
    rest = iter(found)
    with ThreadPoolExecutor(_READS_AT_ONCE, "read parts") as pool:
        try:
            while True:
                for entry in itertools.islice(rest, 2 * _READS_AT_ONCE - len(waiting)):
                    waiting.append(pool.submit(tried, functools.partial(stores.get, entry), retry))
                if not waiting:
                    return
                yield from waiting.popleft().result().split(b"\n")[:-1]
        finally:
            for each in waiting:
                each.cancel()

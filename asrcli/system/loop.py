"""The one thread that carries all connections of a process: it waits for their sockets and for their moments together.

A thread for each direction of each of a thousand streams costs more than the streams do. Knows sockets and moments,
nothing of what they are for; whoever gives it something to do sees to its own errors. What is raised here all the same
is a bug, nobody knows whose: it ends the thread, and all who depend on it are told.

Thread "engine", or as it is called: from the first `hold` to the last `release`, and then until the sockets in its care
have said goodbye; or until a bug.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from asrcli.system.clock import Clock, Deadline, SystemClock
from asrcli.system.crowd import CROWD, GATHER_S
from asrcli.system.dependants import Dependants
from asrcli.system.moments import Moments, Work
from asrcli.system.threads import Thread
from asrcli.system.wakeup import Wakeup
from asrcli.values.errors import MORE_FILES, Shortage

READABLE = selectors.EVENT_READ
WRITABLE = selectors.EVENT_WRITE

# What closes in good order does so within a second; what does not is cut then.
_PATIENCE_S = 2.0

logger = logging.getLogger(__name__)

Ready = list[tuple[selectors.SelectorKey, int]]


class HasDescriptor(Protocol):
    """A socket, or what else the system can wait for."""

    def fileno(self) -> int: ...


class Loop:
    """`hold`, `release` and `call` are for any thread, `call` for signal handlers too; the rest for its own thread."""

    def __init__(self, clock: Clock | None = None, *, name: str = "engine") -> None:
        self._clock = clock or SystemClock()
        self._name = name
        self._moments = Moments(self._clock)
        # Nothing around them: each chunk and each result asks.
        self.now = self._clock.now
        self.at = self._moments.at
        self._lock = threading.Lock()
        self._holders = 0
        self._thread: Thread | None = None
        self.dependants = Dependants()
        """Those who are to be told when a bug ends the thread. Until the last `release` nothing is done any more then,
        and what they ask for as they are told is not done either."""
        self._calls: deque[Work] = deque()
        self._selector: selectors.BaseSelector | None = None
        self._wakeup: Wakeup | None = None
        self._watched = 0
        # Threads of `aside`.
        self._aside: set[Thread] = set()

    def hold(self) -> None:
        """Run until `release`. For several holders. Raises Shortage."""
        with self._lock:
            if self._thread is None:
                self._begin()
            self._holders += 1

    def _begin(self) -> None:
        try:
            self._selector = selectors.DefaultSelector()
            self._wakeup = Wakeup()
            self._selector.register(self._wakeup.descriptor, READABLE, self._woken)
            self._thread = Thread(self._name, self._run, self._died)
            self._thread.start()
        except (OSError, Shortage) as error:
            self._thread = None
            self._let_go()
            if isinstance(error, OSError):
                raise Shortage(
                    f"the system allows no further open files ({error.strerror})", hint=MORE_FILES
                ) from error
            raise
        if self._calls:
            self._rouse()

    def release(self) -> None:
        """The last holder waits, for a moment, until the sockets have said goodbye and the thread has ended."""
        with self._lock:
            self._holders -= 1
            if self._holders:
                return
            thread, self._thread = self._thread, None
            self._rouse()
            if thread is not None and thread is not threading.current_thread():
                thread.join()
            if self.dependants.bug is not None:
                # What is asked for from now on is for another thread.
                self.dependants = Dependants()
                self._calls.clear()

    def call(self, work: Work) -> None:
        """Have `work` done soon, on the loop's thread, after what was asked for before."""
        self._calls.append(work)
        self._rouse()

    def aside(self, name: str, work: Callable[[], Callable[[], None]], died: Callable[[BaseException], None]) -> None:
        """Do `work`, which may wait, in a thread of its own, and what it returns on the loop's thread.

        `died` is called there instead with whatever `work` raises, or with a Shortage where no thread can be started.
        """

        def run() -> None:
            then = work()
            self.call(lambda: arrived(then))

        def arrived(then: Callable[[], None]) -> None:
            thread.join()
            # A loop that was cut short has forgotten it.
            self._aside.discard(thread)
            then()

        thread = Thread(name, run, lambda bug: self.call(lambda: arrived(lambda: died(bug))))
        try:
            thread.start()
        except Shortage as shortage:
            self.call(functools.partial(died, shortage))
        else:
            self._aside.add(thread)

    def watch(self, connection: HasDescriptor, on_ready: Callable[[int], object], events: int = READABLE) -> None:
        """Have `on_ready(events)` called while `connection` is ready for any of `events`. Replaces what was asked.

        Raises OSError where the system watches no more; it is left alone then.
        """
        assert self._selector is not None
        try:
            self._selector.modify(connection, events, on_ready)
        except KeyError:
            self._selector.register(connection, events, on_ready)
            self._watched += 1
        except OSError:
            self._watched -= 1
            raise

    def unwatch(self, connection: HasDescriptor) -> None:
        """Leave `connection` alone; to be called before it is closed. Harmless where it is not watched."""
        assert self._selector is not None
        with contextlib.suppress(KeyError):
            self._selector.unregister(connection)
            self._watched -= 1

    def _rouse(self) -> None:
        wakeup = self._wakeup
        if wakeup is not None and threading.current_thread() is not self._thread:
            wakeup.ring()

    def _woken(self, events: int) -> None:
        assert self._wakeup is not None
        self._wakeup.drain()

    def _run(self) -> None:
        assert self._selector is not None
        cut_at: float | None = None
        while True:
            if self._thread is not threading.current_thread():
                cut_at = cut_at or self._clock.now() + _PATIENCE_S
                busy = self._watched or self._aside
                if not self._calls and (not busy or self._clock.now() >= cut_at):
                    break
            ready = self._ready(self._patience_s(cut_at))
            # What has its moment comes first; what came in has waited already.
            self._moments.do_what_is_due()
            for key, events in ready:
                key.data(events)
                # A crowd can bring more at once than what has its moment may wait for.
                self._moments.do_what_is_due()
            for _ in range(len(self._calls)):
                self._calls.popleft()()
        self._let_go()

    def _died(self, bug: BaseException) -> None:
        """A bug has ended the thread, this one: so it ends all that depends on it, and cuts what is connected."""
        if not self.dependants:
            logger.error("a bug in asrcli, when all was over", exc_info=bug)
        self.dependants.tell(bug)
        # A source is closed by the thread that reads it.
        deadline = Deadline(SystemClock(), _PATIENCE_S)
        for thread in [*self._aside]:
            thread.join(deadline.remaining_s())
        for key in [*self._selector.get_map().values()] if self._selector is not None else ():
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._let_go()

    def _let_go(self) -> None:
        self._moments.clear()
        self._aside.clear()
        self._watched = 0
        selector, self._selector = self._selector, None
        wakeup, self._wakeup = self._wakeup, None
        if selector is not None:
            with contextlib.suppress(OSError):
                selector.close()
        if wakeup is not None:
            wakeup.close()

    def _ready(self, patience_s: float | None) -> Ready:
        """What is ready, waiting for it so long.

        In a crowd there is always something in a moment, and each waking costs as much as what it is for: so what comes
        in waits until the next timer is due, if that is soon.
        """
        assert self._selector is not None
        assert self._wakeup is not None
        if self._watched > CROWD and patience_s is not None and 0 < patience_s <= GATHER_S:
            self._wakeup.sleep(patience_s)
            patience_s = 0
        return self._selector.select(patience_s)

    def _patience_s(self, cut_at: float | None) -> float | None:
        """How long nothing has to be done."""
        if self._calls:
            return 0.0
        moment = min(self._moments.next(), math.inf if cut_at is None else cut_at)
        return None if moment == math.inf else max(0.0, moment - self._clock.now())

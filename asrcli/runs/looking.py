"""Many sources at addresses are looked at at the same time: one after another, each would wait for its server."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Generator, Iterable

from asrcli.system.threads import Thread
from asrcli.values.errors import AsrcliError, Bug

_AT_ONCE = 16


Problem = AsrcliError | None


def looked_at(numbers: Iterable[int], look: Callable[[int], Problem]) -> Generator[tuple[int, Problem], None, None]:
    """Do `look` for each of `numbers`, some at once; yield each with what is wrong with it, as they come.

    Threads "look": each until there is nothing more to look at, or the iterator is closed.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    told: queue.SimpleQueue[tuple[int, Problem]] = queue.SimpleQueue()
    total = 0
    for number in numbers:
        waiting.put(number)
        total += 1

    def work() -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                problem = look(number)
            except Exception as error:
                problem = Bug.of(error)
            told.put((number, problem))

    for _ in range(min(total, _AT_ONCE)):
        Thread("look", work, lambda bug: told.put((-1, Bug.of(bug)))).start()
    try:
        for _ in range(total):
            yield told.get()
    finally:
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.get_nowait()

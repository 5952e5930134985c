"""Many streams at once: when each sends, how many connect, when the loop looks, and how many files they need.

What each part brings was measured with 100 to 1,000 streams in one process, by switching it on and off, on two busy
cores. What brings less than a twentieth of CPU and lateness is not done: a shorter switch interval for Python's
threads, telling what has come later than at once, one heap of glibc for all threads (0 to 3 % of the memory).
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

from asrcli.system.open_files import allow_many
from asrcli.values.errors import UsageError

# The source, the socket, the pipes of a decoder and what a long result is kept in meanwhile.
_FILES_PER_JOB = 6
_FILES_BESIDE = 64

# Sources that send at the same moment make each other late, and each wake-up of the processor costs it as much as
# sending some chunks, because its caches are cold then: so all send in a few slots that are spread over the length of a
# chunk. Where each sends at a moment of its own, 100 streams cost 50 % more CPU, and 300 cost 15 %.
_PER_SLOT = 20
_LEAST_SLOTS, _MOST_SLOTS = 4, 20
# Within a slot one sends after the other, as fast as that goes at best. Where all of a slot are due at once, the median
# chunk of 300 and 400 streams is late by 2.4 ms instead of 1.7.
TURN_S = 0.00006

# More sockets are a crowd. There is always something there in a moment, and each waking costs as much as what it is
# for: so what comes in waits until the next moment that is due, if that is within GATHER_S. Where it is looked at as it
# comes, 300 streams cost 3 to 9 % more CPU.
CROWD = 50
GATHER_S = 0.05

# Handshakes under way at once. Each has a thread, of which a system may allow few. With all at once, 300 streams begin
# in half the time and keep 15 % more memory; with 64, nothing changes.
CONNECTING = 16


# To look through all that a thousand streams hold makes each of them late, and finds nothing: with Python's own
# thresholds 1 % of their chunks are late by more than 73 to 99 ms, with these by more than 11 to 26. With 400 streams
# nothing changes.
_COLLECT = (2000, 10, 1000)
# But each that has ended leaves 11 kB that point to each other, which would be looked for after a hundred thousand.
# What is there for good by then, such as modules, is looked through once: that takes longer than all the rest.
_CLEARED_TOGETHER = 200


@contextlib.contextmanager
def many_that_stay() -> Iterator[None]:
    """Around what makes a hundred thousand values that stay until the end, such as the rows of a corpus.

    They are not looked through for what nobody has any more, neither now, which takes as long as making them, nor
    later, when each time would hold up all streams for a tenth of a second.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_on:
            gc.enable()


def phase_s(number: int, at_once: int, chunk_s: float) -> float | None:
    """When within the length of a chunk source `number` sends, of which `at_once` run; None where it is alone."""
    if at_once == 1:
        return None
    slots = min(_MOST_SLOTS, max(_LEAST_SLOTS, at_once // _PER_SLOT))
    turn, slot = divmod(number % at_once, slots)
    return slot * chunk_s / slots + turn * TURN_S


def clear_up(ended: int) -> None:
    """Free what those that have ended leave behind; `ended` is how many have, at each that does."""
    if ended % _CLEARED_TOGETHER == 0:
        gc.collect()
    if ended == _CLEARED_TOGETHER:
        gc.freeze()


def make_room(jobs: int) -> int:
    """Make room for so many jobs at once; returns how many files may be open beside theirs.

    Raises UsageError where the system does not let us.
    """
    if jobs > 1:
        look_less_for_garbage()
    needed = jobs * _FILES_PER_JOB + _FILES_BESIDE
    most = allow_many()
    if jobs > 1 and most < needed:
        raise UsageError(
            f"--jobs {jobs} needs about {needed} open files, and this system allows {most}",
            hint=f"--jobs {max(1, (most - _FILES_BESIDE) // _FILES_PER_JOB)}, or raise the limit with ulimit -n",
        )
    return max(0, most - needed)


def room() -> int:
    """How many jobs at once the system lets this process have files for."""
    look_less_for_garbage()
    return max(1, (allow_many() - _FILES_BESIDE) // _FILES_PER_JOB)


def look_less_for_garbage() -> None:
    """As a process with many streams should."""
    gc.set_threshold(*_COLLECT)

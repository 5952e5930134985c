"""Checks carried out at the same time, and within a time of which none can take more."""

from __future__ import annotations

import functools
import queue
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from asrcli.doctor.findings import Check, Finding, Loudness
from asrcli.system.clock import Clock, Deadline, SystemClock
from asrcli.system.threads import Thread
from asrcli.values.errors import AsrcliError, Bug

LIMIT_S = 9.0
"""What all checks have together; the program itself has the rest of ten seconds."""

_Said = tuple[int, Finding | Loudness | None]


def examine(
    checks: Sequence[Check], limit_s: float = LIMIT_S, clock: Clock | None = None
) -> Iterator[Finding | Loudness]:
    """What `checks` find, in their order, each finding as soon as those before it are there; loudness at once.

    Thread "check ID": one for each check, from the first `next` until the check is done. All of them have the same
    deadline, `limit_s` after the start. Nobody waits for a thread that is not done by then, whatever it hangs in: a
    look for a name, a driver. What it had found is kept, that it hangs is one more finding, and the process may end
    without it. A check that raises is a finding too.
    """
    deadline = Deadline(clock or SystemClock(), limit_s)
    said: queue.SimpleQueue[_Said] = queue.SimpleQueue()
    found: list[list[Finding]] = [[] for _ in checks]
    open_checks = set(range(len(checks)))
    # The last ones first: the recogniser, which takes longest, loads in a process of its own while the others work.
    for number, check in reversed([*enumerate(checks)]):
        _begin(number, check, said)
    shown = 0
    while open_checks:
        try:
            number, item = said.get(timeout=deadline.remaining_s())
        except queue.Empty:
            for number in sorted(open_checks):
                check = checks[number]
                check.abandon()
                found[number].append(check.subject.fail(f"no answer within {limit_s:g} s", check.when_it_hangs))
            open_checks.clear()
        else:
            if isinstance(item, Loudness):
                yield item
            elif item is None:
                open_checks.discard(number)
            else:
                found[number].append(item)
        while shown < len(checks) and shown not in open_checks:
            yield from found[shown]
            shown += 1


_REPORT_BUG = "please report it with this line"


def _begin(number: int, check: Check, said: queue.SimpleQueue[_Said]) -> None:
    def work() -> None:
        for item in check.find():
            said.put((number, item))
        said.put((number, None))

    died = functools.partial(_died, number, check, said)
    try:
        Thread(f"check {check.subject.id}", work, died).start()
    except AsrcliError as shortage:
        died(shortage)


def _died(number: int, check: Check, said: queue.SimpleQueue[_Said], error: BaseException) -> None:
    said.put((number, crashed(check, error)))
    said.put((number, None))


def crashed(check: Check, error: BaseException) -> Finding:
    """What it means that `check` has raised `error`: a fault where that is one of ours, else a bug, with its place."""
    known = Bug.of(error)
    if not isinstance(known, Bug):
        return check.subject.fail(known.reason, known.hint)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return check.subject.fail(f"{known.message}{place}", _REPORT_BUG)

"""More tries at what a network does not carry the first time."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import TypeVar

from asrcli.remote.base import RemoteError
from asrcli.wire.retry import Retry

_TRIES_UNREACHED = 3

_Result = TypeVar("_Result")


def tried(
    do: Callable[[], _Result],
    retry: Retry,
    most: Callable[[], int] | None = None,
    wait: Callable[[float], object] | None = None,
) -> _Result:
    """What `do` gives, after more tries where they are worth it: as many as `retry` says, or `most` before each wait.

    `wait` is called with the seconds between two. Raises RemoteError.
    """
    wait = wait or threading.Event().wait
    for attempt in itertools.count(1):
        try:
            return do()
        except RemoteError as error:
            tries = most() if most is not None else _TRIES_UNREACHED if error.unreached else retry.tries
            wait_s = retry.wait_s(attempt, error)
            if not error.retryable or attempt >= tries or wait_s is None:
                error.tries = attempt - 1
                raise
        wait(wait_s)
    raise AssertionError

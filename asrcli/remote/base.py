"""What an object at an address is: all that the rest of the program has to know about one."""

from __future__ import annotations

import queue
import threading
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from asrcli.system.threads import Thread
from asrcli.values.addresses import shown
from asrcli.values.errors import AsrcliError

_Result = typing.TypeVar("_Result")


class RemoteError(AsrcliError):
    """An object could not be read or written. `retryable`: the same may succeed later without a change.

    `unreached`: nothing answers there at all, which is more likely a wrong address than a trouble that passes.
    """

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False, unreached: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable
        self.unreached = unreached


class NothingThere(RemoteError):  # noqa: N818 - it names what was found
    """There is no object at the address."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to get to addresses: `proxy` as --proxy says it, `ca_bundle` trusted too, and so many `retries` in a row.

    A proxy with a password stays in this process: where it is sent to, the environment says which proxy there is.
    """

    proxy: str | None = field(default=None, repr=False)
    ca_bundle: Path | None = None
    retries: int = 12

    def __reduce__(self) -> tuple[object, ...]:
        proxy = None if self.proxy is not None and "@" in self.proxy else self.proxy
        return Way, (proxy, self.ca_bundle, self.retries)


class Halt:
    """Ends what waits for a network in another thread; for any thread."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._lock = threading.Lock()
        self._end: Callable[[], None] = lambda: None

    @property
    def is_set(self) -> bool:
        return self.event.is_set()

    def ends(self, end: Callable[[], None]) -> None:
        """`end` is what ends the wait from now on; called at once where it is to end already."""
        with self._lock:
            self._end = end
            is_late = self.event.is_set()
        if is_late:
            end()

    def awaited(self, work: Callable[[], _Result], address: str, end: Callable[[], None] = lambda: None) -> _Result:
        """What `work` gives, which another thread does. Raises what it raises, and RemoteError after `set`.

        Then nobody waits for it any more: looking up a name, connecting and what libraries do cannot be ended. Of the
        rest `end` may end some.
        """
        answers: queue.SimpleQueue[Callable[[], _Result]] = queue.SimpleQueue()
        given_up = RemoteError(f"nobody waits for {shown(address)} any more")

        def do() -> None:
            result = work()
            answers.put(lambda: result)

        def give_up() -> None:
            answers.put(lambda: _raised(given_up))
            end()

        self.ends(give_up)
        Thread("network", do, lambda error: answers.put(lambda: _raised(error))).start()
        return answers.get()()

    def set(self) -> None:
        """End it, and whatever would wait later."""
        with self._lock:
            self.event.set()
            end = self._end
        end()


def _raised(error: BaseException) -> typing.NoReturn:
    raise error


class Remote(typing.Protocol):
    """An object at an address, as it was found when it was first looked at.

    `address` is what the user typed. `size_bytes` is None where it is not known, as of what has no end. `identity` is
    what a change of its bytes would show in ("etag:…", or time and length); None where nothing tells. `has_ranges`:
    it can be read from anywhere.
    """

    address: str
    size_bytes: int | None
    identity: str | None
    has_ranges: bool

    def read_from(self, offset: int) -> Iterator[bytes]:
        """Its bytes from `offset` on, to the end, in pieces as they come; one connection, one try.

        Raises RemoteError where it cannot be had or breaks off, and DecodeError where it is no longer what it was when
        it was first looked at, or nothing tells that it is.
        """
        ...

    def close(self) -> None:
        """Free what it holds; what reads it is done. May be called again."""
        ...

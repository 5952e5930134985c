"""The bytes of an object from its beginning to its end, as one stream for whoever reads them, whatever breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from asrcli.remote.base import Halt, Remote, RemoteError, Way
from asrcli.system.clock import Clock, SystemClock
from asrcli.system.file_state import changed
from asrcli.values.addresses import shown
from asrcli.values.errors import AsrcliError
from asrcli.wire.retry import Retry

OpenRemote = Callable[[str, Way, Halt], Remote]
# Of what was never reached: the name is wrong, or the network not there yet.
_TRIES_UNREACHED = 2
# A single break is no news.
_TOLD_AT = 2


class Fetch:
    """Reads what `open_remote` finds at `address`, resumed after breaks. For one thread, but for `stop`.

    Where it cannot be had whole, `read` raises and never ends as if it were. `known` is the identity that it had
    before, if it was looked at before. `told` is called when the tries become many.
    """

    live = False

    def __init__(
        self,
        address: str,
        open_remote: OpenRemote,
        way: Way,
        *,
        known: str | None = None,
        told: Callable[[str], None] = lambda message: None,
        clock: Clock | None = None,
    ) -> None:
        self.address = address
        self.at_bytes = 0
        """How much was read."""
        self._open_remote = open_remote
        self._way = way
        self._known = known
        self._told = told
        self._clock = clock or SystemClock()
        self._retry = Retry(tries=way.retries)
        self._halt = Halt()
        self._remote: Remote | None = None
        self._pieces: Iterator[bytes] | None = None
        self._error: AsrcliError | None = None
        # Of tries in a row.
        self._tries = 0
        self._waited_s = 0.0

    @property
    def stopped(self) -> bool:
        return self._halt.is_set

    def look(self) -> Remote | None:
        """What is there; None after `stop`. Raises RemoteError, and DecodeError where it is no longer what is known."""
        while self._remote is None and not self.stopped:
            try:
                remote = self._open_remote(self.address, self._way, self._halt)
            except RemoteError as error:
                self._try_again(error)
                continue
            except AsrcliError as error:
                raise self._failed(error) from error
            self._remote = remote
            if self._known is not None and remote.identity != self._known:
                raise self._failed(changed(self.address))
        return self._remote

    def read(self) -> bytes:
        """The next bytes; waits for some. b"" at the end, and after `stop`. Raises RemoteError and DecodeError."""
        if self._error is not None:
            raise self._error
        while (remote := self.look()) is not None and not self.stopped:
            try:
                if self._pieces is None:
                    self._pieces = remote.read_from(self.at_bytes)
                data = next(self._pieces, b"")
                if not data and not self.stopped:
                    self._check_length(remote)
            except RemoteError as error:
                self._pieces = None
                if not self.stopped:
                    self._try_again(error)
                continue
            except AsrcliError as error:
                if not self.stopped:
                    raise self._failed(error) from error
                break
            if data:
                self.at_bytes += len(data)
                self._tries, self._waited_s = 0, 0.0
            return b"" if self.stopped else data
        return b""

    def read_now(self) -> bytes:
        """As `read`: who serves it is not heard, and says when there is no more."""
        return self.read()

    def left_bytes(self) -> int | None:
        """How many bytes are still to come; None where nobody says."""
        size_bytes = None if self._remote is None else self._remote.size_bytes
        return None if size_bytes is None else size_bytes - self.at_bytes

    def stop(self) -> None:
        """End the `read` that waits, and all later ones. For any thread."""
        self._halt.set()

    def close(self) -> None:
        """Let go of it; no `read` may be running. May be called again."""
        self._halt.set()
        pieces, self._pieces = self._pieces, None
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
        if self._remote is not None:
            self._remote.close()

    def _check_length(self, remote: Remote) -> None:
        if remote.size_bytes is not None and self.at_bytes != remote.size_bytes:
            raise RemoteError(
                f"{shown(self.address)} ended after {self.at_bytes} of {remote.size_bytes} bytes",
                retryable=self.at_bytes < remote.size_bytes,
            )

    def _try_again(self, error: RemoteError) -> None:
        """Wait before another try; raises where none is worth it."""
        if self.stopped:
            return
        if self.at_bytes and self._remote is not None and self._remote.identity is None and error.retryable:
            raise self._failed(
                RemoteError(
                    f"{error.message}, after {self.at_bytes} bytes: it cannot be read on, because its server does not"
                    " tell whether it is still the same",
                    hint="fetch it to a file first",
                )
            )
        most = min(_TRIES_UNREACHED, self._way.retries) if error.unreached and not self.at_bytes else self._way.retries
        can_wait = error.retryable and self._tries < most
        wait_s = self._retry.wait_s(self._tries + 1, error, self._waited_s) if can_wait else None
        if wait_s is None:
            error.tries = self._tries
            raise self._failed(error)
        self._tries += 1
        self._waited_s += wait_s
        if self._tries == _TOLD_AT:
            self._told(f"{error.message}; trying again")
        self._clock.wait_until(self._clock.now() + wait_s, self._halt.event)

    def _failed(self, error: AsrcliError) -> AsrcliError:
        """`error`, which whoever reads on is told again."""
        self._error = error
        return error

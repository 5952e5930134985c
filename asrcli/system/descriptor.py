"""Reading a file descriptor in a way that another thread can end.

Nothing here knows what the bytes mean.
"""

from __future__ import annotations

import contextlib
import os
import threading

from asrcli.system.posix import poll_readable
from asrcli.values.errors import DecodeError

# The usual capacity of a pipe: one read empties it.
READ_BYTES = 1 << 16


def let_go(fd: int) -> None:
    """Close `fd`, of something that was only read: whether that succeeds says nothing about what was read."""
    with contextlib.suppress(OSError):
        os.close(fd)


class Descriptor:
    """A descriptor that one thread reads and any thread may stop. `label` names it in errors.

    It does not own `fd`: who opened it closes it, after `close`. Raises DecodeError where the system has no room for
    what `stop` needs.
    """

    def __init__(self, fd: int, label: str) -> None:
        self._fd = fd
        self._label = label
        # Closing its other end makes a pipe readable: unlike writing into it, that cannot fail.
        try:
            self._wake_read, self._wake_write = os.pipe()
        except OSError as error:
            raise self._failure(error) from error
        self._lock = threading.Lock()
        self._closed = False
        self.stopped = False

    def read(self) -> bytes:
        """What is there now, at most READ_BYTES; waits only while there is nothing. b"" at the end or after `stop`.

        Raises DecodeError where the system reports a failure.
        """
        poll = poll_readable(self._fd, self._wake_read)
        while not self.stopped:
            poll(None)
            if self.stopped:
                break
            try:
                return os.read(self._fd, READ_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._failure(error) from error
        return b""

    def read_now(self) -> bytes:
        """Like `read`, but b"" too where that would wait."""
        return self.read() if poll_readable(self._fd)(0) else b""

    def stop(self) -> None:
        """End the `read` that is running, and all later ones."""
        with self._lock:
            if not self._closed and not self.stopped:
                self.stopped = True
                let_go(self._wake_write)

    def close(self) -> None:
        """Free what `stop` needs. No `read` may be running; may be called again."""
        with self._lock:
            if not self._closed:
                self._closed = True
                if not self.stopped:
                    self.stopped = True
                    let_go(self._wake_write)
                let_go(self._wake_read)

    def _failure(self, error: OSError) -> DecodeError:
        return DecodeError(f"cannot read {self._label}: {error.strerror}")

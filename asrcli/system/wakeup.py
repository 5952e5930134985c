"""What wakes a thread that waits for sockets: a pipe among them, into which other threads and signal handlers write."""

from __future__ import annotations

import contextlib
import os
import select

from asrcli.system.posix import poll_readable, set_blocking

# The system may be in trouble for a moment; a word that is lost would be waited for without end.
_TRIES = 3


class Wakeup:
    """`ring` is for any thread and for signal handlers, the rest for the thread that is woken. Raises OSError."""

    def __init__(self) -> None:
        self.descriptor, self.writing = os.pipe()
        """Is readable from `ring` until `drain`. What is written to `writing` rings too, for signal.set_wakeup_fd."""
        set_blocking(self.descriptor, False)
        set_blocking(self.writing, False)
        self._poll = poll_readable(self.descriptor)
        # True between a byte written to the pipe and its being read: one is enough.
        self._rung = False

    def ring(self) -> None:
        """Wake the thread, now or when it would go to sleep."""
        if not self._rung:
            self._rung = True
            for _ in range(_TRIES):
                try:
                    os.write(self.writing, b"!")
                    return
                except BlockingIOError:
                    return  # It is full, and so readable.
                except OSError:
                    continue
            # Closed in this moment: nobody is there to be woken.
            self._rung = False

    def drain(self) -> None:
        """It is awake."""
        # What cannot be read now is read in the next round.
        with contextlib.suppress(OSError):
            os.read(self.descriptor, 64)
        # In this order, or a byte written in between would be read away; what was asked for until now is done next.
        self._rung = False

    def sleep(self, patience_s: float) -> None:
        """Sleep so long, or until it rings; nothing else ends it."""
        whole_ms = int(patience_s * 1000)
        # poll() counts in whole milliseconds, and what is to be done one after the other is nearer together than that.
        # select() does not, and without descriptors their numbers are no matter; an Event's wait takes 30 µs more.
        if not self._poll(whole_ms):
            select.select((), (), (), patience_s - whole_ms / 1000)

    def close(self) -> None:
        descriptors = self.descriptor, self.writing
        # Another file may get their numbers, and nobody is to ring there.
        self.descriptor = self.writing = -1
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)

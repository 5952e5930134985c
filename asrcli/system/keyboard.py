"""The Enter key while a transcription runs."""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType
from typing import Self

from asrcli.system.echo import NoEcho
from asrcli.system.posix import poll_readable, unsupported
from asrcli.system.threads import Thread


class EnterKey:
    """Notices Enter on the terminal at `descriptor` while its context lasts, without an echo that would tear the view.

    Thread "keyboard": as long as the context; it waits for keys and sets a flag, which `pressed` takes back. `pressed`
    raises the bug that has ended it, if one did. To enter it raises UsageError on Windows.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._no_echo = NoEcho(descriptor)
        self._pressed = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._bug: BaseException | None = None
        self._thread = Thread("keyboard", self._watch, self._died)

    def pressed(self) -> bool:
        """Whether Enter was pressed since the last call."""
        if self._bug is not None:
            raise self._bug
        was = self._pressed.is_set()
        self._pressed.clear()
        return was

    def __enter__(self) -> Self:
        if sys.platform == "win32":
            raise unsupported("ending utterances with Enter")
        self._thread.start()
        self._no_echo.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if sys.platform == "win32":
            return
        os.write(self._wake_write, b"\n")
        self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._no_echo.__exit__(kind, error, traceback)

    def _died(self, bug: BaseException) -> None:
        self._bug = bug

    def _watch(self) -> None:
        poll = poll_readable(self._descriptor, self._wake_read)
        while True:
            if self._wake_read in dict(poll(None)):
                return
            try:
                keys = os.read(self._descriptor, 1024)
            except OSError:
                return
            if not keys:
                return
            if b"\n" in keys:
                self._pressed.set()

"""A text that changes: a file that somebody writes anew, or a named pipe into which others write lines.

The standard library has no means to be told of a change of a file, so it is looked at once in PAUSE_S; a pipe tells by
itself. Knows nothing of what the text is for.
"""

from __future__ import annotations

import errno
import os
import selectors
import stat
from collections.abc import Callable
from pathlib import Path

from asrcli.system.posix import NON_BLOCKING
from asrcli.system.threads import Thread
from asrcli.system.wakeup import Wakeup

PAUSE_S = 1.0
"""What changes more often than this is told of no more often."""

_MOST_BYTES = 1 << 20
_END_S = 2.0


class Watch:
    """Follows the text in `path` from `start` to `close`, which takes it for read what `read` returned before.

    `changed` is called with each further text; blank ones are none. In a named pipe each line takes the place of the
    one before, and the last line counts. `trouble` is called with the reason where the text cannot be read, once until
    it can be again. Both are called in thread "watch", which lives from `start` to `close`; `died` with its bug.
    """

    def __init__(
        self,
        path: Path,
        changed: Callable[[str], object],
        trouble: Callable[[str], object],
        died: Callable[[BaseException], None],
    ) -> None:
        self._path = path
        self._changed = changed
        self._trouble = trouble
        self._thread = Thread("watch", self._run, died)
        self._wakeup = Wakeup()
        self._closing = False
        self._text = ""
        # What was read last: of a file, for it need not be read again while it is the same.
        self._seen: tuple[int, ...] = ()
        self._pipe: int | None = None
        self._is_in_trouble = False

    def read(self) -> str:
        """The text as it is now; empty where a pipe has none yet. Raises OSError and UnicodeDecodeError."""
        status = self._path.stat()
        if stat.S_ISFIFO(status.st_mode):
            text = self._line_of_pipe(status)
        elif stat.S_ISREG(status.st_mode):
            text = self._text_of_file(status)
        else:
            raise OSError(errno.EINVAL, "neither a file nor a named pipe")
        self._text = text.strip() or self._text
        return self._text

    def start(self) -> None:
        """Raises Shortage."""
        self._thread.start()

    def close(self) -> None:
        """Harmless where it was not started."""
        self._closing = True
        self._wakeup.ring()
        if self._thread.ident is not None:
            self._thread.join(_END_S)
        self._close_pipe()
        self._wakeup.close()

    # --- in thread "watch" -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            before = self._text
            try:
                text = self.read()
                self._is_in_trouble = False
            except (OSError, UnicodeDecodeError) as error:
                text = before
                if not self._is_in_trouble:
                    self._is_in_trouble = True
                    self._trouble(error.strerror or str(error) if isinstance(error, OSError) else "not UTF-8 text")
            if text != before:
                self._changed(text)
            # What has just been told is left to stand for a moment.
            self._wait(for_pipe=text == before)

    def _wait(self, *, for_pipe: bool) -> None:
        """Until the pipe has something to read, if that is waited for, or for PAUSE_S; or until `close`."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakeup.descriptor, selectors.EVENT_READ)
            if for_pipe and self._pipe is not None:
                selector.register(self._pipe, selectors.EVENT_READ)
            selector.select(PAUSE_S)

    def _text_of_file(self, status: os.stat_result) -> str:
        self._close_pipe()
        seen = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
        if seen == self._seen:
            return self._text
        self._seen = seen
        if status.st_size > _MOST_BYTES:
            raise OSError(errno.EFBIG, "too long")
        return self._path.read_text(encoding="utf-8-sig")

    def _line_of_pipe(self, status: os.stat_result) -> str:
        inode = status.st_dev, status.st_ino
        if self._pipe is None or inode != self._seen:
            self._close_pipe()
            self._pipe, self._seen = _open_pipe(self._path), inode
        data, at_end = _drain(self._pipe)
        if at_end:
            # All writers have gone, which would be told again and again.
            self._close_pipe()
        lines = [line for line in data.decode().splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def _close_pipe(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)


def _open_pipe(path: Path) -> int:
    """To write as well: then its end does not come when the last writer goes."""
    try:
        return os.open(path, os.O_RDWR | NON_BLOCKING)
    except PermissionError:
        return os.open(path, os.O_RDONLY | NON_BLOCKING)


def _drain(pipe: int) -> tuple[bytes, bool]:
    """What is in `pipe`, and whether that was its end."""
    data = b""
    while len(data) < _MOST_BYTES:
        try:
            read = os.read(pipe, 65536)
        except BlockingIOError:
            return data, False
        if not read:
            return data, True
        data += read
    return data, False

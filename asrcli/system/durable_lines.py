"""Lines that outlive a kill and a power cut: appended to a file, and told to be there when they are on the disk.

Each is a JSON object, so that one which is whole is known from one that was cut off. Knows nothing of what they say.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import queue
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from asrcli.system.beside import settle
from asrcli.system.locks import Taken, take
from asrcli.system.posix import NON_BLOCKING
from asrcli.system.threads import Thread
from asrcli.values.errors import FULL, AsrcliError, Bug, OutputError, UsageError

_BOM = b"\xef\xbb\xbf"
# No line of ours is as long: it holds what is said in one source.
_MOST_BYTES = 64 << 20
_BLOCK_BYTES = 64 << 10
_NO_FILE = "it is no regular file"


class _Waiting(NamedTuple):
    """A line with its end, and what is to be called when it is on the disk."""

    data: bytes
    then: Callable[[], object]


class DurableLines:
    """The lines of the file `path`, which is made if it is not there, and is this object's alone until `close`.

    A thread writes all that waits, has the system put it on the disk, and then calls what was to be called, in order
    and in that thread; meanwhile the next ones gather. A last line that was cut off before is cut away at the
    beginning; one that is whole stays.

    `key` is what every object has: a file whose first line has it not is somebody else's. Raises UsageError for such
    a file, one that another program has, and one that cannot be written; Shortage where there is no further thread.
    """

    def __init__(self, path: str | os.PathLike[str], key: str) -> None:
        self.mended_bytes = 0
        """How long the last line was that had been cut off."""
        self.error: AsrcliError | None = None
        """What ended the writing; nothing that is appended after it gets to the disk."""
        self._path = Path(path)
        # Where it is for good, if that is a link.
        self._place = Path(os.path.realpath(path))
        descriptor, self._is_new = _opened(self._path, self._place)
        self._fd: int | None = descriptor
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._is_closed = False
        try:
            self._prepare(descriptor, key)
            self._thread = Thread("durable lines", functools.partial(self._work, descriptor), self._died)
            self._thread.start()
        except BaseException:
            self._let_go(descriptor, keep=False)
            raise

    def append(self, line: str, then: Callable[[], object] = lambda: None) -> None:
        """Have `line`, a JSON object without a line's end, written, and `then` called once it is on the disk.

        Returns at once. Raises what has ended the writing, such as OutputError for a full disk or a file that has gone.
        """
        assert not self._is_closed
        if self.error is not None:
            raise self.error
        self._waiting.put(_Waiting(line.encode() + b"\n", then))

    def close(self, *, keep: bool = True) -> None:
        """Wait until all lines are on the disk, and let go of the file. Raises what ended the writing before that.

        Without `keep` a file that was made here, and has no line yet, is removed. May be called more than once.
        """
        if not self._is_closed:
            self._is_closed = True
            self._waiting.put(None)
        # Once more where a signal has ended the wait.
        self._thread.join()
        if self._fd is not None:
            # All was on the disk; but perhaps nobody finds it any more.
            self.error = self.error or self._gone(self._fd)
            self._let_go(self._fd, keep=keep)
        if self.error is not None:
            raise self.error

    def _let_go(self, descriptor: int, *, keep: bool) -> None:
        self._fd = None
        if self._is_new and not keep and self.error is None and os.fstat(descriptor).st_size == 0:
            with contextlib.suppress(OSError):
                self._place.unlink()
        os.close(descriptor)

    def _prepare(self, descriptor: int, key: str) -> None:
        """Take the file for ours, see that it is one of these, and mend its end."""
        if take(descriptor) is Taken.ANOTHERS:
            self._is_new = False
            hint = "wait for its end, or name another file"
            raise UsageError(f"another run is writing to {self._path}", hint=hint)
        try:
            with open(os.dup(descriptor), "rb") as file:  # noqa: PTH123 - not by its name
                _check_first(file, self._path, key)
                self.mended_bytes = _mend(file, descriptor)
                self._size = file.seek(0, os.SEEK_END)
            if self._is_new:
                settle(self._place.parent)
        except OSError as error:
            raise UsageError(f"cannot write to {self._path}: {error.strerror}", hint="choose another file") from error
        if (gone := self._gone(descriptor)) is not None:
            raise UsageError(gone.message, hint="try again")

    def _work(self, descriptor: int) -> None:
        is_last = False
        while not is_last and self.error is None:
            gathered = [self._waiting.get()]
            with contextlib.suppress(queue.Empty):
                while gathered[-1] is not None:
                    gathered.append(self._waiting.get_nowait())
            is_last = gathered[-1] is None
            lines = [each for each in gathered if each is not None]
            if lines:
                count, error = self._written(descriptor, lines)
                for each in lines[:count]:
                    each.then()
                # Last: whoever sees it knows of all that is there.
                self.error = error

    def _written(self, descriptor: int, lines: list[_Waiting]) -> tuple[int, AsrcliError | None]:
        """Write `lines` and return how many of them are on the disk, and if that is not all, why."""
        failure: AsrcliError | None = None
        rest = memoryview(b"".join(each.data for each in lines))
        end = self._size
        try:
            while rest:
                taken = os.write(descriptor, rest)
                rest, end = rest[taken:], end + taken
        except OSError as error:
            failure = self._failed(error)
        count = 0
        for each in lines:
            if self._size + len(each.data) > end:
                break
            self._size += len(each.data)
            count += 1
        try:
            if self._size < end:
                # A part of a line, for which there was no room.
                os.ftruncate(descriptor, self._size)
            os.fsync(descriptor)
        except OSError as error:
            return 0, failure or self._failed(error)
        gone = self._gone(descriptor)
        return (count, failure) if gone is None else (0, failure or gone)

    def _failed(self, error: OSError) -> OutputError:
        hint = "free some space there" if error.errno in FULL else "safe to try again"
        return OutputError(f"cannot write to {self._path}: {error.strerror}", hint=hint)

    def _gone(self, descriptor: int) -> OutputError | None:
        """The error of a file that is no longer at its place, or of which a part is not there any more."""
        try:
            ours, there = os.fstat(descriptor), self._path.stat()
        except OSError:
            return OutputError(f"{self._path} was removed by another program", hint="what was in it is lost")
        if not os.path.samestat(ours, there):
            return OutputError(f"{self._path} was replaced by another program", hint="what was in it is lost")
        if ours.st_size < self._size:
            return OutputError(f"{self._path} was cut off by another program", hint="what was there is lost")
        return None

    def _died(self, bug: BaseException) -> None:
        self.error = Bug.of(bug)


def _opened(path: Path, place: Path) -> tuple[int, bool]:
    """A descriptor to read from and to append to, and whether the file was made for that. Raises UsageError.

    `path` is what the file is called, `place` where it lies.
    """
    flags = os.O_RDWR | os.O_APPEND | NON_BLOCKING
    try:
        try:
            descriptor, is_new = os.open(place, flags | os.O_CREAT | os.O_EXCL, 0o666), True
        except FileExistsError:
            descriptor, is_new = os.open(place, flags), False
    except OSError as error:
        raise _not_writable(path, place, error.strerror) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_writable(path, place, _NO_FILE)
    return descriptor, is_new


def _not_writable(path: Path, place: Path, reason: str | None) -> UsageError:
    if not place.parent.exists():
        return UsageError(f"cannot write to {path}: there is no folder {path.parent}", hint="create it first")
    what = "it is a folder" if place.is_dir() else reason
    return UsageError(f"cannot write to {path}: {what}", hint="choose another file")


def check_writable(path: str | os.PathLike[str], key: str) -> None:
    """Raise UsageError where DurableLines would, as far as that shows; whether another program has it does not.

    Touches nothing.
    """
    path, place = Path(path), Path(os.path.realpath(path))
    is_there = place.exists()
    if is_there and not place.is_file():
        raise _not_writable(path, place, _NO_FILE)
    if not os.access(*((place, os.R_OK | os.W_OK) if is_there else (place.parent, os.W_OK | os.X_OK))):
        raise _not_writable(path, place, os.strerror(errno.EACCES))
    check_lines(path, key)


def check_lines(path: str | os.PathLike[str], key: str) -> None:
    """Raise UsageError for a file that DurableLines would refuse as somebody else's. Touches nothing."""
    path = Path(path)
    if path.is_file():
        try:
            with path.open("rb") as file:
                _check_first(file, path, key)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}", hint="choose another file") from error


def _check_first(file: IO[bytes], path: Path, key: str) -> None:
    """Raise UsageError where the first line says that the file is not one of ours. What was cut off says little."""
    first = file.readline(_MOST_BYTES).removeprefix(_BOM)
    found = _object(first)
    is_cut = not first.endswith(b"\n") and len(first) < _MOST_BYTES
    # A power cut may leave zeros.
    if key not in found if found is not None else not (is_cut and first[:1] in (b"", b"{", b"\0")):
        raise UsageError(
            f"{path} holds something else already", hint="name another file; nothing in this one is touched"
        )


def _mend(file: IO[bytes], descriptor: int) -> int:
    """Cut away a last line that is not whole; returns how many bytes. One that lacks only its end gets that."""
    size = at = file.seek(0, os.SEEK_END)
    last = b""
    while at > 0 and b"\n" not in last[:-1]:
        step = min(_BLOCK_BYTES, at)
        at = file.seek(at - step)
        last = file.read(step) + last
    last = last[last.rfind(b"\n", 0, -1) + 1 :]
    is_whole = not last.strip() or _object(last) is not None
    if is_whole and (not last or last.endswith(b"\n")):
        return 0
    if is_whole:
        os.write(descriptor, b"\n")
    else:
        os.ftruncate(descriptor, size - len(last))
    os.fsync(descriptor)
    return 0 if is_whole else len(last)


def _object(line: bytes) -> dict[str, object] | None:
    """The JSON object in `line`; None where there is none."""
    try:
        found = json.loads(line.removeprefix(_BOM))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

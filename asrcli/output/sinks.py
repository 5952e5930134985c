"""Where results go: standard output or one file. Knows nothing of events and formats; it is handed text.

Both write past Python's buffers. What a buffer keeps after a failed write would fail again at exit, and turn the quiet
end of `| head -1` into exit status 120.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import tempfile
import typing
from pathlib import Path

from asrcli.errors import OutputError, UsageError
from asrcli.output.sanitize import name

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def why_no_file(folder: Path) -> str | None:
    """Why no file can be made in `folder`, which permissions alone do not tell; None where one can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


class ClosedPipe(Exception):  # noqa: N818 - it names what happened, and is no error to the user
    """Nobody reads the results any more, as with `| head -1`. A quiet end."""


class StreamSink:
    """Writes UTF-8 to `stream`, a text stream with a binary one below it (sys.stdout) or a binary stream."""

    def __init__(self, stream: typing.IO[str] | typing.IO[bytes], label: str = "standard output") -> None:
        buffer = getattr(stream, "buffer", stream)
        self._raw = typing.cast(typing.IO[bytes], getattr(buffer, "raw", buffer))
        self._label = label
        self._pipe_poll = _poll_of_pipe(self._raw)

    def check(self) -> None:
        """A stream that stands needs no check."""

    def write(self, text: str) -> None:
        """Write `text` whole. Raises ClosedPipe where the reader has gone, OutputError where there is no room."""
        # Formats escape lone surrogates; if one slips through, an escape is better than losing the run.
        rest = memoryview(text.encode("utf-8", "backslashreplace"))
        try:
            while rest:
                written = self._raw.write(rest)
                if written is None:
                    # Another program has made the shared terminal or pipe non-blocking.
                    select.select([], [self._raw], [])
                else:
                    rest = rest[written:]
            self._raw.flush()
        except BrokenPipeError as error:
            raise ClosedPipe from error
        except OSError as error:
            hint = "free some space there" if error.errno in FULL else "write elsewhere with -o FILE"
            raise OutputError(f"cannot write to {self._label}: {error.strerror}", hint=hint) from error

    def closed_downstream(self) -> bool:
        """True when `stream` is a pipe or socket and its reader has gone. Does not block."""
        if self._pipe_poll is None:
            return False
        return any(events & (select.POLLERR | select.POLLHUP) for _, events in self._pipe_poll.poll(0))

    def close(self) -> None:
        """Leaves the stream open: it belongs to the caller."""


class FileSink:
    """Writes to `path`, line by line into the file itself, so that a crash loses nothing that was written.

    The file is made, or with `force` its old content replaced, only by the first write. Devices and named pipes are
    written to without `force`, as they lose nothing.
    """

    def __init__(self, path: str | os.PathLike[str], force: bool) -> None:
        self._path = Path(path)
        self._force = force
        self._file: typing.IO[bytes] | None = None
        self._stream: StreamSink | None = None

    def check(self) -> None:
        """Raise UsageError where the first write would fail; called before anything is sent."""
        path, folder = self._path, self._path.parent
        label = name(path)
        if path.is_dir():
            raise UsageError(f"cannot write to {label}: it is a folder", hint="name a file in it")
        if path.exists() or path.is_symlink():
            if not self._force and not _is_special(path):
                raise self._exists()
            if path.exists() and not os.access(path, os.W_OK):
                raise UsageError(f"cannot write to {label}: permission denied", hint="choose another file")
        elif not folder.exists():
            raise UsageError(f"cannot write to {label}: there is no folder {name(folder)}", hint="create it first")
        elif not folder.is_dir():
            raise UsageError(f"cannot write to {label}: {name(folder)} is not a folder", hint="choose another file")
        elif not os.access(folder, os.W_OK | os.X_OK):
            raise UsageError(f"cannot write to {label}: no permission in its folder", hint="choose another folder")
        elif problem := why_no_file(folder):
            raise UsageError(f"cannot write to {label}: {problem}", hint="choose another folder")

    def write(self, text: str) -> None:
        """Append `text`; "" only makes sure that the file is there. Raises as StreamSink, or UsageError as `check`."""
        if self._stream is None:
            self._file = self._open()
            self._stream = StreamSink(self._file, name(self._path))
        self._stream.write(text)

    def closed_downstream(self) -> bool:
        """True when `path` is a named pipe and its reader has gone."""
        return self._stream is not None and self._stream.closed_downstream()

    def close(self) -> None:
        """Close the file. Raises OutputError where the system could not keep what was written."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        except OSError as error:
            raise OutputError(f"cannot write to {name(self._path)}: {error.strerror}") from error

    def _open(self) -> typing.IO[bytes]:
        # "x" and not a look beforehand: another program may have made the file since `check`.
        mode = "wb" if self._force or _is_special(self._path) else "xb"
        try:
            return typing.cast(typing.IO[bytes], self._path.open(mode, buffering=0))
        except FileExistsError as error:
            raise self._exists() from error
        except OSError as error:
            raise UsageError(
                f"cannot write to {name(self._path)}: {error.strerror}", hint="choose another file"
            ) from error

    def _exists(self) -> UsageError:
        return UsageError(f"{name(self._path)} exists already", hint="choose another file, or replace it with --force")


def _is_special(path: Path) -> bool:
    """Whether `path` is a device, a named pipe or a socket."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _poll_of_pipe(stream: typing.IO[bytes]) -> select.poll | None:
    """A poll that reports only the end of the pipe or socket below `stream`; None where there is neither."""
    try:
        descriptor = stream.fileno()
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return None
    if not stat.S_ISFIFO(mode) and not stat.S_ISSOCK(mode):
        return None
    poll = select.poll()
    # No events asked for: errors and hang-ups are reported all the same.
    poll.register(descriptor, 0)
    return poll

"""Where results go, a file for example. Knows nothing of events and formats; it is handed text."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import typing
from pathlib import Path

from asrcli.output.places.streams import StreamSink
from asrcli.output.sanitize import name
from asrcli.system.file_state import check_name
from asrcli.system.posix import NON_BLOCKING, set_blocking
from asrcli.values.addresses import shown, typed_address
from asrcli.values.errors import AsrcliError, OutputError, UsageError


def why_no_file(folder: Path) -> str | None:
    """Why no file can be made in `folder`, which permissions alone do not tell; None where one can."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


class Sink(typing.Protocol):
    """Where results go."""

    def check(self) -> None:
        """Raise UsageError where writing cannot work; touches nothing."""
        ...

    def write(self, text: str) -> None:
        """Write complete lines and hand them to the system.

        Raises ClosedPipe, OutputError or UsageError, and Interrupted where the terminal has gone.
        """
        ...

    def closed_downstream(self) -> bool:
        """Whether the reader of a pipe has gone, so that more work would be for nobody."""
        ...

    def give_up(self, error: AsrcliError) -> None:
        """Wait no longer for somebody to read here: what waits raises `error`. Called by a signal's handler."""
        ...

    def close(self) -> None:
        """Let go of what was opened here."""
        ...


class FileSink:
    """Writes to `path`, line by line into the file itself, so that a crash loses nothing that was written.

    The file is made, or with `force` its old content replaced, only by the first write. Devices and named pipes are
    written to without `force`, as they lose nothing. To open a named pipe takes somebody who reads it.
    """

    def __init__(self, path: str | os.PathLike[str], force: bool) -> None:
        self._path = Path(path)
        self._force = force
        self._file: typing.IO[bytes] | None = None
        self._stream: StreamSink | None = None
        self._waits = False
        self._given_up: AsrcliError | None = None

    def check(self) -> None:
        """Raise UsageError where the first write would fail; called before anything is sent."""
        path, folder = self._path, self._path.parent
        label = name(path)
        check_name(path)
        if path.is_dir():
            raise UsageError(f"cannot write to {label}: it is a folder", hint="name a file in it")
        if path.exists() or path.is_symlink():
            if not self._force and not is_special(path):
                raise self._exists()
            if path.exists() and not os.access(path, os.W_OK):
                raise UsageError(f"cannot write to {label}: permission denied", hint="choose another file")
        elif not folder.exists() and (address := typed_address(path)) is not None:
            raise UsageError(f"cannot write to {shown(address)}: it is an address", hint="name a file of this machine")
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

    def give_up(self, error: AsrcliError) -> None:
        """From now on a named pipe is written to only if somebody reads it already."""
        self._given_up = error
        if self._waits:
            raise error

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
        self._waits = is_special(self._path)
        mode = "wb" if self._force or self._waits else "xb"
        try:
            opened = open(self._path, mode, buffering=0, opener=self._opened)  # noqa: SIM115 - closed by close
            set_blocking(opened.fileno(), True)
            return typing.cast(typing.IO[bytes], opened)
        except FileExistsError as error:
            raise self._exists() from error
        except OSError as error:
            if self._given_up is not None and error.errno == errno.ENXIO:
                raise self._given_up from error
            raise UsageError(
                f"cannot write to {name(self._path)}: {error.strerror}", hint="choose another file"
            ) from error
        finally:
            self._waits = False

    def _opened(self, path: str, flags: int) -> int:
        # So it fails at once where nobody reads.
        return os.open(path, flags if self._given_up is None else flags | NON_BLOCKING, 0o666)

    def _exists(self) -> UsageError:
        return UsageError(f"{name(self._path)} exists already", hint="choose another file, or replace it with --force")


def is_special(path: Path) -> bool:
    """Whether `path` is a device, a named pipe or a socket."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)

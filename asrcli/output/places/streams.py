"""Standard output, standard error and other streams, written past Python's buffers, and what a failure means.

What a buffer keeps after a failed write would fail again at exit, and turn the quiet end of `| head -1` into exit
status 120. Knows nothing of what is written but one rule: keys are masked in all that is printed.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import typing
from collections.abc import Callable
from pathlib import Path

from asrcli.output.masking import mask
from asrcli.system.posix import HANGUP, reader_gone, wait_writable
from asrcli.values.errors import FULL, AsrcliError, Interrupted, OutputError, UsageError


class ClosedPipe(Exception):  # noqa: N818 - it names what happened, and is no error to the user
    """Nobody reads the results any more, as with `| head -1`. A quiet end."""


class StreamSink:
    """Writes UTF-8 to `stream`, a text stream with a binary one below it (sys.stdout) or a binary stream."""

    def __init__(self, stream: typing.IO[str] | typing.IO[bytes], label: str = "standard output") -> None:
        buffer = getattr(stream, "buffer", stream)
        self._raw = typing.cast(typing.IO[bytes], getattr(buffer, "raw", buffer))
        self._label = label
        self._reader_gone = _reader_gone(self._raw)
        # Asked now: one that has gone is none any more.
        self._is_terminal = stream.isatty()

    def check(self) -> None:
        """A stream that stands needs no check."""

    def write(self, text: str) -> None:
        """Write `text` whole, and hand it to the system.

        Raises ClosedPipe where the reader has gone, Interrupted where the terminal has, OutputError where there is no
        room.
        """
        # Formats escape lone surrogates; if one slips through, an escape is better than losing the run.
        rest = memoryview(text.encode("utf-8", "backslashreplace"))
        try:
            while rest:
                written = self._raw.write(rest)
                if written is None:
                    # Another program has made the shared terminal or pipe non-blocking.
                    wait_writable(self._raw.fileno())
                else:
                    rest = rest[written:]
            self._raw.flush()
        except BrokenPipeError as error:
            raise ClosedPipe from error
        except OSError as error:
            if error.errno == errno.EIO and self._is_terminal:
                # The shell that passes the signal on may be later than we are.
                raise Interrupted(HANGUP, "the terminal has gone") from error
            hint = "free some space there" if error.errno in FULL else "write elsewhere with -o FILE"
            raise OutputError(f"cannot write to {self._label}: {error.strerror}", hint=hint) from error

    def closed_downstream(self) -> bool:
        """True when `stream` is a pipe or socket and its reader has gone. Does not block."""
        return self._reader_gone is not None and self._reader_gone()

    def give_up(self, error: AsrcliError) -> None:
        """It is open, so that nobody is waited for."""

    def close(self) -> None:
        """Leaves the stream open: it belongs to the caller."""


class Printed:
    """Takes the place of sys.stdout or sys.stderr for all that prints: its keys are masked, its errors are ours.

    Results are written to `buffer`, beneath it. `must_arrive`: a failure is raised, as StreamSink does; else it is
    nobody's business, since nobody could be told.
    """

    encoding = "utf-8"

    def __init__(self, stream: typing.TextIO, label: str, *, must_arrive: bool) -> None:
        self._stream = stream
        self._sink = StreamSink(stream, label)
        self._must_arrive = must_arrive

    def write(self, text: str) -> int:
        try:
            self._sink.write(mask(text))
        except (ClosedPipe, AsrcliError):
            if self._must_arrive:
                raise
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def __getattr__(self, name: str) -> typing.Any:
        return getattr(self._stream, name)


class ClosedOutput(io.TextIOBase):
    """Stands for a standard output that was closed before the program began."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Raises UsageError."""
        raise UsageError("standard output is closed", hint="send it to a file or a pipe")


def guard() -> None:
    """Have all that this program prints go through Printed, from now on."""
    out, err = sys.stdout, sys.stderr
    sys.stdout = typing.cast(
        typing.TextIO, ClosedOutput() if out is None else Printed(out, "standard output", must_arrive=True)
    )
    # `2>&-` leaves no stream at all; nobody wants to know then, and nothing may fail because of it.
    err = err or Path(os.devnull).open("w")  # noqa: SIM115 - as long as the program
    sys.stderr = typing.cast(typing.TextIO, Printed(err, "standard error", must_arrive=False))


def occupy() -> None:
    """Open what is closed of the three standard descriptors, so that no file and no connection gets their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number, which is this one.
            os.open(os.devnull, os.O_RDWR)


def _reader_gone(stream: typing.IO[bytes]) -> Callable[[], bool] | None:
    """Asks whether the pipe or socket below `stream` has lost its reader; None where there is neither."""
    try:
        descriptor = stream.fileno()
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return None
    if not stat.S_ISFIFO(mode) and not stat.S_ISSOCK(mode):
        return None
    return reader_gone(descriptor)

"""What is printed: keys masked, failures that are ours, and nothing that is left for the exit."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import typing

import pytest

from asrcli.output.places import streams
from asrcli.output.places.streams import ClosedOutput, ClosedPipe, Printed, StreamSink
from asrcli.values.errors import Interrupted, OutputError, UsageError

KEY = "sk-0123456789abcdef0123456789abcdef"


def printed(stream: typing.IO[str], *, must_arrive: bool) -> Printed:
    return Printed(typing.cast(typing.TextIO, stream), "standard output", must_arrive=must_arrive)


def failing(number: int) -> typing.IO[str]:
    class Raw(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            raise OSError(number, os.strerror(number))

    return io.TextIOWrapper(io.BufferedWriter(Raw()), encoding="utf-8")


def test_keys_are_masked_in_what_is_printed_and_not_in_results() -> None:
    below = io.BytesIO()
    stream = printed(io.TextIOWrapper(below, encoding="latin-1"), must_arrive=True)
    print(f"no {KEY}: 好", file=typing.cast(typing.TextIO, stream))
    StreamSink(typing.cast(typing.TextIO, stream)).write(f"She said {KEY}.\n")
    assert below.getvalue().decode() == f"no sk-…: 好\nShe said {KEY}.\n"


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, OutputError), (errno.EIO, OutputError), (errno.EPIPE, ClosedPipe)]
)
def test_what_must_arrive_fails_in_our_words_and_the_rest_is_silent(number: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        printed(failing(number), must_arrive=True).write("x")
    assert printed(failing(number), must_arrive=False).write("x") == 1


def test_a_terminal_that_has_gone_is_an_interruption() -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as stream:
        sink = StreamSink(stream)
        sink.write("one\n")
        os.close(master)
        with pytest.raises(Interrupted) as caught:
            sink.write("two\n")
    assert caught.value.signal_number == signal.SIGHUP


def test_a_closed_standard_output_says_so_when_something_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    streams.guard()
    assert isinstance(sys.stdout, ClosedOutput)
    assert not sys.stdout.isatty()
    with pytest.raises(UsageError, match="standard output is closed"):
        print("x")
    print("nobody is told", file=sys.stderr)
    sys.stderr.close()


def test_no_file_gets_the_number_of_a_closed_stream() -> None:
    script = (
        "import os, sys\n"
        "from asrcli.output.places import streams\n"
        "streams.occupy()\n"
        "sys.exit(os.open('/dev/null', os.O_RDONLY) < 3)\n"
    )
    closed = f"exec {sys.executable} -c '{script.replace(chr(39), chr(34))}' <&- >&- 2>&-"
    assert subprocess.run(["/bin/sh", "-c", closed], check=False).returncode == 0

"""Where results go: pipes that close, disks that are full, files that exist."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from asrcli.output.places.sinks import FileSink
from asrcli.output.places.streams import ClosedPipe, StreamSink
from asrcli.output.wording import words
from asrcli.values.errors import Interrupted, OutputError, UsageError


def test_text_arrives_as_utf8_bytes_at_once() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    StreamSink(stream).write("好\n")
    assert stream.buffer.getvalue() == "好\n".encode()


def test_a_closed_pipe_is_noticed_and_reported() -> None:
    """closed_downstream() turns True without a write, and a write raises ClosedPipe."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        sink = StreamSink(stream)
        sink.write("one\n")
        assert os.read(reader, 10) == b"one\n"
        assert not sink.closed_downstream()
        os.close(reader)
        assert sink.closed_downstream()
        with pytest.raises(ClosedPipe):
            sink.write("two\n")


def test_a_closed_socket_is_noticed() -> None:
    near, far = socket.socketpair()
    with near, near.makefile("wb") as stream:
        sink = StreamSink(stream)
        assert not sink.closed_downstream()
        far.close()
        assert sink.closed_downstream()


def test_a_closed_pipe_leaves_nothing_for_the_exit() -> None:
    """A program that ends after ClosedPipe exits with 0 and a silent stderr: no buffer is flushed again at exit."""
    script = (
        "import sys\n"
        "from asrcli.output.places.streams import ClosedPipe, StreamSink\n"
        "sink = StreamSink(sys.stdout)\n"
        "try:\n"
        "    while True:\n"
        "        sink.write('line\\n')\n"
        "except ClosedPipe:\n"
        "    pass\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_full_device_is_an_output_error() -> None:
    with open("/dev/full", "w") as stream, pytest.raises(OutputError, match="No space left on device") as caught:  # noqa: PTH123
        StreamSink(stream).write("x\n")
    assert caught.value.hint == "free some space there"


def test_a_non_blocking_pipe_gets_every_byte() -> None:
    """A pipe that another program made non-blocking is waited for, and nothing is lost."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    text = "x" * 300_000 + "\n"
    script = "import sys; print(len(sys.stdin.buffer.read()))"
    with subprocess.Popen([sys.executable, "-c", script], stdin=reader, stdout=subprocess.PIPE) as process:
        os.close(reader)
        with os.fdopen(writer, "wb") as stream:
            StreamSink(stream).write(text)
        assert process.stdout is not None
        assert int(process.stdout.read()) == len(text)


def test_a_file_grows_line_by_line(tmp_path: Path) -> None:
    """The file appears with the first line and holds each line at once."""
    path = tmp_path / "out.txt"
    sink = FileSink(path, force=False)
    sink.check()
    assert not path.exists()
    sink.write("one\n")
    assert path.read_text() == "one\n"
    sink.write("好\n")
    assert path.read_text(encoding="utf-8") == "one\n好\n"
    assert not sink.closed_downstream()
    sink.close()
    sink.close()


def test_an_existing_file_is_refused_without_force(tmp_path: Path) -> None:
    """Both the check and, for a file made since, the first write refuse; the file stays."""
    path = tmp_path / "out.txt"
    sink = FileSink(path, force=False)
    path.write_text("old")
    with pytest.raises(UsageError, match="exists already") as caught:
        sink.check()
    assert "--force" in caught.value.hint
    with pytest.raises(UsageError, match="exists already"):
        sink.write("new\n")
    assert path.read_text() == "old"


def test_force_replaces_the_old_content_only_with_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old and longer")
    sink = FileSink(path, force=True)
    sink.check()
    assert path.read_text() == "old and longer"
    sink.write("new\n")
    sink.close()
    assert path.read_text() == "new\n"


def test_a_device_needs_no_force() -> None:
    sink = FileSink("/dev/null", force=False)
    sink.check()
    sink.write("x\n")
    sink.close()


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        (".", "it is a folder", "a file in it"),
        ("missing/out.txt", "there is no folder .*missing", "create it"),
        ("file/out.txt", "is not a folder", "another"),
    ],
)
def test_paths_that_cannot_work_are_refused(tmp_path: Path, path: str, message: str, hint: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=message) as caught:
        FileSink(tmp_path / path, force=True).check()
    assert hint in caught.value.hint


@pytest.mark.parametrize(("exists", "message"), [(True, "permission denied"), (False, "no permission in its folder")])
def test_missing_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool, message: str
) -> None:
    """What the system says it would refuse is refused before anything is sent (root is refused nothing)."""
    path = tmp_path / "out.txt"
    if exists:
        path.touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=message):
        FileSink(path, force=True).check()


def test_a_folder_in_which_no_file_can_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not tell everything: some file systems are read-only, or have files of their own only."""

    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    FileSink(tmp_path / "out.txt", force=False).check()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(UsageError, match=r"out\.txt: Read-only file system"):
        FileSink(tmp_path / "out.txt", force=False).check()


def test_a_name_with_controls_is_shown_safely(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        FileSink(tmp_path / "a\x1b[2J" / "b", force=False).check()
    assert "\x1b" not in words(caught.value)


def interrupting(sink: FileSink, number: int) -> Iterator[None]:
    """While it lasts, a signal makes `sink` give up."""

    def handle(*_: object) -> None:
        sink.give_up(Interrupted(number, "interrupted"))

    before = signal.signal(number, handle)
    yield
    signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_reader(tmp_path: Path, number: int) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    sink = FileSink(path, force=False)

    def send_when_it_waits() -> None:
        while not sink._waits:
            pass
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=send_when_it_waits)
    with contextlib.contextmanager(interrupting)(sink, number):
        thread.start()
        with pytest.raises(Interrupted):
            sink.write("one\n")
        thread.join()
        # Nor is anybody waited for afterwards.
        with pytest.raises(Interrupted):
            sink.write("two\n")


def test_after_a_signal_a_reader_that_is_there_is_still_told(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = FileSink(path, force=False)
    sink.give_up(Interrupted(signal.SIGINT, "interrupted"))
    sink.write("last words\n")
    assert os.read(reader, 100) == b"last words\n"
    assert sink._file is not None
    assert os.get_blocking(sink._file.fileno())
    sink.close()
    os.close(reader)

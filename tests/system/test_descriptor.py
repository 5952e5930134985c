from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from asrcli.system.descriptor import READ_BYTES, Descriptor
from asrcli.values.errors import DecodeError


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read_fd, write_fd = os.pipe()
    yield read_fd, write_fd
    for fd in (read_fd, write_fd):
        with suppress(OSError):
            os.close(fd)


def test_a_read_gives_what_is_there_without_waiting_for_more(pipe) -> None:
    os.write(pipe[1], b"abc")
    descriptor = Descriptor(pipe[0], "it")
    assert descriptor.read() == b"abc"
    descriptor.close()


def test_a_closed_writer_is_the_end(pipe) -> None:
    os.close(pipe[1])
    descriptor = Descriptor(pipe[0], "it")
    assert descriptor.read() == b""
    assert not descriptor.stopped
    descriptor.close()


def test_stop_ends_a_read_that_waits(pipe) -> None:
    descriptor = Descriptor(pipe[0], "it")
    results: list[bytes] = []
    reader = threading.Thread(target=lambda: results.append(descriptor.read()))
    reader.start()
    descriptor.stop()
    reader.join(10)
    assert results == [b""]
    descriptor.close()


def test_nothing_is_read_after_stop(pipe) -> None:
    descriptor = Descriptor(pipe[0], "it")
    descriptor.stop()
    descriptor.stop()
    os.write(pipe[1], b"abc")
    assert descriptor.read() == b""
    descriptor.close()
    descriptor.close()
    descriptor.stop()


def test_a_descriptor_above_1023_can_be_read(pipe) -> None:
    high = os.dup2(pipe[0], 1500) if os.sysconf("SC_OPEN_MAX") > 1500 else os.dup(pipe[0])
    os.write(pipe[1], b"abc")
    descriptor = Descriptor(high, "it")
    assert descriptor.read() == b"abc"
    descriptor.close()
    os.close(high)


def test_a_pipe_that_does_not_block_waits_for_its_first_writer(tmp_path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    read_fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    descriptor = Descriptor(read_fd, "it")
    results: list[bytes] = []
    reader = threading.Thread(target=lambda: results.append(descriptor.read()))
    reader.start()
    path.write_bytes(b"abc")
    reader.join(10)
    assert results == [b"abc"]
    descriptor.close()
    os.close(read_fd)


def test_a_failing_read_is_named(tmp_path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    descriptor = Descriptor(fd, "the folder")
    with pytest.raises(DecodeError, match="cannot read the folder"):
        descriptor.read()
    descriptor.close()
    os.close(fd)


def test_one_read_empties_a_full_pipe(pipe) -> None:
    os.set_blocking(pipe[1], False)
    written = os.write(pipe[1], bytes(READ_BYTES))
    descriptor = Descriptor(pipe[0], "it")
    assert len(descriptor.read()) == written
    descriptor.close()

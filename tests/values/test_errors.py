"""Whose fault something is."""

from __future__ import annotations

import errno

import pytest

from asrcli.output.wording import words
from asrcli.values.errors import Bug, DecodeError, Shortage


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.EIO, "Input/output error", "/a/talk.wav"),
        BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        MemoryError(),
    ],
)
def test_a_system_that_has_no_more_to_give_is_no_bug(error):
    found = Bug.of(error)
    assert isinstance(found, Shortage)
    assert found.__cause__ is error
    assert "\n" not in words(found)
    assert (getattr(error, "filename", None) or "") in found.message
    assert ("ulimit -n" in found.hint) == (getattr(error, "errno", None) == errno.EMFILE)
    assert (error.strerror if isinstance(error, OSError) else "out of memory") in found.message


@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.EBADF, "Bad file descriptor"), OSError("x")])
def test_what_nobody_foresaw_is_one(error):
    found = Bug.of(error, ends_all=True)
    assert isinstance(found, Bug)
    assert found.ends_all


def test_what_is_ours_stays_what_it_is():
    error = DecodeError("x")
    assert Bug.of(error) is error

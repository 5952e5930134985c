from __future__ import annotations

import ctypes
import os
import sys

import pytest

from asrcli.system import chatter
from asrcli.system.chatter import quiet_c_library

pytestmark = pytest.mark.skipif(chatter._streams() is None, reason="this C library keeps its stderr for itself")

LIBRARY = ctypes.CDLL(None)


def say_in_c(text: bytes) -> None:
    symbol = "__stderrp" if sys.platform == "darwin" else "stderr"
    stream = ctypes.c_void_p.in_dll(LIBRARY, symbol)
    LIBRARY.fputs(text, stream)
    LIBRARY.fflush(stream)


def test_c_code_is_silent_within_and_heard_after(capfd) -> None:
    with quiet_c_library():
        say_in_c(b"hidden")
    say_in_c(b"shown")
    assert capfd.readouterr().err == "shown"


def test_our_own_lines_are_not_lost(capfd) -> None:
    with quiet_c_library():
        os.write(2, b"ours")
    assert capfd.readouterr().err == "ours"


def test_the_inner_one_of_two_does_not_end_the_silence(capfd) -> None:
    with quiet_c_library():
        with quiet_c_library():
            pass
        say_in_c(b"hidden")
    assert capfd.readouterr().err == ""


def test_an_error_within_ends_the_silence(capfd) -> None:
    with pytest.raises(ValueError, match="x"), quiet_c_library():
        raise ValueError("x")
    say_in_c(b"shown")
    assert capfd.readouterr().err == "shown"

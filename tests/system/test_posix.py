"""What POSIX alone has, and what a system without it is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from asrcli.system import posix
from asrcli.values.errors import UsageError

# The program as on Windows: the libraries are imported, then what Windows has not goes.
AS_ON_WINDOWS = """
import os, select, signal, sys
import numpy, soundfile, soxr, websocket, websockets.server, typer.main, typer.rich_utils, rich.table, rich.console
import difflib, logging, selectors, shutil, ssl, subprocess, tempfile, tomllib, zoneinfo
for name in ("fcntl", "termios", "resource", "pty", "tty"):
    sys.modules[name] = None
for module, names in {
    os: "pread pwrite fork set_blocking O_NONBLOCK O_DIRECTORY confstr confstr_names",
    select: "poll epoll",
    signal: "SIGHUP SIGALRM setitimer",
}.items():
    for name in names.split():
        delattr(module, name)
sys.platform = "win32"
import asrcli.__main__
sys.argv = ["asrcli", *sys.argv[1:]]
asrcli.__main__.main()
"""


def test_a_readable_pipe_is_found_among_others() -> None:
    (quiet, quiet_end), (heard, heard_end) = os.pipe(), os.pipe()
    try:
        wait = posix.poll_readable(quiet, heard)
        assert wait(0) == []
        os.write(heard_end, b"!")
        assert dict(wait(None)).keys() == {heard}
    finally:
        for descriptor in (quiet, quiet_end, heard, heard_end):
            os.close(descriptor)


def test_a_pipe_tells_when_its_reader_goes() -> None:
    reading, writing = os.pipe()
    gone = posix.reader_gone(writing)
    assert not gone()
    os.close(reading)
    assert gone()
    # Whoever waits to write is not left waiting.
    posix.wait_writable(writing)
    os.close(writing)


def test_the_signals_that_end_a_program_are_posix_s_three() -> None:
    assert posix.ENDING == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize(
    "use",
    [
        lambda: posix.poll_readable(0),
        lambda: posix.wait_writable(1),
        lambda: posix.read_at(0, 1, 0),
        lambda: posix.write_at(1, b"", 0),
    ],
    ids=["poll_readable", "wait_writable", "read_at", "write_at"],
)
def test_elsewhere_one_line_says_so(use: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posix, "sys", SimpleNamespace(platform="win32"))
    with pytest.raises(UsageError, match=r"^[a-z ,]+ takes Linux or macOS$") as caught:
        use()
    assert "run asrcli in WSL" in caught.value.hint


def test_elsewhere_a_pipe_does_not_tell_that_its_reader_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posix, "sys", SimpleNamespace(platform="win32"))
    assert not posix.reader_gone(1)()


def _on_windows(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", AS_ON_WINDOWS, *words]
    environ = {**os.environ, "DASHSCOPE_API_KEY": "sk-none"}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, env=environ)


@pytest.mark.parametrize("words", [("--help",), ("models",), ("file", "--help")], ids=" ".join)
def test_on_windows_help_and_models_work(words: tuple[str, ...]) -> None:
    done = _on_windows(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize(
    "words",
    [("file", "tests/data/talk.wav", "--endpoint", "ws://127.0.0.1:9"), ("serve", "--port", "0")],
    ids=["file", "serve"],
)
def test_on_windows_whoever_needs_a_connection_is_told_in_one_line(words: tuple[str, ...]) -> None:
    done = _on_windows(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "takes Linux or macOS (on Windows, run asrcli in WSL" in done.stderr
    assert len(done.stderr.splitlines()) == 1

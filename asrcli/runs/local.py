"""The local service as a child process, for `--region local`."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import subprocess
import sys
import tempfile
from types import TracebackType
from typing import Self

from asrcli.output.wording import ERROR_PREFIX
from asrcli.settings.environment import SERVE_KEY
from asrcli.system.extras import how_to_add
from asrcli.system.posix import poll_readable
from asrcli.values.errors import LinkError, UsageError
from asrcli.values.recognition import Endpoint

# A slow machine imports for a second or two; longer means that something is wrong.
_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 3.0
# What it is made of besides what comes with the package.
_PARTS = ("websockets", "pocketsphinx")


def check_installed() -> None:
    """Raise UsageError where a part of the local service is not installed."""
    if None in map(importlib.util.find_spec, _PARTS):
        raise UsageError("the local service is not installed", hint=how_to_add("serve"))


class LocalService:
    """Started at once, addressed by `url()` as soon as it listens, ended with the context.

    One that has died is started again when it is asked for. It gets a key of its own, made for this run, and ends by
    itself when this process dies in whatever way: its standard input is a pipe that nobody else holds. Raises
    UsageError where its parts are not installed, and LinkError where the system does not let it start.
    """

    moves = True

    def __init__(self, user_agent: str = "asrcli", headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.key = secrets.token_hex(16)
        self._user_agent = user_agent
        self._headers = headers
        self._url: str | None = None
        check_installed()
        with contextlib.ExitStack() as unless_started:
            try:
                self._log = unless_started.enter_context(tempfile.TemporaryFile())
            except OSError as error:
                raise _not_started(error.strerror) from error
            self._process = self._start()
            unless_started.pop_all()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                # -P: what lies in the current folder is not run.
                [sys.executable, "-P", "-m", "asrcli", "serve", "--port", "0", "--require-key", "--exit-with-parent"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**os.environ, SERVE_KEY: self.key},
                # Ctrl-C in the terminal is ours; the service must live until the last result is in.
                start_new_session=True,
            )
        except OSError as error:
            raise _not_started(error.strerror) from error

    def url(self) -> str:
        """The address, once the service listens. Raises LinkError with what it said if it does not."""
        if self._url is not None and self._process.poll() is not None:
            self._start_again()
        if self._url is None:
            try:
                self._url = self._first_line()
            except LinkError:
                # One that fails by itself would do so again.
                if not self._was_killed():
                    raise
                self._start_again()
                self._url = self._first_line()
        return self._url

    def endpoint(self) -> Endpoint:
        """The address, as `url` has it, and the key of this run."""
        return Endpoint(self.url(), self.key, user_agent=self._user_agent, headers=self._headers)

    def _start_again(self) -> None:
        self._close_pipes()
        self._process, self._url = self._start(), None

    def _was_killed(self) -> bool:
        return (self._process.poll() or 0) < 0

    def _first_line(self) -> str:
        assert self._process.stdout is not None
        readable = poll_readable(self._process.stdout.fileno())(_START_TIMEOUT_S * 1000)
        line = self._process.stdout.readline().decode().strip() if readable else ""
        if line.startswith("ws://"):
            return line
        if readable:
            # It has ended, or is about to.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT_S)
        raise _not_started(self._reason())

    def _reason(self) -> str:
        """Why it does not listen, as far as that is known."""
        if self._was_killed():
            return f"it was ended by signal {-self._process.returncode}"
        said: list[str] = []
        with contextlib.suppress(OSError):
            self._log.seek(0)
            said = self._log.read().decode(errors="replace").strip().splitlines()
        return said[-1].removeprefix(ERROR_PREFIX) if said else f"nothing heard in {_START_TIMEOUT_S:g} s"

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close_pipes()
        with contextlib.suppress(OSError):
            self._log.close()


def _not_started(reason: str | None) -> LinkError:
    return LinkError(f"the local service did not start: {reason}")

"""--log FILE: every message of the protocol in both directions, one a line, whole but for keys and sound.

    2026-11-26T05:01:02.345+00:00 1 > {"header": {"action": "run-task", …

After the time comes the number of the session, counted in the order in which they began; then > for what was sent,
< for what came, and = for what became of the connection.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Self

from asrcli.engine.session_log import MESSAGES, WITH_SOUND
from asrcli.output.masking import mask
from asrcli.output.places.sinks import FileSink
from asrcli.runs.request import OutputOptions
from asrcli.system.threads import Thread
from asrcli.values.errors import Bug, UsageError
from asrcli.values.events import Notice

# What a session appends, and not what somebody called so.
_SOUND = re.compile(r'("audio": ?)"([A-Za-z0-9+/]{64,}={0,2})"')
_END_S = 5.0


def without_sound(message: str | bytes) -> str:
    """`message` in one line, with the length of the sound in place of the sound."""
    if isinstance(message, bytes):
        return f"{len(message)} bytes of sound"
    text = message.replace("\r", " ").replace("\n", " ")
    return _SOUND.sub(lambda found: f'{found[1]}"{len(found[2])} characters of base64"', text)


def check_log(options: OutputOptions) -> None:
    """Raise UsageError where the file of --log is in the way of another one, or cannot be made."""
    if options.log is None:
        return
    for option, paths in (("--output", options.output), ("--save-audio", (options.save_audio,))):
        if any(path is not None and path.resolve() == options.log.resolve() for path in paths):
            raise UsageError(f"--log and {option} both name {options.log}", hint="give them different names")
    FileSink(options.log, options.force).check()


class MessageLog(logging.Handler):
    """Writes `path` while its context lasts. To make it raises UsageError where the file cannot be made.

    Thread "log": as long as the context. It writes, so that no disk makes the sound wait; `tell` is called there, once,
    with what keeps it from writing, and the run goes on without a log.
    """

    def __init__(self, path: Path, tell: Callable[[Notice], object]) -> None:
        super().__init__(WITH_SOUND)
        self._path = path
        self._tell = tell
        self._records: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        self._thread = Thread("log", self._write_all, self._died)
        self._logger = logging.getLogger(MESSAGES)
        try:
            self._file: IO[str] | None = path.open("w", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise UsageError(f"--log {path} cannot be written: {error.strerror}") from error

    def emit(self, record: logging.LogRecord) -> None:
        """Take one message. Called on the engine's loop."""
        self._records.put(record)

    def __enter__(self) -> Self:
        self._thread.start()
        self._level_before = self._logger.level
        self._logger.setLevel(WITH_SOUND)
        self._logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level_before)
        self._records.put(None)
        self._thread.join(_END_S)
        if self._thread.is_alive():
            self._tell(Notice(f"--log {self._path}: its end could not be written in {_END_S:g} s"))

    def _write_all(self) -> None:
        while (record := self._records.get()) is not None:
            if self._file is not None:
                try:
                    self._file.write(_line(record))
                    if self._records.empty():
                        self._file.flush()
                except OSError as error:
                    self._give_up(f"{error.strerror}")
        if self._file is not None:
            self._file.close()

    def _died(self, bug: BaseException) -> None:
        self._give_up(Bug.of(bug).message)

    def _give_up(self, reason: str) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                # What lies in it cannot be written either.
                file.close()
        self._tell(Notice(f"--log {self._path} cannot be written: {reason}", "the run goes on, its log ends here"))


def _line(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")
    mark, message = record.args  # type: ignore[misc]
    return f"{at} {record.session} {mark} {mask(without_sound(message))}\n"  # type: ignore[attr-defined, arg-type]

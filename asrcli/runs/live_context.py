"""--context-from: the context in force, which follows a file or a named pipe while the run lasts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from asrcli.settings.context import cuts, parse_turns
from asrcli.system.watching import Watch
from asrcli.values.context import Context, of_text
from asrcli.values.errors import Bug, UsageError
from asrcli.values.events import Notice

_OPTION = "--context-from"
_TURNS = ".jsonl"


class LiveContext:
    """Follows `path` while its context lasts. Before the path has a text of its own, `first` is in force.

    `tell` is called with what the user should know, in any thread. To make it raises UsageError where the path cannot
    be read; from then on what goes wrong leaves the last context in force.
    """

    def __init__(self, path: Path, first: Context, tell: Callable[[Notice], object]) -> None:
        self._path = path
        self._tell = tell
        self._has_told_of_cuts = False
        self._watch = Watch(path, self._changed, self._trouble, self._died)
        self.turns = first
        """What is in force; another object where it has changed."""
        with contextlib.ExitStack() as unless_read:
            unless_read.callback(self._watch.close)
            try:
                text = self._watch.read()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
                raise UsageError(
                    f"{_OPTION} {path} cannot be read: {reason}", hint="name a file, or a pipe that mkfifo made"
                ) from error
            if text:
                self._take(text)
            unless_read.pop_all()

    def current(self) -> Context:
        """What is in force now. For any thread."""
        return self.turns

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watch.close()

    def _take(self, text: str) -> None:
        """Raises UsageError for lines that are no turns."""
        turns = parse_turns(text, f"{_OPTION} {self._path}") if self._path.suffix.lower() == _TURNS else of_text(text)
        if turns != self.turns:
            self.turns = turns
        for message, hint in () if self._has_told_of_cuts else cuts(turns):
            # Once for all that follow.
            self._has_told_of_cuts = True
            self._tell(Notice(message, hint))

    # --- in the thread that watches ----------------------------------------------------------------------------------

    def _changed(self, text: str) -> None:
        try:
            self._take(text)
        except UsageError as error:
            self._tell(Notice(f"{error.message}; the last context stays in force", error.hint))

    def _trouble(self, reason: str) -> None:
        self._tell(Notice(f"{_OPTION} {self._path}: {reason}; the last context stays in force"))

    def _died(self, bug: BaseException) -> None:
        self._tell(Notice(f"{_OPTION} {self._path} is not followed any more: {Bug.of(bug).message}"))

"""Lanes: when and where the text of each of several transcriptions goes, while they run at the same time.

Knows only text and the numbers of the transcriptions, which count from 0; every one of them is ended once, also one
that never began.
"""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Callable

from asrcli.output.places.streams import ClosedPipe

Deliver = Callable[[str], None]
"""Writes complete lines to where all results go together; "" only makes sure that there is something."""
TitleOf = Callable[[int], str]
"""The line above the text of the transcription of that number."""


class Lanes(typing.Protocol):
    """`use_sink`: the results go where all go together, so that it matters whether somebody reads there."""

    use_sink: bool

    def takes_partials(self, number: int) -> bool:
        """Whether what may still change is wanted now; if not, the format is not even asked."""
        ...

    def begin(self, number: int) -> None:
        """The transcription begins."""
        ...

    def write(self, number: int, text: str) -> None:
        """Complete lines of its results."""
        ...

    def error(self, number: int, text: str) -> None:
        """Complete lines that say what it failed with, after all results."""
        ...

    def end(self, number: int, *, complete: bool) -> None:
        """It is over."""
        ...


class InOrder:
    """One after another in order of their numbers: the first one that is not over yet goes through as it comes.

    What the later ones have to say is kept in memory, without partial results. `title_of` gives what stands above each
    one's text, with an empty line between them.
    """

    use_sink = True

    def __init__(self, deliver: Deliver, title_of: TitleOf | None = None) -> None:
        self._together = _Together(deliver, title_of)
        self._turn = 0
        self._held: dict[int, list[str]] = {}
        self._over: dict[int, bool] = {}

    def takes_partials(self, number: int) -> bool:
        return number == self._turn

    def begin(self, number: int) -> None:
        if number == self._turn:
            self._together.write(number, "")
        else:
            self._held[number] = []

    def write(self, number: int, text: str) -> None:
        if number == self._turn:
            self._together.write(number, text)
        else:
            self._held.setdefault(number, []).append(text)

    error = write

    def end(self, number: int, *, complete: bool) -> None:
        self._over[number] = complete
        while self._turn in self._over:
            self._together.end(complete=self._over.pop(self._turn))
            self._turn += 1
            if self._turn in self._held:
                self._together.write(self._turn, "".join(self._held.pop(self._turn)))


class AsTheyCome:
    """Every line at once, which is for lines that say themselves what they belong to."""

    use_sink = True

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def takes_partials(self, number: int) -> bool:
        return True

    def begin(self, number: int) -> None:
        """Nothing to write yet."""

    def write(self, number: int, text: str) -> None:
        self._deliver(text)

    error = write

    def end(self, number: int, *, complete: bool) -> None:
        if complete:
            self._deliver("")


class WhenOver:
    """Each one whole, as soon as it is over, in whatever order that is; see InOrder for `title_of`."""

    use_sink = True

    def __init__(self, deliver: Deliver, title_of: TitleOf | None = None) -> None:
        self._together = _Together(deliver, title_of)
        self._held: dict[int, list[str]] = {}

    def takes_partials(self, number: int) -> bool:
        return False

    def begin(self, number: int) -> None:
        self._held[number] = []

    def write(self, number: int, text: str) -> None:
        self._held.setdefault(number, []).append(text)

    error = write

    def end(self, number: int, *, complete: bool) -> None:
        if number in self._held:
            self._together.write(number, "".join(self._held.pop(number)))
        self._together.end(complete=complete)


class _Together:
    """Writes the text of several into one place, with a title above each, if there is one."""

    def __init__(self, deliver: Deliver, title_of: TitleOf | None) -> None:
        self._deliver = deliver
        self._title_of = title_of
        self._last: int | None = None

    def write(self, number: int, text: str) -> None:
        if self._title_of is not None and number != self._last:
            text = ("" if self._last is None else "\n") + self._title_of(number) + text
        self._last = number
        if text:
            self._deliver(text)

    def end(self, *, complete: bool) -> None:
        if complete:
            self._deliver("")


class ResultFile(typing.Protocol):
    """A file for the results of one transcription."""

    def write(self, text: str) -> None:
        """Take complete lines. Raises OutputError."""
        ...

    def keep(self) -> None:
        """The results are complete: put them in place. Raises OutputError."""
        ...

    def drop(self) -> None:
        """They are not: leave nothing."""
        ...


class FilesByNumber(typing.Protocol):
    """The file of each transcription; None for one that is there already, and stays as it is."""

    def __getitem__(self, number: int, /) -> ResultFile | None: ...


class InFiles:
    """Each into a file of its own, which is there only if it is complete. Errors go where all go together."""

    use_sink = False

    def __init__(self, deliver: Deliver, files: FilesByNumber) -> None:
        self._deliver = deliver
        self._files = files

    def takes_partials(self, number: int) -> bool:
        return True

    def begin(self, number: int) -> None:
        """Nothing to write yet."""

    def write(self, number: int, text: str) -> None:
        if (file := self._files[number]) is not None:
            file.write(text)

    def error(self, number: int, text: str) -> None:
        # The results are elsewhere, so nobody has to read this.
        with contextlib.suppress(ClosedPipe):
            self._deliver(text)

    def end(self, number: int, *, complete: bool) -> None:
        file = self._files[number]
        if file is not None and complete:
            file.keep()
        elif file is not None:
            file.drop()


class InFilesAnyway(InFiles):
    """As InFiles, but what has begun is kept, complete or not: it is told of, and cannot be had better."""

    def __init__(self, deliver: Deliver, files: FilesByNumber) -> None:
        super().__init__(deliver, files)
        self._begun: set[int] = set()

    def begin(self, number: int) -> None:
        self._begun.add(number)

    def end(self, number: int, *, complete: bool) -> None:
        super().end(number, complete=number in self._begun)

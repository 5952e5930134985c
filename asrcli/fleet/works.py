"""What is to be done, and what the result of each source is good for.

That is its mark: a few characters, the same in every run that wants the same of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from asrcli.fleet.manifest import Row
from asrcli.fleet.messages import Granted, Opened
from asrcli.fleet.portable import Portable
from asrcli.system.file_state import FileState
from asrcli.values.addresses import is_address, is_loopback


def recipe(given: Portable) -> str:
    """What of a spec, and of how sources are opened, makes a result what it is. Holds nothing secret."""
    spec, url = given.spec, given.spec.endpoint.url
    # The local service has another port each time.
    service = "local" if is_loopback(urlsplit(url).hostname or "") else url
    return _digest(repr((service, spec.protocol, spec.options, spec.cutting, given.input)))


class Works:
    """The sources `rows`, each in one of the `variants` of an opening; `recipes` are those of the variants."""

    def __init__(self, rows: Sequence[Row], variants: Sequence[int], recipes: Sequence[str]) -> None:
        self.rows = rows
        self._variants, self._recipes = variants, recipes
        # Made when something asks: of most runs nothing does.
        self._numbers: dict[str, int] | None = None

    def granted(self, number: int, ticket: int) -> Granted:
        """The leave to begin a source."""
        row = self.rows[number]
        # They have no use for what else stands in a manifest.
        bare = Row(row.id, _anywhere(row.audio), row.duration_ms, channel=row.channel)
        return Granted(ticket, bare, self._variants[number], self.mark(number))

    def mark(self, number: int) -> str:
        """That of a row."""
        row = self.rows[number]
        return _digest(repr((self._recipes[self._variants[number]], row.id, _anywhere(row.audio), row.channel)))

    def number(self, mark: str) -> int | None:
        """The row with that mark; None where there is none."""
        if self._numbers is None:
            self._numbers = {self.mark(number): number for number in range(len(self.rows))}
        return self._numbers.get(mark)

    def is_still(self, number: int, opened: Opened | None) -> bool:
        """Whether the file of a row is, as it is seen from here, what a crew has heard some time ago."""
        heard = None if opened is None else opened.state
        now = None if heard is None else FileState.of(self.rows[number].audio)
        return heard is None or now is None or heard.is_alike(now)


def _anywhere(audio: str) -> str:
    """The name of a source for workers and later runs, which have a folder of their own."""
    return audio if is_address(audio) else str(Path(audio).absolute())


def journal_of(place: str, recipes: Sequence[str]) -> str:
    """The name of the journals of all runs that make the same results at the same place."""
    return _digest(repr((place, *recipes)))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

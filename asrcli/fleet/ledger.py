"""The results of a run, kept so that another run knows what is done: a line for each source that is over.

Whoever asks whether something is done gets to hear what a line says that is on the disk, and nothing else.
"""

from __future__ import annotations

import enum
from array import array
from collections.abc import Callable, Iterable

from asrcli.fleet.numbers import Numbers
from asrcli.fleet.result_lines import Broken, Noted, Sound, read
from asrcli.fleet.shards import digest_of
from asrcli.values.addresses import file_name, is_address

_MOST_TOLD = 3
_64_BITS = (1 << 64) - 1


class Standing(enum.Enum):
    """What the lines say of a source. One that is done again because of its sound or options was complete before."""

    DONE = enum.auto()
    NOT_DONE = enum.auto()
    OTHER_SOUND = enum.auto()
    OTHER_OPTIONS = enum.auto()


class Ledger:
    """What lines of results say is done: the last one of each id counts. Of a line some fifty bytes are kept."""

    def __init__(self, lines: Iterable[bytes] = ()) -> None:
        self.broken = 0
        """How many lines could not be read."""
        self.first_broken: list[int] = []
        """Where the first of them are, counted from 1."""
        self._numbers = Numbers()
        # By the numbers of ids, 64 bits each, 0 for what is not known: the options of what is complete, and its sound.
        self._options, self._marks, self._sha256s = array("Q"), array("Q"), array("Q")
        # And what its file is called.
        self._names = array("Q")
        for number, line in enumerate(lines, 1):
            self._take(number, line)

    def __len__(self) -> int:
        """How many ids there are."""
        return len(self._numbers)

    def knows(self, id: str) -> bool:
        """Whether there is a line of the source `id`."""
        return self._numbers.find(digest_of(id)) is not None

    def standing(
        self,
        id: str,
        options: str,
        sound: Sound | None,
        sha256_of: Callable[[], str | None] = lambda: None,
        audio: str | None = None,
    ) -> Standing:
        """Whether the source `id` is done with these options and this sound.

        `sound` is None where it cannot be looked at here: it is taken for the same then. `sha256_of` makes what `sound`
        lacks, where its size or its time has changed; None where the bytes cannot be read. `audio` is its name: where
        its file is called otherwise than before, nothing but the hash says that it is the same.
        """
        number = self._numbers.find(digest_of(id))
        if number is None or not self._options[number]:
            return Standing.NOT_DONE
        if self._options[number] != _bits(options.encode()):
            return Standing.OTHER_OPTIONS
        mark, sha256 = self._marks[number], self._sha256s[number]
        # In a corpus of clips of one length, unpacked with one time for all, size and time tell nothing.
        if (audio is None or self._names[number] == _bits(_file_name(audio))) and (
            sound is None or not (mark or sha256) or (mark and mark == _bits(sound.mark))
        ):
            return Standing.DONE
        made = (sound and sound.sha256) or (sha256_of() if sha256 else None)
        return Standing.DONE if sha256 and made and sha256 == _bits(made.encode()) else Standing.OTHER_SOUND

    def is_of(self, id: str, sha256: str) -> bool:
        """Whether the line of the source `id` says that its bytes have that hash."""
        number = self._numbers.find(digest_of(id))
        return number is not None and self._sha256s[number] == _bits(sha256.encode())

    def _take(self, number: int, line: bytes) -> None:
        try:
            noted = read(line)
        except Broken:
            if line.strip():
                self.broken += 1
                if self.broken <= _MOST_TOLD:
                    self.first_broken.append(number)
            return
        at = self._numbers.add(digest_of(noted.id))
        if at == len(self._options):
            for values in (self._options, self._marks, self._sha256s, self._names):
                values.append(0)
        self._options[at], self._marks[at], self._sha256s[at] = _kept(noted)
        self._names[at] = _bits(_file_name(noted.audio))


def _file_name(audio: str) -> bytes:
    """Folders may be named in other ways, by another run."""
    name = file_name(audio) if is_address(audio) else audio.rpartition("/")[2]
    return name.encode("utf-8", "surrogatepass")


def _kept(noted: Noted) -> tuple[int, int, int]:
    return _bits(noted.options) if noted.complete else 0, _bits(noted.mark), _bits(noted.sha256)


def _bits(text: bytes) -> int:
    """64 bits for `text`, in this process: never 0, which is for no text."""
    return hash(text) & _64_BITS or 1 if text else 0

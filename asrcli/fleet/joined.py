"""Lines of results from several files, joined: which one of them counts for each id.

Where lines are is kept, not what they say: some fifty bytes an id.
"""

from __future__ import annotations

from array import array

from asrcli.fleet.numbers import Numbers
from asrcli.fleet.result_lines import KEY, parse
from asrcli.fleet.shards import digest_of

_COMPLETE, _OTHER_OPTIONS = 1, 2
_64_BITS = (1 << 64) - 1


class Joined:
    """The last complete line of each id counts, or else its last one. Ids are numbered as they first came.

    A line that is not complete counts all the same where it came later, and of other sound: what was complete is of
    bytes that are there no more.
    """

    def __init__(self) -> None:
        self.lines = 0
        """How many there are of all ids together."""
        self._numbers = Numbers()
        self._states = bytearray()
        # Of the line that counts: its file, where it begins there, what it said, and with which options it was made.
        self._files, self._offsets = array("I"), array("Q")
        self._hashes, self._options = array("Q"), array("Q")
        # What a change of its sound shows in; 0 where that is not known.
        self._sounds = array("Q")

    def __len__(self) -> int:
        """How many ids there are."""
        return len(self._numbers)

    def take(self, file: int, offset: int, line: bytes) -> None:
        """A further line, which begins there. Raises Broken for what is none."""
        said = parse(line)
        self.lines += 1
        number = self._numbers.add(digest_of(said["id"]))
        if number == len(self._states):
            self._states.append(0)
            for values in (self._files, self._offsets, self._hashes, self._options, self._sounds):
                values.append(0)
        sound = _sound(said.get("sound"))
        if self.is_complete(number) and not said[KEY]:
            if sound in (0, self._sounds[number]) or not self._sounds[number]:
                return
            self._states[number] &= ~_COMPLETE
        options = _hash(str(said.get("options")).encode()) if said[KEY] else 0
        if self.is_complete(number) and options != self._options[number]:
            self._states[number] |= _OTHER_OPTIONS
        if said[KEY]:
            self._states[number] |= _COMPLETE
        self._files[number], self._offsets[number] = file, offset
        self._hashes[number], self._options[number], self._sounds[number] = _hash(line), options, sound

    def find(self, id: str) -> int | None:
        """The number of `id`, if it has come."""
        return self._numbers.find(digest_of(id))

    def is_complete(self, number: int) -> bool:
        """Whether the line that counts is."""
        return bool(self._states[number] & _COMPLETE)

    def has_other_options(self, number: int) -> bool:
        """Whether it was complete more than once, with options that were not the same."""
        return bool(self._states[number] & _OTHER_OPTIONS)

    def place(self, number: int) -> tuple[int, int]:
        """The file of the line that counts, and where it begins there."""
        return self._files[number], self._offsets[number]

    def is_still(self, number: int, line: bytes) -> bool:
        """Whether `line` is the one that was taken."""
        return _hash(line) == self._hashes[number]


def _sound(said: object) -> int:
    """Size and time of a file, or what a server says of it."""
    known = [said.get(name) for name in ("bytes", "modified_ns", "identity")] if isinstance(said, dict) else []
    return _hash(repr(known).encode()) if any(known) else 0


def _hash(text: bytes) -> int:
    return hash(text) & _64_BITS

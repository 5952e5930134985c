"""Lines of results from several files, joined: which one of them counts for each id.

Where lines are is kept, not what they say: some ninety bytes an id.
"""

from __future__ import annotations

from array import array
from datetime import datetime

from asrcli.fleet.numbers import Numbers
from asrcli.fleet.result_lines import KEY, parse
from asrcli.fleet.shards import digest_of

_COMPLETE, _OTHER_OPTIONS, _OTHER_SOUND = 1, 2, 4
_64_BITS = (1 << 64) - 1


class Joined:
    """The latest complete line of each id counts, or else its latest one. Ids are numbered as they first came.

    Of two lines the later one is that which says so (`at`); where one does not, or both say the same, it is the one
    that is taken later. A line that is not complete counts all the same where it is later, and of other sound: what was
    complete is of bytes that are there no more.
    """

    def __init__(self) -> None:
        self.lines = 0
        """How many there are of all ids together."""
        self._numbers = Numbers()
        self._states = bytearray()
        # Of the line that counts: its file, where it begins there, what it said, and with which options it was made.
        self._files, self._offsets = array("I"), array("Q")
        self._hashes, self._options = array("Q"), array("Q")
        # When it was made, what a change of its sound shows in, and what its bytes are; 0 where that is not known.
        self._times, self._sounds, self._sha256s = array("Q"), array("Q"), array("Q")

    def __len__(self) -> int:
        """How many ids there are."""
        return len(self._numbers)

    def take(self, file: int, offset: int, line: bytes) -> None:
        """A further line, which begins there. Raises Broken for what is none."""
        said = parse(line)
        self.lines += 1
        number = self._numbers.add(digest_of(said["id"]))
        values = self._files, self._offsets, self._hashes, self._options, self._times, self._sounds, self._sha256s
        if number == len(self._states):
            self._states.append(0)
            for each in values:
                each.append(0)
        is_complete, was_complete = said[KEY], self.is_complete(number)
        options = _hash(str(said.get("options")).encode()) if is_complete else 0
        time, (sound, sha256) = _time(said.get("at")), _sound(said.get("sound"))
        is_older, is_other = 0 < time < self._times[number], self._is_other(number, sound, sha256)
        if is_complete and was_complete and options != self._options[number]:
            self._states[number] |= _OTHER_OPTIONS
        if is_complete == was_complete:
            counts = not is_older
        else:
            counts = is_other and not is_older if was_complete else not (is_other and is_older)
        if is_other and (was_complete if counts else is_complete):
            self._states[number] |= _OTHER_SOUND
        if counts:
            self._states[number] = self._states[number] & ~_COMPLETE | (_COMPLETE if is_complete else 0)
            for each, value in zip(values, (file, offset, _hash(line), options, time, sound, sha256), strict=True):
                each[number] = value

    def find(self, id: str) -> int | None:
        """The number of `id`, if it has come."""
        return self._numbers.find(digest_of(id))

    def is_complete(self, number: int) -> bool:
        """Whether the line that counts is."""
        return bool(self._states[number] & _COMPLETE)

    def has_other_options(self, number: int) -> bool:
        """Whether it was complete more than once, with options that were not the same."""
        return bool(self._states[number] & _OTHER_OPTIONS)

    def has_other_sound(self, number: int) -> bool:
        """Whether a complete line of it was left out for one of other sound."""
        return bool(self._states[number] & _OTHER_SOUND)

    def place(self, number: int) -> tuple[int, int]:
        """The file of the line that counts, and where it begins there."""
        return self._files[number], self._offsets[number]

    def is_still(self, number: int, line: bytes) -> bool:
        """Whether `line` is the one that was taken."""
        return _hash(line) == self._hashes[number]

    def _is_other(self, number: int, sound: int, sha256: int) -> bool:
        """Whether that is other sound than that of the line that counts, as far as is known. A copy is none."""
        known, known_sha256 = self._sounds[number], self._sha256s[number]
        is_copy = sha256 != 0 and sha256 == known_sha256
        return 0 not in (sound, known) and sound != known and not is_copy


def _sound(said: object) -> tuple[int, int]:
    """Size and time of a file, or what a server says of it; and what its bytes are."""
    if not isinstance(said, dict):
        return 0, 0
    known, sha256 = [said.get(name) for name in ("bytes", "modified_ns", "identity")], said.get("sha256")
    return _hash(repr(known).encode()) if any(known) else 0, _hash(str(sha256).encode()) if sha256 else 0


def _time(said: object) -> int:
    """In ms since 1970; 0 for what does not tell it."""
    try:
        time = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return 0
    return 0 if time is None or time.tzinfo is None else max(0, round(time.timestamp() * 1000))


def _hash(text: bytes) -> int:
    return hash(text) & _64_BITS

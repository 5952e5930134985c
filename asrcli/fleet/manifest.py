"""The rows of a corpus, read from a manifest: one JSON object a line, which is checked whole before anything is sent.

    {"audio": "talks/a.wav", "id": "a", "language": "en", "duration": 12.5, "speaker": "kept as it is"}

Of a line that another shard does, nothing is kept but 64 bits of its id.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asrcli.fleet.row_options import OPTIONS, RowOptions, Unusable, shown
from asrcli.fleet.shards import Shard, digest_of
from asrcli.remote.base import RemoteError, Way
from asrcli.remote.places import lines
from asrcli.values.addresses import is_address, local
from asrcli.values.errors import DecodeError, UsageError
from asrcli.values.source_name import STANDARD_INPUT, label, result_stem

MOST_TOLD = 5
_LONGEST_LINE = 1 << 20
# What is kept of a line stands in the results, and whoever reads those has a limit of its own.
_DEEPEST = 64
_EXAMPLE = '{"audio": "talk.wav"}'
# What NeMo and its kin call it comes second.
_AUDIO = ("audio", "audio_filepath")
_READ = frozenset(("audio", "id", "duration", "channel", *OPTIONS))
_MOST_CHANNELS = 1 << 10
# Three years: those of a million sources together still fit wherever they are counted.
_LONGEST_S = 10**8

_NOTHING: Mapping[str, object] = {}


def _nothing() -> Mapping[str, object]:
    """One for all: of a hundred thousand rows most have none of their own."""
    return _NOTHING


@dataclass(frozen=True, slots=True)
class Row:
    """One source of a corpus: a line of a manifest, or a name on the command line, which is its `id` then.

    `audio` is a path, - or an address. `fields` are of model, language and hotwords, as those of a request, the model
    among them. `channel` is the one of the file that is heard, counted from 0; None: all of them mixed. `others` is
    what else stands in the line. Neither mapping is to be changed.
    """

    id: str
    audio: str
    duration_ms: int | None = None
    fields: Mapping[str, object] = field(default_factory=_nothing)
    channel: int | None = None
    others: Mapping[str, object] = field(default_factory=_nothing)

    @classmethod
    def named(cls, name: str) -> Row:
        """The row of what stands on the command line."""
        return cls(name, name)

    @property
    def stem(self) -> str:
        """What its results are called, without their suffix: the id that its line gives it, or as its file."""
        return result_stem(self.id, self.audio)


class BrokenManifest(UsageError):  # noqa: N818 - it names what is there
    """A manifest that cannot be used, for its problem `first`; `others` are more, `left_out` how many still."""

    def __init__(self, first: UsageError, others: Sequence[UsageError], left_out: int) -> None:
        super().__init__(first.message, hint=first.hint)
        self.others = tuple(others)
        self.left_out = left_out


@dataclass(slots=True)
class Manifest:
    """What `name` holds: the rows that are done here, the line of each, counted from 1, and how many rows in all."""

    name: str
    rows: list[Row] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("Q"))
    total: int = 0

    def where(self, index: int) -> str:
        """The place of a row, by its index, for messages."""
        return f"{label(self.name)}:{self.lines[index]}"


def read(place: str, shard: Shard | None = None, way: Way = Way()) -> Manifest:  # noqa: B008 - it is frozen
    """The manifest at `place`, a path, - or an address, without the rows of other shards.

    Relative paths in it count from its folder. Raises BrokenManifest, UsageError where it cannot be read or holds
    nothing, and RemoteError where an address does not answer now.
    """
    if place == STANDARD_INPUT and sys.stdin is not None and sys.stdin.isatty():
        raise UsageError("standard input is a terminal, and no manifest", hint="asrcli file --manifest - < in.jsonl")
    place = local(place)
    try:
        return manifest_of(lines(place, way), place, shard)
    except (RemoteError, DecodeError) as error:
        if error.retryable:
            raise
        raise UsageError(f"cannot read the manifest: {error.message}", hint=error.hint) from error


def manifest_of(lines: Iterable[str], place: str, shard: Shard | None = None) -> Manifest:
    """What `lines` hold, which were read at `place`; see `read`."""
    reading = _Reading(place, shard)
    for number, line in enumerate(lines, start=1):
        if text := line.strip():
            reading.take(number, text)
    return reading.manifest()


def ids(place: str, way: Way = Way()) -> Iterator[str]:  # noqa: B008 - it is frozen
    """The ids in the manifest at `place`, one by one and in order; its rows are not kept. Raises as `read`."""
    reading = _Reading(place, None, keeps_rows=False)
    for number, line in enumerate(lines(place, way), start=1):
        if (text := line.strip()) and (row := reading.take(number, text)) is not None:
            yield row.id
    reading.manifest()


class _Reading:
    def __init__(self, place: str, shard: Shard | None, *, keeps_rows: bool = True) -> None:
        self._keeps_rows = keeps_rows
        self._shard = shard
        self._base = _folder_of(place)
        self._found = Manifest(place)
        self._options = RowOptions()
        # Of every row, whoever does it: the digest of its id, and its line.
        self._digests, self._lines = array("Q"), array("Q")
        self._problems: list[UsageError] = []
        self._left_out = 0

    def take(self, number: int, text: str) -> Row | None:
        """The row of the line `number`, which is not blank; None where that is wrong."""
        try:
            row = _row(_object(text), self._base, self._options)
        except Unusable as problem:
            self._wrong(number, problem.reason, problem.hint)
            return None
        digest = digest_of(row.id)
        self._digests.append(digest)
        self._lines.append(number)
        if self._keeps_rows and (self._shard is None or self._shard.has(digest)):
            self._found.rows.append(row)
            self._found.lines.append(number)
        return row

    def manifest(self) -> Manifest:
        """What was read. Raises BrokenManifest."""
        self._find_duplicates()
        if self._problems:
            raise BrokenManifest(self._problems[0], self._problems[1:], self._left_out)
        self._found.total = len(self._digests)
        if not self._found.total:
            raise UsageError(f"{label(self._found.name)} holds no sources", hint=f"one a line: {_EXAMPLE}")
        return self._found

    def _find_duplicates(self) -> None:
        """Tell of ids that come twice. Two of a million have the same digest by chance once in thirty million times."""
        if len(set(self._digests)) == len(self._digests):
            return
        first: dict[int, int] = {}
        for digest, number in zip(self._digests, self._lines, strict=True):
            before = first.setdefault(digest, number)
            if before != number:
                self._wrong(number, f"the same id as in line {before}", 'give each an "id" of its own')

    def _wrong(self, number: int, reason: str, hint: str) -> None:
        if len(self._problems) < MOST_TOLD:
            self._problems.append(UsageError(f"{label(self._found.name)}:{number}: {reason}", hint=hint))
        else:
            self._left_out += 1


def _object(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST_LINE:
        raise Unusable(f"the line is longer than {_LONGEST_LINE >> 20} MiB")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise Unusable(f"no JSON: {error.msg} at character {error.pos + 1}", f"a line is {_EXAMPLE}") from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets thousands deep.
        raise Unusable("no JSON that can be read") from error
    # To count is quick, and of nearly all lines enough.
    if text.count("{") + text.count("[") > _DEEPEST and _is_deeper(found, _DEEPEST):
        raise Unusable(f"what stands in it is nested more than {_DEEPEST} deep")
    if not isinstance(found, dict):
        raise Unusable(f"no JSON object: {shown(found)}", f"a line is {_EXAMPLE}")
    return found


def _is_deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deeper(each, levels - 1) for each in inner)


def _row(said: dict[str, Any], base: str, options: RowOptions) -> Row:
    """The row of a line. Raises Unusable."""
    audio_key = next((key for key in _AUDIO if said.get(key) is not None), None)
    if audio_key is None:
        raise Unusable("no audio", f"a line is {_EXAMPLE}")
    audio = said[audio_key]
    if not isinstance(audio, str) or not audio.strip() or "\0" in audio:
        raise Unusable(f"{audio_key} is {shown(audio)}, and neither a path nor an address")
    if audio == STANDARD_INPUT:
        raise Unusable("standard input is no source of a corpus", "name a file or an address")
    others = {sys.intern(key): value for key, value in said.items() if key not in _READ and key != audio_key}
    return Row(
        id=_id(said.get("id"), audio),
        audio=_located(local(audio), base),
        duration_ms=_duration_ms(said.get("duration")),
        fields=options.fields_of(said) if any(said.get(name) is not None for name in OPTIONS) else _NOTHING,
        channel=_channel(said.get("channel")),
        others=others or _NOTHING,
    )


def _id(value: object, audio: str) -> str:
    if value is None:
        value = audio
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value or not _is_text(value):
        raise Unusable(f"id is {shown(value)}, and no text")
    return value


def _is_text(value: str) -> bool:
    """Whether it can be written down: JSON may hold half of a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _duration_ms(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise Unusable(f"duration is {shown(value)}, and no number of seconds")
    if value > _LONGEST_S:
        raise Unusable(f"duration is {shown(value)} seconds, and {_LONGEST_S} at most")
    return round(value * 1000)


def _channel(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST_CHANNELS:
        raise Unusable(f"channel is {shown(value)}, which is no number of a channel", "the first channel is 0")
    return value


def _folder_of(place: str) -> str:
    """What stands before relative paths in the manifest at `place`: "" or something that ends in a slash."""
    if place == STANDARD_INPUT:
        return ""
    if is_address(place):
        return place.partition("?")[0].rpartition("/")[0] + "/"
    return place[: place.rfind("/") + 1]


def _located(audio: str, base: str) -> str:
    return audio if not base or is_address(audio) or audio.startswith("/") else base + audio

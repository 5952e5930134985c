"""A line of results: what became of one source. Written when it is over, and read by reruns and by `merge`.

{"id":"a","audio":"talks/a.wav","complete":true,"text":"…","seconds":9.8,…,"options":"…","sound":{…},"at":"…"}
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from asrcli.values.json_text import json_text
from asrcli.values.source_name import public

KEY = "complete"
"""What every line has, and no other lines of ours that begin a file."""

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_MARK = rb'"bytes":\d+,"modified_ns":\d+|"identity":' + _STRING
_SOUND = rb"\{(" + _MARK + rb')?,?(?:"sha256":"([0-9a-f]{64})")?\}'
_BEGINNING = re.compile(rb'\{"id":(' + _STRING + rb'),"audio":(' + _STRING + rb'),"complete":(true|false),')
_END = re.compile(rb'"options":"([0-9a-f]{64})","sound":(?:null|' + _SOUND + rb'),"at":"[^"]*"\}\s*\Z')
_OPTIONS = b'"options":"'
_OBJECT = b'{"id":'


class Broken(ValueError):  # noqa: N818 - it names what is there
    """What stands there is no line of results."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What tells whether the bytes of a source are still the same, as far as that is known.

    Of a file its size and when it was last written to, of an object at an address its identity; and the SHA-256, in
    hex, which also tells of a file that was copied.
    """

    size_bytes: int | None = None
    modified_ns: int | None = None
    identity: str | None = None
    sha256: str | None = None

    @property
    def mark(self) -> bytes:
        """What is quickly looked at, as it stands in a line; empty where nothing is known."""
        if self.identity is not None:
            return json_text({"identity": self.identity}).encode()[1:-1]
        if self.size_bytes is None or self.modified_ns is None:
            return b""
        return b'"bytes":%d,"modified_ns":%d' % (self.size_bytes, self.modified_ns)

    def document(self) -> dict[str, object]:
        """What stands in the line."""
        said: dict[str, object] = {"bytes": self.size_bytes, "modified_ns": self.modified_ns}
        if self.identity is not None:
            said = {"identity": self.identity}
        return {name: value for name, value in (*said.items(), ("sha256", self.sha256)) if value is not None}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source. `text`: a sentence a line. `paths`: its result files.

    `seconds` of sound were heard, of which `resent_s` went over more than once; `truncated` where its source holds less
    than its header says. `error` says why it is not complete.
    `options` is the hash of all that shapes a text beside the sound; `others` what its row holds that is nobody's.
    """

    id: str
    audio: str
    complete: bool
    options: str
    at: str
    text: str = ""
    paths: tuple[str, ...] = ()
    seconds: float | None = None
    billed_s: int | None = None
    model: str = ""
    languages: tuple[str, ...] = ()
    reconnects: int = 0
    resent_s: float = 0.0
    truncated: bool = False
    error: Mapping[str, object] | None = None
    sound: Sound | None = None
    others: Mapping[str, object] = field(default_factory=dict)

    def line(self) -> str:
        """The line, without its end."""
        said: dict[str, object] = {"id": self.id, "audio": self.audio, "complete": self.complete, "text": self.text}
        if self.paths:
            said |= {"path": self.paths[0]} if len(self.paths) == 1 else {"paths": list(self.paths)}
        said |= {"seconds": self.seconds, "billed_s": self.billed_s, "model": self.model}
        if self.languages:
            said["language"] = self.languages[0] if len(self.languages) == 1 else list(self.languages)
        said |= {"reconnects": self.reconnects, "resent_s": self.resent_s}
        if self.truncated:
            said["truncated"] = True
        said["error"] = self.error
        if self.others:
            said["manifest"] = _writable(self.others)
        sound = None if self.sound is None else self.sound.document()
        # At the end, where they are found without reading all that stands between.
        return json_text(said | {"options": self.options, "sound": sound, "at": self.at})


class Noted(NamedTuple):
    """What a rerun wants to know of a line. `mark`: see Sound."""

    id: str
    audio: str
    complete: bool
    options: bytes
    mark: bytes
    sha256: bytes


def read(line: bytes) -> Noted:
    """What `line` says. Raises Broken."""
    beginning = _BEGINNING.match(line)
    if beginning is not None and line.find(_OBJECT, 1) < 0:
        end = _END.match(line, line.rfind(_OPTIONS))
        if end is not None:
            id, audio, complete = beginning.groups()
            return Noted(_text(id), _text(audio), complete == b"true", *end.groups(b""))
    return _read_whole(line)


def parse(line: bytes) -> dict[str, Any]:
    """All that `line` says, whole. Raises Broken."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Broken("no JSON") from error
    if not isinstance(said, dict) or not isinstance(said.get("id"), str) or not isinstance(said.get(KEY), bool):
        raise Broken("no line of results")
    return said


def _read_whole(line: bytes) -> Noted:
    """As `read`, for one that we have not written, or not like this."""
    said = parse(line)
    sound = said.get("sound")
    sound = sound if isinstance(sound, dict) else {}
    identity, size, modified = sound.get("identity"), sound.get("bytes"), sound.get("modified_ns")
    known = Sound(
        size if isinstance(size, int) else None,
        modified if isinstance(modified, int) else None,
        identity if isinstance(identity, str) else None,
    )
    audio = said.get("audio")
    audio = audio if isinstance(audio, str) else ""
    return Noted(said["id"], audio, said[KEY], _bytes(said.get("options")), known.mark, _bytes(sound.get("sha256")))


def _text(string: bytes) -> str:
    found: str = json.loads(string) if b"\\" in string else string[1:-1].decode("utf-8", "replace")
    return found


def _bytes(value: object) -> bytes:
    return json_text({"": value}).encode()[5:-2] if isinstance(value, str) else b""


def _writable(value: object) -> object:
    """`value` without what JSON has no word for, though Python reads it, and without what lets one in at an address."""
    if isinstance(value, Mapping):
        return {name: _writable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_writable(each) for each in value]
    if isinstance(value, str):
        return public(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value

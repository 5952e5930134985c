"""Sidecars: what a result file of --output-dir was made from, kept beside it as a small JSON file.

    {"asrcli_sidecar": 1, "source": "talk.wav", "audio_sha256": "…", "options_sha256": "…", "result_sha256": "…"}

Hashes only: neither a key nor a text of the user's stands in it. It comes into its place before the result that it
speaks of. Where another result was there, it names that one too, so that a kill between the two is recognised.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asrcli.system.file_state import FileState, file_sha256
from asrcli.values.recognition import RecognitionOptions
from asrcli.values.sound import PCM

_VERSION = 1
_MARK = "asrcli_sidecar"


class BrokenSidecar(Exception):  # noqa: N818 - it names what is there
    """A file of a sidecar's name that is none of this version."""


@dataclass(frozen=True, slots=True)
class Audio:
    """A source's bytes: their SHA-256 in hex, and the file's state when they were read for that.

    "" and None where they are not here to be read.
    """

    sha256: str
    state: FileState | None


@dataclass(frozen=True, slots=True)
class Sidecar:
    """SHA-256 in hex: of the source's bytes, of the options that shape a result, of the result file as written.

    `replaced_sha256` is that of the result that was there before, "" where there was none or the same.
    """

    source: str
    audio_sha256: str
    options_sha256: str
    result_sha256: str
    replaced_sha256: str = ""

    def text(self) -> str:
        """The file's content."""
        said = {name: value for name, value in dataclasses.asdict(self).items() if value}
        return json.dumps({_MARK: _VERSION, **said}) + "\n"

    def fits(self, audio_sha256: str, options_sha256: str) -> bool:
        """Whether the result was made from that audio with those options; of audio that nobody has hashed, never."""
        return bool(audio_sha256) and (self.audio_sha256, self.options_sha256) == (audio_sha256, options_sha256)

    def made(self, result_sha256: str) -> bool:
        """Whether a result with that hash is ours and untouched."""
        return result_sha256 == self.result_sha256 or self.awaits_its_result(result_sha256)

    def awaits_its_result(self, result_sha256: str) -> bool:
        """Whether what is there, with that hash, is still what was there before."""
        return bool(self.replaced_sha256) and result_sha256 == self.replaced_sha256


def place(result: Path) -> Path:
    """Where the sidecar of `result` lies."""
    return result.with_name(f".{result.name}.asrcli.json")


def read(path: Path) -> Sidecar | None:
    """The sidecar at `path`; None where there is none. Raises BrokenSidecar."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise BrokenSidecar from error
    if not isinstance(document, dict) or document.get(_MARK) != _VERSION:
        raise BrokenSidecar
    values = {field.name: document.get(field.name, field.default) for field in dataclasses.fields(Sidecar)}
    if not all(isinstance(value, str) for value in values.values()):
        raise BrokenSidecar
    return Sidecar(**{name: str(value) for name, value in values.items()})


def audio_of(name: str) -> Audio:
    """The bytes of a source. Raises OSError."""
    # Looked at first: what changes while it is read shows later.
    return Audio(state=FileState.of(name), sha256=file_sha256(Path(name)))


def fetched_audio(address: str, identity: str) -> Audio:
    """The bytes at an address that has such an `identity`. What signs the address, each time anew, does not count."""
    place = re.split("[?#]", address, maxsplit=1)[0] if not identity.startswith("etag:") else ""
    return Audio(hashlib.sha256(f"{place} {identity}".encode()).hexdigest(), None)


def options_sha256(options: RecognitionOptions, also: Mapping[str, object]) -> str:
    """The hash of everything that shapes a result beside the audio: `options`, and what is in `also`.

    What the user did not set is left out, so that an option that a later version adds changes nothing.
    """
    default = RecognitionOptions(options.model)
    said: dict[str, object] = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(options)
        if getattr(options, field.name) != getattr(default, field.name)
    }
    said |= {"model": options.model, **({"encoded": True} if options.encoding != PCM else {})}
    if len(options.context) == 1 and not options.context[0].assistant:
        # As it was before there were several turns: results of then are done.
        said["context"] = options.context[0].user
    said |= said.pop("parameters", {})  # type: ignore[call-overload]
    # How compressed sound is made, how long silence is borne, and what comes before a sentence's end: none shapes the
    # text.
    for name in ("encoding", "heartbeat", "intermediate"):
        said.pop(name, None)
    text = json.dumps({**said, **also}, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()

"""A corpus whose sound says which source it is from, its manifest, and what each source's result has to be.

The sound of all is one coded talk, cut into sources of ten seconds; it lies in FLAC, which keeps every sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import soundfile

from asrcli.service.recognizers.base import HeardWord
from asrcli.service.recognizers.coded_script import BLOCKS_PER_S
from asrcli.service.recognizers.script_file import ScriptedSentence
from tests.support.coded_talk import RATE_HZ, coded_samples

SOURCE_MS = 10_000
_BLOCKS = SOURCE_MS * BLOCKS_PER_S // 1000
# What a line of results says of how it came about: all else has no reason to differ between two runs.
_OF_THE_RUN = ("reconnects", "resent_s", "at")
_SENTENCES, _SENTENCE_MS, _PAUSE_MS = 4, 1500, 800


def sentences_of(source: int) -> list[ScriptedSentence]:
    """What source number `source` says, by the clock of the whole talk."""
    begins = range(source * SOURCE_MS + 400, (source + 1) * SOURCE_MS, _SENTENCE_MS + _PAUSE_MS)
    return [
        _sentence(begin_ms, f"Source {source} says sentence {number}.")
        for number, begin_ms in enumerate(begins[:_SENTENCES], start=1)
    ]


def text_of(source: int) -> str:
    """All that it says."""
    return " ".join(sentence.text for sentence in sentences_of(source))


def _sentence(begin_ms: int, text: str) -> ScriptedSentence:
    units = text.removesuffix(".").split()
    step_ms = _SENTENCE_MS // len(units)
    times = [(begin_ms + step_ms * at, begin_ms + step_ms * (at + 1)) for at in range(len(units))]
    words = tuple(HeardWord(unit, *time) for unit, time in zip(units, times, strict=True))
    ends_at = [len(" ".join(units[: at + 1])) for at in range(len(units))]
    return ScriptedSentence(begin_ms, begin_ms + _SENTENCE_MS, text, words, (*ends_at[:-1], len(text)))


def write_corpus(folder: Path, sources: int) -> Path:
    """The files of so many sources and their manifest, which is returned; what is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for source in range(sources):
        path = folder / f"{source:05}.flac"
        if not path.exists():
            soundfile.write(path, coded_samples(source * _BLOCKS, _BLOCKS), RATE_HZ, subtype="PCM_16")
        lines.append({"audio": path.name, "id": str(source), "duration": SOURCE_MS / 1000})
    return write_manifest(folder / f"{sources}.jsonl", lines)


def write_manifest(path: Path, lines: Iterable[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def read_results(path: Path) -> dict[str, dict[str, Any]]:
    """The last complete line of each id, or its last one; a line that a kill has broken is none."""
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if told["complete"] or not found.get(told["id"], told)["complete"]:
            found[told["id"]] = told
    return found


def wrong_results(found: Mapping[str, Mapping[str, Any]], sources: int) -> list[int]:
    """The sources of which there is no complete result, or another text than they say."""
    return [
        source
        for source in range(sources)
        if not (line := found.get(str(source), {})).get("complete") or " ".join(line["text"].split()) != text_of(source)
    ]


def differences(
    found: Mapping[str, Mapping[str, Any]], others: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[str]]:
    """In what results of two runs differ that has no reason to, by id: text, length, what was billed, and all else."""
    return {
        id: names
        for id in found.keys() | others.keys()
        if (names := _differing(_lasting(found.get(id, {})), _lasting(others.get(id, {}))))
    }


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _lasting(line: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in line.items() if name not in _OF_THE_RUN}
    # Only where it was heard by the process that writes the line its bytes are hashed, too.
    sound = {name: value for name, value in (kept.pop("sound", None) or {}).items() if name != "sha256"}
    return kept | {"sound": sound}

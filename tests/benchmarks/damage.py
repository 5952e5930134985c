"""Damaged files: the sound that is sent of them, beside what ffmpeg reads, and what the command says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from tests.support.damage import FORMATS, LOSS_S, Damaged, damaged_files, readable_s, sent
from tests.support.endings import regular
from tests.support.service import running_service

SEED = 20261125
FILES = 300
# Each so manieth file goes through the command as well.
_BY_COMMAND = 10
_EQUAL_S = 0.1


@dataclass(frozen=True)
class Verdict:
    """What came of one damaged file. `silent`: it ended well although more of it could be read."""

    word: str
    silent: bool


def damage(folder: Path) -> Iterator[str]:
    """FILES files in seven formats, through a source each, and a share of them through the command."""
    if find_ffmpeg() is None:
        yield "needs ffmpeg, which judges what can be read"
        return
    counts: dict[str, Counter[str]] = {name: Counter() for name in FORMATS}
    silent = commands = 0
    each = -(-FILES // len(FORMATS))
    with running_service() as service:
        for number, file in enumerate(damaged_files(folder, FORMATS, each, SEED)):
            readable = readable_s(file.path)
            verdicts = [_by_source(file, readable)]
            if number % _BY_COMMAND == 0:
                commands += 1
                verdicts.append(_by_command(file, readable, service.url))
            counts[file.format][verdicts[0].word] += 1
            if any(verdict.silent for verdict in verdicts):
                silent += 1
                yield f"  SILENT LOSS: {file}, {readable:.1f} s can be read"
            file.path.unlink()
    for name, words in counts.items():
        yield f"{name:<5}{words.total()} files: " + ", ".join(f"{count} {word}" for word, count in words.most_common())
    yield f"{each * len(FORMATS)} files, {commands} of them by the command too: {silent} silent losses"


def _by_source(file: Damaged, readable: float) -> Verdict:
    what = sent(file.path)
    if what.error is not None:
        return Verdict("with an error", silent=False)
    lost = readable - what.seconds
    word = "equal" if abs(lost) <= _EQUAL_S else "shorter" if lost > 0 else "longer"
    return Verdict(f"{word} with a notice" if what.notices else word, silent=lost >= LOSS_S)


def _by_command(file: Damaged, readable: float, url: str) -> Verdict:
    ending = regular("file", file.path, "--endpoint", url, "--pace", "fast", "--json")
    ends = [line for line in ending.lines if line["type"] == "end"]
    is_well = ending.code == 0 or any(end["complete"] for end in ends)
    heard_s = sum(end["audio_ms"] or 0 for end in ends) / 1000
    return Verdict(f"code {ending.code}", silent=is_well and readable - heard_s >= LOSS_S)

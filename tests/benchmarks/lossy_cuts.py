"""Links that break while compressed sound is sent: how much of a talk of tones survives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from asrcli.values.sound import OPUS
from tests.support.coded_talk import CodedTalk, twelve_sentences
from tests.support.recovery import PROTOCOLS, Cut, Outcome, alike, chosen_cuts, run_cut, run_cuts

SEED = 20261126
# A place is heard to within 10 ms, and frames are up to 72 ms long.
_WITHIN_MS = 80
_POINTS = 100
_FORMATS = ("mp3", "opus", "aac", "amr", "wav")


def lossy_cuts(folder: Path) -> Iterator[str]:
    """100 points for each way of speaking with `--send opus`, and 100 over the formats of files sent as they are."""
    talk = twelve_sentences(folder, timeline="tones")
    for protocol, manual in [*((protocol, False) for protocol in PROTOCOLS), ("realtime", True)]:
        points = [replace(each, manual=manual, sending=OPUS) for each in _chosen(protocol, _POINTS, talk)]
        yield from _judged(f"opus, {protocol}{', manual' if manual else ''}", talk, points)
    for audio_format in _FORMATS:
        few = _chosen("run-task", _POINTS // len(_FORMATS), talk, seed=SEED + _FORMATS.index(audio_format))
        yield from _judged(f"as it is, {audio_format}", talk, [replace(each, file=audio_format) for each in few])


def _chosen(protocol: str, count: int, talk: CodedTalk, seed: int = SEED) -> list[Cut]:
    return chosen_cuts(protocol, count, talk.seconds, seed)


def _judged(mode: str, talk: CodedTalk, points: Sequence[Cut]) -> Iterator[str]:
    whole = run_cut(talk, replace(points[0], faults=(), speed=None))
    outcomes = run_cuts(talk, points)
    same = [alike(each, whole, _WITHIN_MS) for each in outcomes]
    lost, doubled = (sum(count(each, whole) for each in outcomes) for count in (_lost, _doubled))
    yield (
        f"{mode}: {sum(same)} of {len(points)} transcripts equal in text and order, times within {_WITHIN_MS} ms; "
        f"{lost} sentences lost, {doubled} doubled; {sum(each.reconnects for each in outcomes)} reconnects"
        + (
            ""
            if whole.error is None and len(whole.sentences) == len(talk.sentences)
            else "; the uncut run is NOT whole"
        )
    )
    for point, outcome, is_same in zip(points, outcomes, same, strict=True):
        if not is_same:
            yield f"  differs: {point}: {outcome.error or [each.text for each in outcome.sentences]}"


def _lost(outcome: Outcome, whole: Outcome) -> int:
    return len({each.text for each in whole.sentences} - {each.text for each in outcome.sentences})


def _doubled(outcome: Outcome, whole: Outcome) -> int:
    return len(outcome.sentences) - len({each.text for each in outcome.sentences})

"""Where sentences begin and end, with speech that is only said to be speech."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from asrcli.service.recognizers.endpointing import (
    FRAME_BYTES,
    FRAME_MS,
    Mark,
    SentenceAudio,
    SentenceBegan,
    SentenceEnded,
    SentenceSplitter,
    ending_silence_ms,
)

SPEECH, SILENCE = b"\x01", b"\x00"


def sound(*parts: tuple[bytes, int]) -> bytes:
    """`(SPEECH, 600)` is 600 ms of speech."""
    return b"".join(kind * FRAME_BYTES * (ms // FRAME_MS) for kind, ms in parts)


def marks(pcm: bytes, sizes: list[int] | None = None, **rules: object) -> list[Mark]:
    """All marks of `pcm`, fed in pieces of `sizes`, again and again."""
    splitter = SentenceSplitter(lambda frame: frame[:1] == SPEECH, **rules)  # type: ignore[arg-type]
    found: list[Mark] = []
    at, turn = 0, 0
    sizes = sizes or [len(pcm) or 1]
    while at < len(pcm):
        size = sizes[turn % len(sizes)]
        found += splitter.feed(pcm[at : at + size])
        at, turn = at + size, turn + 1
    return found + list(splitter.finish())


def spans(found: list[Mark]) -> list[tuple[int, int]]:
    begins = [mark.begin_ms for mark in found if isinstance(mark, SentenceBegan)]
    ends = [mark.end_ms for mark in found if isinstance(mark, SentenceEnded)]
    return list(zip(begins, ends, strict=True))


def test_silence_of_the_set_length_ends_a_sentence() -> None:
    pcm = sound((SILENCE, 600), (SPEECH, 900), (SILENCE, 1290), (SPEECH, 600), (SILENCE, 1320), (SPEECH, 600))
    assert spans(marks(pcm)) == [(600, 3390), (4710, 5310)]
    assert len(spans(marks(pcm, max_silence_ms=600))) == 3


def test_a_click_is_no_sentence() -> None:
    assert marks(sound((SILENCE, 600), (SPEECH, 150), (SILENCE, 2000))) == []


def test_a_click_in_the_silence_does_not_prolong_the_sentence() -> None:
    pcm = sound((SPEECH, 900), (SILENCE, 600), (SPEECH, 60), (SILENCE, 690))
    assert spans(marks(pcm)) == [(0, 900)]
    assert isinstance(marks(pcm)[-1], SentenceEnded)


def test_sound_begins_a_little_before_the_speech() -> None:
    found = marks(sound((SILENCE, 3000), (SPEECH, 900)))
    began = found[0]
    assert isinstance(began, SentenceBegan)
    assert 200 <= began.begin_ms - began.audio_from_ms <= 400


def test_trailing_silence_is_not_decoded() -> None:
    """Of six seconds of silence the decoder gets the first 0.3 s, unless the sentence goes on."""
    ended = marks(sound((SPEECH, 900), (SILENCE, 7000)), max_silence_ms=6000)
    assert _audio_ms(ended) == 900 + 300
    resumed = marks(sound((SPEECH, 900), (SILENCE, 3000), (SPEECH, 900)), max_silence_ms=6000)
    assert _audio_ms(resumed) == 900 + 3000 + 900
    assert spans(resumed) == [(0, 4800)]


def test_speech_without_a_pause_is_cut_after_a_minute_without_losing_sound() -> None:
    found = marks(sound((SPEECH, 90_000)))
    assert spans(found) == [(0, 60_000), (60_000, 90_000)]
    assert _audio_ms(found) == 90_000


def test_long_sentences_end_at_shorter_silences_in_multi_threshold_mode() -> None:
    assert ending_silence_ms(30_000, 1300, multi_threshold=False) == 1300
    assert ending_silence_ms(5_000, 1300, multi_threshold=True) == 1300
    assert 200 < ending_silence_ms(12_000, 1300, multi_threshold=True) < 1300
    assert ending_silence_ms(20_000, 1300, multi_threshold=True) == 200
    pcm = sound((SPEECH, 15_000), (SILENCE, 900), (SPEECH, 900))
    assert len(spans(marks(pcm))) == 1
    assert len(spans(marks(pcm, multi_threshold=True))) == 2


def _audio_ms(found: list[Mark]) -> int:
    return sum(len(mark.pcm) for mark in found if isinstance(mark, SentenceAudio)) // FRAME_BYTES * FRAME_MS


talk = st.lists(st.tuples(st.sampled_from([SPEECH, SILENCE]), st.integers(30, 2500)), max_size=10)


@settings(max_examples=60)
@given(talk, st.lists(st.integers(500, 9000), min_size=1, max_size=4), st.integers(200, 6000), st.booleans())
def test_sentences_are_ordered_gapless_and_never_empty(
    parts: list[tuple[bytes, int]], sizes: list[int], silence_ms: int, multi: bool
) -> None:
    """Whatever is said: the way it is cut into pieces does not matter, and no sentence overlaps another."""
    pcm = sound(*parts)
    rules = {"max_silence_ms": silence_ms, "multi_threshold": multi}
    found = marks(pcm, sizes, **rules)
    at_once = marks(pcm, **rules)  # type: ignore[arg-type]
    assert [mark for mark in found if not isinstance(mark, SentenceAudio)] == [
        mark for mark in at_once if not isinstance(mark, SentenceAudio)
    ]
    assert _audio_ms(found) == _audio_ms(at_once)
    previous_end_ms = 0
    for begin_ms, end_ms in spans(found):
        assert previous_end_ms <= begin_ms < end_ms <= len(pcm) // FRAME_BYTES * FRAME_MS
        previous_end_ms = end_ms
    _check_audio(found, pcm)


def _check_audio(found: list[Mark], pcm: bytes) -> None:
    """The audio of a sentence is that of the stream, from `audio_from_ms` to its end at least."""
    audio, began = b"", SentenceBegan(0, 0)
    for mark in found:
        match mark:
            case SentenceBegan():
                audio, began = b"", mark
            case SentenceAudio(piece):
                audio += piece
            case SentenceEnded(end_ms):
                start = began.audio_from_ms // FRAME_MS * FRAME_BYTES
                assert audio == pcm[start : start + len(audio)]
                assert began.audio_from_ms + len(audio) // FRAME_BYTES * FRAME_MS >= end_ms


def test_an_open_sentence_can_be_ended_and_another_follow() -> None:
    """The times of the second one count on."""
    splitter = SentenceSplitter(lambda frame: frame[:1] == SPEECH, 6_000)
    found = [*splitter.feed(sound((SPEECH, 900))), *splitter.finish(), *splitter.finish()]
    found += [*splitter.feed(sound((SILENCE, 300), (SPEECH, 600))), *splitter.finish()]
    assert spans(found) == [(0, 900), (1200, 1800)]

"""Sessions joined: times and numbers go on."""

from __future__ import annotations

from asrcli.events import AudioSent, FinalResult, PartialResult, Sentence, SpeechStarted, SpeechStopped, Word
from asrcli.joining import joined

SENTENCE = Sentence(2, "a b", 100, 900, (Word("a", 100, 400), Word("b", None, 900)), language="en")


def test_the_first_session_stays_as_it_is():
    event = FinalResult(SENTENCE)
    assert joined(event, 0, 0) is event


def test_times_and_numbers_are_moved_and_unknown_stays_unknown():
    moved = joined(FinalResult(SENTENCE), 5000, 3).sentence
    assert (moved.index, moved.begin_ms, moved.end_ms, moved.language) == (5, 5100, 5900, "en")
    assert [(word.begin_ms, word.end_ms) for word in moved.words] == [(5100, 5400), (None, 5900)]
    open_sentence = joined(PartialResult(Sentence(1, "a")), 5000, 3).sentence
    assert (open_sentence.index, open_sentence.begin_ms, open_sentence.end_ms) == (4, None, None)
    assert joined(SpeechStarted(10), 5000, 3) == SpeechStarted(5010)
    assert joined(SpeechStopped(None), 5000, 3) == SpeechStopped(None)


def test_what_counts_in_the_whole_transcription_already_is_left_alone():
    assert joined(AudioSent(7000), 5000, 3) == AudioSent(7000)

"""Sessions joined: times and numbers go on."""

from __future__ import annotations

from asrcli.engine.joining.sessions import Joining, joined
from asrcli.values.events import (
    AudioSent,
    Event,
    FinalResult,
    PartialResult,
    Sentence,
    SpeechStarted,
    SpeechStopped,
    UsageReported,
    UtteranceFailed,
    Word,
)
from asrcli.values.pcm import PcmFormat

SENTENCE = Sentence(2, "a b", 100, 900, (Word("a", 100, 400), Word("b", None, 900)), language="en")


def test_the_first_session_stays_as_it_is():
    event = FinalResult(SENTENCE)
    assert joined(event, 0, 0) is event


def test_times_and_numbers_are_moved_and_unknown_stays_unknown():
    event = joined(FinalResult(SENTENCE, usage=UsageReported(7)), 5000, 3)
    moved = event.sentence
    assert event.usage == UsageReported(7)
    assert (moved.index, moved.begin_ms, moved.end_ms, moved.language) == (5, 5100, 5900, "en")
    assert [(word.begin_ms, word.end_ms) for word in moved.words] == [(5100, 5400), (None, 5900)]
    open_sentence = joined(PartialResult(Sentence(1, "a")), 5000, 3).sentence
    assert (open_sentence.index, open_sentence.begin_ms, open_sentence.end_ms) == (4, None, None)
    assert joined(SpeechStarted(10), 5000, 3) == SpeechStarted(5010)
    assert joined(SpeechStopped(None), 5000, 3) == SpeechStopped(None)


def test_what_counts_in_the_whole_transcription_already_is_left_alone():
    assert joined(AudioSent(7000), 5000, 3) == AudioSent(7000)


ALL_SENT = 10**9


def final(index: int, end_ms: int | None, begin_ms: int | None = None, words: tuple[Word, ...] = ()) -> Event:
    return FinalResult(Sentence(index, f"s{index}", begin_ms, end_ms, words))


def partial(index: int) -> Event:
    return PartialResult(Sentence(index, "s"))


def taken(joining: Joining, *events: Event, sent_sample: int = ALL_SENT) -> list[int | None]:
    """The numbers under which the events are told; None for one that is held back."""
    told = [joining.take(event, sent_sample) for event in events]
    return [None if each is None else getattr(each, "sentence", each).index for each in told]


def test_several_sessions_count_on_in_times_and_numbers():
    joining = Joining(PcmFormat())
    joining.begin(0)
    assert taken(joining, partial(1), final(1, 1000), partial(2)) == [1, 1, 2]
    for session in range(3):
        joining.begin(joining.covered_sample)
        [number] = taken(joining, final(1, 500))
        assert number == 2 + session
    assert joining.covered_sample == 16 * 2500


def test_a_sentence_without_an_end_is_recognised_again_and_told_once():
    joining = Joining(PcmFormat())
    joining.begin(0)
    assert taken(joining, final(1, 1000), final(2, None)) == [1, 2]
    assert joining.covered_sample == 16000
    joining.begin(16000)
    assert taken(joining, partial(1), final(1, 400), partial(2), final(2, 900)) == [None, None, 3, 3]
    assert joining.covered_sample == 16 * 1900


def test_a_later_end_settles_the_unknown_ones_before_it():
    joining = Joining(PcmFormat())
    joining.begin(0)
    taken(joining, final(1, None), final(2, 2000))
    assert joining.covered_sample == 32000
    joining.begin(32000)
    assert taken(joining, final(1, 500)) == [3]


def test_the_last_word_tells_the_end_where_the_sentence_does_not():
    joining = Joining(PcmFormat())
    joining.begin(0)
    taken(joining, final(1, None, words=(Word("a", 0, 700),)))
    assert joining.covered_sample == 16 * 700


def test_sound_is_kept_while_the_sentence_before_is_open():
    """Utterances may overlap: the second one is final, the first one not yet, and the link breaks."""
    joining = Joining(PcmFormat())
    joining.begin(0)
    assert taken(joining, partial(1), partial(2), final(2, 4000)) == [1, 2, 2]
    assert joining.covered_sample == 0
    joining.begin(0)
    assert taken(joining, final(1, 2000), final(2, 4000), final(3, 5000)) == [1, None, 3]
    assert joining.covered_sample == 16 * 5000


def test_the_open_one_ends_and_both_are_decided():
    joining = Joining(PcmFormat())
    joining.begin(0)
    assert taken(joining, partial(1), final(2, 4000), final(1, 2000)) == [1, 2, 1]
    assert joining.covered_sample == 16 * 4000


def test_a_sentence_that_came_to_nothing_holds_up_one_and_not_more():
    joining = Joining(PcmFormat())
    joining.begin(0)
    taken(joining, partial(1), final(2, 2000))
    assert joining.covered_sample == 0
    assert taken(joining, final(3, 3000), final(1, 1000)) == [3, 1]
    assert joining.covered_sample == 16 * 3000


def test_no_result_covers_sound_that_was_not_sent():
    joining = Joining(PcmFormat())
    joining.begin(0)
    taken(joining, final(1, 9000), sent_sample=1600)
    assert joining.covered_sample == 1600


def test_what_is_lost_from_the_tape_shifts_no_numbers():
    """Which sentences are still to come is not known then: what comes is new."""
    joining = Joining(PcmFormat())
    joining.begin(0)
    taken(joining, final(1, 1000), final(2, None))
    joining.begin(160000)
    assert taken(joining, final(1, 500)) == [3]


def test_a_failed_utterance_is_decided_too():
    joining = Joining(PcmFormat())
    joining.begin(0)
    assert taken(joining, UtteranceFailed(1, "X", "no", 0, 1000)) == [1]
    assert joining.covered_sample == 16000


def test_the_end_of_a_sentence_that_a_decoder_needs_again_is_told_once_and_does_not_count():
    joining = Joining(PcmFormat())
    assert taken(joining, final(1, 2000, 500)) == [1]
    # From 1.8 s on, of which the last fifth of a second is heard again.
    joining.begin(1800 * 16)
    assert taken(joining, final(1, 280, 0)) == [None]
    assert taken(joining, partial(2), final(2, 2500, 900)) == [2, 2]
    assert joining.covered_sample == 4300 * 16
    assert joining.is_settled


def test_a_sentence_that_follows_at_once_is_none_that_is_heard_again():
    joining = Joining(PcmFormat())
    assert taken(joining, final(1, 2000, 500)) == [1]
    joining.begin(1800 * 16)
    assert taken(joining, final(1, 260, 200), final(2, 900, 300)) == [2, 3]


def test_what_is_heard_before_the_first_sample_is_at_the_first_sample():
    joining = Joining(PcmFormat())
    joining.begin(-1105)
    event = joining.take(final(1, 900, 20), ALL_SENT)
    assert isinstance(event, FinalResult)
    assert (event.sentence.begin_ms, event.sentence.end_ms) == (0, 830)

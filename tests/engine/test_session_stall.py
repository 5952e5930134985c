"""A service that falls silent in the middle of a sentence is left; one that has nothing to say is not."""

from __future__ import annotations

import pytest

from asrcli.engine.stages import Turn
from asrcli.values.errors import ServiceTimeout
from tests.support.session_bench import LIMITS, Bench, chunks

STALL_S = LIMITS.stall_s


def talking(seconds: int = 60) -> Bench:
    """A session whose service takes audio, of which there is so much."""
    return Bench(chunks(seconds * 10)).started()


def passes(b: Bench, seconds: float) -> None:
    """So much time, in which as much sound leaves."""
    b.session.pump(round(seconds * 10))
    b.clock.advance(seconds)


def test_silence_without_a_sentence_is_no_fault():
    b = talking()
    passes(b, 50)
    assert b.session.deadline is None


def test_a_sentence_over_which_the_service_falls_silent_is_a_timeout_that_says_so():
    b = talking()
    b.say_sentence(1, "to be or")
    assert b.session.deadline.remaining_s() == STALL_S
    passes(b, STALL_S)
    assert b.session.deadline.passed()
    with pytest.raises(ServiceTimeout, match="in the middle of a sentence") as caught:
        list(b.session.handle(Turn.EXPIRED))
    assert (caught.value.stage, caught.value.waited_s, caught.value.retryable) == ("stream", STALL_S, True)


@pytest.mark.parametrize("sentence", [1, 2])
def test_more_words_are_a_sign_of_life(sentence):
    b = talking()
    b.say_sentence(1, "to be or")
    passes(b, STALL_S - 1)
    b.say_sentence(sentence, "not to be")
    assert b.session.deadline.remaining_s() == STALL_S
    passes(b, 1)
    assert not b.session.deadline.passed()
    # The sound counts from the sign of life as well.
    b.clock.advance(STALL_S)
    assert list(b.session.handle(Turn.EXPIRED)) == []


def test_the_end_of_a_sentence_ends_the_watch_until_there_are_words_again():
    b = talking()
    b.say_sentence(1, "to be")
    b.say_sentence(1, "to be", 900, end=True)
    assert b.session.deadline is None
    b.say_sentence(2, "or not")
    assert b.session.deadline is not None


def test_a_message_without_words_leaves_nothing_to_wait_for():
    """It may be how the service takes back what it took for words."""
    b = talking()
    b.say_sentence(1, "hm")
    b.say("heartbeat-of-tomorrow")
    assert b.session.deadline is None


def test_a_source_that_pauses_in_a_sentence_is_none_of_the_services_faults():
    b = talking()
    b.say_sentence(1, "to be or")
    b.session.pump(5)
    b.clock.advance(STALL_S)
    assert list(b.session.handle(Turn.EXPIRED)) == []
    assert b.session.deadline.remaining_s() == STALL_S
    # It goes on, and still nothing comes.
    passes(b, STALL_S)
    with pytest.raises(ServiceTimeout):
        list(b.session.handle(Turn.EXPIRED))


def test_after_the_audio_its_own_bound_counts():
    b = talking(1)
    b.say_sentence(1, "to be or")
    b.until_audio_ended()
    assert b.session.deadline.remaining_s() == LIMITS.finish_s


def test_a_sentence_whose_end_has_no_text_is_not_waited_for():
    """Noise that sounded like a word: the service takes it back."""
    b = talking()
    b.say_sentence(1, "hm")
    assert b.say_sentence(1, "", 900, end=True) == []
    passes(b, STALL_S)
    assert b.session.deadline is None or list(b.session.handle(Turn.EXPIRED)) == []


def test_a_sentence_that_others_have_left_behind_is_not_waited_for():
    """Noise that sounded like a word: the service never mentions it again."""
    b = talking()
    b.say_sentence(1, "hm")
    b.say_sentence(2, "to be", 1900, end=True)
    b.say_sentence(3, "or not", 2900, end=True)
    passes(b, STALL_S)
    assert b.session.deadline is None or list(b.session.handle(Turn.EXPIRED)) == []


def test_sound_that_is_still_on_its_way_owes_no_words():
    """A slow link: what the system took long ago has not reached the service yet."""
    b = talking()
    b.say_sentence(1, "to be or")
    passes(b, STALL_S)
    b.link.undelivered_bytes = 32000 * 2
    assert list(b.session.handle(Turn.EXPIRED)) == []
    b.link.undelivered_bytes = 0
    passes(b, STALL_S)
    with pytest.raises(ServiceTimeout):
        list(b.session.handle(Turn.EXPIRED))

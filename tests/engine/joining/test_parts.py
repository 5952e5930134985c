"""Parts that talk at the same time are told as one transcription."""

from __future__ import annotations

import pytest

from asrcli.engine.joining.parts import Whole
from asrcli.output.wording import words
from asrcli.runs.metrics import Metrics
from asrcli.values.errors import AsrcliError, DecodeError, Interrupted, LinkError, ServiceError, SoundLost
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    EncodingChanged,
    Event,
    FinalResult,
    LinkReady,
    Notice,
    PartialResult,
    Reconnecting,
    Sentence,
    SessionFinished,
    SessionStarted,
    SpeechStarted,
    Tick,
    UsageReported,
    UtteranceFailed,
    Word,
)
from tests.support.fakes import FakeClock

PARTS = [(0, 60_000), (60_000, 130_000), (130_000, 190_000)]


def final(index: int, begin_ms: int, end_ms: int) -> FinalResult:
    return FinalResult(Sentence(index, f"sentence {index}", begin_ms, end_ms, (Word("word", begin_ms, end_ms),)))


def told(whole: Whole, *steps: tuple[int, Event | AsrcliError | None]) -> list[Event]:
    """What the whole tells while the parts tell one thing after another; an error or None is a part's end."""
    events: list[Event] = []
    for number, step in steps:
        if step is None or isinstance(step, AsrcliError):
            events += whole.end(number, step)
        else:
            events += whole.take(number, step)
    return events


def gave_up(error: AsrcliError, *, tries: int, from_ms: int) -> AsrcliError:
    """`error` as a part ends with it, in the times of that part."""
    error.tries, error.missing = tries, ((from_ms, None),)
    return error


def complete(number: int, sent_ms: int) -> list[tuple[int, Event | None]]:
    """The end of a part all of which was heard."""
    return [(number, AudioFinished(sent_ms)), (number, SessionFinished(f"s{number}")), (number, None)]


def verdict(*steps: tuple[int, Event | AsrcliError | None], parts=PARTS) -> AsrcliError:
    whole = Whole(parts)
    told(whole, *steps)
    with pytest.raises(AsrcliError) as caught:
        whole.judge()
    return caught.value


# --- results --------------------------------------------------------------------------------------------------------


def test_results_of_a_later_part_wait_and_go_on_in_numbers_and_times():
    whole = Whole(PARTS)
    assert told(whole, (1, final(1, 500, 900)), (2, final(1, 0, 700)), (1, final(2, 1000, 1500))) == []
    assert told(whole, (0, final(1, 100, 300))) == [final(1, 100, 300)]
    assert told(whole, (2, None)) == []
    first, second = told(whole, (0, None))
    assert (first.sentence.index, first.sentence.begin_ms, first.sentence.words[0].end_ms) == (2, 60_500, 60_900)
    assert (second.sentence.index, second.sentence.begin_ms) == (3, 61_000)
    (live,) = told(whole, (1, final(3, 2000, 2500)))
    assert (live.sentence.index, live.sentence.end_ms) == (4, 62_500)
    (last,) = told(whole, (1, None))
    assert (last.sentence.index, last.sentence.begin_ms) == (5, 130_000)


def test_a_part_without_a_sentence_takes_no_number():
    whole = Whole(PARTS)
    told(whole, (0, final(1, 0, 100)), (0, None), (1, None))
    (event,) = told(whole, (2, final(1, 5, 10)))
    assert event.sentence.index == 2


def test_partial_results_are_those_of_the_first_part_that_has_not_ended():
    whole = Whole(PARTS)
    assert told(whole, (1, PartialResult(Sentence(1, "a", 10))), (2, SpeechStarted(5))) == []
    assert told(whole, (0, PartialResult(Sentence(1, "b", 10)))) == [PartialResult(Sentence(1, "b", 10))]
    told(whole, (0, None))
    assert told(whole, (1, PartialResult(Sentence(1, "c", 10)))) == [PartialResult(Sentence(1, "c", 60_010))]
    assert told(whole, (1, SpeechStarted(20))) == [SpeechStarted(60_020)]


def test_an_utterance_that_failed_counts_as_a_sentence():
    whole = Whole(PARTS)
    told(whole, (1, UtteranceFailed(1, "C", "m", 10, 20)), (1, final(2, 30, 40)))
    failed, after = told(whole, (0, None))
    assert failed == UtteranceFailed(1, "C", "m", 60_010, 60_020)
    assert after.sentence.index == 2


# --- everything else ------------------------------------------------------------------------------------------------


def test_the_sound_that_has_left_is_that_of_all_parts_and_ends_once():
    whole = Whole(PARTS)
    events = told(
        whole,
        (0, AudioSent(1000, resent_ms=300)),
        (2, AudioSent(500)),
        (0, AudioSent(2000, resent_ms=400)),
        (2, AudioFinished(60_000, resent_ms=50)),
        (0, AudioFinished(60_000, resent_ms=400)),
        (1, AudioFinished(70_000)),
    )
    assert [event.resent_ms for event in events] == [300, 300, 400, 450, 450, 450]
    assert events == [*map(AudioSent, (1000, 1500, 2500, 62_000, 120_000)), AudioFinished(190_000)]


def test_a_lost_link_is_told_with_its_place_in_the_whole():
    (event,) = told(Whole(PARTS), (2, Reconnecting(1, 4000, "reset", code="C", wait_s=0.5)))
    assert event == Reconnecting(1, 134_000, "reset", code="C", wait_s=0.5)


def test_a_part_that_goes_over_to_another_encoding_is_told_with_its_place_in_the_whole():
    assert told(Whole(PARTS), (2, EncodingChanged("opus", 4000))) == [EncodingChanged("opus", 134_000)]


def test_the_first_link_and_each_notice_are_told_once_and_a_tick_always():
    whole = Whole(PARTS)
    notice = Notice("a.wav is cut short")
    events = told(
        whole, (1, LinkReady(5.0)), (0, LinkReady(3.0)), (0, notice), (1, notice), (1, Notice("other")), (0, Tick())
    )
    assert events == [LinkReady(5.0), notice, Notice("other"), Tick()]


def test_what_is_billed_sums_up_over_sessions_at_the_same_time():
    whole = Whole(PARTS)
    metrics = Metrics("talk.wav", FakeClock())
    for event in told(
        whole,
        (0, SessionStarted("a")),
        (1, SessionStarted("b")),
        (0, UsageReported(billed_s=3)),
        (1, UsageReported(billed_s=4)),
        (0, UsageReported(billed_s=10)),
        (0, SessionStarted("a again")),
        (1, UsageReported(billed_s=20, input_tokens=7)),
        (0, UsageReported(billed_s=5)),
        (2, SessionStarted("c")),
        (0, UsageReported(billed_s=6)),
        (1, UsageReported(input_tokens=8)),
    ):
        metrics.observe(event)
    summary = metrics.summary(complete=True)
    assert (summary.billed_s, summary.input_tokens, summary.output_tokens) == (10 + 20 + 6, 8, None)
    assert summary.task_ids == ("a", "b", "a again", "c")


# --- errors ---------------------------------------------------------------------------------------------------------


def test_without_an_error_nothing_is_raised():
    whole = Whole(PARTS)
    told(whole, *complete(0, 60_000), *complete(2, 60_000), (1, None))
    whole.judge()


def test_the_error_of_a_part_says_what_is_missing_in_the_whole():
    error = verdict(
        *complete(0, 60_000),
        (1, AudioSent(20_000)),
        (1, final(1, 0, 15_000)),
        (1, gave_up(LinkError("lost", hint="try again"), tries=3, from_ms=15_000)),
        *complete(2, 60_000),
    )
    assert isinstance(error, LinkError)
    assert (error.message, error.tries, error.missing) == ("lost", 3, ((75_000, 130_000),))
    assert words(error) == "lost; gave up after 3 tries; nothing was recognised from 1:15 to 2:10 (try again)"


def test_parts_that_meet_are_missing_as_one():
    error = verdict((0, LinkError("a")), (1, LinkError("b")), (2, AudioSent(10)), (2, LinkError("c")))
    assert error.missing == ((0, 190_000),)
    assert words(error) == "a; nothing was recognised from 0:00 to 3:10"


def test_parts_apart_are_each_named():
    error = verdict((0, LinkError("a")), (1, final(1, 0, 70_000)), *complete(1, 70_000), (2, LinkError("c")))
    assert error.missing == ((0, 60_000), (130_000, 190_000))
    assert words(error) == "a; nothing was recognised from 0:00 to 1:00 and from 2:10 to 3:10"


def test_where_the_end_is_not_known_it_is_not_named():
    error = verdict((0, AudioSent(9000)), (0, final(1, 0, 8000)), (0, LinkError("a")), parts=[(0, None)])
    assert error.missing == ((8000, None),)
    assert words(error) == "a; nothing was recognised after 0:08"


def test_nothing_sent_is_nothing_missing():
    assert words(verdict(*((number, LinkError("no route")) for number in range(3)))) == "no route"


def test_what_a_part_gave_up_on_its_way_is_missing_in_the_whole():
    """Even where all that came after it was heard."""
    heard = [(1, AudioFinished(70_000)), (1, SessionFinished("s1"))]
    lost = SoundLost("given up")
    lost.missing = ((4000, 9000),)
    error = verdict(*complete(0, 60_000), *heard, (1, lost), *complete(2, 60_000))  # type: ignore[arg-type]
    assert (error, error.missing) == (lost, ((64_000, 69_000),))
    broke = gave_up(LinkError("lost"), tries=1, from_ms=20_000)
    broke.missing = ((4000, 9000), *broke.missing)
    error = verdict(*complete(0, 60_000), (1, AudioSent(30_000)), (1, final(1, 0, 20_000)), (1, broke), (2, None))
    assert error.missing == ((64_000, 69_000), (80_000, 130_000))


def test_where_all_was_heard_nothing_is_missing():
    failed = ServiceError("Bad", "noise", utterances=1)
    broken = DecodeError("damaged after 190.0 s")
    assert verdict(*complete(0, 60_000)[:2], (0, failed), (1, None), (2, None)) is failed
    assert verdict((0, None), (1, None), *complete(2, 60_000)[:2], (2, broken)) is broken
    assert failed.missing == broken.missing == ()


def test_a_part_without_speech_fails_nothing_unless_no_part_has_any():
    silent = ServiceError("NO_VALID_AUDIO_ERROR", "no speech")
    silent.no_speech = True
    quiet = [(1, AudioFinished(70_000)), (1, silent)]
    whole = Whole(PARTS)
    told(whole, *complete(0, 60_000), *quiet, *complete(2, 60_000))  # type: ignore[arg-type]
    whole.judge()
    assert verdict((0, LinkError("lost")), *quiet, (2, LinkError("lost"))).message == "lost"  # type: ignore[arg-type]


def test_an_interruption_is_not_explained():
    error = verdict((0, AudioSent(10)), (0, Interrupted(2, "interrupted")), (1, None), (2, None))
    assert words(error) == "interrupted"

"""The tape: every sample once and in order, whoever reads it how often, and never more of it than was agreed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.engine.sound.tape import AHEAD_S, KEEP_S, Tape, TapeReader
from asrcli.values.errors import DecodeError
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk, SoundFormat
from tests.support.sounds import pcm_chunk

PCM = PcmFormat(16000)


def ramp(samples: int, start: int = 0) -> np.ndarray:
    return (np.arange(start, start + samples) % 30000).astype("<i2")


def chunks(lengths: list[int]) -> list[Chunk]:
    made, end = [], 0
    for length in lengths:
        made.append(pcm_chunk(ramp(length, end).tobytes(), end + length))
        end += length
    return made


def filled(lengths: list[int], keep_s: float = KEEP_S) -> Tape:
    tape = Tape(PCM, keep_s=keep_s)
    for chunk in chunks(lengths):
        tape.append(chunk)
    tape.end()
    return tape


def read(reader: TapeReader) -> list[Chunk]:
    """Everything that `reader` gives now."""
    taken = []
    while (chunk := reader.next()) is not None:
        taken.append(chunk)
    return taken


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=20), st.data())
def test_a_reader_gets_every_sample_from_its_start_on(lengths, data):
    total = sum(lengths)
    start = data.draw(st.integers(0, total))
    reader = filled(lengths).reader(start)
    taken = read(reader)
    assert b"".join(chunk.data for chunk in taken) == ramp(total - start, start).tobytes()
    assert [chunk.end_sample for chunk in taken] == [c.end_sample for c in chunks(lengths) if c.end_sample > start]
    assert reader.over
    assert reader.exhausted
    assert reader.next_sample == (total if start < total else start)


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=20), st.data())
def test_what_is_forgotten_is_gone_and_the_rest_is_whole(lengths, data):
    total = sum(lengths)
    forgotten, start = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    tape = filled(lengths)
    tape.forget(forgotten)
    reader = tape.reader(start)
    assert tape.begin_sample <= forgotten
    assert reader.start_sample == max(start, tape.begin_sample)
    assert (
        b"".join(chunk.data for chunk in read(reader))
        == ramp(total - reader.start_sample, reader.start_sample).tobytes()
    )


def test_no_more_is_kept_than_was_agreed():
    tape = filled([1600] * 100, keep_s=2.0)
    assert tape.begin_sample == 160000 - 32000
    assert tape.reader(0).start_sample == 128000


def test_a_reader_ends_before_sound_that_was_dropped_unread():
    """Times count on there being no gap: what follows is for another reader."""
    tape = Tape(PCM, keep_s=1.0)
    made = chunks([1600] * 40)
    for chunk in made[:5]:
        tape.append(chunk)
    slow = tape.reader(0)
    assert [slow.next() for _ in range(2)] == made[:2]
    for chunk in made[5:]:
        tape.append(chunk)
    tape.end()
    assert slow.next() is None
    assert (slow.over, slow.exhausted, slow.next_sample) == (True, False, 3200)
    following = tape.reader(slow.next_sample)
    assert following.start_sample == tape.begin_sample > 3200
    assert read(following)[-1] == made[-1]
    assert following.exhausted


def test_a_reader_at_the_oldest_sound_still_finds_it_a_little_later():
    """Its link must be made first, while live sound comes in."""
    tape = Tape(PCM, keep_s=1.0)
    made = chunks([1600] * 22)
    for chunk in made[:20]:
        tape.append(chunk)
    reader = tape.reader(0)
    for chunk in made[20:]:
        tape.append(chunk)
    assert reader.next() == made[10]


def test_a_file_need_not_be_read_far_ahead_of_the_reader():
    tape = Tape(PCM)
    made = iter(chunks([1600] * 50))
    reader = tape.reader(0)
    while not tape.is_far_ahead:
        tape.append(next(made))
    assert tape.end_sample == AHEAD_S * PCM.sample_rate_hz + 1600
    assert reader.next() is not None
    assert not tape.is_far_ahead


def test_what_nobody_has_read_is_known_and_counts_from_where_a_new_reader_begins():
    tape = Tape(PCM)
    assert not tape.has_unread
    for chunk in chunks([1600] * 4):
        tape.append(chunk)
    reader = tape.reader(0)
    reader.next()
    assert tape.has_unread
    read(reader)
    assert (tape.has_unread, tape.read_sample, reader.over) == (False, 6400, False)
    assert tape.reader(3200).start_sample == 3200
    assert (tape.has_unread, tape.read_sample) == (True, 3200)


def test_a_reader_that_has_caught_up_goes_on_when_more_comes():
    tape = Tape(PCM)
    reader = tape.reader(0)
    for chunk in chunks([1600, 400, 1600]):
        assert reader.next() is None
        tape.append(chunk)
        assert reader.next() == chunk
    tape.forget(3000)
    assert (reader.next(), reader.over) == (None, False)
    tape.end()
    assert (reader.next(), reader.over, reader.exhausted) == (None, True, True)


def test_a_closed_reader_is_over_and_another_goes_on():
    tape = Tape(PCM)
    [chunk] = chunks([1600])
    first = tape.reader(0)
    first.close()
    tape.append(chunk)
    tape.end()
    assert (first.next(), first.over, first.exhausted) == (None, True, False)
    assert read(tape.reader(0)) == [chunk]


def test_a_closed_tape_holds_no_sound():
    tape = filled([1600] * 3)
    tape.close()
    assert tape.reader(0).next() is None
    assert list(tape.rest(0)) == []


def test_the_cause_of_an_early_end_follows_the_last_sample():
    tape = Tape(PCM)
    [chunk] = chunks([1600])
    tape.append(chunk)
    error = DecodeError("breaks off")
    tape.end(error)
    reader = tape.reader(0)
    assert (reader.next(), reader.cause) == (chunk, None)
    assert (reader.next(), reader.cause) == (None, error)
    unfinished = tape.reader(0)
    unfinished.close()
    assert unfinished.cause is None


def test_a_pause_is_bridged_with_silence_that_takes_no_time_of_the_source():
    """First enough to end a sentence, then a little now and then, and the sound goes on where it stopped."""
    tape = Tape(PCM)
    first, second = chunks([1600, 1600])
    tape.append(first)
    reader = tape.reader(0)
    assert reader.next() == first
    bridge, more = reader.filler(), reader.filler()
    assert (bridge.is_filler, bridge.end_sample, PCM.ms(bridge.samples)) == (True, 1600, 2000)
    assert (more.is_filler, more.end_sample, PCM.ms(more.samples)) == (True, 1600, 100)
    assert not any(bridge.data)
    tape.append(second)
    assert reader.next() == second
    # The next pause is bridged as the first one was.
    assert (PCM.ms(reader.filler().samples), reader.next_sample) == (2000, 3200)


def test_a_source_that_pauses_before_its_first_sample_is_bridged_too():
    tape = Tape(PCM)
    [chunk] = chunks([1600])
    reader = tape.reader(0)
    assert (reader.next(), reader.filler().end_sample) == (None, 0)
    tape.append(chunk)
    tape.end()
    assert read(reader) == [chunk]
    assert reader.exhausted


def test_a_bounded_reader_is_over_before_its_bound_and_the_next_goes_on_from_there():
    tape, made = filled([1600] * 10), chunks([1600] * 10)
    first = tape.reader(0, 4000)
    assert read(first) == made[:2]
    assert (first.over, first.exhausted, first.next_sample) == (True, False, 3200)
    assert read(tape.reader(first.next_sample)) == made[2:]


def test_a_bounded_reader_rather_ends_where_an_utterance_does():
    tape = Tape(PCM)
    for number, chunk in enumerate(chunks([1600] * 10)):
        tape.append(chunk._replace(ends_utterance=number in (2, 6)))
    reader = tape.reader(0, 16000)
    # The third chunk is too early for that: the sessions would be short.
    assert [chunk.ends_utterance for chunk in read(reader)] == [False, False, True, False, False, False, True]
    assert reader.over


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=20), st.data())
def test_the_rest_is_every_sample_that_is_still_there(lengths, data):
    total = sum(lengths)
    tape, start = filled(lengths), data.draw(st.integers(0, total))
    assert b"".join(chunk.data for chunk in tape.rest(start)) == ramp(total - start, start).tobytes()


MP3 = SoundFormat("mp3", 16000, preroll_samples=1000)


def encoded(lengths: list[int], filler: Chunk | None = None) -> Tape:
    tape, end = Tape(PCM, sound=MP3, filler=filler), 0
    for number, length in enumerate(lengths):
        end += length
        tape.append(Chunk(b"frame %d" % number, end, length, "mp3"))
    tape.end()
    return tape


@pytest.mark.parametrize(("start", "first"), [(0, 0), (999, 0), (2599, 0), (2600, 1), (4199, 1), (4200, 2), (4800, 2)])
def test_what_is_encoded_is_read_from_a_border_with_enough_before_it_for_a_decoder(start, first):
    reader = encoded([1600] * 4).reader(start)
    assert reader.start_sample == 1600 * first
    assert [chunk.data for chunk in read(reader)] == [b"frame %d" % number for number in range(first, 4)]


def test_what_is_encoded_is_kept_for_as_long_as_a_decoder_wants_it():
    tape = encoded([1600] * 4)
    tape.forget(4000)
    assert tape.reader(4000).start_sample == 1600
    assert [chunk.data for chunk in tape.rest(4000)] == [b"frame 2", b"frame 3"]


def test_a_pause_of_what_is_encoded_is_bridged_in_its_encoding():
    tape = encoded([1600], filler=Chunk(b"hush", 0, 576, "mp3"))
    reader = tape.reader(0)
    read(reader)
    assert reader.filler() == Chunk(b"hush" * 56, 1600, 576 * 56, "mp3", is_filler=True)
    assert reader.filler() == Chunk(b"hush" * 3, 1600, 576 * 3, "mp3", is_filler=True)
    assert encoded([1600]).filler is None


def test_what_is_encoded_is_cut_where_a_decoder_can_begin_and_begins_before_the_first_sample_if_that_needs_it():
    """Four frames of AMR in a chunk: one of them is asked for, and the one before it is needed to decode it."""
    frame = bytes((0x04,)) + b"speech of AMR"[:12]
    sound = SoundFormat("amr", 8000, preroll_samples=160, lead_samples=40)
    tape = Tape(PcmFormat(8000), sound=sound)
    assert (tape.begin_sample, tape.reader(0).start_sample) == (-40, -40)
    tape.append(Chunk(frame * 4, 600, 640, "amr"))
    tape.append(Chunk(frame * 4, 1240, 640, "amr"))
    tape.end()
    reader = tape.reader(450)
    assert reader.start_sample == 280
    assert [(len(chunk.data) // len(frame), chunk.samples) for chunk in read(reader)] == [(2, 320), (4, 640)]
    assert [chunk.samples for chunk in tape.rest(450)] == [160, 640]

"""The tape: every sample once and in order, whoever reads it how often, and never more of it than was agreed."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.errors import DecodeError
from asrcli.pcm import Chunk, PcmFormat
from asrcli.tape import Tape

PCM = PcmFormat(16000)


def ramp(samples: int, start: int = 0) -> np.ndarray:
    return (np.arange(start, start + samples) % 30000).astype("<i2")


def chunks(lengths: list[int]) -> list[Chunk]:
    made, end = [], 0
    for length in lengths:
        made.append(Chunk(ramp(length, end).tobytes(), end + length))
        end += length
    return made


def filled(lengths: list[int], **options: float) -> Tape:
    tape = Tape(PCM, ahead_s=None, **options)
    for chunk in chunks(lengths):
        tape.append(chunk)
    tape.end()
    return tape


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=20), st.data())
def test_a_reader_gets_every_sample_from_its_start_on(lengths, data):
    total = sum(lengths)
    start = data.draw(st.integers(0, total))
    reader = filled(lengths).reader(start)
    read = list(reader)
    assert b"".join(chunk.data for chunk in read) == ramp(total - start, start).tobytes()
    assert [chunk.end_sample for chunk in read] == [c.end_sample for c in chunks(lengths) if c.end_sample > start]
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
    assert b"".join(chunk.data for chunk in reader) == ramp(total - reader.start_sample, reader.start_sample).tobytes()


def test_no_more_is_kept_than_was_agreed():
    tape = filled([1600] * 100, keep_s=2.0)
    assert tape.begin_sample == 160000 - 32000
    assert tape.reader(0).start_sample == 128000


def test_a_reader_ends_before_sound_that_was_dropped_unread():
    """Times count on there being no gap: what follows is for another reader."""
    tape = Tape(PCM, ahead_s=None, keep_s=1.0)
    made = chunks([1600] * 40)
    for chunk in made[:5]:
        tape.append(chunk)
    slow = tape.reader(0)
    reading = iter(slow)
    assert [next(reading) for _ in range(2)] == made[:2]
    for chunk in made[5:]:
        tape.append(chunk)
    tape.end()
    assert list(reading) == []
    assert not slow.exhausted
    assert slow.next_sample == 3200
    following = tape.reader(slow.next_sample)
    assert following.start_sample == tape.begin_sample > 3200
    assert list(following)[-1] == made[-1]
    assert following.exhausted


def test_a_reader_at_the_oldest_sound_still_finds_it_a_little_later():
    """Its link must be made first, while live sound comes in."""
    tape = Tape(PCM, ahead_s=None, keep_s=1.0)
    made = chunks([1600] * 22)
    for chunk in made[:20]:
        tape.append(chunk)
    reader = tape.reader(0)
    for chunk in made[20:]:
        tape.append(chunk)
    assert next(iter(reader)) == made[10]


def test_a_file_is_not_read_far_ahead_of_the_reader():
    tape = Tape(PCM, ahead_s=1.0)
    writer = threading.Thread(target=lambda: [tape.append(chunk) for chunk in chunks([1600] * 50)] and tape.end())
    writer.start()
    furthest = 0
    for chunk in tape.reader(0):
        furthest = max(furthest, tape.end_sample - chunk.end_sample)
    writer.join()
    assert furthest <= 16000 + 1600


def test_closing_wakes_a_writer_and_a_reader():
    tape = Tape(PCM, ahead_s=0.1)
    refused = []
    writer = threading.Thread(target=lambda: refused.extend(not tape.append(chunk) for chunk in chunks([1600] * 3)))
    writer.start()
    tape.close()
    writer.join(10)
    assert refused[-1]
    assert list(tape.reader(0)) == []


def test_a_closed_reader_ends_while_it_waits_and_another_goes_on():
    tape = Tape(PCM)
    [chunk] = chunks([1600])
    first = tape.reader(0)
    got = []
    thread = threading.Thread(target=lambda: got.extend(first))
    thread.start()
    first.close()
    thread.join(10)
    assert not thread.is_alive()
    assert not first.exhausted
    tape.append(chunk)
    tape.end()
    assert list(tape.reader(0)) == [chunk]


def test_the_cause_of_an_early_end_follows_the_last_sample():
    tape = Tape(PCM)
    [chunk] = chunks([1600])
    tape.append(chunk)
    tape.end(DecodeError("breaks off"))
    reader = iter(tape.reader(0))
    assert next(reader) == chunk
    with pytest.raises(DecodeError):
        next(reader)


def test_a_reader_that_waits_gets_silence_that_takes_no_time_of_the_source():
    """First enough to end a sentence, then a little now and then, and the sound goes on where it stopped."""
    tape = Tape(PCM, idle_s=0.01)
    first, second = chunks([1600, 1600])
    tape.append(first)
    reader = iter(tape.reader(0))
    assert next(reader) == first
    bridge, more = next(reader), next(reader)
    assert (bridge.is_filler, bridge.end_sample, PCM.ms(bridge.samples)) == (True, 1600, 2000)
    assert (more.is_filler, more.end_sample, PCM.ms(more.samples)) == (True, 1600, 100)
    assert not any(bridge.data)
    tape.append(second)
    while (taken := next(reader)).is_filler:
        pass
    assert taken == second


def test_a_source_that_pauses_before_its_first_sample_is_bridged_too():
    tape = Tape(PCM, idle_s=0.01)
    [chunk] = chunks([1600])
    reader = tape.reader(0)
    sound = iter(reader)
    assert next(sound).is_filler
    tape.append(chunk)
    tape.end()
    assert [taken for taken in sound if not taken.is_filler] == [chunk]
    assert reader.exhausted

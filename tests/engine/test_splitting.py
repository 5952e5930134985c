"""One file in parts at the same time is one transcription: nothing lost, nothing doubled, times and numbers true."""

from __future__ import annotations

import contextlib
import os
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrcli.audio.opening import open_source
from asrcli.audio.source import Source
from asrcli.engine.control import Control
from asrcli.engine.many import Ended, Job
from asrcli.engine.splitting import (
    MAX_PARTS,
    Split,
    check_split,
    plan_split,
    transcribe_each_split,
    transcribe_split,
)
from asrcli.output.wording import words
from asrcli.runs.metrics import Metrics
from asrcli.service.faults.kinds import parse_fault
from asrcli.system.clock import SystemClock
from asrcli.values.errors import AsrcliError, DecodeError, Interrupted, ServiceError, UsageError
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    Event,
    FinalResult,
    LinkReady,
    Notice,
    PartialResult,
    Reconnecting,
    SessionStarted,
)
from tests.support.coded_talk import RATE_HZ, CodedTalk, a_sentence_every, coded_samples
from tests.support.fakes import ToneSource
from tests.support.recovery import PROTOCOLS, Cut, engine
from tests.support.service import running_service
from tests.support.sounds import hide_ffmpeg, needs_ffmpeg

PARTS = 4
SECONDS = 60


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> CodedTalk:
    """A sentence of three seconds every five."""
    return a_sentence_every(tmp_path_factory.mktemp("coded"), 5, SECONDS)


@pytest.fixture(scope="module")
def path(talk: CodedTalk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The talk's sound: it says where it is, and is loud where something is said."""
    blocks = coded_samples(0, SECONDS * 100).reshape(-1, RATE_HZ // 100)
    noise = np.random.default_rng(1).integers(-12000, 12000, blocks.shape)
    for sentence in talk.sentences:
        spoken = slice(int(str(sentence["begin_ms"])) // 10, int(str(sentence["end_ms"])) // 10)
        blocks[spoken, 2:] = noise[spoken, 2:]
    path = tmp_path_factory.mktemp("sound") / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(blocks.astype("<i2").tobytes())
    return path


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """What runs in the background ends with the generator, or a moment later."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive(), thread


def opener(path: Path):
    return lambda control: open_source(str(path), notice=control.notice)


def finals(events: list[Event]) -> list[tuple[object, ...]]:
    sentences = [event.sentence for event in events if isinstance(event, FinalResult)]
    return [(each.index, each.text, each.begin_ms, each.end_ms) for each in sentences]


def split_run(
    talk: CodedTalk, path: Path, split: Split, *faults: str, protocol: str = "run-task", **fields
) -> tuple[list[Event], AsrcliError | None]:
    """All events of a run in parts, and what it ended with."""
    events: list[Event] = []
    speed, control = fields.pop("speed", 50.0), fields.pop("control", None) or Control()
    with running_service(talk.recognizer, faults=tuple(map(parse_fault, faults))) as service:
        run = engine(service.url, Cut(protocol, faults, speed), **fields)
        try:
            events.extend(transcribe_split(opener(path), split, run, control))
        except AsrcliError as error:
            return events, error
    return events, None


def cuts(path: Path, parts: int = PARTS, control: Control | None = None) -> Split:
    """What the source has to tell goes to `control`."""
    control = control or Control()
    with contextlib.closing(opener(path)(control)) as source:
        return plan_split(source, parts, control)


# --- the plan -------------------------------------------------------------------------------------------------------


def test_the_plan_cuts_in_silence_near_equal_parts(talk, path):
    split = cuts(path)
    assert (split.duration_ms, split.notices) == (60_000, ())
    assert [at for at in split.cuts_ms if any(b < at < e for _, _, b, e in talk.told())] == []
    assert np.diff([0, *split.cuts_ms, 60_000]) == pytest.approx([15_000] * PARTS, abs=4000)


def test_what_stays_one_part_is_not_even_read():
    def refuse() -> None:
        raise AssertionError("read")

    assert plan_split(ToneSource(0.0, after=refuse), 1, Control()) == Split()


def test_a_short_file_is_cut_into_fewer_parts_and_says_so(tmp_path):
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(RATE_HZ * 12), RATE_HZ)
    split = cuts(path, 8)
    assert (split.cuts_ms, split.duration_ms) == ((6000,), 12_000)
    (notice,) = split.notices
    assert notice.message == f"{path} lasts 12.0 s: 2 parts instead of 8"
    soundfile.write(path, np.zeros(RATE_HZ * 3), RATE_HZ)
    assert cuts(path, 2).notices[0].message.endswith("lasts 3.0 s: 1 part instead of 2")


def test_a_file_without_silence_is_cut_at_the_quietest_points_and_says_so_once(path, tmp_path):
    samples, _ = soundfile.read(path)
    dense = tmp_path / "dense.wav"
    # Seven tenths of each second are loud.
    loud = np.concatenate([np.r_[samples[1600 * 16 : 2300 * 16], samples[: 300 * 16]] for _ in range(40)])
    soundfile.write(dense, loud, RATE_HZ)
    split = cuts(dense)
    assert all(700 <= at % 1000 <= 1000 for at in split.cuts_ms)
    (notice,) = split.notices
    assert "has no silence of 0.5 s near 3 of 3 cuts" in notice.message


def test_a_stream_cannot_be_split(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match=r"--split needs a file: .*pipe is a stream"):
        cuts(tmp_path / "pipe")


@pytest.mark.parametrize("parts", [0, -3, MAX_PARTS + 1])
def test_a_number_of_parts_that_makes_no_sense_is_refused(parts):
    with pytest.raises(UsageError, match=f"--split {parts} is not within 1 to 100 parts"):
        check_split(parts, ["a.wav"])


def test_standard_input_cannot_be_split():
    with pytest.raises(UsageError, match="--split needs a file"):
        check_split(2, ["a.wav", "-"])
    check_split(1, ["-"])
    check_split(MAX_PARTS, ["a.wav"])


def test_a_stop_ends_the_look_at_the_file(path):
    control = Control()
    control.stop(2)
    with pytest.raises(Interrupted):
        cuts(path, 2, control)


# --- the run --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("speed", [None, 50.0])
def test_the_whole_talk_is_told_in_order(talk, path, protocol, speed):
    events, error = split_run(talk, path, cuts(path), protocol=protocol, speed=speed)
    assert error is None
    assert finals(events) == talk.told()
    sent = [event.end_ms for event in events if isinstance(event, AudioSent | AudioFinished)]
    assert sent == sorted(sent)
    assert [event for event in events if isinstance(event, AudioFinished)] == [AudioFinished(60_000)]
    assert sum(isinstance(event, LinkReady) for event in events) == 1
    assert sum(isinstance(event, SessionStarted) for event in events) == PARTS


def test_results_follow_their_partial_results(talk, path):
    """A partial result belongs to the sentence that is told next: none of a part that has to wait is told."""
    events, _ = split_run(talk, path, cuts(path), speed=None)
    done = 0
    for event in events:
        if isinstance(event, PartialResult):
            assert event.sentence.index == done + 1
        done += isinstance(event, FinalResult)


@pytest.mark.parametrize("at_ms", [14_000, 14_370, 14_990, 15_990])
def test_no_word_is_lost_or_doubled_wherever_in_a_pause_it_is_cut(talk, path, at_ms):
    """Even where the first word follows after a hundredth of a second."""
    events, _ = split_run(talk, path, Split((at_ms,), 60_000), speed=None)
    assert finals(events) == talk.told()


@needs_ffmpeg
def test_a_source_is_opened_once_to_be_looked_at_and_once_for_each_part(talk, damaged):
    """And what it has to tell it tells once, whoever reads it."""
    opened: list[Source] = []

    def open_counted(control: Control) -> Source:
        opened.append(open_source(str(damaged), notice=control.notice))
        return opened[-1]

    with running_service(talk.recognizer) as service:
        run = engine(service.url, Cut("run-task", (), None))
        told = list(transcribe_each_split([Job(open_counted)], run, PARTS))
    assert len(opened) == 1 + PARTS
    assert told[0] == (0, opened[0])
    assert told[-1] == (0, Ended())
    assert [what.truncated for _, what in told if isinstance(what, Notice)] == [False, True]


def test_a_file_that_stays_whole_is_recognised_whole(talk, path):
    events, _ = split_run(talk, path, Split((), None, (Notice("planned"),)), speed=None)
    assert events[0] == Notice("planned")
    assert finals(events) == talk.told()


def test_a_link_lost_in_one_part_costs_nothing(talk, path):
    events, error = split_run(talk, path, cuts(path), "reset@4s#3")
    assert error is None
    assert finals(events) == talk.told()
    (again,) = [event for event in events if isinstance(event, Reconnecting)]
    assert any(0 <= again.resume_ms - begin <= 4000 for begin in (0, *cuts(path).cuts_ms))


def test_what_one_part_fails_at_is_named_after_all_else_was_told(talk, path):
    split = cuts(path)
    events, error = split_run(talk, path, split, "fail=InvalidParameter@8s#2")
    assert isinstance(error, ServiceError)
    borders = (0, *split.cuts_ms, 60_000)
    heard = [text for _, text, _, _ in finals(events)]
    lost = [sentence for sentence in talk.told() if sentence[1] not in heard]
    part = next(k for k in range(PARTS) if borders[k] <= lost[0][2] < borders[k + 1])
    # The last sentence before the failure ended there.
    from_ms = max(end for _, text, begin, end in talk.told() if text in heard and begin < borders[part + 1])
    until = f"{borders[part + 1] // 60000}:{borders[part + 1] // 1000 % 60:02d}"
    assert error.missing == ((from_ms, borders[part + 1]),)
    assert f"; nothing was recognised from 0:{from_ms // 1000:02d} to {until}" in words(error)
    assert [sentence[1:] for sentence in finals(events)] == [s[1:] for s in talk.told() if s not in lost]
    assert [sentence[0] for sentence in finals(events)] == list(range(1, len(talk.told()) - len(lost) + 1))
    assert all(from_ms <= begin and end <= borders[part + 1] for _, _, begin, end in lost)


@pytest.fixture
def damaged(path, tmp_path) -> Path:
    """The talk with some bytes changed after three quarters of it."""
    samples, _ = soundfile.read(path)
    damaged = tmp_path / "damaged.flac"
    soundfile.write(damaged, samples, RATE_HZ)
    data = bytearray(damaged.read_bytes())
    data[len(data) * 3 // 4 : len(data) * 3 // 4 + 6000] = b"\xaa" * 6000
    damaged.write_bytes(data)
    return damaged


@needs_ffmpeg
def test_a_damaged_file_is_recognised_to_its_end_and_the_damage_told_once(talk, damaged):
    control = Control()
    split = cuts(damaged, control=control)
    events, error = split_run(talk, damaged, split, control=control)
    assert split.from_start
    assert error is None
    notices = [event for event in events if isinstance(event, Notice)]
    assert [notice.truncated for notice in notices] == [False, True]
    # What is missing lies in one sentence.
    heard = [text for _, text, _, _ in finals(events)]
    assert len([sentence for sentence in talk.told() if sentence[1] not in heard]) <= 1


def test_a_file_that_breaks_off_is_recognised_as_far_as_it_goes(talk, damaged, tmp_path, monkeypatch):
    hide_ffmpeg(monkeypatch, tmp_path / "none")
    split = cuts(damaged)
    assert split.duration_ms is not None
    assert 30_000 < split.duration_ms < 58_000
    events, error = split_run(talk, damaged, split)
    assert isinstance(error, DecodeError)
    assert "it is damaged after" in error.message
    assert "nothing was recognised" not in words(error)
    complete = [sentence for sentence in talk.told() if sentence[3] <= split.duration_ms]
    assert finals(events)[: len(complete)] == complete


# --- ends -----------------------------------------------------------------------------------------------------------


def test_a_stop_reaches_all_parts_and_what_was_said_is_told(talk, path):
    control, events = Control(), []
    with running_service(talk.recognizer) as service:
        run = engine(service.url, Cut("run-task", (), 5.0), tick_s=0.05)
        for event in transcribe_split(opener(path), cuts(path), run, control):
            events.append(event)
            if isinstance(event, AudioSent) and event.end_ms > PARTS * 5000 and control.stopped_by is None:
                control.stop(2)
    (finished,) = [event for event in events if isinstance(event, AudioFinished)]
    assert PARTS * 5000 < finished.end_ms < 50_000
    heard = [text for _, text, _, _ in finals(events)]
    assert len(heard) >= PARTS
    assert set(heard) <= {text for _, text, _, _ in talk.told()}


def test_a_second_stop_ends_it_at_once(talk, path):
    control = Control()
    with running_service(talk.recognizer, faults=(parse_fault("stall@2s"),)) as service:
        run = engine(service.url, Cut("run-task", (), 5.0), tick_s=0.05)
        with pytest.raises(Interrupted):
            for event in transcribe_split(opener(path), cuts(path), run, control):
                if isinstance(event, AudioSent) and event.end_ms > PARTS * 3000 and control.stopped_by is None:
                    control.stop(2)
                    control.stop(2)


def test_a_stop_before_it_began_is_an_interruption(talk, path):
    control = Control()
    control.stop(15)
    with running_service(talk.recognizer) as service, pytest.raises(Interrupted) as caught:
        list(transcribe_split(opener(path), cuts(path), engine(service.url, Cut("run-task", ())), control))
    assert caught.value.signal_number == 15


def test_what_the_outside_has_to_tell_is_told(talk, path):
    control = Control()
    control.notice("by the way", truncated=True)
    with running_service(talk.recognizer) as service:
        events = list(transcribe_split(opener(path), cuts(path), engine(service.url, Cut("run-task", ())), control))
    assert Notice("by the way", truncated=True) in events


def test_closing_it_ends_all_parts(talk, path):
    with running_service(talk.recognizer) as service:
        events = transcribe_split(opener(path), cuts(path), engine(service.url, Cut("run-task", (), 1.0)), Control())
        assert any(isinstance(event, AudioSent) for event in events)
        events.close()


def test_the_figures_are_those_of_the_whole(talk, path):
    metrics = Metrics("talk.wav", SystemClock())
    events, _ = split_run(talk, path, cuts(path))
    for event in events:
        metrics.observe(event)
    summary = metrics.summary(complete=True)
    assert (summary.audio_ms, summary.sentences, len(summary.task_ids)) == (60_000, 12, PARTS)
    assert summary.billed_s == pytest.approx(60, abs=PARTS)

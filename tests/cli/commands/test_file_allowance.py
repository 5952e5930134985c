"""`asrcli file --rate N/s --slots N`: what an account allows is never exceeded, as the service sees it."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from asrcli.service.faults.kinds import parse_fault
from tests.support.account import Seen, busiest
from tests.support.service import TALK_WAV, running_service

FAULTS = ("reset@0.2s#1-2", "fail=Throttling.RateQuota#3", "close=1011@0.3s#5", "reset@0.1s#7-9", "refuse=429#10")


@pytest.fixture(scope="module")
def tone(tmp_path_factory):
    """Half a second, which is what many files are for a start, and no silence, which is not sent again after a loss."""
    path = tmp_path_factory.mktemp("tones") / "tone.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(8000) * 0.2), 16000)
    return path


@pytest.mark.parametrize(
    "command", [("file",), ("file", "--protocol", "realtime", "--model", "qwen3-asr-flash-realtime")]
)
def test_neither_the_rate_nor_the_slots_are_exceeded_whatever_happens(asrcli, tone, command):
    with running_service(faults=tuple(map(parse_fault, FAULTS))) as service:
        seen = Seen(service)
        limits = ("--rate", "20/s", "--slots", 6, "--pace", "fast", "-q")
        done = asrcli(*command, *[tone] * 40, "--endpoint", service.url, *limits)
    assert done.code == 0, done.err
    starts = seen.connections if "realtime" in command else seen.starts
    # Each of the first three links has one that must try again; which of the others are made hangs on chance.
    assert 43 <= len(starts) <= 55
    assert busiest(starts) <= 20
    assert 1 <= seen.most <= 6


def test_the_parts_of_a_file_share_the_slots_and_the_rate(asrcli):
    with running_service() as service:
        seen = Seen(service)
        limits = ("--split", 4, "--slots", 2, "--rate", "3/s", "--pace", "fast", "-q")
        done = asrcli("file", TALK_WAV, TALK_WAV, "--endpoint", service.url, *limits)
    assert done.code == 0, done.err
    assert len(seen.starts) == 8
    assert busiest(seen.starts) <= 3
    assert seen.most <= 2


def test_without_jobs_as_many_run_as_there_are_slots_and_with_them_no_more_than_those(asrcli, tone):
    most = []
    for jobs in ((), ("--jobs", 2), ("--jobs", 9)):
        with running_service() as service:
            seen = Seen(service)
            options = ("--endpoint", service.url, "--slots", 4, "--pace", 2, "-q")
            done = asrcli("file", *[tone] * 8, *options, *jobs)
        assert done.code == 0, done.err
        most.append(seen.most)
    assert most == [4, 2, 4]


@pytest.mark.parametrize("rate", ["20/h", "0/s", "-1/s", "20 /s", "fast"])
def test_a_rate_that_cannot_be_is_refused_in_one_line(asrcli, rate):
    done = asrcli("file", TALK_WAV, "--rate", rate, "--region", "local")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert f"--rate {rate} is neither so many starts in a second or a minute nor a sample rate" in done.err


def test_starts_without_their_unit_are_told_how_they_are_written(asrcli):
    done = asrcli("file", TALK_WAV, "--rate", 5, "--region", "local")
    assert done.code == 2
    assert done.err.startswith("asrcli: error: --rate 5 is neither")
    assert "(so many starts in a second are 5/s, and a sample rate is 1000 Hz at least)\n" in done.err


def test_one_option_says_how_fast_sessions_start(asrcli):
    done = asrcli("file", TALK_WAV, "--rate", "20/s", "--starts-per-minute", 60, "--region", "local")
    assert done.code == 2
    assert "--rate 20/s and --starts-per-minute exclude each other" in done.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("rate = 16000", ""),
        ("rate = 5", "5/s"),
        ('rate = "999"', "999/s"),
        ("rate = 1000", ""),
        ('rate = "16000"', ""),
        ('rate = "20/s"', ""),
        ('rate = "20/h"', "20/s, 600/min"),
    ],
)
def test_configuration_files_say_it_as_a_number_or_a_text(asrcli, tmp_path, monkeypatch, line, said):
    (tmp_path / "asrcli.toml").write_text(f"[file]\n{line}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = asrcli("config", "check")
    assert (done.code, said in done.err + done.out) == (1 if said else 0, True)


def test_of_moments_the_busiest_stretch_is_found():
    assert busiest([], 1) == 0
    assert busiest([0, 1, 2], 1) == 1
    assert busiest([0, 0.5, 0.9, 1.2, 3], 1) == 3

"""Engines of one run, whose sessions are made in several ways."""

from __future__ import annotations

from asrcli.engine.build import Surroundings, all_built, build
from asrcli.engine.spec import Spec
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import Endpoint, RecognitionOptions


def spec(rate_hz: int = 16000) -> Spec:
    options = RecognitionOptions("m", PcmFormat(rate_hz))
    return Spec("run-task", options, Endpoint("ws://127.0.0.1:1", "k"), saves_bytes=True, starts_per_minute=60)


def test_they_share_the_loop_the_turns_and_what_is_known_of_the_network() -> None:
    with all_built([spec(), spec(8000)], [Surroundings(), Surroundings(tick_s=1.0)]) as (first, second):
        assert second.loop is first.loop
        assert second.starts is first.starts is not None
        assert second.economy is first.economy is not None
        assert second.tick_s == 1.0
        rates_hz = [each.new_protocol(None).audio_format.sample_rate_hz for each in (first, second)]
    assert rates_hz == [16000, 8000]


def test_those_of_two_runs_share_nothing() -> None:
    first, second = build(spec()), build(spec())
    assert first.loop is not second.loop
    assert first.starts is not second.starts
    assert first.economy is not second.economy
